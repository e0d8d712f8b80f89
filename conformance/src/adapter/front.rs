//! The front door: each case as a `#[test]`. The macro `suite!` calls these functions.

use super::outcome::{CaseResult, Outcome};
use super::{Baseline, Suite};
use insight_protocol::adapter::Adapter;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

/// The place of a call of `suite!`.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The folder of the package.
    pub folder: &'static str,
    /// The name of the package.
    pub package: &'static str,
    /// The module of the tests, beginning with the crate.
    pub module: &'static str,
    /// The source file.
    pub file: &'static str,
}

impl Place {
    /// The name of the suite: its module.
    fn suite(&self) -> &'static str {
        self.module.rsplit("::").next().unwrap_or(self.module)
    }

    fn baseline(&self) -> Baseline {
        let path = Path::new(self.folder).join("insight-baseline.toml");
        Baseline::read(path, self.suite()).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The command that runs one case alone, with its whole transcript.
    fn command(&self, id: &str, test: &str) -> String {
        // An integration test is a file or a folder below `tests`.
        let below_tests = Path::new(self.file).iter().skip_while(|part| *part != "tests").nth(1);
        let target = below_tests.map(|part| format!(" --test {}", Path::new(part).with_extension("").display()));
        let module = self.module.split_once("::").map_or("", |(_, module)| module);
        format!(
            "INSIGHT_EXPLAIN={id} cargo test -p {}{} -- --exact {module}::{test} --nocapture",
            self.package,
            target.unwrap_or_default()
        )
    }
}

/// Runs one case. Panics if it fails.
pub fn run<A: Adapter>(suite: Suite<A>, place: &Place, id: &'static str, test: &str) {
    let suite = suite.named(place.suite(), place.baseline());
    let result = suite.run_case(id).expect("the macro makes tests of the suite's cases");
    if std::env::var("INSIGHT_EXPLAIN").is_ok_and(|wanted| wanted == id || wanted == "all") {
        println!("{id}: {}\n{}", result.case.sentence, result.transcript);
    }
    append(&suite, &result);
    match &result.outcome {
        Outcome::Passed => {}
        Outcome::Known { .. } | Outcome::Skipped { .. } => println!("{result}"),
        Outcome::Stale { .. } => panic!("{result}"),
        Outcome::Failed(_) => {
            panic!("{result}\nAlone, with the whole transcript:\n  {}\n", place.command(id, test))
        }
    }
}

/// Fails if the baseline cannot be read, or lists a case that the suite does not have.
pub fn baseline(place: &Place) {
    let baseline = place.baseline();
    let unknown: Vec<&str> = baseline.unknown().collect();
    assert!(unknown.is_empty(), "the baseline lists cases that the suite does not have: {}", unknown.join(", "));
}

/// Appends the result to the file that the user names. Each test may run in a process of its own.
fn append<A: Adapter>(suite: &Suite<A>, result: &CaseResult) {
    let Some(path) = std::env::var_os("INSIGHT_REPORT") else { return };
    let line = super::report::case_line(suite.name(), suite.executor(), result);
    let file = OpenOptions::new().create(true).append(true).open(&path);
    let written = file.and_then(|mut file| file.write_all(line.as_bytes()));
    written.unwrap_or_else(|error| panic!("cannot write {}, which INSIGHT_REPORT names: {error}", path.display()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_names_package_target_and_test() {
        let check = |module, file, expect: &str| {
            let place = Place { folder: "/a", package: "my-adapter", module, file };
            assert_eq!(
                place.command("task.ends", "task_ends"),
                format!("INSIGHT_EXPLAIN=task.ends cargo test -p my-adapter{expect} --nocapture")
            );
        };
        let one = "conforms::conformance";
        check(one, "adapters/my/tests/conforms.rs", " --test conforms -- --exact conformance::task_ends");
        check(one, "tests/toy/adapter.rs", " --test toy -- --exact conformance::task_ends");
        check("my::tests::two", "src/tests.rs", " -- --exact tests::two::task_ends");
    }
}
