//! tokio's names.

use crate::interpreter::Handle;
use std::future::Future;
use std::sync::{Arc, LazyLock};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
pub use tokio::sync::mpsc::{Receiver, Sender};
pub use tokio::sync::{Mutex, MutexGuard, OnceCell, RwLock, RwLockReadGuard, RwLockWriteGuard, Semaphore};

pub type OwnedMutexGuard = tokio::sync::OwnedMutexGuard<()>;
pub type OwnedReadGuard = tokio::sync::OwnedRwLockReadGuard<()>;
pub type OwnedWriteGuard = tokio::sync::OwnedRwLockWriteGuard<()>;
pub type Permits<'a> = tokio::sync::SemaphorePermit<'a>;
pub type OwnedPermits = tokio::sync::OwnedSemaphorePermit;
pub type Join = tokio::task::JoinHandle<()>;
pub type Group = tokio::task::JoinSet<()>;
pub type MappedMutexGuard<'a, T> = tokio::sync::MappedMutexGuard<'a, T>;
pub type OwnedMappedGuard = tokio::sync::OwnedMappedMutexGuard<(), ()>;
pub type Reserved<T> = mpsc::OwnedPermit<T>;
pub type Aborter = tokio::task::AbortHandle;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("tokio can start"));

pub fn block_on(future: impl Future<Output = ()>) {
    RUNTIME.block_on(future);
}

pub fn spawn(future: impl Future<Output = ()> + Send + 'static) -> Join {
    RUNTIME.spawn(future)
}

pub fn group(future: impl Future<Output = ()> + Send + 'static) -> Group {
    let mut group = Group::new();
    group.spawn_on(future, RUNTIME.handle());
    group
}

/// Waits until each task of the group has ended.
pub async fn join_group(group: &mut Group) {
    while group.join_next().await.is_some() {}
}

pub async fn abort_group(mut group: Group) {
    group.abort_all();
}

pub fn map<'a>(guard: MutexGuard<'a, ()>) -> Handle<'a> {
    Handle::Mapped(MutexGuard::map(guard, |it| it))
}

pub fn map_owned<'a>(guard: OwnedMutexGuard) -> Handle<'a> {
    Handle::OwnedMapped(OwnedMutexGuard::map(guard, |it| it))
}

pub async fn reserve<T>(sender: Sender<T>) -> Result<Option<Reserved<T>>, Sender<T>> {
    Ok(sender.reserve_owned().await.ok())
}

pub fn send_reserved<T>(place: Reserved<T>, message: T) {
    place.send(message);
}

pub const fn mutex() -> Mutex<()> {
    Mutex::const_new(())
}

pub const fn rwlock() -> RwLock<()> {
    RwLock::const_new(())
}

pub fn lock_owned(lock: &Arc<Mutex<()>>) -> impl Future<Output = OwnedMutexGuard> + use<> {
    lock.clone().lock_owned()
}

pub fn read_owned(lock: &Arc<RwLock<()>>) -> impl Future<Output = OwnedReadGuard> + use<> {
    lock.clone().read_owned()
}

pub fn write_owned(lock: &Arc<RwLock<()>>) -> impl Future<Output = OwnedWriteGuard> + use<> {
    lock.clone().write_owned()
}

pub async fn acquire(semaphore: &Semaphore, count: usize) -> Option<Permits<'_>> {
    semaphore.acquire_many(count as u32).await.ok()
}

pub async fn acquire_owned(semaphore: &Arc<Semaphore>, count: usize) -> Option<OwnedPermits> {
    semaphore.clone().acquire_many_owned(count as u32).await.ok()
}

pub fn add_permits(semaphore: &Semaphore, count: usize) {
    semaphore.add_permits(count);
}

pub fn close_semaphore(semaphore: &Semaphore) {
    semaphore.close();
}

pub fn channel<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    mpsc::channel(capacity)
}

pub async fn send<T>(sender: &Sender<T>, message: T) {
    _ = sender.send(message).await;
}

pub async fn receive<T>(receiver: &mut Receiver<T>) -> Option<T> {
    receiver.recv().await
}

pub async fn closed<T>(sender: &Sender<T>) {
    sender.closed().await;
}

/// A sender cannot close its channel.
pub fn close_sender<T>(_: &Sender<T>) {}

pub fn close_receiver<T>(receiver: &mut Receiver<T>) {
    receiver.close();
}

/// A dropped handle detaches its task.
pub fn detach(_: Join) {}

pub async fn abort(join: Join) {
    join.abort();
}

pub fn aborter(join: &Join) -> Option<Aborter> {
    Some(join.abort_handle())
}

pub fn abort_by(aborter: Aborter) {
    aborter.abort();
}
