//! What the facade costs beside plain tokio: `cargo bench -p insight-tokio --features full`, and after `--` a part
//! of the names of the rows that are wanted.
//!
//! Each row is one operation on a current-thread runtime; each variant runs in fresh processes, interleaved with the
//! others, and the minimum of their CPU times (on Linux; elsewhere of wall times) is shown, and its ratio to plain
//! tokio's. `off` is the facade without `insight::init()`; `on` records, and a thread collects every 50 ms.

use insight_probe::{Recorder, RecorderConfig};
use std::process::Command;
use std::time::{Duration, Instant};

const ROUNDS: usize = 7;
const OPERATIONS: [&str; 10] = [
    "poll",
    "spawn+join",
    "lock+unlock",
    "read+release",
    "acquire+release",
    "send+recv",
    "oneshot",
    "notify",
    "timeout(ready)",
    "timeout(yield)",
];
const HOUR: Duration = Duration::from_secs(3600);
const VARIANTS: [&str; 3] = ["plain", "off", "on"];

/// Nanoseconds of CPU time an operation, after a tenth of them to warm up.
macro_rules! measure {
    ($count:expr, $operation:expr) => {{
        let mut start = Duration::ZERO;
        for n in 0..$count / 10 + $count {
            if n == $count / 10 {
                start = cpu_time();
            }
            $operation
        }
        (cpu_time() - start).as_nanos() as f64 / f64::from($count)
    }};
}

macro_rules! operations {
    ($tokio:ident, $operation:expr) => {{
        let operation: String = $operation.to_owned();
        let mut builder = $tokio::runtime::Builder::new_current_thread();
        if operation.starts_with("timeout") {
            builder.enable_time();
        }
        let runtime = builder.build().unwrap();
        let task = runtime.spawn(async move {
            match &*operation {
                "poll" => measure!(5_000_000, $tokio::task::yield_now().await),
                "spawn+join" => measure!(1_000_000, {
                    let state = std::hint::black_box([1_u64; 16]);
                    $tokio::spawn(async move { std::hint::black_box(state) }).await.unwrap();
                }),
                "lock+unlock" => {
                    let mutex = $tokio::sync::Mutex::new(0_u64);
                    measure!(5_000_000, *mutex.lock().await += 1)
                }
                "timeout(ready)" => measure!(5_000_000, {
                    $tokio::time::timeout(HOUR, std::future::ready(1)).await.unwrap();
                }),
                // The timer is registered, waited for in one poll, and given up.
                "timeout(yield)" => measure!(2_000_000, {
                    $tokio::time::timeout(HOUR, $tokio::task::yield_now()).await.unwrap();
                }),
                "oneshot" => measure!(5_000_000, {
                    let (sender, receiver) = $tokio::sync::oneshot::channel();
                    sender.send(std::hint::black_box(1_u64)).unwrap();
                    receiver.await.unwrap();
                }),
                "notify" => {
                    let notify = $tokio::sync::Notify::new();
                    measure!(5_000_000, {
                        notify.notify_one();
                        notify.notified().await;
                    })
                }
                "read+release" => {
                    let lock = $tokio::sync::RwLock::new(1_u64);
                    measure!(5_000_000, drop(std::hint::black_box(lock.read().await)))
                }
                "acquire+release" => {
                    let semaphore = $tokio::sync::Semaphore::new(2);
                    measure!(5_000_000, drop(semaphore.acquire().await.unwrap()))
                }
                _ => {
                    let (sender, mut receiver) = $tokio::sync::mpsc::channel(64);
                    measure!(5_000_000, {
                        sender.send(1_u64).await.unwrap();
                        receiver.recv().await.unwrap();
                    })
                }
            }
        });
        runtime.block_on(task).unwrap()
    }};
}

fn cpu_time() -> Duration {
    static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
    let on_cpu = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    match on_cpu.and_then(|text| text.split(' ').next()?.parse().ok()) {
        Some(ns) => Duration::from_nanos(ns),
        None => START.get_or_init(Instant::now).elapsed(),
    }
}

fn child(variant: &str, operation: &str) -> f64 {
    if variant == "plain" {
        return operations!(real, operation);
    }
    if variant == "on" {
        let mut recorder = Recorder::start(RecorderConfig::default()).expect("the first recorder");
        std::thread::spawn(move || {
            let mut messages = Vec::new();
            loop {
                recorder.collect(&mut messages);
                messages.clear();
                std::thread::sleep(Duration::from_millis(50));
            }
        });
    }
    operations!(insight_tokio, operation)
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, child_of, variant, operation] = &arguments[..]
        && child_of == "--child"
    {
        println!("{}", child(variant, operation));
        return;
    }
    let this = std::env::current_exe().expect("the path of this program");
    println!("| operation | plain tokio | off | on |\n|---|---|---|---|");
    let asked =
        |operation: &&&str| arguments[1..].iter().all(|word| word.starts_with("--") || operation.contains(&**word));
    for operation in OPERATIONS.iter().filter(asked) {
        let mut best = [f64::INFINITY; VARIANTS.len()];
        for _ in 0..ROUNDS {
            for (variant, best) in VARIANTS.iter().zip(&mut best) {
                let output =
                    Command::new(&this).args(["--child", variant, operation]).output().expect("a child process");
                let text = String::from_utf8_lossy(&output.stdout);
                *best = best.min(text.trim().parse().expect("a child prints a number"));
            }
        }
        let [plain, off, on] = best;
        let row = |ns: f64| format!("{ns:.1} ns (+{:.1}, x{:.2})", ns - plain, ns / plain);
        println!("| {operation} | {plain:.1} ns | {} | {} |", row(off), row(on));
    }
}
