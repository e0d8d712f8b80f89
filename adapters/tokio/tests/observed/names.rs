//! Names that a program gives to resources and, as it spawns them, to tasks.

use crate::common::bench;
use insight_model::Model;
use insight_probe::{name, task_name};
use std::future::{Future, pending};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use tokio::runtime::{Handle, Runtime};
use tokio::sync::{Barrier, Mutex, Notify, OnceCell, RwLock, Semaphore, SetOnce, broadcast, mpsc, oneshot, watch};
use tokio::task::{AbortHandle, JoinSet};

/// The tasks that a test leaves running.
type Left = Vec<AbortHandle>;

type BoxFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

fn task_names(model: &Model) -> Vec<String> {
    let names = model.tasks.values().filter_map(|task| task.origin.name.as_deref());
    // Without the path of a type's name. Names of the program have none.
    let mut names: Vec<String> = names.map(|name| name.rsplit("::").next().unwrap_or(name).to_owned()).collect();
    names.sort();
    names
}

fn check_tasks(spawn: impl FnOnce(&Runtime) -> Left, expect: &[&str]) {
    bench(|bench, runtime| {
        let left = spawn(runtime);
        bench.until(|model| (model.tasks.len() == expect.len()).then_some(()));
        assert_eq!(task_names(&bench.model), expect);
        left.iter().for_each(AbortHandle::abort);
    });
}

async fn waits() {
    pending().await
}

#[test]
fn a_task_has_the_name_that_it_is_spawned_with() {
    check_tasks(|runtime| vec![task_name("writer", || runtime.spawn(waits())).abort_handle()], &["writer"]);
    check_tasks(|runtime| vec![task_name("writer", || runtime.handle().spawn(waits())).abort_handle()], &["writer"]);
    check_tasks(|runtime| [(); 2].map(|()| runtime.spawn(waits()).abort_handle()).into(), &["waits", "waits"]);
    // A name is for the first task only, the inner name wins over the outer one, and none is left over.
    check_tasks(
        |runtime| {
            let spawn = || runtime.spawn(waits()).abort_handle();
            let (first, second) = task_name("first", || (spawn(), spawn()));
            let (inner, outer) = task_name("outer", || (task_name("inner", spawn), spawn()));
            task_name("nobody", || {});
            let _ = catch_unwind(AssertUnwindSafe(|| task_name("nobody", || panic!("on purpose"))));
            vec![first, second, inner, outer, spawn()]
        },
        &["first", "inner", "outer", "waits", "waits"],
    );
    check_tasks(
        |runtime| {
            let _entered = runtime.enter();
            let mut set = JoinSet::new();
            let member = task_name("member", || set.spawn(waits()));
            set.detach_all();
            let in_task = runtime.block_on(async { task_name("in a task", || tokio::spawn(waits())).abort_handle() });
            vec![member, in_task]
        },
        &["in a task", "member"],
    );
}

#[test]
fn threads_and_roots_have_names_too() {
    bench(|bench, runtime| {
        let (stop, mut stopped) = mpsc::channel::<u8>(1);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                task_name("root", || {
                    runtime.block_on(async {
                        let handle = Handle::current();
                        let thread =
                            task_name("thread", || handle.spawn_blocking(move || stopped.blocking_recv().is_none()));
                        thread.await.unwrap();
                    });
                });
            });
            bench.until(|model| (task_names(model) == ["root", "thread"]).then_some(()));
            // The resource for the end of a task has the task's name.
            bench.until(|model| {
                let joins = model.resources.values().filter(|resource| resource.kind.as_str() == "join");
                let names: Vec<_> = joins.map(|resource| resource.name.as_deref()).collect();
                (names == [Some("thread")]).then_some(())
            });
            drop(stop);
        });
    });
}

fn names(model: &Model) -> Vec<&str> {
    let mut names: Vec<&str> = model.resources.values().filter_map(|resource| resource.name.as_deref()).collect();
    names.sort();
    names
}

#[test]
fn a_resource_has_the_name_that_it_is_given() {
    bench(|bench, runtime| {
        let lock = Arc::new(Mutex::new(1));
        name(&lock, "before its first use");
        let used = Mutex::new(2);
        runtime.block_on(async { drop((lock.lock().await, used.lock().await)) });
        let bounded = mpsc::channel::<u8>(1);
        let unbounded = mpsc::unbounded_channel::<u8>();
        name(&bounded.0, "by its sender");
        name(&unbounded.1, "by its receiver");
        bench.until(|model| (names(model).len() == 3).then_some(()));
        name(&used, "after its first use");
        // The first name stays.
        name(&bounded.1, "another");
        let expect = ["after its first use", "before its first use", "by its receiver", "by its sender"];
        bench.until(|model| (names(model).len() == 4).then_some(()));
        assert_eq!(names(bench.after_settling()), expect);
    });
}

/// Each task names its resource and waits on it, since many resources are recorded only at a wait.
fn named_and_waiting() -> Vec<(&'static str, BoxFuture)> {
    fn row(name: &'static str, work: impl Future<Output = ()> + Send + 'static) -> (&'static str, BoxFuture) {
        (name, Box::pin(work))
    }
    vec![
        row("RwLock", async {
            let lock = RwLock::new(1);
            name(&lock, "RwLock");
            let _held = lock.write().await;
            drop(lock.read().await);
        }),
        row("Semaphore", async {
            let semaphore = Arc::new(Semaphore::new(0));
            name(&semaphore, "Semaphore");
            drop(semaphore.acquire().await);
        }),
        row("Notify", async {
            let notify = Notify::new();
            name(&notify, "Notify");
            notify.notified().await;
        }),
        row("Barrier", async {
            let barrier = Barrier::new(2);
            name(&barrier, "Barrier");
            barrier.wait().await;
        }),
        row("OnceCell", async {
            let cell = OnceCell::new();
            name(&cell, "OnceCell");
            cell.get_or_init(|| async { pending::<()>().await }).await;
        }),
        row("SetOnce", async {
            let cell = SetOnce::<u8>::new();
            name(&cell, "SetOnce");
            cell.wait().await;
        }),
        row("oneshot::Sender", async {
            let (mut sender, _receiver) = oneshot::channel::<u8>();
            name(&sender, "oneshot::Sender");
            sender.closed().await;
        }),
        row("oneshot::Receiver", async {
            let (_sender, receiver) = oneshot::channel::<u8>();
            name(&receiver, "oneshot::Receiver");
            drop(receiver.await);
        }),
        row("watch::Sender", async {
            let (sender, _receiver) = watch::channel(1);
            name(&sender, "watch::Sender");
            sender.closed().await;
        }),
        row("watch::Receiver", async {
            let (_sender, mut receiver) = watch::channel(1);
            name(&receiver, "watch::Receiver");
            drop(receiver.changed().await);
        }),
        row("broadcast::Sender", async {
            let (sender, _receiver) = broadcast::channel::<u8>(1);
            name(&sender, "broadcast::Sender");
            sender.closed().await;
        }),
        row("broadcast::WeakSender", async {
            let (sender, mut receiver) = broadcast::channel::<u8>(1);
            name(&sender.downgrade(), "broadcast::WeakSender");
            drop(receiver.recv().await);
        }),
        row("broadcast::Receiver", async {
            let (_sender, mut receiver) = broadcast::channel::<u8>(1);
            name(&receiver, "broadcast::Receiver");
            drop(receiver.recv().await);
        }),
        row("mpsc::WeakSender", async {
            let (sender, mut receiver) = mpsc::channel::<u8>(1);
            name(&sender.downgrade(), "mpsc::WeakSender");
            receiver.recv().await;
        }),
        row("JoinSet", async {
            let mut set = JoinSet::new();
            name(&set, "JoinSet");
            set.spawn(waits());
            set.join_next().await;
        }),
    ]
}

#[test]
fn every_type_can_be_given_a_name() {
    bench(|bench, runtime| {
        let mut expect: Vec<&str> = Vec::new();
        let mut left: Left = Vec::new();
        for (name, work) in named_and_waiting() {
            expect.push(name);
            left.push(runtime.spawn(work).abort_handle());
        }
        expect.sort();
        bench.until(|model| (names(model).len() == expect.len()).then_some(()));
        assert_eq!(names(&bench.model), expect);
        left.iter().for_each(AbortHandle::abort);
    });
}
