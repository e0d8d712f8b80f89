use super::knot::sends;
use crate::health::words;
use crate::operation;
use crate::resource_kind::{self, Definition, End, FreedBy, UnitKind};
use crate::{Edge, EdgeBody, Finding, Lines, Model};
use insight_protocol::*;
use std::collections::BTreeSet;

/// Maximum number of sentences. More are too long to read.
const MOST_STEPS: usize = 50;

/// Maximum number of tasks, of resources and of holds that a sentence names.
const MOST_NAMES: usize = 8;

/// A finding and the model to look its parts up in.
pub(crate) struct Story<'a> {
    pub(super) model: &'a Model,
    pub(super) finding: &'a Finding,
}

impl<'a> Story<'a> {
    pub(super) fn edges(&self) -> impl Iterator<Item = &'a Edge> {
        self.finding.edges.iter().filter_map(|id| self.model.edges.get(id))
    }

    /// The edges of the finding among these edges.
    fn own(&self, edges: impl Iterator<Item = &'a Edge>) -> impl Iterator<Item = &'a Edge> {
        edges.filter(|edge| self.finding.edges.binary_search(&edge.id).is_ok())
    }

    /// The waits of the task that it polls.
    fn waits(&self, task: TaskId) -> impl Iterator<Item = &'a Edge> {
        self.own(self.model.waits_of_task(task).into_iter()).filter(|edge| !is_unpolled(edge))
    }

    /// The first wait of the finding that is ahead of this one, if the resource serves its waits in order.
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

    /// The holds and parties of the wait's resource that could unblock it, and the waits for that resource that are not
    /// polled.
    fn freers(&self, wait: &'a Edge) -> impl Iterator<Item = &'a Edge> {
        let receives = matches!(&wait.body, EdgeBody::Wait { operation: Operation::Recv | Operation::Changed, .. });
        self.own(self.model.edges_of_resource(wait.resource)).filter(move |edge| match &edge.body {
            EdgeBody::Wait { .. } => !receives && is_unpolled(edge),
            EdgeBody::Hold { .. } => !receives,
            EdgeBody::Party { role, .. } => (*role == PartyRole::Sender) == receives,
        })
    }

    /// The order of the tasks in the explanation: after each task, if possible, a task that it waits for.
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

    pub(super) fn explanation(&self, sentence: fn(&Story, TaskId) -> String) -> Vec<String> {
        let order = self.order();
        let mut steps: Vec<String> = order.iter().map(|&task| sentence(self, task)).collect();
        let more = self.finding.tasks.len() - order.len();
        if more > 0 {
            let wait = if more == 1 { "waits for the others" } else { "wait for each other" };
            steps.push(format!("{} {wait} in this way.", words::count(more, "more task")));
        }
        steps
    }

    /// The label of the first task.
    pub(super) fn first(&self) -> String {
        self.finding.tasks.first().map_or_else(String::new, |&task| self.model.task_label(task))
    }

    /// The labels of all resources: "mutex `a` and mutex `b`".
    pub(super) fn labels_of_all(&self) -> String {
        let resources = &self.finding.resources;
        let mut labels: Vec<String> =
            resources.iter().take(MOST_NAMES).map(|&id| self.model.resource_label(id)).collect();
        if resources.len() > MOST_NAMES {
            labels.push(format!("{} more", resources.len() - MOST_NAMES));
        }
        and(labels)
    }

    pub(super) fn operations(&self) -> impl Iterator<Item = &'a Operation> {
        self.edges().filter_map(|edge| match &edge.body {
            EdgeBody::Wait { operation, .. } => Some(operation),
            _ => None,
        })
    }

    /// Whether a task waits for room in a channel.
    pub(super) fn sends(&self) -> bool {
        self.operations().any(sends)
    }

    /// Whether one of its resources is of such a kind.
    pub(super) fn has(&self, is: impl Fn(&Definition) -> bool) -> bool {
        self.finding.resources.iter().filter_map(|id| self.model.resources.get(id)).any(|it| is(it.definition()))
    }

    pub(super) fn has_locks(&self) -> bool {
        self.has(Definition::is_held)
    }

    pub(super) fn has_channels(&self) -> bool {
        self.has(Definition::is_channel)
    }

    /// "2 mutexes and 1 channel".
    pub(super) fn kinds(&self) -> String {
        let mut counts: Vec<(&ResourceKind, usize)> = Vec::new();
        for resource in self.finding.resources.iter().filter_map(|id| self.model.resources.get(id)) {
            match counts.iter_mut().find(|(kind, _)| *kind == &resource.kind) {
                Some((_, count)) => *count += 1,
                None => counts.push((&resource.kind, 1)),
            }
        }
        let words = counts.into_iter().map(|(kind, count)| match count {
            1 => format!("1 {kind}"),
            _ => format!("{count} {kind}{}", resource_kind::of(kind).plural),
        });
        and(words.collect())
    }

    /// The things that the task has and others want, and its waits.
    fn sentence(&self, task: TaskId) -> String {
        let units = |edge: &Edge| self.model.resources.get(&edge.resource).map(|resource| resource.definition().units);
        let held = self.own(self.model.edges_of_task(task)).filter_map(|edge| match &edge.body {
            EdgeBody::Wait { operation, .. } if is_unpolled(edge) => {
                let wait = if edge.waiter().granted_ns.is_some() { "a granted wait" } else { "a wait" };
                let (verb, of) = (operation::of(operation).verb, self.model.resource_label(edge.resource));
                Some(format!("has {wait} to {verb} {of}{} that it no longer polls,", self.wait_at(edge)))
            }
            EdgeBody::Hold { units: count, .. } if units(edge) == Some(UnitKind::Permits) => Some(format!(
                "holds {} of {}{}",
                permits(*count),
                self.model.resource_label(edge.resource),
                words::at(&edge.location)
            )),
            EdgeBody::Hold { mode: HoldMode::Permit, .. } => Some(format!(
                "has a place in {} reserved{}",
                self.model.resource_label(edge.resource),
                words::at(&edge.location)
            )),
            EdgeBody::Hold { .. } => {
                Some(format!("holds {}{}", self.model.resource_label(edge.resource), words::at(&edge.location)))
            }
            _ => None,
        });
        let mut clauses: Vec<String> = held.collect();
        let more = clauses.len().saturating_sub(MOST_NAMES);
        if more > 0 {
            clauses.truncate(MOST_NAMES);
            clauses.push(format!("holds {}", words::count(more, "more resource")));
        }
        let waits: Vec<&Edge> = self.waits(task).collect();
        let lead = self.lead(&waits);
        let waits: Vec<String> =
            waits.into_iter().map(|wait| format!("waits {}", self.wait(wait, lead.is_some()))).collect();
        if !waits.is_empty() {
            clauses.push(waits.join(", and at the same time "));
        } else if self.model.tasks.get(&task).is_none_or(|task| task.outcome().is_some()) {
            clauses.insert(0, "has ended".to_owned());
        }
        let label = self.model.task_label(task);
        let any = if waits.len() > 1 { " The end of any one of these waits would unblock it." } else { "" };
        format!("{label}{} {}.{any}", lead.unwrap_or_default(), clauses.join(" and "))
    }

    /// ", in `shop::pay` at src/main.rs:9,": the program's own line, before all lines of the library in which the task waits. `None` if
    /// it waits for several things, or not in a library.
    fn lead(&self, waits: &[&Edge]) -> Option<String> {
        let [wait] = waits else { return None };
        let lines = self.model.lines_of_wait(wait);
        let first = lines.first.filter(|_| lines.library.is_some())?;
        let name = self.model.tasks.get(&wait.task).and_then(|task| self.model.task_name(task)).map(|name| name.name);
        let function = lines.function.filter(|function| name.is_none_or(|name| !name.contains(function)));
        let within = function.map_or(String::new(), |function| format!(" in `{function}`"));
        Some(format!(",{within} at {},", first.line()))
    }

    /// "to lock mutex `ledger` (src/x.rs:15), which task 4 (handler_b) holds".
    ///
    /// If the sentence has the program's own line before (`led`), the wait has only the library's function.
    fn wait(&self, wait: &Edge, led: bool) -> String {
        let resource = self.model.resource_label(wait.resource);
        let lines = self.model.lines_of_wait(wait);
        let at = match (led, Lines { first: None, function: None, ..lines }.words(None)) {
            (false, _) => self.wait_at(wait),
            (true, inside) if inside.is_empty() => inside,
            (true, inside) => format!(" ({inside})"),
        };
        let EdgeBody::Wait { operation, .. } = &wait.body else { return resource };
        let (unpolled, freers): (Vec<&Edge>, Vec<&Edge>) = self.freers(wait).partition(|freer| is_wait(freer));
        let (holders, parties): (Vec<&Edge>, Vec<&Edge>) =
            freers.into_iter().partition(|freer| matches!(freer.body, EdgeBody::Hold { .. }));
        // The tasks that are ahead come first. They keep all others waiting.
        let behind = match (unpolled.first(), self.ahead(wait)) {
            (Some(first), _) if first.task == wait.task => {
                Some("behind its own operation, which it does not poll".to_owned())
            }
            (Some(_), _) => Some(behind_unpolled(&self.labels(&unpolled))),
            (None, Some(ahead)) => Some(format!("behind {}, which waits {}", self.model.task_label(ahead.task), {
                let EdgeBody::Wait { operation, .. } = &ahead.body else { return resource };
                format!("to {}", operation::of(operation).verb)
            })),
            (None, None) => None,
        };
        let own = holders.iter().all(|holder| holder.task == wait.task);
        let holders = self.labels(&holders);
        let parties = self.labels(&parties);
        // A suspected problem has other ways out, or may have.
        let only = if self.finding.tier == Tier::Proven { "only " } else { "" };
        let verb = |list: &[String], one: &str, many: &str| (if list.len() == 1 { one } else { many }).to_owned();
        let freed = match self.model.resources.get(&wait.resource) {
            Some(resource) => resource.definition().freed(operation).by,
            None => FreedBy::Anybody,
        };
        let mut words = match freed {
            FreedBy::Holder => {
                let need = match (&wait.body, operation) {
                    (EdgeBody::Wait { need, .. }, Operation::Acquire) => format!("{} of ", permits(*need)),
                    _ => String::new(),
                };
                let lock = format!("to {} {need}{resource}{at}", operation::of(operation).verb);
                if let Some(behind) = behind {
                    return format!("{lock}, {behind}");
                }
                let holds = verb(&holders, "holds", "hold");
                return match own {
                    true => format!("{lock}, which it holds itself"),
                    false => format!("{lock}, which {} {holds}", and(holders)),
                };
            }
            FreedBy::Party(End::Joined) | FreedBy::All(End::Joined) => {
                let any = if parties.len() == 1 { "" } else { "any of " };
                return format!("for the end of {any}{}{at}", or(parties));
            }
            FreedBy::Party(End::Sender) | FreedBy::All(End::Sender) if *operation == Operation::Changed => {
                let send = verb(&parties, "sets", "set");
                return format!("until {resource} changes{at}; {only}{} {send} it", and(parties));
            }
            FreedBy::Party(End::Sender) | FreedBy::All(End::Sender) => {
                let send = verb(&parties, "sends", "send");
                return format!("to receive from {resource}{at}, which is empty; {only}{} {send} to it", and(parties));
            }
            FreedBy::Party(End::Receiver) | FreedBy::All(End::Receiver) if *operation == Operation::Closed => {
                // One receiver is enough to keep it open.
                let own = !parties.is_empty() && parties == [self.model.task_label(wait.task)];
                let have = verb(&parties, "has", "have");
                let receivers = match (parties.is_empty(), own) {
                    (true, _) => String::new(),
                    (false, true) => "; it has a receiver itself".to_owned(),
                    (false, false) => format!("; {} {have} a receiver", and(parties)),
                };
                let behind = behind.map_or(String::new(), |behind| format!(", {behind}"));
                return format!("until {resource} is closed{at}{behind}{receivers}");
            }
            FreedBy::Room | FreedBy::Party(End::Receiver) | FreedBy::All(End::Receiver) => {
                format!("to {} {resource}{at}{}", operation::of(operation).verb, self.full(wait.resource))
            }
            // Such a wait is in no finding, since no task can be named.
            FreedBy::Missing | FreedBy::Anybody => return words::wait(self.model, wait),
        };
        if let Some(behind) = behind {
            words += &format!(", {behind}");
        }
        if !parties.is_empty() {
            let receive = verb(&parties, "receives", "receive");
            words += &format!("; {only}{} {receive} from it", and(parties));
        }
        if !holders.is_empty() {
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
            labels.push(words::count(tasks.len() - MOST_NAMES, "more task"));
        }
        labels
    }

    /// The lines of a wait, the program's own line first.
    fn wait_at(&self, wait: &Edge) -> String {
        words::wait_at(self.model, wait)
    }

    /// ", which is full (2 of 2)".
    fn full(&self, id: ResourceId) -> String {
        let resource = self.model.resources.get(&id);
        match resource.and_then(|resource| resource.length.zip(resource.capacity)) {
            Some((length, capacity)) => format!(", which is full ({length} of {capacity})"),
            None => ", which is full".to_owned(),
        }
    }
}

/// The sentence about one task of a chain: its holds, and its wait.
pub(super) fn sentence(story: &Story, task: TaskId) -> String {
    story.sentence(task)
}

pub(super) fn is_wait(edge: &Edge) -> bool {
    matches!(edge.body, EdgeBody::Wait { .. })
}

/// Whether it is a wait that its task no longer polls.
pub(super) fn is_unpolled(edge: &Edge) -> bool {
    matches!(edge.body, EdgeBody::Wait { .. }) && edge.waiter().polled == Some(false)
}

/// "1 permit", "3 permits".
fn permits(count: u64) -> String {
    if count == 1 { "1 permit".to_owned() } else { format!("{count} permits") }
}

/// "behind an operation that a does not poll", "behind operations that a and b do not poll".
fn behind_unpolled(labels: &[String]) -> String {
    let (operations, do_not) = if labels.len() == 1 { ("an operation", "does not") } else { ("operations", "do not") };
    format!("behind {operations} that {} {do_not} poll", and(labels.to_vec()))
}

pub(super) fn and(words: Vec<String>) -> String {
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
