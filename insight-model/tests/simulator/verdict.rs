//! What is true of a program beside what the diagnosis says of it.

use crate::program::Program;
use crate::world::{Status, Tasks, World};
use crate::{explore, told};
use insight_model::{Model, stuck_tasks};
use insight_protocol::Tier;

/// So many states are looked at before a program is given up.
pub const MOST_STATES: usize = 20_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Disagreement {
    /// A task was said to be stuck, and some schedule lets it go on.
    Unsound,
    /// No schedule lets a task go on, all facts were told, and it was not said to be stuck.
    Missed,
}

pub struct Verdict {
    /// After the program.
    pub world: World,
    /// The tasks that are parked and that no schedule lets go on.
    pub stuck: Tasks,
    /// Those of which the diagnosis says that it is proven.
    pub said: Tasks,
    /// Nothing is used or held unseen.
    pub known: bool,
}

impl Verdict {
    /// `None` when there are too many states.
    pub fn of(program: &Program) -> Option<Verdict> {
        let world = program.run();
        let stuck = explore::stuck(&world, false, MOST_STATES)?;
        Some(Verdict { stuck, said: said(&world), known: told::all_known(&world), world })
    }

    /// The tasks about which there is no agreement.
    pub fn wrong(&self, disagreement: Disagreement) -> Tasks {
        match disagreement {
            Disagreement::Unsound => self.said & !self.stuck,
            Disagreement::Missed if self.known => self.stuck & !self.said,
            Disagreement::Missed => 0,
        }
    }

    /// On what the tasks wait, in words.
    pub fn waits(&self, tasks: Tasks) -> String {
        let waits = self.world.operations().filter(|(task, op)| tasks & 1 << task != 0 && op.polled);
        let mut waits: Vec<String> = waits
            .map(|(_, op)| format!("{} {:?}", self.world.resources[usize::from(op.resource)].word(), op.verb))
            .collect();
        waits.sort();
        waits.dedup();
        waits.join(" + ")
    }

    pub fn parked(&self) -> Tasks {
        let parked = (0..self.world.tasks.len()).filter(|&task| self.world.tasks[task].status == Status::Parked);
        parked.fold(0, |tasks, task| tasks | 1 << task)
    }
}

fn said(world: &World) -> Tasks {
    let mut model = Model::default();
    told::messages(world).iter().for_each(|message| model.apply(message));
    let tasks = stuck_tasks(&model, told::SETTLE_NS, Tier::Proven);
    tasks.into_iter().fold(0, |tasks, task| tasks | 1 << (task.0 - 1))
}
