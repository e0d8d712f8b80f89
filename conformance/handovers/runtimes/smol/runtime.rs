//! smol's names.

pub use crate::async_lock::*;
pub use smol::channel::{Receiver, Sender, bounded as channel};
use std::future::Future;

pub type Join = smol::Task<()>;
/// There are no groups of tasks, so this is a group of one.
pub type Group = Join;

pub fn block_on(future: impl Future<Output = ()>) {
    smol::block_on(future);
}

pub fn spawn(future: impl Future<Output = ()> + Send + 'static) -> Join {
    smol::spawn(future)
}

pub async fn send<T>(sender: &Sender<T>, message: T) {
    _ = sender.send(message).await;
}

pub async fn receive<T>(receiver: &mut Receiver<T>) -> Option<T> {
    receiver.recv().await.ok()
}

pub async fn closed<T>(sender: &Sender<T>) {
    sender.closed().await;
}

pub fn close_sender<T>(sender: &Sender<T>) {
    sender.close();
}

pub fn close_receiver<T>(receiver: &mut Receiver<T>) {
    receiver.close();
}

pub fn detach(join: Join) {
    join.detach();
}

/// A dropped task is cancelled.
pub async fn abort(join: Join) {
    drop(join);
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
