//! Removes parts of a failing program, as long as it still fails.

use crate::action::Action;
use crate::handover::{Item, To};
use crate::program::Program;
use crate::world::{Kind, NO_HANDLE, Place, Tasks};
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
    let handles = program.start.resources.iter().flat_map(|it| &it.handles).filter(|it| it.place.exists()).count();
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
            smaller.start.resources[resource].handles[handle].place = Place::NOWHERE;
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
    smaller.actions.retain_mut(|action| action.resources().iter().all(|resource| **resource != removed));
    for resource in smaller.actions.iter_mut().flat_map(Action::resources) {
        *resource -= u8::from(*resource > removed);
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
    let users = |users: Tasks| {
        let users: Vec<String> = (0..=outside).filter(|it| users & 1 << it != 0).map(task).collect();
        users.join(" and ")
    };
    for (at, it) in program.start.tasks.iter().enumerate() {
        let handles = [("join handle", it.join), ("abort handle", it.abort)];
        for (handle, place) in handles.into_iter().filter_map(|(handle, place)| Some((handle, place?))) {
            writeln!(words, "  {handle} of {} at {}", task(at as u8), users(place.users)).unwrap();
        }
    }
    if program.start.drop_cancels {
        words.push_str("  the drop of a join handle cancels its task\n");
    }
    for (at, it) in program.start.resources.iter().enumerate() {
        write!(words, "  {} of {}", name(at as u8), it.capacity).unwrap();
        if let Kind::Join(of) = it.kind {
            write!(words, ", the end of {}", task(of)).unwrap();
        }
        for (place, handle) in it.handles.iter().enumerate().filter(|(_, it)| it.place.exists()) {
            let end = if handle.sender { "sender" } else { "receiver" };
            let known = if handle.known { "" } else { ", without a message" };
            write!(words, "; {end} {place} at {}{known}", users(handle.place.users)).unwrap();
        }
        if it.adders != 0 {
            write!(words, "; {} may add permits and close it", users(it.adders)).unwrap();
        }
        words.push('\n');
    }
    let mut world = program.start.clone();
    for action in &program.actions {
        let name_of_task = task(action.task());
        let operation = |of: u8, at: u8| world.tasks[usize::from(of)].operations.get(usize::from(at));
        let of_task = |of: u8, at: u8| {
            let by = if of == action.task() { "its".to_owned() } else { format!("{}'s", task(of)) };
            operation(of, at).map(|op| format!("{by} {:?} of {}", op.verb, name(op.resource)))
        };
        let named = |of: u8, at: u8| of_task(of, at).unwrap_or_default();
        let line = match *action {
            Action::Take { resource, verb, need, guard, .. } => {
                format!("{name_of_task}: {verb:?} {need} of {}, at once; its guard: {guard:?}", name(resource))
            }
            Action::Begin { resource, handle, verb, need, guard, .. } => {
                let by = if handle == NO_HANDLE { String::new() } else { format!(" by handle {handle}") };
                let name = name(resource);
                format!("{name_of_task}: polls a {verb:?} of {need} of {name}{by}: pending; its guard: {guard:?}")
            }
            Action::Park { task, polled } => {
                let polled = (0..8).filter(|at| polled & 1 << at != 0);
                let waits: Vec<String> = polled.filter_map(|at| of_task(task, at)).collect();
                format!("{name_of_task}: waits by {}", waits.join(" or "))
            }
            Action::Resume { task, operation } => {
                format!("{name_of_task}: makes progress by {}", named(task, operation))
            }
            Action::Poll { .. } => format!("{name_of_task}: is polled, and waits again"),
            Action::Claim { of, operation, .. } => format!("{name_of_task}: finds ready {}", named(of, operation)),
            Action::Adopt { of, operation, .. } => format!("{name_of_task}: polls {}: pending", named(of, operation)),
            Action::Abandon { of, operation, .. } => format!("{name_of_task}: drops {}", named(of, operation)),
            Action::Add { resource, .. } => format!("{name_of_task}: adds a permit to {}", name(resource)),
            Action::Close { resource, .. } => format!("{name_of_task}: closes {}", name(resource)),
            Action::Cancel { target, .. } => format!("{name_of_task}: cancels {}", task(target)),
            Action::Give { item, to, .. } => {
                let what = match item {
                    Item::End { resource, handle } => format!("handle {handle} of {}", name(resource)),
                    Item::Hold { resource, hold } => format!("hold {hold} of {}", name(resource)),
                    Item::Operation { of, operation } => named(of, operation),
                    Item::Join { target } => format!("the join handle of {}", task(target)),
                };
                match to {
                    To::Users(to) => format!("{name_of_task}: gives {what} to {}", users(to)),
                    To::Message { resource, .. } => format!("{name_of_task}: sends {what} to {}", name(resource)),
                }
            }
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
