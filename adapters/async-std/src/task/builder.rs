use super::JoinHandle;
use crate::executor::{EXECUTOR, announce};
use crate::io;
use insight_probe::{Kind, Observed, recorded, task_name};
use std::future::Future;
use std::panic::Location;

/// See [`async_std::task::Builder`](real::task::Builder).
#[derive(Debug, Default)]
pub struct Builder {
    name: Option<String>,
}

impl Builder {
    /// See [`async_std::task::Builder::new`](real::task::Builder::new).
    #[inline]
    pub fn new() -> Builder {
        Builder { name: None }
    }

    /// See [`async_std::task::Builder::name`](real::task::Builder::name).
    #[inline]
    pub fn name(mut self, name: String) -> Builder {
        self.name = Some(name);
        self
    }

    /// See [`async_std::task::Builder::spawn`](real::task::Builder::spawn).
    #[track_caller]
    pub fn spawn<F, T>(self, future: F) -> io::Result<JoinHandle<T>>
    where
        F: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        let at = Location::caller();
        let future = self.named(|| Observed::new(future, &EXECUTOR, Kind::Task, at));
        let task = future.task_ref();
        Ok(JoinHandle::new(recorded(|| self.real().spawn(future))?, task))
    }

    /// See [`async_std::task::Builder::local`](real::task::Builder::local).
    #[cfg(feature = "unstable")]
    #[track_caller]
    pub fn local<F, T>(self, future: F) -> io::Result<JoinHandle<T>>
    where
        F: Future<Output = T> + 'static,
        T: 'static,
    {
        let at = Location::caller();
        let future = self.named(|| Observed::new(future, &EXECUTOR, Kind::Local, at));
        let task = future.task_ref();
        Ok(JoinHandle::new(recorded(|| self.real().local(future))?, task))
    }

    /// See [`async_std::task::Builder::blocking`](real::task::Builder::blocking).
    #[track_caller]
    pub fn blocking<F, T>(self, future: F) -> T
    where
        F: Future<Output = T>,
    {
        let at = Location::caller();
        let future = self.named(|| Observed::root(future, &EXECUTOR, at));
        self.real().blocking(future)
    }

    /// Observes a task's future by `observe`, with the task's name.
    fn named<F>(&self, observe: impl FnOnce() -> Observed<F>) -> Observed<F> {
        announce();
        match &self.name {
            Some(name) => task_name(name, observe),
            None => observe(),
        }
    }

    fn real(self) -> real::task::Builder {
        let builder = real::task::Builder::new();
        match self.name {
            Some(name) => builder.name(name),
            None => builder,
        }
    }
}
