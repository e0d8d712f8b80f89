//! Futures that depend on the number of their polls. Each is polled when it is created and when its event comes. A tool
//! may poll it once more, as each future must allow. More polls end the program.

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::sleep;

#[tokio::main]
pub async fn main() {
    let tasks = (0..20).map(|_| tokio::spawn(count()));
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
}

async fn count() {
    loop {
        let polls = Counted { polls: 0, inner: pin!(sleep(Duration::from_millis(2000))) }.await;
        if !(2..=3).contains(&polls) {
            eprintln!("a future was polled {polls} times");
            std::process::exit(1);
        }
    }
}

struct Counted<F> {
    polls: u32,
    inner: F,
}

impl<F: Future + Unpin> Future for Counted<F> {
    type Output = u32;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context) -> Poll<u32> {
        self.polls += 1;
        let polls = self.polls;
        Pin::new(&mut self.inner).poll(context).map(|_| polls)
    }
}
