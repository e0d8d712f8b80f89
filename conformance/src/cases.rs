//! The list of the suite's cases: a case is data, and a program that the module `adapter` runs.

use insight_protocol::{Capability, ResourceKind};

/// The version of the suite. The cases of a released version do not change; a new case names the version that first has it.
pub const SUITE_VERSION: &str = "1.0";

/// The rules of SPEC.md that each case checks at its end, beside its own.
pub const RULES_OF_EACH_CASE: &[&str] =
    &["complete.after-snapshot", "complete.opened-is-closed", "resource.dropped.sent", "task.completed.sent"];

/// A case of the suite: its data. The feature `adapter` runs it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Case {
    /// Its ID, such as `task.ends`. It does not change.
    pub id: &'static str,
    /// The checked property, in one sentence.
    pub sentence: &'static str,
    /// The IDs of the rules of SPEC.md that it checks. Each case also checks the rules that a stream alone can show.
    pub rules: &'static [&'static str],
    /// The capabilities that it needs. It is skipped for an adapter that does not list them.
    pub capabilities: &'static [Capability],
    /// The version of the suite that first has it.
    pub since: &'static str,
    /// The program, for the module `adapter`.
    #[cfg_attr(not(feature = "adapter"), allow(dead_code, reason = "only the module `adapter` runs it"))]
    pub(crate) program: Program,
}

impl Case {
    /// The name of its `#[test]`: its ID with `_` for each dot and hyphen.
    pub fn test_name(&self) -> String {
        self.id.replace(['.', '-'], "_")
    }

    /// The kind of the resource that it needs; `None` if it needs none.
    pub fn resource(&self) -> Option<&ResourceKind> {
        match &self.program {
            Program::Tasks(_) => None,
            Program::Lock(kind, _) | Program::Channel(kind, _) => Some(kind),
            Program::Timer(_) => Some(&ResourceKind::Timer),
        }
    }
}

/// The program of a case. The module `adapter` has one function for each.
#[derive(Clone, Debug)]
#[cfg_attr(not(feature = "adapter"), allow(dead_code, reason = "only the module `adapter` runs it"))]
pub(crate) enum Program {
    /// It needs an executor only.
    Tasks(TaskProgram),
    /// It needs a lock of this kind.
    Lock(ResourceKind, LockProgram),
    /// It needs a channel of this kind.
    Channel(ResourceKind, ChannelProgram),
    /// It needs a timer.
    Timer(TimerProgram),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum TaskProgram {
    Descriptor,
    Spawned,
    Ends,
    States,
    Wakes,
    ForeignWakers,
    Joined,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum LockProgram {
    Held,
    Released,
    Abba,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum ChannelProgram {
    Full,
    Empty,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum TimerProgram {
    Sleeps,
}

/// Makes `CASES` from the list, and the macro that makes a `#[test]` of each.
macro_rules! cases {
    ($dollar:tt $(
        $test:ident $id:literal since $since:literal
            $sentence:literal
            [$($rule:literal),+ $(,)?]
            needs [$($capability:ident),* $(,)?]
            runs $program:expr;
    )+) => {
        static CASES: &[Case] = &[$(Case {
            id: $id,
            sentence: $sentence,
            rules: &[$($rule),+],
            capabilities: &[$(Capability::$capability),*],
            since: $since,
            program: $program,
        }),+];

        /// The names of the tests, in the order of the list.
        #[cfg(test)]
        const TESTS: &[&str] = &[$(stringify!($test)),+];

        /// Makes one `#[test]` of each case, which calls the function `run` of the surrounding module with the case's ID.
        #[doc(hidden)]
        #[macro_export]
        macro_rules! test_of_each_case {
            ($dollar run:path) => {
                $(#[test]
                fn $test() {
                    $dollar run($id, stringify!($test));
                })+
            };
        }
    };
}

cases! { $
    descriptor_true "descriptor.true" since "1.0"
        "The header of a stream names the executor, and only capabilities that the adapter has."
        ["fields.meaning", "header.capability.true"]
        needs []
        runs Program::Tasks(TaskProgram::Descriptor);
    task_spawned "task.spawned" since "1.0"
        "Each task is sent once, with its kind, its parent and its executor, and so is the `block_on` around them."
        ["exact.sent", "fields.meaning", "task.spawned.once"]
        needs [Tasks]
        runs Program::Tasks(TaskProgram::Spawned);
    task_ends "task.ends" since "1.0"
        "A task that returned, panicked or was cancelled is sent as such, and a detached task runs to its end."
        ["exact.sent", "fields.meaning", "task.completed.once", "task.completed.sent"]
        needs [Tasks]
        runs Program::Tasks(TaskProgram::Ends);
    task_states "task.states" since "1.0"
        "A waiting task is idle, a task in a poll is running, and its polls, its wakes and both times are counted."
        ["exact.sent", "fields.meaning", "task.state.idle", "task.state.running", "task.stats.sent"]
        needs [Tasks, TaskTimes]
        runs Program::Tasks(TaskProgram::States);
    task_wakes "task.wakes" since "1.0"
        "A wake by another task names that task, and is no wake by the task itself."
        ["exact.sent", "fields.meaning", "task.stats.sent"]
        needs [Tasks, TaskTimes]
        runs Program::Tasks(TaskProgram::Wakes);
    task_foreign_wakers "task.foreign-wakers" since "1.0"
        "While the program keeps a waker of a task, the task has a foreign waker, and its waker is not lost."
        ["exact.sent", "fields.meaning", "task.lost-waker.true"]
        needs [Tasks, ForeignWakers]
        runs Program::Tasks(TaskProgram::ForeignWakers);
    task_joined "task.joined" since "1.0"
        "A task that joins another one waits for the end of that task."
        ["exact.sent", "fields.meaning", "sampled.open-sent"]
        needs [Tasks, Joins]
        runs Program::Tasks(TaskProgram::Joined);

    lock_mutex_held "lock.mutex.held" since "1.0"
        "A task holds a mutex, another task waits for it, and has it after its wait."
        ["edge.hold.before-release", "edge.wait.ends", "exact.sent", "fields.meaning", "sampled.open-sent"]
        needs [Tasks, Mutexes]
        runs Program::Lock(ResourceKind::Mutex, LockProgram::Held);
    lock_mutex_released "lock.mutex.released" since "1.0"
        "The hold of a mutex ends before other code can lock the mutex."
        ["edge.hold.before-release", "exact.sent", "fields.meaning", "sampled.open-sent"]
        needs [Tasks, Mutexes]
        runs Program::Lock(ResourceKind::Mutex, LockProgram::Released);
    lock_mutex_abba "lock.mutex.abba" since "1.0"
        "Two tasks lock two mutexes in opposite orders: each waits for the hold of the other one."
        ["exact.sent", "fields.meaning", "problem.kind.deadlock", "sampled.open-sent"]
        needs [Tasks, Mutexes]
        runs Program::Lock(ResourceKind::Mutex, LockProgram::Abba);
    lock_rwlock_held "lock.rwlock.held" since "1.0"
        "A task holds an rwlock to write, another task waits for it, and has it after its wait."
        ["edge.hold.before-release", "edge.wait.ends", "exact.sent", "fields.meaning", "sampled.open-sent"]
        needs [Tasks, Rwlocks]
        runs Program::Lock(ResourceKind::Rwlock, LockProgram::Held);
    lock_rwlock_released "lock.rwlock.released" since "1.0"
        "The hold of an rwlock ends before other code can lock the rwlock."
        ["edge.hold.before-release", "exact.sent", "fields.meaning", "sampled.open-sent"]
        needs [Tasks, Rwlocks]
        runs Program::Lock(ResourceKind::Rwlock, LockProgram::Released);
    lock_rwlock_abba "lock.rwlock.abba" since "1.0"
        "Two tasks lock two rwlocks in opposite orders: each waits for the hold of the other one."
        ["exact.sent", "fields.meaning", "problem.kind.deadlock", "sampled.open-sent"]
        needs [Tasks, Rwlocks]
        runs Program::Lock(ResourceKind::Rwlock, LockProgram::Abba);
    lock_semaphore_held "lock.semaphore.held" since "1.0"
        "A task holds the permit of a semaphore, another task waits for it, and has it after its wait."
        ["edge.hold.before-release", "edge.wait.ends", "exact.sent", "fields.meaning", "sampled.open-sent"]
        needs [Tasks, Semaphores]
        runs Program::Lock(ResourceKind::Semaphore, LockProgram::Held);
    lock_semaphore_released "lock.semaphore.released" since "1.0"
        "The hold of a permit ends before other code can acquire the permit."
        ["edge.hold.before-release", "exact.sent", "fields.meaning", "sampled.open-sent"]
        needs [Tasks, Semaphores]
        runs Program::Lock(ResourceKind::Semaphore, LockProgram::Released);
    lock_semaphore_abba "lock.semaphore.abba" since "1.0"
        "Two tasks acquire two permits in opposite orders: each waits for the hold of the other one."
        ["exact.sent", "fields.meaning", "problem.kind.deadlock", "sampled.open-sent"]
        needs [Tasks, Semaphores]
        runs Program::Lock(ResourceKind::Semaphore, LockProgram::Abba);

    channel_full "channel.full" since "1.0"
        "A task that sends to a full channel waits for the task that receives."
        ["exact.sent", "fields.meaning", "sampled.open-sent"]
        needs [Tasks, Channels]
        runs Program::Channel(ResourceKind::Channel, ChannelProgram::Full);
    channel_empty "channel.empty" since "1.0"
        "A task that receives from an empty channel waits for the task that sends."
        ["exact.sent", "fields.meaning", "sampled.open-sent"]
        needs [Tasks, Channels]
        runs Program::Channel(ResourceKind::Channel, ChannelProgram::Empty);

    timer_sleeps "timer.sleeps" since "1.0"
        "A sleeping task waits for a timer, and is not stuck."
        ["exact.sent", "fields.meaning", "sampled.open-sent"]
        needs [Tasks, Timers]
        runs Program::Timer(TimerProgram::Sleeps);
}

/// All cases, in the order in which they run.
pub fn cases() -> &'static [Case] {
    CASES
}

/// The case with this ID, or `None` if the suite has no such case.
pub fn case(id: &str) -> Option<&'static Case> {
    CASES.iter().find(|case| case.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn test_is_named_after_its_case() {
        let names: Vec<String> = cases().iter().map(Case::test_name).collect();
        assert_eq!(TESTS, names);
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    }

    #[test]
    fn case_names_rules_of_the_spec_and_a_version_in_order() {
        for case in cases() {
            let unknown: Vec<_> = case.rules.iter().filter(|id| crate::rule(id).is_none()).collect();
            assert!(unknown.is_empty(), "{}: SPEC.md has no rule {unknown:?}", case.id);
            assert!(case.rules.is_sorted(), "{}: {:?}", case.id, case.rules);
            assert!(case.since <= SUITE_VERSION, "{} is of a later version", case.id);
            assert!(case.sentence.ends_with('.'), "{}", case.id);
        }
    }
}
