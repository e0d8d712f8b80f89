//! A program under load: many tasks on a few workers use random resources, with timeouts, cancellations, panics and
//! aborts, and nothing is stuck. `cargo xtask load` checks its recording by the rules of the protocol.
//!
//!     stress [--seconds N] [--seed N] [--tasks N] [--resources N]
//!
//! When the time is over, every task ends and every resource is dropped. Then the program prints `stress: done`, and it
//! ends when its stdin ends.
//!
//! This module is the same on each runtime. The module `runtime` of the program that includes it contains the differences.

use crate::runtime::{
    Mutex, Receiver, RwLock, Semaphore, Sender, abort, acquire, acquire_owned, answer, blocking, both, channel, crowd,
    first_of, join, let_go, lock_owned, question, read_owned, receive, send, sleep, spawn, timeout, write_owned,
    yield_now,
};
use fastrand::Rng;
use std::future::Future;
use std::io::Read;
use std::panic;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub struct Arguments {
    seconds: u64,
    seed: u64,
    tasks: usize,
    resources: usize,
}

enum Resource {
    Mutex(Arc<Mutex<u64>>),
    Rwlock(Arc<RwLock<u64>>),
    Semaphore(Arc<Semaphore>),
    Channel { sender: Sender<u64>, receiver: Arc<Mutex<Receiver<u64>>> },
}

struct Service {
    resources: Vec<Resource>,
    deadline: Instant,
}

/// The payload of this program's own panics.
const ON_PURPOSE: &str = "on purpose";

/// `main` calls this first.
pub fn begin() -> Arguments {
    insight::init();
    let arguments = arguments();
    let loud = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if info.payload().downcast_ref() != Some(&ON_PURPOSE) {
            loud(info);
        }
    }));
    arguments
}

/// `main` calls this last.
pub fn end() {
    eprintln!("stress: done");
    // The program lives on, so that the recorded end can be read, until the process that started it closes its stdin.
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

fn arguments() -> Arguments {
    let mut arguments = Arguments { seconds: 60, seed: 1, tasks: 1_000, resources: 200 };
    let mut given = std::env::args().skip(1);
    while let Some(name) = given.next() {
        let value = given.next().and_then(|value| value.parse().ok());
        match (&*name, value) {
            ("--seconds", Some(seconds)) => arguments.seconds = seconds,
            ("--seed", Some(seed)) => arguments.seed = seed,
            ("--tasks", Some(tasks)) => arguments.tasks = tasks as usize,
            ("--resources", Some(resources @ 1..)) => arguments.resources = resources as usize,
            _ => {
                eprintln!("stress: expected [--seconds N] [--seed N] [--tasks N] [--resources N], not `{name}`");
                std::process::exit(2);
            }
        }
    }
    arguments
}

/// Runs the load until all of its tasks have ended.
pub async fn stress(Arguments { seconds, seed, tasks, resources }: Arguments) {
    let mut rng = Rng::with_seed(seed);
    let resources = (0..resources)
        .map(|number| match number % 4 {
            0 => Resource::Mutex(Arc::new(Mutex::new(0))),
            1 => Resource::Rwlock(Arc::new(RwLock::new(0))),
            2 => Resource::Semaphore(Arc::new(Semaphore::new(rng.usize(1..5)))),
            _ => {
                let (sender, receiver) = channel(rng.usize(1..4));
                Resource::Channel { sender, receiver: Arc::new(Mutex::new(receiver)) }
            }
        })
        .collect();
    let deadline = Instant::now() + Duration::from_secs(seconds);
    let service = Arc::new(Service { resources, deadline });
    let ended = crowd(tasks, deadline, || worker(service.clone(), rng.fork())).await;
    eprintln!("stress: {ended} tasks ended");
}

/// Takes some random steps. When it ends, a new worker takes its place.
async fn worker(service: Arc<Service>, mut rng: Rng) {
    for _ in 0..rng.usize(1..30) {
        if Instant::now() > service.deadline {
            return;
        }
        match rng.u8(0..20) {
            0 => sleep(some_time(&mut rng)).await,
            1 => panic::panic_any(ON_PURPOSE),
            2 => abort_a_child(&service, &mut rng).await,
            3 => {
                // This future is dropped while it is pending.
                let (time, mut one) = (some_time(&mut rng), rng.fork());
                first_of(use_one(&service, &mut one), sleep(time)).await;
            }
            4 => join(spawn(worker_of_one(service.clone(), rng.fork()))).await,
            5 => {
                let (mut one, mut other) = (rng.fork(), rng.fork());
                both(use_one(&service, &mut one), use_one(&service, &mut other)).await;
            }
            6 => hand_on(&service, &mut rng).await,
            7 => ask(&mut rng).await,
            _ => use_one(&service, &mut rng).await,
        }
    }
}

/// Gives a guard to another task, which may end before it uses the guard, or to a thread outside of all tasks.
async fn hand_on(service: &Service, rng: &mut Rng) {
    let guard: Box<dyn Send> = match &service.resources[rng.usize(0..service.resources.len())] {
        Resource::Mutex(mutex) => Box::new(lock_owned(mutex).await),
        Resource::Rwlock(lock) if rng.bool() => Box::new(read_owned(lock).await),
        Resource::Rwlock(lock) => Box::new(write_owned(lock).await),
        Resource::Semaphore(semaphore) => Box::new(acquire_owned(semaphore).await),
        Resource::Channel { sender, .. } => Box::new(sender.clone()),
    };
    let time = some_time(rng);
    match rng.u8(0..4) {
        0 => blocking(move || drop(guard)).await,
        1 => drop(std::thread::spawn(move || drop(guard))),
        _ => {
            let other = spawn(async move {
                sleep(time).await;
                drop(guard);
            });
            if rng.bool() { abort(other).await } else { let_go(other) }
        }
    }
}

/// Waits for an answer of another task, which answers or only ends.
async fn ask(rng: &mut Rng) {
    let (answers, asked) = question();
    let (time, is_answered) = (some_time(rng), rng.bool());
    let_go(spawn(async move {
        sleep(time).await;
        if is_answered {
            answer(answers);
        }
    }));
    let _ = patiently(rng, asked).await;
}

async fn worker_of_one(service: Arc<Service>, mut rng: Rng) {
    use_one(&service, &mut rng).await;
    if rng.u8(0..8) == 0 {
        panic::panic_any(ON_PURPOSE);
    }
}

async fn abort_a_child(service: &Arc<Service>, rng: &mut Rng) {
    let child = spawn(worker_of_one(service.clone(), rng.fork()));
    if rng.bool() {
        yield_now().await;
    }
    abort(child).await;
}

/// Waits for at most one resource, and never for one while it holds another, so that nothing can be stuck for ever.
async fn use_one(service: &Service, rng: &mut Rng) {
    let hold = some_time(rng);
    match &service.resources[rng.usize(0..service.resources.len())] {
        Resource::Mutex(mutex) => {
            if let Some(mut guard) = patiently(rng, mutex.lock()).await {
                *guard += 1;
                rest(rng, hold).await;
            }
        }
        Resource::Rwlock(lock) if rng.bool() => {
            if let Some(guard) = patiently(rng, lock.read()).await {
                std::hint::black_box(*guard);
                rest(rng, hold).await;
            }
        }
        Resource::Rwlock(lock) => {
            if let Some(mut guard) = patiently(rng, lock.write()).await {
                *guard += 1;
                rest(rng, hold).await;
            }
        }
        Resource::Semaphore(semaphore) => {
            if let Some(permit) = patiently(rng, acquire(semaphore)).await {
                rest(rng, hold).await;
                drop(permit);
            }
        }
        Resource::Channel { sender, .. } if rng.bool() => {
            let _ = timeout(hold, send(sender, rng.u64(..))).await;
        }
        Resource::Channel { receiver, .. } => {
            if let Some(mut receiver) = patiently(rng, receiver.lock()).await {
                let _ = timeout(hold, receive(&mut receiver)).await;
            }
        }
    }
}

/// Waits without limit or, in half of the cases, only for a short time.
async fn patiently<T>(rng: &mut Rng, wait: impl Future<Output = T>) -> Option<T> {
    if rng.bool() { Some(wait.await) } else { timeout(some_time(rng), wait).await }
}

async fn rest(rng: &mut Rng, time: Duration) {
    match rng.u8(0..4) {
        0 => sleep(time).await,
        1 => yield_now().await,
        _ => {}
    }
}

fn some_time(rng: &mut Rng) -> Duration {
    Duration::from_micros(rng.u64(1..4_000))
}
