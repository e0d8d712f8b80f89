//! Primitives in statics have the line of their constant, and are recorded at their first use.
#![cfg(feature = "lock")]

use futures_lite::future::block_on;
use insight_model::Model;
use insight_probe::{Executor, Kind, Observed, Recorder, RecorderConfig, name};
use insight_sync::lock::{Barrier, Mutex, OnceCell, RwLock, Semaphore};
use std::panic::Location;

static EXECUTOR: Executor = Executor::new("hand", "1.0", || None);

const FIRST: u32 = line!() + 1;
static MUTEX: Mutex<u8> = Mutex::new(1);
static LOCK: RwLock<u8> = RwLock::new(1);
static PERMITS: Semaphore = Semaphore::new(2);
static BARRIER: Barrier = Barrier::new(1);
static CELL: OnceCell<u8> = OnceCell::new();
static NOT_USED: Mutex<u8> = Mutex::new(1);

#[test]
fn statics() {
    let mut recorder = Recorder::start(RecorderConfig::default()).unwrap();
    let body = async {
        *MUTEX.lock().await += 1;
        *LOCK.write().await += 1;
        drop(PERMITS.acquire().await);
        assert!(BARRIER.wait().await.is_leader());
        assert_eq!(*CELL.get_or_init(async || 3).await, 3);
    };
    block_on(Observed::new(body, &EXECUTOR, Kind::Task, Location::caller()));
    name(&MUTEX, "counter");
    let (mut messages, mut model) = (Vec::new(), Model::default());
    recorder.collect_now(&mut messages);
    messages.iter().for_each(|message| model.apply(message));
    let seen = |resource: &insight_model::Resource| {
        let line = resource.location.as_ref().map_or(0, |location| location.place.line);
        (line - FIRST, resource.kind.to_string(), resource.name.as_deref().map(str::to_owned))
    };
    let mut seen: Vec<_> = model.resources.values().map(seen).collect();
    seen.sort();
    let kinds = ["mutex", "rwlock", "semaphore", "barrier", "once_cell"];
    let mut expect: Vec<_> = kinds.iter().zip(0..).map(|(kind, line)| (line, (*kind).to_owned(), None)).collect();
    expect[0].2 = Some("counter".to_owned());
    assert_eq!(seen, expect);
    assert_eq!(*NOT_USED.try_lock().unwrap(), 1);
}
