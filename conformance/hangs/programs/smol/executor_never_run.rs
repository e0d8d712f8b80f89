//! A task is spawned on an executor that no thread runs any more. It is ready to run and waits for nothing, so a tool must
//! not report it.

use smol::Executor;

static EXECUTOR: Executor = Executor::new();

pub fn main() {
    smol::block_on(run());
}

async fn run() {
    EXECUTOR.run(async {}).await;
    EXECUTOR.spawn(work()).await;
}

async fn work() {
    println!("done");
}
