//! The resources of a program, and the ways in which its tasks are spawned.

use crate::interpreter::{Handle, Message, spawn_body, start_thread};
use crate::runtime::*;
use insight_handovers::{End, Marks, Place, Program, Role, SLOTS};
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use std::thread::Scope;

/// The variables of a body.
pub type Slots<'a> = [Option<Handle<'a>>; SLOTS];

/// A guard that borrows from the body that has it.
#[allow(dead_code, reason = "a guard is only dropped")]
pub enum Held<'b> {
    Lock(MutexGuard<'b, ()>),
    Read(RwLockReadGuard<'b, ()>),
    Write(RwLockWriteGuard<'b, ()>),
    Permits(Permits<'b>),
}

/// A resource in an `Arc`, or one that lives outside of the tasks.
pub enum Owner<'a, T> {
    Shared(Arc<T>),
    Lent(&'a T),
}

impl<T> Owner<'_, T> {
    /// Borrowed from the body's own reference.
    pub fn lent(&self) -> &T {
        match self {
            Owner::Shared(it) => it,
            Owner::Lent(it) => it,
        }
    }
}

/// Spawns the tasks of a program, and starts its threads.
pub trait Home<'a>: Send + Sync + 'a {
    fn spawn(&self, name: String, future: impl Future<Output = ()> + Send + 'a) -> Option<Join>;
    fn group(&self, name: String, future: impl Future<Output = ()> + Send + 'a) -> Option<Group>;
    fn thread(&self, body: impl FnOnce() + Send + 'a);
    fn shut_down(&self) {}
}

/// The runtime's own `spawn`, and plain threads.
pub struct Spawning;

impl Home<'static> for Spawning {
    fn spawn(&self, name: String, future: impl Future<Output = ()> + Send + 'static) -> Option<Join> {
        Some(insight::task_name(&name, || spawn(future)))
    }

    fn group(&self, name: String, future: impl Future<Output = ()> + Send + 'static) -> Option<Group> {
        Some(insight::task_name(&name, || group(future)))
    }

    fn thread(&self, body: impl FnOnce() + Send + 'static) {
        std::thread::spawn(body);
    }
}

/// Scoped threads. Each task is the root of a `block_on`, and has no handle.
pub struct Scoped<'scope, 'env>(pub &'scope Scope<'scope, 'env>);

impl<'scope, 'env: 'scope> Home<'scope> for Scoped<'scope, 'env> {
    fn spawn(&self, name: String, future: impl Future<Output = ()> + Send + 'scope) -> Option<Join> {
        self.0.spawn(move || insight::task_name(&name, || block_on(future)));
        None
    }

    fn group(&self, name: String, future: impl Future<Output = ()> + Send + 'scope) -> Option<Group> {
        self.spawn(name, future);
        None
    }

    fn thread(&self, body: impl FnOnce() + Send + 'scope) {
        self.0.spawn(body);
    }
}

/// Everything that the bodies of a program share.
pub struct World<'a, H> {
    pub home: H,
    pub program: &'static Program,
    pub marks: &'static Marks,
    pub mutexes: Vec<Owner<'a, Mutex<()>>>,
    pub rwlocks: Vec<Owner<'a, RwLock<()>>>,
    pub semaphores: Vec<Owner<'a, Semaphore>>,
    pub onces: Vec<OnceCell<()>>,
    cells: Vec<StdMutex<Option<Handle<'a>>>>,
    /// The channel ends of each body that has not started.
    ends: Vec<StdMutex<Slots<'a>>>,
}

impl<'a, H: Home<'a>> World<'a, H> {
    /// Puts a handle into a cell.
    pub fn put(&self, cell: usize, handle: Option<Handle<'a>>) {
        let before = std::mem::replace(&mut *self.cells[cell].lock().unwrap_or_else(PoisonError::into_inner), handle);
        // Not under the lock.
        drop(before);
    }

    /// Takes the handle of a cell.
    pub fn take(&self, cell: usize) -> Option<Handle<'a>> {
        self.cells[cell].lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Moves the channel ends of a body into its variables.
    pub fn give_ends(&self, body: usize, slots: &mut Slots<'a>) {
        let mut ends = self.ends[body].lock().unwrap_or_else(PoisonError::into_inner);
        for (slot, end) in slots.iter_mut().zip(ends.iter_mut()) {
            if end.is_some() {
                *slot = end.take();
            }
        }
    }
}

/// The locks on the stack of a thread. A program with more has the others in the heap.
pub struct Stack {
    mutexes: [Mutex<()>; 4],
    rwlocks: [RwLock<()>; 4],
    semaphores: [Semaphore; 4],
}

impl Stack {
    pub fn new(program: &Program) -> Stack {
        Stack {
            mutexes: [(); 4].map(|()| Mutex::new(())),
            rwlocks: [(); 4].map(|()| RwLock::new(())),
            semaphores: std::array::from_fn(|at| Semaphore::new(program.semaphores.get(at).map_or(0, |it| it.1))),
        }
    }
}

const STATICS: usize = 256;
static MUTEXES: [Mutex<()>; STATICS] = [const { mutex() }; STATICS];
static RWLOCKS: [RwLock<()>; STATICS] = [const { rwlock() }; STATICS];
/// The numbers of statics that are taken. Each thread that makes a world counts; Relaxed, since a static is shared anyway.
static TAKEN: [AtomicUsize; 2] = [const { AtomicUsize::new(0) }; 2];

/// Makes the resources of a program, and starts its tasks and threads.
pub fn play<'a, H: Home<'a>>(home: H, program: &'static Program, marks: &'static Marks, stack: Option<&'a Stack>) {
    let mutexes = program.mutexes.iter().enumerate().map(|(at, place)| {
        let on_stack = stack.and_then(|it| it.mutexes.get(at));
        owner(*place, Mutex::new(()), on_stack, || next_static(&MUTEXES, &TAKEN[0]))
    });
    let rwlocks = program.rwlocks.iter().enumerate().map(|(at, place)| {
        let on_stack = stack.and_then(|it| it.rwlocks.get(at));
        owner(*place, RwLock::new(()), on_stack, || next_static(&RWLOCKS, &TAKEN[1]))
    });
    let semaphores = program.semaphores.iter().enumerate().map(|(at, (place, permits))| {
        let on_stack = stack.and_then(|it| it.semaphores.get(at));
        // A semaphore in a static would have a constant number of permits.
        owner(*place, Semaphore::new(*permits), on_stack, || None)
    });
    let mut ends: Vec<Slots<'a>> = program.bodies.iter().map(|_| [const { None }; SLOTS]).collect();
    for (at, capacity) in program.channels.iter().enumerate() {
        let (sender, receiver) = channel::<Message<'a>>((*capacity).max(1));
        let mut receiver = Some(receiver);
        for (ends, body) in ends.iter_mut().zip(&program.bodies) {
            for (slot, end) in &body.ends {
                match end {
                    End::Sender(channel) if *channel == at => ends[*slot] = Some(Handle::Sender(sender.clone())),
                    End::Receiver(channel) if *channel == at => ends[*slot] = receiver.take().map(Handle::Receiver),
                    _ => {}
                }
            }
        }
    }
    let world = Arc::new(World {
        program,
        marks,
        mutexes: mutexes.collect(),
        rwlocks: rwlocks.collect(),
        semaphores: semaphores.collect(),
        onces: (0..program.onces).map(|_| OnceCell::new()).collect(),
        cells: (0..program.cells).map(|_| StdMutex::new(None)).collect(),
        ends: ends.into_iter().map(StdMutex::new).collect(),
        home,
    });
    for (body, role) in program.bodies.iter().map(|body| body.role).enumerate() {
        match role {
            Role::Task => _ = spawn_body(world.clone(), body, [const { None }; SLOTS]).map(detach),
            Role::Thread => start_thread(world.clone(), body, [const { None }; SLOTS]),
            Role::Part => {}
        }
    }
}

fn owner<'a, T>(
    place: Place,
    made: T,
    on_stack: Option<&'a T>,
    next_static: impl FnOnce() -> Option<&'static T>,
) -> Owner<'a, T>
where
    T: 'static,
{
    let leaked = |it: T| Owner::Lent(&**Box::leak(Box::new(Arc::new(it))));
    match place {
        Place::Shared => Owner::Shared(Arc::new(made)),
        Place::Leaked => leaked(made),
        Place::Static => next_static().map_or_else(|| leaked(made), Owner::Lent),
        Place::Stack => on_stack.map_or_else(|| leaked(made), Owner::Lent),
    }
}

fn next_static<T>(all: &'static [T], taken: &AtomicUsize) -> Option<&'static T> {
    all.get(taken.fetch_add(1, Ordering::Relaxed))
}
