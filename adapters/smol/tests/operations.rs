//! Detail `operations`: the exact journal of small programs.
//!
//! Each program runs on an executor of one thread, so its journal is the same in each run.

extern crate insight_smol as smol;

use insight_test_kit::check_journal;
use smol::LocalExecutor;
use smol::channel;
use smol::future::yield_now;
use smol::lock::*;
use std::sync::Arc;

/// Runs `program` as task `a`, beside the tasks that it spawns, and compares its journal.
fn check(program: impl AsyncFnOnce(&LocalExecutor<'_>), expect: &[&str]) {
    check_journal(
        || {
            let executor = LocalExecutor::new();
            smol::block_on(executor.run(program(&executor)));
        },
        expect,
    );
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
        async |executor| {
            let mutex = Arc::new(Mutex::new(0));
            let guard = mutex.lock().await;
            let locks = executor.spawn({
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
fn readers_that_become_writers() {
    check(
        async |_| {
            let lock = RwLock::new(0);
            let reader = lock.upgradable_read().await;
            let writer = RwLockUpgradableReadGuard::upgrade(reader).await;
            assert!(lock.try_read().is_none());
            drop(RwLockWriteGuard::downgrade(writer));
        },
        &[
            "a begun 1 read rwlock",
            "a claimed 1",
            "a held 2 rwlock shared",
            "a begun 3 write rwlock",
            "a claimed 3",
            "a moved 2 exclusive",
            "a begun 4 read rwlock",
            "a claimed 4 unavailable",
            "a moved 2 shared",
            "a released 2",
        ],
    );
}

#[test]
fn permits_that_are_forgotten_and_added() {
    check(
        async |_| {
            let semaphore = Semaphore::new(1);
            let permit = semaphore.acquire().await;
            assert!(semaphore.try_acquire().is_none());
            permit.forget();
            semaphore.add_permits(2);
            drop(semaphore.try_acquire().unwrap());
        },
        &[
            "a begun 1 acquire semaphore",
            "a claimed 1",
            "a held 2 semaphore permit",
            "a begun 3 acquire semaphore",
            "a claimed 3 unavailable",
            "a begun 4 forget_permits semaphore",
            "a released 2",
            "a claimed 4 succeeded",
            "a begun 5 add_permits semaphore x2",
            "a claimed 5 succeeded",
            "a begun 6 acquire semaphore",
            "a claimed 6 succeeded",
            "a held 7 semaphore permit",
            "a released 7",
        ],
    );
}

#[test]
fn a_full_channel_and_a_closed_one() {
    check(
        async |_| {
            let (sender, receiver) = channel::bounded(1);
            sender.send(1).await.unwrap();
            assert!(sender.try_send(2).is_err());
            receiver.recv().await.unwrap();
            assert!(receiver.try_recv().is_err());
            sender.close();
            assert!(receiver.recv().await.is_err());
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
            "a begun 6 recv channel",
            "a claimed 6",
        ],
    );
}

#[test]
fn a_value_that_is_made_once() {
    check(
        async |_| {
            let cell = OnceCell::new();
            cell.get_or_init(async || 1).await;
            cell.get_or_init(async || 2).await;
            cell.wait().await;
        },
        &[
            "a begun 1 init once_cell",
            "a held 2 once_cell exclusive",
            "a claimed 1",
            "a released 2",
            "a begun 3 init once_cell",
            "a claimed 3 succeeded",
            "a begun 4 wait once_cell",
            "a claimed 4",
        ],
    );
}
