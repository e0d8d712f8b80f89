//! A value that is made once, the task that makes it, and the tasks that wait for it.

use super::named;
use crate::executor::{EXECUTOR, calling, site};
use async_lock as real;
use event_listener::{Event, EventListener, Listener};
use insight_probe::{Acquirer, Blocking, Call, CallOutcome, Lock, Marked, Op, Type, records_operations, waiting};
use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::atomic::{AtomicBool, Ordering};

/// async-lock's `OnceCell`, observed: see [`async_lock::OnceCell`].
///
/// async-lock's own cell waits for its turn and makes the value in one future, so we cannot separate these. So tasks
/// wait for their turn before it, in the same way, and never in the cell itself.
pub struct OnceCell<T> {
    /// Its holder is the task that makes the value.
    lock: Lock,
    /// Whether a task makes the value.
    taken: AtomicBool,
    /// Wakes one waiter when a task has given up making the value, and all waiters when there is a value.
    free: Event,
    inner: real::OnceCell<T>,
}

/// The turn to make the value. We record its end before the next turn begins.
struct Turn<'a, T> {
    cell: &'a OnceCell<T>,
    /// The guard's word.
    lock: Marked<'a, Lock>,
}

impl<T> Drop for Turn<'_, T> {
    fn drop(&mut self) {
        self.lock.get().released();
        self.cell.taken.store(false, Ordering::Release);
        match self.cell.inner.is_initialized() {
            true => self.cell.free.notify_additional(usize::MAX),
            false => self.cell.free.notify(1),
        };
    }
}

impl<T> OnceCell<T> {
    /// See [`async_lock::OnceCell::new`].
    #[track_caller]
    pub const fn new() -> Self {
        OnceCell::of(real::OnceCell::new(), Location::caller())
    }

    const fn of(inner: real::OnceCell<T>, at: &'static Location<'static>) -> Self {
        OnceCell { lock: Lock::new(Type::OnceCell, at), taken: AtomicBool::new(false), free: Event::new(), inner }
    }

    /// See [`async_lock::OnceCell::is_initialized`].
    pub fn is_initialized(&self) -> bool {
        self.inner.is_initialized()
    }

    /// See [`async_lock::OnceCell::get`].
    pub fn get(&self) -> Option<&T> {
        self.inner.get()
    }

    /// See [`async_lock::OnceCell::get_mut`].
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.inner.get_mut()
    }

    /// See [`async_lock::OnceCell::take`].
    pub fn take(&mut self) -> Option<T> {
        self.inner.take()
    }

    /// See [`async_lock::OnceCell::into_inner`].
    pub fn into_inner(self) -> Option<T> {
        self.inner.into_inner()
    }

    /// See [`async_lock::OnceCell::wait`].
    #[track_caller]
    pub fn wait(&self) -> impl Future<Output = &T> {
        waiting(&self.lock, site(Op::Value, 1, Location::caller()), self.inner.wait())
    }

    /// See [`async_lock::OnceCell::wait_blocking`].
    #[track_caller]
    pub fn wait_blocking(&self) -> &T {
        let at = Location::caller();
        if let Some(value) = self.inner.get() {
            calling(&self.lock, Call::Wait, 1, at).succeeded();
            return value;
        }
        let _blocking = Blocking::new(&self.lock, &site(Op::Value, 1, at));
        self.inner.wait_blocking()
    }

    /// Takes the turn if it is free. `Ready` if there is a value.
    fn try_turn(&self, at: &'static Location<'static>, by: Acquirer) -> Try<'_, T> {
        if self.inner.is_initialized() {
            return Try::Ready;
        }
        if self.taken.compare_exchange(false, true, Ordering::AcqRel, Ordering::Acquire).is_err() {
            return Try::Taken;
        }
        let mark = self.lock.acquired(&EXECUTOR, at, by);
        Try::Turn(Turn { cell: self, lock: Marked::new(&self.lock, mark) })
    }

    /// Waits for this task's turn to make the value. `None` if there is a value.
    async fn turn(&self, at: &'static Location<'static>) -> Option<Turn<'_, T>> {
        let mut listener = None;
        loop {
            // It is a part of this future, since it is used after the await.
            let by = Acquirer::operation(&listener);
            match (self.try_turn(at, by), listener.take()) {
                (Try::Ready, _) => return None,
                (Try::Turn(turn), _) => return Some(turn),
                (Try::Taken, Some(listener)) => listener.await,
                (Try::Taken, None) => listener = Some(self.free.listen()),
            }
        }
    }

    /// Like [`turn`](OnceCell::turn), but blocks the thread.
    fn turn_blocking(&self, at: &'static Location<'static>) -> Option<Turn<'_, T>> {
        let mut listener: Option<EventListener> = None;
        // A single operation begins before it takes the turn.
        let mut blocking = records_operations().then(|| Blocking::new(&self.lock, &site(Op::Init, 1, at)));
        loop {
            match (self.try_turn(at, Acquirer::NONE), listener.take()) {
                (Try::Ready, _) => return None,
                (Try::Turn(turn), _) => return Some(turn),
                (Try::Taken, Some(listener)) => {
                    blocking.get_or_insert_with(|| Blocking::new(&self.lock, &site(Op::Init, 1, at)));
                    listener.wait();
                }
                (Try::Taken, None) => listener = Some(self.free.listen()),
            }
        }
    }

    /// See [`async_lock::OnceCell::get_or_try_init`].
    #[track_caller]
    pub fn get_or_try_init<E, Fut: Future<Output = Result<T, E>>>(
        &self,
        closure: impl FnOnce() -> Fut,
    ) -> impl Future<Output = Result<&T, E>> {
        let at = Location::caller();
        async move {
            if let Some(value) = self.inner.get() {
                calling(&self.lock, Call::Init, 1, at).succeeded();
                return Ok(value);
            }
            let turn = waiting(&self.lock, site(Op::Init, 1, at), self.turn(at)).await;
            // A statement of its own: a cancelled future must be dropped before its turn ends.
            let made = self.inner.get_or_try_init(closure).await;
            drop(turn);
            made
        }
    }

    /// See [`async_lock::OnceCell::get_or_try_init_blocking`].
    #[track_caller]
    pub fn get_or_try_init_blocking<E>(&self, closure: impl FnOnce() -> Result<T, E>) -> Result<&T, E> {
        let at = Location::caller();
        if let Some(value) = self.inner.get() {
            calling(&self.lock, Call::Init, 1, at).succeeded();
            return Ok(value);
        }
        let _turn = self.turn_blocking(at);
        self.inner.get_or_try_init_blocking(closure)
    }

    /// See [`async_lock::OnceCell::get_or_init`].
    #[track_caller]
    pub fn get_or_init<Fut: Future<Output = T>>(&self, closure: impl FnOnce() -> Fut) -> impl Future<Output = &T> {
        let made = self.get_or_try_init(move || async move { Ok::<T, Infallible>(closure().await) });
        async move {
            match made.await {
                Ok(value) => value,
            }
        }
    }

    /// See [`async_lock::OnceCell::get_or_init_blocking`].
    #[track_caller]
    pub fn get_or_init_blocking(&self, closure: impl FnOnce() -> T + Unpin) -> &T {
        match self.get_or_try_init_blocking(|| Ok::<T, Infallible>(closure())) {
            Ok(value) => value,
        }
    }

    /// See [`async_lock::OnceCell::set`].
    #[track_caller]
    pub fn set(&self, value: T) -> impl Future<Output = Result<&T, T>> {
        let at = Location::caller();
        async move {
            let turn = waiting(&self.lock, site(Op::Init, 1, at), self.turn(at)).await;
            // A statement of its own: a cancelled future must be dropped before its turn ends.
            let made = self.inner.set(value).await;
            drop(turn);
            made
        }
    }

    /// See [`async_lock::OnceCell::try_set`].
    #[cfg(not(insight_before = "3.5.0"))]
    #[track_caller]
    pub fn try_set(&self, value: T) -> Result<(), T> {
        let call = calling(&self.lock, Call::Set, 1, Location::caller());
        let result = self.inner.try_set(value);
        if result.is_ok() {
            self.free.notify_additional(usize::MAX);
        }
        call.ends(|| if result.is_ok() { CallOutcome::Succeeded } else { CallOutcome::Failed });
        result
    }

    /// See [`async_lock::OnceCell::set_blocking`].
    #[track_caller]
    pub fn set_blocking(&self, value: T) -> Result<&T, T> {
        let _turn = self.turn_blocking(Location::caller());
        self.inner.set_blocking(value)
    }

    /// See [`async_lock::OnceCell::get_unchecked`].
    ///
    /// # Safety
    ///
    /// There must be a value.
    pub unsafe fn get_unchecked(&self) -> &T {
        // SAFETY: the caller guarantees it.
        unsafe { self.inner.get_unchecked() }
    }
}

/// The result of [`try_turn`](OnceCell::try_turn).
enum Try<'a, T> {
    Ready,
    Turn(Turn<'a, T>),
    Taken,
}

named!([T] OnceCell<T>, self => &self.lock);

impl<T> From<T> for OnceCell<T> {
    #[track_caller]
    fn from(value: T) -> Self {
        OnceCell::of(real::OnceCell::from(value), Location::caller())
    }
}

impl<T> Default for OnceCell<T> {
    #[track_caller]
    fn default() -> Self {
        OnceCell::new()
    }
}

impl<T: fmt::Debug> fmt::Debug for OnceCell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}
