//! Tests the adapter of an executor: runs small programs on it, and checks the reported facts.
//!
//! A test of an adapter is one line. [`Suite`] runs in the process of the test, with a recorder of its own, so the test
//! must not start another one. The suite also checks each message against the rules of SPEC.md.
//!
//! ```no_run
//! # fn my_adapter() -> impl insight_protocol::adapter::Adapter { Nothing }
//! # struct Nothing;
//! # impl insight_protocol::adapter::Adapter for Nothing {
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
//! use insight_conformance::adapter::Suite;
//!
//! Suite::new(my_adapter).assert();
//! ```

mod bench;
mod channels;
mod descriptor;
mod journal;
mod locks;
mod scene;
mod stage;
mod tasks;
mod timers;

use bench::Bench;
use descriptor::Declared;
use insight_protocol::Capability;
use insight_protocol::adapter::{Adapter, Channel, Lock, Resources, Timer};
use scene::Case;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A case that an adapter did not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The name of the case, such as `task ends` or `mutex AB/BA`.
    pub case: String,
    /// The expected and the reported fact.
    pub why: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.case, self.why)
    }
}

/// The result of all cases.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The cases that were run: the cases for the capabilities and resources of the adapter.
    pub cases: Vec<String>,
    /// The cases that failed.
    pub failures: Vec<Failure>,
}

/// The cases for an adapter.
#[derive(Clone, Debug)]
pub struct Suite<M> {
    make: M,
    patience: Duration,
}

impl<A: Adapter, M: Fn() -> A> Suite<M> {
    /// Cases for the adapters that `make` returns. Each case gets a new one.
    pub fn new(make: M) -> Suite<M> {
        Suite { make, patience: Duration::from_secs(30) }
    }

    /// Sets the time that a case waits for an expected fact before it fails. The default is 30 seconds.
    pub fn patience(self, patience: Duration) -> Suite<M> {
        Suite { patience, ..self }
    }

    /// Runs each case, and panics with the failures.
    pub fn assert(&self) {
        let Report { cases, failures } = self.run();
        let failed: Vec<String> = failures.iter().map(|failure| format!("\n- {failure}")).collect();
        assert!(failures.is_empty(), "{} of {} cases failed:{}", failures.len(), cases.len(), failed.concat());
    }

    /// Runs each case. Suites that run at the same time in one process take turns.
    pub fn run(&self) -> Report {
        let mut bench = bench::bench();
        bench.patience = self.patience;
        let mut run = Run { bench: &mut bench, make: &self.make, report: Report::default() };
        let adapter = (self.make)();
        let mut declared = Declared::default();
        adapter.resources(&mut declared);
        let has = |capability| adapter.descriptor().capabilities.contains(&capability);
        run.case("descriptor", |case| descriptor::says_what_it_declares(case, &declared));
        run.case("task spawned", tasks::spawned);
        run.case("task ends", tasks::ends);
        if has(Capability::TaskTimes) {
            run.case("task states", tasks::states);
            run.case("task wakes", tasks::wakes);
        }
        if has(Capability::ForeignWakers) {
            run.case("task foreign wakers", tasks::foreign_wakers);
        }
        if has(Capability::Joins) {
            run.case("join", tasks::joins);
        }
        adapter.resources(&mut run);
        run.report
    }
}

/// A run of the suite.
struct Run<'a, M> {
    bench: &'a mut Bench,
    make: &'a M,
    report: Report,
}

impl<A: Adapter, M: Fn() -> A> Run<'_, M> {
    fn case(&mut self, name: &str, case: impl FnOnce(&mut Case<'_, A>) -> Result<(), String>) {
        self.report.cases.push(name.to_owned());
        let mut running = Case::new(self.bench, Arc::new((self.make)()));
        if let Err(why) = case(&mut running) {
            self.report.failures.push(Failure { case: name.to_owned(), why });
        }
    }
}

impl<A: Adapter, M: Fn() -> A> Resources for Run<'_, M> {
    fn lock<L: Lock>(&mut self) {
        self.case(&format!("{} held", L::KIND), locks::held::<A, L>);
        self.case(&format!("{} released", L::KIND), locks::released::<A, L>);
        self.case(&format!("{} AB/BA", L::KIND), locks::in_both_orders::<A, L>);
    }

    fn channel<C: Channel>(&mut self) {
        self.case(&format!("{} full", C::KIND), channels::full::<A, C>);
        self.case(&format!("{} empty", C::KIND), channels::empty::<A, C>);
    }

    fn timer<T: Timer>(&mut self) {
        self.case("timer", timers::sleeps::<A, T>);
    }
}
