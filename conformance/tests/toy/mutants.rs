//! Adapters with one mistake each: the case that each fails, and the rule that the failure names.

use crate::pool::{Habit, Mistake, Pool};
use insight_conformance::adapter::{CaseResult, Filter, Suite};
use insight_probe::{HoldMode, Operation, Outcome, PartyRole, ResourceKind, TaskKind};
use insight_protocol::{EdgeId, Message, TaskId, TaskState};
use std::collections::BTreeSet;
use std::time::Duration;

/// A mistake of an adapter.
struct Mutant {
    name: &'static str,
    wrong: Wrong,
    case: &'static str,
    rule: &'static str,
}

enum Wrong {
    /// Its stream is wrong.
    Stream(Filter),
    /// It does something else.
    Adapter(Mistake),
}

/// Makes a filter that changes messages of one type.
macro_rules! changing {
    ($kind:ident, |$message:ident| $change:expr) => {
        Wrong::Stream(|message, _| match message {
            Message::$kind(mut $message) => {
                $change;
                vec![Message::$kind($message)]
            }
            other => vec![other],
        })
    };
}

/// Makes a filter that leaves out messages.
macro_rules! without {
    ($pattern:pat $(if $condition:expr)?) => {
        Wrong::Stream(|message, _| match message {
            $pattern $(if $condition)? => Vec::new(),
            other => vec![other],
        })
    };
}

/// Makes a filter that leaves out the opening of edges, and all that follows of them.
macro_rules! without_edges {
    ($pattern:pat $(if $condition:expr)? => $id:expr) => {
        Wrong::Stream(|message, kept| match message {
            $pattern $(if $condition)? => {
                kept.insert($id.0);
                Vec::new()
            }
            other => without_kept(other, kept),
        })
    };
}

fn without_kept(message: Message, kept: &BTreeSet<u64>) -> Vec<Message> {
    let left_out = |id: EdgeId| kept.contains(&id.0);
    match message {
        Message::EdgeUpdated(updated) if left_out(updated.id) => Vec::new(),
        Message::EdgeClosed(closed) if left_out(closed.id) => Vec::new(),
        other => vec![other],
    }
}

/// Leaves out the ends of the edges that `opens` finds.
fn without_ends(message: Message, kept: &mut BTreeSet<u64>, opens: fn(&Message) -> Option<EdgeId>) -> Vec<Message> {
    kept.extend(opens(&message).map(|id| id.0));
    match message {
        Message::EdgeClosed(closed) if kept.contains(&closed.id.0) => Vec::new(),
        other => vec![other],
    }
}

/// Sends each spawn of a task twice, under two ids.
fn spawned_twice(message: Message, _: &mut BTreeSet<u64>) -> Vec<Message> {
    match message {
        Message::TaskSpawned(spawned) if spawned.kind == TaskKind::Task => {
            let mut twin = spawned.clone();
            twin.id = TaskId(spawned.id.0 + (1 << 40));
            vec![Message::TaskSpawned(spawned), Message::TaskSpawned(twin)]
        }
        other => vec![other],
    }
}

/// Names the task that was spawned before as the parent.
fn sibling_is_parent(message: Message, kept: &mut BTreeSet<u64>) -> Vec<Message> {
    match message {
        Message::TaskSpawned(mut spawned) => {
            spawned.parent = kept.last().map(|id| TaskId(*id));
            kept.insert(spawned.id.0);
            vec![Message::TaskSpawned(spawned)]
        }
        other => vec![other],
    }
}

#[rustfmt::skip]
static MUTANTS: &[Mutant] = &[
    // Tasks: spawns.
    mutant("spawn is forgotten", without!(Message::TaskSpawned(spawned) if spawned.kind == TaskKind::Task),
        "task.spawned", "exact.sent"),
    mutant("spawn has two ids", Wrong::Stream(spawned_twice), "task.spawned", "task.spawned.once"),
    mutant("spawn is observed twice", Wrong::Adapter(Mistake::SpawnIsReportedTwice), "task.spawned", "task.spawned.once"),
    mutant("root is forgotten", Wrong::Adapter(Mistake::RootIsForgotten), "task.spawned", "adapter.block-on"),
    mutant("each task is local", changing!(TaskSpawned, |m| if m.kind == TaskKind::Task {
        m.kind = TaskKind::Local;
    }), "task.spawned", "fields.meaning"),
    mutant("sibling is the parent", Wrong::Stream(sibling_is_parent), "task.spawned", "fields.meaning"),
    mutant("name is the executor", changing!(TaskSpawned, |m| m.executor = m.name), "task.spawned", "fields.meaning"),
    mutant("each task is partial", changing!(TaskSpawned, |m| m.partial = true), "task.spawned", "fields.meaning"),
    mutant("no name", changing!(TaskSpawned, |m| m.name = None), "task.spawned", "adapter.name"),
    mutant("no location", changing!(TaskSpawned, |m| m.location = None), "task.spawned", "adapter.location"),
    mutant("location is the adapter's", Wrong::Adapter(Mistake::PlaceIsTheAdapters), "task.spawned", "adapter.location"),
    // Tasks: ends.
    mutant("end is forgotten", without!(Message::TaskCompleted(_)), "task.ends", "task.completed.sent"),
    mutant("end is sent twice", Wrong::Stream(|message, _| match &message {
        Message::TaskCompleted(_) => vec![message.clone(), message],
        _ => vec![message],
    }), "task.ends", "task.completed.once"),
    mutant("cancelled is returned", changing!(TaskCompleted, |m| if m.outcome == Outcome::Cancelled {
        m.outcome = Outcome::Returned;
    }), "task.ends", "fields.meaning"),
    mutant("panicked is cancelled", changing!(TaskCompleted, |m| if m.outcome == Outcome::Panicked {
        m.outcome = Outcome::Cancelled;
    }), "task.ends", "fields.meaning"),
    mutant("cancel detaches", Wrong::Adapter(Mistake::CancelDetaches), "task.ends", "adapter.runs"),
    mutant("outcome of a handle is wrong", Wrong::Adapter(Mistake::OutcomeIsAlwaysReturned), "task.ends", "adapter.outcome"),
    mutant("block_on hangs", Wrong::Adapter(Mistake::BlockOnNeverReturns), "task.ends", "adapter.runs"),
    // Tasks: states and counters.
    mutant("never idle", changing!(TaskStats, |m| if m.state == Some(TaskState::Idle) {
        m.state = Some(TaskState::Scheduled);
    }), "task.states", "task.state.idle"),
    mutant("never running", changing!(TaskStats, |m| if m.state == Some(TaskState::Running) {
        m.state = Some(TaskState::Idle);
    }), "task.states", "task.state.running"),
    mutant("polls are not counted", changing!(TaskStats, |m| m.polls = 0), "task.states", "task.stats.sent"),
    mutant("running time is not counted", changing!(TaskStats, |m| m.running_ns = 0), "task.states", "fields.meaning"),
    mutant("idle time is not counted", changing!(TaskStats, |m| m.idle_ns = 0), "task.states", "fields.meaning"),
    mutant("wakes are not counted", changing!(TaskStats, |m| m.wakes = 0), "task.wakes", "task.stats.sent"),
    mutant("waking task is wrong", changing!(TaskStats, |m| m.woken_by = Some(m.id)), "task.wakes", "fields.meaning"),
    mutant("each wake is its own", changing!(TaskStats, |m| m.self_wakes = m.wakes), "task.wakes", "fields.meaning"),
    mutant("waker is not counted", changing!(TaskStats, |m| m.foreign_wakers = 0), "task.foreign-wakers", "fields.meaning"),
    mutant("waker is lost", changing!(TaskStats, |m| m.lost_waker = true), "task.foreign-wakers", "task.lost-waker.true"),
    // Joins.
    mutant("join is forgotten", without_edges!(Message::EdgeWait(wait) if wait.operation == Operation::Join => wait.id),
        "task.joined", "sampled.open-sent"),
    mutant("join without a party", without_edges!(Message::EdgeParty(party) if party.role == PartyRole::Joined => party.id),
        "task.joined", "exact.sent"),
    mutant("join is a receive", changing!(EdgeWait, |m| if m.operation == Operation::Join {
        m.operation = Operation::Recv;
    }), "task.joined", "fields.meaning"),
    // Locks.
    mutant("hold is forgotten", without_edges!(Message::EdgeHold(hold) => hold.id), "lock.mutex.held", "sampled.open-sent"),
    mutant("hold is shared", changing!(EdgeHold, |m| m.mode = HoldMode::Shared), "lock.mutex.held", "fields.meaning"),
    mutant("hold is never released", Wrong::Stream(|message, kept| without_ends(message, kept, |message| match message {
        Message::EdgeHold(hold) => Some(hold.id),
        _ => None,
    })), "lock.mutex.released", "edge.hold.before-release"),
    mutant("hold is released late", Wrong::Adapter(Mistake::ReleasesLate), "lock.mutex.released", "edge.hold.before-release"),
    mutant("wait is forgotten", without_edges!(Message::EdgeWait(wait) => wait.id), "lock.mutex.abba", "sampled.open-sent"),
    mutant("wait is never closed", Wrong::Stream(|message, kept| without_ends(message, kept, |message| match message {
        Message::EdgeWait(wait) => Some(wait.id),
        _ => None,
    })), "lock.mutex.held", "edge.wait.ends"),
    mutant("wait has no location", changing!(EdgeWait, |m| m.location = None), "lock.mutex.held", "adapter.location"),
    mutant("mutex is an rwlock", changing!(ResourceCreated, |m| if m.kind == ResourceKind::Mutex {
        m.kind = ResourceKind::Rwlock;
    }), "lock.mutex.held", "fields.meaning"),
    mutant("resource is never dropped", without!(Message::ResourceDropped(_)), "lock.mutex.held", "resource.dropped.sent"),
    // Channels.
    mutant("parties are forgotten", without_edges!(Message::EdgeParty(party) => party.id), "channel.full", "exact.sent"),
    mutant("receiver is a sender", changing!(EdgeParty, |m| if m.role == PartyRole::Receiver {
        m.role = PartyRole::Sender;
    }), "channel.full", "exact.sent"),
    mutant("capacity is wrong", changing!(ResourceCreated, |m| m.capacity = m.capacity.map(|it| it + 5)),
        "channel.full", "fields.meaning"),
    mutant("receive is a send", changing!(EdgeWait, |m| if m.operation == Operation::Recv {
        m.operation = Operation::Send;
    }), "channel.empty", "fields.meaning"),
    // Timers.
    mutant("timer is io", changing!(ResourceCreated, |m| if m.kind == ResourceKind::Timer {
        m.kind = ResourceKind::Io;
    }), "timer.sleeps", "fields.meaning"),
    // The descriptor.
    mutant("capability is not listed", Wrong::Adapter(Mistake::CapabilityIsNotListed), "descriptor.true", "adapter.resources"),
    mutant("resource is not shown", Wrong::Adapter(Mistake::ResourceIsNotShown), "descriptor.true", "adapter.resources"),
    mutant("case of a resource that is not shown", Wrong::Adapter(Mistake::ResourceIsNotShown),
        "lock.mutex.held", "adapter.resources"),
    mutant("version is wrong", Wrong::Adapter(Mistake::DescriptorHasAnotherVersion), "descriptor.true", "fields.meaning"),
];

const fn mutant(name: &'static str, wrong: Wrong, case: &'static str, rule: &'static str) -> Mutant {
    Mutant { name, wrong, case, rule }
}

/// Runs the case on an adapter with the mistake. A missing fact takes the whole time, so that is short.
fn run(wrong: &Wrong, case: &str) -> CaseResult {
    let mistake = if let Wrong::Adapter(mistake) = wrong { *mistake } else { Mistake::None };
    let make = move || Pool::new(Habit::Plain, mistake);
    let mut suite = Suite::new(make).within(Duration::from_millis(300)).hung_after(Duration::from_secs(1));
    if let Wrong::Stream(filter) = wrong {
        suite = suite.filter(*filter);
    }
    suite.run_case(case).expect("a case of the suite")
}

#[test]
fn mutant_fails_its_case_by_its_rule() {
    let mut survivors = Vec::new();
    for Mutant { name, wrong, case, rule } in MUTANTS {
        let result = run(wrong, case);
        let named: Vec<&str> = result.outcome.findings().iter().map(|finding| finding.rule.id).collect();
        if !named.contains(rule) {
            survivors.push(format!("{name}: {case} does not name {rule}, but {named:?}"));
        }
    }
    assert!(survivors.is_empty(), "{}", survivors.join("\n"));
}

#[test]
fn each_case_of_the_pool_fails_for_a_mutant() {
    let failed: BTreeSet<&str> = MUTANTS.iter().map(|mutant| mutant.case).collect();
    let suite = Suite::new(|| Pool::new(Habit::Plain, Mistake::None));
    let ran = suite.run().results.into_iter().filter(|result| result.outcome.as_str() == "passed");
    let never: Vec<&str> = ran.map(|result| result.case.id).filter(|id| !failed.contains(id)).collect();
    assert!(never.is_empty(), "no mutant fails {never:?}");
}
