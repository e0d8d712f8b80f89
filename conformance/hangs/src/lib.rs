//! The common part of the corpus's binaries. The programs themselves do not depend on insight.

#![forbid(unsafe_code)]

use insight::Thresholds;

/// Makes a `main` that starts insight and runs the module that is named on the command line.
#[macro_export]
macro_rules! programs {
    ($($name:ident)*) => {
        fn main() {
            let name = std::env::args().nth(1).unwrap_or_default();
            let program: fn() = match name.as_str() {
                $(stringify!($name) => $name::main,)*
                _ => {
                    eprintln!("there is no program `{name}`; there are:");
                    $(eprintln!("  {}", stringify!($name));)*
                    std::process::exit(2)
                }
            };
            $crate::start();
            program()
        }
    };
}

/// Starts insight, as a program would. But a task leak is reported after seconds instead of minutes.
pub fn start() {
    let seconds = 1_000_000_000;
    let mut thresholds = Thresholds::default();
    thresholds.task_leak.window_ns = 4 * seconds;
    insight::init!(thresholds => thresholds);
}
