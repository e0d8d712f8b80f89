//! The true answer about a program, and the answer of the diagnosis.

use crate::explore::{self, Steps};
use crate::facts::Found;
use crate::feature::Feature;
use crate::program::Program;
use crate::stream::{self, Timers};
use crate::world::{Tasks, World};
use insight_model::{Model, diagnose, stuck_tasks};
use insight_protocol::{TaskId, Tier};

/// Maximum number of states that are explored in a program.
pub const MOST_STATES: usize = 20_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Disagreement {
    /// A task was proven to be stuck, but some schedule lets it make progress.
    Unsound,
    /// The messages describe all locks and joins, and some tasks are stuck by them alone, but there is no proof.
    Unproven,
    /// The messages describe everything, and a task was suspected to be stuck, but some schedule lets it make progress.
    Suspicion,
    /// No schedule lets a task make progress and the messages describe everything, but it was not suspected.
    Missed,
}

impl Disagreement {
    pub const ALL: [Disagreement; 4] =
        [Disagreement::Unsound, Disagreement::Unproven, Disagreement::Suspicion, Disagreement::Missed];
}

pub struct Verdict {
    pub feature: Feature,
    /// The world after the program.
    pub world: World,
    /// The parked tasks that no schedule lets make progress.
    pub stuck: Tasks,
    /// Those of them that are stuck by locks and joins alone, if the messages describe all locks and joins.
    pub by_locks: Option<Tasks>,
    /// The tasks of the proven findings.
    pub proven: Tasks,
    /// The tasks that the diagnosis suspects to be stuck, or has proven.
    pub suspected: Tasks,
    /// The messages describe everything, and nothing can leave its task. In a captured world, an outdated waker is then the only unknown.
    pub known: bool,
    pub timers: Timers,
}

impl Verdict {
    /// `None` if there are too many states.
    pub fn of(program: &Program, timers: Timers) -> Option<Verdict> {
        let (feature, world) = (program.feature, program.run());
        let stuck = explore::stuck(&world, Steps::Enough, MOST_STATES)?;
        let by_locks = match stuck {
            _ if !stream::locks_known(&world) => None,
            0 => Some(0),
            _ => Some(explore::stuck(&world.with_locks_alone(), Steps::Enough, MOST_STATES)?),
        };
        let known = feature == Feature::NONE && stream::all_known(&world);
        Some(Verdict { feature, stuck, by_locks, proven: 0, suspected: 0, known, world, timers }.with(timers))
    }

    /// Whether all tasks wait for locks and joins alone.
    pub fn is_of_locks(&self) -> bool {
        self.world.operations().all(|(_, op)| self.world.resources[usize::from(op.resource)].kind.is_lock())
    }

    /// The same world, with other facts about timers.
    pub fn with(self, timers: Timers) -> Verdict {
        let mut found = Found::default();
        loop {
            let mut model = Model::default();
            stream::messages(&self.world, timers, &found).iter().for_each(|message| model.apply(message));
            let findings = diagnose(&model, stream::SETTLE_NS);
            let proven = findings.into_iter().filter(|finding| finding.tier == Tier::Proven);
            let proven = tasks(proven.flat_map(|finding| finding.tasks));
            if proven == 0 || !found.search(&self.world, proven) {
                let suspected = tasks(stuck_tasks(&model, stream::SETTLE_NS, Tier::Suspected));
                return Verdict { proven, suspected, timers, ..self };
            }
        }
    }

    /// The tasks with this disagreement.
    pub fn wrong(&self, disagreement: Disagreement) -> Tasks {
        let known = if self.known { Tasks::MAX } else { 0 };
        match disagreement {
            Disagreement::Unsound => self.proven & !self.stuck,
            // A captured world has an unknown.
            Disagreement::Unproven if self.timers == Timers::Captured => 0,
            // All other stuck tasks may wait behind one finding.
            Disagreement::Unproven if self.proven != 0 => 0,
            Disagreement::Unproven => self.by_locks.unwrap_or(0),
            Disagreement::Suspicion => self.suspected & !self.stuck & known,
            Disagreement::Missed => self.stuck & !self.suspected & known,
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
}

fn tasks(ids: impl IntoIterator<Item = TaskId>) -> Tasks {
    ids.into_iter().fold(0, |tasks, task| tasks | 1 << (task.0 - 1))
}
