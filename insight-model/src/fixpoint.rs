//! Who can go on: a least fixpoint, kept up to date by work in what has changed.

use crate::due::Due;
use crate::journal::{Mark, Part};
use crate::resource_kind::UnitKind;
use crate::units::Units;
use crate::wants::{End, Rules, Verdict, Waits, Want, has_ended};
use crate::{Edge, EdgeBody, Model, Resource, Task, Waiter};
use insight_protocol::{EdgeId, Operation, ResourceId, TaskId, Tier};
use insight_table::IdHasher;
use std::cell::Cell;
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap, HashSet};
use std::hash::BuildHasherDefault;

/// Which tasks can go on, in each of two passes that differ in what an unknown is: see [`diagnose`](crate::diagnose).
///
/// A task goes on by itself, or by a resource that gives it what it waits for, which is noted with it. So what no longer
/// holds is taken back along what rested on it, and only there looked at again: who was given something by a task that no
/// longer goes on waits again, and with it who was given something by that one. Then all those are asked anew. What rests on
/// nothing that was taken back stands, since no task is noted as the ground of its own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fixpoint {
    settle_ns: u64,
    blind: bool,
    told_ns: u64,
    mark: Option<Mark>,
    /// The tasks that do not go on by themselves.
    waiting: IdMap<TaskId, Waiting>,
    /// When something is no longer too young to count.
    due: Due,
    /// The tasks that cannot go on: proven, and suspected, among which are the proven ones.
    stuck: [BTreeSet<TaskId>; 2],
    /// Of which nothing is left that could wake them.
    lost: BTreeSet<TaskId>,
}

/// A task that does not go on by itself.
#[derive(Clone, Debug)]
struct Waiting {
    waits: Waits,
    by: Grounds,
    /// It goes on by itself now, and went on before: what rests on it stands, and nothing is to be done until it waits
    /// again. A task in a program that works does little else.
    paused: bool,
}

/// By what a task goes on after all, in each pass.
///
/// What goes on while unknowns do not help goes on all the more when they do, and by the same: so `proven` is only of those
/// that have no other.
#[derive(Clone, Copy, Debug)]
struct Grounds {
    suspected: Option<Ground>,
    proven: Option<Ground>,
}

impl Grounds {
    fn of(&self, tier: Tier) -> Option<Ground> {
        match tier {
            Tier::Suspected => self.suspected,
            _ => self.suspected.or(self.proven),
        }
    }

    /// The ground that is of this pass alone.
    fn own(&self, tier: Tier) -> Option<Ground> {
        match tier {
            Tier::Suspected => self.suspected,
            _ => self.proven,
        }
    }

    fn set(&mut self, tier: Tier, ground: Ground) {
        match tier {
            // What the other rests on may come to rest on this task, which no longer needs it.
            Tier::Suspected => *self = Grounds { suspected: Some(ground), proven: self.unsure() },
            _ => self.proven = Some(ground),
        }
    }

    /// Takes the ground back that is of this pass alone. Says whether there was one.
    fn take(&mut self, tier: Tier) -> bool {
        match tier {
            Tier::Suspected => self.suspected.take(),
            _ => self.proven.take(),
        }
        .is_some()
    }

    fn unsure(&self) -> Option<Ground> {
        self.proven.filter(|ground| *ground == Ground::Unsure)
    }
}

/// By what a task goes on after all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ground {
    /// Something that is not known.
    Unsure,
    /// What the resource gives it; that rests on no task that may wait.
    Seed(ResourceId),
    /// The same; that rests on one that goes on, by itself or by its own ground.
    Task(ResourceId, TaskId),
    /// The same; that rests on all of them that go on.
    Units(ResourceId),
}

/// What a task is for a resource that it could free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// It goes on by itself.
    Seed,
    /// It waits, and goes on by what it waits for.
    GoesOn,
    Stuck,
    Ended,
}

/// What ends a wait for a party.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// What is not known, or has not settled.
    Seed,
    /// One that goes on.
    Task(TaskId),
    /// All of them go on.
    All,
    /// No party is known.
    Nobody,
}

/// The parties of one end of a resource.
pub(crate) struct Parties {
    /// How many are known of which the task has not ended.
    pub(crate) known: usize,
    /// How many more there are or may be.
    pub(crate) unknown: u64,
    /// `None` when all that are known are stuck.
    pub(crate) way: Option<Way>,
}

/// One look at a model.
pub(crate) struct Look<'m> {
    pub(crate) model: &'m Model,
    pub(crate) rules: Rules,
    pub(crate) tier: Tier,
    /// As if nobody went on by what it waits for.
    pub(crate) alone: bool,
    /// When the first fact that was too young will no longer be so.
    due_ns: Cell<u64>,
}

impl<'m> Look<'m> {
    fn new(model: &'m Model, rules: Rules, tier: Tier) -> Look<'m> {
        Look { model, rules, tier, alone: false, due_ns: Cell::new(u64::MAX) }
    }

    pub(crate) fn is_young(&self, since_ns: u64) -> bool {
        let until_ns = self.rules.young_until(self.model, since_ns);
        if let Some(until_ns) = until_ns {
            self.due_ns.set(self.due_ns.get().min(until_ns));
        }
        until_ns.is_some()
    }
}

/// What of a model was looked at again, and which verdicts are others now.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// All of it.
    pub(crate) all: bool,
    pub(crate) tasks: IdSet<TaskId>,
    pub(crate) resources: IdSet<ResourceId>,
}

/// What is looked at again, while it is.
struct Check {
    /// The resources of which something has changed.
    changed: IdSet<ResourceId>,
    /// The tasks whose ground was found to stand after the change.
    stands: IdSet<TaskId>,
    /// Those whose grounds stand up to the end. None of them rests on a task of which that is still to be asked: so none
    /// that is asked later rests on itself by way of them.
    founded: IdSet<TaskId>,
    /// By what a wait for these parties ends. What many wait for is asked once: a task that has come to go on meanwhile only
    /// adds a way, and one that no longer does is found by following its grounds.
    ways: HashMap<(ResourceId, Want), Option<Way>>,
}

/// The tasks that go on by what a resource gives, in one pass.
struct Rests {
    /// By all that go on.
    on_all: Vec<TaskId>,
    /// By this task.
    on: IdMap<TaskId, Vec<TaskId>>,
}

/// So far the grounds of a task are followed; more take more time than to look at it again.
const MOST_GROUNDS: usize = 1_000;

impl Fixpoint {
    pub(crate) fn new(settle_ns: u64) -> Fixpoint {
        Fixpoint { settle_ns, ..Fixpoint::default() }
    }

    /// Brings it to what the model says now.
    pub(crate) fn update(&mut self, model: &Model) -> Changes {
        let rules = Rules::new(model, self.settle_ns);
        let mut changes = Changes::default();
        let since = self.mark.and_then(|mark| model.journal.since(mark));
        match since.filter(|_| rules.blind == self.blind && model.told_ns >= self.told_ns) {
            Some(parts) => {
                parts.for_each(|part| changes.add(part));
                while let Some(part) = self.due.pop(model.told_ns) {
                    changes.add(part);
                }
            }
            None => {
                *self = Fixpoint::new(self.settle_ns);
                changes.all = true;
                changes.tasks.extend(model.tasks.values().filter(|task| !task.edges.is_empty()).map(|task| task.id));
                let lost = |task: &&Task| task.packed().is_some_and(|stats| stats.lost_waker);
                changes.tasks.extend(model.tasks.values().filter(lost).map(|task| task.id));
            }
        }
        self.blind = rules.blind;
        self.told_ns = model.told_ns;
        self.mark = Some(model.journal.mark());

        let mut touched: IdSet<TaskId> = IdSet::default();
        let mut tasks: Vec<TaskId> = changes.tasks.iter().copied().collect();
        // Neighbours in memory too: what is far apart costs more than all the rest.
        tasks.sort_unstable();
        if changes.all {
            self.waiting.reserve(tasks.len());
        }
        for id in tasks {
            self.task_changed(model, &rules, id, &mut changes, &mut touched);
        }
        if self.waiting.capacity() / 4 > self.waiting.len() {
            self.waiting.shrink_to(self.waiting.len() * 2);
        }
        let mut ask: Vec<ResourceId> = changes.resources.iter().copied().collect();
        ask.sort_unstable();
        self.pass(Look::new(model, rules, Tier::Suspected), ask.clone(), &mut touched, changes.all);
        self.note_stuck(Tier::Suspected, &touched);
        // Who goes on as it is needs no unknown; and what may let the others go on is asked here.
        if changes.all {
            ask =
                self.stuck[1].iter().flat_map(|id| &self.waiting[id].waits.pending).map(|wait| wait.resource).collect();
            ask.sort_unstable();
            ask.dedup();
        } else {
            let go_on_now = touched.iter().filter(|id| self.stuck[0].contains(id) && !self.stuck[1].contains(id));
            ask.extend(go_on_now.flat_map(|id| model.edges_of_task(*id)).map(|edge| edge.resource));
        }
        if !self.stuck[1].is_empty() {
            self.pass(Look::new(model, rules, Tier::Proven), ask, &mut touched, changes.all);
        }
        self.note_stuck(Tier::Proven, &touched);
        changes.tasks.extend(touched);
        changes
    }

    /// Finds who goes on in this pass: `ask` are the resources of which something has changed.
    fn pass(&mut self, mut look: Look, mut ask: Vec<ResourceId>, touched: &mut IdSet<TaskId>, all: bool) {
        if !all {
            self.take_back(&mut look, &mut ask, touched);
        }
        self.go_on(&look, ask, touched);
    }

    fn note_stuck(&mut self, tier: Tier, touched: &IdSet<TaskId>) {
        let stuck = &mut self.stuck[tier as usize];
        let is_stuck = |id: &&TaskId| self.waiting.get(id).is_some_and(|waiting| waiting.by.of(tier).is_none());
        if stuck.is_empty() {
            // All at once, which is less work.
            *stuck = touched.iter().filter(is_stuck).copied().collect();
            return;
        }
        for id in touched {
            if is_stuck(&id) {
                stuck.insert(*id)
            } else {
                stuck.remove(id)
            };
        }
    }

    fn task_changed(
        &mut self,
        model: &Model,
        rules: &Rules,
        id: TaskId,
        changes: &mut Changes,
        touched: &mut IdSet<TaskId>,
    ) {
        let task = model.tasks.get(&id);
        match task.map_or(Ok(false), |task| rules.is_lost(model, task)) {
            Ok(true) => _ = self.lost.insert(id),
            Ok(false) => _ = self.lost.remove(&id),
            Err(due_ns) => {
                self.lost.remove(&id);
                self.due.insert(due_ns, Part::Task(id));
            }
        }
        let now = match task.map(|task| rules.verdict(model, task)) {
            Some(Verdict::Waits(waits)) => Some(waits),
            Some(Verdict::GoesOn { until_ns }) => {
                until_ns.into_iter().for_each(|due_ns| self.due.insert(due_ns, Part::Task(id)));
                None
            }
            None => None,
        };
        let ended = task.is_some_and(has_ended);
        if let (Some(before), Some(_), false) = (self.waiting.get_mut(&id), task, ended) {
            if now.is_none() && before.by.suspected.is_some() {
                before.paused = true;
                return;
            }
            if now.as_ref() == Some(&before.waits) && !before.paused {
                return;
            }
        } else if now.is_none() && !ended && !self.waiting.contains_key(&id) {
            return;
        }
        touched.insert(id);
        changes.resources.extend(task.into_iter().flat_map(|task| &task.edges).filter_map(|edge| {
            let edge = model.edges.get(&edge)?;
            Some(edge.resource)
        }));
        match now {
            Some(waits) => {
                let by = Grounds { suspected: None, proven: waits.unsure.then_some(Ground::Unsure) };
                self.waiting.insert(id, Waiting { waits, by, paused: false });
            }
            None => _ = self.waiting.remove(&id),
        }
    }

    /// Lets wait again whoever went on by what a resource gave that has changed, unless it rests on nothing else; and
    /// whoever went on by these. `ask` gets the resources that they wait for.
    fn take_back(&mut self, look: &mut Look, ask: &mut Vec<ResourceId>, touched: &mut IdSet<TaskId>) {
        let tier = look.tier;
        let mut back: Vec<TaskId> = Vec::new();
        let mut check = Check {
            changed: ask.iter().copied().collect(),
            stands: IdSet::default(),
            founded: IdSet::default(),
            ways: HashMap::new(),
        };
        // Who waits only now most often goes on by what others have: then nothing that rests on it needs to be asked.
        let new: Vec<TaskId> = touched
            .iter()
            .copied()
            .filter(|id| self.waiting.get(id).is_some_and(|it| it.by.of(tier).is_none()))
            .collect();
        for task in new {
            let resources: Vec<ResourceId> =
                self.waiting[&task].waits.pending.iter().filter(|wait| wait.polled).map(|wait| wait.resource).collect();
            let ground = resources.into_iter().find_map(|id| self.ground(look, &mut check, task, id));
            if let Some(ground) = ground {
                self.waiting.get_mut(&task).expect("it waits").by.set(tier, ground);
                check.stands.insert(task);
            } else if tier == Tier::Proven {
                // It may have gone on in the pass before: what rests on it was not asked yet.
                back.push(task);
            }
        }
        for id in ask.iter() {
            let Some(resource) = look.model.resources.get(id) else { continue };
            let given: Vec<TaskId> = self
                .waiting_for(look.model, resource)
                .filter(|task| self.waiting[task].by.own(tier).is_some_and(|ground| ground.is_by(*id)))
                .filter(|task| !check.stands.contains(task))
                .collect();
            let mut others = Vec::new();
            for task in given {
                if let Some(ground) = self.ground(look, &mut check, task, *id) {
                    self.waiting.get_mut(&task).expect("it waits").by.set(tier, ground);
                    check.stands.insert(task);
                } else {
                    others.push(task);
                }
            }
            if others.is_empty() {
                continue;
            }
            look.alone = true;
            let mut due = std::mem::take(&mut self.due);
            let still = self.given(look, resource, true, &mut due);
            self.due = due;
            look.alone = false;
            let still: IdMap<TaskId, Ground> = still.into_iter().collect();
            for task in others {
                let waiting = self.waiting.get_mut(&task).expect("it waits");
                if let Some(ground) = still.get(&task) {
                    // Units that are there even when nobody goes on by what it waits for.
                    waiting.by.set(tier, if matches!(ground, Ground::Units(_)) { Ground::Seed(*id) } else { *ground });
                    check.stands.insert(task);
                } else if waiting.by.take(tier) {
                    back.push(task);
                }
            }
        }
        let mut rests: IdMap<ResourceId, Rests> = IdMap::default();
        let mut asked: IdSet<ResourceId> = ask.iter().copied().collect();
        while let Some(task) = back.pop() {
            touched.insert(task);
            let waits = self.waiting[&task].waits.pending.iter();
            ask.extend(waits.map(|wait| wait.resource).filter(|id| asked.insert(*id)));
            for edge in look.model.edges_of_task(task) {
                let Some(resource) = look.model.resources.get(&edge.resource) else { continue };
                let rests = rests.entry(resource.id).or_insert_with(|| self.rests(look, resource));
                // Nothing comes to rest on anything here: so each list is taken once.
                let others =
                    std::mem::take(&mut rests.on_all).into_iter().chain(rests.on.remove(&task).unwrap_or_default());
                for other in others {
                    if self.waiting.get_mut(&other).expect("it waits").by.take(tier) {
                        back.push(other);
                    }
                }
            }
        }
    }

    /// The tasks that go on by what this resource gives, in this pass alone.
    fn rests(&self, look: &Look, resource: &Resource) -> Rests {
        let mut rests = Rests { on_all: Vec::new(), on: IdMap::default() };
        for task in self.waiting_for(look.model, resource) {
            match self.waiting[&task].by.own(look.tier) {
                Some(Ground::Units(id)) if id == resource.id => rests.on_all.push(task),
                Some(Ground::Task(id, by)) if id == resource.id => rests.on.entry(by).or_default().push(task),
                _ => {}
            }
        }
        rests
    }

    /// A ground for the task among the parties of a resource that it waits for, which does not rest on the task itself.
    fn ground(&mut self, look: &Look, check: &mut Check, task: TaskId, id: ResourceId) -> Option<Ground> {
        let resource = look.model.resources.get(&id)?;
        let waits = &self.waiting.get(&task)?.waits;
        let ends = waits.pending.iter().filter(|wait| wait.polled && wait.resource == id);
        let way = |check: &mut Check, want| {
            *check.ways.entry((id, want)).or_insert_with(|| self.parties(look, resource, want).way)
        };
        let ground = ends.into_iter().find_map(|wait| match wait.want {
            Want::Party(_) => match way(check, wait.want)? {
                Way::Seed | Way::Nobody => Some(Ground::Seed(id)),
                Way::Task(by) => self.stands_without(look, check, by, task).then_some(Ground::Task(id, by)),
                Way::All => None,
            },
            Want::All(_) | Want::Units => None,
        });
        if look.due_ns.get() != u64::MAX {
            self.due.insert(look.due_ns.replace(u64::MAX), Part::Resource(id));
        }
        ground
    }

    /// Whether what the task `by` goes on by leads to no change that was not looked at, nor to `task`.
    fn stands_without(&self, look: &Look, check: &mut Check, by: TaskId, task: TaskId) -> bool {
        let mut path = Vec::new();
        let mut at = by;
        loop {
            if at == task || path.len() == MOST_GROUNDS {
                return false;
            }
            if check.founded.contains(&at) {
                break;
            }
            let Some(waiting) = self.waiting.get(&at).filter(|waiting| !waiting.paused) else { break };
            path.push(at);
            let looked_at = |id| !check.changed.contains(&id) || check.stands.contains(&at);
            match waiting.by.of(look.tier) {
                Some(Ground::Unsure) => break,
                Some(Ground::Seed(id)) if looked_at(id) => break,
                Some(Ground::Task(id, next)) if looked_at(id) => at = next,
                _ => return false,
            }
        }
        check.founded.extend(path);
        true
    }

    /// Asks these resources what they give, and those that are given something for what they have.
    ///
    /// Those with the fewest edges first: a resource with many is asked once, after many tasks that have some of it were
    /// found to go on.
    fn go_on(&mut self, look: &Look, ask: Vec<ResourceId>, touched: &mut IdSet<TaskId>) {
        let with_edges = |id: ResourceId| {
            let edges = look.model.resources.get(&id).map_or(0, |resource| resource.edges.len());
            Reverse((edges, id))
        };
        let mut asked: IdSet<ResourceId> = ask.into_iter().collect();
        let mut queue: BinaryHeap<_> = asked.iter().copied().map(with_edges).collect();
        while let Some(Reverse((_, id))) = queue.pop() {
            asked.remove(&id);
            let Some(resource) = look.model.resources.get(&id) else { continue };
            let mut due = std::mem::take(&mut self.due);
            let given = self.given(look, resource, false, &mut due);
            self.due = due;
            for (task, ground) in given {
                let waiting = self.waiting.get_mut(&task).expect("it waits");
                if waiting.by.of(look.tier).is_some() {
                    continue;
                }
                waiting.by.set(look.tier, ground);
                touched.insert(task);
                let Some(task) = look.model.tasks.get(&task) else { continue };
                for edge in task.edges.iter().filter_map(|edge| look.model.edges.get(&edge)) {
                    // What it waits for was asked just now, and knows that it goes on; but not what that means for a wait
                    // that is kept there.
                    let known = edge.resource == id
                        && matches!(edge.body, EdgeBody::Wait { .. })
                        && edge.waiter().polled != Some(false);
                    if !known && asked.insert(edge.resource) {
                        queue.push(with_edges(edge.resource));
                    }
                }
            }
        }
    }

    /// The tasks that this resource lets go on, of those that are stuck; or of all that wait for it.
    fn given(&self, look: &Look, resource: &Resource, of_all: bool, due: &mut Due) -> Vec<(TaskId, Ground)> {
        let mut parties: Vec<(Want, Option<Way>)> = Vec::new();
        let mut units: Vec<&Edge> = Vec::new();
        let mut given = Vec::new();
        for edge in look.model.edges_of_resource(resource.id) {
            if !matches!(edge.body, EdgeBody::Wait { .. }) {
                continue;
            }
            let is_asked = |it: &&Waiting| !it.paused && (of_all || it.by.of(look.tier).is_none());
            let Some(waiting) = self.waiting.get(&edge.task).filter(is_asked) else {
                continue;
            };
            let wait = waiting.waits.pending.iter().find(|wait| wait.edge == edge.id);
            let Some(wait) = wait.filter(|wait| wait.polled) else { continue };
            let ground = match wait.want {
                want @ (Want::Party(_) | Want::All(_)) => {
                    let known = parties.iter().find(|(known, _)| *known == want).map(|(_, way)| *way);
                    let way = known.unwrap_or_else(|| {
                        let way = self.parties(look, resource, want).way;
                        parties.push((want, way));
                        way
                    });
                    match way {
                        Some(Way::Task(task)) => Ground::Task(resource.id, task),
                        Some(Way::Seed | Way::Nobody) => Ground::Seed(resource.id),
                        Some(Way::All) => Ground::Units(resource.id),
                        None => continue,
                    }
                }
                Want::Units => {
                    units.push(edge);
                    continue;
                }
            };
            given.push((edge.task, ground));
        }
        if !units.is_empty() {
            // Of waits that are not in the queue, nothing is said.
            if let Some(mut now) = Units::new(self, look, resource) {
                let within: IdSet<EdgeId> = now.queue.iter().map(|queued| queued.edge).collect();
                units.retain(|wait| !within.contains(&wait.id));
                given.extend(now.serve().into_iter().map(|task| (task, Ground::Units(resource.id))));
            }
            given.extend(units.into_iter().map(|wait| (wait.task, Ground::Seed(resource.id))));
        }
        if look.due_ns.get() != u64::MAX {
            due.insert(look.due_ns.replace(u64::MAX), Part::Resource(resource.id));
        }
        given
    }

    /// The tasks that wait for this resource, and do not go on by themselves.
    fn waiting_for<'a>(&'a self, model: &'a Model, resource: &'a Resource) -> impl Iterator<Item = TaskId> + 'a {
        let waits = model.edges_of_resource(resource.id).filter(|edge| matches!(edge.body, EdgeBody::Wait { .. }));
        waits.map(|edge| edge.task).filter(|task| self.waiting.get(task).is_some_and(|waiting| !waiting.paused))
    }

    pub(crate) fn role(&self, look: &Look, id: TaskId) -> Role {
        match self.waiting.get(&id).filter(|waiting| !waiting.paused) {
            Some(waiting) => match waiting.by.of(look.tier) {
                None => Role::Stuck,
                Some(Ground::Unsure) => Role::GoesOn,
                Some(_) if look.alone => Role::Stuck,
                Some(_) => Role::GoesOn,
            },
            None if look.model.tasks.get(&id).is_none_or(has_ended) => Role::Ended,
            None => Role::Seed,
        }
    }

    /// Whether the parties go on of which this is wanted.
    pub(crate) fn parties(&self, look: &Look, resource: &Resource, want: Want) -> Parties {
        let (end, all) = match want {
            Want::Party(end) => (end, false),
            Want::All(end) => (end, true),
            Want::Units => return Parties { known: 0, unknown: 0, way: None },
        };
        let place = if want == Want::Party(End::Sender) { self.place(look, resource) } else { None };
        if let Some(place) = place {
            // A sender that goes on and has no place to send to can only give up, as all the others must.
            let mut parties = self.parties_of(look, resource, end, !place);
            if let Some(Way::Task(_)) = parties.way {
                // It rests on who has the places, too.
                parties.way = Some(Way::All);
            }
            return parties;
        }
        let mut parties = self.parties_of(look, resource, end, all);
        if parties.way.is_none() && self.may_close(look, resource, end) {
            parties.way = Some(Way::All);
        }
        parties
    }

    /// Whether somebody of the other end may close a channel, which anybody can who has an end: nothing is proven then. That
    /// it will be closed is not to be expected, so in the second pass it is no way out.
    pub(crate) fn may_close(&self, look: &Look, resource: &Resource, end: End) -> bool {
        let other = match end {
            End::Sender => End::Receiver,
            End::Receiver => End::Sender,
            End::Joined => return false,
        };
        if !resource.closed_by_any || look.tier == Tier::Suspected {
            return false;
        }
        let parties = self.parties_of(look, resource, other, false);
        parties.unknown > 0 || parties.way.is_some_and(|way| way != Way::Nobody)
    }

    fn parties_of(&self, look: &Look, resource: &Resource, end: End, all: bool) -> Parties {
        let mut parties = Parties { known: 0, unknown: 0, way: None };
        let outside = match end {
            End::Sender => resource.outside_senders,
            End::Receiver => resource.outside_receivers,
            End::Joined => None,
        };
        if !all && outside.is_some_and(|outside| outside > 0) {
            // A thread goes on, as far as anybody can tell.
            return Parties { known: 1, unknown: 0, way: Some(Way::Seed) };
        }
        let (mut handles, mut ended, mut unsure, mut kept) = (0, 0, false, false);
        for edge in look.model.edges_of_resource(resource.id) {
            let certain = match &edge.body {
                EdgeBody::Party { role, exclusive } if end.is(role) => {
                    handles += 1;
                    *exclusive || end == End::Joined
                }
                _ => continue,
            };
            let role = self.role(look, edge.task);
            // What it had may have moved to somebody; but when it was the end of the task that was waited for, that is it.
            if role == Role::Ended && end != End::Joined {
                ended += 1;
                unsure = true;
                continue;
            }
            parties.known += 1;
            unsure |= !certain;
            if all {
                let keeps = role == Role::Stuck && (certain || look.tier == Tier::Suspected);
                kept |= keeps && !look.is_young(edge.since_ns);
                continue;
            }
            if role == Role::Seed {
                parties.way = Some(Way::Task(edge.task));
                return parties;
            }
            // Who has only just got it has not settled, whatever it waits for.
            if role == Role::Ended || look.is_young(edge.since_ns) {
                parties.way = Some(Way::Seed);
                return parties;
            }
            if role == Role::GoesOn && parties.way.is_none() {
                parties.way = Some(Way::Task(edge.task));
            }
        }
        parties.unknown = match end {
            // How many handles there are is not known: at least one may be anywhere.
            End::Sender => {
                let known = resource.senders.map_or(1, |senders| senders.saturating_sub(handles));
                known.saturating_add(resource.weak_senders.unwrap_or(0))
            }
            End::Receiver => resource.receivers.map_or(1, |receivers| receivers.saturating_sub(handles)),
            End::Joined => resource.length.unwrap_or(1).saturating_sub(handles),
        };
        parties.unknown = parties.unknown.saturating_add(ended);
        if parties.known == 0 {
            parties.way = Some(Way::Nobody);
        } else if all {
            parties.way = (!kept).then_some(Way::All);
        } else if look.tier == Tier::Proven && (unsure || parties.unknown > 0) {
            parties.way = Some(Way::Seed);
        }
        parties
    }

    /// Of a channel with nothing but places that are reserved: whether one of them may come free. `None` of another one.
    fn place(&self, look: &Look, resource: &Resource) -> Option<bool> {
        let (capacity, length) = resource.capacity.zip(resource.length)?;
        if resource.definition().units != UnitKind::Room || length < capacity || capacity == 0 {
            return None;
        }
        let mut kept = 0;
        for edge in look.model.edges_of_resource(resource.id) {
            let (units, certain) = match &edge.body {
                EdgeBody::Hold { units, transferable, .. } => (*units, !transferable),
                EdgeBody::Wait { operation: Operation::Send | Operation::Reserve, need, .. }
                    if matches!(edge.waiter(), Waiter { granted_ns: Some(_), polled: Some(false), .. }) =>
                {
                    (*need, true)
                }
                _ => continue,
            };
            let keeps = self.role(look, edge.task) == Role::Stuck && (certain || look.tier == Tier::Suspected);
            if keeps && !look.is_young(edge.since_ns) {
                kept += units;
            }
        }
        Some(kept < length)
    }

    pub(crate) fn look<'m>(&self, model: &'m Model, tier: Tier) -> Look<'m> {
        Look::new(model, Rules::new(model, self.settle_ns), tier)
    }

    /// The tasks that cannot go on.
    pub(crate) fn stuck(&self, tier: Tier) -> &BTreeSet<TaskId> {
        &self.stuck[tier as usize]
    }

    pub(crate) fn is_stuck(&self, id: TaskId) -> bool {
        self.stuck[1].contains(&id)
    }

    /// The tasks of which nothing is left that could wake them.
    pub(crate) fn lost(&self) -> &BTreeSet<TaskId> {
        &self.lost
    }

    pub(crate) fn waits(&self, task: TaskId) -> Option<&Waits> {
        self.waiting.get(&task).map(|waiting| &waiting.waits)
    }
}

impl Ground {
    fn is_by(self, resource: ResourceId) -> bool {
        match self {
            Ground::Unsure => false,
            Ground::Seed(id) | Ground::Task(id, _) | Ground::Units(id) => id == resource,
        }
    }
}

impl Changes {
    fn add(&mut self, part: Part) {
        match part {
            Part::Task(id) => _ = self.tasks.insert(id),
            Part::Resource(id) => _ = self.resources.insert(id),
        }
    }
}

pub(crate) type IdMap<K, V> = HashMap<K, V, BuildHasherDefault<IdHasher>>;
pub(crate) type IdSet<K> = HashSet<K, BuildHasherDefault<IdHasher>>;

#[cfg(test)]
mod scale;
#[cfg(test)]
mod tests;
