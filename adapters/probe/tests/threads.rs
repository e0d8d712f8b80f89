//! Threads that have recorded something once and then stay leave the room to others.

use insight_model::Model;
use insight_probe::*;
use insight_protocol::Message;
use std::future::{pending, ready};
use std::panic::Location;
use std::sync::Barrier;

static EXECUTOR: Executor = Executor::new("hand", "1.0", || None);

const THREADS: usize = 150;

#[test]
fn a_thread_takes_a_block_and_not_the_cells_of_tasks_that_it_never_had() {
    let mut recorder = Recorder::start(RecorderConfig { max_bytes: 8 << 20, ..Default::default() }).unwrap();
    let (recorded, end) = (Barrier::new(THREADS + 1), Barrier::new(THREADS + 1));
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                drop(Observed::new(ready(()), &EXECUTOR, Kind::Task, Location::caller()));
                recorded.wait();
                end.wait();
            });
        }
        recorded.wait();
        let mut messages: Vec<Message> = Vec::new();
        recorder.collect_now(&mut messages);
        let _tasks: Vec<_> = (0..100)
            .map(|_| Box::pin(Observed::new(pending::<()>(), &EXECUTOR, Kind::Task, Location::caller())))
            .collect();
        recorder.collect_now(&mut messages);
        let mut model = Model::default();
        messages.iter().for_each(|message| model.apply(message));
        end.wait();
        assert!(!messages.iter().any(|message| matches!(message, Message::Gap(_))));
        assert_eq!(model.tasks.len(), 100);
    });
}
