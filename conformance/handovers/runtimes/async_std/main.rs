//! Runs the programs on async-std.

#[path = "../async_lock.rs"]
mod async_lock;
#[path = "../interpreter.rs"]
mod interpreter;
mod runtime;
#[path = "../world.rs"]
mod world;

use insight_handovers::{Home, Marks, Program};
use std::process::ExitCode;
use world::{Scoped, Spawning, Stack, play};

fn main() -> ExitCode {
    insight_handovers::main("async_std", start)
}

fn start(programs: Vec<(&'static Program, &'static Marks)>) {
    for (program, marks) in programs {
        if matches!(program.home, Home::Spawn | Home::Runtime) {
            play(Spawning, program, marks, None);
            continue;
        }
        std::thread::spawn(move || {
            let stack = Stack::new(program);
            std::thread::scope(|scope| play(Scoped(scope), program, marks, Some(&stack)));
        });
    }
}
