//! A wait for several blocking operations at once: see [`flume::select`](real::select).

pub use real::select::*;

use crate::{Receiver, RecvError, SendError, Sender};
use std::fmt;
use std::panic::Location;
use std::time::{Duration, Instant};

/// See [`flume::select::Selector`](real::select::Selector).
pub struct Selector<'a, T: 'a>(real::select::Selector<'a, T>);

impl<'a, T> Selector<'a, T> {
    /// See [`flume::select::Selector::new`](real::select::Selector::new).
    pub fn new() -> Self {
        Selector(real::select::Selector::new())
    }

    /// See [`flume::select::Selector::send`](real::select::Selector::send).
    #[track_caller]
    pub fn send<U, F: FnMut(Result<(), SendError<U>>) -> T + 'a>(
        self,
        sender: &'a Sender<U>,
        msg: U,
        mut mapper: F,
    ) -> Self {
        sender.end.used(Location::caller());
        let mapper = move |result| {
            sender.measure();
            mapper(result)
        };
        Selector(self.0.send(&sender.inner, msg, mapper))
    }

    /// See [`flume::select::Selector::recv`](real::select::Selector::recv).
    #[track_caller]
    pub fn recv<U, F: FnMut(Result<U, RecvError>) -> T + 'a>(self, receiver: &'a Receiver<U>, mut mapper: F) -> Self {
        receiver.end.used(Location::caller());
        let mapper = move |result| {
            receiver.measure();
            mapper(result)
        };
        Selector(self.0.recv(&receiver.inner, mapper))
    }

    /// See [`flume::select::Selector::wait`](real::select::Selector::wait).
    pub fn wait(self) -> T {
        self.0.wait()
    }

    /// See [`flume::select::Selector::wait_timeout`](real::select::Selector::wait_timeout).
    pub fn wait_timeout(self, dur: Duration) -> Result<T, SelectError> {
        self.0.wait_timeout(dur)
    }

    /// See [`flume::select::Selector::wait_deadline`](real::select::Selector::wait_deadline).
    pub fn wait_deadline(self, deadline: Instant) -> Result<T, SelectError> {
        self.0.wait_deadline(deadline)
    }
}

impl<'a, T: 'a> Default for Selector<'a, T> {
    fn default() -> Self {
        Selector::new()
    }
}

impl<'a, T: 'a> fmt::Debug for Selector<'a, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
