//! A small program as data: resources, and bodies that are lists of steps.

/// Number of variables of a body, named `a` to `f`. Each is empty or has a handle.
pub const SLOTS: usize = 6;

/// The last turn. See [`Step::Turn`].
pub const TURNS: usize = 5;

/// Whether insight gets time to report a hang before this turn.
pub fn is_late(turn: usize) -> bool {
    matches!(turn, 3 | 5)
}

/// A program. A step whose variables have no fitting handle does nothing, so each list of steps is a program.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Program {
    /// The way in which its tasks are spawned.
    pub home: Home,
    /// The mutexes.
    pub mutexes: Vec<Place>,
    /// The read-write locks.
    pub rwlocks: Vec<Place>,
    /// The semaphores, each with its number of permits.
    pub semaphores: Vec<(Place, usize)>,
    /// The capacities of the channels. A message is a handle, or empty.
    pub channels: Vec<usize>,
    /// Number of once-cells.
    pub onces: usize,
    /// Number of shared cells. Each has room for one handle.
    pub cells: usize,
    /// The bodies of tasks, threads and futures.
    pub bodies: Vec<Body>,
}

/// The way in which the tasks of a program are spawned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Home {
    /// By the runtime's `spawn`. They are `'static`.
    #[default]
    Spawn,
    /// Each is the root of a `block_on` in a scoped thread, and borrows from the stack of another thread.
    Scope,
    /// By a runtime of the program's own, which [`Step::ShutDown`] ends. Only tokio has one; elsewhere it is as `Spawn`.
    Runtime,
    /// In an executor that borrows from the stack of its thread. Only smol has one; elsewhere it is as `Scope`.
    Executor,
}

/// The memory of a lock or a semaphore.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// In an `Arc`. A guard in a variable is an owned one.
    Shared,
    /// In an `Arc` that is leaked. A guard in a variable borrows, with a lifetime that is `'static`.
    Leaked,
    /// In a `static`. The guards are as for `Leaked`.
    Static,
    /// On the stack of the thread in which the program runs. A guard in a variable borrows from it. With [`Home::Spawn`] this is
    /// as `Leaked`.
    Stack,
}

/// The code of a task, a thread or a future.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Body {
    /// Its starter.
    pub role: Role,
    /// The channel ends in its variables at its start.
    pub ends: Vec<(usize, End)>,
    /// Its steps.
    pub steps: Vec<Step>,
}

/// The starter of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The program starts it as a task. There is no handle of it.
    Task,
    /// The program starts it as a thread that no runtime knows.
    Thread,
    /// A step starts it, as a task, a thread or a future in a box.
    Part,
}

/// An end of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum End {
    /// A sender of this channel.
    Sender(usize),
    /// The only receiver of this channel.
    Receiver(usize),
}

/// A claim on a lock or a semaphore.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Claim {
    /// Locks a mutex.
    Lock(usize),
    /// Locks a read-write lock for reading.
    Read(usize),
    /// Locks a read-write lock for writing.
    Write(usize),
    /// Takes permits of a semaphore. Only tokio can take several at once; elsewhere it is one.
    Permits(usize, usize),
}

/// A resource that can be claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Resource {
    /// A mutex.
    Mutex(usize),
    /// A read-write lock.
    RwLock(usize),
    /// A semaphore.
    Semaphore(usize),
}

impl Claim {
    /// The claimed resource.
    pub fn resource(self) -> Resource {
        match self {
            Claim::Lock(at) => Resource::Mutex(at),
            Claim::Read(at) | Claim::Write(at) => Resource::RwLock(at),
            Claim::Permits(at, _) => Resource::Semaphore(at),
        }
    }
}

/// One step. A variable that gets a handle drops the handle that it had.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Waits for a claim. Without a variable, the guard borrows from the body's own `Arc`, and stays in the body.
    Acquire(Option<usize>, Claim),
    /// Drops the last guard of this resource that stayed in the body.
    Release(Resource),
    /// Drops a handle. smol cancels a task whose handle is dropped.
    Drop(usize),
    /// Drops the handle of a task, without cancelling it.
    Detach(usize),
    /// Cancels a task by its handle.
    Abort(usize),
    /// Makes an abort handle in the first variable from the join handle in the second. Only tokio has one.
    Aborter(usize, usize),
    /// Polls a future or a join handle once.
    Poll(usize),
    /// Waits for the end of a future or a task.
    Await(usize),
    /// Closes the channel of an end.
    Close(usize),
    /// Sends by the first variable, the handle of the second one if there is a second.
    Send(usize, Option<usize>),
    /// Receives into the first variable, by the second.
    Receive(usize, usize),
    /// Waits by a sender until there is no receiver. async-std's channels do not have this.
    Closed(usize),
    /// Puts a handle into a cell.
    Put(usize, usize),
    /// Takes the handle of a cell, if it has one.
    Take(usize, usize),
    /// Makes a reserved place of the channel from the sender in the second variable. Only tokio has one.
    Reserve(usize, usize),
    /// Maps the guard in this variable. Only tokio's guards can be mapped.
    Map(usize),
    /// Spawns a part as a task. Its join handle goes into the first variable, the others move to the same variables of the part.
    Spawn(usize, usize, Vec<usize>),
    /// As `Spawn`, in a group of tasks that the variable then has. Only tokio has one; elsewhere it is as `Spawn`.
    Group(usize, usize, Vec<usize>),
    /// Starts a part in a new thread, and moves variables there.
    Thread(usize, Vec<usize>),
    /// Makes a part a future in a box, in the first variable. It runs when it is polled.
    Boxed(usize, usize, Vec<usize>),
    /// Initialises a once-cell by a part, or waits for another initialisation.
    Init(usize, usize),
    /// Adds permits to a semaphore.
    Add(usize, usize),
    /// Closes a semaphore. Only tokio's can be closed.
    CloseSemaphore(usize),
    /// Ends the runtime of a program with [`Home::Runtime`], and drops its tasks.
    ShutDown,
    /// Returns to its poller once, without keeping the waker. So a future in a box stays where one poll took it.
    Stop,
    /// Waits until no body of any program makes a step, and all earlier turns are over.
    Turn(usize),
}

impl Step {
    /// The part that this step starts.
    pub fn part(&self) -> Option<usize> {
        match self {
            Step::Init(_, part)
            | Step::Spawn(_, part, _)
            | Step::Group(_, part, _)
            | Step::Boxed(_, part, _)
            | Step::Thread(part, _) => Some(*part),
            _ => None,
        }
    }
}

impl Program {
    /// Whether a stuck state, a body and a step for each task or thread that is left, is a deadlock of plain locks. Each task waits
    /// for a lock in an `Arc`, each guard is borrowed and in the task that locked it, and there is no handle that can cancel a
    /// task. So nothing outside can end the deadlock, and insight can prove it.
    pub fn is_plain(&self, left: &[(usize, usize)]) -> bool {
        let shared = |claim: &Claim| match claim {
            Claim::Lock(at) => self.mutexes[*at] == Place::Shared,
            Claim::Read(at) | Claim::Write(at) => self.rwlocks[*at] == Place::Shared,
            Claim::Permits(..) => true,
        };
        let is_plain = |step: &Step| match step {
            Step::Acquire(None, claim) => shared(claim),
            Step::Acquire(Some(_), Claim::Permits(..)) => true,
            Step::Acquire(Some(_), _) | Step::Init(..) | Step::Boxed(..) | Step::Spawn(..) | Step::Group(..) => false,
            _ => true,
        };
        let waits = |(body, step): &(usize, usize)| {
            let body = &self.bodies[*body];
            let waits = matches!(body.steps.get(*step), Some(Step::Acquire(None, claim)) if !matches!(claim, Claim::Permits(..)));
            waits && body.role == Role::Task
        };
        let steps = || self.bodies.iter().flat_map(|body| &body.steps);
        self.home == Home::Spawn && steps().all(is_plain) && !left.is_empty() && left.iter().all(waits)
    }

    /// Number of steps, handles and resources, for a comparison of programs.
    pub fn size(&self) -> usize {
        let bodies: usize = self.bodies.iter().map(|body| 3 + body.ends.len() + 2 * body.steps.len()).sum();
        let resources = self.mutexes.len() + self.rwlocks.len() + self.semaphores.len() + self.channels.len();
        bodies + resources + self.onces + self.cells + usize::from(self.home != Home::Spawn)
    }
}

#[cfg(test)]
mod tests {
    use crate::text::parse;

    #[test]
    fn only_a_deadlock_that_nothing_can_end_is_plain() {
        let check = |text: &str, left: &[(usize, usize)], expect: bool| {
            assert_eq!(parse(text).unwrap()[0].is_plain(left), expect, "{text}");
        };
        check("m0 shared\ntask 0: lock m0; lock m0", &[(0, 1)], true);
        check("m0 shared\ntask 0: lock m0; lock m0", &[], false);
        check("m0 static\ntask 0: lock m0; lock m0", &[(0, 1)], false);
        check("m0 shared\ntask 0: a = lock m0; lock m0", &[(0, 1)], false);
        check("home scope\nm0 shared\ntask 0: lock m0; lock m0", &[(0, 1)], false);
        check("s0 shared 1\ntask 0: acquire s0 1; acquire s0 1", &[(0, 1)], false);
        check("m0 shared\nthread 0: lock m0; lock m0", &[(0, 1)], false);
        check("m0 shared\npart 0: lock m0; lock m0\ntask 1: a = spawn 0", &[(0, 1)], false);
    }
}
