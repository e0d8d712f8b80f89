//! A proven problem is confirmed by a search of the program's memory: a handle that other code has refutes it.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

extern crate insight_smol as smol;

use insight::task_name;
use insight_protocol::{Problem, Problems, Tier};
use insight_test_kit::until;
use smol::Task;
use smol::channel::{Receiver, Sender, bounded};
use smol::lock::Mutex;
use std::future::Future;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, mpsc};
use std::time::Duration;

fn address() -> SocketAddr {
    static INSIGHT: OnceLock<SocketAddr> = OnceLock::new();
    let init = || insight::init!(listen => "127.0.0.1:0", settle => Duration::from_millis(50)).address().unwrap();
    *INSIGHT.get_or_init(init)
}

/// The problem of the task with this name, once its search has ended.
fn problem(task: &str) -> Problem {
    until("the problem is there", || {
        let mut stream = TcpStream::connect(address()).unwrap();
        stream.write_all(b"GET /v1/problems HTTP/1.0\r\nHost: localhost\r\n\r\n").unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        let (_, json) = reply.split_once("\r\n\r\n").unwrap();
        let problems: Problems = serde_json::from_str(json).unwrap();
        let is_of = |problem: &&Problem| problem.tasks.iter().any(|it| it.name.as_deref() == Some(task));
        let is_decided = |problem: &&Problem| !problem.unless.iter().any(|way| way.contains("still searches"));
        problems.problems.iter().find(|problem| is_of(problem) && is_decided(problem)).cloned()
    })
}

/// Runs the scenario with new names, until its problem is right. An old copy of a handle may refute a proof, but rarely.
fn check(is_right: impl Fn(&Problem) -> bool, scenario: impl Fn(&'static str)) {
    static SCENARIOS: AtomicUsize = AtomicUsize::new(0);
    let mut wrong = Vec::new();
    while wrong.len() < 8 {
        let name: &'static str = format!("scenario {}", SCENARIOS.fetch_add(1, Ordering::Relaxed)).leak();
        scenario(name);
        match problem(name) {
            problem if is_right(&problem) => return,
            problem => wrong.push((problem.tier, problem.unless)),
        }
    }
    panic!("{wrong:?}");
}

/// Runs the root on a thread of its own, for ever.
fn run<F: Future<Output = ()>>(root: impl FnOnce() -> F + Send + 'static) {
    address();
    std::thread::spawn(move || smol::block_on(root()));
}

type Lock = Arc<Mutex<u8>>;

/// Two tasks that lock two locks in different orders, and wait for each other in between.
fn ab_ba(name: &'static str) -> [Task<()>; 2] {
    let (a, b): (Lock, Lock) = Default::default();
    let (tell_a, told_a) = bounded(1);
    let (tell_b, told_b) = bounded(1);
    let task = |first: Lock, second: Lock, tell: Sender<()>, told: Receiver<()>| async move {
        let _first = first.lock().await;
        tell.send(()).await.unwrap();
        told.recv().await.unwrap();
        let _second = second.lock().await;
    };
    let first = task(a.clone(), b.clone(), tell_a, told_b);
    let second = task(b, a, tell_b, told_a);
    [task_name(name, || smol::spawn(first)), smol::spawn(second)]
}

#[test]
fn locks_in_arcs_are_proven_while_the_root_joins_both_tasks() {
    let root = |name| {
        run(move || async move {
            let [first, second] = ab_ba(name);
            let _ = first.await;
            let _ = second.await;
        })
    };
    check(|problem| problem.tier == Tier::Proven, root);
}

#[test]
fn a_join_handle_that_a_thread_has_refutes() {
    let root = |name| {
        run(move || async move {
            let [first, second] = ab_ba(name);
            let (give, take) = mpsc::channel();
            std::thread::spawn(move || {
                let handle: Task<()> = take.recv().unwrap();
                std::thread::park();
                drop(handle);
            });
            give.send(first).unwrap();
            let _ = second.await;
        })
    };
    check(|problem| problem.unless.iter().any(|way| way.contains("cancel")), root);
}

#[test]
fn the_guard_of_a_leaked_lock_that_a_thread_has_refutes() {
    let root = |name| {
        run(move || async move {
            let leak = || -> &'static Mutex<u8> { Box::leak(Box::default()) };
            let (a, b) = (leak(), leak());
            let (tell_a, told_a) = bounded(1);
            let (tell_b, told_b) = bounded(1);
            let (give, take) = bounded(1);
            let first = async move {
                let guard = a.lock().await;
                let _ = give.send(guard).await;
                let _ = tell_a.send(()).await;
                let _ = told_b.recv().await;
                let _second = b.lock().await;
            };
            let second = async move {
                let _first = b.lock().await;
                let _ = tell_b.send(()).await;
                let _ = told_a.recv().await;
                let _second = a.lock().await;
            };
            std::thread::spawn(move || {
                let guard = take.recv_blocking().unwrap();
                std::thread::park();
                drop(guard);
            });
            let first = task_name(name, || smol::spawn(first));
            let second = smol::spawn(second);
            let _ = first.await;
            let _ = second.await;
        })
    };
    check(|problem| problem.unless.iter().any(|way| way.contains("the guard of")), root);
}

#[test]
fn detached_tasks_of_the_global_executor_are_proven() {
    let root = |name| {
        run(move || async move {
            ab_ba(name).into_iter().for_each(Task::detach);
            // The stack of an ended thread may still have copies of the handles.
            std::future::pending().await
        })
    };
    check(|problem| problem.tier == Tier::Proven, root);
}
