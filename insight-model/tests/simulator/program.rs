//! Random programs: a world, and its steps until some tasks are parked.

use crate::random::Random;
use crate::step::Action;
use crate::world::*;

#[derive(Clone, Debug)]
pub struct Program {
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
        let task = TaskState { status: Status::Runnable, woken: false, operations: Vec::new() };
        let mut start = World { tasks: vec![task; tasks + 1], resources: Vec::new() };
        let doubts = random.one_in(4);
        for _ in 0..resources {
            let kind = match only {
                Some(kind) => kind,
                None => random.pick(&KINDS),
            };
            start.resources.push(random_resource(random, kind, tasks, doubts));
        }
        let mut program = Program { start, actions: Vec::new() };
        let mut world = program.start.clone();
        for _ in 0..60 {
            let idle = (0..tasks).filter(|&task| world.waits(task)).count();
            let runnable = world.tasks[..tasks].iter().filter(|task| task.status == Status::Runnable).count();
            let scheduled = (0..tasks).any(|task| world.tasks[task].status == Status::Parked && !world.waits(task));
            if idle > 0 && (runnable == 0 && !scheduled || random.one_in(15)) {
                break;
            }
            if let Some(action) = random_action(random, &world, doubts) {
                world.act(&action);
                program.actions.push(action);
            }
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
        Handle { sender, users: 1 << owner | also, owner, shared, known, fresh: false }
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
        resource.handles[1].users = 0;
    }
    resource
}

/// One of the legal steps. Steps that make tasks wait for each other are more frequent than steps that end something.
fn random_action(random: &mut Random, world: &World, doubts: bool) -> Option<Action> {
    let legal: Vec<Action> = world.actions(true).into_iter().filter(|action| world.clone().act(action)).collect();
    let weight = |action: &Action| match action {
        _ if action.task() == world.outside() && !doubts => 0,
        Action::Begin { verb: Verb::Closed, .. } => 6,
        Action::Begin { .. } => 20,
        Action::Take { .. } => 10,
        Action::Park { .. } => 30,
        Action::Resume { .. } | Action::Poll { .. } => 8,
        Action::Claim { .. } => 4,
        Action::Send { .. } | Action::SendReserved { .. } => 10,
        Action::Receive { .. } | Action::Release { .. } => 4,
        Action::Abandon { .. } | Action::Drop { .. } => 2,
        Action::End { .. } => 1,
    };
    let all: usize = legal.iter().map(weight).sum();
    if all == 0 {
        return None;
    }
    let mut at = random.below(all);
    let chosen = legal.into_iter().find(|action| {
        let found = at < weight(action);
        at = at.saturating_sub(weight(action));
        found
    });
    match chosen {
        Some(Action::Take { task, resource, verb, need, .. }) => {
            Some(Action::Take { task, resource, verb, need, shared: doubts && random.one_in(4) })
        }
        chosen => chosen,
    }
}
