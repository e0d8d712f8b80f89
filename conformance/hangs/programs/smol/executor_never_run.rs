//! A task is spawned on an executor that nobody runs any more. It is ready to run; nothing waits for what could not happen,
//! so nothing is claimed.

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
