//! async-std's names.

pub use crate::async_lock::*;
pub use async_std::channel::{Receiver, Sender, bounded as channel};
use std::future::Future;

pub type Join = async_std::task::JoinHandle<()>;
/// There are no groups of tasks, so this is a group of one.
pub type Group = Join;

pub fn block_on(future: impl Future<Output = ()>) {
    async_std::task::block_on(future);
}

pub fn spawn(future: impl Future<Output = ()> + Send + 'static) -> Join {
    async_std::task::spawn(future)
}

pub async fn send<T>(sender: &Sender<T>, message: T) {
    _ = sender.send(message).await;
}

pub async fn receive<T>(receiver: &mut Receiver<T>) -> Option<T> {
    receiver.recv().await.ok()
}

/// These channels cannot be asked for it.
pub async fn closed<T>(_: &Sender<T>) {}

pub fn close_sender<T>(sender: &Sender<T>) {
    sender.close();
}

pub fn close_receiver<T>(receiver: &mut Receiver<T>) {
    receiver.close();
}

/// A dropped handle detaches its task.
pub fn detach(_: Join) {}

/// Cancels, and waits until the task is gone.
pub async fn abort(join: Join) {
    join.cancel().await;
}

pub fn group(future: impl Future<Output = ()> + Send + 'static) -> Group {
    spawn(future)
}

pub async fn join_group(group: &mut Group) {
    group.await;
}

pub async fn abort_group(group: Group) {
    abort(group).await;
}
