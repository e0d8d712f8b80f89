//! Removes parts of a failing program, as long as it still fails.

use crate::program::Program;
use crate::step::Action;
use crate::world::{Kind, NO_HANDLE};
use std::fmt::Write;

/// The smallest part of `program` that we find for which `fails` holds.
pub fn shrink(program: &Program, fails: impl Fn(&Program) -> bool) -> Program {
    let mut program = program.clone();
    keep_legal(&mut program);
    loop {
        let before = size(&program);
        for smaller in candidates(&program) {
            // Candidates come from the earlier program, which may be larger than the present one.
            if size(&smaller) < size(&program) && fails(&smaller) {
                program = smaller;
                break;
            }
        }
        if size(&program) == before {
            return program;
        }
    }
}

/// Removes the steps without an effect.
fn keep_legal(program: &mut Program) {
    let mut world = program.start.clone();
    program.actions.retain(|action| world.act(action));
}

fn size(program: &Program) -> (usize, usize, usize) {
    let resources = program.start.resources.len();
    let handles = program.start.resources.iter().flat_map(|it| &it.handles).filter(|it| it.users != 0).count();
    (resources, program.actions.len(), handles)
}

fn candidates(program: &Program) -> Vec<Program> {
    let mut candidates = Vec::new();
    for resource in 0..program.start.resources.len() {
        candidates.extend(without_resource(program, resource as u8));
    }
    let actions = program.actions.len();
    for chunk in [8, 4, 2, 1] {
        for at in (0..actions).step_by(chunk) {
            let mut smaller = program.clone();
            smaller.actions.drain(at..(at + chunk).min(actions));
            keep_legal(&mut smaller);
            candidates.push(smaller);
        }
    }
    // A task that has ended makes the program simpler.
    for task in 0..program.start.tasks.len() as u8 {
        let mut smaller = program.clone();
        smaller.actions.retain(|action| action.task() != task);
        smaller.actions.insert(0, Action::End { task });
        keep_legal(&mut smaller);
        candidates.push(smaller);
    }
    for resource in 0..program.start.resources.len() {
        for handle in 0..program.start.resources[resource].handles.len() {
            let mut smaller = program.clone();
            smaller.start.resources[resource].handles[handle].users = 0;
            keep_legal(&mut smaller);
            candidates.push(smaller);
        }
    }
    candidates
}

/// The program without one resource and its steps.
fn without_resource(program: &Program, removed: u8) -> Option<Program> {
    let mut smaller = program.clone();
    smaller.start.resources.remove(usize::from(removed));
    smaller.actions.retain(|action| action.resource() != Some(removed));
    for action in &mut smaller.actions {
        match action {
            Action::Take { resource, .. }
            | Action::Begin { resource, .. }
            | Action::Release { resource, .. }
            | Action::Send { resource, .. }
            | Action::SendReserved { resource, .. }
            | Action::Receive { resource, .. }
            | Action::Drop { resource, .. } => *resource -= u8::from(*resource > removed),
            _ => {}
        }
    }
    keep_legal(&mut smaller);
    (!smaller.start.resources.is_empty()).then_some(smaller)
}

/// The program in words, with one line for each step.
pub fn words(program: &Program) -> String {
    let mut words = String::new();
    let outside = program.start.outside();
    let task = |task: u8| if task == outside { "outside".to_owned() } else { format!("task {}", task + 1) };
    let name = |resource: u8| format!("{} {}", program.start.resources[usize::from(resource)].word(), resource + 1);
    for (at, it) in program.start.resources.iter().enumerate() {
        write!(words, "  {} of {}", name(at as u8), it.capacity).unwrap();
        if let Kind::Join(of) = it.kind {
            write!(words, ", the end of {}", task(of)).unwrap();
        }
        for (place, handle) in it.handles.iter().enumerate().filter(|(_, it)| it.users != 0) {
            let end = if handle.sender { "sender" } else { "receiver" };
            let users: Vec<String> = (0..=outside).filter(|it| handle.users & 1 << it != 0).map(task).collect();
            let known = if handle.known { "" } else { ", without a message" };
            write!(words, "; {end} {place} at {}{known}", users.join(" and ")).unwrap();
        }
        words.push('\n');
    }
    let mut world = program.start.clone();
    for action in &program.actions {
        let name_of_task = task(action.task());
        let on = |at: u8| world.tasks[usize::from(action.task())].operations.get(usize::from(at)).map(|op| op.verb);
        let named = |at: u8| {
            let op = &world.tasks[usize::from(action.task())].operations[usize::from(at)];
            format!("its {:?} of {}", op.verb, name(op.resource))
        };
        let line = match *action {
            Action::Take { resource, verb, need, shared, .. } => {
                let shared = if shared { ", by a guard that others can reach" } else { "" };
                format!("{name_of_task}: {verb:?} {need} of {}, at once{shared}", name(resource))
            }
            Action::Begin { resource, handle, verb, need, .. } => {
                let by = if handle == NO_HANDLE { String::new() } else { format!(" by handle {handle}") };
                format!("{name_of_task}: polls a {verb:?} of {need} of {}{by}: pending", name(resource))
            }
            Action::Park { polled, .. } => {
                let waits: Vec<String> =
                    (0..8).filter(|at| polled & 1 << at != 0 && on(*at).is_some()).map(named).collect();
                format!("{name_of_task}: waits by {}", waits.join(" or "))
            }
            Action::Resume { operation, .. } => format!("{name_of_task}: makes progress by {}", named(operation)),
            Action::Poll { .. } => format!("{name_of_task}: is polled, and waits again"),
            Action::Claim { operation, .. } => format!("{name_of_task}: finds ready {}", named(operation)),
            Action::Abandon { operation, .. } => format!("{name_of_task}: drops {}", named(operation)),
            Action::Release { resource, hold, .. } => {
                format!("{name_of_task}: releases hold {hold} of {}", name(resource))
            }
            Action::Send { resource, handle, .. } => {
                format!("{name_of_task}: sends to {} by handle {handle}", name(resource))
            }
            Action::SendReserved { resource, .. } => {
                format!("{name_of_task}: sends to {} by a reserved place", name(resource))
            }
            Action::Receive { resource, .. } => format!("{name_of_task}: receives from {}", name(resource)),
            Action::Drop { resource, handle, .. } => {
                format!("{name_of_task}: drops handle {handle} of {}", name(resource))
            }
            Action::End { .. } => format!("{name_of_task}: ends"),
        };
        writeln!(words, "  {line}").unwrap();
        world.act(action);
    }
    words
}
