//! Runs the programs on tokio.

#[path = "../interpreter.rs"]
mod interpreter;
mod runtime;
#[path = "../world.rs"]
mod world;

use insight_handovers::{Home, Marks, Program, turn};
use runtime::{Group, Join};
use std::future::Future;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};
use tokio::runtime::{Builder, Handle, Runtime};
use world::{Home as Spawns, Scoped, Spawning, Stack, play};

/// A runtime of the program's own.
struct Own(Handle, Mutex<Option<Runtime>>);

impl Spawns<'static> for Own {
    fn spawn(&self, name: String, future: impl Future<Output = ()> + Send + 'static) -> Option<Join> {
        Some(insight::task_name(&name, || self.0.spawn(future)))
    }

    fn group(&self, name: String, future: impl Future<Output = ()> + Send + 'static) -> Option<Group> {
        let mut group = Group::new();
        insight::task_name(&name, || group.spawn_on(future, &self.0));
        Some(group)
    }

    fn thread(&self, body: impl FnOnce() + Send + 'static) {
        std::thread::spawn(body);
    }

    fn shut_down(&self) {
        let runtime = self.1.lock().unwrap_or_else(PoisonError::into_inner).take();
        runtime.into_iter().for_each(Runtime::shutdown_background);
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        // The last task drops it, where a runtime's own drop may not wait.
        self.shut_down();
    }
}

fn main() -> ExitCode {
    insight_handovers::main("tokio", start)
}

fn start(programs: Vec<(&'static Program, &'static Marks)>) {
    let mut spawning = Vec::new();
    for (program, marks) in programs {
        match program.home {
            Home::Spawn => spawning.push((program, marks)),
            Home::Runtime => {
                let runtime = Builder::new_multi_thread().worker_threads(1).build().expect("tokio can start");
                let own = Own(runtime.handle().clone(), Mutex::new(Some(runtime)));
                play(own, program, marks, None);
            }
            Home::Scope | Home::Executor => {
                std::thread::spawn(move || {
                    let stack = Stack::new(program);
                    std::thread::scope(|scope| play(Scoped(scope), program, marks, Some(&stack)));
                });
            }
        }
    }
    // As `#[tokio::main]` does.
    runtime::block_on(async move {
        for (program, marks) in spawning {
            play(Spawning, program, marks, None);
        }
        turn(usize::MAX).await;
    });
}
