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
            docs: "/docs/deadlock".to_owned(),
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

    fn waits(&self, task: TaskId) -> impl Iterator<Item = &'a Edge> {
        self.own(self.model.waits_of_task(task).into_iter())
    }

    /// The holds and parties on what `wait` waits on that could satisfy it.
    fn freers(&self, wait: &'a Edge) -> impl Iterator<Item = &'a Edge> {
        let receives = matches!(&wait.body, EdgeBody::Wait { operation: Operation::Recv, .. });
        self.own(self.model.edges_of_resource(wait.resource)).filter(move |edge| match &edge.body {
            EdgeBody::Wait { .. } => false,
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
            let freers = self.waits(task).flat_map(|wait| self.freers(wait));
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
        let mut title = match &tasks[..] {
            [task] => {
                let labels = resources.iter().map(|&id| self.model.resource_label(id)).collect();
                format!("deadlock cycle: {} waits for itself through {}", self.model.task_label(*task), and(labels))
            }
            _ => format!("deadlock cycle: {} tasks wait for each other over {}", tasks.len(), and(self.kinds())),
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
            (ResourceKind::Mutex, _) => format!("{count} mutexes"),
            _ => format!("{count} {kind}s"),
        });
        words.collect()
    }

    /// What the task has that others want, and what it waits for.
    fn sentence(&self, task: TaskId) -> String {
        let held = self.own(self.model.edges_of_task(task)).filter_map(|edge| match &edge.body {
            EdgeBody::Hold { mode: HoldMode::Permit, .. } => {
                Some(format!("has a place in {} reserved{}", self.model.resource_label(edge.resource), at(edge)))
            }
            EdgeBody::Hold { .. } => Some(format!("holds {}{}", self.model.resource_label(edge.resource), at(edge))),
            _ => None,
        });
        let mut clauses: Vec<String> = held.collect();
        let waits: Vec<String> = self.waits(task).map(|wait| format!("waits {}", self.wait(wait))).collect();
        clauses.push(waits.join(", and at the same time "));
        let label = self.model.task_label(task);
        let any = if waits.len() > 1 { " Any one of these would let it go on." } else { "" };
        format!("{label} {}.{any}", clauses.join(" and "))
    }

    /// "to lock mutex `ledger` (src/x.rs:15), which task 4 (handler_b) holds".
    fn wait(&self, wait: &Edge) -> String {
        let resource = self.model.resource_label(wait.resource);
        let at = at(wait);
        let EdgeBody::Wait { operation, .. } = &wait.body else { return resource };
        let (holders, parties): (Vec<&Edge>, Vec<&Edge>) =
            self.freers(wait).partition(|freer| matches!(freer.body, EdgeBody::Hold { .. }));
        let own = holders.iter().all(|holder| holder.task == wait.task);
        let holders = self.labels(&holders);
        let parties = self.labels(&parties);
        // What is suspected has others, or may have.
        let only = if self.finding.tier == Tier::Proven { "only " } else { "" };
        let verb = |list: &[String], one: &str, many: &str| (if list.len() == 1 { one } else { many }).to_owned();
        let mut words = match operation {
            Operation::Lock => {
                let holds = verb(&holders, "holds", "hold");
                return match own {
                    true => format!("to lock {resource}{at}, which it holds itself"),
                    false => format!("to lock {resource}{at}, which {} {holds}", and(holders)),
                };
            }
            Operation::Join => {
                let any = if parties.len() == 1 { "" } else { "any of " };
                return format!("for the end of {any}{}{at}", or(parties));
            }
            Operation::Recv => {
                let send = verb(&parties, "sends", "send");
                return format!("to receive from {resource}{at}, which is empty; {only}{} {send} to it", and(parties));
            }
            Operation::Closed => format!("until {resource} is closed{at}"),
            Operation::Reserve => format!("to reserve places in {resource}{at}{}", self.full(wait.resource)),
            _ => format!("to send to {resource}{at}{}", self.full(wait.resource)),
        };
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
        let kinds = self.finding.resources.iter().filter_map(|id| self.model.resources.get(id)).map(|it| &it.kind);
        let kinds: BTreeSet<&ResourceKind> = kinds.collect();
        let has = |kind: ResourceKind| kinds.contains(&kind);
        let sends = self
            .edges()
            .any(|edge| matches!(&edge.body, EdgeBody::Wait { operation: Operation::Send | Operation::Reserve, .. }));
        let alone = self.finding.tasks.len() == 1;
        match (has(ResourceKind::Mutex), has(ResourceKind::Channel), has(ResourceKind::Join)) {
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
