//! The runtimes of the programs in `examples/`.

use crate::process::Result;

/// A runtime.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Runtime {
    Tokio,
    Smol,
    AsyncStd,
}

/// The names of each program, one for each runtime.
const BINARIES: [[&str; 3]; 4] = [
    ["barbara", "smol_barbara", "async_std_barbara"],
    ["deadlock", "smol_deadlock", "async_std_deadlock"],
    ["lock_order", "smol_lock_order", "async_std_lock_order"],
    ["stress", "smol_stress", "async_std_stress"],
];

impl Runtime {
    /// The runtime with this name.
    pub fn named(name: &str) -> Result<Runtime> {
        match name {
            "tokio" => Ok(Runtime::Tokio),
            "smol" => Ok(Runtime::Smol),
            "async-std" => Ok(Runtime::AsyncStd),
            _ => Err(format!("there is no example on `{name}`; there are tokio, smol and async-std")),
        }
    }

    /// The binary of a program on this runtime.
    pub fn binary(self, program: &str) -> &'static str {
        let names = BINARIES.iter().find(|names| names[0] == program).expect("it is a program of examples/");
        names[self as usize]
    }
}
