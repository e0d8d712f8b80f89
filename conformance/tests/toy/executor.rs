//! An executor on the thread that calls `block_on`. It knows nothing of insight.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

type Job = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The queue of the tasks that were woken, and its other end.
pub struct Toy(Sender<Arc<Task>>, Mutex<Receiver<Arc<Task>>>);

pub struct Task {
    /// None when it has ended, and for what `block_on` was given.
    job: Mutex<Option<Job>>,
    /// How it ended, and who waits for that.
    end: Mutex<(Option<thread::Result<()>>, Option<Waker>)>,
    queue: Sender<Arc<Task>>,
}

impl Toy {
    pub fn new() -> Toy {
        let (queue, woken) = channel();
        Toy(queue, Mutex::new(woken))
    }

    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        let (mut future, root) = (pin!(future), self.task(None));
        let waker = Waker::from(root.clone());
        let woken = self.1.lock().unwrap();
        loop {
            let task = woken.recv().unwrap();
            if !Arc::ptr_eq(&task, &root) {
                task.run();
            } else if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return output;
            }
        }
    }

    pub fn spawn<F: Future<Output = ()> + Send + 'static>(&self, future: F) -> JoinHandle {
        JoinHandle(self.task(Some(Box::pin(future))))
    }

    fn task(&self, job: Option<Job>) -> Arc<Task> {
        let task = Arc::new(Task { job: Mutex::new(job), end: Mutex::default(), queue: self.0.clone() });
        task.clone().wake();
        task
    }
}

impl Wake for Task {
    fn wake(self: Arc<Task>) {
        let _ = self.queue.clone().send(self);
    }
}

impl Task {
    fn run(self: Arc<Task>) {
        let waker = Waker::from(self.clone());
        let mut job = self.job.lock().unwrap();
        let Some(future) = job.as_mut() else { return };
        let poll = || future.as_mut().poll(&mut Context::from_waker(&waker));
        let result = match catch_unwind(AssertUnwindSafe(poll)) {
            Ok(Poll::Pending) => return,
            Ok(Poll::Ready(())) => Ok(()),
            Err(panic) => Err(panic),
        };
        *job = None;
        let mut end = self.end.lock().unwrap();
        end.0 = Some(result);
        end.1.take().into_iter().for_each(Waker::wake);
    }
}

/// The end of a task. Dropped, it lets the task run on.
pub struct JoinHandle(Arc<Task>);

impl JoinHandle {
    /// Not to be called by the task itself.
    pub fn cancel(self) {
        *self.0.job.lock().unwrap() = None;
    }
}

impl Future for JoinHandle {
    type Output = thread::Result<()>;

    fn poll(self: Pin<&mut JoinHandle>, cx: &mut Context<'_>) -> Poll<thread::Result<()>> {
        let mut end = self.0.end.lock().unwrap();
        end.1 = Some(cx.waker().clone());
        end.0.take().map_or(Poll::Pending, Poll::Ready)
    }
}
