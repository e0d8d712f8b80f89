//! Runs a program on the runtime of the binary. Each body is one `async fn` with its handles in local variables, as plain code
//! has them.

use crate::runtime::*;
use crate::world::{Held, Home, Owner, Slots, World};
use insight_handovers::{Claim, Kind, Running, SLOTS, Step, stop, turn};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

/// A future in a box.
pub type Boxed<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// The content of a variable. A guard with the lifetime `'a` can be given away, since it borrows from outside of the tasks.
#[allow(dead_code, reason = "a guard is only dropped")]
pub enum Handle<'a> {
    Guard(MutexGuard<'a, ()>),
    OwnedGuard(OwnedMutexGuard),
    Read(RwLockReadGuard<'a, ()>),
    OwnedRead(OwnedReadGuard),
    Write(RwLockWriteGuard<'a, ()>),
    OwnedWrite(OwnedWriteGuard),
    Permits(Permits<'a>),
    OwnedPermits(OwnedPermits),
    Mapped(MappedMutexGuard<'a, ()>),
    OwnedMapped(OwnedMappedGuard),
    Reserved(Reserved<Message<'a>>),
    Sender(Sender<Message<'a>>),
    Receiver(Receiver<Message<'a>>),
    Join(Join),
    Group(Group),
    Aborter(Aborter),
    /// With the number of its body.
    Boxed(usize, Boxed<'a>),
}

/// A message has a handle or none.
pub type Message<'a> = Option<Handle<'a>>;

/// Runs one body to its end.
pub async fn run<'a, H: Home<'a>>(shared: Arc<World<'a, H>>, mut running: Running, mut slots: Slots<'a>) {
    let world = &*shared;
    // Guards that borrow from the `Arc` of this body cannot leave it.
    let mut held: [Option<(Claim, Held<'_>)>; 4] = [const { None }; 4];
    let body = running.body();
    for (at, step) in world.program.bodies[body].steps.iter().enumerate() {
        running.step(at);
        match step {
            Step::Acquire(None, claim) => {
                let guard = match claim {
                    Claim::Lock(lock) => Some(Held::Lock(world.mutexes[*lock].lent().lock().await)),
                    Claim::Read(lock) => Some(Held::Read(world.rwlocks[*lock].lent().read().await)),
                    Claim::Write(lock) => Some(Held::Write(world.rwlocks[*lock].lent().write().await)),
                    Claim::Permits(semaphore, count) => {
                        acquire(world.semaphores[*semaphore].lent(), *count).await.map(Held::Permits)
                    }
                };
                let free = held.iter().position(Option::is_none).unwrap_or(0);
                held[free] = guard.map(|guard| (*claim, guard));
            }
            Step::Acquire(Some(into), claim) => slots[*into] = acquire_into(world, *claim).await,
            Step::Release(resource) => {
                let is_it =
                    |it: &Option<(Claim, Held<'_>)>| it.as_ref().is_some_and(|(held, _)| held.resource() == *resource);
                if let Some(at) = held.iter().rposition(is_it) {
                    held[at] = None;
                }
            }
            Step::Drop(slot) => slots[*slot] = None,
            Step::Detach(slot) => {
                if let Some(Handle::Join(join)) = take(&mut slots, *slot, |it| matches!(it, Handle::Join(_))) {
                    detach(join);
                }
            }
            Step::Abort(slot) => match take(&mut slots, *slot, can_abort) {
                Some(Handle::Group(group)) => abort_group(group).await,
                Some(Handle::Join(join)) => abort(join).await,
                Some(Handle::Aborter(aborter)) => abort_by(aborter),
                _ => {}
            },
            Step::Aborter(into, of) => {
                if let Some(Handle::Join(join)) = &mut slots[*of] {
                    let aborter = aborter(join);
                    slots[*into] = aborter.map(Handle::Aborter);
                }
            }
            Step::Poll(slot) => {
                let is_ready = match &mut slots[*slot] {
                    Some(Handle::Boxed(part, future)) => {
                        world.marks.polls(body, *part);
                        poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_ready())).await
                    }
                    Some(Handle::Join(join)) => {
                        poll_fn(|context| Poll::Ready(Pin::new(&mut *join).poll(context).is_ready())).await
                    }
                    _ => false,
                };
                if is_ready {
                    slots[*slot] = None;
                }
            }
            Step::Await(slot) => {
                let was_awaited = match &mut slots[*slot] {
                    Some(Handle::Boxed(part, future)) => {
                        world.marks.polls(body, *part);
                        future.as_mut().await;
                        true
                    }
                    Some(Handle::Join(join)) => {
                        _ = join.await;
                        true
                    }
                    Some(Handle::Group(group)) => {
                        join_group(group).await;
                        true
                    }
                    _ => false,
                };
                if was_awaited {
                    slots[*slot] = None;
                }
            }
            Step::Close(slot) => match &mut slots[*slot] {
                Some(Handle::Sender(sender)) => close_sender(sender),
                Some(Handle::Receiver(receiver)) => close_receiver(receiver),
                _ => {}
            },
            Step::Send(by, it) => {
                if matches!(slots[*by], Some(Handle::Sender(_) | Handle::Reserved(_))) {
                    let message = it.filter(|it| it != by).and_then(|it| slots[it].take());
                    if let Some(Handle::Sender(sender)) = &mut slots[*by] {
                        send(sender, message).await;
                    } else if let Some(Handle::Reserved(place)) = slots[*by].take() {
                        send_reserved(place, message);
                    }
                }
            }
            Step::Receive(into, by) => {
                if let Some(Handle::Receiver(receiver)) = &mut slots[*by] {
                    let message = receive(receiver).await;
                    slots[*into] = message.flatten();
                }
            }
            Step::Closed(by) => {
                if let Some(Handle::Sender(sender)) = &mut slots[*by] {
                    closed(sender).await;
                }
            }
            Step::Reserve(into, by) => {
                if let Some(Handle::Sender(sender)) = take(&mut slots, *by, |it| matches!(it, Handle::Sender(_))) {
                    slots[*into] = match reserve(sender).await {
                        Ok(place) => place.map(Handle::Reserved),
                        Err(sender) => Some(Handle::Sender(sender)),
                    };
                }
            }
            Step::Map(slot) => {
                slots[*slot] = match slots[*slot].take() {
                    Some(Handle::Guard(guard)) => Some(map(guard)),
                    Some(Handle::OwnedGuard(guard)) => Some(map_owned(guard)),
                    other => other,
                };
            }
            Step::Put(cell, it) => world.put(*cell, slots[*it].take()),
            Step::Take(into, cell) => {
                if let Some(handle) = world.take(*cell) {
                    slots[*into] = Some(handle);
                }
            }
            Step::Spawn(into, part, with) => {
                let with = given(&mut slots, with);
                slots[*into] = spawn_body(shared.clone(), *part, with).map(Handle::Join);
            }
            Step::Group(into, part, with) => {
                let with = given(&mut slots, with);
                slots[*into] = group_body(shared.clone(), *part, with).map(Handle::Group);
            }
            Step::Init(once, part) => {
                let init = || {
                    world.marks.polls(body, *part);
                    boxed(shared.clone(), *part, [const { None }; SLOTS])
                };
                world.onces[*once].get_or_init(init).await;
            }
            Step::ShutDown => world.home.shut_down(),
            Step::Thread(part, with) => {
                let with = given(&mut slots, with);
                start_thread(shared.clone(), *part, with);
            }
            Step::Boxed(into, part, with) => {
                let with = given(&mut slots, with);
                slots[*into] = Some(Handle::Boxed(*part, boxed(shared.clone(), *part, with)));
            }
            Step::Add(semaphore, count) => add_permits(world.semaphores[*semaphore].lent(), *count),
            Step::CloseSemaphore(semaphore) => close_semaphore(world.semaphores[*semaphore].lent()),
            Step::Stop => stop().await,
            Step::Turn(at) => turn(*at).await,
        }
    }
    running.step(world.program.bodies[body].steps.len());
}

/// A guard that can be given away: it owns its lock, or borrows it from outside of the tasks.
async fn acquire_into<'a, H: Home<'a>>(world: &World<'a, H>, claim: Claim) -> Option<Handle<'a>> {
    match claim {
        Claim::Lock(at) => Some(match &world.mutexes[at] {
            Owner::Shared(lock) => Handle::OwnedGuard(lock_owned(lock).await),
            Owner::Lent(lock) => Handle::Guard(lock.lock().await),
        }),
        Claim::Read(at) => Some(match &world.rwlocks[at] {
            Owner::Shared(lock) => Handle::OwnedRead(read_owned(lock).await),
            Owner::Lent(lock) => Handle::Read(lock.read().await),
        }),
        Claim::Write(at) => Some(match &world.rwlocks[at] {
            Owner::Shared(lock) => Handle::OwnedWrite(write_owned(lock).await),
            Owner::Lent(lock) => Handle::Write(lock.write().await),
        }),
        Claim::Permits(at, count) => match &world.semaphores[at] {
            Owner::Shared(semaphore) => acquire_owned(semaphore, count).await.map(Handle::OwnedPermits),
            Owner::Lent(semaphore) => acquire(semaphore, count).await.map(Handle::Permits),
        },
    }
}

fn can_abort(handle: &Handle<'_>) -> bool {
    matches!(handle, Handle::Join(_) | Handle::Group(_) | Handle::Aborter(_))
}

fn take<'a>(slots: &mut Slots<'a>, slot: usize, fits: fn(&Handle<'a>) -> bool) -> Option<Handle<'a>> {
    if slots[slot].as_ref().is_some_and(fits) { slots[slot].take() } else { None }
}

/// Moves some variables into new ones.
fn given<'a>(slots: &mut Slots<'a>, with: &[usize]) -> Slots<'a> {
    let mut given: Slots<'a> = [const { None }; SLOTS];
    with.iter().for_each(|slot| given[*slot] = slots[*slot].take());
    given
}

// Not within `run`: its future cannot be asked there whether it is `Send`.

/// Starts a body as a task.
pub fn spawn_body<'a, H: Home<'a>>(world: Arc<World<'a, H>>, body: usize, mut slots: Slots<'a>) -> Option<Join> {
    world.give_ends(body, &mut slots);
    let running = Running::start(world.marks, body, Kind::Task);
    let name = format!("p{}.{body}", world.marks.program);
    world.clone().home.spawn(name, run(world, running, slots))
}

/// Starts a body as a task in a group.
fn group_body<'a, H: Home<'a>>(world: Arc<World<'a, H>>, body: usize, mut slots: Slots<'a>) -> Option<Group> {
    world.give_ends(body, &mut slots);
    let running = Running::start(world.marks, body, Kind::Task);
    let name = format!("p{}.{body}", world.marks.program);
    world.clone().home.group(name, run(world, running, slots))
}

/// Starts a body as a thread that no runtime knows.
pub fn start_thread<'a, H: Home<'a>>(world: Arc<World<'a, H>>, body: usize, mut slots: Slots<'a>) {
    world.give_ends(body, &mut slots);
    let running = Running::start(world.marks, body, Kind::Thread);
    world.clone().home.thread(move || futures::executor::block_on(run(world, running, slots)));
}

fn boxed<'a, H: Home<'a>>(world: Arc<World<'a, H>>, body: usize, mut slots: Slots<'a>) -> Boxed<'a> {
    world.give_ends(body, &mut slots);
    let running = Running::start(world.marks, body, Kind::Boxed);
    Box::pin(run(world, running, slots))
}
