//! Tasks wait for a request to stop, by `closed()` of a channel and by a `watch`. The task that stops them awaits a signal.

use tokio::sync::mpsc::{Sender, channel};
use tokio::sync::watch;

#[tokio::main]
pub async fn main() {
    let (stop, stopping) = watch::channel(false);
    let (results, mut collected) = channel(1);
    for _ in 0..3 {
        tokio::spawn(work(results.clone(), stopping.clone()));
    }
    drop((results, stopping));
    tokio::signal::ctrl_c().await.unwrap();
    stop.send(true).unwrap();
    while collected.recv().await.is_some() {}
}

async fn work(results: Sender<u64>, mut stopping: watch::Receiver<bool>) {
    tokio::select! {
        () = results.closed() => {}
        _ = stopping.changed() => results.send(1).await.unwrap(),
    }
}
