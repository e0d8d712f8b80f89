//! Detail `operations`: the exact journal of small programs.
//!
//! Each program is one task, or tasks of one thread, so its journal is the same in each run.

#![cfg(all(feature = "default", feature = "unstable"))]

extern crate insight_async_std as async_std;

use async_std::channel;
use async_std::sync::{Mutex, RwLock};
use async_std::task::{self, yield_now};
use insight_test_kit::check_journal;
use std::rc::Rc;

/// Runs `program` as task `a`, and compares its journal.
fn check(program: impl AsyncFnOnce(()), expect: &[&str]) {
    check_journal(|| task::block_on(program(())), expect);
}

#[test]
fn a_free_mutex() {
    check(
        async |_| {
            let mutex = Mutex::new(0);
            drop(mutex.lock().await);
            let guard = mutex.try_lock().unwrap();
            assert!(mutex.try_lock().is_none());
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
fn a_contended_mutex() {
    check(
        async |()| {
            let mutex = Rc::new(Mutex::new(0));
            let guard = mutex.lock().await;
            let locks = task::spawn_local({
                let mutex = mutex.clone();
                async move { drop(mutex.lock().await) }
            });
            yield_now().await;
            drop(guard);
            locks.await;
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
fn readers_and_a_writer() {
    check(
        async |()| {
            let lock = RwLock::new(0);
            let reader = lock.read().await;
            assert!(lock.try_write().is_none());
            drop(reader);
            drop(lock.write().await);
        },
        &[
            "a begun 1 read rwlock",
            "a claimed 1",
            "a held 2 rwlock shared",
            "a begun 3 write rwlock",
            "a claimed 3 unavailable",
            "a released 2",
            "a begun 4 write rwlock",
            "a claimed 4",
            "a held 5 rwlock exclusive",
            "a released 5",
        ],
    );
}

#[test]
fn a_full_channel_and_a_closed_one() {
    check(
        async |()| {
            let (sender, receiver) = channel::bounded(1);
            sender.send(1).await.unwrap();
            assert!(sender.try_send(2).is_err());
            receiver.recv().await.unwrap();
            assert!(receiver.try_recv().is_err());
            receiver.close();
            assert!(sender.send(3).await.is_err());
        },
        &[
            "a begun 1 send channel",
            "a claimed 1",
            "a begun 2 send channel",
            "a claimed 2 unavailable",
            "a begun 3 recv channel",
            "a claimed 3",
            "a begun 4 recv channel",
            "a claimed 4 unavailable",
            "a begun 5 close channel",
            "a claimed 5 succeeded",
            "a begun 6 send channel",
            "a claimed 6",
        ],
    );
}
