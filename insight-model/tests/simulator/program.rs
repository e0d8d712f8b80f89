//! Random programs: a world, and its steps until some tasks are parked.

use crate::action::Action;
use crate::feature::{Feature, Way, What};
use crate::random::Random;
use crate::world::*;

/// Maximum number of hand-overs of a program.
const MOST_HANDOVERS: usize = 3;

#[derive(Clone, Debug)]
pub struct Program {
    pub feature: Feature,
    pub start: World,
    pub actions: Vec<Action>,
}

const KINDS: [Kind; 9] = [
    Kind::Mutex,
    Kind::Semaphore,
    Kind::Rwlock,
    Kind::Channel,
    Kind::Unbounded,
    Kind::Oneshot,
    Kind::Watch,
    Kind::Join(0),
    Kind::Timer,
];

impl Program {
    /// The world after the program. Illegal steps have no effect, so any part of a program is a program.
    pub fn run(&self) -> World {
        let mut world = self.start.clone();
        self.actions.iter().for_each(|action| {
            world.act(action);
        });
        world
    }

    pub fn random(random: &mut Random) -> Program {
        let tasks = 2 + random.below(3);
        let resources = 1 + random.below(3);
        // Half of the programs have only one kind, so that each kind has its own hangs.
        let only = random.one_in(2).then(|| random.pick(&KINDS[..8]));
        let doubts = random.one_in(4);
        let feature = if random.one_in(2) { Feature::random(random) } else { Feature::NONE };
        let mut start = World::new(tasks);
        for place in 0..resources {
            let kind = match only {
                _ if place == 0 && feature.what != What::Nothing => random.pick(feature.kinds()),
                Some(kind) => kind,
                None => random.pick(&KINDS),
            };
            start.resources.push(random_resource(random, kind, tasks, doubts));
        }
        if feature.way == Way::Message {
            let kind = random.pick(&[Kind::Channel, Kind::Unbounded, Kind::Oneshot]);
            start.resources.push(random_resource(random, kind, tasks, doubts));
        }
        feature.prepare(random, &mut start);
        let mut program = Program { feature, start, actions: Vec::new() };
        let mut world = program.start.clone();
        let mut handovers = 0;
        for _ in 0..60 {
            let idle = (0..tasks).filter(|&task| world.waits(task)).count();
            let runnable = world.tasks[..tasks].iter().filter(|task| task.status == Status::Runnable).count();
            let scheduled = (0..tasks).any(|task| world.tasks[task].status == Status::Parked && !world.waits(task));
            if idle > 0 && (runnable == 0 && !scheduled || random.one_in(15)) {
                break;
            }
            let handover = world.handovers && handovers < MOST_HANDOVERS && random.one_in(4);
            let given = if handover { feature.give(random, &world) } else { None };
            handovers += usize::from(given.is_some());
            if let Some(action) = given.or_else(|| random_action(random, &world, doubts, feature)) {
                world.act(&action);
                program.actions.push(action);
            }
        }
        if handovers == 0 && feature.is_of_a_thing() {
            program.feature = Feature::NONE;
        }
        program
    }
}

fn random_resource(random: &mut Random, kind: Kind, tasks: usize, doubts: bool) -> Resource {
    let kind = if let Kind::Join(_) = kind { Kind::Join(random.below(tasks) as Task) } else { kind };
    let mut resource = Resource::new(kind, 1 + random.below(3) as u8);
    resource.barging = matches!(kind, Kind::Mutex | Kind::Semaphore) && random.one_in(3);
    let mut handle = |sender: bool| {
        let outside = doubts && random.one_in(5);
        let owner = if outside { tasks } else { random.below(tasks) } as Task;
        let shared = doubts && random.one_in(4);
        let also = if shared { 1 << random.below(tasks) } else { 0 };
        let known = !(outside || doubts && random.one_in(4));
        Handle { sender, place: Place::cell(1 << owner | also), owner, shared, known, fresh: false }
    };
    let (senders, receivers) = match kind {
        Kind::Channel | Kind::Unbounded => (2, 1),
        Kind::Oneshot => (1, 1),
        Kind::Watch => (1, 2),
        _ => (0, 0),
    };
    for place in 0..senders + receivers {
        let made = handle(place < senders);
        resource.handles.push(made);
    }
    // One of two handles is sometimes absent.
    if senders + receivers == 3 && random.one_in(2) {
        resource.handles[1].place = Place::NOWHERE;
    }
    resource
}

/// One of the legal steps. Steps that make tasks wait for each other are more frequent than steps that end something.
fn random_action(random: &mut Random, world: &World, doubts: bool, feature: Feature) -> Option<Action> {
    let mut actions = world.actions(true);
    let weight = |action: &Action| match action {
        _ if action.task() == world.outside() && !doubts => 0,
        Action::Begin { verb: Verb::Closed, .. } => 6,
        Action::Begin { .. } => 20,
        Action::Take { .. } => 10,
        Action::Park { .. } => 30,
        Action::Resume { .. } | Action::Poll { .. } => 8,
        Action::Claim { .. } => 4,
        Action::Adopt { .. } => 10,
        Action::Send { .. } | Action::SendReserved { .. } => 10,
        Action::Receive { .. } | Action::Release { .. } => 4,
        Action::Abandon { .. } | Action::Drop { .. } => 2,
        Action::Add { .. } | Action::Close { .. } | Action::Cancel { .. } | Action::End { .. } => 1,
        Action::Give { .. } => 0,
    };
    // A step of weight 0 is never chosen. An illegal one is dropped when it is chosen: few are asked.
    actions.retain(|action| weight(action) > 0);
    let chosen = loop {
        if actions.is_empty() {
            return None;
        }
        let mut at = random.below(actions.iter().map(weight).sum());
        let chosen = actions.iter().position(|action| {
            let found = at < weight(action);
            at = at.saturating_sub(weight(action));
            found
        });
        let chosen = actions.swap_remove(chosen.expect("the weights have this sum"));
        if world.clone().act(&chosen) {
            break chosen;
        }
    };
    match chosen {
        Action::Take { task, resource, verb, need, .. } => {
            let shared = doubts && random.one_in(4);
            let guard = if shared { Guard::Shared } else { feature.guard(random) };
            Some(Action::Take { task, resource, verb, need, guard })
        }
        Action::Begin { task, resource, handle, verb, need, .. } => {
            Some(Action::Begin { task, resource, handle, verb, need, guard: feature.guard(random) })
        }
        chosen => Some(chosen),
    }
}
