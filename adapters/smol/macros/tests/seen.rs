//! The tasks of the macros' executors are observed.

extern crate insight_smol_macros as smol_macros;

use insight_probe::{Recorder, RecorderConfig};
use insight_protocol::{Message, Outcome, TaskKind};
use macro_rules_attribute::apply;
use smol_macros::{Executor, main};
use std::panic::catch_unwind;

main! {
    /// With an attribute and a result.
    async fn run(executor: &Executor<'_>) -> u8 {
        executor.spawn(async { 5 }).await
    }
}

#[apply(main!)]
async fn panics(executor: &Executor<'_>) {
    executor.spawn(async { panic!("on purpose") }).await
}

#[apply(main!)]
async fn alone() -> u8 {
    6
}

/// The kinds of the tasks and their outcomes, each in order.
fn seen(recorder: &mut Recorder) -> (Vec<TaskKind>, Vec<Outcome>) {
    let mut messages = Vec::new();
    recorder.collect_now(&mut messages);
    let (mut kinds, mut outcomes) = (Vec::new(), Vec::new());
    for message in messages {
        match message {
            Message::TaskSpawned(task) => kinds.push(task.kind),
            Message::TaskCompleted(end) => outcomes.push(end.outcome),
            _ => {}
        }
    }
    kinds.sort_by_key(|kind| kind.to_string());
    outcomes.sort_by_key(|outcome| outcome.to_string());
    (kinds, outcomes)
}

#[test]
fn a_root_for_the_function_and_for_each_thread_of_its_executor() {
    let mut recorder = Recorder::start(RecorderConfig::default()).unwrap();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    // The spawned task is one more.
    let kinds = [vec![TaskKind::BlockOn; threads + 1], vec![TaskKind::Task]].concat();
    assert_eq!(run(), 5);
    assert_eq!(seen(&mut recorder), (kinds.clone(), vec![Outcome::Returned; threads + 2]));
    assert!(catch_unwind(panics).is_err());
    let outcomes = [vec![Outcome::Panicked; 2], vec![Outcome::Returned; threads]].concat();
    assert_eq!(seen(&mut recorder), (kinds, outcomes));
    assert_eq!(alone(), 6);
    assert_eq!(seen(&mut recorder), (vec![TaskKind::BlockOn], vec![Outcome::Returned]));
}
