//! Timers: their lines, the other waits of their tasks, and that they are no problem.

use crate::common::{SETTLE, bench, has_no_resources, summary, waits};
use insight_model::{EdgeBody, Model};
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, mpsc};
use tokio::time::{Instant, interval, interval_at, sleep, sleep_until, timeout, timeout_at};

/// None of these timers fires while the tests run.
const HOUR: Duration = Duration::from_secs(3600);

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A wait: the kind of the resource, the operation, and the end of the line.
type Wait = (&'static str, &'static str, &'static str);

fn timers(model: &Model) -> usize {
    model.resources.values().filter(|resource| resource.kind.as_str() == "timer").count()
}

/// Runs `task` until it waits as `expect` says, in the order of the lines.
fn check(task: Task, expect: &[Wait]) {
    bench(|bench, runtime| {
        let handle = runtime.spawn(task);
        bench.until(|model| (waits(model).len() == expect.len()).then_some(()));
        let model = bench.after_settling();
        assert!(model.problems.is_empty(), "{}", summary(model));
        let mut found: Vec<(u32, String, String, &str)> = Vec::new();
        for edge in waits(model) {
            let EdgeBody::Wait { operation, .. } = &edge.body else { unreachable!("a wait") };
            let resource = &model.resources[&edge.resource];
            let line = edge.location.as_ref().map_or(0, |location| location.place.line);
            let text = include_str!("time.rs").lines().nth(line as usize - 1).unwrap();
            found.push((line, resource.kind.to_string(), operation.to_string(), text));
        }
        found.sort();
        assert_eq!(found.len(), expect.len(), "{}", summary(model));
        for ((_, kind, operation, text), expect) in found.iter().zip(expect) {
            assert_eq!((&**kind, &**operation), (expect.0, expect.1), "{text}");
            assert!(text.trim_end().ends_with(expect.2), "{text:?} does not end in {:?}", expect.2);
        }
        let task = &model.tasks[&waits(model)[0].task];
        assert_eq!(task.stats().as_ref().unwrap().foreign_wakers, 0, "the timer's waker is known");
        handle.abort();
        bench.until(|model| (has_no_resources(model) && model.edges.is_empty()).then_some(()));
    });
}

#[test]
fn each_way_to_wait_for_time() {
    let cases: [(Task, &str); 7] = [
        (
            Box::pin(async {
                sleep(HOUR).await;
            }),
            "sleep(HOUR).await;",
        ),
        (
            Box::pin(async {
                sleep_until(Instant::now() + HOUR).await;
            }),
            "sleep_until(Instant::now() + HOUR).await;",
        ),
        (
            Box::pin(async {
                let mut again = pin!(sleep(Duration::ZERO));
                again.as_mut().await;
                again.as_mut().reset(Instant::now() + HOUR);
                again.await;
            }),
            "pin!(sleep(Duration::ZERO));",
        ),
        (
            Box::pin(async {
                let mut ticks = interval(HOUR);
                ticks.tick().await; // The first is at once.
                ticks.tick().await;
            }),
            "ticks.tick().await;",
        ),
        (
            Box::pin(async {
                interval_at(Instant::now() + HOUR, HOUR).tick().await;
            }),
            "interval_at(Instant::now() + HOUR, HOUR).tick().await;",
        ),
        (
            Box::pin(async {
                let _ = timeout(HOUR, std::future::pending::<()>()).await;
            }),
            "timeout(HOUR, std::future::pending::<()>()).await;",
        ),
        (
            Box::pin(async {
                let _ = timeout_at(Instant::now() + HOUR, std::future::pending::<()>()).await;
            }),
            "timeout_at(Instant::now() + HOUR, std::future::pending::<()>()).await;",
        ),
    ];
    for (task, line) in cases {
        check(task, &[("timer", "sleep", line)]);
    }
}

#[test]
fn what_has_a_timeout_waits_for_both() {
    check(
        Box::pin(async {
            let lock = Arc::new(Mutex::new(1));
            let _held = lock.lock().await;
            let _ = timeout(
                HOUR,
                lock.lock(), // It holds it itself.
            )
            .await;
        }),
        &[("timer", "sleep", "timeout("), ("mutex", "lock", "// It holds it itself.")],
    );
    check(
        Box::pin(async {
            let (_sender, mut receiver) = mpsc::channel::<u8>(1);
            tokio::select! {
                _ = sleep(HOUR) => {}
                _ = receiver.recv() => {}
            }
        }),
        &[("timer", "sleep", "sleep(HOUR) => {}"), ("channel", "recv", "receiver.recv() => {}")],
    );
    check(
        Box::pin(async {
            let (sender, _receiver) = mpsc::channel::<u8>(1);
            sender.send(1).await.unwrap();
            let _ = sender.send_timeout(2, HOUR).await;
        }),
        &[("channel", "send", "send_timeout(2, HOUR).await;"), ("timer", "sleep", "send_timeout(2, HOUR).await;")],
    );
}

#[test]
fn the_timers_of_one_place_are_one_resource() {
    bench(|bench, runtime| {
        let tasks = [(); 3].map(|()| runtime.spawn(async { sleep(HOUR).await }));
        bench.until(|model| (waits(model).len() == 3).then_some(()));
        assert_eq!(timers(&bench.model), 1, "{}", summary(&bench.model));
        let last = tasks.into_iter().reduce(|one, other| {
            one.abort();
            other
        });
        bench.until(|model| (waits(model).len() == 1).then_some(()));
        assert_eq!(timers(&bench.model), 1);
        last.unwrap().abort();
        bench.until(|model| has_no_resources(model).then_some(()));
    });
}

#[test]
fn a_wait_that_is_over_is_no_wait() {
    bench(|bench, runtime| {
        let (go_on, stay) = mpsc::channel::<u8>(1);
        let mut stay = stay;
        let task = runtime.spawn(async move {
            let mut short = pin!(sleep(Duration::from_millis(1)));
            short.as_mut().await;
            let _ = timeout(Duration::from_millis(1), std::future::pending::<()>()).await;
            // Both waits are still there.
            stay.recv().await;
            assert!(short.is_elapsed());
        });
        bench.until(|model| {
            let kinds: Vec<&str> =
                waits(model).iter().map(|wait| model.resources[&wait.resource].kind.as_str()).collect();
            (kinds == ["channel"]).then_some(())
        });
        drop(go_on);
        runtime.block_on(task).unwrap();
    });
}

#[test]
fn a_timer_that_has_fired_is_no_way_out() {
    bench(|bench, runtime| {
        let lock = Arc::new(Mutex::new(1));
        let task = runtime.spawn(async move {
            let mut patience = pin!(sleep(2 * SETTLE));
            let (_sender, mut receiver) = mpsc::channel::<u8>(1);
            tokio::select! {
                biased;
                _ = &mut patience => {}
                _ = receiver.recv() => {}
                _ = std::future::ready(()) => {}
            }
            // The timer is still there, and wakes the task once. Nothing polls it.
            let _held = lock.lock().await;
            let _again = lock.lock().await;
        });
        // It is dropped only after it has fired.
        bench.until_proven(&["mutex"]);
        task.abort();
    });
}

#[test]
fn a_timer_that_has_fired_and_is_set_again() {
    bench(|bench, runtime| {
        let (go_on, mut stay) = mpsc::channel::<u8>(1);
        let task = runtime.spawn(async move {
            let mut timer = pin!(sleep(SETTLE));
            tokio::select! {
                biased;
                _ = &mut timer => {}
                _ = std::future::ready(()) => {}
            }
            stay.recv().await;
            timer.as_mut().reset(Instant::now() + HOUR);
            timer.await;
        });
        let kinds = |model: &Model| -> Vec<String> {
            waits(model).iter().map(|wait| model.resources[&wait.resource].kind.to_string()).collect()
        };
        bench.until(|model| (kinds(model) == ["channel"]).then_some(()));
        go_on.try_send(1).unwrap();
        // The wait has an edge of its own: the rules forbid to open one twice.
        bench.until(|model| (kinds(model) == ["timer"]).then_some(()));
        task.abort();
    });
}
