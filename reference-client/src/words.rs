//! Facts of the model in words: the same on every screen and in plain text.

use crate::text::{clean, count, duration, grouped};
use insight_model::operation::{self, Class};
use insight_model::resource_kind::{Ends, FreedBy, Level};
use insight_model::{
    Edge, EdgeBody, EndedTask, Freers, Leaf, Lines, Location, Model, OtherReason, Resource, Task, TaskReason,
    short_file,
};
use insight_protocol::{
    Capability, FrameKind, Operation, Outcome, PartyRole, Problem, ProblemAwait, ProblemKind, ResourceId, Severity,
    SourceLocation, SourceStatus, TaskId, Tier,
};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// The weight of a wait in the order of the list: waits for room or for a lock come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// It waits for room in a channel, for a lock, or for something unknown to this version.
    Hard,
    /// It waits for the end of another task, or for others at a barrier.
    Join,
    /// It waits for something to do.
    Work,
    /// It sleeps.
    Sleep,
}

/// The weight of a wait with this operation.
pub fn weight(operation: &Operation) -> Weight {
    match operation::of(operation).class {
        Class::Contention | Class::Unknown => Weight::Hard,
        Class::Others => Weight::Join,
        Class::Work => Weight::Work,
        Class::Time => Weight::Sleep,
    }
}

/// The wait of a task that a row of the list shows, and the number of its waits.
pub fn main_wait(model: &Model, task: TaskId) -> Option<(&Edge, usize)> {
    let waits = model.waits_of_task(task);
    let main = waits.iter().min_by_key(|edge| match &edge.body {
        EdgeBody::Wait { operation, .. } => (weight(operation), edge.since_ns),
        _ => (Weight::Sleep, edge.since_ns),
    })?;
    Some((main, waits.len()))
}

/// The await of a task that a row of the list shows.
enum MainAwait<'m> {
    /// An observed wait.
    Wait(&'m Edge),
    /// An await that is no observed wait.
    Other(&'m Leaf),
}

/// An await in the program's own code comes before the wait of a library, such as that of a server for its shutdown, unless the wait
/// is for a lock, permits or room.
fn main_await(model: &Model, task: TaskId) -> Option<MainAwait<'_>> {
    let others = || model.other_awaits(task);
    let own = || others().find(|leaf| leaf.own().is_some());
    let Some((wait, _)) = main_wait(model, task) else {
        return own().or_else(|| others().next()).map(MainAwait::Other);
    };
    let contends = matches!(&wait.body, EdgeBody::Wait { operation, .. } if weight(operation) == Weight::Hard);
    let is_own = || model.lines_of_wait(wait).first.is_some_and(|line| line.library().is_none());
    match own() {
        Some(leaf) if !contends && !is_own() => Some(MainAwait::Other(leaf)),
        _ => Some(MainAwait::Wait(wait)),
    }
}

/// The name of the resource of an edge, from [`short_name`].
pub fn resource_name(model: &Model, edge: &Edge) -> String {
    let resource = model.resources.get(&edge.resource);
    resource.map_or_else(|| format!("resource {}", edge.resource), |resource| short_name(model, resource))
}

/// `` `prototype_channel` ``; without a name `channel 12`, or `end of task 3 (reader)`. `` deadpool's `permits` `` for one that a library
/// makes.
pub fn short_name(model: &Model, resource: &Resource) -> String {
    if let Some(name) = &resource.name {
        let of = resource.library().map_or_else(String::new, |library| format!("{library}'s "));
        return clean(&format!("{of}`{name}`")).into_owned();
    }
    if resource.definition().ends != Ends::Joined {
        // A channel may have a hundred thousand edges.
        return clean(&resource.label()).into_owned();
    }
    let mut joined = model.edges_of_resource(resource.id).filter(|edge| is_joined(&edge.body));
    match (joined.next(), joined.next()) {
        (Some(edge), None) => clean(&format!("end of {}", model.task_label(edge.task))).into_owned(),
        _ => clean(&resource.label()).into_owned(),
    }
}

fn is_joined(body: &EdgeBody) -> bool {
    matches!(body, EdgeBody::Party { role: PartyRole::Joined, .. })
}

/// `` `prototype_channel`: waiting on channel capacity ``, and the number of further waits and awaits. Without an observed wait, the awaited
/// function: `` `tokio::net::TcpStream::read` ``. `None` if nothing is known.
pub fn waits_for(model: &Model, task: TaskId) -> Option<String> {
    let unlisted = model.awaits(task).map_or(0, |known| known.awaits.more);
    let waits = main_wait(model, task).map_or(0, |(_, waits)| waits) + model.other_awaits(task).count();
    let waits = unlisted.saturating_add(waits as u64);
    let text = match main_await(model, task)? {
        MainAwait::Wait(edge) => format!("{}: {}", resource_name(model, edge), reason(edge)),
        MainAwait::Other(leaf) => awaited(leaf),
    };
    let more = if waits > 1 { format!(" (+{} more)", grouped(waits - 1)) } else { String::new() };
    Some(format!("{text}{more}"))
}

/// `` `tokio::net::TcpStream::read` ``: the awaited future of an await that is no observed wait. A program without symbols names none.
pub fn awaited(leaf: &Leaf) -> String {
    let text = leaf.awaited().or_else(|| Some(format!("something in `{}`", leaf.line()?.function.as_deref()?)));
    text.map_or_else(|| NO_SYMBOL.to_owned(), |text| clean(&text).into_owned())
}

/// The lines of the wait that a row of the list shows. `None` if its place is unknown.
pub fn main_lines(model: &Model, task: TaskId) -> Option<Lines<'_>> {
    let lines = match main_await(model, task)? {
        MainAwait::Wait(edge) => model.lines_of_wait(edge),
        MainAwait::Other(leaf) => model.lines_of_await(task, leaf),
    };
    lines.first.is_some().then_some(lines)
}

/// The reason of a wait; without a reason from the producer, the operation.
pub fn reason(edge: &Edge) -> String {
    match &edge.body {
        EdgeBody::Wait { .. } if is_overdue(edge) => "its time is over".to_owned(),
        EdgeBody::Wait { reason, .. } if !reason.trim().is_empty() => clean(reason).into_owned(),
        EdgeBody::Wait { operation, .. } => clean(&format!("waiting ({operation})")).into_owned(),
        other => other.kind().to_owned(),
    }
}

/// A task's name for a narrow column: the last part of a path.
pub fn task_name(model: &Model, task: &Task) -> String {
    match model.short_task_name(task) {
        Some(name) => clean(&name.to_string()).into_owned(),
        None if task.origin.partial => "(library task)".into(),
        None => "-".into(),
    }
}

/// As [`task_name`], for a task that has ended.
pub fn ended_name(task: &EndedTask) -> String {
    match task.short_name() {
        Some(name) => clean(name).into_owned(),
        None if task.origin.partial => "(library task)".into(),
        None => "-".into(),
    }
}

/// The end of a task: `panicked 3.0 s ago`.
pub fn ended_ago(task: &EndedTask, now_ns: u64) -> String {
    let verb = match &task.outcome {
        Outcome::Cancelled => "was cancelled",
        Outcome::Unseen => "was last observed",
        outcome => outcome.as_str(),
    };
    clean(&format!("{verb} {} ago", duration(now_ns.saturating_sub(task.ended_ns)))).into_owned()
}

/// The lines of the message of its panic: that of `assert_eq!` has three.
pub fn panic_lines(task: &EndedTask) -> impl Iterator<Item = &str> {
    task.panic.iter().flat_map(|panic| panic.lines()).filter(|line| !line.trim().is_empty())
}

/// The way to get the missing message of a panic.
pub const NO_PANIC_MESSAGE: &str = "With INSIGHT_PANICS=message the program also sends the message of a panic.";

/// Whether a task panicked, and the program did not send the message.
pub fn lacks_panic_message(task: &EndedTask) -> bool {
    task.outcome == Outcome::Panicked && task.panic.is_none()
}

/// The end of a task in a sentence: `task 7 (reader) panicked 3.0 s ago: no user 7; spawned at src/main.rs:9:5`.
pub fn ended(task: &EndedTask, now_ns: u64) -> String {
    let panic: Vec<&str> = panic_lines(task).map(str::trim).collect();
    let panic = if panic.is_empty() { String::new() } else { format!(": {}", panic.join(" ")) };
    let place = task.origin.location.as_deref().map_or(String::new(), |at| format!("; spawned at {}", place(at)));
    clean(&format!("{} {}{panic}{place}", task.label(), ended_ago(task, now_ns))).into_owned()
}

/// The state of a task in a word; `unknown` for a library task.
pub fn state(task: &Task) -> &'static str {
    task.state().map_or("unknown", |state| state.as_str())
}

/// `idle for 12.3 s`.
pub fn state_for(task: &Task, now_ns: u64) -> String {
    match task.state() {
        Some(state) => format!("{state} for {}", duration(now_ns.saturating_sub(task.since_ns()))),
        None => "state unknown".into(),
    }
}

/// The part of a resource that is in use: `2 of 2 in use (full)`.
pub fn level(resource: &Resource) -> String {
    match resource.definition().level {
        Level::Count(noun) => resource.length.map_or_else(|| in_use(resource), |length| count(length, noun)),
        Level::Come => match resource.length.zip(resource.capacity) {
            Some((length, capacity)) => format!("{} of {} have come", grouped(length), grouped(capacity)),
            None => in_use(resource),
        },
        Level::Room | Level::InUse | Level::Kept | Level::Permits => in_use(resource),
    }
}

fn in_use(resource: &Resource) -> String {
    match (resource.length, resource.capacity) {
        (Some(length), Some(capacity)) if is_full(resource) => {
            format!("{} of {} in use (full)", grouped(length), grouped(capacity))
        }
        (Some(length), Some(capacity)) => format!("{} of {} in use", grouped(length), grouped(capacity)),
        (Some(length), None) => format!("{} in use, no bound", grouped(length)),
        (None, Some(capacity)) => format!("capacity {}, length unknown", grouped(capacity)),
        (None, None) => String::new(),
    }
}

/// Whether a bounded resource has nothing left. `false` for a resource on which no task waits for room.
pub fn is_full(resource: &Resource) -> bool {
    match resource.definition().level {
        Level::Room | Level::InUse | Level::Permits => {
            matches!((resource.length, resource.capacity), (Some(length), Some(capacity)) if length >= capacity)
        }
        Level::Kept | Level::Count(_) | Level::Come => false,
    }
}

/// `capacity 2, length 2 (full), 1 sender, 1 receiver`.
pub fn sizes(resource: &Resource) -> String {
    let mut parts = Vec::new();
    let words = resource.definition().level;
    match (words, resource.capacity) {
        (Level::Come, Some(_)) => return level(resource),
        (Level::Permits, Some(permits)) => parts.push(count(permits, "permit")),
        (Level::Room | Level::InUse | Level::Kept | Level::Count(_), Some(capacity)) => {
            parts.push(format!("capacity {}", grouped(capacity)));
        }
        (Level::Room, None) => parts.push("no bound".into()),
        (Level::InUse | Level::Kept | Level::Permits | Level::Count(_) | Level::Come, None) => {}
    }
    parts.extend(resource.length.map(|length| match words {
        Level::Room if is_full(resource) => format!("length {} (full)", grouped(length)),
        Level::Count(noun) => count(length, noun),
        Level::Permits => format!("{} taken", grouped(length)),
        Level::Room | Level::InUse | Level::Kept | Level::Come => format!("length {}", grouped(length)),
    }));
    let handles =
        [(resource.senders, "sender"), (resource.weak_senders, "weak sender"), (resource.receivers, "receiver")];
    parts.extend(handles.iter().filter_map(|(number, handle)| {
        number.filter(|number| *number > 0 || *handle != "weak sender").map(|number| count(number, handle))
    }));
    parts.join(", ")
}

/// Whether the edge is a wait for room in a channel with a bound.
pub fn is_full_channel_wait(model: &Model, edge: &Edge) -> bool {
    let (Some(resource), EdgeBody::Wait { operation, .. }) = (model.resources.get(&edge.resource), &edge.body) else {
        return false;
    };
    resource.capacity.is_some() && resource.definition().freed(operation).by == FreedBy::Room
}

/// The operation, mode or role of an edge: `send`, `exclusive`, `receiver`.
pub fn role(edge: &Edge) -> String {
    let text = match &edge.body {
        EdgeBody::Wait { operation, need: 0 | 1, .. } => operation.to_string(),
        EdgeBody::Wait { operation, need, .. } => format!("{operation}, needs {}", grouped(*need)),
        EdgeBody::Hold { mode, units: 0 | 1, .. } => mode.to_string(),
        EdgeBody::Hold { mode, units, .. } => format!("{mode}, {} units", grouped(*units)),
        EdgeBody::Party { role, .. } => role.to_string(),
    };
    clean(&text).into_owned()
}

/// Whether the edge is a wait for a timer that has woken its task.
pub fn is_overdue(edge: &Edge) -> bool {
    let EdgeBody::Wait { operation, .. } = &edge.body else { return false };
    operation::of(operation).class == Class::Time && edge.waiter().granted_ns.is_some()
}

/// The known faults of the pending operation of a wait: a wake after which its task has not polled it, and a poll of the task
/// that passed it over. The task may poll it again later.
pub fn waiter(edge: &Edge, now_ns: u64) -> Option<String> {
    let waiter = edge.waiter();
    let ago = |at_ns: u64| duration(now_ns.saturating_sub(at_ns));
    let granted = waiter.granted_ns.map(|at_ns| format!("woken {} ago, not polled since", ago(at_ns)));
    let passed_over = (waiter.polled == Some(false)).then(|| "its task's last poll did not reach it".to_owned());
    let facts: Vec<String> = granted.into_iter().chain(passed_over).collect();
    (!facts.is_empty()).then(|| facts.join(", "))
}

/// Maximum number of waits of one task whose place in the queue is shown: each takes a look at all edges of its resource.
pub const MOST_QUEUES: usize = 8;

/// `behind 2 waits in the queue, first task 4 (writes)`: the waits that come before this one. `None` if there are none.
pub fn behind(model: &Model, wait: &Edge) -> Option<String> {
    let answer = model.can_end(wait.id)?;
    let ahead = answer.tasks.iter().filter(|by| by.reason == TaskReason::Ahead);
    let first = ahead.clone().filter_map(|by| model.edges.get(&by.edge)).min_by_key(|edge| (edge.since_ns, edge.id))?;
    let waits = count(ahead.count() as u64, "wait");
    Some(format!("behind {waits} in the queue, first {}", clean(&model.task_label(first.task))))
}

/// Whether the last poll of its task reached the pending operation, in words; `None` if it did not, or if that is unknown.
pub fn polled(edge: &Edge) -> Option<&'static str> {
    (edge.waiter().polled == Some(true)).then_some("its task's last poll reached it")
}

/// The relation of a task to a resource that it can unblock: `has a receiver`.
pub fn freeing(edge: &Edge) -> String {
    match &edge.body {
        EdgeBody::Hold { transferable, .. } => {
            let moved = if *transferable { ", unless it moved the guard" } else { "" };
            format!("holds it ({}){moved}", role(edge))
        }
        EdgeBody::Party { role: PartyRole::Joined, .. } => "its end is awaited".into(),
        EdgeBody::Party { role: PartyRole::Sender, exclusive } => handle("sender", *exclusive),
        EdgeBody::Party { role: PartyRole::Receiver, exclusive } => handle("receiver", *exclusive),
        EdgeBody::Party { role, .. } => clean(&format!("is its {role}")).into_owned(),
        EdgeBody::Wait { .. } => "waits for it".into(),
    }
}

fn handle(end: &str, exclusive: bool) -> String {
    if exclusive { format!("has a {end}") } else { format!("has used a {end}, maybe a shared one") }
}

/// The tasks that can unblock each resource, computed once: many tasks may wait on a resource that many tasks can unblock.
pub struct FreersOf<'m> {
    model: &'m Model,
    known: RefCell<HashMap<(ResourceId, Operation), Rc<Freers>>>,
}

impl<'m> FreersOf<'m> {
    /// Nothing is computed yet.
    pub fn new(model: &'m Model) -> FreersOf<'m> {
        FreersOf { model, known: RefCell::default() }
    }

    /// The tasks that can unblock a task that waits on `resource` with `operation`.
    pub fn freers(&self, resource: &Resource, operation: &Operation) -> Rc<Freers> {
        let mut known = self.known.borrow_mut();
        let key = (resource.id, operation.clone());
        Rc::clone(known.entry(key).or_insert_with(|| Rc::new(self.model.freers(resource, operation))))
    }
}

/// The unknown users that can unblock a resource, in words; `None` if there are none.
pub fn unknown_freers(freers: &Freers) -> Option<String> {
    match freers.unknown {
        0 => None,
        _ if freers.anybody => Some(freers.unknown_what.to_owned()),
        unknown => Some(format!("{} unknown: {}", grouped(unknown), freers.unknown_what)),
    }
}

/// The ways in which other code can unblock a resource without a handle, a hold or a unit, in words. r[can-end.shown]
pub fn other_ways(freers: &Freers) -> impl Iterator<Item = &'static str> + use<'_> {
    let ways = [
        (OtherReason::Permits, "any code can add permits, or close it"),
        (OtherReason::ClosedByAny, "any task with an end can close it"),
    ];
    ways.into_iter().filter(|(reason, _)| freers.has(*reason)).map(|(_, words)| words)
}

/// `src/main.rs:61:18`.
pub fn place(location: &Location) -> String {
    source_place(&location.place)
}

/// As [`place`], for a place in a problem. Only the file if the line is unknown.
pub fn source_place(place: &SourceLocation) -> String {
    let SourceLocation { file, line, column, .. } = place;
    let file = short_file(file);
    let text = if *line == 0 { file.to_owned() } else { format!("{file}:{line}:{column}") };
    clean(&text).into_owned()
}

/// The task that represents another one.
pub fn as_in(task: TaskId) -> String {
    format!("as in task {task}, which was spawned at the same line and has the same wait")
}

/// The text of a source line if there is one, and a note on its quality.
pub fn source(location: &Location) -> (Option<String>, Option<&'static str>) {
    let Some(source) = &location.source else { return (None, None) };
    let text = source.text.as_deref().map(|text| clean(text.trim()).into_owned()).filter(|text| !text.is_empty());
    match source.status {
        SourceStatus::Found => (text, None),
        SourceStatus::Changed => (text, Some("source changed since build")),
        SourceStatus::Missing => (None, Some("source not found where the program runs")),
        _ => (text, Some("source may have changed since build")),
    }
}

/// The wait of an idle task without a known wait.
pub fn unobserved_wait(model: &Model, task: &Task) -> String {
    let wakers = task.counters().map_or(0, |stats| stats.foreign_wakers);
    match wakers {
        0 => "something insight does not observe".into(),
        wakers => {
            let count = count(wakers, "foreign waker");
            format!("something insight does not observe ({count}: {}, ...)", foreign_things(model))
        }
    }
}

/// Other things that may wake a task that has waits; `None` if there are none.
pub fn other_wakers(model: &Model, task: &Task) -> Option<String> {
    let mut others = model.other_awaits(task.id);
    if let Some(leaf) = others.next() {
        let at = model.lines_of_await(task.id, leaf).first.map_or_else(String::new, |at| format!(" at {}", place(at)));
        let more = others.count();
        let more = if more > 0 { format!(" (+{more} more)") } else { String::new() };
        return Some(format!("or for {}{at}{more}", awaited(leaf)));
    }
    unobserved_wakers(model, task)
}

/// Things that may wake a task that has waits, while its awaits are unknown; `None` if there are none.
pub fn unobserved_wakers(model: &Model, task: &Task) -> Option<String> {
    if model.awaits(task.id).is_some() {
        return None;
    }
    let wakers = task.counters().map_or(0, |stats| stats.foreign_wakers);
    let count = count(wakers, "foreign waker");
    let things = foreign_things(model);
    (wakers > 0).then(|| format!("or for something insight does not observe ({count}: {things}, ...)"))
}

/// The usual holders of a foreign waker. If the producer observes timers, a timer is not one of them.
pub fn foreign_things(model: &Model) -> &'static str {
    let timers = model.header.as_ref().is_some_and(|header| header.capabilities.contains(&Capability::Timers));
    if timers { "io" } else { "a timer, io" }
}

/// An await without a function and without frames.
pub const NO_SYMBOL: &str = "a future that the program's symbols do not name (it may have none)";

/// The limits of a library task.
pub const PARTIAL: &str = "A library task: insight observes only its waits and holds.";

/// The banner: the number of hangs and their surest tier; `None` if there are none.
pub fn banner(model: &Model) -> Option<(Tier, String)> {
    let mut problems = model.problems().problems;
    problems.retain(|problem| problem.severity == Severity::Hang);
    let first = problems.first()?;
    let proven = problems.iter().filter(|problem| problem.tier == Tier::Proven).count();
    let kind = clean(first.kind.as_str()).replace('_', " ");
    let kind = match (&first.kind, first.tier) {
        (ProblemKind::Deadlock, Tier::Proven) => "deadlock cycle detected".into(),
        (_, Tier::Proven) => format!("{kind} detected"),
        (_, Tier::Suspected) => format!("suspected {kind}"),
    };
    let text = match (problems.len(), problems.len() - proven) {
        (1, _) => kind,
        (all, 0) => format!("{all} hangs: {kind}"),
        (all, suspected) if suspected == all => format!("{all} hangs: {kind}"),
        (all, suspected) => format!("{all} hangs ({suspected} of them suspected): {kind}"),
    };
    Some((first.tier, text))
}

/// The line of the worst hang: the program's own, where a task of it waits. `None` if it is unknown.
pub fn banner_line(model: &Model) -> Option<String> {
    let problem = model.problems().problems.into_iter().find(|problem| problem.severity == Severity::Hang)?;
    own_line(&problem).map(source_place)
}

/// The program's own line at which the first task of a problem waits.
fn own_line(problem: &Problem) -> Option<&SourceLocation> {
    let own = |it: &'_ ProblemAwait| it.frames.iter().any(|frame| frame.kind == FrameKind::Own);
    let waits = problem.edges.iter().filter(|edge| edge.kind == "wait").filter_map(|edge| match &edge.awaited {
        Some(awaited) => awaited.line.as_ref().filter(|_| own(awaited)),
        // A path in cargo's own folders belongs to a library.
        None => edge.location.as_ref().filter(|place| short_file(&place.file).len() == place.file.len()),
    });
    let awaits = problem.tasks.iter().flat_map(|task| &task.awaits).filter(|it| own(it));
    waits.chain(awaits.filter_map(|it| it.line.as_ref())).next()
}

/// The number of problems that are no hangs: `1 degraded, 2 notices`; `None` if there are none.
pub fn other_problems(model: &Model) -> Option<String> {
    let number = |severity| model.problems.values().filter(|problem| problem.severity == severity).count() as u64;
    let (degraded, notices) = (number(Severity::Degraded), number(Severity::Notice));
    match (degraded, notices) {
        (0, 0) => None,
        (0, _) => Some(count(notices, "notice")),
        (_, 0) => Some(format!("{} degraded", grouped(degraded))),
        _ => Some(format!("{} degraded, {}", grouped(degraded), count(notices, "notice"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use insight_protocol::{
        DefineString, EdgeHold, EdgeId, EdgeWait, HandOff, HoldMode, Message, ResourceCreated, ResourceKind, StringId,
        TaskSpawned, with,
    };

    #[test]
    fn names_for_a_narrow_column() {
        let check = |name: Option<&str>, partial: bool, expect: &str| {
            let mut model = Model::default();
            let text = name.unwrap_or_default().to_owned();
            model.apply(&Message::from(DefineString::new(StringId(1), text)));
            let name = name.map(|_| StringId(1));
            model.apply(&Message::from(with!(TaskSpawned::default(), id = TaskId(1), name, partial)));
            assert_eq!(task_name(&model, &model.tasks[&TaskId(1)]), expect);
        };
        check(Some("barbara::write_orders"), false, "write_orders");
        check(Some("<Pool as Work>::run"), false, "<Pool as Work>::run");
        check(Some("pump"), true, "pump");
        check(None, true, "(library task)");
        check(None, false, "-");
    }

    #[test]
    fn place_in_the_queue_of_a_fair_lock() {
        let check = |hand_off: HandOff, expect: [Option<&str>; 3]| {
            let mut model = Model::default();
            let mut apply = |message: Message| model.apply(&message);
            apply(DefineString::new(StringId(1), "waits".to_owned()).into());
            let lock = ResourceId(1);
            apply(with!(ResourceCreated::new(lock, ResourceKind::Mutex, 1), hand_off = Some(hand_off)).into());
            for id in 1..=4 {
                apply(with!(TaskSpawned::default(), id = TaskId(id)).into());
            }
            apply(EdgeHold::new(EdgeId(1), TaskId(1), lock, HoldMode::Exclusive, 1, 1).into());
            // The IDs are not in the order of the queue.
            for (id, since_ns) in [(2, 30), (3, 20), (4, 10)] {
                let wait = EdgeWait::new(EdgeId(id), TaskId(id), lock, Operation::Lock, StringId(1), 1, since_ns);
                apply(wait.into());
            }
            let behind = [4, 3, 2].map(|id| behind(&model, &model.edges[&EdgeId(id)]));
            assert_eq!(behind.each_ref().map(|text| text.as_deref()), expect);
        };
        let one = "behind 1 wait in the queue, first task 4";
        let two = "behind 2 waits in the queue, first task 4";
        check(HandOff::Fifo, [None, Some(one), Some(two)]);
        check(HandOff::Barging, [None, None, None]);
    }
}
