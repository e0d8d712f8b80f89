//! Many waiting tasks.

use crate::arguments::Arguments;
use crate::load::client::Client;
use crate::measure::resident;
use crate::runtime::{run, spawn, yield_now};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// Shortest pause of the program for which context switches are counted.
const PAUSE: Duration = Duration::from_micros(30);

/// Spawns tasks that wait for a notification.
async fn park(count: u64) {
    let never = Arc::new(Notify::new());
    for number in 0..count {
        let never = never.clone();
        spawn(async move { never.notified().await });
        // The tasks reach their wait before all of them are spawned.
        if number % 1024 == 0 {
            yield_now().await;
        }
    }
    yield_now().await;
}

/// Waits until the memory of this process has not grown for a second.
fn settle() {
    let (mut most, mut since) = (0, Instant::now());
    let deadline = Instant::now() + Duration::from_secs(60);
    while since.elapsed() < Duration::from_secs(1) && Instant::now() < deadline {
        let (now, _) = resident();
        if now > most {
            (most, since) = (now, Instant::now());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Measures the memory of a live task.
pub fn memory(arguments: &Arguments) {
    let count = arguments.number("tasks", 100_000);
    // The workers, their stacks and the first blocks already exist.
    run(park(100));
    settle();
    let (before, _) = resident();
    run(park(count));
    settle();
    let (after, most) = resident();
    let each = |bytes: u64| bytes.saturating_sub(before) as f64 / count as f64;
    println!("measured bytes={:.0} peak_bytes={:.0}", each(after), each(most));
}

/// Measures the stall of the program while a client gets its first complete snapshot.
pub fn snapshot(arguments: &Arguments, address: Option<SocketAddr>) {
    run(park(arguments.number("tasks", 100_000)));
    settle();
    let (before, before_here) = run(yield_until(Arc::new(AtomicBool::new(false)), Duration::from_secs(1)));
    let Some(address) = address else {
        println!("measured stall_before_ms={} own_before_ms={}", ms(before), ms(before_here));
        return;
    };
    let client = Client::start(&arguments.program_of_client(), address, "follow");
    let (longest, here) = stall(client);
    println!(
        "measured stall_before_ms={} own_before_ms={} stall_ms={} own_ms={}",
        ms(before),
        ms(before_here),
        ms(longest),
        ms(here)
    );
}

/// Measures the time until a client knows the awaits of all tasks, and the stall of the program until then.
pub fn named(arguments: &Arguments, address: Option<SocketAddr>) {
    run(park_in_12_places(arguments.number("tasks", 100_000)));
    settle();
    let Some(address) = address else {
        println!("measured named=0");
        return;
    };
    let (longest, here) = stall(Client::start(&arguments.program_of_client(), address, "name"));
    println!("measured named_stall_ms={} named_own_ms={}", ms(longest), ms(here));
}

/// Spawns tasks that wait in 12 places.
async fn park_in_12_places(count: u64) {
    let never = Arc::new(Notify::new());
    for number in 0..count {
        let never = never.clone();
        let waits = async move { never.notified().await };
        drop(match number % 12 {
            0 => spawn(waits),
            1 => spawn(waits),
            2 => spawn(waits),
            3 => spawn(waits),
            4 => spawn(waits),
            5 => spawn(waits),
            6 => spawn(waits),
            7 => spawn(waits),
            8 => spawn(waits),
            9 => spawn(waits),
            10 => spawn(waits),
            _ => spawn(waits),
        });
        if number % 1024 == 0 {
            yield_now().await;
        }
    }
    yield_now().await;
}

/// Measures the stall of the program while a client does its work: its longest, and its longest without a context switch.
fn stall(mut client: Client) -> (Duration, Duration) {
    let done = Arc::new(AtomicBool::new(false));
    let theirs = done.clone();
    let watcher = std::thread::spawn(move || {
        client.go();
        client.line();
        theirs.store(true, Ordering::Relaxed);
        client
    });
    let stall = run(yield_until(done, Duration::from_secs(30)));
    drop(watcher.join());
    stall
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// Yields until `done`. Returns the longest time between two of its polls, and the longest without a context switch of the
/// thread.
async fn yield_until(done: Arc<AtomicBool>, most: Duration) -> (Duration, Duration) {
    let (mut longest, mut longest_here) = (Duration::ZERO, Duration::ZERO);
    let start = Instant::now();
    let mut last = start;
    let mut switches = switches_of_this_thread();
    while !done.load(Ordering::Relaxed) && last - start < most {
        yield_now().await;
        let now = Instant::now();
        let pause = now - last;
        if pause > PAUSE {
            longest = longest.max(pause);
            let switched = switches_of_this_thread();
            if std::mem::replace(&mut switches, switched) == switched {
                longest_here = longest_here.max(pause);
            }
        }
        // Not `now`, since counting the switches took time that is not the program's.
        last = if pause > PAUSE { Instant::now() } else { now };
    }
    (longest, longest_here)
}

/// Number of context switches of this thread, voluntary or not.
fn switches_of_this_thread() -> i64 {
    // SAFETY: a `rusage` is numbers, for which zero is valid.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: `usage` is valid to be written.
    unsafe { libc::getrusage(libc::RUSAGE_THREAD, &mut usage) };
    usage.ru_nvcsw + usage.ru_nivcsw
}
