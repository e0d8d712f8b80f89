//! Random async programs that hand things over, to refute insight's proofs.
//!
//! A program passes guards, permits, channel ends, join handles and half-polled futures between tasks and threads. It runs on a
//! real runtime with insight on. Afterwards we know the truth: a task that made a step after insight had called its hang proven
//! was not deadlocked, and a program that never ends had to be reported.
//!
//! [`generate()`](fn@generate) makes a [`Program`] of a seed, [`Program`]'s `Display` and [`parse()`] are its text, and [`candidates`] shrink
//! it. An interpreter for each runtime (`runtimes/`) calls [`main`], which runs many programs at once in a process and judges
//! them.

#![forbid(unsafe_code)]

mod batch;
mod children;
mod driver;
mod generate;
mod keep;
mod marks;
mod outcome;
mod program;
mod random;
mod shrink;
mod stream;
mod text;
mod turns;

pub use batch::Start;
pub use driver::main;
pub use generate::generate;
pub use marks::{Kind, Marks, Running};
pub use outcome::{Counts, Found, Outcome};
pub use program::*;
pub use shrink::{candidates, tidy};
pub use text::parse;
pub use turns::{stop, turn};
