//! What smol and async-std have in common: a panic of a task comes out of its handle, and no set of tasks is theirs.

use crate::runtime::{Receiver, Sender, channel, let_go, receive, spawn};
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;
use std::time::Instant;

/// Keeps so many tasks alive until `deadline`, and waits for the last one; says how many there were.
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

/// Tells of the end of a task, even if it panics.
struct End(Sender<u64>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.try_send(0).expect("there is room for as many as there are tasks");
    }
}

/// Waits for the end, which may be a panic.
pub async fn caught(wait: impl Future) {
    let mut wait = pin!(wait);
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| wait.as_mut().poll(cx))) {
        Ok(poll) => poll.map(drop),
        Err(_) => Poll::Ready(()),
    })
    .await;
}
