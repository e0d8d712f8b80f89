//! async-lock's whole public interface, used once on async-lock itself and once on its facade: the same code compiles
//! on both, and has the same results.
#![cfg(feature = "lock")]

macro_rules! on_both {
    ($($item:item)+) => {
        mod real {
            use async_lock as lock;
            $($item)+
        }

        mod observed {
            use insight_sync::lock;
            $($item)+
        }
    };
}

on_both! {
    use futures_lite::future::block_on;
    use lock::futures::*;
    use lock::*;
    use std::fmt::{Debug, Display};
    use std::ops::{Deref, DerefMut};
    use std::sync::Arc;

    static MUTEX: Mutex<Vec<u8>> = Mutex::new(Vec::new());
    static LOCK: RwLock<Vec<u8>> = RwLock::new(Vec::new());
    static PERMITS: Semaphore = Semaphore::new(1);
    static BARRIER: Barrier = Barrier::new(1);
    static CELL: OnceCell<Vec<u8>> = OnceCell::new();

    /// The results on one of them, one text per fact.
    pub fn says() -> Vec<String> {
        let mut said = Vec::new();
        mutex(&mut said);
        rwlock(&mut said);
        rwlock_arc(&mut said);
        semaphore(&mut said);
        barrier(&mut said);
        once_cell(&mut said);
        done(&mut said);
        lifetimes(&mut said);
        said
    }

    fn shown(value: &(impl Debug + Display + Deref<Target = u8>)) -> String {
        format!("{value:?} {value} {}", **value)
    }

    fn mutex(said: &mut Vec<String>) {
        let mut mutex = Mutex::new(1);
        *mutex.get_mut() += 1;
        let (_, _, _): (Mutex<u8>, Mutex<u8>, u8) = (Mutex::from(1), Mutex::default(), mutex.into_inner());
        let mutex = Arc::new(Mutex::new(1_u8));
        let lock: Lock<'_, u8> = mutex.lock();
        said.push(format!("{lock:?}"));
        let mut guard: MutexGuard<'_, u8> = block_on(lock);
        *guard += 1;
        said.push(format!("{} {:?} {mutex:?}", shown(&guard), MutexGuard::source(&guard).try_lock().is_none()));
        drop(guard);
        let lock: LockArc<u8> = mutex.lock_arc();
        said.push(format!("{}", Arc::strong_count(&mutex)));
        let mut guard: MutexGuardArc<u8> = block_on(lock);
        *guard += 1;
        said.push(format!("{} {}", shown(&guard), Arc::ptr_eq(MutexGuardArc::source(&guard), &mutex)));
        said.push(format!("{}", Arc::strong_count(&mutex)));
        drop(guard);
        said.push(format!("{mutex:?} {}", Arc::strong_count(&mutex)));
        said.push(format!("{} {}", mutex.lock_blocking(), mutex.try_lock().is_some()));
        said.push(format!("{} {}", mutex.lock_arc_blocking(), mutex.try_lock_arc().is_some()));
        let unsized_mutex: Arc<Mutex<dyn Debug + Send>> = mutex;
        let guard = unsized_mutex.try_lock_arc().unwrap();
        said.push(format!("{:?} {unsized_mutex:?}", &*guard));
        MUTEX.lock_blocking().push(1);
        said.push(format!("{:?}", *MUTEX.try_lock().unwrap()));
    }

    fn rwlock(said: &mut Vec<String>) {
        let mut lock = RwLock::new(1);
        *lock.get_mut() += 1;
        let (_, _, _): (RwLock<u8>, RwLock<u8>, u8) = (RwLock::from(1), RwLock::default(), lock.into_inner());
        let lock = RwLock::new(1_u8);
        let (read, upgradable, write): (Read<'_, u8>, UpgradableRead<'_, u8>, Write<'_, u8>) =
            (lock.read(), lock.upgradable_read(), lock.write());
        said.push(format!("{read:?} {upgradable:?} {write:?}"));
        drop(block_on(write));
        let (read, upgradable): (RwLockReadGuard<'_, u8>, RwLockUpgradableReadGuard<'_, u8>) =
            (block_on(read), block_on(upgradable));
        said.push(format!("{} {} {}", shown(&read), shown(&upgradable), lock.try_write().is_none()));
        let upgradable = RwLockUpgradableReadGuard::try_upgrade(upgradable).unwrap_err();
        drop(read);
        let upgrade: Upgrade<'_, u8> = RwLockUpgradableReadGuard::upgrade(upgradable);
        said.push(format!("{upgrade:?} {lock:?}"));
        let mut write: RwLockWriteGuard<'_, u8> = block_on(upgrade);
        *write += 1;
        said.push(shown(&write));
        let upgradable = RwLockWriteGuard::downgrade_to_upgradable(write);
        let write = RwLockUpgradableReadGuard::upgrade_blocking(upgradable);
        let read = RwLockWriteGuard::downgrade(write);
        said.push(format!("{read} {lock:?} {}", lock.try_read().is_some()));
        drop(read);
        drop(RwLockUpgradableReadGuard::downgrade(lock.try_upgradable_read().unwrap()));
        drop((lock.read_blocking(), lock.upgradable_read_blocking()));
        drop(RwLockUpgradableReadGuard::try_upgrade(lock.upgradable_read_blocking()).unwrap());
        drop(lock.write_blocking());
        LOCK.write_blocking().push(1);
        said.push(format!("{:?}", *LOCK.try_read().unwrap()));
        let boxed: Box<RwLock<dyn Debug + Send + Sync>> = Box::new(lock);
        said.push(format!("{boxed:?}"));
    }

    fn rwlock_arc(said: &mut Vec<String>) {
        let lock = Arc::new(RwLock::new(1_u8));
        let (read, upgradable, write): (ReadArc<'_, u8>, UpgradableReadArc<'_, u8>, WriteArc<'_, u8>) =
            (lock.read_arc(), lock.upgradable_read_arc(), lock.write_arc());
        said.push(format!("{read:?} {upgradable:?} {write:?} {}", Arc::strong_count(&lock)));
        drop(block_on(write));
        let (read, upgradable): (RwLockReadGuardArc<u8>, RwLockUpgradableReadGuardArc<u8>) =
            (block_on(read), block_on(upgradable));
        said.push(format!("{} {} {}", shown(&read), shown(&upgradable), Arc::strong_count(&lock)));
        let upgradable = RwLockUpgradableReadGuardArc::try_upgrade(upgradable).unwrap_err();
        drop(read);
        let upgrade: UpgradeArc<u8> = RwLockUpgradableReadGuardArc::upgrade(upgradable);
        said.push(format!("{upgrade:?} {}", Arc::strong_count(&lock)));
        let mut write: RwLockWriteGuardArc<u8> = block_on(upgrade);
        *write += 1;
        said.push(format!("{} {}", shown(&write), Arc::strong_count(&lock)));
        let upgradable = RwLockWriteGuardArc::downgrade_to_upgradable(write);
        let write = RwLockUpgradableReadGuardArc::upgrade_blocking(upgradable);
        let read = RwLockWriteGuardArc::downgrade(write);
        said.push(format!("{read} {lock:?} {}", Arc::strong_count(&lock)));
        drop(read);
        drop(RwLockUpgradableReadGuardArc::downgrade(lock.try_upgradable_read_arc().unwrap()));
        drop((lock.read_arc_blocking(), lock.upgradable_read_arc_blocking()));
        drop(RwLockUpgradableReadGuardArc::try_upgrade(lock.upgradable_read_arc_blocking()).unwrap());
        drop((lock.write_arc_blocking(), lock.try_read_arc(), lock.try_write_arc()));
        drop(lock.try_read_arc().unwrap());
        drop(lock.try_write_arc().unwrap());
        said.push(format!("{}", Arc::strong_count(&lock)));
    }

    fn semaphore(said: &mut Vec<String>) {
        let permits = Arc::new(Semaphore::new(1));
        said.push(format!("{permits:?} {}", permits.available_permits()));
        let (acquire, acquire_arc): (Acquire<'_>, AcquireArc) = (permits.acquire(), permits.acquire_arc());
        said.push(format!("{acquire:?} {acquire_arc:?} {}", Arc::strong_count(&permits)));
        let guard: SemaphoreGuard<'_> = block_on(acquire);
        said.push(format!("{guard:?} {}", permits.try_acquire().is_none()));
        drop(guard);
        let guard: SemaphoreGuardArc = block_on(acquire_arc);
        said.push(format!("{guard:?} {} {}", permits.try_acquire_arc().is_none(), Arc::strong_count(&permits)));
        guard.forget();
        said.push(format!("{}", Arc::strong_count(&permits)));
        permits.add_permits(2);
        permits.try_acquire().unwrap().forget();
        drop(permits.acquire_blocking());
        drop(permits.acquire_arc_blocking());
        said.push(format!("{} {}", permits.available_permits(), PERMITS.available_permits()));
    }

    fn barrier(said: &mut Vec<String>) {
        let barrier = Barrier::new(2);
        let wait: BarrierWait<'_> = barrier.wait();
        said.push(format!("{wait:?} {barrier:?}"));
        let both: (BarrierWaitResult, BarrierWaitResult) = block_on(futures_lite::future::zip(wait, barrier.wait()));
        said.push(format!("{:?} {}", both.clone(), both.0.is_leader()));
        said.push(format!("{:?} {}", BARRIER.wait_blocking(), block_on(Barrier::new(0).wait()).is_leader()));
    }

    fn once_cell(said: &mut Vec<String>) {
        let mut cell: OnceCell<u8> = OnceCell::new();
        said.push(format!("{cell:?} {:?} {}", cell.get(), cell.is_initialized()));
        said.push(format!("{:?}", cell.get_mut()));
        said.push(format!("{:?}", block_on(cell.get_or_try_init::<&str, _>(|| async { Err("no") }))));
        said.push(format!("{:?}", cell.get_or_try_init_blocking::<&str>(|| Err("no"))));
        said.push(format!("{:?}", block_on(cell.get_or_init(|| async { 1 }))));
        said.push(format!("{:?} {:?}", block_on(cell.set(2)), cell.set_blocking(3)));
        said.push(format!("{:?} {:?}", cell.try_set(4), cell.get_or_init_blocking(|| 5)));
        // SAFETY: there is a value.
        said.push(format!("{:?}", unsafe { cell.get_unchecked() }));
        said.push(format!("{:?} {:?}", block_on(cell.wait()), cell.wait_blocking()));
        said.push(format!("{cell:?}"));
        said.push(format!("{:?} {:?}", cell.take(), cell.take()));
        said.push(format!("{:?} {:?} {:?}", cell.try_set(6), cell, OnceCell::from(7).into_inner()));
        let cell: OnceCell<u8> = OnceCell::default();
        said.push(format!("{:?} {:?}", cell.set_blocking(8), cell.get_or_try_init_blocking::<&str>(|| Ok(9))));
        said.push(format!("{:?}", CELL.get_or_init_blocking(|| vec![1])));
        // A panic makes no value.
        let cell: OnceCell<u8> = OnceCell::new();
        let panics = || cell.get_or_init_blocking(|| std::panic::resume_unwind(Box::new(1)));
        let panics = std::panic::catch_unwind(std::panic::AssertUnwindSafe(panics));
        said.push(format!("{:?} {cell:?}", panics.is_err()));
        said.push(format!("{:?}", block_on(cell.set(1))));
    }

    /// A ready future has given its parts to its guard.
    fn done(said: &mut Vec<String>) {
        let mutex = Arc::new(Mutex::new(1));
        let mut lock = Box::pin(mutex.lock_arc());
        let guard = block_on(lock.as_mut());
        said.push(format!("{}", Arc::strong_count(&mutex)));
        drop((guard, lock));
        let permits = Arc::new(Semaphore::new(1));
        let mut acquire = Box::pin(permits.acquire_arc());
        let guard = block_on(acquire.as_mut());
        said.push(format!("{}", Arc::strong_count(&permits)));
        drop((guard, acquire));
        let lock = Arc::new(RwLock::new(1));
        let mut upgrade = Box::pin(RwLockUpgradableReadGuardArc::upgrade(lock.upgradable_read_arc_blocking()));
        let guard = block_on(upgrade.as_mut());
        said.push(format!("{}", Arc::strong_count(&lock)));
        drop((guard, upgrade));
        said.push(format!("{} {}", Arc::strong_count(&lock), lock.try_write().is_some()));
    }

    /// A read guard of a longer-lived value is also one of a shorter-lived value, and the value may be borrowed.
    fn lifetimes(said: &mut Vec<String>) {
        fn shorter<'a>(guard: RwLockReadGuard<'a, &'static u8>) -> RwLockReadGuard<'a, &'a u8> {
            guard
        }
        fn shorter_arc<'a>(guard: RwLockReadGuardArc<&'static u8>, _: &'a u8) -> RwLockReadGuardArc<&'a u8> {
            guard
        }
        fn shorter_read<'a>(read: Read<'a, &'static u8>) -> Read<'a, &'a u8> {
            read
        }
        let (local, lock) = (1, Arc::new(RwLock::new(&2)));
        said.push(format!("{}", shorter(lock.try_read().unwrap())));
        said.push(format!("{}", shorter_arc(lock.try_read_arc().unwrap(), &local)));
        said.push(format!("{}", block_on(shorter_read(lock.read()))));
        let borrows = std::sync::Mutex::new(&local);
        let mutex = Arc::new(Mutex::new(&borrows));
        let mut guard = block_on(mutex.lock_arc());
        *guard.deref_mut() = &borrows;
        said.push(format!("{}", guard.lock().unwrap()));
    }
}

#[test]
fn as_async_lock() {
    let (real, observed) = (real::says(), observed::says());
    assert!(real.len() > 50, "{real:#?}");
    for (real, observed) in real.iter().zip(&observed) {
        assert_eq!(observed, real);
    }
    assert_eq!(observed.len(), real.len());
}
