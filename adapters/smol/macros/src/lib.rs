//! smol-macros, with its executors and their tasks visible to insight.
//!
//! A drop-in for a program whose smol is insight-smol. The macros of smol-macros itself make executors of smol's own
//! types.
//!
//! ```toml
//! [dependencies]
//! smol = { package = "insight-smol", version = "0.1" }
//! smol-macros = { package = "insight-smol-macros", version = "0.1" }
//! ```
//!
//! ```
//! use insight_smol_macros::{Executor, main};
//!
//! main! {
//!     async fn main(executor: &Executor<'_>) {
//!         assert_eq!(executor.spawn(async { 1 + 1 }).await, 2);
//!     }
//! }
//! ```
//!
//! The function is one task of the kind `block_on`, and so is each thread that runs its executor.

#![forbid(unsafe_code)]

mod run;

pub use insight_smol::{Executor, LocalExecutor};

/// The functions that the macros call.
#[doc(hidden)]
pub mod __private {
    pub use crate::run::MainExecutor;
    pub use insight_smol::block_on;
}

/// Makes a function of an `async fn`, which runs in an executor of its own.
///
/// The `async fn` takes nothing or an executor. One thread per core also runs an `&Executor<'_>`, `Arc<Executor<'_>>`
/// or `&Arc<Executor<'_>>`; only the calling thread runs a `&LocalExecutor<'_>`, `Rc<LocalExecutor<'_>>` or
/// `&Rc<LocalExecutor<'_>>`.
#[macro_export]
macro_rules! main {
    ($(#[$attribute:meta])* async fn $name:ident() $(-> $output:ty)? $body:block) => {
        $(#[$attribute])*
        fn $name() $(-> $output)? {
            $crate::__private::block_on(async { $body })
        }
    };
    ($(#[$attribute:meta])* async fn $name:ident($executor:ident: &$type:ty) $(-> $output:ty)? $body:block) => {
        $(#[$attribute])*
        fn $name() $(-> $output)? {
            <$type as $crate::__private::MainExecutor>::with_main(|executor| {
                $crate::__private::block_on(executor.run(async move {
                    let $executor = executor;
                    $body
                }))
            })
        }
    };
    ($(#[$attribute:meta])* async fn $name:ident($executor:ident: $type:ty) $(-> $output:ty)? $body:block) => {
        $crate::main! {
            $(#[$attribute])*
            async fn $name(executor: &$type) $(-> $output)? {
                let $executor = executor.clone();
                $body
            }
        }
    };
}

/// Makes a test of an `async fn`, which runs in an executor of its own and may take it as in [`main!`].
#[macro_export]
macro_rules! test {
    ($(#[$attribute:meta])* async fn $name:ident($executor:ident: &$type:ty) $(-> $output:ty)? $body:block) => {
        $crate::main! {
            $(#[$attribute])*
            #[::core::prelude::v1::test]
            async fn $name($executor: &$type) $(-> $output)? $body
        }
    };
    ($(#[$attribute:meta])* async fn $name:ident($($executor:ident: $type:ty)? $(,)?) $(-> $output:ty)? $body:block) => {
        $crate::main! {
            $(#[$attribute])*
            #[::core::prelude::v1::test]
            async fn $name($($executor: $type)?) $(-> $output)? $body
        }
    };
}
