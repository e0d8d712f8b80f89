//! The rows of a single operation on smol, without an observer.

extern crate smol;

mod arguments;
mod measure;
mod micro;
#[path = "smol_runtime.rs"]
mod runtime;

fn main() {
    let arguments = arguments::Arguments::read();
    runtime::start(arguments.workers());
    let run = |count| micro::row(arguments.row(), count).expect("a row of this name");
    measure::measure(arguments.repeat(), run, || ());
}
