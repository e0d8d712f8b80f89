//! A value that is made once, the task that makes it, and the tasks that wait for it.

use crate::border::border;
use crate::executor::EXECUTOR;
use crate::map::map;
use crate::named::named;
use crate::sync::calling::{calling, outcome};
use crate::sync::site;
use insight_probe::{Call, Lock, Marked, Op, Type, waiting};
use real::sync::{Semaphore, SemaphorePermit, SetError};
use std::fmt;
use std::future::Future;
use std::panic::Location;

/// tokio's `OnceCell`, observed: see [`tokio::sync::OnceCell`](real::sync::OnceCell).
///
/// tokio's own cell waits for its turn and makes the value in one future, so we cannot separate these. So tasks wait
/// for their turn at a semaphore before it, and never in the cell itself.
pub struct OnceCell<T> {
    /// Its holder is the task that makes the value.
    lock: Lock,
    /// One permit. Closed once there is a value.
    gate: Semaphore,
    inner: real::sync::OnceCell<T>,
}

/// The turn to make the value. We record its end before the next turn begins.
struct Turn<'a> {
    /// The guard's word.
    lock: Marked<'a, Lock>,
    _permit: SemaphorePermit<'a>,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.lock.get().released();
    }
}

impl<T> OnceCell<T> {
    /// See [`tokio::sync::OnceCell::new`](real::sync::OnceCell::new).
    #[track_caller]
    pub fn new() -> Self {
        OnceCell::const_new()
    }

    /// See [`tokio::sync::OnceCell::const_new`](real::sync::OnceCell::const_new).
    #[track_caller]
    pub const fn const_new() -> Self {
        OnceCell::of(real::sync::OnceCell::const_new(), Location::caller())
    }

    /// See [`tokio::sync::OnceCell::new_with`](real::sync::OnceCell::new_with).
    #[track_caller]
    pub fn new_with(value: Option<T>) -> Self {
        OnceCell::of(real::sync::OnceCell::new_with(value), Location::caller())
    }

    /// See [`tokio::sync::OnceCell::const_new_with`](real::sync::OnceCell::const_new_with).
    #[track_caller]
    pub const fn const_new_with(value: T) -> Self {
        OnceCell::of(real::sync::OnceCell::const_new_with(value), Location::caller())
    }

    const fn of(inner: real::sync::OnceCell<T>, at: &'static Location<'static>) -> Self {
        OnceCell { lock: Lock::new(Type::OnceCell, at), gate: Semaphore::const_new(1), inner }
    }

    /// See [`tokio::sync::OnceCell::initialized`](real::sync::OnceCell::initialized).
    pub fn initialized(&self) -> bool {
        self.inner.initialized()
    }

    /// See [`tokio::sync::OnceCell::get`](real::sync::OnceCell::get).
    pub fn get(&self) -> Option<&T> {
        self.inner.get()
    }

    /// See [`tokio::sync::OnceCell::get_mut`](real::sync::OnceCell::get_mut).
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.inner.get_mut()
    }

    /// See [`tokio::sync::OnceCell::set`](real::sync::OnceCell::set).
    #[track_caller]
    pub fn set(&self, value: T) -> Result<(), SetError<T>> {
        let call = calling(&self.lock, Call::Set, 1, Location::caller());
        let result = self.inner.set(value);
        if result.is_ok() {
            self.gate.close();
        }
        call.ends(|| outcome(&result));
        result
    }

    /// Waits for this task's turn to make the value. `None` if there is a value.
    fn turn(&self, at: &'static Location<'static>) -> impl Future<Output = Option<Turn<'_>>> {
        let permit = waiting(&self.lock, site(Op::Init, 1, at), self.gate.acquire());
        map(permit, move |permit, by| {
            let permit = permit.ok()?;
            let mark = self.lock.acquired(&EXECUTOR, at, by);
            Some(Turn { lock: Marked::new(&self.lock, mark), _permit: permit })
        })
    }

    /// See [`tokio::sync::OnceCell::get_or_init`](real::sync::OnceCell::get_or_init).
    #[track_caller]
    pub fn get_or_init<F, Fut>(&self, f: F) -> impl Future<Output = &T>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = T>,
    {
        let at = Location::caller();
        async move {
            if let Some(value) = self.inner.get() {
                calling(&self.lock, Call::Init, 1, at).succeeded();
                return value;
            }
            let turn = self.turn(at).await;
            let value = self.inner.get_or_init(f).await;
            self.gate.close();
            drop(turn);
            value
        }
    }

    /// See [`tokio::sync::OnceCell::get_or_try_init`](real::sync::OnceCell::get_or_try_init).
    #[track_caller]
    pub fn get_or_try_init<E, F, Fut>(&self, f: F) -> impl Future<Output = Result<&T, E>>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        let at = Location::caller();
        async move {
            if let Some(value) = self.inner.get() {
                calling(&self.lock, Call::Init, 1, at).succeeded();
                return Ok(value);
            }
            let turn = self.turn(at).await;
            let value = self.inner.get_or_try_init(f).await?;
            self.gate.close();
            drop(turn);
            Ok(value)
        }
    }

    /// See [`tokio::sync::OnceCell::into_inner`](real::sync::OnceCell::into_inner).
    pub fn into_inner(self) -> Option<T> {
        self.inner.into_inner()
    }

    /// See [`tokio::sync::OnceCell::take`](real::sync::OnceCell::take).
    pub fn take(&mut self) -> Option<T> {
        self.gate = Semaphore::const_new(1);
        self.inner.take()
    }
}

border!(from [T] OnceCell<T> => real::sync::OnceCell<T>, cell => cell.inner);
border!(in [T] real::sync::OnceCell<T> => OnceCell<T>, inner => OnceCell::of(inner, Location::caller()));

named!([T] OnceCell<T>, self => &self.lock);

impl<T> Default for OnceCell<T> {
    #[track_caller]
    fn default() -> Self {
        OnceCell::new()
    }
}

impl<T> From<T> for OnceCell<T> {
    #[track_caller]
    fn from(value: T) -> Self {
        OnceCell::const_new_with(value)
    }
}

impl<T: Clone> Clone for OnceCell<T> {
    #[track_caller]
    fn clone(&self) -> Self {
        OnceCell::of(self.inner.clone(), Location::caller())
    }
}

impl<T: PartialEq> PartialEq for OnceCell<T> {
    fn eq(&self, other: &OnceCell<T>) -> bool {
        self.inner == other.inner
    }
}

impl<T: Eq> Eq for OnceCell<T> {}

impl<T: fmt::Debug> fmt::Debug for OnceCell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
