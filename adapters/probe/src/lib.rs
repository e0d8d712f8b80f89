//! The in-process recorder of insight: all that an adapter calls, and the only code on a program's hot path.
//!
//! - [`Observed`] wraps a future at spawn, [`ObservedClosure`] a blocking closure.
//! - [`observe`] is the one call that an executor without a facade needs; with the feature `futures`, `Observing` makes it
//!   for all that implement the `Spawn` of `futures`.
//! - [`polling_others`] and [`running_others`] are for an executor that is run within a task.
//! - [`waiting`], [`Waiting`] and [`Blocking`] observe an operation that may have to wait on a resource.
//! - [`Calling`] observes an operation that cannot wait; at detail `operations` every operation is recorded.
//! - [`yielding`] observes an executor's function by which a task yields.
//! - [`Lock`], [`Holders`], [`Resource`], [`End`], [`OneshotEnd`], [`Party`] and [`Permits`] belong into an adapter's
//!   primitives, beside the real ones.
//! - [`RawTask`], [`RawResource`] and [`RawEdge`] are for an adapter that wraps nothing, and reports by explicit calls.
//! - [`Traceable`] shows on demand the awaits of a parked task, with their locations.
//! - [`Recorder`] turns the recorded facts into messages of the protocol, in its caller's thread.
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
//! State that changes often (a task's counters and open waits, a lock's holder) is not sent. It is in a cell of its own,
//! one thread at a time writes it with plain stores, and the recorder samples it. So a poll costs two reads of the
//! time-stamp counter and a few stores, an uncontended lock a few stores, and neither an event.
//! Facts that must not be missed (spawns and ends, resources, parties) go through per-thread queues without a lock.
//! The price is that the recorder may miss a wait that is shorter than the sampling interval. At detail `operations`
//! ([`RecorderConfig::detail`]) each operation and each hold has records of its own, in one order over all threads.
//!
//! No files need each other in a circle, which `cargo xtask circles` checks. So the files can be read in the order of the
//! `mod` lines below. `cell_ref.rs` documents the lifetime of a task's cell.

#![cfg_attr(docsrs, feature(doc_cfg))]

// Underneath: ids, the clock, and the lock-free parts.
mod call;
mod clock;
mod ids;
mod left_out;
mod old_copies;
mod once;
mod order;
mod origin;
mod panic_message;
mod queue;
mod sync;
mod threads;
mod word;

// The words for executors, tasks and parties.
mod announce;
mod executor;
mod kind;
mod meta;
mod role;
mod task_number;

// The memory that the program's threads write, and the recorder reads.
mod cell;
mod cell_ref;
mod holds;
mod resource_cell;
mod slots;
mod times;
mod waiter;
mod wakers;

// The task of a thread, its wakers, and the ways to the recorder.
mod current;
mod fact;
mod operation;
mod polls;
mod ring;
mod waker;

// The lives of tasks and resources.
mod name;
mod panics;
mod partial;
mod resource;
mod task;
mod user;

// All that adapters call.
mod acquirer;
mod end;
mod holders;
mod home;
mod image;
mod join;
mod journal;
mod lazy;
mod nested;
mod observe;
mod observed;
#[cfg(feature = "futures")]
mod observing;
mod oneshot;
mod party;
mod raw;
mod timer;
mod trace;
mod wait;
mod yielding;

// The recorder, and a fork of its process.
#[cfg(not(all(test, loom)))]
mod fork;
mod recorder;

/// The protocol's types that adapters use.
pub use insight_protocol::{
    Capability, EdgeOutcome, HoldMode, Operation, Outcome, PartyRole, ResourceKind, TaskKind, adapter,
};

pub use acquirer::Acquirer;
pub use call::{Call, CallOutcome};
pub use cell::TaskCell;
pub use end::End;
pub use executor::{ANY, CountedTasks, Executor};
#[cfg(not(all(test, loom)))]
#[doc(hidden)]
pub use fork::{after_fork_in_child, after_fork_in_parent, before_fork};
pub use holders::{Held, Holders};
pub use holds::Mode;
pub use home::{Driving, Home, Rooted, begin_thread, check_thread, polling_unknown};
pub use ids::on;
pub use join::{Joining, JoiningAny};
pub use journal::{Calling, is_on as records_operations};
pub use kind::Kind;
pub use lazy::{LazyResource, Lock};
pub use name::{MAX_NAME, name, task_name};
pub use nested::{OwnPart, RunningOthers, polling_others, running_others};
pub use observe::{SpawnMeta, observe};
pub use observed::{Observed, ObservedClosure, Spawned, TaskRef};
#[cfg(feature = "futures")]
pub use observing::Observing;
pub use old_copies::erase_old_copies;
pub use once::{is_recorded, recorded};
pub use oneshot::OneshotEnd;
pub use party::{Party, Permits};
pub use raw::{
    Moment, Parent, RawEdge, RawLocation, RawMeta, RawPoll, RawRelation, RawResource, RawResourceMeta, RawTask,
    RawUpdate, RawWait, in_observed_operation, is_observed_spawn, report_capability, report_executor, telling,
};
pub use recorder::{AlreadyStarted, Recorder, RecorderConfig};
pub use resource::{AsResource, Handle, Resource};
pub use resource_cell::{Closing, HandOff, ResourceCell, Type};
pub use role::Role;
pub use task_number::task_number;
pub use timer::Sleeping;
pub use trace::{Capture, Capturing, Stack, Trace, Traceable, is_captured, note_span};
pub use wait::{Blocking, Op, Site, WaitFuture, Waiting, blocking, waiting};
pub use word::{Mark, Marked, Word};
pub use yielding::{Yielding, yielding};

/// For the facades. `cargo insight` compiles a facade with the crates of the user's graph, where pin-project-lite may be missing:
/// async-channel 1 does not depend on it.
#[doc(hidden)]
pub use pin_project_lite::pin_project;

/// The path of this crate's source when it was built. It distinguishes this crate's frames in a stack from others.
#[doc(hidden)]
pub const SOURCE_FILE: &str = file!();
