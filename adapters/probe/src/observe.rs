//! The one call that most executors need.

use crate::{Executor, Kind, Observed, task_name};
use std::panic::Location;

/// An executor's facts of a task that it spawns; for [`observe`].
#[derive(Clone, Copy, Debug)]
pub struct SpawnMeta<'a> {
    executor: &'static Executor,
    kind: Kind,
    location: &'static Location<'static>,
    name: Option<&'a str>,
}

impl<'a> SpawnMeta<'a> {
    /// A task of this executor that may move between threads. It is named by the type of its future, and spawned where
    /// this is called: in a function with `#[track_caller]`, that is the place of its caller.
    #[track_caller]
    pub fn new(executor: &'static Executor) -> SpawnMeta<'a> {
        SpawnMeta { executor, kind: Kind::Task, location: Location::caller(), name: None }
    }

    /// Its kind.
    pub fn kind(self, kind: Kind) -> SpawnMeta<'a> {
        SpawnMeta { kind, ..self }
    }

    /// The program's name for it.
    pub fn name(self, name: &'a str) -> SpawnMeta<'a> {
        SpawnMeta { name: Some(name), ..self }
    }

    /// The location of its spawn, if the caller knows it already.
    pub fn location(self, location: &'static Location<'static>) -> SpawnMeta<'a> {
        SpawnMeta { location, ..self }
    }
}

/// Observes a future that an executor is about to spawn, and makes the executor known to streams.
///
/// This is all that an executor without a facade has to call, once for each spawn. A task of kind
/// [`BlockOn`](Kind::BlockOn) is observed also when recording is turned on within it.
///
/// ```
/// use insight_probe::{Executor, SpawnMeta, observe};
/// use std::collections::VecDeque;
/// use std::future::Future;
/// use std::pin::Pin;
///
/// static TOY: Executor = Executor::new("toy", "1.0", || None);
///
/// #[derive(Default)]
/// struct Toy(VecDeque<Pin<Box<dyn Future<Output = ()> + Send>>>);
///
/// impl Toy {
///     #[track_caller]
///     fn spawn(&mut self, future: impl Future<Output = ()> + Send + 'static) {
///         self.0.push_back(Box::pin(observe(future, SpawnMeta::new(&TOY))));
///     }
/// }
///
/// Toy::default().spawn(async {});
/// ```
#[inline]
pub fn observe<F>(future: F, meta: SpawnMeta<'_>) -> Observed<F> {
    let SpawnMeta { executor, kind, location, name } = meta;
    let observed = || match kind {
        Kind::BlockOn => Observed::root(future, executor, location),
        _ => Observed::new(future, executor, kind, location),
    };
    executor.announce();
    match name {
        Some(name) => task_name(name, observed),
        None => observed(),
    }
}
