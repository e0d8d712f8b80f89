//! Waits in each crate that is replaced. It uses only items that the oldest version has, too. Each line with `// waits`
//! is a wait that does not end.

use std::future::pending;
use std::sync::Arc;

#[tokio::main]
async fn main() {
    let (sender, mut receiver) = tokio::sync::mpsc::channel(2);
    tokio::spawn(async move {
        for number in 0.. {
            sender.send(number).await.unwrap(); // waits, 2 of 2
        }
    });
    // The observed length must not count the message that was received.
    assert_eq!(receiver.recv().await, Some(0));
    let (_sender, mut none) = tokio::sync::mpsc::unbounded_channel::<()>();
    tokio::spawn(async move {
        none.recv().await; // waits, 0 of none
    });
    let permits = Arc::new(tokio::sync::Semaphore::new(3));
    let _permits = permits.clone().acquire_many_owned(2).await.unwrap();
    tokio::spawn(async move {
        let _permits = permits.acquire_many(2).await; // waits, 2 of 3
    });

    async_std::task::spawn(async {
        async_std::task::spawn(pending::<()>()).await; // waits
    });

    async_global_executor::spawn(async {
        let lock = async_lock::RwLock::new(());
        let _first = lock.write().await;
        let _second = lock.read().await; // waits
    })
    .detach();
    smol::spawn(async {
        let lock = async_lock::Mutex::new(());
        let _first = lock.lock().await;
        let _second = lock.lock().await; // waits
    })
    .detach();
    let (first, second) = async_channel::bounded(1);
    smol::spawn(async move {
        first.send(()).await.unwrap();
        first.send(()).await.unwrap(); // waits, 1 of 1
    })
    .detach();
    let (_first, one) = async_channel_1::bounded::<()>(1);
    smol::spawn(async move { one.recv().await.is_err() }).detach(); // waits, 0 of 1

    let executor: &async_executor::Executor = Box::leak(Box::new(async_executor::Executor::new()));
    tokio::spawn(executor.run(pending::<()>()));
    let (sender, listener) = (flume::bounded(1), event_listener::Event::new());
    executor
        .spawn(async move {
            let (sender, _receiver) = sender;
            sender.send_async(()).await.unwrap();
            sender.send_async(()).await.unwrap(); // waits, 1 of 1
        })
        .detach();
    executor
        .spawn(async move {
            listener.listen().await; // waits
        })
        .detach();

    let (_giver, mut taker) = want::new();
    let (_sender, oneshot) = futures_channel::oneshot::channel::<()>();
    taker.want();
    let waits = async move {
        oneshot.await.unwrap(); // waits
    };
    let (runnable, task) = async_task::spawn(waits, |runnable: async_task::Runnable| assert!(!runnable.run()));
    runnable.schedule();
    let (mut giver, _taker) = want::new();
    tokio::spawn(async move {
        std::future::poll_fn(|context| giver.poll_want(context)).await.unwrap(); // waits
    });
    task.await;
    drop((receiver, second));
}
