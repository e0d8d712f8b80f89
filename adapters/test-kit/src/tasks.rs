//! An executor that runs when a test asks for it.

use insight_probe::{Executor, Kind, Observed};
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};

/// The executor's description.
pub static EXECUTOR: Executor = Executor::new("hand", "1.0", || None);

/// The tasks of one test. Dropping them cancels them.
#[derive(Debug, Default)]
pub struct Tasks(Vec<Task>);

struct Task {
    future: Pin<Box<dyn Future<Output = ()>>>,
    woken: Arc<Woken>,
}

impl fmt::Debug for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Task").field("woken", &self.woken.0).finish_non_exhaustive()
    }
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Tasks {
    /// Spawns a task, woken.
    #[track_caller]
    pub fn spawn(&mut self, future: impl Future<Output = ()> + 'static) {
        let future = Box::pin(Observed::new(future, &EXECUTOR, Kind::Task, Location::caller()));
        self.0.push(Task { future, woken: Arc::new(Woken(AtomicBool::new(true))) });
    }

    /// Polls the woken tasks in the order of their spawns, until none is woken.
    pub fn run(&mut self) {
        while self.0.iter().any(|task| task.woken.0.load(Ordering::SeqCst)) {
            self.0.retain_mut(|task| {
                let woken = task.woken.0.swap(false, Ordering::SeqCst);
                let waker = Waker::from(task.woken.clone());
                !woken || task.future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending()
            });
        }
    }

    /// Runs the tasks until all have ended. Other threads may wake them.
    pub fn run_to_end(mut self) {
        while !self.0.is_empty() {
            self.run();
            std::thread::yield_now();
        }
    }

    /// Polls every task once more, woken or not, and then runs the woken ones.
    pub fn nudge(&mut self) {
        self.0.iter().for_each(|task| task.woken.0.store(true, Ordering::SeqCst));
        self.run();
    }
}
