//! Operations that are granted and no longer polled.

use crate::common::{Bench, bench, summary};
use insight_model::{EdgeBody, Model, Waiter};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, Notify, mpsc};
use tokio::time::sleep;

/// The waits with this end of their line, in the order of their opening.
fn waiters(model: &Model, line: &str) -> Vec<Waiter> {
    let of_line = model.edges.values().filter_map(|edge| {
        let EdgeBody::Wait { .. } = &edge.body else { return None };
        let at = edge.location.as_ref()?.place.line as usize;
        include_str!("waiters.rs").lines().nth(at - 1)?.trim_end().ends_with(line).then_some(edge.waiter())
    });
    of_line.collect()
}

/// Samples until the only wait with this line is polled and granted as expected.
fn check(bench: &mut Bench, line: &str, polled: Option<bool>, granted: bool) {
    let is_so = |waiter: &Waiter| waiter.polled == polled && waiter.granted_ns.is_some() == granted;
    bench.until(|model| match &waiters(model, line)[..] {
        [waiter] if is_so(waiter) => Some(()),
        _ => None,
    });
}

#[test]
fn futurelock() {
    bench(|bench, runtime| {
        let mutex = Arc::new(Mutex::new(()));
        let (holding, release) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let holder = runtime.spawn({
            let (mutex, holding, release) = (mutex.clone(), holding.clone(), release.clone());
            async move {
                let _guard = mutex.lock().await;
                holding.notify_one();
                release.notified().await;
            }
        });
        let stuck = runtime.spawn(async move {
            holding.notified().await;
            let mut fut = pin!(mutex.lock()); // kept
            tokio::select! {
                _ = &mut fut => unreachable!("it is held"),
                _ = sleep(Duration::from_millis(1)) => {}
            }
            // In the queue behind the other operation, which is not polled.
            let _guard = mutex.lock().await; // behind
        });
        check(bench, "// behind", Some(true), false);
        // The poll of the grant did not poll the first operation. The poll behind the `select!` may have.
        release.notify_one();
        check(bench, "// kept", Some(false), true);
        let model = bench.after_settling();
        let [kept] = waiters(model, "// kept")[..] else { panic!("{}", summary(model)) };
        let [behind] = waiters(model, "// behind")[..] else { panic!("{}", summary(model)) };
        assert!(matches!(kept.polls, Some(1 | 2)), "by the branch that the `select!` begins with: {kept:?}");
        assert_eq!(kept.polled, Some(false));
        let granted_ns = kept.granted_ns.expect("it stays granted");
        assert!(granted_ns <= model.now_ns);
        assert_eq!((behind.polled, behind.granted_ns), (Some(true), None), "the grant is the other one's");
        stuck.abort();
        runtime.block_on(async { (stuck.await.is_err(), holder.await.unwrap()) });
    });
}

/// A channel keeps the waker of its last receiver, which does not belong to a later wait.
#[test]
fn a_receiver_in_a_loop() {
    bench(|bench, runtime| {
        let (sender, mut receiver) = mpsc::channel::<()>(1);
        let (other, mut others) = mpsc::channel::<()>(1);
        let looping = runtime.spawn(async move {
            loop {
                tokio::select! {
                    message = receiver.recv() => match message { // quiet
                        Some(()) => {}
                        None => break,
                    },
                    Some(()) = others.recv() => {} // busy
                }
            }
            // The channel still has the waker of a receiver that is gone.
            std::future::pending::<()>().await;
        });
        for _ in 0..100 {
            runtime.block_on(other.send(())).unwrap();
        }
        check(bench, "// quiet", Some(true), false);
        check(bench, "// busy", Some(true), false);
        drop(sender);
        bench.until(|model| waiters(model, "// busy").is_empty().then_some(()));
        looping.abort();
        assert!(runtime.block_on(looping).is_err());
    });
}

#[test]
fn a_join_polls_all() {
    bench(|bench, runtime| {
        let mutex = Arc::new(Mutex::new(()));
        let guard = mutex.clone().try_lock_owned().unwrap();
        let joining = runtime.spawn(async move {
            let first = async { drop(mutex.lock().await) }; // first
            let second = async { drop(mutex.lock().await) }; // second
            tokio::join!(first, second);
        });
        check(bench, "// first", Some(true), false);
        check(bench, "// second", Some(true), false);
        drop(guard);
        runtime.block_on(joining).unwrap();
    });
}
