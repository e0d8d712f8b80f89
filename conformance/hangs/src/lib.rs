//! What the binaries of the corpus share: the programs themselves know nothing of insight.

#![forbid(unsafe_code)]

use insight::Thresholds;

/// Makes a `main` that turns insight on and runs the module that is named on the command line.
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

/// Turns insight on, as a program would; but a leak of tasks is told after seconds instead of minutes.
pub fn start() {
    let seconds = 1_000_000_000;
    let mut thresholds = Thresholds::default();
    thresholds.task_leak.window_ns = 4 * seconds;
    insight::init!(thresholds => thresholds);
}
