//! Tasks that wait, and then panic. The program expects each of the panics, and no other one.

use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::sleep;

#[tokio::main]
pub async fn main() {
    // The messages of these panics would hide others.
    std::panic::set_hook(Box::new(|_| {}));
    loop {
        let mut tasks = JoinSet::new();
        for number in 0..10 {
            tasks.spawn(fail(number));
        }
        let mut failed = Vec::new();
        while let Some(end) = tasks.join_next().await {
            let panic = end.unwrap_err().into_panic();
            failed.push(*panic.downcast_ref::<u64>().unwrap());
        }
        failed.sort_unstable();
        if !failed.iter().copied().eq(0..10) {
            eprintln!("the tasks {failed:?} panicked");
            std::process::exit(1);
        }
    }
}

async fn fail(number: u64) {
    sleep(Duration::from_millis(2000)).await;
    std::panic::panic_any(number);
}
