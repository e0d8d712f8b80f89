//! What is recorded past the bound is refused, counted and said, and recording goes on.

use insight_model::{Checker, Model};
use insight_probe::*;
use insight_protocol::{Gap, Message, SnapshotBegin, SnapshotEnd, encode};
use std::future::{Future, pending, ready};
use std::panic::Location;
use std::task::{Context, Waker};

static EXECUTOR: Executor = Executor::new("hand", "1.0", || None);

/// What was told since the last look; every message is checked.
fn look(recorder: &mut Recorder, checker: &mut Checker, model: &mut Model, seq: &mut u64) -> Vec<Gap> {
    let mut messages = Vec::new();
    recorder.collect_now(&mut messages);
    let mut gaps = Vec::new();
    for message in messages {
        *seq += 1;
        assert_eq!(checker.line(&encode(*seq, &message)), []);
        model.apply(&message);
        if let Message::Gap(gap) = message {
            gaps.push(gap);
        }
    }
    gaps
}

#[test]
fn past_the_bound() {
    let mut recorder = Recorder::start(RecorderConfig { max_bytes: 1 << 20, ..Default::default() }).unwrap();
    let (mut checker, mut model, mut seq) = (Checker::default(), Model::default(), 3);
    let at_ns = recorder.now_ns();
    let opening: [Message; 3] = [
        recorder.header().into(),
        SnapshotBegin { at_ns, tasks: 0, resources: 0, edges: 0, problems: 0 }.into(),
        SnapshotEnd { at_ns }.into(),
    ];
    for (before, message) in opening.iter().enumerate() {
        assert_eq!(checker.line(&encode(before as u64 + 1, message)), []);
        model.apply(message);
    }

    let task = || Observed::new(ready(()), &EXECUTOR, Kind::Task, Location::caller());
    let some: Vec<_> = (0..100).map(|_| task()).collect();
    assert_eq!(look(&mut recorder, &mut checker, &mut model, &mut seq), []);
    assert_eq!(model.tasks.len(), 100);

    // Far more than there is room for.
    let many: Vec<_> = (0..50_000).map(|_| task()).collect();
    let locks: Vec<_> = (0..100)
        .map(|_| Resource::new(Type::Channel(HandOff::Fifo, Closing::ByReceivers), Location::caller(), None))
        .collect();
    drop((some, many, locks));
    let gaps = look(&mut recorder, &mut checker, &mut model, &mut seq);
    let [gap] = &gaps[..] else { panic!("{gaps:?}") };
    assert!(gap.count > 40_000, "{gap:?}");
    assert!(gap.kinds.contains(&"task.spawned".to_owned()), "{gap:?}");
    assert_eq!(model.tasks.len(), 0, "what closes something is never refused");

    let after = task();
    assert_eq!(look(&mut recorder, &mut checker, &mut model, &mut seq), []);
    assert_eq!(model.tasks.len(), 1);
    drop(after);

    // What is alive has a bound, too: however often is looked, no more is kept than there is room for.
    let mut live = Vec::new();
    let mut refused = 0;
    for _ in 0..100 {
        live.extend(
            (0..100).map(|_| Box::pin(Observed::new(pending::<()>(), &EXECUTOR, Kind::Task, Location::caller()))),
        );
        refused += look(&mut recorder, &mut checker, &mut model, &mut seq).iter().map(|gap| gap.count).sum::<u64>();
    }
    assert!((500..1_050).contains(&model.tasks.len()), "{}", model.tasks.len());
    assert_eq!(refused, 10_000 - model.tasks.len() as u64);
    let mut left_out = live.pop().unwrap();
    drop(live);
    assert_eq!(look(&mut recorder, &mut checker, &mut model, &mut seq), []);
    assert_eq!(model.tasks.len(), 0);
    // At its next poll there is room for it.
    assert!(left_out.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    assert_eq!(look(&mut recorder, &mut checker, &mut model, &mut seq), []);
    assert_eq!(model.tasks.len(), 1);
}
