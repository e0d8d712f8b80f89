//! Programs that make progress in the end, and that were once proven to be stuck.

use crate::action::Action;
use crate::feature::{Feature, Way, What};
use crate::handover::{Item, To};
use crate::program::Program;
use crate::stream::Timers;
use crate::verdict::{Disagreement, Verdict};
use crate::world::*;

const A: Task = 0;
const B: Task = 1;
const C: Task = 2;
const TASKS: usize = 3;
const THREAD: Task = TASKS as Task;

fn channel(sender: Task, receiver: Task) -> Resource {
    let handle =
        |sender, owner| Handle { sender, place: Place::of(owner), owner, shared: false, known: true, fresh: false };
    Resource { handles: vec![handle(true, sender), handle(false, receiver)], ..Resource::new(Kind::Channel, 1) }
}

fn take(task: Task, verb: Verb, need: u8, guard: Guard) -> Action {
    Action::Take { task, resource: 0, verb, need, guard }
}

/// The task polls an operation that waits.
fn poll(task: Task, verb: Verb, need: u8, guard: Guard) -> Action {
    let handle = match verb {
        Verb::Send => 0,
        Verb::Recv => 1,
        _ => NO_HANDLE,
    };
    Action::Begin { task, resource: 0, handle, verb, need, guard }
}

/// The task waits by the last of this number of operations.
fn park(task: Task, operations: u8) -> Action {
    Action::Park { task, polled: 1 << (operations - 1) }
}

fn give(task: Task, item: Item, users: &[Task]) -> Action {
    let users = users.iter().fold(0, |users, user| users | 1 << user);
    Action::Give { task, item, to: To::Users(users) }
}

fn check(resource: Resource, actions: &[Action], borrows: bool) {
    assert_eq!(wrong(&[resource], actions, borrows), 0);
}

/// The tasks with a wrong proof.
fn wrong(resources: &[Resource], actions: &[Action], borrows: bool) -> Tasks {
    let start = World { borrows, ..World::new(TASKS) };
    wrong_from(start, resources, actions)
}

fn wrong_from(start: World, resources: &[Resource], actions: &[Action]) -> Tasks {
    let start = World { handovers: true, resources: resources.to_vec(), ..start };
    let mut world = start.clone();
    for action in actions {
        assert!(world.act(action), "{action:?} is illegal");
    }
    assert!((0..TASKS).any(|task| world.waits(task)), "no task waits");
    let feature = Feature { what: What::Several, way: Way::Task };
    let verdict = Verdict::of(&Program { feature, start, actions: actions.to_vec() }, Timers::Observed);
    let verdict = verdict.expect("there are few states");
    assert_eq!(verdict.stuck, 0, "the program is healthy");
    verdict.wrong(Disagreement::Unsound)
}

const RECEIVER: Item = Item::End { resource: 0, handle: 1 };
const SENDER: Item = Item::End { resource: 0, handle: 0 };
const HOLD: Item = Item::Hold { resource: 0, hold: 0 };
const FULL: Action = Action::Send { task: A, resource: 0, handle: 0 };

#[test]
fn a_receiver_that_a_thread_has_is_no_proof() {
    let send = poll(A, Verb::Send, 1, Guard::Borrowed);
    check(channel(A, A), &[give(A, RECEIVER, &[THREAD]), FULL, send, park(A, 1)], false);
}

#[test]
fn a_receiver_in_a_cell_is_no_proof() {
    let send = poll(A, Verb::Send, 1, Guard::Borrowed);
    check(channel(A, A), &[give(A, RECEIVER, &[A, B]), FULL, send, park(A, 1)], false);
}

#[test]
fn a_sender_that_a_thread_has_is_no_proof() {
    let receive = poll(A, Verb::Recv, 1, Guard::Borrowed);
    check(channel(A, A), &[give(A, SENDER, &[THREAD]), receive, park(A, 1)], false);
}

#[test]
fn a_permit_that_a_thread_adds_is_no_proof() {
    let semaphore = Resource { adders: 1 << THREAD, ..Resource::new(Kind::Semaphore, 1) };
    let acquire = poll(A, Verb::Acquire, 1, Guard::Borrowed);
    check(semaphore, &[take(A, Verb::Acquire, 1, Guard::Borrowed), acquire, park(A, 1)], false);
}

fn check_guard(memory: Memory, guard: Guard, users: &[Task], borrows: bool) {
    let mutex = Resource { memory, ..Resource::new(Kind::Mutex, 1) };
    let lock = poll(A, Verb::Lock, 1, Guard::Borrowed);
    check(mutex, &[take(A, Verb::Lock, 1, guard), give(A, HOLD, users), lock, park(A, 1)], borrows);
}

#[test]
fn a_guard_that_can_leave_its_task_is_no_proof() {
    check_guard(Memory::Heap, Guard::Owned, &[B], false);
    check_guard(Memory::Heap, Guard::Boxed, &[B], false);
    check_guard(Memory::Heap, Guard::Borrowed, &[B], true);
    check_guard(Memory::Static, Guard::Borrowed, &[THREAD], false);
    check_guard(Memory::Leaked, Guard::Borrowed, &[A, THREAD], false);
}

/// A writer in a box waits ahead of the reader A, and A waits behind it. If `ended`, the task that polled it has ended, so the
/// messages have no wait of it.
fn behind_a_writer_in_a_box(ended: bool) -> Tasks {
    let owner = if ended { C } else { A };
    let end = ended.then_some(Action::End { task: C });
    let before = [
        take(A, Verb::Read, 1, Guard::Borrowed),
        poll(owner, Verb::Write, 30, Guard::Boxed),
        give(owner, Item::Operation { of: owner, operation: 0 }, &[THREAD]),
    ];
    let after = [
        poll(A, Verb::Read, 1, Guard::Borrowed),
        park(A, if ended { 1 } else { 2 }),
        poll(B, Verb::Write, 30, Guard::Borrowed),
        park(B, 1),
    ];
    let actions: Vec<Action> = before.into_iter().chain(end).chain(after).collect();
    wrong(&[Resource::new(Kind::Rwlock, 1)], &actions, false)
}

#[test]
fn a_reader_behind_a_writer_in_a_box_is_not_proven() {
    assert_eq!(behind_a_writer_in_a_box(false), 0);
}

/// The task that last polled the writer in the box has ended, so its wait is not observed. No observed wait explains that A waits.
#[test]
fn a_reader_behind_a_writer_of_an_ended_task_is_not_proven() {
    assert_eq!(behind_a_writer_in_a_box(true), 0);
}

/// A lock of the second resource serves any task, and wakes only the first one. That is an operation that B no longer polls. But
/// another operation of A, which it does not poll either, wakes A. So A looks, and finds the lock free.
#[test]
fn a_task_that_is_woken_by_an_operation_that_it_does_not_poll_is_not_proven() {
    let barging = Resource { barging: true, ..Resource::new(Kind::Mutex, 1) };
    let lock_second = |task, at_once| match at_once {
        true => Action::Take { task, resource: 1, verb: Verb::Lock, need: 1, guard: Guard::Borrowed },
        false => {
            let (handle, guard) = (NO_HANDLE, Guard::Borrowed);
            Action::Begin { task, resource: 1, handle, verb: Verb::Lock, need: 1, guard }
        }
    };
    let actions = [
        lock_second(C, true),
        lock_second(B, false),
        Action::Release { task: C, resource: 1, hold: 0 },
        lock_second(C, true),
        take(B, Verb::Lock, 1, Guard::Shared),
        poll(A, Verb::Lock, 1, Guard::Borrowed),
        poll(B, Verb::Lock, 1, Guard::Borrowed),
        park(B, 2),
        lock_second(A, false),
        park(A, 2),
    ];
    assert_eq!(wrong(&[Resource::new(Kind::Mutex, 1), barging], &actions, false), 0);
}

/// A locks the mutex twice. B spawned it, and has its join handle at first.
fn with_join_handle(abort: Option<Place>, resource: Option<Resource>, actions: &[Action]) -> Tasks {
    let mut start = World { cancels: true, ..World::new(TASKS) };
    start.tasks[usize::from(A)].join = Some(Place::of(B));
    start.tasks[usize::from(A)].abort = abort;
    let resources: Vec<Resource> = [Resource::new(Kind::Mutex, 1)].into_iter().chain(resource).collect();
    let twice = [take(A, Verb::Lock, 1, Guard::Borrowed), poll(A, Verb::Lock, 1, Guard::Borrowed), park(A, 1)];
    let actions: Vec<Action> = twice.iter().chain(actions).cloned().collect();
    wrong_from(start, &resources, &actions)
}

fn on_second(task: Task, handle: u8, verb: Verb) -> Action {
    Action::Begin { task, resource: 1, handle, verb, need: 1, guard: Guard::Borrowed }
}

#[test]
fn a_task_that_other_code_can_cancel_is_not_proven() {
    // B joins it, but a thread has an abort handle.
    let join = [on_second(B, NO_HANDLE, Verb::Join), park(B, 1)];
    let thread = Some(Place::of(THREAD));
    assert_eq!(with_join_handle(thread, Some(Resource::new(Kind::Join(A), 1)), &join), 0);
    // B gives the join handle to a thread, and waits behind A.
    let give = give(B, Item::Join { target: A }, &[THREAD]);
    assert_eq!(with_join_handle(None, None, &[give, poll(B, Verb::Lock, 1, Guard::Borrowed), park(B, 1)]), 0);
    // B waits for a channel. A thread has its receiver, so B makes progress and can cancel A.
    let receiver = Action::Give { task: B, item: Item::End { resource: 1, handle: 1 }, to: To::Users(1 << THREAD) };
    let full = Action::Send { task: B, resource: 1, handle: 0 };
    let send = [receiver, full, on_second(B, 0, Verb::Send), park(B, 1)];
    assert_eq!(with_join_handle(None, Some(channel(B, B)), &send), 0);
}
