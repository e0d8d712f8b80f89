use crate::kind::page;
use crate::{Edge, EdgeBody, Finding, Location, Model};
use insight_protocol::*;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Nobody reads on for longer than that; the tasks and edges of a problem are all listed anyway.
const MOST_STEPS: usize = 50;

/// How many tasks a sentence names at most.
const MOST_NAMES: usize = 8;

impl Finding {
    /// The problem as it is sent: self-contained, and in words. `model` is the one that it was found in.
    pub fn problem(&self, model: &Model, id: ProblemId) -> Problem {
        let story = Story { model, finding: self };
        Problem {
            id,
            kind: self.kind.clone(),
            tier: self.tier,
            title: story.title(),
            tasks: self.tasks.iter().map(|&id| problem_task(model, id)).collect(),
            resources: self.resources.iter().filter_map(|&id| problem_resource(model, id)).collect(),
            edges: story.edges().map(problem_edge).collect(),
            unknowns: self.unknowns.clone(),
            explanation: story.explanation(),
            advice: story.advice().to_owned(),
            docs: page(&self.kind),
            since_ns: self.since_ns,
        }
    }
}

fn problem_task(model: &Model, id: TaskId) -> ProblemTask {
    let task = model.tasks.get(&id);
    let name = task.and_then(|task| task.name.as_deref()).map(str::to_owned);
    ProblemTask { id, name, location: task.and_then(|task| place(&task.location)) }
}

fn problem_resource(model: &Model, id: ResourceId) -> Option<ProblemResource> {
    let resource = model.resources.get(&id)?;
    let name = resource.name.as_deref().map(str::to_owned);
    Some(ProblemResource { id, kind: resource.kind.clone(), name, location: place(&resource.location) })
}

fn problem_edge(edge: &Edge) -> ProblemEdge {
    let (operation, reason) = match &edge.body {
        EdgeBody::Wait { operation, reason, .. } => (Some(operation.clone()), reason.as_ref()),
        EdgeBody::Hold { mode, .. } => (None, mode.as_str()),
        EdgeBody::Party { role, .. } => (None, role.as_str()),
    };
    ProblemEdge {
        kind: edge.body.kind().to_owned(),
        task: edge.task,
        resource: edge.resource,
        operation,
        reason: reason.to_owned(),
        location: place(&edge.location),
        since_ns: edge.since_ns,
    }
}

fn place(location: &Option<Arc<Location>>) -> Option<SourceLocation> {
    location.as_ref().map(|location| location.place.clone())
}

/// A finding and the model to look its parts up in.
struct Story<'a> {
    model: &'a Model,
    finding: &'a Finding,
}

impl<'a> Story<'a> {
    fn edges(&self) -> impl Iterator<Item = &'a Edge> {
        self.finding.edges.iter().filter_map(|id| self.model.edges.get(id))
    }

    /// Of these edges, those of the finding. Its edges are sorted.
    fn own(&self, edges: impl Iterator<Item = &'a Edge>) -> impl Iterator<Item = &'a Edge> {
        edges.filter(|edge| self.finding.edges.binary_search(&edge.id).is_ok())
    }

    /// Those that the task polls.
    fn waits(&self, task: TaskId) -> impl Iterator<Item = &'a Edge> {
        self.own(self.model.waits_of_task(task).into_iter()).filter(|edge| !is_unpolled(edge))
    }

    /// Of the waits ahead of one on the same resource, which is served in order, the first that is part of it.
    fn ahead(&self, wait: &'a Edge) -> Option<&'a Edge> {
        let EdgeBody::Wait { operation, .. } = &wait.body else { return None };
        let writes = |edge: &&Edge| match &edge.body {
            EdgeBody::Wait { operation, .. } => *operation == Operation::Write,
            _ => false,
        };
        let resource = self.model.resources.get(&wait.resource)?;
        let in_order = match resource.hand_off {
            Some(HandOff::Fifo) => true,
            Some(HandOff::WriterFirst) => *operation == Operation::Read,
            _ => false,
        };
        let waits = self.own(self.model.edges_of_resource(wait.resource)).filter(|edge| {
            matches!(edge.body, EdgeBody::Wait { .. }) && !is_unpolled(edge) && edge.since_ns < wait.since_ns
        });
        let ahead = waits.min_by_key(|edge| (edge.since_ns, edge.id)).filter(|_| in_order)?;
        (*operation != Operation::Read || writes(&ahead)).then_some(ahead)
    }

    /// The holds and parties on what `wait` waits on that could satisfy it, and the waits on it that are not polled.
    fn freers(&self, wait: &'a Edge) -> impl Iterator<Item = &'a Edge> {
        let receives = matches!(&wait.body, EdgeBody::Wait { operation: Operation::Recv | Operation::Changed, .. });
        self.own(self.model.edges_of_resource(wait.resource)).filter(move |edge| match &edge.body {
            EdgeBody::Wait { .. } => !receives && is_unpolled(edge),
            EdgeBody::Hold { .. } => !receives,
            EdgeBody::Party { role, .. } => (*role == PartyRole::Sender) == receives,
        })
    }

    /// The first of the tasks to tell of, each followed by one that it waits for where that is still to come.
    fn order(&self) -> Vec<TaskId> {
        let mut left: BTreeSet<TaskId> = self.finding.tasks.iter().copied().collect();
        let mut order = Vec::new();
        let mut next = None;
        while let Some(task) = next.or(left.first().copied()) {
            left.remove(&task);
            order.push(task);
            if order.len() == MOST_STEPS {
                break;
            }
            let freers = self.waits(task).flat_map(|wait| self.freers(wait).chain(self.ahead(wait)));
            next = freers.map(|edge| edge.task).filter(|task| left.contains(task)).min();
        }
        order
    }

    fn explanation(&self) -> Vec<String> {
        let order = self.order();
        let mut steps: Vec<String> = order.iter().map(|&task| self.sentence(task)).collect();
        let more = self.finding.tasks.len() - order.len();
        if more > 0 {
            steps.push(format!("{more} more tasks wait for each other in this way."));
        }
        steps
    }

    fn title(&self) -> String {
        let Finding { tasks, resources, unknowns, .. } = self.finding;
        let labels = || and(resources.iter().map(|&id| self.model.resource_label(id)).collect());
        let unpolled = || {
            let resources: BTreeSet<ResourceId> =
                self.edges().filter(|edge| is_unpolled(edge)).map(|edge| edge.resource).collect();
            and(resources.into_iter().map(|id| self.model.resource_label(id)).collect())
        };
        let first = tasks.first().map_or_else(String::new, |&task| self.model.task_label(task));
        let mut title = match (&self.finding.kind, tasks.len()) {
            (ProblemKind::LostWakeup, _) => {
                format!("lost wake-up: {first} waits, and nothing is left that could wake it")
            }
            (ProblemKind::Futurelock, 1) => {
                format!(
                    "futurelock: {first} waits behind an operation of its own on {} that it does not poll",
                    labels()
                )
            }
            (ProblemKind::Futurelock, count) => {
                format!("futurelock: {count} tasks wait behind an operation on {} that is not polled", unpolled())
            }
            (ProblemKind::ReadBehindWriter, count) => {
                let behind = format!("behind a writer that waits for {}", labels());
                match count {
                    1 => format!("deadlock cycle: {first} waits to read {behind}"),
                    _ => format!("deadlock cycle: {count} tasks wait for each other {behind}"),
                }
            }
            (ProblemKind::ForgottenParty, _)
                if !self.edges().any(|edge| tasks.contains(&edge.task) && is_wait(edge)) =>
            {
                format!("forgotten guard: {first} has ended and holds {}", labels())
            }
            (ProblemKind::ForgottenParty, _) => {
                format!("forgotten sender: {first} waits to receive from {}, to which only itself could send", labels())
            }
            (_, 1) => format!("deadlock cycle: {first} waits for itself through {}", labels()),
            (_, count) => format!("deadlock cycle: {count} tasks wait for each other over {}", and(self.kinds())),
        };
        if let Some((first, more)) = unknowns.split_first() {
            title += &format!(" (suspected: {first}");
            if !more.is_empty() {
                title += &format!("; and {} more", more.len());
            }
            title += ")";
        }
        title
    }

    /// "2 mutexes", "1 channel".
    fn kinds(&self) -> Vec<String> {
        let mut counts: Vec<(&ResourceKind, usize)> = Vec::new();
        for resource in self.finding.resources.iter().filter_map(|id| self.model.resources.get(id)) {
            match counts.iter_mut().find(|(kind, _)| *kind == &resource.kind) {
                Some((_, count)) => *count += 1,
                None => counts.push((&resource.kind, 1)),
            }
        }
        let words = counts.into_iter().map(|(kind, count)| match (kind, count) {
            (_, 1) => format!("1 {kind}"),
            (ResourceKind::Mutex | ResourceKind::Watch, _) => format!("{count} {kind}es"),
            _ => format!("{count} {kind}s"),
        });
        words.collect()
    }

    /// What the task has that others want, and what it waits for.
    fn sentence(&self, task: TaskId) -> String {
        if self.finding.kind == ProblemKind::LostWakeup {
            let label = self.model.task_label(task);
            return format!("The last waker of {label} was dropped without a wake: nobody polls it any more.");
        }
        let is_semaphore = |edge: &Edge| {
            self.model.resources.get(&edge.resource).is_some_and(|resource| resource.kind == ResourceKind::Semaphore)
        };
        let held = self.own(self.model.edges_of_task(task)).filter_map(|edge| match &edge.body {
            EdgeBody::Wait { operation, .. } if is_unpolled(edge) => {
                let wait = if edge.waiter().granted_ns.is_some() { "a granted wait" } else { "a wait" };
                let (what, of) = (doing(operation), self.model.resource_label(edge.resource));
                Some(format!("has {wait} to {what} {of}{} that it does not poll any more,", at(edge)))
            }
            EdgeBody::Hold { units, .. } if is_semaphore(edge) => {
                Some(format!("holds {} of {}{}", permits(*units), self.model.resource_label(edge.resource), at(edge)))
            }
            EdgeBody::Hold { mode: HoldMode::Permit, .. } => {
                Some(format!("has a place in {} reserved{}", self.model.resource_label(edge.resource), at(edge)))
            }
            EdgeBody::Hold { .. } => Some(format!("holds {}{}", self.model.resource_label(edge.resource), at(edge))),
            _ => None,
        });
        let mut clauses: Vec<String> = held.collect();
        let waits: Vec<String> = self.waits(task).map(|wait| format!("waits {}", self.wait(wait))).collect();
        if !waits.is_empty() {
            clauses.push(waits.join(", and at the same time "));
        } else if self.model.tasks.get(&task).is_none_or(|task| task.outcome().is_some()) {
            clauses.insert(0, "has ended".to_owned());
        }
        let label = self.model.task_label(task);
        let any = if waits.len() > 1 { " Any one of these would let it go on." } else { "" };
        format!("{label} {}.{any}", clauses.join(" and "))
    }

    /// "to lock mutex `ledger` (src/x.rs:15), which task 4 (handler_b) holds".
    fn wait(&self, wait: &Edge) -> String {
        let resource = self.model.resource_label(wait.resource);
        let at = at(wait);
        let EdgeBody::Wait { operation, .. } = &wait.body else { return resource };
        let (unpolled, freers): (Vec<&Edge>, Vec<&Edge>) = self.freers(wait).partition(|freer| is_wait(freer));
        let (holders, parties): (Vec<&Edge>, Vec<&Edge>) =
            freers.into_iter().partition(|freer| matches!(freer.body, EdgeBody::Hold { .. }));
        // Who comes first is named with what it has; the others are behind it.
        let behind = match (unpolled.first(), self.ahead(wait)) {
            (Some(first), _) if first.task == wait.task => Some("behind what it does not poll itself".to_owned()),
            (Some(_), _) => Some(format!("behind what {} not poll", does(&self.labels(&unpolled)))),
            (None, Some(ahead)) => Some(format!("behind {}, which waits {}", self.model.task_label(ahead.task), {
                let EdgeBody::Wait { operation, .. } = &ahead.body else { return resource };
                format!("to {}", doing(operation))
            })),
            (None, None) => None,
        };
        let own = holders.iter().all(|holder| holder.task == wait.task);
        let holders = self.labels(&holders);
        let parties = self.labels(&parties);
        // What is suspected has others, or may have.
        let only = if self.finding.tier == Tier::Proven { "only " } else { "" };
        let verb = |list: &[String], one: &str, many: &str| (if list.len() == 1 { one } else { many }).to_owned();
        let mut words = match operation {
            Operation::Lock | Operation::Read | Operation::Write | Operation::Acquire | Operation::Init => {
                let need = match (&wait.body, operation) {
                    (EdgeBody::Wait { need, .. }, Operation::Acquire) => format!("{} of ", permits(*need)),
                    _ => String::new(),
                };
                let lock = format!("to {} {need}{resource}{at}", doing(operation));
                if let Some(behind) = behind {
                    return format!("{lock}, {behind}");
                }
                let holds = verb(&holders, "holds", "hold");
                return match own {
                    true => format!("{lock}, which it holds itself"),
                    false => format!("{lock}, which {} {holds}", and(holders)),
                };
            }
            Operation::Join => {
                let any = if parties.len() == 1 { "" } else { "any of " };
                return format!("for the end of {any}{}{at}", or(parties));
            }
            Operation::Changed => {
                let send = verb(&parties, "sets", "set");
                return format!("until {resource} changes{at}; {only}{} {send} it", and(parties));
            }
            Operation::Recv => {
                let send = verb(&parties, "sends", "send");
                return format!("to receive from {resource}{at}, which is empty; {only}{} {send} to it", and(parties));
            }
            Operation::Closed => format!("until {resource} is closed{at}"),
            Operation::Reserve => format!("to reserve places in {resource}{at}{}", self.full(wait.resource)),
            _ => format!("to send to {resource}{at}{}", self.full(wait.resource)),
        };
        if let Some(behind) = behind {
            words += &format!(", {behind}");
        }
        if !parties.is_empty() {
            let receive = verb(&parties, "receives", "receive");
            words += &format!("; {only}{} {receive} from it", and(parties));
        }
        if !holders.is_empty() && *operation != Operation::Closed {
            let have = verb(&holders, "has", "have");
            words += &format!("; {} {have} places in it reserved", and(holders));
        }
        words
    }

    /// The tasks of these edges.
    fn labels(&self, edges: &[&Edge]) -> Vec<String> {
        let tasks: BTreeSet<TaskId> = edges.iter().map(|edge| edge.task).collect();
        let mut labels: Vec<String> = tasks.iter().take(MOST_NAMES).map(|&task| self.model.task_label(task)).collect();
        if tasks.len() > MOST_NAMES {
            labels.push(format!("{} more tasks", tasks.len() - MOST_NAMES));
        }
        labels
    }

    /// ", which is full (2 of 2)".
    fn full(&self, id: ResourceId) -> String {
        let resource = self.model.resources.get(&id);
        match resource.and_then(|resource| resource.length.zip(resource.capacity)) {
            Some((length, capacity)) => format!(", which is full ({length} of {capacity})"),
            None => ", which is full".to_owned(),
        }
    }

    fn advice(&self) -> &'static str {
        match &self.finding.kind {
            ProblemKind::Futurelock => {
                return "Poll it to its end or drop it before waiting for something else: move it into the `select!`, or spawn it. Do not `.await` in a branch while a `&mut` future of the same `select!` is alive.";
            }
            ProblemKind::ReadBehindWriter => {
                return "Do not read a lock again while a guard of it is alive: hand on the guard, or what is read. Or drop the guard before waiting.";
            }
            ProblemKind::ForgottenParty if self.finding.tier == Tier::Suspected => {
                return "Look for `mem::forget`, `leak` or a reference cycle around the guard. Drop each guard in the task that took it, before it ends.";
            }
            ProblemKind::ForgottenParty => {
                return "Drop the sender that the receiving task keeps, before it receives. Then the receive ends when all the others are dropped.";
            }
            ProblemKind::LostWakeup => {
                return "Look for the future that it waits for: it returned `Pending` and dropped the waker that it was polled with. Keep the waker of the last poll, and wake it when there is something new, also when the other side is dropped.";
            }
            _ => {}
        }
        let kinds = self.finding.resources.iter().filter_map(|id| self.model.resources.get(id)).map(|it| &it.kind);
        let kinds: BTreeSet<&ResourceKind> = kinds.collect();
        let has = |kind: ResourceKind| kinds.contains(&kind);
        let sends = self
            .edges()
            .any(|edge| matches!(&edge.body, EdgeBody::Wait { operation: Operation::Send | Operation::Reserve, .. }));
        let alone = self.finding.tasks.len() == 1;
        use ResourceKind::{Broadcast, Channel, Join, Mutex, OnceCell, Oneshot, Rwlock, Semaphore, Watch};
        let locks = [Mutex, Rwlock, Semaphore, OnceCell].into_iter().any(has);
        let channels = [Channel, Oneshot, Watch, Broadcast].into_iter().any(has);
        match (locks, channels, has(Join)) {
            (true, false, false) if !has(Mutex) && !has(Rwlock) && has(Semaphore) => {
                "Acquire all the permits that a task needs at once. Or release the first ones before waiting for more."
            }
            (true, false, false) if alone => {
                "Drop the guard before locking again, or hand it on to the code that needs it."
            }
            (true, false, false) => {
                "Lock them in the same order everywhere. Or drop the first guard before waiting for the next."
            }
            (true, true, _) => {
                "Drop the guard before waiting on a channel: the task at the other end needs the lock to get there."
            }
            (true, false, true) => {
                "Drop the guard before waiting for the end of a task: that task needs the lock to get there."
            }
            (false, true, _) if sends && alone => {
                "Send from another task than the one that receives. Or use `try_send` and decide what to do when the channel is full."
            }
            (false, true, _) if sends => {
                "Do not wait to send in a task that others need to receive. Send from a task of its own, or use `try_send` and decide what to do when the channel is full."
            }
            (false, true, _) => {
                "Let one of them send before it receives. Or drop a sender that is no longer used, so that the receive ends."
            }
            _ => "Let the end of a task be awaited only by tasks that it does not wait for itself.",
        }
    }
}

fn is_wait(edge: &Edge) -> bool {
    matches!(edge.body, EdgeBody::Wait { .. })
}

/// Whether it is a wait that its task does not poll any more.
fn is_unpolled(edge: &Edge) -> bool {
    matches!(edge.body, EdgeBody::Wait { .. }) && edge.waiter().polled == Some(false)
}

fn doing(operation: &Operation) -> &str {
    match operation {
        Operation::Reserve => "reserve places in",
        Operation::Send => "send to",
        Operation::Recv => "receive from",
        Operation::Init => "see the value of",
        Operation::Closed => "see the end of",
        other => other.as_str(),
    }
}

/// "1 permit", "3 permits".
fn permits(count: u64) -> String {
    if count == 1 { "1 permit".to_owned() } else { format!("{count} permits") }
}

/// "a does", "a and b do".
fn does(labels: &[String]) -> String {
    format!("{} {}", and(labels.to_vec()), if labels.len() == 1 { "does" } else { "do" })
}

/// " (src/x.rs:15)", or nothing.
fn at(edge: &Edge) -> String {
    edge.location.as_ref().map_or_else(String::new, |it| format!(" ({}:{})", it.place.file, it.place.line))
}

fn and(words: Vec<String>) -> String {
    list(words, "and")
}

fn or(words: Vec<String>) -> String {
    list(words, "or")
}

/// "a, b and c".
fn list(mut words: Vec<String>, last: &str) -> String {
    let Some(end) = words.pop() else { return String::new() };
    if words.is_empty() { end } else { format!("{} {last} {end}", words.join(", ")) }
}
