//! One case: a program on a thread of its own, and the checks of its reported facts.

use super::bench::{Bench, Reported};
use super::stage::Stage;
use insight_model::{Edge, EdgeBody, Location, Resource, Task};
use insight_protocol::adapter::Adapter;
use insight_protocol::{Capability, Operation, ResourceKind, TaskId, TaskKind};
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The parts that a case works with.
pub(super) struct Case<'a, A> {
    pub(super) bench: &'a mut Bench,
    pub(super) adapter: Arc<A>,
    /// Whether the case is about stuck tasks. Otherwise a problem fails the case.
    pub(super) expects_hang: bool,
}

/// A running program of a case.
pub(super) struct Scene<'a> {
    bench: &'a mut Bench,
    pub(super) stage: &'a Stage,
    /// The last task of earlier cases.
    before: Option<TaskId>,
}

impl<'a, A: Adapter> Case<'a, A> {
    pub(super) fn new(bench: &'a mut Bench, adapter: Arc<A>) -> Case<'a, A> {
        Case { bench, adapter, expects_hang: false }
    }

    pub(super) fn patience(&self) -> Duration {
        self.bench.patience
    }

    /// Runs `program` by the adapter's `block_on`, and `check` at the same time. After that it opens every step of the stage,
    /// and the program and each of its tasks must end.
    pub(super) fn run<P, F>(
        &mut self,
        program: P,
        check: impl FnOnce(&mut Scene<'_>) -> Result<(), String>,
    ) -> Result<(), String>
    where
        P: FnOnce(Arc<A>, Stage) -> F + Send + 'static,
        F: Future<Output = ()>,
    {
        let stage = Stage::default();
        let before = self.bench.sample().tasks.keys().next_back().copied();
        self.bench.reported.journal.begin();
        let (broken, hangs) = (self.bench.reported.broken.len(), self.bench.reported.hangs.len());
        let (adapter, on_stage) = (self.adapter.clone(), stage.clone());
        let closing = Stage::default();
        let closes = closing.clone();
        let thread = std::thread::spawn(move || {
            let program = program(adapter.clone(), on_stage);
            // An executor may run its tasks only until this future ends.
            let program = async {
                program.await;
                closes.reached(1).await;
            };
            adapter.block_on(program); // runs the program
        });
        let mut scene = Scene { bench: self.bench, stage: &stage, before };
        let checked = check(&mut scene);
        stage.open(Stage::END);
        let ended = self.all_ended(before, "the ends of all tasks", |task| task.origin.kind != TaskKind::BlockOn);
        closing.open(1);
        checked?;
        ended?;
        let deadline = Instant::now() + self.bench.patience;
        while !thread.is_finished() {
            if Instant::now() > deadline {
                return Err("`block_on` does not return".to_owned());
            }
            std::thread::yield_now();
        }
        thread.join().map_err(|_| "the program panicked".to_owned())?;
        self.all_ended(before, "the end of the `block_on`", |_| true)?;
        if self.adapter.descriptor().capabilities.contains(&Capability::Operations) {
            let fact = "the `claimed`, `abandoned` or `released` of each operation and hold";
            self.bench.until(fact, |reported| reported.journal.is_balanced().then_some(()))?;
            self.bench.reported.journal.check()?;
        }
        let reported = &self.bench.reported;
        if let Some(twice) = reported.ended.iter().find(|(id, outcomes)| Some(**id) > before && outcomes.len() > 1) {
            return Err(format!("a task was reported as ended more than once: {twice:?}"));
        }
        if let Some(first) = reported.broken.get(broken) {
            return Err(format!("breaks a rule of SPEC.md: {first}"));
        }
        if !self.expects_hang
            && let Some(problem) = reported.hangs.get(hangs)
        {
            return Err(format!("nothing is stuck, and the problem was raised: {problem:?}"));
        }
        Ok(())
    }
}

impl<A> Case<'_, A> {
    /// Takes samples until the tasks of this case have ended, of those for which `included` is true.
    fn all_ended(
        &mut self,
        before: Option<TaskId>,
        fact: &str,
        included: impl Fn(&Task) -> bool,
    ) -> Result<(), String> {
        let left = |reported: &Reported| {
            let tasks = reported.model.tasks.values().filter(|task| Some(task.id) > before && !task.origin.partial);
            tasks.filter(|task| included(task)).map(|task| reported.model.task_label(task.id)).collect::<Vec<_>>()
        };
        let ended = self.bench.until(fact, |reported| left(reported).is_empty().then_some(()));
        ended.map_err(|why| format!("{why}; not ended: {:?}", left(&self.bench.reported)))
    }
}

impl Scene<'_> {
    /// The tasks of this case, with those that have ended.
    pub(super) fn tasks(&self) -> impl Iterator<Item = &Task> {
        self.bench.reported.tasks.values().filter(|task| Some(task.id) > self.before)
    }

    /// All reported facts.
    pub(super) fn reported(&self) -> &Reported {
        &self.bench.reported
    }

    pub(super) fn sample(&mut self) {
        self.bench.sample();
    }

    pub(super) fn settle(&mut self) -> Result<(), String> {
        self.bench.settle()
    }

    /// Takes samples until `condition` returns a value. Fails after the bench's `patience`.
    pub(super) fn until<T>(&mut self, fact: &str, condition: impl Fn(&Reported) -> Option<T>) -> Result<T, String> {
        self.bench.until(fact, condition)
    }

    /// The task with this name, as it was when it was spawned.
    pub(super) fn task(&mut self, name: &str) -> Result<Task, String> {
        let before = self.before;
        let named = |reported: &Reported| {
            let mut tasks = reported.tasks.values().filter(|task| Some(task.id) > before);
            tasks.find(|task| task.origin.name.as_deref() == Some(name)).cloned()
        };
        self.until(&format!("the task `{name}`"), named)
    }

    /// The wait of this task, and its resource.
    pub(super) fn wait(&mut self, task: &str) -> Result<Wait, String> {
        let id = self.task(task)?.id;
        self.until(&format!("the wait of `{task}`"), |reported| {
            let edge = reported.model.waits_of_task(id).first().copied()?.clone();
            let EdgeBody::Wait { operation, .. } = &edge.body else { return None };
            let resource = reported.model.resources.get(&edge.resource)?.clone();
            Some(Wait { operation: operation.clone(), edge, resource })
        })
    }

    /// The hold of this task, and its resource.
    pub(super) fn hold(&mut self, task: &str) -> Result<(Edge, Resource), String> {
        let id = self.task(task)?.id;
        self.until(&format!("the hold of `{task}`"), |reported| {
            let mut edges = reported.model.edges_of_task(id);
            let edge = edges.find(|edge| matches!(edge.body, EdgeBody::Hold { .. }))?.clone();
            let resource = reported.model.resources.get(&edge.resource)?.clone();
            Some((edge, resource))
        })
    }

    /// Checks that only these tasks can unblock a wait, and that no unknown party can.
    pub(super) fn unblocked_by(&mut self, wait: &Wait, tasks: &[&str]) -> Result<(), String> {
        let mut ids = Vec::new();
        for name in tasks {
            ids.push(self.task(name)?.id);
        }
        let freers = |reported: &Reported| {
            let freers =
                reported.model.resources.get(&wait.resource.id).map(|it| reported.model.freers(it, &wait.operation));
            freers.map(|freers| (freers.known.iter().map(|freer| freer.task).collect::<Vec<_>>(), freers.unknown))
        };
        let expect = Some((ids, 0));
        let reported =
            self.until("the tasks that can end the wait", |reported| (freers(reported) == expect).then_some(()));
        reported.map_err(|why| format!("{why}: expected {expect:?}, reported {:?}", freers(self.reported())))
    }
}

/// A wait with its resource.
#[derive(Clone, Debug)]
pub(super) struct Wait {
    pub(super) operation: Operation,
    pub(super) edge: Edge,
    pub(super) resource: Resource,
}

impl Wait {
    /// Checks the operation, the kind of the resource and the place of the wait.
    pub(super) fn check(&self, operations: &[Operation], kind: &ResourceKind, at: At) -> Result<(), String> {
        expect("the operation that waits", operations.contains(&self.operation), &self.operation, &operations)?;
        same("the kind of the resource", &self.resource.kind, kind)?;
        at.check("the wait", self.edge.location.as_deref())
    }
}

/// A place in the source of the suite.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    pub(super) file: &'static str,
    pub(super) line: u32,
}

impl At {
    /// The line of `source` that ends with this comment.
    pub(super) fn comment(file: &'static str, source: &str, comment: &str) -> At {
        let end = format!("// {comment}");
        let mut lines = source.lines().enumerate().filter(|(_, line)| line.ends_with(&end));
        let (index, _) = lines.next().expect("a line of the source ends with the comment");
        assert!(lines.next().is_none(), "only one line has the comment: {comment}");
        At { file, line: index as u32 + 1 }
    }

    pub(super) fn is(self, location: &Location) -> bool {
        location.place.file == self.file && location.place.line == self.line
    }

    pub(super) fn check(self, fact: &str, location: Option<&Location>) -> Result<(), String> {
        let is = location.is_some_and(|location| self.is(location));
        let place = location.map(|location| (&location.place.file, location.place.line));
        let why = "is it `#[track_caller]` all the way?";
        expect(&format!("the place of {fact} ({why})"), is, &place, &(self.file, self.line))
    }
}

pub(super) fn expect<T: std::fmt::Debug, E: std::fmt::Debug>(
    fact: &str,
    holds: bool,
    reported: &T,
    expected: &E,
) -> Result<(), String> {
    if holds { Ok(()) } else { Err(format!("{fact}: expected {expected:?}, reported {reported:?}")) }
}

pub(super) fn same<T: std::fmt::Debug + PartialEq>(fact: &str, reported: &T, expected: &T) -> Result<(), String> {
    expect(fact, reported == expected, reported, expected)
}
