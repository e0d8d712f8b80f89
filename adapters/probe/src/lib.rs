//! The in-process recorder of insight: all that an adapter calls, and the only code on a program's hot path.
//!
//! - [`Observed`] wraps a future at spawn, [`ObservedClosure`] a blocking closure.
//! - [`observe`] is the one call that an executor without a facade needs; with the feature `futures`, `Observing` makes it
//!   for all that implement the `Spawn` of `futures`.
//! - [`polling_others`] and [`running_others`] are for an executor that is run within a task.
//! - [`waiting`], [`Waiting`] and [`Blocking`] observe an operation that may have to wait on a resource.
//! - [`yielding`] is for what an executor lets a task yield by.
//! - [`Lock`], [`Holders`], [`Resource`], [`End`], [`OneshotEnd`], [`Party`] and [`Permits`] are what an adapter's primitives keep beside
//!   the real ones.
//! - [`RawTask`], [`RawResource`] and [`RawEdge`] are for an adapter that wraps nothing, and is only told.
//! - [`Traceable`] tells where a parked task awaits what, when somebody asks.
//! - [`Recorder`] turns what was recorded into messages of the protocol, in the thread of whoever calls it.
//!
//! ```
//! use insight_probe::{Executor, Kind, Observed, Recorder, RecorderConfig};
//! use std::{future::Future, panic::Location, pin::pin, task::{Context, Waker}};
//!
//! static EXECUTOR: Executor = Executor::new("toy", "1.0", || None);
//! let mut recorder = Recorder::start(RecorderConfig::default()).unwrap();
//! let mut task = pin!(Observed::new(async { 7 }, &EXECUTOR, Kind::Task, Location::caller()));
//! assert!(task.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
//! let mut messages = Vec::new();
//! recorder.collect(&mut messages);
//! assert!(messages.iter().any(|message| message.type_name() == "task.completed"));
//! ```
//!
//! # The design and its cost
//!
//! What changes often is not sent: it is state in a cell of its own (a task's counters and open waits, a lock's
//! holder), written with plain stores by the one thread that may, and sampled by the recorder. So a poll costs two
//! reads of the time-stamp counter and a few stores, an uncontended lock a few stores, and neither an event.
//! What must not be missed (spawns and ends, resources, parties) goes through per-thread queues without a lock.
//! The price is that a wait shorter than the sampling interval may not be seen.

mod cell_ref;
mod clock;
mod current;
mod end;
mod executor;
mod holders;
mod holds;
mod ids;
mod intern;
mod join;
mod lazy;
mod name;
mod nested;
mod observe;
mod observed;
#[cfg(feature = "futures")]
mod observing;
mod once;
mod oneshot;
mod origin;
mod party;
mod polls;
mod raw;
mod recorder;
mod resource;
mod ring;
mod slots;
mod sync;
mod task;
mod timer;
mod trace;
mod wait;
mod waiter;
mod waker;
mod yielding;

/// What an adapter says in the words of the protocol.
pub use insight_protocol::{
    Capability, EdgeOutcome, HoldMode, Operation, Outcome, PartyRole, ResourceKind, TaskKind, adapter,
};

pub use end::End;
pub use executor::{ANY, CountedTasks, Executor};
pub use holders::{Held, Holders};
pub use holds::Mode;
pub use join::{Joining, JoiningAny};
pub use lazy::{LazyResource, Lock};
pub use name::{name, task_name};
pub use nested::{OwnPart, RunningOthers, polling_others, running_others};
pub use observe::{SpawnMeta, observe};
pub use observed::{Observed, ObservedClosure, Spawned, TaskRef};
#[cfg(feature = "futures")]
pub use observing::Observing;
pub use once::{is_recorded, recorded};
pub use oneshot::OneshotEnd;
pub use party::{Party, Permits, Role};
pub use raw::{
    Moment, Parent, Place, RawEdge, RawMeta, RawPoll, RawRelation, RawResource, RawResourceMeta, RawTask, RawUpdate,
    RawWait, in_observed_operation, is_observed_spawn, telling, told_capability, told_executor,
};
pub use recorder::{AlreadyStarted, Recorder, RecorderConfig};
pub use resource::{AsResource, Closing, HandOff, Handle, Resource, ResourceCell, Type};
pub use task::{Kind, TaskCell};
pub use timer::Sleeping;
pub use trace::{Capture, Stack, Trace, Traceable};
pub use wait::{Blocking, Op, Site, WaitFuture, Waiting, blocking, waiting};
pub use yielding::{Yielding, yielding};

/// Where this crate's source was when it was built, for who has to tell its frames from others'.
#[doc(hidden)]
pub const SOURCE_FILE: &str = file!();

/// Whether recording is on.
#[inline]
pub fn on() -> bool {
    ids::on()
}
