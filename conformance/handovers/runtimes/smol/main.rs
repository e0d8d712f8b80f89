//! Runs the programs on smol.

#[path = "../async_lock.rs"]
mod async_lock;
#[path = "../interpreter.rs"]
mod interpreter;
mod runtime;
#[path = "../world.rs"]
mod world;

use insight_handovers::{Home, Marks, Program, turn};
use runtime::Join;
use smol::Executor;
use std::future::Future;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread::Scope;
use world::{Home as Spawns, Scoped, Spawning, Stack, play};

/// An executor whose tasks borrow from a thread's stack.
struct Within<'scope, 'env>(&'scope Scope<'scope, 'env>, Arc<Executor<'scope>>);

impl<'scope, 'env: 'scope> Spawns<'scope> for Within<'scope, 'env> {
    fn spawn(&self, name: String, future: impl Future<Output = ()> + Send + 'scope) -> Option<Join> {
        Some(insight::task_name(&name, || self.1.spawn(future)))
    }

    fn group(&self, name: String, future: impl Future<Output = ()> + Send + 'scope) -> Option<Join> {
        self.spawn(name, future)
    }

    fn thread(&self, body: impl FnOnce() + Send + 'scope) {
        self.0.spawn(body);
    }
}

fn main() -> ExitCode {
    insight_handovers::main("smol", start)
}

fn start(programs: Vec<(&'static Program, &'static Marks)>) {
    for (program, marks) in programs {
        if matches!(program.home, Home::Spawn | Home::Runtime) {
            play(Spawning, program, marks, None);
            continue;
        }
        std::thread::spawn(move || {
            let stack = Stack::new(program);
            std::thread::scope(|scope| {
                if program.home == Home::Scope {
                    return play(Scoped(scope), program, marks, Some(&stack));
                }
                let executor = Arc::new(Executor::new());
                play(Within(scope, executor.clone()), program, marks, Some(&stack));
                smol::block_on(executor.run(turn(usize::MAX)));
            });
        });
    }
}
