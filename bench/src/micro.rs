//! The rows of a single operation, on the runtime in `crate::runtime`.

use crate::runtime::{Mutex, channel, joined, run, spawn, yield_now};
use std::future::poll_fn;
use std::hint::black_box;
use std::sync::Arc;
use std::task::{Poll, Waker};

/// Does the operation of a row `count` times in a task of the runtime. `None` if there is no row with this name.
pub fn row(name: &str, count: u64) -> Option<()> {
    match name {
        "poll" => run(poll(count)),
        "yield" => run(yields(count)),
        "wake" => run(wake(count)),
        "spawn" => run(spawn_and_join(count)),
        "spawn-owning" => run(spawn_owning(count)),
        "lock" => run(lock(count)),
        "contended" => run(contended(count)),
        "ping-pong" => run(ping_pong(count)),
        "stream" => run(stream(count)),
        _ => return None,
    }
    Some(())
}

async fn poll(count: u64) {
    for _ in 0..count {
        once_more().await;
    }
}

/// Wakes its own task, and is ready at the next poll.
pub async fn once_more() {
    let mut polled = false;
    poll_fn(|context| {
        if std::mem::replace(&mut polled, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// The runtime's own function to yield. tokio's parks for an instant if there is no other task.
async fn yields(count: u64) {
    for _ in 0..count {
        yield_now().await;
    }
}

/// Two tasks wake each other in turn. One operation is one wake and the poll after it.
async fn wake(count: u64) {
    let baton = Arc::new(Baton::default());
    let other = spawn(hand_over(baton.clone(), 1, count / 2));
    hand_over(baton, 0, count / 2).await;
    joined(other).await;
}

/// The index of the task whose turn it is, and the waker of the other task. It is a lock of std, which no observer observes.
#[derive(Default)]
struct Baton(std::sync::Mutex<(usize, Option<Waker>)>);

async fn hand_over(baton: Arc<Baton>, me: usize, count: u64) {
    for _ in 0..count {
        poll_fn(|context| {
            let mut baton = baton.0.lock().expect("no task panics with it");
            if baton.0 == me {
                return Poll::Ready(());
            }
            baton.1 = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
        let other = {
            let mut baton = baton.0.lock().expect("no task panics with it");
            baton.0 = 1 - me;
            baton.1.take()
        };
        if let Some(other) = other {
            other.wake();
        }
    }
}

async fn spawn_and_join(count: u64) {
    for _ in 0..count {
        let state = black_box([1_u64; 16]);
        let task = spawn(async move {
            black_box(state);
        });
        joined(task).await;
    }
}

/// Like [`spawn_and_join`], with futures that have a destructor. Moving such a future copies it.
async fn spawn_owning(count: u64) {
    for _ in 0..count {
        let state = black_box(Owning([1; 16]));
        let task = spawn(async move {
            black_box(&state);
        });
        joined(task).await;
    }
}

/// A value with a destructor.
struct Owning([u64; 16]);

impl Drop for Owning {
    fn drop(&mut self) {
        black_box(&self.0);
    }
}

async fn lock(count: u64) {
    let mutex = Mutex::new(0_u64);
    for _ in 0..count {
        *mutex.lock().await += 1;
    }
    black_box(*mutex.lock().await);
}

/// Four tasks queue for a lock. The task with the lock yields.
async fn contended(count: u64) {
    const TASKS: u64 = 4;
    let mutex = Arc::new(Mutex::new(0_u64));
    let mut tasks = Vec::new();
    for _ in 0..TASKS {
        let mutex = mutex.clone();
        tasks.push(spawn(async move {
            for _ in 0..count / TASKS {
                let mut guard = mutex.lock().await;
                *guard += 1;
                once_more().await;
            }
        }));
    }
    for task in tasks {
        joined(task).await;
    }
}

/// Two tasks and two channels of one place. One operation is one message, sent and received.
async fn ping_pong(count: u64) {
    #[allow(unused_mut, reason = "some runtimes receive by a shared reference")]
    let ((ping, mut pinged), (pong, mut ponged)) = (channel::<u64>(1), channel::<u64>(1));
    let other = spawn(async move {
        for _ in 0..count / 2 {
            let number = pinged.recv().await.expect("the other end is open");
            pong.send(number).await.expect("the other end is open");
        }
    });
    for number in 0..count / 2 {
        ping.send(number).await.expect("the other end is open");
        black_box(ponged.recv().await.expect("the other end is open"));
    }
    joined(other).await;
}

/// A task that sends and one that receives, over 64 places.
async fn stream(count: u64) {
    #[allow(unused_mut, reason = "some runtimes receive by a shared reference")]
    let (sender, mut receiver) = channel::<u64>(64);
    let other = spawn(async move {
        for number in 0..count {
            sender.send(number).await.expect("the other end is open");
        }
    });
    for _ in 0..count {
        black_box(receiver.recv().await.expect("the other end is open"));
    }
    joined(other).await;
}
