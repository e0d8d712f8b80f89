//! The command line: cargo's arguments, and the options of `cargo insight` among them.

use crate::messages::Result;
use std::ffi::OsString;

/// The parsed command line of `cargo insight`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    /// The subcommand of cargo: `run`.
    pub subcommand: String,
    /// The words after the subcommand, without the options of `cargo insight`. Cargo gets them.
    pub rest: Vec<OsString>,
    /// The names of facades that the user does not want.
    pub left_out: Vec<String>,
    /// The user asks for help.
    pub help: bool,
    /// Open consolation on the program.
    pub open: bool,
    /// The values of `--target`.
    pub targets: Vec<String>,
    /// The target folder, if the user names one, and its position in `rest`.
    pub target_dir: Option<TargetDir>,
    /// Options that `cargo metadata` gets too, so that it resolves the same graph.
    pub metadata: Vec<OsString>,
    /// Options that the build of insight's own crates gets too.
    pub network: Vec<OsString>,
    /// The values of `--config`.
    pub configs: Vec<String>,
    /// Cargo may not use the network.
    pub is_offline: bool,
    /// The user chooses the format of cargo's messages.
    pub has_message_format: bool,
    /// Tests, examples or benchmarks are built, which have further dependencies.
    pub with_tests: bool,
    /// The index in `rest` of the word that ends cargo's options.
    options_end: Option<usize>,
    /// The subcommand of nextest, if nextest builds.
    of_nextest: Option<String>,
    /// nextest reads or writes an archive of programs.
    has_archive_file: bool,
}

/// The value of `--target-dir` and its position in the arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetDir {
    /// The index of the word that contains the folder.
    pub index: usize,
    /// The text before the folder in this word: `--target-dir=`, or nothing.
    pub before: &'static str,
    pub folder: OsString,
}

/// The subcommands that build programs. Only these can be observed.
pub const SUBCOMMANDS: [&str; 9] = ["run", "r", "build", "b", "test", "t", "bench", "nextest", "rustc"];

/// The options of cargo that take the next word as their value.
const WITH_VALUE: [&str; 30] = [
    "-p",
    "--package",
    "--exclude",
    "--bin",
    "--example",
    "--test",
    "--bench",
    "--profile",
    "-j",
    "--jobs",
    "-F",
    "--features",
    "--target",
    "--target-dir",
    "--manifest-path",
    "--message-format",
    "--color",
    "--config",
    "-Z",
    "-C",
    "--lockfile-path",
    "--artifact-dir",
    "--cargo-profile",
    "-E",
    "--filter-expr",
    "--partition",
    "--retries",
    "--test-threads",
    "--run-ignored",
    "--archive-file",
];

/// Options with a value that change the dependency graph.
const OF_GRAPH: [&str; 6] = ["--manifest-path", "--config", "-Z", "-F", "--features", "--lockfile-path"];
/// Options that choose tests, examples or benchmarks, which have further dependencies.
const OF_TESTS: [&str; 7] = ["--example", "--examples", "--test", "--tests", "--bench", "--benches", "--all-targets"];
/// The subcommands of nextest that build.
const OF_NEXTEST: [&str; 5] = ["run", "r", "list", "bench", "archive"];
/// Options without a value that change the dependency graph.
const OF_GRAPH_ALONE: [&str; 5] = ["--all-features", "--no-default-features", "--locked", "--offline", "--frozen"];

impl Arguments {
    /// Parses the words after `cargo insight`. Options before the subcommand are moved behind it.
    pub fn parse(words: &[OsString]) -> Result<Arguments> {
        let mut parsed = Arguments::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let text = word.to_string_lossy();
            if text == "--" {
                parsed.options_end = Some(parsed.rest.len());
                parsed.rest.push(word.clone());
                parsed.rest.extend(words.by_ref().cloned());
                break;
            }
            parsed.help |= text == "-h" || text == "--help";
            if text == "--open" {
                parsed.open = true;
                continue;
            }
            if let Some(name) = text.strip_prefix("--leave-out") {
                let names = match name.strip_prefix('=') {
                    Some(names) => names.to_owned(),
                    None if name.is_empty() => words
                        .next()
                        .map(|word| word.to_string_lossy().into_owned())
                        .ok_or("--leave-out needs the name of a runtime, such as `--leave-out tokio`")?,
                    None => return Err(format!("there is no option {text}; `--leave-out NAME` leaves a runtime out")),
                };
                parsed.left_out.extend(names.split(',').map(str::to_owned));
                continue;
            }
            if !text.starts_with('-') && parsed.subcommand.is_empty() {
                parsed.subcommand = text.into_owned();
                continue;
            }
            // The program's arguments begin.
            if !text.starts_with('-') && matches!(parsed.subcommand.as_str(), "run" | "r") {
                parsed.options_end = Some(parsed.rest.len());
                parsed.rest.push(word.clone());
                parsed.rest.extend(words.by_ref().cloned());
                break;
            }
            if OF_NEXTEST.contains(&&*text) && parsed.of_nextest.is_none() {
                parsed.of_nextest = Some(text.clone().into_owned());
            }
            if let Some((option, value)) = short(&text) {
                parsed.rest.push(word.clone());
                parsed.take(option, Some((value.into(), true)));
                continue;
            }
            match text.split_once('=') {
                Some((option, value)) if option.starts_with("--") => {
                    parsed.rest.push(word.clone());
                    parsed.take(option, Some((value.into(), true)));
                }
                _ if WITH_VALUE.contains(&&*text) => {
                    parsed.rest.push(word.clone());
                    if let Some(value) = words.next() {
                        parsed.rest.push(value.clone());
                        parsed.take(&text, Some((value.clone(), false)));
                    }
                }
                _ => {
                    parsed.rest.push(word.clone());
                    parsed.take(&text, None);
                }
            }
        }
        parsed.with_tests |= !matches!(parsed.subcommand.as_str(), "run" | "r" | "build" | "b");
        Ok(parsed)
    }

    /// Whether cargo builds a program that can be observed: `nextest run` does, but not `nextest show-config`.
    pub fn builds(&self) -> bool {
        let nextest_builds = || match self.of_nextest.as_deref() {
            None => false,
            Some("archive") => true,
            Some(_) => !self.has_archive_file,
        };
        SUBCOMMANDS.contains(&self.subcommand.as_str()) && (self.subcommand != "nextest" || nextest_builds())
    }

    /// The index in `rest` after the user's options for cargo.
    pub fn options_end(&self) -> usize {
        self.options_end.unwrap_or(self.rest.len())
    }

    /// The words that cargo gets, unchanged.
    pub fn words(&self) -> Vec<OsString> {
        std::iter::once(OsString::from(&self.subcommand)).chain(self.rest.iter().cloned()).collect()
    }

    /// Records the option that was just added to `rest`.
    fn take(&mut self, option: &str, value: Option<(OsString, bool)>) {
        self.with_tests |= OF_TESTS.contains(&option);
        let Some((value, is_attached)) = value else {
            if OF_GRAPH_ALONE.contains(&option) {
                self.metadata.push(option.into());
            }
            if ["--offline", "--frozen"].contains(&option) {
                self.network.push("--offline".into());
                self.is_offline = true;
            }
            return;
        };
        match option {
            "--message-format" => self.has_message_format = true,
            "--archive-file" => self.has_archive_file = true,
            "--target" => self.targets.push(value.to_string_lossy().into_owned()),
            "--target-dir" => {
                let before = if is_attached { "--target-dir=" } else { "" };
                self.target_dir = Some(TargetDir { index: self.rest.len() - 1, before, folder: value });
            }
            option if OF_GRAPH.contains(&option) => {
                self.metadata.extend([option.into(), value.clone()]);
                if option == "--config" {
                    self.configs.push(value.to_string_lossy().into_owned());
                }
                if option == "--config" || option == "-Z" {
                    self.network.extend([option.into(), value]);
                }
            }
            _ => {}
        }
    }
}

/// A short option with its value in one word: `-Frt`.
fn short(word: &str) -> Option<(&str, &str)> {
    let (option, value) = word.split_at_checked(2)?;
    let has_value = option.starts_with('-') && option != "--" && !value.is_empty() && WITH_VALUE.contains(&option);
    has_value.then_some((option, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Arguments> {
        Arguments::parse(&text.split_whitespace().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn cargo_gets_all_options_except_ours() {
        for (line, rest) in [
            ("run", ""),
            ("run --release -p a", "--release -p a"),
            ("run --open --bin a -- --open --leave-out x", "--bin a -- --open --leave-out x"),
            ("run --leave-out tokio,smol a --open", "a --open"),
            ("run -p --open", "-p --open"),
            ("test name --open --leave-out=tokio -- --nocapture", "name -- --nocapture"),
            ("nextest run --open -E test(a)", "run -E test(a)"),
            ("--offline --config a=1 --open run b --open", "--offline --config a=1 b --open"),
        ] {
            let parsed = parse(line).unwrap();
            assert_eq!(parsed.rest, rest.split_whitespace().collect::<Vec<_>>(), "{line}");
        }
        assert_eq!(parse("test --leave-out=tokio,smol --leave-out a").unwrap().left_out, ["tokio", "smol", "a"]);
        assert!(parse("run --open").unwrap().open);
        assert!(parse("run --help").unwrap().help);
        assert!(!parse("run -- --help").unwrap().help);
        assert!(!parse("run -- --open").unwrap().open);
        assert!(parse("run --leave-out").unwrap_err().contains("needs the name"));
        assert!(parse("run --leave-outs").unwrap_err().contains("no option --leave-outs"));
    }

    #[test]
    fn options_that_change_the_graph_are_recognized() {
        let parsed = parse(
            "build --manifest-path a/Cargo.toml --target t1 --target=t2 --locked --features x --release --offline \
             --config k=v --target-dir=d -- --target t3",
        )
        .unwrap();
        assert_eq!(parsed.targets, ["t1", "t2"]);
        assert_eq!(
            parsed.metadata,
            ["--manifest-path", "a/Cargo.toml", "--locked", "--features", "x", "--offline", "--config", "k=v"]
        );
        assert_eq!(parsed.network, ["--offline", "--config", "k=v"]);
        assert_eq!((parsed.configs.as_slice(), parsed.is_offline), (&["k=v".to_owned()][..], true));
        let target_dir = parsed.target_dir.unwrap();
        assert_eq!((target_dir.before, target_dir.folder), ("--target-dir=", "d".into()));
        assert_eq!(parsed.rest[target_dir.index], "--target-dir=d");
    }

    #[test]
    fn an_option_and_its_value_can_be_one_word() {
        for (line, metadata) in [("build -Frt -j2 -vv", "-F rt"), ("run -F=a", "-F =a"), ("b -pFx", "")] {
            assert_eq!(parse(line).unwrap().metadata, metadata.split_whitespace().collect::<Vec<_>>(), "{line}");
        }
    }

    #[test]
    fn tests_examples_and_benchmarks_are_recognized() {
        for (line, expect) in [
            ("run", false),
            ("run -- --example", false),
            ("run --example a", true),
            ("build --all-targets", true),
            ("b --bench=a", true),
            ("test", true),
            ("nextest run", true),
        ] {
            assert_eq!(parse(line).unwrap().with_tests, expect, "{line}");
        }
    }

    #[test]
    fn only_some_subcommands_of_nextest_build() {
        for (line, builds) in [
            ("nextest run -E a", true),
            ("nextest --manifest-path run list", true),
            ("nextest --manifest-path run show-config version", false),
            ("nextest run --archive-file a.tar.zst", false),
            ("nextest archive --archive-file=a.tar.zst", true),
            ("run", true),
            ("check", false),
        ] {
            assert_eq!(parse(line).unwrap().builds(), builds, "{line}");
        }
    }

    #[test]
    fn the_options_of_cargo_end_before_the_programs_arguments() {
        for (line, before) in [
            ("run", 0),
            ("run --config a -- b", 2),
            ("run --config a b -q", 2),
            ("test a -q -- b", 2),
            ("nextest run -q", 2),
        ] {
            assert_eq!(parse(line).unwrap().options_end(), before, "{line}");
        }
    }
}
