//! The program that `cargo xtask attack` attacks. Each mode does something that a healthy service may do and that a
//! recorder can handle wrongly.
//!
//!     attacked MODE [ARGUMENT...]
//!
//! The program prints `attacked: ready` when the mode has done its work. From then on it answers each line of its stdin
//! with the number of steps that one of its tasks has taken. It ends when its stdin ends.

use insight_tracing::layer;
use std::future::pending;
use std::io::BufRead;
use std::process::exit;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Mutex, Semaphore, broadcast, oneshot, watch};
use tokio::task::yield_now;
use tokio::time::sleep;
use tracing::trace_span;
use tracing_subscriber::{layer::SubscriberExt, util::SubscriberInitExt};

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

/// The number of steps that the running task has taken.
static STEPS: AtomicU64 = AtomicU64::new(0);
/// The number of lines that were read from stdin.
static LINES: AtomicU64 = AtomicU64::new(0);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["idle"] => observed(async {}),
        ["star", tasks] => observed(star(number(tasks))),
        ["signal", kind, tasks] => observed(signal(kind.to_string(), number(tasks))),
        ["crowd", tasks] => observed(crowd(number(tasks))),
        ["late", tasks, mib] => {
            insight::init!(max_bytes => number::<usize>(mib) * MIB);
            serve(late(number(tasks)));
        }
        ["names", tasks] => observed(names(number(tasks))),
        ["long-names", tasks] => observed(long_names(number(tasks))),
        ["changing", tasks] => observed(changing(number(tasks))),
        ["paused"] => observed(paused()),
        ["files"] => observed(files()),
        ["source", file] => source(file),
        ["short", milliseconds, end] => short(Duration::from_millis(number(milliseconds)), end),
        ["worker"] => short(Duration::from_millis(300), "return"),
        ["worker-of-itself"] => observed(worker_of_itself()),
        ["thread-local"] => thread_local(),
        #[cfg(unix)]
        ["handles-abort"] => unix::handles_abort(),
        #[cfg(unix)]
        ["exec"] => unix::exec(),
        #[cfg(unix)]
        ["pause-in-a-fork"] => unix::pause_in_a_fork(),
        #[cfg(unix)]
        ["forks", milliseconds] => unix::forks(Duration::from_millis(number(milliseconds))),
        #[cfg(unix)]
        ["daemon"] => unix::daemon(),
        other => {
            eprintln!("attacked: there is no mode `{}` on this platform; see examples/attacked.rs", other.join(" "));
            exit(2);
        }
    }
}

fn number<N: FromStr>(text: &str) -> N {
    text.parse().unwrap_or_else(|_| {
        eprintln!("attacked: not a number: {text}");
        exit(2)
    })
}

fn observed(work: impl Future<Output = ()> + Send + 'static) {
    insight::init();
    serve(work);
}

/// Does the work of the mode, keeps running, and answers each line until stdin ends.
fn serve(work: impl Future<Output = ()> + Send + 'static) {
    let runtime = runtime();
    runtime.spawn(async {
        // Every mode has this task, so that the attack can check that the program keeps running.
        loop {
            // It spawns one more task in each step, so that tasks are spawned, woken, polled and joined all the time.
            let _ = tokio::spawn(sleep(Duration::from_millis(1))).await;
            STEPS.fetch_add(1, Ordering::Relaxed);
        }
    });
    runtime.spawn(async {
        work.await;
        eprintln!("attacked: ready");
    });
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        LINES.fetch_add(1, Ordering::Relaxed);
        eprintln!("attacked: {line}: {} steps", STEPS.load(Ordering::Relaxed));
    }
    runtime.shutdown_background();
}

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("the runtime can be built")
}

/// One task locks the same mutex twice, and many tasks wait for this mutex.
async fn star(tasks: usize) {
    let lock = Arc::new(Mutex::new(0));
    let (locked, is_locked) = oneshot::channel();
    let own = lock.clone();
    tokio::spawn(async move {
        let _once = own.lock().await;
        let _ = locked.send(());
        let _twice = own.lock().await;
    });
    let _ = is_locked.await;
    for _ in 0..tasks {
        let lock = lock.clone();
        tokio::spawn(async move { *lock.lock().await += 1 });
    }
}

/// Many tasks that wait for the end of the service.
async fn signal(kind: String, tasks: usize) {
    let (broadcast, _) = broadcast::channel::<()>(1);
    let (watch, _) = watch::channel(0);
    for _ in 0..tasks {
        let (mut end, mut version) = (broadcast.subscribe(), watch.subscribe());
        match kind.as_str() {
            "broadcast" => drop(tokio::spawn(async move { drop(end.recv().await) })),
            _ => drop(tokio::spawn(async move { drop(version.changed().await) })),
        }
    }
    // The senders live as long as the service.
    tokio::spawn(async move {
        pending::<()>().await;
        drop((broadcast, watch));
    });
}

/// `tasks` tasks hold a permit for ever, and as many tasks wait for one.
async fn crowd(tasks: usize) {
    let permits = Arc::new(Semaphore::new(tasks));
    for _ in 0..tasks {
        let permits = permits.clone();
        tokio::spawn(async move {
            let _permit = permits.acquire().await;
            pending::<()>().await;
        });
    }
    while permits.available_permits() > 0 {
        yield_now().await;
    }
    for _ in 0..tasks {
        let permits = permits.clone();
        tokio::spawn(async move { drop(permits.acquire().await) });
    }
}

/// Spawns more tasks than the recorder has memory for.
async fn late(tasks: usize) {
    for _ in 0..tasks {
        tokio::spawn(pending::<()>());
    }
}

/// Spawns many tasks one after the other, each with its own name.
async fn names(tasks: usize) {
    for task in 0..tasks {
        let name = format!("request {task:09} of client 10.0.{}.{}", task / 256 % 256, task % 256);
        let _ = insight::task_name(&name, || tokio::spawn(yield_now())).await;
    }
}

/// Spawns tasks and creates mutexes one after the other, each with a name of 1 MiB.
async fn long_names(tasks: usize) {
    for task in 0..tasks {
        let name = format!("{task}{}", "x".repeat(MIB));
        let lock = Mutex::new(0);
        insight::name(&lock, &name);
        *lock.lock().await += 1;
        let _ = insight::task_name(&name, || tokio::spawn(yield_now())).await;
    }
}

/// Many tasks wait. Every few microseconds one of them ends and another one is spawned.
async fn changing(tasks: usize) {
    let waits = Arc::new(Semaphore::new(0));
    for _ in 0..tasks {
        let waits = waits.clone();
        tokio::spawn(async move { drop(waits.acquire_owned().await) });
    }
    tokio::spawn(async move {
        loop {
            waits.add_permits(1);
            let again = waits.clone();
            tokio::spawn(async move { drop(again.acquire_owned().await) });
            yield_now().await;
        }
    });
}

/// A task lives on while the recording is paused. The pause comes with the first line of stdin.
async fn paused() {
    drop(insight::task_name("through the pause", || tokio::spawn(pending::<()>())));
    tokio::spawn(async {
        while LINES.load(Ordering::Relaxed) == 0 {
            sleep(Duration::from_millis(10)).await;
        }
        insight::pause();
        insight::resume();
        eprintln!("attacked: resumed");
    });
}

/// The program opens files itself, and prints how many of them it could not open.
async fn files() {
    tokio::spawn(async {
        let mut failed = 0;
        loop {
            for _ in 0..100 {
                failed += u32::from(std::fs::File::open("/etc/hostname").is_err());
            }
            eprintln!("attacked: {failed} files not opened");
            sleep(Duration::from_millis(200)).await;
        }
    });
}

/// A library reports, in a span, that this file is its source.
fn source(file: &str) {
    insight::init();
    tracing_subscriber::registry().with(layer()).init();
    let span = trace_span!(
        target: "insight", parent: None, "task",
        id = 1_u64, kind = "task", name = "of a library", executor = "library", file = file, line = 1_u64, column = 1_u64
    );
    span.in_scope(|| {});
    serve(async {});
}

/// Starts its own program again, with the same environment.
async fn worker_of_itself() {
    waiting(100);
    let worker = std::env::current_exe().expect("the program knows its file");
    match tokio::process::Command::new(worker).arg("worker").output().await {
        Ok(output) => eprint!("{}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => eprintln!("attacked: {error}"),
    }
}

fn waiting(tasks: usize) {
    for _ in 0..tasks {
        tokio::spawn(pending::<()>());
    }
}

/// Ends by itself after `time`.
fn short(time: Duration, end: &str) {
    insight::init();
    let runtime = runtime();
    runtime.block_on(async {
        waiting(10);
        yield_now().await;
        sleep(time).await;
    });
    match end {
        "exit" => exit(0),
        "abort" => std::process::abort(),
        "panic" => panic!("on purpose"),
        "kept" => std::mem::forget(runtime),
        "large" => {
            // This is more than the file size that the attack allows with `ulimit -f`.
            let names: Vec<String> = (0..200).map(|task| format!("{task}{}", "x".repeat(KIB))).collect();
            runtime.block_on(async {
                for name in names.iter().cycle().take(20_000) {
                    let _ = insight::task_name(name, || tokio::spawn(yield_now())).await;
                }
            });
        }
        _ => {}
    }
}

/// Spawns a task with a name while the thread's local variables are dropped.
fn thread_local() {
    struct Late(Runtime);

    impl Drop for Late {
        fn drop(&mut self) {
            insight::task_name("late", || drop(self.0.spawn(pending::<()>())));
        }
    }

    thread_local! {
        static LATE: std::cell::RefCell<Option<Late>> = const { std::cell::RefCell::new(None) };
    }

    insight::init();
    let late = Late(runtime());
    let thread = std::thread::spawn(move || {
        // The thread's variables are dropped in the reverse order of their first use: insight's own variable, which is
        // used second, is gone when `LATE` is dropped.
        LATE.with(|place| *place.borrow_mut() = Some(late));
        insight::task_name("early", || ());
    });
    eprintln!("attacked: the thread ended well: {}", thread.join().is_ok());
}

#[cfg(unix)]
mod unix {
    use super::{exit, observed, runtime, short, sleep, waiting};
    use backtrace::Backtrace;
    use std::future::pending;
    use std::os::unix::process::CommandExt;
    use std::process::Command;
    use std::time::{Duration, Instant};
    use tokio::signal::unix::{SignalKind, signal};

    /// Installs its own handler for SIGABRT, which calls the handler that was there before.
    pub fn handles_abort() {
        insight::init();
        observed(async {
            let mut aborts = signal(SignalKind::from_raw(libc::SIGABRT)).expect("the signal can be handled");
            tokio::spawn(async move {
                while aborts.recv().await.is_some() {
                    eprintln!("attacked: SIGABRT");
                }
            });
        });
    }

    /// Replaces itself by another program that also records.
    pub fn exec() {
        insight::init();
        let runtime = runtime();
        runtime.block_on(async {
            waiting(10);
            recorded(10).await;
        });
        let own = std::env::current_exe().expect("the program knows its file");
        let error = Command::new(own).arg("worker").exec();
        eprintln!("attacked: {error}");
    }

    /// Waits until the recording has so many tasks: `exec` ends the recording without notice.
    async fn recorded(tasks: usize) {
        let file = std::env::var_os("INSIGHT_RECORD").expect("the program records");
        for _ in 0..2_000 {
            let recording = std::fs::read_to_string(&file).unwrap_or_default();
            if recording.matches("\"task.spawned\"").count() >= tasks {
                return;
            }
            sleep(Duration::from_millis(10)).await;
        }
        eprintln!("attacked: the recording does not have {tasks} tasks after 20 s");
    }

    /// Whether this process has a thread of this name.
    fn has_thread(name: &str) -> bool {
        let tasks = std::fs::read_dir("/proc/self/task").expect("Linux lists the threads");
        let names = tasks.flatten().filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
        names.into_iter().any(|comm| comm.trim_end() == name)
    }

    /// Forks while it records, and pauses in the child.
    pub fn pause_in_a_fork() {
        insight::init();
        // The recorder works from now on.
        while !has_thread("insight-record") {
            std::thread::yield_now();
        }
        // SAFETY: the child calls only functions that take no lock of another thread, which this mode checks.
        match unsafe { libc::fork() } {
            0 => {
                eprintln!("attacked: child: pause {}, resume {}", insight::pause(), insight::resume());
                // SAFETY: it ends only this process.
                unsafe { libc::_exit(0) }
            }
            child => {
                let mut status = 0;
                // SAFETY: `status` lives longer than the call.
                unsafe { libc::waitpid(child, &mut status, 0) };
                eprintln!("attacked: the child ended with {status}");
                short(Duration::from_millis(300), "return");
            }
        }
    }

    /// Forks again and again while clients connect and disconnect. Each child starts a thread, waits for its end, and
    /// ends. Some children take a backtrace, which is slow.
    pub fn forks(time: Duration) {
        insight::init();
        // The clients take traces of this task.
        let runtime = runtime();
        runtime.spawn(pending::<()>());
        let start = Instant::now();
        let (mut children, mut stuck) = (0, 0);
        while start.elapsed() < time {
            // SAFETY: the program's other threads wait, so the child may do all that the program may do.
            match unsafe { libc::fork() } {
                0 => {
                    let takes_backtrace = children % 50 == 0;
                    let ended = std::thread::spawn(move || takes_backtrace.then(Backtrace::new)).join();
                    // SAFETY: it ends only this process.
                    unsafe { libc::_exit(i32::from(ended.is_err())) }
                }
                child => {
                    children += 1;
                    stuck += u32::from(!ends(child));
                }
            }
        }
        eprintln!("attacked: {stuck} of {children} children got stuck");
    }

    /// Whether the child ends within ten seconds. Otherwise it is killed.
    fn ends(child: libc::pid_t) -> bool {
        let start = Instant::now();
        let mut status = 0;
        // SAFETY: `status` lives longer than the call.
        while unsafe { libc::waitpid(child, &mut status, libc::WNOHANG) } == 0 {
            if start.elapsed() > Duration::from_secs(10) {
                // SAFETY: nothing has waited for the child's end yet, so the process ID still belongs to the child.
                unsafe {
                    libc::kill(child, libc::SIGKILL);
                    libc::waitpid(child, &mut status, 0);
                }
                return false;
            }
            std::thread::yield_now();
        }
        true
    }

    /// Goes into the background after it has begun to record, and begins to record again there.
    pub fn daemon() {
        insight::init();
        // SAFETY: as in `forks`; the parent ends at once.
        if unsafe { libc::fork() } != 0 {
            exit(0);
        }
        observed(async { waiting(10) });
    }
}
