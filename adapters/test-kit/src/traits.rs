//! The auto traits of a type.

use std::marker::PhantomData;
use std::panic::{RefUnwindSafe, UnwindSafe};

/// Its constants are `true` for the auto traits of `T`: where a bound holds, the inherent constant hides that of [`HasNot`].
#[derive(Debug)]
pub struct Has<T: ?Sized>(PhantomData<T>);

/// The constants of a type without an auto trait.
pub trait HasNot {
    /// `Send`.
    const SEND: bool = false;
    /// `Sync`.
    const SYNC: bool = false;
    /// `Unpin`.
    const UNPIN: bool = false;
    /// `UnwindSafe`.
    const UNWIND_SAFE: bool = false;
    /// `RefUnwindSafe`.
    const REF_UNWIND_SAFE: bool = false;
}

impl<T: ?Sized> HasNot for Has<T> {}

impl<T: ?Sized + Send> Has<T> {
    /// `Send`.
    pub const SEND: bool = true;
}

impl<T: ?Sized + Sync> Has<T> {
    /// `Sync`.
    pub const SYNC: bool = true;
}

impl<T: ?Sized + Unpin> Has<T> {
    /// `Unpin`.
    pub const UNPIN: bool = true;
}

impl<T: ?Sized + UnwindSafe> Has<T> {
    /// `UnwindSafe`.
    pub const UNWIND_SAFE: bool = true;
}

impl<T: ?Sized + RefUnwindSafe> Has<T> {
    /// `RefUnwindSafe`.
    pub const REF_UNWIND_SAFE: bool = true;
}

/// Each auto trait, and whether the type has it.
#[macro_export]
macro_rules! traits {
    ($type:ty) => {{
        #[allow(unused_imports)]
        use $crate::traits::{Has, HasNot as _};
        [
            ("Send", Has::<$type>::SEND),
            ("Sync", Has::<$type>::SYNC),
            ("Unpin", Has::<$type>::UNPIN),
            ("UnwindSafe", Has::<$type>::UNWIND_SAFE),
            ("RefUnwindSafe", Has::<$type>::REF_UNWIND_SAFE),
        ]
    }};
}
