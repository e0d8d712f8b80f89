//! The runtimes of the programs in `examples/`.

/// A runtime.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
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
    /// The binary of a program on this runtime.
    pub fn binary(self, program: &str) -> &'static str {
        let names = BINARIES.iter().find(|names| names[0] == program).expect("it is a program of examples/");
        names[self as usize]
    }
}
