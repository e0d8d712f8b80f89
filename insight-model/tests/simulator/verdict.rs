//! The true answer about a program, and the answer of the diagnosis.

use crate::program::Program;
use crate::world::{Status, Tasks, World};
use crate::{explore, stream};
use insight_model::{Model, stuck_tasks};
use insight_protocol::Tier;

/// Maximum number of states that are explored in a program.
pub const MOST_STATES: usize = 20_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Disagreement {
    /// A task was diagnosed as stuck, but some schedule lets it make progress.
    Unsound,
    /// No schedule lets a task make progress and the messages describe everything, but it was not diagnosed as stuck.
    Missed,
}

pub struct Verdict {
    /// The world after the program.
    pub world: World,
    /// The parked tasks that no schedule lets make progress.
    pub stuck: Tasks,
    /// The tasks that the diagnosis has proven to be stuck.
    pub diagnosed: Tasks,
    /// The messages describe everything.
    pub known: bool,
}

impl Verdict {
    /// `None` if there are too many states.
    pub fn of(program: &Program) -> Option<Verdict> {
        let world = program.run();
        let stuck = explore::stuck(&world, false, MOST_STATES)?;
        Some(Verdict { stuck, diagnosed: diagnosed(&world), known: stream::all_known(&world), world })
    }

    /// The tasks with this disagreement.
    pub fn wrong(&self, disagreement: Disagreement) -> Tasks {
        match disagreement {
            Disagreement::Unsound => self.diagnosed & !self.stuck,
            Disagreement::Missed if self.known => self.stuck & !self.diagnosed,
            Disagreement::Missed => 0,
        }
    }

    /// The waits of the tasks, in words.
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

fn diagnosed(world: &World) -> Tasks {
    let mut model = Model::default();
    stream::messages(world).iter().for_each(|message| model.apply(message));
    let tasks = stuck_tasks(&model, stream::SETTLE_NS, Tier::Proven);
    tasks.into_iter().fold(0, |tasks, task| tasks | 1 << (task.0 - 1))
}
