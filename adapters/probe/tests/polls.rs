//! Detail `polls`: messages about single polls.

use insight_probe::*;
use insight_protocol::{Detail, Message, Outcome, TaskKind};
use insight_test_kit::{Bench, NEVER, bench_with};
use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::panic::Location;
use std::pin::Pin;
use std::sync::MutexGuard;
use std::task::{Context, Poll, Waker};

static EXECUTOR: Executor = Executor::new("hand", "1.0", || None);

fn bench() -> MutexGuard<'static, Bench> {
    bench_with(|| {
        let config = RecorderConfig { detail: Detail::Polls, max_bytes: 16 << 20, ..RecorderConfig::default() };
        let bench = Bench::start(config, NEVER);
        assert_eq!(bench.recorder.header().detail, Detail::Polls);
        bench
    })
}

/// For each task: the number of reported polls, and its counter.
fn counts(messages: &[Message]) -> BTreeMap<u64, (u64, u64)> {
    let mut counts: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
    for message in messages {
        match message {
            Message::TaskPolls(polls) => polls.tasks.iter().for_each(|task| counts.entry(task.0).or_default().0 += 1),
            Message::TaskStats(stats) => counts.entry(stats.id.0).or_default().1 = stats.polls,
            _ => {}
        }
    }
    counts
}

fn lost(messages: &[Message]) -> u64 {
    let gaps = messages.iter().map(|message| match message {
        Message::Gap(gap) if gap.kinds == ["task.polls"] => gap.count,
        _ => 0,
    });
    gaps.sum()
}

#[track_caller]
fn observe<F: Future>(future: F) -> Pin<Box<Observed<F>>> {
    Box::pin(Observed::new(future, &EXECUTOR, Kind::Task, Location::caller()))
}

fn poll<F: Future>(future: &mut Pin<Box<F>>) -> Poll<F::Output> {
    future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

async fn pending(times: u64) {
    let mut left = times;
    poll_fn(|_| match left.checked_sub(1) {
        Some(less) => {
            left = less;
            Poll::<()>::Pending
        }
        None => Poll::Ready(()),
    })
    .await
}

#[test]
fn each_poll_is_sent_once() {
    let mut bench = bench();
    let threads = 3;
    let polls = |thread: u64| {
        // One task with more polls than a block has room for, and one that has ended.
        let (mut many, mut ended) = (observe(pending(10_000)), observe(pending(1)));
        (0..2000 + thread).for_each(|_| assert!(poll(&mut many).is_pending()));
        assert!(poll(&mut ended).is_pending());
        assert!(poll(&mut ended).is_ready());
        many
    };
    let tasks: Vec<_> = std::thread::scope(|scope| {
        let polls = &polls;
        let threads: Vec<_> = (0..threads).map(|thread| scope.spawn(move || polls(thread))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let messages = bench.collect();
    let counts = counts(messages);
    let mut told: Vec<(u64, u64)> = counts.into_values().collect();
    told.sort();
    // An ended task has no counters any more.
    let counted: Vec<u64> = told.iter().map(|(_, counted)| *counted).collect();
    assert_eq!(counted, [0, 0, 0, 2000, 2001, 2002]);
    // A thread does not wait for a block that another thread has locked. It counts its poll as lost.
    let lost = lost(messages);
    assert_eq!(told.iter().map(|(told, _)| told).sum::<u64>() + lost, 2000 + 2001 + 2002 + 3 * 2);
    assert!(lost <= 3, "{lost}");
    let numbers = messages.iter().filter_map(|message| match message {
        Message::TaskPolls(polls) => Some(polls.thread),
        _ => None,
    });
    assert_eq!(numbers.collect::<std::collections::BTreeSet<_>>().len(), threads as usize);
    drop(tasks);
}

#[test]
fn a_poll_within_a_poll_is_sent_before_it() {
    let mut bench = bench();
    let mut inner = observe(pending(1));
    let mut outer = observe(poll_fn(|_| poll(&mut inner)));
    assert!(poll(&mut outer).is_pending());
    let messages = bench.collect();
    let spawned = messages.iter().filter_map(|message| match message {
        Message::TaskSpawned(spawned) => Some(spawned.id),
        _ => None,
    });
    let [inner_id, outer_id] = spawned.collect::<Vec<_>>()[..] else { panic!("two tasks: {messages:?}") };
    let polls = messages.iter().find_map(|message| match message {
        Message::TaskPolls(polls) => Some(polls),
        _ => None,
    });
    let polls = polls.expect("two polls");
    assert_eq!(polls.tasks, [inner_id, outer_id]);
    for (task, running_ns) in polls.tasks.iter().zip(&polls.running_ns) {
        let stats = messages.iter().find_map(|message| match message {
            Message::TaskStats(stats) if stats.id == *task => Some(stats.running_ns),
            _ => None,
        });
        // A long poll, such as one whose thread loses its processor, is reported to within some millionths of its time.
        let same = stats.is_some_and(|stats| stats.abs_diff(*running_ns) <= stats >> 17);
        assert!(same, "of the one poll of task {task}: {running_ns} ns instead of {stats:?}");
    }
}

#[test]
fn what_there_is_no_room_for_is_counted() {
    let mut bench = bench();
    // More than the two MiB of the queues can take.
    let polls = 300_000;
    let mut task = observe(pending(polls));
    (0..polls).for_each(|_| assert!(poll(&mut task).is_pending()));
    let messages = bench.collect();
    let [(told, counted)] = counts(messages).into_values().collect::<Vec<_>>()[..] else { panic!("one task") };
    assert_eq!(counted, polls);
    assert_eq!(told + lost(messages), polls);
    assert!((100_000..200_000).contains(&told), "{told}");
    // There is room again, and polls are reported again.
    assert!(poll(&mut task).is_ready());
    let messages = bench.collect();
    assert_eq!((counts(messages).into_values().collect(), lost(messages)), (vec![(1, 0)], 0));
}

#[test]
fn a_poll_that_ends_after_its_task_is_not_told() {
    let mut bench = bench();
    let task = RawTask::spawned(RawMeta {
        executor: &EXECUTOR,
        kind: TaskKind::Task,
        name: None,
        type_name: None,
        place: None,
        parent: Parent::Unknown,
        executor_task_id: None,
        future_bytes: None,
        partial: false,
    });
    drop(task.poll());
    let poll = task.poll();
    task.completed(Outcome::Returned);
    assert_eq!(counts(bench.collect()).into_values().collect::<Vec<_>>(), [(1, 0)]);
    drop(poll);
    assert!(counts(bench.collect()).is_empty());
}

#[test]
fn another_detail_holds_from_then_on() {
    let mut bench = bench();
    let before = bench.recorder.config().clone();
    // More than there is room for.
    let times = 200_000;
    let mut polls_told = |detail: Detail| {
        bench.recorder.configure(RecorderConfig { detail: detail.clone(), ..before.clone() });
        assert_eq!(bench.recorder.header().detail, detail);
        let mut task = observe(pending(times));
        (0..times).for_each(|_| assert!(poll(&mut task).is_pending()));
        let messages = bench.collect();
        let told: u64 = counts(messages).values().map(|(told, _)| *told).sum();
        (told + lost(messages), lost(messages) > 0)
    };
    assert_eq!(polls_told(Detail::Structure), (0, false));
    assert_eq!(polls_told(Detail::Polls), (times, true));
}
