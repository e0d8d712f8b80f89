//! The rows of a single operation on insight's facade of smol, with recording off or on.

extern crate insight_smol as smol;

mod arguments;
mod measure;
mod micro;
mod recorded;
#[path = "smol_runtime.rs"]
mod runtime;

fn main() {
    let arguments = arguments::Arguments::read();
    let mut recorded = recorded::start(&arguments);
    runtime::start(arguments.workers());
    let run = |count| micro::row(arguments.row(), count).expect("a row of this name");
    measure::measure(arguments.repeat(), run, || recorded::between(&mut recorded));
}
