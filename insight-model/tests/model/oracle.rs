//! Random programs: the diagnosis must agree with a simple implementation of its rules.

use crate::scenario::{SETTLE_NS, scenario};
use insight_model::{EdgeBody, Model, diagnose};
use insight_protocol::*;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// Knuth's linear congruential generator. We use the upper bits, which are the good ones.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

fn random_facts(random: &mut Random) -> String {
    let mut facts = String::new();
    let tasks = 1 + random.below(6);
    let resources = 1 + random.below(5);
    for task in 0..tasks {
        let state = match random.below(40) {
            0 => "running",
            1 => "timer",
            2 => "partial",
            3 => "ended",
            4 => "unobserved",
            5 => "@9900",
            _ => "",
        };
        writeln!(facts, "task t{task} {state}").unwrap();
    }
    for resource in 0..resources {
        let kind = random.below(10);
        let young = |random: &mut Random| if random.one_in(15) { "@9900" } else { "" };
        match kind {
            0..4 => writeln!(facts, "mutex r{resource}").unwrap(),
            4..6 => writeln!(facts, "join r{resource}").unwrap(),
            6..9 => {
                let (senders, receivers, weak) = (random.below(3), random.below(3), random.below(8) / 7);
                let length = 2 - random.below(6) / 5;
                writeln!(facts, "channel r{resource} {length}/2 senders={senders} receivers={receivers} weak={weak}")
                    .unwrap();
            }
            _ => writeln!(facts, "resource r{resource} semaphore").unwrap(),
        }
        for _ in 0..random.below(4) {
            let verb = match (kind, random.below(5)) {
                (4..6, _) => "joined",
                (6..9, 0 | 1) => "sender",
                (6..9, 2 | 3) => "receiver",
                (6..9, _) => "permit",
                _ => "holds",
            };
            let doubt = if random.one_in(12) { "shared transferable" } else { "" };
            let since = young(random);
            writeln!(facts, "t{} {verb} r{resource} {doubt} {since}", random.below(tasks)).unwrap();
        }
        for _ in 0..random.below(4) {
            let verb = match (kind, random.below(4)) {
                (4..6, _) => "joins",
                (6..9, 0) => "recvs",
                (6..9, 1) => "closed",
                (6..9, _) => "sends",
                _ => "locks",
            };
            let since = young(random);
            writeln!(facts, "t{} {verb} r{resource} {since}", random.below(tasks)).unwrap();
        }
    }
    for _ in 0..random.below(4) / 2 {
        let others = if random.one_in(4) { "others" } else { "" };
        writeln!(facts, "cancellers t{} t{} {others}", random.below(tasks), random.below(tasks)).unwrap();
    }
    facts
}

/// Whether a fact is too young to count.
fn young(model: &Model, since_ns: u64) -> bool {
    model.told_ns - since_ns < SETTLE_NS
}

/// The tasks that can unblock a wait; `None` if one of them is unknown, or if none is needed.
fn freers(model: &Model, wait: &insight_model::Edge) -> Option<BTreeSet<TaskId>> {
    let EdgeBody::Wait { operation, need, .. } = &wait.body else { unreachable!() };
    let resource = &model.resources[&wait.resource];
    let mut tasks = BTreeSet::new();
    let mut handles = 0;
    // A receiver that waits for `closed` waits for senders.
    let has = |of: PartyRole| {
        let mut edges = resource.edges.iter().map(|id| &model.edges[&id]).filter(|edge| edge.task == wait.task);
        edges.any(|edge| matches!(&edge.body, EdgeBody::Party { role, .. } if *role == of))
    };
    if *operation == Operation::Closed && has(PartyRole::Receiver) && !has(PartyRole::Sender) {
        return None;
    }
    for id in &resource.edges {
        let edge = &model.edges[&id];
        let frees = match (&resource.kind, operation, &edge.body) {
            (ResourceKind::Mutex, _, EdgeBody::Hold { transferable, .. }) => Some(!transferable),
            (ResourceKind::Join, _, EdgeBody::Party { .. }) => Some(true),
            (ResourceKind::Channel, Operation::Recv, EdgeBody::Party { role: PartyRole::Sender, exclusive }) => {
                handles += 1;
                Some(*exclusive)
            }
            (ResourceKind::Channel, Operation::Recv, _) => None,
            (ResourceKind::Channel, _, EdgeBody::Party { role: PartyRole::Receiver, exclusive }) => {
                handles += 1;
                Some(*exclusive)
            }
            // A reserved place cannot close the channel.
            (ResourceKind::Channel, Operation::Closed, EdgeBody::Hold { .. }) => None,
            (ResourceKind::Channel, _, EdgeBody::Hold { transferable, .. }) => Some(!transferable),
            _ => None,
        };
        let Some(certain) = frees else { continue };
        if !certain || young(model, edge.since_ns) || model.tasks[&edge.task].state() == Some(TaskState::Completed) {
            return None;
        }
        tasks.insert(edge.task);
    }
    let unknown = match (&resource.kind, operation) {
        (ResourceKind::Mutex | ResourceKind::Join, _) => false,
        (ResourceKind::Channel, Operation::Recv) => resource.senders? > handles || resource.weak_senders? > 0,
        (ResourceKind::Channel, Operation::Closed) => resource.receivers? > handles,
        (ResourceKind::Channel, _) => {
            resource.receivers? > handles || resource.length.unwrap() + need <= resource.capacity.unwrap()
        }
        _ => true,
    };
    (!unknown && !tasks.is_empty()).then_some(tasks)
}

/// The tasks that are stuck without an unknown, each with the tasks that can unblock it. A loop removes tasks that are not stuck,
/// until nothing changes.
fn stuck(model: &Model) -> BTreeMap<TaskId, BTreeSet<TaskId>> {
    let mut waits: BTreeMap<TaskId, BTreeSet<TaskId>> = BTreeMap::new();
    for task in model.tasks.values() {
        let idle = task.state() == Some(TaskState::Idle) && !young(model, task.since_ns());
        let quiet = task.stats().as_ref().is_some_and(|stats| stats.foreign_wakers == 0);
        let mut all = BTreeSet::new();
        let edges = model.waits_of_task(task.id);
        let known = edges.iter().all(|wait| match freers(model, wait) {
            Some(tasks) if !young(model, wait.since_ns) => {
                all.extend(tasks);
                true
            }
            _ => false,
        });
        if idle && quiet && known && !edges.is_empty() {
            waits.insert(task.id, all);
        }
    }
    reduce(&mut waits, |_, _| true);
    waits
}

/// The stuck tasks that no other code can unblock. r[problem.proven.certain]
fn certain(model: &Model, stuck: &BTreeMap<TaskId, BTreeSet<TaskId>>) -> BTreeMap<TaskId, BTreeSet<TaskId>> {
    let mut certain = stuck.clone();
    let kinds = [ResourceKind::Mutex, ResourceKind::Join];
    certain
        .retain(|id, _| model.waits_of_task(*id).iter().all(|it| kinds.contains(&model.resources[&it.resource].kind)));
    reduce(&mut certain, |id, stuck| {
        model.cancellers(id).is_none_or(|it| !it.others && it.tasks.iter().all(|task| stuck.contains(task)))
    });
    certain
}

fn reduce(waits: &mut BTreeMap<TaskId, BTreeSet<TaskId>>, stays: impl Fn(TaskId, &BTreeSet<TaskId>) -> bool) {
    loop {
        let stuck: BTreeSet<TaskId> = waits.keys().copied().collect();
        waits.retain(|id, freers| freers.is_subset(&stuck) && stays(*id, &stuck));
        if waits.len() == stuck.len() {
            return;
        }
    }
}

/// The knots of stuck tasks, by reachability.
fn knots(waits: &BTreeMap<TaskId, BTreeSet<TaskId>>) -> BTreeSet<Vec<TaskId>> {
    let mut knots = BTreeSet::new();
    for (&task, freers) in waits {
        let mut reached = BTreeSet::new();
        let mut next: Vec<TaskId> = freers.iter().copied().collect();
        while let Some(task) = next.pop() {
            if reached.insert(task) {
                next.extend(&waits[&task]);
            }
        }
        // A knot has no way out: each task that it reaches can also reach it.
        let mut back = reached.clone();
        back.retain(|other| {
            let mut seen = BTreeSet::new();
            let mut next: Vec<TaskId> = waits[other].iter().copied().collect();
            while let Some(task) = next.pop() {
                if seen.insert(task) {
                    next.extend(&waits[&task]);
                }
            }
            seen.contains(&task)
        });
        if back == reached && reached.contains(&task) {
            knots.insert(reached.into_iter().collect());
        }
    }
    knots
}

#[test]
fn proven_findings_are_those_of_the_simple_rules() {
    let mut random = Random(1);
    let (mut found, mut larger, mut suspected, mut unless) = (0, 0, 0, 0);
    for _ in 0..8_000 {
        let facts = random_facts(&mut random);
        let model = scenario(&facts);
        let findings = diagnose(&model, SETTLE_NS);
        let stuck = stuck(&model);
        let certain = certain(&model, &stuck);
        let proven = knots(&certain);
        let mut knots = knots(&stuck);
        knots.retain(|knot| !knot.iter().any(|task| certain.contains_key(task)));
        let (mut named, mut named_proven) = (BTreeSet::new(), BTreeSet::new());
        for finding in &findings {
            let is_proven = finding.tier == Tier::Proven;
            assert_eq!(finding.unknowns.is_empty() && finding.unless.is_empty(), is_proven, "{facts}");
            if is_proven {
                named_proven.insert(finding.tasks.clone());
                found += 1;
                larger += usize::from(finding.tasks.len() > 1);
            } else if knots.contains(&finding.tasks) {
                assert!(finding.unknowns.is_empty(), "{facts}");
                named.insert(finding.tasks.clone());
                unless += 1;
            } else {
                suspected += 1;
                assert!(stuck.keys().all(|task| !finding.tasks.contains(task)), "{facts}");
            }
        }
        assert_eq!(named_proven, proven, "{facts}");
        assert_eq!(named, knots, "{facts}");
    }
    let counts = format!("found {found}, {larger} with several tasks, {unless} with a way out, {suspected} suspected");
    assert!(found > 300 && larger > 50 && unless > 100 && suspected > 100, "{counts}");
}
