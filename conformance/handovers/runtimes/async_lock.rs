//! The names of async-lock, on which smol and async-std are built.

use crate::interpreter::Handle;
pub use smol::lock::{Mutex, MutexGuard, OnceCell, RwLock, RwLockReadGuard, RwLockWriteGuard, Semaphore};
use std::future::Future;
use std::sync::Arc;

pub type OwnedMutexGuard = smol::lock::MutexGuardArc<()>;
pub type OwnedReadGuard = smol::lock::RwLockReadGuardArc<()>;
pub type OwnedWriteGuard = smol::lock::RwLockWriteGuardArc<()>;
pub type Permits<'a> = smol::lock::SemaphoreGuard<'a>;
pub type OwnedPermits = smol::lock::SemaphoreGuardArc;

/// There are no abort handles.
#[derive(Debug)]
pub enum Aborter {}

/// Guards cannot be mapped.
#[derive(Debug)]
pub struct MappedMutexGuard<'a, T>(std::marker::PhantomData<&'a T>, Aborter);
/// As `MappedMutexGuard`.
pub type OwnedMappedGuard = Aborter;

pub fn map<'a>(guard: MutexGuard<'a, ()>) -> Handle<'a> {
    Handle::Guard(guard)
}

pub fn map_owned<'a>(guard: OwnedMutexGuard) -> Handle<'a> {
    Handle::OwnedGuard(guard)
}

/// Places cannot be reserved.
#[derive(Debug)]
pub struct Reserved<T>(std::marker::PhantomData<T>, Aborter);

pub async fn reserve<S, T>(sender: S) -> Result<Option<Reserved<T>>, S> {
    Err(sender)
}

pub fn send_reserved<T>(place: Reserved<T>, _: T) {
    match place.1 {}
}

pub const fn mutex() -> Mutex<()> {
    Mutex::new(())
}

pub const fn rwlock() -> RwLock<()> {
    RwLock::new(())
}

pub fn lock_owned(lock: &Arc<Mutex<()>>) -> impl Future<Output = OwnedMutexGuard> + use<> {
    lock.lock_arc()
}

pub fn read_owned(lock: &Arc<RwLock<()>>) -> impl Future<Output = OwnedReadGuard> + '_ {
    lock.read_arc()
}

pub fn write_owned(lock: &Arc<RwLock<()>>) -> impl Future<Output = OwnedWriteGuard> + '_ {
    lock.write_arc()
}

/// One permit: more cannot be taken at once.
pub async fn acquire(semaphore: &Semaphore, _: usize) -> Option<Permits<'_>> {
    Some(semaphore.acquire().await)
}

/// As `acquire`.
pub async fn acquire_owned(semaphore: &Arc<Semaphore>, _: usize) -> Option<OwnedPermits> {
    Some(semaphore.acquire_arc().await)
}

pub fn add_permits(semaphore: &Semaphore, count: usize) {
    semaphore.add_permits(count);
}

/// It cannot be closed.
pub fn close_semaphore(_: &Semaphore) {}

pub fn aborter<T>(_: &T) -> Option<Aborter> {
    None
}

pub fn abort_by(aborter: Aborter) {
    match aborter {}
}
