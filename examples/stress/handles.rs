//! Functions that smol and async-std both need: their handles pass on a task's panic, and they have no set of tasks.

use crate::runtime::{Receiver, Sender, channel, let_go, receive, spawn};
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;
use std::time::Instant;

/// Keeps so many tasks alive until `deadline`, waits until all have ended, and returns how many there were.
pub async fn crowd<F>(tasks: usize, deadline: Instant, mut next: impl FnMut() -> F) -> u64
where
    F: Future<Output = ()> + Send + 'static,
{
    let (sender, mut ends): (Sender<u64>, Receiver<u64>) = channel(tasks);
    let (mut live, mut ended) = (0, 0);
    loop {
        while live < tasks && Instant::now() < deadline {
            let (end, work) = (End(sender.clone()), next());
            let_go(spawn(async move {
                let _end = end;
                work.await;
            }));
            live += 1;
        }
        if live == 0 {
            return ended;
        }
        receive(&mut ends).await;
        live -= 1;
        ended += 1;
    }
}

/// Sends a message when a task ends, even if the task panics.
struct End(Sender<u64>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.try_send(0).expect("the channel has room for one message of each task");
    }
}

/// Waits for the end of a task, also if it panics.
pub async fn caught(wait: impl Future) {
    let mut wait = pin!(wait);
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| wait.as_mut().poll(cx))) {
        Ok(poll) => poll.map(drop),
        Err(_) => Poll::Ready(()),
    })
    .await;
}
