//! One case: a program on a thread of its own, and the checks of its reported facts.

use super::bench::{Bench, Reported, SETTLE};
use super::contract;
use super::finding::{Finding, rule_of};
use super::stage::Stage;
use crate::cases::{Case, RULES_OF_EACH_CASE};
use insight_model::{Edge, EdgeBody, Location, Resource, Task};
use insight_protocol::adapter::Adapter;
use insight_protocol::{Message, Operation, Problem, ResourceId, ResourceKind, TaskId, TaskKind};
use std::collections::BTreeSet;
use std::future::Future;
use std::io::Write as _;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Time between two lines of progress.
const PROGRESS: Duration = Duration::from_secs(2);
/// Time in which further facts of a case must be sent, after one was not.
const AFTER_A_FINDING: Duration = Duration::from_millis(200);

/// The time limits of a suite.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// A fact must be sent within this time, once the program has done its part.
    pub(super) within: Duration,
    /// A fact must not be sent for this time.
    pub(super) not_for: Duration,
    /// A program that does nothing for this time hangs.
    pub(super) hung_after: Duration,
}

/// A finding was added that says why the case cannot go on.
#[derive(Debug)]
pub(super) struct Stop;

pub(super) type Checked<T = ()> = Result<T, Stop>;

/// A case that runs.
pub(super) struct Running<'a, A> {
    pub(super) adapter: Arc<A>,
    pub(super) limits: Limits,
    /// Whether the case is about stuck tasks. Otherwise a problem is a finding.
    pub(super) expects_hang: bool,
    record: Record<'a>,
}

/// The bench and the findings of a case.
struct Record<'a> {
    bench: &'a mut Bench,
    case: &'static Case,
    findings: Vec<Finding>,
}

/// The program of a case, while it runs.
pub(super) struct Scene<'r, 'a> {
    record: &'r mut Record<'a>,
    pub(super) stage: Stage,
    limits: Limits,
    thread: JoinHandle<()>,
}

/// A fact that must be sent.
pub(super) struct Fact {
    /// The rule by which it must be.
    pub(super) rule: &'static str,
    /// The fact in words.
    pub(super) about: String,
    /// The line, with the fields that matter.
    pub(super) expected: String,
}

impl Record<'_> {
    /// Adds a finding about the line with this number, or about the absence of such a line.
    fn find(&mut self, rule: &'static str, about: String, expected: String, actual: String, line: Option<u64>) {
        debug_assert!(
            self.case.rules.contains(&rule) || rule.starts_with("adapter.") || self.is_general(rule),
            "{} does not list {rule}",
            self.case.id
        );
        let context = self.bench.reported.transcript.around(line);
        self.findings.push(Finding { rule: rule_of(rule), about, expected, actual, line, context });
    }

    /// Whether each case checks the rule.
    fn is_general(&self, rule: &str) -> bool {
        RULES_OF_EACH_CASE.contains(&rule) || self.bench.reported.broken.iter().any(|broken| broken.rule == rule)
    }
}

impl<'a, A: Adapter> Running<'a, A> {
    pub(super) fn new(bench: &'a mut Bench, case: &'static Case, adapter: A, limits: Limits) -> Running<'a, A> {
        let record = Record { bench, case, findings: Vec::new() };
        Running { adapter: Arc::new(adapter), limits, expects_hang: false, record }
    }

    /// The findings of the case.
    pub(super) fn into_findings(self) -> Vec<Finding> {
        self.record.findings
    }

    /// Adds a finding that is about no line.
    pub(super) fn find(&mut self, rule: &'static str, about: &str, expected: String, actual: String) {
        self.record.find(rule, about.to_owned(), expected, actual, None);
    }

    /// The header of a stream that would begin now.
    pub(super) fn header(&self) -> insight_protocol::StreamHeader {
        self.record.bench.header()
    }

    /// Runs `program` by the adapter's `block_on`, and `check` at the same time. After that it opens every step of the stage,
    /// and the program and each of its tasks must end.
    pub(super) fn run<P, F>(&mut self, program: P, check: impl FnOnce(&mut Scene<'_, 'a>) -> Checked)
    where
        P: FnOnce(Arc<A>, Stage) -> F + Send + 'static,
        F: Future<Output = ()>,
    {
        let stage = Stage::default();
        let closing = Stage::default();
        let (adapter, on_stage, closes) = (self.adapter.clone(), stage.clone(), closing.clone());
        let thread = std::thread::spawn(move || {
            let program = program(adapter.clone(), on_stage);
            // An executor may run its tasks only until this future ends.
            let program = async {
                program.await;
                closes.over().await;
            };
            adapter.block_on(program); // runs the program
        });
        let (limits, expects_hang) = (self.limits, self.expects_hang);
        let mut scene = Scene { record: &mut self.record, stage, limits, thread };
        // A check that stops has added a finding.
        let _ = check(&mut scene);
        scene.open(Stage::END);
        let _ = scene.end(&closing);
        let Scene { thread, .. } = scene;
        // The thread of a program that hangs is left behind.
        if thread.is_finished() && thread.join().is_err() {
            let expected = "the program runs to its end".to_owned();
            self.find(contract::RUNS, "the program", expected, "it panicked".to_owned());
        }
        self.add_broken_rules();
        if !expects_hang {
            self.add_false_problems();
        }
    }

    fn add_broken_rules(&mut self) {
        for broken in self.record.bench.reported.broken.clone() {
            let line = Some(broken.line);
            let about = "a line of the stream".to_owned();
            self.record.find(broken.rule, about, broken.expected, broken.actual, line);
        }
    }

    /// A problem is made from the facts alone. So if it is wrong, a fact is missing or wrong.
    fn add_false_problems(&mut self) {
        let Reported { hangs, tasks, .. } = &self.record.bench.reported;
        let of_case = |problem: &&Problem| problem.tasks.iter().all(|task| tasks.contains_key(&task.id));
        let hangs: Vec<Problem> = hangs.iter().filter(of_case).cloned().collect();
        for problem in hangs {
            let raised = |message: &Message| matches!(message, Message::ProblemRaised(raised) if raised.problem.id == problem.id);
            let line = self.record.bench.reported.transcript.last(raised).map(|line| line.number);
            let about = "a problem, although nothing is stuck".to_owned();
            let expected = "facts that show how these tasks can make progress".to_owned();
            self.record.find("complete.after-snapshot", about, expected, problem.title, line);
        }
    }
}

impl Scene<'_, '_> {
    fn reported(&self) -> &Reported {
        &self.record.bench.reported
    }

    /// Opens all steps up to this one.
    pub(super) fn open(&mut self, step: u32) {
        let text = if step == Stage::END { "all steps are open".to_owned() } else { format!("step {step} is open") };
        self.step(text);
        self.stage.open(step);
    }

    /// Adds an act of the case to the transcript.
    pub(super) fn step(&mut self, text: String) {
        self.record.bench.reported.transcript.step(text);
    }

    pub(super) fn sample(&mut self) {
        self.record.bench.sample();
    }

    /// Waits until the program has done its part.
    pub(super) fn program(&mut self, part: &str, done: impl Fn(&Stage) -> bool) -> Checked {
        let mut wait = Progress::new(self.record.case.id);
        let mut over = false;
        while !done(&self.stage) {
            if over || wait.since.elapsed() > self.limits.hung_after {
                let actual = if over { "it ended before".to_owned() } else { self.hangs_at() };
                self.record.find(contract::RUNS, format!("the program: {part}"), part.to_owned(), actual, None);
                return Err(Stop);
            }
            over = self.thread.is_finished();
            wait.print(part);
            // A collection now keeps the queues short.
            self.sample();
            self.stage.until_change(Duration::from_millis(1));
        }
        self.step(format!("the program: {part}"));
        Ok(())
    }

    fn hangs_at(&self) -> String {
        format!("not after {:?}; these tasks have not ended: {:?}", self.limits.hung_after, self.stage.not_ended())
    }

    /// Takes samples until `find` finds the fact.
    pub(super) fn fact<T>(&mut self, fact: Fact, find: impl Fn(&Reported, &Stage) -> Option<T>) -> Checked<T> {
        self.fact_like(fact, |_| false, find)
    }

    /// Takes samples until `find` finds the fact. Without it, the finding shows the last line for which `like` is true.
    pub(super) fn fact_like<T>(
        &mut self,
        fact: Fact,
        like: impl Fn(&Message) -> bool,
        find: impl Fn(&Reported, &Stage) -> Option<T>,
    ) -> Checked<T> {
        let within = self.limits.within;
        let within = if self.record.findings.is_empty() { within } else { within.min(AFTER_A_FINDING) };
        let mut wait = Progress::new(self.record.case.id);
        loop {
            // Read first, so that the last sample comes after it.
            let over = wait.since.elapsed() > within || self.thread.is_finished();
            self.sample();
            if let Some(found) = find(self.reported(), &self.stage) {
                return Ok(found);
            }
            if over {
                break;
            }
            wait.print(&fact.about);
            self.stage.until_change(Duration::from_millis(1));
        }
        let transcript = &self.reported().transcript;
        let line = transcript.last(like);
        let (actual, line) = match line {
            Some(line) => (transcript.readable(line), Some(line.number)),
            None => (format!("no such line within {within:?}"), None),
        };
        self.record.find(fact.rule, fact.about, fact.expected, actual, line);
        Err(Stop)
    }

    /// Takes samples for the time in which a fact must not be sent.
    pub(super) fn settle(&mut self) {
        let not_for = self.limits.not_for.max(2 * SETTLE);
        let until = self.reported().model.now_ns + not_for.as_nanos() as u64;
        let began = Instant::now();
        while self.reported().model.now_ns <= until && began.elapsed() < 2 * not_for {
            self.stage.until_change(Duration::from_millis(1));
            self.sample();
        }
    }

    /// Adds a finding unless `holds`. It shows the last line for which `is` is true.
    pub(super) fn check(&mut self, holds: bool, fact: Fact, is: impl Fn(&Message) -> bool) {
        if !holds {
            let transcript = &self.reported().transcript;
            let (actual, line) = match transcript.last(is) {
                Some(line) => (transcript.readable(line), Some(line.number)),
                None => ("no such line".to_owned(), None),
            };
            self.record.find(fact.rule, fact.about, fact.expected, actual, line);
        }
    }

    /// Checks the location in the last line for which `is` is true.
    fn check_location(&mut self, about: &str, at: At, location: Option<&Location>, is: impl Fn(&Message) -> bool) {
        let is_there = location.is_some_and(|location| at.is(location));
        let about = format!("the location of {about}");
        let expected = format!(r#"{{"location":{{"file":"{}","line":{}}}}}"#, at.file, at.line);
        self.check(is_there, Fact { rule: contract::LOCATION, about, expected }, is);
    }

    /// The number of tasks of the case at this location.
    pub(super) fn tasks_at(&self, at: At) -> usize {
        self.tasks().filter(|task| task.origin.location.as_deref().is_some_and(|location| at.is(location))).count()
    }

    /// The tasks since the begin of the case, with those that have ended.
    fn tasks(&self) -> impl Iterator<Item = &Task> {
        self.reported().tasks.values()
    }

    /// The task with this name, as it was when it was spawned. The program has spawned it before.
    pub(super) fn task(&mut self, name: &str) -> Checked<Task> {
        self.sample();
        // A spawn without a name is another mistake than a missing one.
        let unnamed = self.tasks().filter(|task| task.origin.kind != TaskKind::BlockOn).any(|task| {
            let name = task.origin.name.as_deref().unwrap_or_default();
            !self.stage.has(name)
        });
        let fact = Fact {
            rule: if unnamed { contract::NAME } else { "exact.sent" },
            about: format!("the spawn of `{name}`"),
            expected: format!(r#"{{"type":"task.spawned","kind":"task","name":"{name}"}}"#),
        };
        let spawned = |message: &Message| matches!(message, Message::TaskSpawned(_));
        self.fact_like(fact, spawned, |reported, _| {
            let mut tasks = reported.tasks.values();
            tasks.find(|task| task.origin.name.as_deref() == Some(name)).cloned()
        })
    }

    /// The `block_on` that runs the program.
    pub(super) fn root(&mut self) -> Checked<Task> {
        let fact = Fact {
            rule: contract::BLOCK_ON,
            about: "the spawn of the `block_on`".to_owned(),
            expected: r#"{"type":"task.spawned","kind":"block_on"}"#.to_owned(),
        };
        let spawned = |message: &Message| matches!(message, Message::TaskSpawned(_));
        let at = At::comment(file!(), include_str!("scene.rs"), "runs the program");
        let root = self.fact_like(fact, spawned, |reported, _| {
            let tasks = reported.tasks.values();
            let roots: Vec<&Task> = tasks.filter(|task| task.origin.kind == TaskKind::BlockOn).collect();
            // An executor may have a `block_on` of its own.
            let there = roots.iter().find(|root| root.origin.location.as_deref().is_some_and(|it| at.is(it)));
            there.or(roots.first()).map(|root| (*root).clone())
        })?;
        self.check_location("the `block_on`", at, root.origin.location.as_deref(), is_spawn(root.id));
        Ok(root)
    }

    /// Checks the location of a task.
    pub(super) fn check_spawned_at(&mut self, task: &Task, at: At) {
        let about = format!("`{}`", task.origin.name.as_deref().unwrap_or_default());
        self.check_location(&about, at, task.origin.location.as_deref(), is_spawn(task.id));
    }

    /// The wait of this task, and its resource. The program waits there.
    pub(super) fn wait(&mut self, task: &str) -> Checked<Wait> {
        let id = self.task(task)?.id;
        let fact = Fact {
            rule: "sampled.open-sent",
            about: format!("the wait of `{task}`"),
            expected: format!(r#"{{"type":"edge.wait","task":{id}}}"#),
        };
        self.fact(fact, |reported, _| {
            let edge = reported.model.waits_of_task(id).first().copied()?.clone();
            let EdgeBody::Wait { operation, .. } = &edge.body else { return None };
            let resource = reported.model.resources.get(&edge.resource)?.clone();
            Some(Wait { task: task.to_owned(), operation: operation.clone(), edge, resource })
        })
    }

    /// The hold of this task, and its resource. The program has locked there.
    pub(super) fn hold(&mut self, task: &str, at: At) -> Checked<(Edge, Resource)> {
        let id = self.task(task)?.id;
        let fact = Fact {
            rule: "sampled.open-sent",
            about: format!("the hold of `{task}`"),
            expected: format!(r#"{{"type":"edge.hold","task":{id}}}"#),
        };
        let (edge, resource) = self.fact(fact, |reported, _| {
            let mut edges = reported.model.edges_of_task(id);
            let edge = edges.find(|edge| matches!(edge.body, EdgeBody::Hold { .. }))?.clone();
            let resource = reported.model.resources.get(&edge.resource)?.clone();
            Some((edge, resource))
        })?;
        self.check_location(&format!("the hold of `{task}`"), at, edge.location.as_deref(), is_edge(&edge));
        Ok((edge, resource))
    }

    /// Checks the operation, the kind of the resource and the location of a wait.
    pub(super) fn check_wait(&mut self, wait: &Wait, operations: &[Operation], kind: &ResourceKind, at: Option<At>) {
        let Wait { task, operation, edge, resource } = wait;
        let expected = operations.first().map_or("", Operation::as_str);
        let fact = Fact {
            rule: "fields.meaning",
            about: format!("the operation of the wait of `{task}`"),
            expected: format!(r#"{{"type":"edge.wait","task":{},"operation":"{expected}"}}"#, edge.task),
        };
        self.check(operations.contains(operation), fact, is_edge(edge));
        self.check_kind(resource, kind);
        if let Some(at) = at {
            self.check_location(&format!("the wait of `{task}`"), at, edge.location.as_deref(), is_edge(edge));
        }
    }

    /// Checks the kind of a resource.
    pub(super) fn check_kind(&mut self, resource: &Resource, kind: &ResourceKind) {
        let id = resource.id;
        let fact = Fact {
            rule: "fields.meaning",
            about: "the kind of the resource".to_owned(),
            expected: format!(r#"{{"type":"resource.created","id":{id},"kind":"{kind}"}}"#),
        };
        self.check(resource.kind == *kind, fact, is_resource(id));
    }

    /// Checks the location of a resource.
    pub(super) fn check_made_at(&mut self, resource: &Resource, at: At) {
        let about = format!("the {}", resource.kind);
        self.check_location(&about, at, resource.location.as_deref(), is_resource(resource.id));
    }

    /// Checks that these tasks, and no other known task, can unblock a wait by an edge that `rule` demands.
    pub(super) fn unblocked_by(&mut self, wait: &Wait, rule: &'static str, edge: &str, tasks: &[&str]) -> Checked {
        let mut ids = BTreeSet::new();
        for name in tasks {
            ids.insert(self.task(name)?.id);
        }
        let resource = wait.resource.id;
        let named = ids.iter().map(|id| format!(r#"{{"type":"{edge}","task":{id},"resource":{resource}}}"#));
        let fact = Fact {
            rule,
            about: format!("the tasks that can end the wait of `{}`: {}", wait.task, tasks.join(", ")),
            expected: named.collect::<Vec<_>>().join(" and "),
        };
        let like = move |message: &Message| match message {
            Message::EdgeParty(party) => party.resource == resource,
            Message::EdgeHold(hold) => hold.resource == resource,
            _ => false,
        };
        self.fact_like(fact, like, |reported, _| {
            let freers = reported.model.freers(reported.model.resources.get(&resource)?, &wait.operation);
            let known: BTreeSet<TaskId> = freers.known.iter().map(|freer| freer.task).collect();
            (known == ids).then_some(())
        })
    }

    /// Whether the task has an open hold of the resource.
    pub(super) fn holds(&self, task: TaskId, resource: ResourceId) -> bool {
        let mut edges = self.reported().model.edges_of_resource(resource);
        edges.any(|edge| edge.task == task && matches!(edge.body, EdgeBody::Hold { .. }))
    }

    /// Whether something unobserved may wake the task.
    pub(super) fn may_be_woken(&self, task: TaskId) -> bool {
        let counters = self.reported().model.tasks.get(&task).and_then(Task::counters);
        counters.is_none_or(|stats| stats.foreign_wakers > 0)
    }

    /// The end of each case: its tasks end, and everything that the stream has opened is closed.
    fn end(&mut self, closing: &Stage) -> Checked {
        let ended = self.program("each task ends", |stage| stage.not_ended().is_empty());
        let named = |reported: &Reported, stage: &Stage| {
            let tasks = reported.tasks.values();
            let named = tasks.filter(|task| task.origin.name.as_deref().is_some_and(|name| stage.has(name)));
            named.map(|task| task.id).collect::<Vec<_>>()
        };
        if ended.is_ok() {
            self.sample();
            for id in named(self.reported(), &self.stage) {
                let fact = Fact {
                    rule: "task.completed.sent",
                    about: "the end of a task".to_owned(),
                    expected: format!(r#"{{"type":"task.completed","id":{id}}}"#),
                };
                let of_task = |message: &Message| matches!(message, Message::TaskStats(stats) if stats.id == id);
                let _ = self.fact_like(fact, of_task, |reported, _| reported.ended.get(&id).map(|_| ()));
            }
        }
        closing.open(Stage::END);
        let mut wait = Progress::new(self.record.case.id);
        while !self.thread.is_finished() {
            if wait.since.elapsed() > self.limits.hung_after {
                let actual = format!("not within {:?}", self.limits.hung_after);
                let expected = "`block_on` returns".to_owned();
                self.record.find(contract::RUNS, "the end of the program".to_owned(), expected, actual, None);
                return Err(Stop);
            }
            wait.print("`block_on` returns");
            self.stage.until_change(Duration::from_millis(1));
        }
        ended?;
        self.sample();
        self.check_closed(named(self.reported(), &self.stage));
        Ok(())
    }

    /// Checks that everything is closed that the stream has opened of these tasks.
    fn check_closed(&mut self, tasks: Vec<TaskId>) {
        let root = |reported: &Reported| {
            let mut tasks = reported.tasks.values();
            tasks.find(|task| task.origin.kind == TaskKind::BlockOn).map(|task| task.id)
        };
        if let Some(id) = root(self.reported()) {
            let fact = Fact {
                rule: "task.completed.sent",
                about: "the end of the `block_on`".to_owned(),
                expected: format!(r#"{{"type":"task.completed","id":{id}}}"#),
            };
            let _ = self.fact(fact, |reported, _| reported.ended.get(&id).map(|_| ()));
        }
        let open = |reported: &Reported| {
            let edges = tasks.iter().flat_map(|id| reported.model.edges_of_task(*id));
            edges.map(|edge| edge.id).min()
        };
        let fact = |id: Option<insight_protocol::EdgeId>| Fact {
            rule: "complete.opened-is-closed",
            about: "the end of an edge whose task has ended, and whose resource is gone".to_owned(),
            expected: format!(r#"{{"type":"edge.closed","id":{}}}"#, id.map_or(0, |id| id.0)),
        };
        let id = open(self.reported());
        let like = |message: &Message| match message {
            Message::EdgeWait(edge) => Some(edge.id) == id,
            Message::EdgeHold(edge) => Some(edge.id) == id,
            Message::EdgeParty(edge) => Some(edge.id) == id,
            _ => false,
        };
        let _ = self.fact_like(fact(id), like, |reported, _| open(reported).is_none().then_some(()));
        // Only resources that the program of the case made.
        let alive = |reported: &Reported| {
            let mut made = reported.made.iter().filter_map(|id| reported.model.resources.get(id));
            made.find(|it| it.location.as_deref().is_some_and(of_suite)).map(|it| it.id)
        };
        let id = alive(self.reported());
        let fact = Fact {
            rule: "resource.dropped.sent",
            about: "the end of a resource that the program has dropped".to_owned(),
            expected: format!(r#"{{"type":"resource.dropped","id":{}}}"#, id.map_or(0, |id| id.0)),
        };
        let like = |message: &Message| matches!(message, Message::ResourceCreated(made) if Some(made.id) == id);
        let _ = self.fact_like(fact, like, |reported, _| alive(reported).is_none().then_some(()));
    }
}

/// Prints lines of progress, which also a test that captures its output shows.
struct Progress {
    case: &'static str,
    since: Instant,
    next: Duration,
}

impl Progress {
    fn new(case: &'static str) -> Progress {
        Progress { case, since: Instant::now(), next: PROGRESS }
    }

    fn print(&mut self, fact: &str) {
        if self.since.elapsed() >= self.next {
            let _ = writeln!(std::io::stderr(), "{}: {} s: waits for: {fact}", self.case, self.next.as_secs());
            self.next += PROGRESS;
        }
    }
}

/// Whether a location is in the suite's own source.
fn of_suite(location: &Location) -> bool {
    let folder = &file!()[..file!().len() - "scene.rs".len()];
    location.place.file.starts_with(folder)
}

pub(super) fn is_spawn(id: TaskId) -> impl Fn(&Message) -> bool {
    move |message| matches!(message, Message::TaskSpawned(spawned) if spawned.id == id)
}

pub(super) fn is_stats(id: TaskId) -> impl Fn(&Message) -> bool {
    move |message| matches!(message, Message::TaskStats(stats) if stats.id == id)
}

pub(super) fn is_resource(id: ResourceId) -> impl Fn(&Message) -> bool {
    move |message| matches!(message, Message::ResourceCreated(created) if created.id == id)
}

pub(super) fn is_edge(edge: &Edge) -> impl Fn(&Message) -> bool {
    let id = edge.id;
    move |message| match message {
        Message::EdgeWait(edge) => edge.id == id,
        Message::EdgeHold(edge) => edge.id == id,
        Message::EdgeParty(edge) => edge.id == id,
        _ => false,
    }
}

/// A wait with its resource.
#[derive(Clone, Debug)]
pub(super) struct Wait {
    /// The name of the waiting task.
    task: String,
    pub(super) operation: Operation,
    pub(super) edge: Edge,
    pub(super) resource: Resource,
}

/// A place in the source of the suite.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    file: &'static str,
    line: u32,
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

    fn is(self, location: &Location) -> bool {
        location.place.file == self.file && location.place.line == self.line
    }
}
