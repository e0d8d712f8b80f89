//! Instructions per operation. They are counted, written to a file, and compared with that file.
//!
//! Unlike times, they are the same in each run. Only the program's thread is counted. The recorder collects on this thread,
//! between the counted parts of a row, so that no other thread influences when memory is allocated and freed.

use super::build::Programs;
use super::callgrind;
use super::plan::OPERATIONS;
use crate::process::{Result, root};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;
use std::thread::available_parallelism;

/// Largest relative difference from the written count.
const BAND: f64 = 0.05;
/// Largest absolute difference. It is for counts so small that 5 % of them are fewer instructions.
const FEW: f64 = 4.0;
/// Number of operations in a run, in eight parts.
const COUNT: u64 = 8 * 4096;
/// The counted configurations, and their programs.
const COUNTED: [(&str, &str); 3] = [("bare", "bench-bare"), ("off", "bench-insight"), ("on", "bench-insight")];

/// Builds the counted programs.
pub fn programs() -> Result<Programs> {
    Programs::ours(&["bench-bare", "bench-insight"])
}

/// Instructions per operation, by operation and configuration.
#[derive(Debug, Default, PartialEq)]
pub struct Counts {
    compiler: String,
    of: BTreeMap<String, BTreeMap<String, f64>>,
}

impl Counts {
    /// The count of one operation in one configuration.
    pub fn of(&self, operation: &str, configuration: &str) -> Option<f64> {
        self.of.get(operation)?.get(configuration).copied()
    }
}

/// Counts all operations in all counted configurations, on all processors: other load does not change a count.
pub fn count(programs: &Programs) -> Result<Counts> {
    callgrind::valgrind()?;
    println!("xtask: counting instructions ...");
    let cases = OPERATIONS.iter().flat_map(|(operation, _)| COUNTED.map(|counted| (*operation, counted)));
    let left = Mutex::new(cases.collect::<Vec<_>>());
    let counts = Mutex::new(Counts { compiler: compiler()?, ..Counts::default() });
    let work = || -> Result {
        while let Some((operation, (configuration, program))) = { left.lock().expect("no thread panics").pop() } {
            let profile = callgrind::run(programs.path(program), operation, configuration, COUNT)?;
            let each = profile.instructions as f64 / COUNT as f64;
            let of = &mut counts.lock().expect("no thread panics").of;
            of.entry(operation.to_owned()).or_default().insert(configuration.to_owned(), each);
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..available_parallelism().map_or(1, NonZeroUsize::get)).map(|_| scope.spawn(work)).collect();
        threads.into_iter().try_for_each(|thread| thread.join().expect("no thread panics"))
    })?;
    Ok(counts.into_inner().expect("no thread panics"))
}

/// Compares the counts with the written ones, as a step of `cargo xtask test`. Another compiler gives other counts, so then
/// nothing is compared.
pub fn guard() -> Result {
    let written = read()?;
    if written.compiler != compiler()? {
        println!(
            "xtask: not counted: the written instructions are from {}, and this is {}",
            written.compiler,
            compiler()?
        );
        return Ok(());
    }
    callgrind::valgrind()?;
    let counts = count(&programs()?)?;
    print!("{}", table(&counts));
    let differences = compare(&written, &counts);
    match differences.as_slice() {
        [] => Ok(()),
        all => {
            Err(format!("instructions per operation differ from docs/cost/instructions.json:\n  {}", all.join("\n  ")))
        }
    }
}

/// Runs `cargo xtask bench --accept`: writes the present counts.
pub fn accept() -> Result {
    let counts = count(&programs()?)?;
    if let Ok(written) = read() {
        compare(&written, &counts).iter().for_each(|difference| println!("xtask: {difference}"));
    }
    print!("{}", table(&counts));
    write(&counts)
}

/// The counts that differ too much, in either direction.
fn compare(written: &Counts, counts: &Counts) -> Vec<String> {
    let mut differences = Vec::new();
    for (operation, configurations) in &counts.of {
        for (configuration, now) in configurations {
            let case = format!("{operation} {configuration}");
            let Some(then) = written.of(operation, configuration) else {
                differences.push(format!("{case}: {now:.1}, and no written count: run `cargo xtask bench --accept`"));
                continue;
            };
            let difference = now - then;
            if difference.abs() <= (then * BAND).max(FEW) {
                continue;
            }
            let change = format!("{case}: {now:.1} instead of {then:.1} ({:+.1} %)", 100.0 * difference / then);
            differences.push(match (configuration.as_str(), difference > 0.0) {
                ("bare", _) => {
                    format!(
                        "{change}: the compiler or tokio has changed, not insight: run `cargo xtask bench --accept`"
                    )
                }
                (_, true) => format!("{change}: more; if this is necessary, run `cargo xtask bench --accept`"),
                (_, false) => format!("{change}: fewer; to keep this, run `cargo xtask bench --accept`"),
            });
        }
    }
    differences
}

/// The counts as Markdown.
pub fn table(counts: &Counts) -> String {
    let mut text = "| instructions per operation | bare | off | on |\n|---|---:|---:|---:|\n".to_owned();
    for (operation, title) in OPERATIONS {
        let bare = counts.of(operation, "bare").unwrap_or_default();
        let above = |configuration| {
            counts.of(operation, configuration).map_or("-".to_owned(), |count| format!("{:+.1}", count - bare))
        };
        let _ = writeln!(text, "| {title} | {bare:.1} | {} | {} |", above("off"), above("on"));
    }
    text
}

fn path() -> PathBuf {
    root().join("docs/cost/instructions.json")
}

/// Writes the counts to the file.
pub fn write(counts: &Counts) -> Result {
    let of: BTreeMap<&String, BTreeMap<&String, f64>> = counts
        .of
        .iter()
        .map(|(operation, of)| {
            (
                operation,
                of.iter().map(|(configuration, count)| (configuration, (count * 10.0).round() / 10.0)).collect(),
            )
        })
        .collect();
    let value = json!({ "compiler": counts.compiler, "instructions": of });
    let text = serde_json::to_string_pretty(&value).map_err(|error| error.to_string())? + "\n";
    std::fs::write(path(), text).map_err(|error| format!("{}: {error}", path().display()))?;
    println!("xtask: written to docs/cost/instructions.json");
    Ok(())
}

fn read() -> Result<Counts> {
    let text = std::fs::read_to_string(path())
        .map_err(|error| format!("{}: {error}; `cargo xtask bench --accept` writes it", path().display()))?;
    parse(&text).ok_or(format!("{} is not valid: `cargo xtask bench --accept` writes it", path().display()))
}

fn parse(text: &str) -> Option<Counts> {
    let value: Value = serde_json::from_str(text).ok()?;
    let of = value["instructions"].as_object()?.iter().map(|(operation, of)| {
        let of = of.as_object()?.iter().map(|(configuration, count)| Some((configuration.clone(), count.as_f64()?)));
        Some((operation.clone(), of.collect::<Option<_>>()?))
    });
    Some(Counts { compiler: value["compiler"].as_str()?.to_owned(), of: of.collect::<Option<_>>()? })
}

fn compiler() -> Result<String> {
    let output = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())).arg("--version").output();
    let output = output.map_err(|error| format!("cannot start rustc: {error}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(compiler: &str, poll: &[(&str, f64)]) -> Counts {
        let poll = poll.iter().map(|(configuration, count)| ((*configuration).to_owned(), *count)).collect();
        Counts { compiler: compiler.to_owned(), of: [("poll".to_owned(), poll)].into() }
    }

    #[test]
    fn count_outside_of_the_tolerance_is_reported_both_ways() {
        let written = counts("rustc 1", &[("bare", 200.0), ("off", 202.0), ("on", 300.0)]);
        let check = |now: &[(&str, f64)], expect: &[&str]| {
            assert_eq!(compare(&written, &counts("rustc 1", now)), expect);
        };
        check(&[("bare", 209.9), ("off", 192.1), ("on", 315.0)], &[]);
        check(&[("on", 285.0)], &[]);
        let more =
            "poll on: 315.1 instead of 300.0 (+5.0 %): more; if this is necessary, run `cargo xtask bench --accept`";
        check(&[("on", 315.1)], &[more]);
        check(
            &[("on", 250.0)],
            &["poll on: 250.0 instead of 300.0 (-16.7 %): fewer; to keep this, run `cargo xtask bench --accept`"],
        );
        check(
            &[("bare", 230.0)],
            &["poll bare: 230.0 instead of 200.0 (+15.0 %): the compiler or tokio has changed, not insight: \
               run `cargo xtask bench --accept`"],
        );
        check(&[("wakes", 1.0)], &["poll wakes: 1.0, and no written count: run `cargo xtask bench --accept`"]);
    }

    #[test]
    fn written_counts_are_read() {
        let written = r#"{"compiler":"rustc 1","instructions":{"poll":{"bare":200.5,"on":300}}}"#;
        assert_eq!(parse(written), Some(counts("rustc 1", &[("bare", 200.5), ("on", 300.0)])));
        assert_eq!(parse(r#"{"compiler":"rustc 1","instructions":{"poll":{"bare":"many"}}}"#), None);
        // Also the committed file.
        assert!(read().is_ok_and(|counts| OPERATIONS.iter().all(|(name, _)| counts.of(name, "on").is_some())));
    }
}
