//! Facts beyond the bound are refused and counted in a gap, and recording continues.

use insight_probe::*;
use insight_protocol::{Gap, Message, TaskId};
use insight_test_kit::{Bench, NEVER};
use std::future::{Future, pending, ready};
use std::panic::Location;
use std::task::{Context, Waker};

static EXECUTOR: Executor = Executor::new("hand", "1.0", || None);

/// The gaps since the last sample.
fn new_gaps(bench: &mut Bench) -> Vec<Gap> {
    let gaps = bench.collect().iter().filter_map(|message| match message {
        Message::Gap(gap) => Some(gap.clone()),
        _ => None,
    });
    gaps.collect()
}

#[test]
fn past_the_bound() {
    let config = RecorderConfig { max_bytes: 1 << 20, ..Default::default() };
    let bench = &mut Bench::start(config, NEVER);

    let task = || Observed::new(ready(()), &EXECUTOR, Kind::Task, Location::caller());
    let some: Vec<_> = (0..100).map(|_| task()).collect();
    assert_eq!(new_gaps(bench), []);
    assert_eq!(bench.model.tasks.len(), 100);

    // Far more than there is room for.
    let many: Vec<_> = (0..50_000).map(|_| task()).collect();
    let locks: Vec<_> = (0..100)
        .map(|_| Resource::new(Type::Channel(HandOff::Fifo, Closing::ByReceivers), Location::caller(), None))
        .collect();
    drop((some, many, locks));
    let gaps = new_gaps(bench);
    let [gap] = &gaps[..] else { panic!("{gaps:?}") };
    assert!(gap.count > 40_000, "{gap:?}");
    assert!(gap.kinds.contains(&"task.spawned".to_owned()), "{gap:?}");
    assert_eq!(bench.model.tasks.len(), 0, "what closes something is never refused");

    let after = task();
    assert_eq!(new_gaps(bench), []);
    assert_eq!(bench.model.tasks.len(), 1);
    drop(after);

    // Live facts have a bound, too: however often we sample, no more are kept than there is room for.
    let mut live = Vec::new();
    let mut refused = 0;
    for _ in 0..100 {
        live.extend(
            (0..100).map(|_| Box::pin(Observed::new(pending::<()>(), &EXECUTOR, Kind::Task, Location::caller()))),
        );
        refused += new_gaps(bench).iter().map(|gap| gap.count).sum::<u64>();
    }
    assert!((500..1_050).contains(&bench.model.tasks.len()), "{}", bench.model.tasks.len());
    assert_eq!(refused, 10_000 - bench.model.tasks.len() as u64);
    assert_eq!((bench.recorder.left_out_tasks(), bench.model.left_out_tasks()), (refused, refused));
    let mut left_out = live.pop().unwrap();
    drop(live);
    assert_eq!(new_gaps(bench), []);
    assert_eq!(bench.model.tasks.len(), 0);
    // At its next poll there is room for the task.
    assert_eq!(bench.recorder.left_out_tasks(), 1);
    assert!(left_out.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    let gaps = new_gaps(bench);
    assert_eq!(gaps.iter().map(|gap| (gap.count, gap.tasks)).collect::<Vec<_>>(), [(0, Some(0))]);
    assert_eq!((bench.model.tasks.len(), bench.model.left_out_tasks()), (1, 0));
    // The ends of a refused task and of a recorded one are unobserved.
    assert!(!bench.recorder.has_ended(TaskId(1)));
}
