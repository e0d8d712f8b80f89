//! The auto traits of a type, for the tests of this facade and of the others for channels.

use std::marker::PhantomData;
use std::panic::{RefUnwindSafe, UnwindSafe};

/// Asks whether a type has an auto trait: the inherent constant is found first, where its bound holds.
pub struct Has<T: ?Sized>(PhantomData<T>);

pub trait HasNot {
    const SEND: bool = false;
    const SYNC: bool = false;
    const UNPIN: bool = false;
    const UNWIND_SAFE: bool = false;
    const REF_UNWIND_SAFE: bool = false;
}

impl<T: ?Sized> HasNot for Has<T> {}

impl<T: ?Sized + Send> Has<T> {
    pub const SEND: bool = true;
}

impl<T: ?Sized + Sync> Has<T> {
    pub const SYNC: bool = true;
}

impl<T: ?Sized + Unpin> Has<T> {
    pub const UNPIN: bool = true;
}

impl<T: ?Sized + UnwindSafe> Has<T> {
    pub const UNWIND_SAFE: bool = true;
}

impl<T: ?Sized + RefUnwindSafe> Has<T> {
    pub const REF_UNWIND_SAFE: bool = true;
}

macro_rules! traits {
    ($type:ty) => {
        [
            ("Send", Has::<$type>::SEND),
            ("Sync", Has::<$type>::SYNC),
            ("Unpin", Has::<$type>::UNPIN),
            ("UnwindSafe", Has::<$type>::UNWIND_SAFE),
            ("RefUnwindSafe", Has::<$type>::REF_UNWIND_SAFE),
        ]
    };
}

pub(crate) use traits;
