//! The conformance suite for adapters: runs small programs on an executor, and compares the sent facts with the acts of the
//! programs.
//!
//! The macro [`suite!`](crate::suite) makes a `#[test]` of each case:
//!
//! ```no_run
//! # struct MyAdapter;
//! # impl insight_protocol::adapter::Adapter for MyAdapter {
//! #     type Task = Never;
//! #     fn descriptor(&self) -> insight_protocol::adapter::Descriptor { unimplemented!() }
//! #     fn block_on<F: Future>(&self, _: F) -> F::Output { unimplemented!() }
//! #     fn spawn<F: Future<Output = ()> + Send + 'static>(&self, _: F) -> Never { unimplemented!() }
//! # }
//! # struct Never;
//! # impl Future for Never {
//! #     type Output = insight_protocol::Outcome;
//! #     fn poll(
//! #         self: std::pin::Pin<&mut Self>,
//! #         _: &mut std::task::Context<'_>,
//! #     ) -> std::task::Poll<Self::Output> { unimplemented!() }
//! # }
//! # impl insight_protocol::adapter::Spawned for Never {
//! #     fn cancel(self) {}
//! #     fn detach(self) {}
//! # }
//! insight_conformance::suite!(MyAdapter);
//! # fn main() {}
//! ```
//!
//! [`Suite`] runs all cases at once, and returns a [`Report`]. The cases run in the process of the test, with the one recorder
//! that a process can have, so the test must not start another one. They take turns for the same reason: they share one stream,
//! and a broken rule in a stream belongs to no single task.
//!
//! A case demands only what SPEC.md demands. Its tasks record their own polls, wakes and ends, and the sent facts have to fit
//! these records. So an executor may poll more often than needed, wake without need, and run a task late. It may also send
//! other facts.

mod baseline;
mod bench;
mod channels;
mod contract;
mod descriptor;
mod finding;
#[doc(hidden)]
pub mod front;
mod locks;
mod outcome;
mod report;
mod scene;
mod stage;
mod tasks;
mod timers;
mod transcript;

pub use baseline::{Baseline, BaselineError};
pub use finding::Finding;
pub use outcome::{CaseResult, Outcome, Report};

use crate::cases::{Case, ChannelProgram, LockProgram, Program, TaskProgram, TimerProgram, case, cases};
#[doc(hidden)]
pub use bench::Filter;

use bench::Bench;
use descriptor::Declared;
use insight_protocol::adapter::{Adapter, Channel, Lock, Resources, Timer};
use scene::{Limits, Running};
use std::fmt;
use std::time::{Duration, Instant};

/// The cases for one adapter.
pub struct Suite<A> {
    make: Box<dyn Fn() -> A>,
    limits: Limits,
    name: String,
    executor: (&'static str, &'static str),
    baseline: Baseline,
    filter: Option<Filter>,
}

impl<A> fmt::Debug for Suite<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Suite { limits, name, executor, baseline, make: _, filter: _ } = self;
        let mut debug = f.debug_struct("Suite");
        debug.field("name", name).field("executor", executor).field("limits", limits).field("baseline", baseline);
        debug.finish_non_exhaustive()
    }
}

impl<A: Adapter> Suite<A> {
    /// Cases for the adapters that `make` returns. Each case gets a new one.
    pub fn new(make: impl Fn() -> A + 'static) -> Suite<A> {
        let limits = Limits {
            within: Duration::from_secs(2),
            not_for: Duration::from_millis(100),
            hung_after: Duration::from_secs(10),
        };
        let name = "conformance".to_owned();
        Suite { make: Box::new(make), limits, name, executor: ("", ""), baseline: Baseline::default(), filter: None }
    }

    /// Sets the time within which a fact must be sent, once the program has done its part. The default is 2 seconds.
    pub fn within(mut self, time: Duration) -> Suite<A> {
        self.limits.within = time;
        self
    }

    /// Sets the time for which a fact that must not be sent is waited for. The default is 100 milliseconds.
    pub fn not_for(mut self, time: Duration) -> Suite<A> {
        self.limits.not_for = time;
        self
    }

    /// Sets the time after which a program that makes no progress has failed. The default is 10 seconds. Its thread is left
    /// behind, and the next case runs.
    pub fn hung_after(mut self, time: Duration) -> Suite<A> {
        self.limits.hung_after = time;
        self
    }

    /// Sets the known failures.
    pub fn baseline(mut self, baseline: Baseline) -> Suite<A> {
        self.baseline = baseline;
        self
    }

    /// Changes the stream before the suite reads it. It is for tests of the suite.
    #[doc(hidden)]
    pub fn filter(mut self, filter: Filter) -> Suite<A> {
        self.filter = Some(filter);
        self
    }

    /// Sets its name, and its baseline unless it has one.
    fn named(mut self, name: &str, baseline: Baseline) -> Suite<A> {
        name.clone_into(&mut self.name);
        if self.baseline == Baseline::default() {
            self.baseline = baseline;
        }
        let descriptor = (self.make)().descriptor();
        self.executor = (descriptor.name, descriptor.version);
        self
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn executor(&self) -> (&'static str, &'static str) {
        self.executor
    }

    /// Runs each case, and panics with the failures.
    pub fn assert(&self) {
        let report = self.run();
        assert!(report.passed(), "{report}");
    }

    /// Runs each case. Suites that run at the same time in one process take turns.
    pub fn run(&self) -> Report {
        let mut bench = bench::bench();
        let descriptor = (self.make)().descriptor();
        let unknown = self.baseline.unknown().map(str::to_owned).collect();
        let mut report = Report::new(&self.name, (descriptor.name, descriptor.version), unknown);
        report.results = cases().iter().map(|case| self.run_on(&mut bench, case)).collect();
        report
    }

    /// Runs the case with this ID. Returns `None` if the suite has no such case.
    pub fn run_case(&self, id: &str) -> Option<CaseResult> {
        let case = case(id)?;
        Some(self.run_on(&mut bench::bench(), case))
    }

    fn run_on(&self, bench: &mut Bench, case: &'static Case) -> CaseResult {
        let began = Instant::now();
        bench.begin(self.filter);
        let outcome = match self.outcome(bench, case) {
            Outcome::Failed(findings) => match self.baseline.reason(case.id) {
                Some(reason) => Outcome::Known { reason: reason.to_owned(), findings },
                None => Outcome::Failed(findings),
            },
            outcome => match self.baseline.reason(case.id) {
                Some(reason) => Outcome::Stale { reason: reason.to_owned() },
                None => outcome,
            },
        };
        CaseResult { case, outcome, took: began.elapsed(), transcript: bench.reported.transcript.text() }
    }

    /// Runs the case, unless the adapter lacks a capability.
    fn outcome(&self, bench: &mut Bench, case: &'static Case) -> Outcome {
        let adapter = (self.make)();
        let listed = adapter.descriptor().capabilities;
        if let Some(lacks) = case.capabilities.iter().find(|it| !listed.contains(it)) {
            let reason = format!("needs the capability `{lacks}`, which the adapter does not list");
            return Outcome::Skipped { reason };
        }
        let declared = Declared::of(&adapter);
        let mut running = Running::new(bench, case, adapter, self.limits);
        match case.resource().filter(|kind| !declared.has(kind)) {
            // A case that did not run has failed.
            Some(kind) => {
                let expected = format!("a {kind}, since the descriptor lists its capability");
                running.find(contract::RESOURCES, "the resource of the case", expected, format!("no {kind}"));
            }
            None => run_program(&case.program, &mut running),
        }
        let findings = running.into_findings();
        if findings.is_empty() { Outcome::Passed } else { Outcome::Failed(findings) }
    }
}

/// Runs the program of a case, for a resource on each type of its kind.
fn run_program<A: Adapter>(program: &'static Program, running: &mut Running<'_, A>) {
    match program {
        Program::Tasks(TaskProgram::Descriptor) => descriptor::says_what_it_declares(running),
        Program::Tasks(TaskProgram::Spawned) => tasks::spawned(running),
        Program::Tasks(TaskProgram::Ends) => tasks::ends(running),
        Program::Tasks(TaskProgram::States) => tasks::states(running),
        Program::Tasks(TaskProgram::Wakes) => tasks::wakes(running),
        Program::Tasks(TaskProgram::ForeignWakers) => tasks::foreign_wakers(running),
        Program::Tasks(TaskProgram::Joined) => tasks::joined(running),
        Program::Lock(..) | Program::Channel(..) | Program::Timer(_) => {
            let adapter = running.adapter.clone();
            adapter.resources(&mut OnResources { program, running });
        }
    }
}

/// Runs a program on the types of resources that an adapter shows.
struct OnResources<'r, 'a, A> {
    program: &'static Program,
    running: &'r mut Running<'a, A>,
}

impl<A: Adapter> Resources for OnResources<'_, '_, A> {
    fn lock<L: Lock>(&mut self) {
        match self.program {
            Program::Lock(kind, program) if *kind == L::KIND => match program {
                LockProgram::Held => locks::held::<A, L>(self.running),
                LockProgram::Released => locks::released::<A, L>(self.running),
                LockProgram::Abba => locks::in_both_orders::<A, L>(self.running),
            },
            _ => {}
        }
    }

    fn channel<C: Channel>(&mut self) {
        match self.program {
            Program::Channel(kind, program) if *kind == C::KIND => match program {
                ChannelProgram::Full => channels::full::<A, C>(self.running),
                ChannelProgram::Empty => channels::empty::<A, C>(self.running),
            },
            _ => {}
        }
    }

    fn timer<T: Timer>(&mut self) {
        if let Program::Timer(program) = self.program {
            match program {
                TimerProgram::Sleeps => timers::sleeps::<A, T>(self.running),
            }
        }
    }
}

/// Makes a `#[test]` of each case of the suite, for an adapter.
///
/// The tests are in the module `conformance`, or in a module that you name. The expression makes a new adapter; it is evaluated
/// for each test. A closure sets options of the [`Suite`](crate::adapter::Suite).
///
/// ```ignore
/// insight_conformance::suite!(MyAdapter);
/// insight_conformance::suite!(mod two_workers, MyAdapter::new(2));
/// insight_conformance::suite!(mod slow, MyAdapter::slow(), |suite| suite.within(Duration::from_secs(10)));
/// ```
///
/// A case for a capability that the adapter does not list prints `skipped` with the reason, and passes. The table of the
/// module's name in `insight-baseline.toml`, beside the package's `Cargo.toml`, lists [known
/// failures](crate::adapter::Baseline). These variables of the environment matter:
///
/// | variable | |
/// |---|---|
/// | `INSIGHT_EXPLAIN` | The ID of a case, or `all`: prints the whole transcript. It needs `--nocapture`. |
/// | `INSIGHT_REPORT` | A file to which each test appends its result, as a line of JSON. |
#[macro_export]
macro_rules! suite {
    (mod $module:ident, $adapter:expr $(, |$suite:ident| $options:expr)? $(,)?) => {
        mod $module {
            #[allow(unused_imports)]
            use super::*;

            const PLACE: $crate::adapter::front::Place = $crate::adapter::front::Place {
                folder: env!("CARGO_MANIFEST_DIR"),
                package: env!("CARGO_PKG_NAME"),
                module: module_path!(),
                file: file!(),
            };

            fn run(case: &'static str, test: &str) {
                let suite = $crate::adapter::Suite::new(|| $adapter);
                $(
                    let $suite = suite;
                    let suite = $options;
                )?
                $crate::adapter::front::run(suite, &PLACE, case, test);
            }

            $crate::test_of_each_case!(self::run);

            #[test]
            fn baseline_has_no_unknown_case() {
                $crate::adapter::front::baseline(&PLACE);
            }
        }
    };
    ($adapter:expr $(, |$suite:ident| $options:expr)? $(,)?) => {
        $crate::suite! { mod conformance, $adapter $(, |$suite| $options)? }
    };
}
