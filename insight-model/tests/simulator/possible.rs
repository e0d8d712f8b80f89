//! The possible steps in a world.

use crate::action::Action;
use crate::world::*;

impl World {
    /// All steps that some task can do now. With `to_wait`, also the steps by which a task begins to wait.
    pub fn actions(&self, to_wait: bool) -> Vec<Action> {
        let mut actions = Vec::new();
        for (task, it) in self.tasks.iter().enumerate() {
            let task = task as Task;
            let operations = 0..it.operations.len() as u8;
            match it.status {
                Status::Ended => continue,
                Status::Parked => {
                    // A clone of the world costs more than a look at a step that would be illegal.
                    let ready = operations.filter(|at| {
                        let op = &it.operations[usize::from(*at)];
                        op.polled && self.ready(op)
                    });
                    actions.extend(ready.map(|operation| Action::Resume { task, operation }));
                    if it.woken || it.operations.iter().any(|op| op.verb == Verb::Sleep) {
                        actions.push(Action::Poll { task });
                    }
                    continue;
                }
                Status::Runnable => {}
            }
            if to_wait {
                actions.extend((1..1 << it.operations.len()).map(|polled| Action::Park { task, polled }));
            }
            for (of, operation, op) in self.reachable(task) {
                if self.ready(op) {
                    actions.push(Action::Claim { task, of, operation });
                }
                actions.push(Action::Abandon { task, of, operation });
            }
            for target in 0..self.outside() {
                let it = &self.tasks[usize::from(target)];
                if [it.join, it.abort].into_iter().flatten().any(|place| place.has(task)) {
                    actions.push(Action::Cancel { task, target });
                }
            }
            for (resource, it) in self.resources.iter().enumerate() {
                let resource = resource as u8;
                for (hold, _) in it.holds.iter().enumerate().filter(|(_, hold)| hold.place.has(task)) {
                    let hold = hold as u8;
                    actions.push(Action::Release { task, resource, hold });
                    if it.kind == Kind::Channel {
                        actions.push(Action::SendReserved { task, resource, hold });
                    }
                }
                let handles = it.handles.iter().enumerate().filter(|(_, handle)| handle.place.has(task));
                for (handle, sender) in handles.map(|(handle, it)| (handle as u8, it.sender)) {
                    if sender {
                        actions.push(Action::Send { task, resource, handle });
                    } else if it.messages > 0 {
                        actions.push(Action::Receive { task, resource, handle });
                    }
                    actions.push(Action::Drop { task, resource, handle });
                    if to_wait {
                        let verbs = it.verbs().iter().filter(|(verb, _)| verb.by_sender() == Some(sender));
                        let begin = |&(verb, need): &(Verb, u8)| Action::Begin {
                            task,
                            resource,
                            handle,
                            verb,
                            need,
                            guard: Guard::Borrowed,
                        };
                        actions.extend(verbs.map(begin));
                    }
                }
                if it.adders & 1 << task != 0 {
                    actions.push(Action::Add { task, resource });
                    actions.push(Action::Close { task, resource });
                }
                if it.closed_by_any {
                    actions.push(Action::Close { task, resource });
                }
                if to_wait {
                    let guard = Guard::Borrowed;
                    for &(verb, need) in it.verbs() {
                        actions.push(Action::Take { task, resource, verb, need, guard });
                        if verb.by_sender().is_none() {
                            actions.push(Action::Begin { task, resource, handle: NO_HANDLE, verb, need, guard });
                        }
                    }
                }
            }
            actions.push(Action::End { task });
        }
        actions
    }

    /// The pending operations that the task can poll: each with the task that polled it last, and its number there.
    pub fn reachable(&self, task: Task) -> impl Iterator<Item = (Task, u8, &Operation)> {
        let of_task = |(of, it): (usize, &'_ TaskState)| (of as Task, it.operations.len());
        let all = self.tasks.iter().enumerate().map(of_task);
        let all = all.flat_map(|(of, operations)| (0..operations).map(move |at| (of, at)));
        let all = all.map(|(of, at)| (of, at as u8, &self.tasks[usize::from(of)].operations[at]));
        all.filter(move |(_, _, op)| op.place.has(task))
    }
}
