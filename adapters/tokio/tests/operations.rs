//! Detail `operations`: the exact journal of small programs.
//!
//! Each program runs on a runtime of one thread, so its journal is the same in each run.
#![cfg(feature = "full")]

extern crate insight_tokio as tokio;

use insight_test_kit::check_journal;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::sync::*;
use tokio::task::{JoinSet, yield_now};

/// Runs `program` as task `a`, and compares its journal.
fn check<F: Future<Output = ()>>(program: impl FnOnce() -> F, expect: &[&str]) {
    check_journal(|| Builder::new_current_thread().enable_all().build().unwrap().block_on(program()), expect);
}

#[test]
fn a_free_mutex() {
    check(
        || async {
            let mutex = Mutex::new(0);
            drop(mutex.lock().await);
            let guard = mutex.try_lock().unwrap();
            assert!(mutex.try_lock().is_err());
            drop(guard);
        },
        &[
            "a begun 1 lock mutex",
            "a claimed 1",
            "a held 2 mutex exclusive",
            "a released 2",
            "a begun 3 lock mutex",
            "a claimed 3 succeeded",
            "a held 4 mutex exclusive",
            "a begun 5 lock mutex",
            "a claimed 5 unavailable",
            "a released 4",
        ],
    );
}

#[test]
fn a_contended_mutex_is_handed_over() {
    check(
        || async {
            let mutex = Arc::new(Mutex::new(0));
            let guard = mutex.lock().await;
            let locks = tokio::spawn({
                let mutex = mutex.clone();
                async move { drop(mutex.lock().await) }
            });
            yield_now().await;
            drop(guard);
            locks.await.unwrap();
        },
        &[
            "a begun 1 lock mutex",
            "a claimed 1",
            "a held 2 mutex exclusive",
            "b begun 3 lock mutex",
            "b pending 3",
            "a released 2",
            "a granted 3",
            "a begun 4 join b",
            "a pending 4",
            "b claimed 3",
            "b held 5 mutex exclusive",
            "b released 5",
            "- granted 4",
            "a claimed 4",
        ],
    );
}

#[test]
fn the_loser_of_a_select_is_abandoned() {
    check(
        || async {
            let mutex = Mutex::new(0);
            let (sender, mut receiver) = mpsc::channel::<u32>(1);
            let guard = mutex.lock().await;
            sender.try_send(1).unwrap();
            tokio::select! {
                biased;
                _ = mutex.lock() => unreachable!("it is locked"),
                message = receiver.recv() => assert_eq!(message, Some(1)),
            }
            drop(guard);
        },
        &[
            "a begun 1 lock mutex",
            "a claimed 1",
            "a held 2 mutex exclusive",
            "a begun 3 send channel",
            "a claimed 3 succeeded",
            "a begun 4 lock mutex",
            "a pending 4",
            "a begun 5 recv channel",
            "a claimed 5",
            "a abandoned 4",
            "a released 2",
        ],
    );
}

#[test]
fn readers_and_a_writer() {
    check(
        || async {
            let lock = RwLock::new(0);
            let first = lock.read().await;
            let second = lock.try_read().unwrap();
            assert!(lock.try_write().is_err());
            drop((first, second));
            drop(lock.write().await.downgrade());
        },
        &[
            "a begun 1 read rwlock",
            "a claimed 1",
            "a held 2 rwlock shared",
            "a begun 3 read rwlock",
            "a claimed 3 succeeded",
            "a held 4 rwlock shared",
            "a begun 5 write rwlock",
            "a claimed 5 unavailable",
            "a released 2",
            "a released 4",
            "a begun 6 write rwlock",
            "a claimed 6",
            "a held 7 rwlock exclusive",
            "a moved 7 shared",
            "a released 7",
        ],
    );
}

#[test]
fn permits_that_are_split_forgotten_and_added() {
    check(
        || async {
            let semaphore = Semaphore::new(3);
            let mut permit = semaphore.acquire_many(3).await.unwrap();
            assert!(semaphore.try_acquire().is_err());
            let part = permit.split(1).unwrap();
            part.forget();
            drop(permit);
            semaphore.add_permits(2);
            semaphore.close();
            assert!(semaphore.acquire().await.is_err());
        },
        &[
            "a begun 1 acquire semaphore x3",
            "a claimed 1",
            "a held 2 semaphore permit x3",
            "a begun 3 acquire semaphore",
            "a claimed 3 unavailable",
            "a moved 2 permit x2",
            "a held 4 semaphore permit",
            "a begun 5 forget_permits semaphore",
            "a released 4",
            "a claimed 5 succeeded",
            "a released 2",
            "a begun 6 add_permits semaphore x2",
            "a claimed 6 succeeded",
            "a begun 7 close semaphore",
            "a claimed 7 succeeded",
            "a begun 8 acquire semaphore",
            "a claimed 8",
        ],
    );
}

#[test]
fn a_full_channel() {
    check(
        || async {
            let (sender, mut receiver) = mpsc::channel(1);
            sender.send(1).await.unwrap();
            assert!(sender.try_send(2).is_err());
            assert!(sender.try_reserve().is_err());
            receiver.recv().await.unwrap();
            sender.reserve().await.unwrap().send(3);
            receiver.close();
            receiver.try_recv().unwrap();
            assert!(receiver.recv().await.is_none());
        },
        &[
            "a begun 1 send channel",
            "a claimed 1",
            "a begun 2 send channel",
            "a claimed 2 unavailable",
            "a begun 3 reserve channel",
            "a claimed 3 unavailable",
            "a begun 4 recv channel",
            "a claimed 4",
            "a begun 5 reserve channel",
            "a claimed 5",
            "a held 6 channel permit",
            "a begun 7 send channel",
            "a released 6",
            "a claimed 7 succeeded",
            "a begun 8 close channel",
            "a claimed 8 succeeded",
            "a begun 9 recv channel",
            "a claimed 9 succeeded",
            "a begun 10 recv channel",
            "a claimed 10",
        ],
    );
}

#[test]
fn a_channel_without_a_bound_wakes_its_receiver() {
    check(
        || async {
            let (sender, mut receiver) = mpsc::unbounded_channel();
            let receives = tokio::spawn(async move { receiver.recv().await });
            yield_now().await;
            sender.send(1).unwrap();
            receives.await.unwrap();
            assert!(sender.send(2).is_err());
        },
        &[
            "b begun 1 recv channel",
            "b pending 1",
            "a begun 2 send channel",
            "a granted 1",
            "a claimed 2 succeeded",
            "a begun 3 join b",
            "a pending 3",
            "b claimed 1",
            "- granted 3",
            "a claimed 3",
            "a begun 4 send channel",
            "a claimed 4 closed",
        ],
    );
}

#[test]
fn channels_for_one_message() {
    check(
        || async {
            let (sender, receiver) = oneshot::channel();
            sender.send(1).unwrap();
            receiver.await.unwrap();
            let (sender, mut receiver) = oneshot::channel::<u32>();
            assert!(receiver.try_recv().is_err());
            receiver.close();
            assert!(sender.send(2).is_err());
        },
        &[
            "a begun 1 send oneshot",
            "a claimed 1 succeeded",
            "a begun 2 recv oneshot",
            "a claimed 2",
            "a begun 3 recv oneshot",
            "a claimed 3 unavailable",
            "a begun 4 close oneshot",
            "a claimed 4 succeeded",
            "a begun 5 send oneshot",
            "a claimed 5 closed",
        ],
    );
}

#[test]
fn watched_values_and_broadcasts() {
    check(
        || async {
            let (sender, mut receiver) = watch::channel(0);
            sender.send(1).unwrap();
            receiver.changed().await.unwrap();
            sender.send_replace(2);
            let (sender, mut receiver) = broadcast::channel(2);
            sender.send(1).unwrap();
            receiver.recv().await.unwrap();
            assert!(receiver.try_recv().is_err());
        },
        &[
            "a begun 1 send watch",
            "a claimed 1 succeeded",
            "a begun 2 changed watch",
            "a claimed 2",
            "a begun 3 send watch",
            "a claimed 3 succeeded",
            "a begun 4 send broadcast",
            "a claimed 4 succeeded",
            "a begun 5 recv broadcast",
            "a claimed 5",
            "a begun 6 recv broadcast",
            "a claimed 6 unavailable",
        ],
    );
}

#[test]
fn notifications() {
    check(
        || async {
            let notify = Arc::new(Notify::new());
            notify.notify_one();
            notify.notified().await;
            let notified = tokio::spawn({
                let notify = notify.clone();
                async move { notify.notified().await }
            });
            yield_now().await;
            notify.notify_waiters();
            notified.await.unwrap();
        },
        &[
            "a begun 1 notify_one notify",
            "a claimed 1 succeeded",
            "a begun 2 notified notify",
            "a claimed 2",
            "b begun 3 notified notify",
            "b pending 3",
            "a begun 4 notify_waiters notify",
            "a granted 3",
            "a claimed 4 succeeded",
            "a begun 5 join b",
            "a pending 5",
            "b claimed 3",
            "- granted 5",
            "a claimed 5",
        ],
    );
}

#[test]
fn values_that_are_made_once() {
    check(
        || async {
            let cell = OnceCell::new();
            cell.get_or_init(|| async { 1 }).await;
            cell.get_or_init(|| async { 2 }).await;
            assert!(cell.set(3).is_err());
            let once = SetOnce::new();
            once.set(1).unwrap();
            once.wait().await;
        },
        &[
            "a begun 1 init once_cell",
            "a claimed 1",
            "a held 2 once_cell exclusive",
            "a released 2",
            "a begun 3 init once_cell",
            "a claimed 3 succeeded",
            "a begun 4 set once_cell",
            "a claimed 4 failed",
            "a begun 5 set once_cell",
            "a claimed 5 succeeded",
            "a begun 6 wait once_cell",
            "a claimed 6 succeeded",
        ],
    );
}

#[test]
fn a_barrier_a_set_of_tasks_and_a_timer() {
    check(
        || async {
            let barrier = Arc::new(Barrier::new(2));
            let mut set = JoinSet::new();
            set.spawn({
                let barrier = barrier.clone();
                async move { drop(barrier.wait().await) }
            });
            assert!(set.try_join_next().is_none());
            yield_now().await;
            barrier.wait().await;
            set.join_next().await.unwrap().unwrap();
            tokio::time::sleep(Duration::from_millis(2)).await;
        },
        &[
            "a begun 1 join join",
            "a claimed 1 unavailable",
            "b begun 2 wait barrier",
            "b pending 2",
            "a begun 3 wait barrier",
            "a granted 2",
            "a claimed 3",
            "a begun 4 join join",
            "a pending 4",
            "b claimed 2",
            "- granted 4",
            "a claimed 4",
            "a begun 5 sleep",
            "a pending 5",
            "a claimed 5",
        ],
    );
}
