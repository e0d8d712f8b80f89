//! A mutex, a channel and a timer, observed.

use crate::pool::POOL;
use insight_probe::adapter::{Channel, Lock, Timer};
use insight_probe::{
    Acquirer, Closing, End, HandOff, Handle, Op, Resource, ResourceKind, Site, Sleeping, Type, Waiting, waiting,
};
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::panic::Location;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::Duration;

/// Whether the hold of a [`Flag`] ends only after the lock is free: a mistake that a changed stream cannot have.
pub static RELEASES_LATE: AtomicBool = AtomicBool::new(false);

/// A mutex around nothing: whether it is taken, and the wakers of the waiting tasks.
pub struct Flag {
    lock: insight_probe::Lock,
    state: Mutex<(bool, VecDeque<Waker>)>,
}

pub struct FlagGuard<'a>(&'a Flag);

impl Flag {
    fn free(&self) {
        let mut state = self.state.lock().unwrap();
        state.0 = false;
        let next = state.1.pop_front();
        drop(state);
        next.into_iter().for_each(Waker::wake);
    }
}

impl Lock for Flag {
    const KIND: ResourceKind = ResourceKind::Mutex;

    type Guard<'a> = FlagGuard<'a>;

    fn new() -> Flag {
        let lock = insight_probe::Lock::new(Type::Mutex(HandOff::Barging), Location::caller());
        Flag { lock, state: Mutex::default() }
    }

    fn acquire(&self) -> impl Future<Output = FlagGuard<'_>> + Send {
        let at = Location::caller();
        let site = Site { executor: &POOL, op: Op::Lock, need: 1, location: Some(at) };
        let take = poll_fn(move |cx| {
            let mut state = self.state.lock().unwrap();
            if std::mem::replace(&mut state.0, true) {
                state.1.push_back(cx.waker().clone());
                return Poll::Pending;
            }
            // The closure has `at`, and is a part of the operation.
            self.lock.acquired(&POOL, at, Acquirer::operation(&at));
            Poll::Ready(FlagGuard(self))
        });
        waiting(&self.lock, site, take)
    }
}

impl Drop for FlagGuard<'_> {
    fn drop(&mut self) {
        if RELEASES_LATE.load(Ordering::Relaxed) {
            self.0.free();
            self.0.lock.released();
        } else {
            self.0.lock.released();
            self.0.free();
        }
    }
}

/// A bounded channel, in which each change wakes all waiting tasks.
pub struct Bounded;

#[derive(Default)]
struct Queue {
    messages: VecDeque<u64>,
    capacity: usize,
    closed: bool,
    waiting: Vec<Waker>,
}

/// An end of the channel.
pub struct Side {
    end: End,
    queue: Arc<Mutex<Queue>>,
}

impl Side {
    /// Changes the queue, and wakes the waiting tasks.
    fn change<T>(&self, change: impl FnOnce(&mut Queue) -> T) -> T {
        let mut queue = self.queue.lock().unwrap();
        let result = change(&mut queue);
        self.end.channel().set_length(queue.messages.len());
        let waiting = std::mem::take(&mut queue.waiting);
        drop(queue);
        waiting.into_iter().for_each(Waker::wake);
        result
    }

    /// Does `step` as soon as it returns a value. The wait is that of `op` at `at`.
    async fn when<T>(&self, op: Op, at: &'static Location<'static>, step: impl Fn(&mut Queue) -> Option<T>) -> T {
        let site = Site { executor: &POOL, op, need: 1, location: Some(at) };
        let mut wait = Waiting::new();
        self.end.used(at);
        poll_fn(|cx| {
            wait.poll(self.end.channel(), &site, cx, |cx| {
                let mut queue = self.queue.lock().unwrap();
                match step(&mut queue) {
                    Some(result) => {
                        self.end.channel().set_length(queue.messages.len());
                        let waiting = std::mem::take(&mut queue.waiting);
                        drop(queue);
                        waiting.into_iter().for_each(Waker::wake);
                        Poll::Ready(result)
                    }
                    None => {
                        queue.waiting.push(cx.waker().clone());
                        Poll::Pending
                    }
                }
            })
        })
        .await
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        self.change(|queue| queue.closed = true);
    }
}

impl Channel for Bounded {
    const KIND: ResourceKind = ResourceKind::Channel;

    type Sender = Side;
    type Receiver = Side;

    fn new(capacity: usize) -> (Side, Side) {
        let kind = Type::Channel(HandOff::Barging, Closing::ByAny);
        let channel = Resource::new(kind, Location::caller(), Some(capacity));
        let queue = Arc::new(Mutex::new(Queue { capacity, ..Queue::default() }));
        let side = |handle| Side { end: End::new(channel.clone(), handle, &POOL), queue: queue.clone() };
        (side(Handle::Sender), side(Handle::Receiver))
    }

    fn send(sender: &mut Side, number: u64) -> impl Future<Output = bool> + Send {
        sender.when(Op::Send, Location::caller(), move |queue| {
            if queue.closed {
                return Some(false);
            }
            (queue.messages.len() < queue.capacity).then(|| queue.messages.push_back(number)).map(|()| true)
        })
    }

    fn recv(receiver: &mut Side) -> impl Future<Output = Option<u64>> + Send {
        receiver.when(Op::Recv, Location::caller(), |queue| match queue.messages.pop_front() {
            Some(number) => Some(Some(number)),
            None => queue.closed.then_some(None),
        })
    }
}

/// A timer that does not fire: no case waits so long.
pub struct Sleep;

impl Timer for Sleep {
    fn sleep(_: Duration) -> impl Future<Output = ()> + Send {
        let mut sleeping = Sleeping::new(Location::caller());
        let mut waker = None;
        poll_fn(move |cx| {
            sleeping.poll(&POOL, cx, |cx| {
                waker = Some(cx.waker().clone());
                Poll::Pending
            })
        })
    }
}
