//! What a poll and a lock cost on the real tokio, with the layer and without: `cargo bench -p insight-tracing`, and the same
//! with `RUSTFLAGS="--cfg tokio_unstable"`.

use insight_probe::{Recorder, RecorderConfig};
use std::time::Instant;
use tokio::runtime::Builder;
use tokio::task::yield_now;
use tracing_subscriber::layer::SubscriberExt;

const POLLS: u32 = 200_000;
const SPAWNS: u32 = 20_000;

/// The least of several runs, in nanoseconds each.
fn measure() -> [u128; 3] {
    let runtime = Builder::new_current_thread().build().unwrap();
    let least = |count: u32, run: &dyn Fn()| {
        let runs = (0..7).map(|_| {
            let start = Instant::now();
            run();
            start.elapsed().as_nanos() / u128::from(count)
        });
        runs.min().unwrap_or(0)
    };
    let polls = || {
        let task = runtime.spawn(async {
            for _ in 0..POLLS {
                yield_now().await;
            }
        });
        runtime.block_on(task).unwrap();
    };
    let locks = || {
        let task = runtime.spawn(async {
            let lock = tokio::sync::Mutex::new(());
            for _ in 0..SPAWNS {
                drop(lock.lock().await);
            }
        });
        runtime.block_on(task).unwrap();
    };
    let spawns = || {
        runtime.block_on(async {
            for _ in 0..SPAWNS {
                tokio::spawn(async {}).await.unwrap();
            }
        });
    };
    [least(POLLS, &polls), least(SPAWNS, &locks), least(SPAWNS, &spawns)]
}

fn main() {
    let say = |what: &str, [poll, lock, spawn]: [u128; 3]| {
        println!("{what:28} poll {poll:6} ns   lock {lock:6} ns   spawn and join {spawn:6} ns");
    };
    say("no subscriber", measure());
    tracing::subscriber::set_global_default(tracing_subscriber::registry().with(insight_tracing::layer())).unwrap();
    say("the layer, recording off", measure());
    let mut recorder = Recorder::start(RecorderConfig::default()).unwrap();
    let collects = std::thread::spawn(move || {
        loop {
            let mut messages = Vec::new();
            recorder.collect(&mut messages);
            std::thread::park_timeout(std::time::Duration::from_millis(10));
        }
    });
    say("the layer, recording on", measure());
    drop(collects);
}
