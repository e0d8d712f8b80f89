//! One case: a program on a thread of its own, and who looks at it.

use super::bench::{Bench, Seen};
use super::stage::Stage;
use insight_model::{Edge, EdgeBody, Location, Resource, Task};
use insight_protocol::adapter::Adapter;
use insight_protocol::{Operation, ResourceKind, TaskId, TaskKind};
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a case has to work with.
pub(super) struct Case<'a, A> {
    pub(super) bench: &'a mut Bench,
    pub(super) adapter: Arc<A>,
    /// That tasks cannot go on is what the case is about.
    pub(super) hangs: bool,
}

/// Who looks at a program that runs.
pub(super) struct Scene<'a> {
    bench: &'a mut Bench,
    pub(super) stage: &'a Stage,
    /// The last task of earlier cases.
    before: Option<TaskId>,
}

impl<'a, A: Adapter> Case<'a, A> {
    pub(super) fn new(bench: &'a mut Bench, adapter: Arc<A>) -> Case<'a, A> {
        Case { bench, adapter, hangs: false }
    }

    pub(super) fn patience(&self) -> Duration {
        self.bench.patience
    }

    /// Runs `program` by the adapter's `block_on`, and meanwhile `look`. When that is over every step of the stage is
    /// opened, and the program and each of its tasks must end.
    pub(super) fn run<P, F>(
        &mut self,
        program: P,
        look: impl FnOnce(&mut Scene<'_>) -> Result<(), String>,
    ) -> Result<(), String>
    where
        P: FnOnce(Arc<A>, Stage) -> F + Send + 'static,
        F: Future<Output = ()>,
    {
        let stage = Stage::default();
        let before = self.bench.look().tasks.keys().next_back().copied();
        let (broken, hangs) = (self.bench.seen.broken.len(), self.bench.seen.hangs.len());
        let (adapter, on_stage) = (self.adapter.clone(), stage.clone());
        let closing = Stage::default();
        let closes = closing.clone();
        let thread = std::thread::spawn(move || {
            let program = program(adapter.clone(), on_stage);
            // An executor may run its tasks only as long as this goes on.
            let program = async {
                program.await;
                closes.reached(1).await;
            };
            adapter.block_on(program); // runs the program
        });
        let mut scene = Scene { bench: self.bench, stage: &stage, before };
        let looked = look(&mut scene);
        stage.open(Stage::END);
        let ended = self.all_ended(before, "the ends of all tasks", |task| task.kind != TaskKind::BlockOn);
        closing.open(1);
        looked?;
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
        let seen = &self.bench.seen;
        if let Some(twice) = seen.ended.iter().find(|(id, outcomes)| Some(**id) > before && outcomes.len() > 1) {
            return Err(format!("a task was told to have ended more than once: {twice:?}"));
        }
        if let Some(first) = seen.broken.get(broken) {
            return Err(format!("breaks a rule of SPEC.md: {first}"));
        }
        if !self.hangs
            && let Some(problem) = seen.hangs.get(hangs)
        {
            return Err(format!("nothing is stuck, and this was told: {problem:?}"));
        }
        Ok(())
    }
}

impl<A> Case<'_, A> {
    /// Looks until those of this case's tasks that are `meant` have ended.
    fn all_ended(&mut self, before: Option<TaskId>, what: &str, meant: impl Fn(&Task) -> bool) -> Result<(), String> {
        let left = |seen: &Seen| {
            let tasks = seen.model.tasks.values().filter(|task| Some(task.id) > before && !task.partial);
            tasks.filter(|task| meant(task)).map(Task::label).collect::<Vec<_>>()
        };
        let ended = self.bench.until(what, |seen| left(seen).is_empty().then_some(()));
        ended.map_err(|why| format!("{why}; left are {:?}", left(&self.bench.seen)))
    }
}

impl Scene<'_> {
    /// The tasks of this case, with those that have ended.
    pub(super) fn tasks(&self) -> impl Iterator<Item = &Task> {
        self.bench.seen.tasks.values().filter(|task| Some(task.id) > self.before)
    }

    /// All that was told.
    pub(super) fn seen(&self) -> &Seen {
        &self.bench.seen
    }

    pub(super) fn look(&mut self) {
        self.bench.look();
    }

    pub(super) fn settle(&mut self) -> Result<(), String> {
        self.bench.settle()
    }

    /// Looks until `condition` holds; an error when it does not in time.
    pub(super) fn until<T>(&mut self, what: &str, condition: impl Fn(&Seen) -> Option<T>) -> Result<T, String> {
        self.bench.until(what, condition)
    }

    /// The task that the case gave this name to, as it was when it was spawned.
    pub(super) fn task(&mut self, name: &str) -> Result<Task, String> {
        let before = self.before;
        let named = |seen: &Seen| {
            let mut tasks = seen.tasks.values().filter(|task| Some(task.id) > before);
            tasks.find(|task| task.name.as_deref() == Some(name)).cloned()
        };
        self.until(&format!("the task `{name}`"), named)
    }

    /// The wait of this task, and what it waits for.
    pub(super) fn wait(&mut self, task: &str) -> Result<Wait, String> {
        let id = self.task(task)?.id;
        self.until(&format!("what `{task}` waits for"), |seen| {
            let edge = seen.model.waits_of_task(id).first().copied()?.clone();
            let EdgeBody::Wait { operation, .. } = &edge.body else { return None };
            let resource = seen.model.resources.get(&edge.resource)?.clone();
            Some(Wait { operation: operation.clone(), edge, resource })
        })
    }

    /// The hold of this task, and what it holds.
    pub(super) fn hold(&mut self, task: &str) -> Result<(Edge, Resource), String> {
        let id = self.task(task)?.id;
        self.until(&format!("what `{task}` holds"), |seen| {
            let mut edges = seen.model.edges_of_task(id);
            let edge = edges.find(|edge| matches!(edge.body, EdgeBody::Hold { .. }))?.clone();
            let resource = seen.model.resources.get(&edge.resource)?.clone();
            Some((edge, resource))
        })
    }

    /// That the tasks which can end a wait are known, and are these.
    pub(super) fn freed_by(&mut self, wait: &Wait, tasks: &[&str]) -> Result<(), String> {
        let mut ids = Vec::new();
        for name in tasks {
            ids.push(self.task(name)?.id);
        }
        let freers = |seen: &Seen| {
            let freers = seen.model.resources.get(&wait.resource.id).map(|it| seen.model.freers(it, &wait.operation));
            freers.map(|freers| (freers.known.iter().map(|freer| freer.task).collect::<Vec<_>>(), freers.unknown))
        };
        let expect = Some((ids, 0));
        let seen = self.until("who can end the wait", |seen| (freers(seen) == expect).then_some(()));
        seen.map_err(|why| format!("{why}: expected are {expect:?}, and told {:?}", freers(self.seen())))
    }
}

/// A wait.
#[derive(Clone, Debug)]
pub(super) struct Wait {
    pub(super) operation: Operation,
    pub(super) edge: Edge,
    pub(super) resource: Resource,
}

impl Wait {
    /// That it is an operation on this kind of resource, at this place.
    pub(super) fn check(&self, operations: &[Operation], kind: &ResourceKind, at: At) -> Result<(), String> {
        expect("the operation that waits", operations.contains(&self.operation), &self.operation, &operations)?;
        same("the kind of what is waited for", &self.resource.kind, kind)?;
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
        let (index, _) = lines.next().expect("a line ends with each comment that is asked for");
        assert!(lines.next().is_none(), "one line has it: {comment}");
        At { file, line: index as u32 + 1 }
    }

    pub(super) fn is(self, location: &Location) -> bool {
        location.place.file == self.file && location.place.line == self.line
    }

    pub(super) fn check(self, what: &str, location: Option<&Location>) -> Result<(), String> {
        let is = location.is_some_and(|location| self.is(location));
        let place = location.map(|location| (&location.place.file, location.place.line));
        let why = "is it `#[track_caller]` all the way?";
        expect(&format!("the place of {what} ({why})"), is, &place, &(self.file, self.line))
    }
}

pub(super) fn expect<T: std::fmt::Debug, E: std::fmt::Debug>(
    what: &str,
    holds: bool,
    told: &T,
    expected: &E,
) -> Result<(), String> {
    if holds { Ok(()) } else { Err(format!("{what}: expected is {expected:?}, and told {told:?}")) }
}

pub(super) fn same<T: std::fmt::Debug + PartialEq>(what: &str, told: &T, expected: &T) -> Result<(), String> {
    expect(what, told == expected, told, expected)
}
