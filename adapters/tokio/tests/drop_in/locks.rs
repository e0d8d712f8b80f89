//! Programs use the facade's locks and semaphores as they use tokio's.

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use tokio::sync::{
    OwnedRwLockMappedWriteGuard, OwnedRwLockReadGuard, OwnedRwLockWriteGuard, OwnedSemaphorePermit, RwLock,
    RwLockMappedWriteGuard, RwLockReadGuard, RwLockWriteGuard, Semaphore, SemaphorePermit, TryAcquireError,
};

static LOCK: RwLock<u8> = RwLock::const_new(1);
static FEW: RwLock<u8> = RwLock::const_with_max_readers(1, 1);
static PERMITS: Semaphore = Semaphore::const_new(2);

type Pair = (u8, String);

fn pair() -> Arc<RwLock<Pair>> {
    Arc::new(RwLock::new((1, "ab".to_owned())))
}

#[tokio::test]
async fn readers_and_writers() {
    *LOCK.write().await += 1;
    assert_eq!(*LOCK.read().await + *LOCK.try_read().unwrap(), 4);
    let _one = FEW.read().await;
    assert!(FEW.try_read().is_err() && FEW.try_write().is_err());
    assert!(catch_unwind(|| RwLock::with_max_readers(1, 0)).is_err());
    let mut lock = RwLock::from(3);
    *lock.get_mut() += 1;
    assert_eq!((lock.into_inner(), RwLock::<u8>::default().into_inner()), (4, 0));
    let dynamic: Arc<RwLock<dyn Fn() -> u8 + Send + Sync>> = Arc::new(RwLock::new(|| 1));
    assert_eq!((dynamic.read().await)() + dynamic.clone().try_read_owned().unwrap()(), 2);
    let not_static = String::from("lent");
    assert_eq!(**Arc::new(RwLock::new(&*not_static)).read_owned().await, *"lent");
}

#[tokio::test]
async fn guards_are_mapped_and_downgraded() {
    let lock = pair();
    let write = lock.write().await;
    let Err(write) = RwLockWriteGuard::try_map(write, |_| None::<&mut u8>) else { unreachable!() };
    let Err(write) = RwLockWriteGuard::try_downgrade_map(write, |_| None::<&u8>) else { unreachable!() };
    let mut name = RwLockWriteGuard::map(write, |pair| &mut pair.1);
    name.push('c');
    let name = RwLockMappedWriteGuard::map(name, |name| name.as_mut_str());
    let mut first = RwLockMappedWriteGuard::try_map(name, |name| name.get_mut(..1)).unwrap();
    first.make_ascii_uppercase();
    assert!(lock.try_read().is_err());
    drop(first);
    let read = lock.write().await.downgrade();
    assert_eq!(format!("{read:?} {:?}", lock.try_read().unwrap()), r#"(1, "Abc") (1, "Abc")"#);
    let name = RwLockReadGuard::map(read, |pair| &pair.1);
    let name = RwLockReadGuard::try_map(name, |_| None::<&u8>).unwrap_err();
    assert_eq!((name.to_string(), lock.try_write().is_err()), ("Abc".to_owned(), true));
    drop(name);
    let name = RwLockWriteGuard::downgrade_map(lock.try_write().unwrap(), |pair| &pair.1);
    assert!(lock.try_write().is_err() && lock.try_read().is_ok());
    drop(name);
    let number = RwLockWriteGuard::try_downgrade_map(lock.try_write().unwrap(), |pair| Some(&pair.0));
    assert_eq!(number.map(|number| *number).ok(), Some(1));
    drop(RwLockWriteGuard::into_mapped(lock.write().await));
    assert_eq!(Arc::into_inner(lock).unwrap().into_inner().0, 1);
}

#[tokio::test]
async fn owned_guards_are_mapped_and_downgraded() {
    let lock = pair();
    let write = lock.clone().write_owned().await;
    assert!(Arc::ptr_eq(OwnedRwLockWriteGuard::rwlock(&write), &lock));
    let Err(write) = OwnedRwLockWriteGuard::try_map(write, |_| None::<&mut u8>) else { unreachable!() };
    let Err(write) = OwnedRwLockWriteGuard::try_downgrade_map(write, |_| None::<&u8>) else { unreachable!() };
    let name = OwnedRwLockWriteGuard::map(write, |pair| &mut pair.1);
    let name = OwnedRwLockMappedWriteGuard::map(name, |name| name.as_mut_str());
    let mut first = OwnedRwLockMappedWriteGuard::try_map(name, |name| name.get_mut(..1)).unwrap();
    first.make_ascii_uppercase();
    assert!(Arc::ptr_eq(OwnedRwLockMappedWriteGuard::rwlock(&first), &lock) && lock.try_read().is_err());
    drop(first);
    let read = lock.clone().try_write_owned().unwrap().downgrade();
    assert!(Arc::ptr_eq(OwnedRwLockReadGuard::rwlock(&read), &lock) && lock.clone().try_write_owned().is_err());
    let name: OwnedRwLockReadGuard<Pair, str> = OwnedRwLockReadGuard::map(read, |pair| &*pair.1);
    let name = OwnedRwLockReadGuard::try_map(name, |name| name.get(..1)).unwrap();
    assert_eq!(format!("{name} {name:?}"), r#"A "A""#);
    drop(name);
    drop(OwnedRwLockWriteGuard::downgrade_map(lock.clone().write_owned().await, |pair| &pair.0));
    let number = OwnedRwLockWriteGuard::try_downgrade_map(lock.clone().write_owned().await, |pair| Some(&pair.0));
    assert_eq!(number.map(|number| *number).ok(), Some(1));
    // Only the guard keeps the lock alive.
    let last: OwnedRwLockMappedWriteGuard<Pair> = OwnedRwLockWriteGuard::into_mapped(lock.write_owned().await);
    assert_eq!(last.1, "Ab");
}

#[tokio::test]
async fn permits() {
    let both = PERMITS.acquire_many(2).await.unwrap();
    assert!(matches!(PERMITS.try_acquire(), Err(TryAcquireError::NoPermits)));
    drop((both, PERMITS.try_acquire_many(0).unwrap()));
    let semaphore = Arc::new(Semaphore::new(4));
    let mut whole = semaphore.try_acquire_many(3).unwrap();
    let part: SemaphorePermit<'_> = whole.split(1).unwrap();
    assert!(whole.split(3).is_none());
    assert_eq!((whole.num_permits(), part.num_permits(), semaphore.available_permits()), (2, 1, 1));
    whole.merge(part);
    assert!(std::ptr::eq(whole.semaphore(), &*semaphore));
    whole.forget();
    assert_eq!((semaphore.available_permits(), semaphore.forget_permits(9)), (1, 1));
    semaphore.add_permits(2);
    let mut owned: OwnedSemaphorePermit = semaphore.clone().acquire_many_owned(1).await.unwrap();
    owned.merge(semaphore.clone().try_acquire_owned().unwrap());
    assert!(Arc::ptr_eq(owned.semaphore(), &semaphore) && owned.num_permits() == 2);
    let other = Arc::new(Semaphore::new(1));
    let foreign = other.clone().acquire_owned().await.unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| owned.merge(foreign))).is_err());
    assert_eq!(other.available_permits(), 1, "also a permit that was refused is given back");
    owned.split(1).unwrap().forget();
    drop(owned);
    assert_eq!(semaphore.available_permits(), 1);
    semaphore.close();
    assert!(semaphore.is_closed() && semaphore.acquire().await.is_err());
    assert!(matches!(semaphore.try_acquire_many(1), Err(TryAcquireError::Closed)));
    assert_eq!(Semaphore::MAX_PERMITS, real::sync::Semaphore::MAX_PERMITS);
    assert!(catch_unwind(|| Semaphore::new(Semaphore::MAX_PERMITS + 1)).is_err());
}

#[test]
fn blocking() {
    let (lock, semaphore) = (RwLock::new(1), Arc::new(Semaphore::new(5)));
    *lock.blocking_write() += 1;
    assert_eq!(*lock.blocking_read(), 2);
    let held = (semaphore.blocking_acquire().unwrap(), semaphore.blocking_acquire_many(2).unwrap());
    let owned = semaphore.clone().blocking_acquire_many_owned(1).unwrap();
    drop(semaphore.clone().blocking_acquire_owned().unwrap());
    assert_eq!(semaphore.available_permits(), 1);
    drop((held, owned));
}

#[tokio::test]
#[should_panic(expected = "Cannot block the current thread from within a runtime")]
async fn blocking_in_a_task_panics() {
    let _ = RwLock::new(1).blocking_write();
}

#[tokio::test]
async fn the_texts_are_tokio_s() {
    fn same(ours: &impl Debug, theirs: &impl Debug) {
        assert_eq!((format!("{ours:?}"), format!("{ours:#?}")), (format!("{theirs:?}"), format!("{theirs:#?}")));
    }
    let (ours, theirs) = (RwLock::new(Some("a")), real::sync::RwLock::new(Some("a")));
    same(&ours, &theirs);
    same(&ours.read().await, &theirs.read().await);
    let (our_write, their_write) = (ours.write().await, theirs.write().await);
    same(&ours, &theirs);
    same(&our_write, &their_write);
    let (ours, theirs) = (Arc::new(Semaphore::new(5)), Arc::new(real::sync::Semaphore::new(5)));
    same(&ours.try_acquire(), &theirs.try_acquire());
    same(&ours.clone().acquire_many_owned(2).await, &theirs.clone().acquire_many_owned(2).await);
    ours.close();
    theirs.close();
    same(&ours, &theirs);
    same(&ours.acquire().await, &theirs.acquire().await);
}
