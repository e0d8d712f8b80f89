//! The arguments that cargo gives to the compiler.

use crate::messages::Result;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// The edition of the facades.
const EDITION: &str = "2021";

/// How dep-info lists a variable that the wrapper sets for the facades.
const OWN_VARIABLE: &str = "# env-dep:INSIGHT_COVERAGE_FILE=";

/// A call that compiles a crate.
#[derive(Clone, Debug, Default)]
pub struct Call {
    /// All arguments. An argument file is replaced by its lines.
    pub words: Vec<OsString>,
    pub crate_name: String,
    pub crate_types: Vec<String>,
    /// The triple, or empty without `--target`.
    pub target: String,
    pub out_dir: PathBuf,
    /// The crates that it depends on, with their files.
    pub externs: Vec<(String, PathBuf)>,
    extra_filename: String,
    emits_metadata: bool,
    is_test: bool,
    caps_lints: bool,
    /// The index of the source file in `words`.
    input: Option<usize>,
}

impl Call {
    /// Parses the arguments. The result is `None` if they compile nothing: cargo also asks for versions and configuration.
    pub fn parse(words: &[OsString]) -> Result<Option<Call>> {
        let words = expanded(words)?;
        let mut call = Call { words, ..Call::default() };
        let mut index = 0;
        while index < call.words.len() {
            let word = call.words[index].to_string_lossy().into_owned();
            let (option, attached) = split(&word);
            let takes = ["--crate-name", "--crate-type", "--target", "--out-dir", "--extern", "--emit", "--edition"];
            let takes_more =
                ["-C", "-L", "-l", "-o", "--cfg", "--check-cfg", "--cap-lints", "--print", "-A", "-W", "-D", "-F"];
            let value = match attached {
                Some(value) => Some(value.to_owned()),
                None if takes.contains(&option) || takes_more.contains(&option) => {
                    index += 1;
                    call.words.get(index).map(|word| word.to_string_lossy().into_owned())
                }
                None => None,
            };
            call.take(option, value, index);
            index += 1;
        }
        let compiles = call.input.is_some() && !call.crate_name.is_empty() && !call.out_dir.as_os_str().is_empty();
        Ok(compiles.then_some(call))
    }

    fn take(&mut self, option: &str, value: Option<String>, index: usize) {
        match (option, value) {
            ("--crate-name", Some(name)) => self.crate_name = name,
            ("--crate-type", Some(kind)) => self.crate_types.push(kind),
            ("--target", Some(triple)) => self.target = triple,
            ("--out-dir", Some(folder)) => self.out_dir = PathBuf::from(folder),
            ("--emit", Some(kinds)) => self.emits_metadata = kinds.split(',').any(|kind| kind == "metadata"),
            ("--cap-lints", _) => self.caps_lints = true,
            ("--test", _) => self.is_test = true,
            ("--extern", Some(named)) => {
                let (name, path) = named.split_once('=').unwrap_or((&named, ""));
                let name = name.rsplit(':').next().unwrap_or(name);
                self.externs.push((name.to_owned(), PathBuf::from(path)));
            }
            ("-C", Some(option)) => {
                if let Some(name) = option.strip_prefix("extra-filename=") {
                    name.clone_into(&mut self.extra_filename);
                }
            }
            (word, None) if !word.starts_with('-') && word.ends_with(".rs") => self.input = Some(index),
            _ => {}
        }
    }

    /// Whether it compiles the library with this name, and not a build script, a test or a program of the same package.
    pub fn is_library_of(&self, crate_name: &str) -> bool {
        let is_library = self.crate_types.iter().any(|kind| kind == "lib" || kind == "rlib");
        is_library && !self.is_test && self.crate_name == crate_name
    }

    /// Whether cargo hides the crate's warnings, because it is not in the user's workspace.
    pub fn caps_lints(&self) -> bool {
        self.caps_lints
    }

    /// The call that compiles the real crate under another file name.
    pub fn real(&self) -> Call {
        let mut real = self.clone();
        real.extra_filename = format!("-real{}", self.extra_filename);
        for word in &mut real.words {
            let text = word.to_string_lossy();
            if text.strip_prefix("-C").unwrap_or(&text) == format!("extra-filename={}", self.extra_filename) {
                *word = format!("extra-filename={}", real.extra_filename).into();
            }
        }
        real.words.push("-Cmetadata=real".into());
        real
    }

    /// The file that other crates are compiled with.
    pub fn library(&self) -> PathBuf {
        let ending = if self.emits_metadata { "rmeta" } else { "rlib" };
        self.out_dir.join(format!("lib{}{}.{ending}", self.crate_name, self.extra_filename))
    }

    /// The arguments that compile the facade. They differ in the source, its edition, and additional crates.
    pub fn facade(&self, source: &Path, externs: &[(OsString, PathBuf)]) -> Vec<OsString> {
        let mut words = self.words.clone();
        if let Some(input) = self.input {
            words[input] = source.into();
        }
        for word in &mut words {
            if word.to_string_lossy().starts_with("--edition=") {
                *word = format!("--edition={EDITION}").into();
            }
        }
        for (name, path) in externs {
            let mut named = name.clone();
            named.push("=");
            named.push(path);
            words.extend(["--extern".into(), named]);
        }
        words
    }

    /// Adds the real crate's source files to the facade's dep-info, so that cargo notices when one of them changes.
    pub fn join_dep_info(&self) -> Result {
        let path = |call: &Call| call.out_dir.join(format!("{}{}.d", call.crate_name, call.extra_filename));
        let (own, real) = (path(self), path(&self.real()));
        let failed = |error| format!("cannot read {}: {error}", real.display());
        let sources = fs::read_to_string(&real).map_err(failed)?;
        let mut text = fs::read_to_string(&own).map_err(|error| format!("cannot read {}: {error}", own.display()))?;
        text = with_sources(&text, &sources);
        fs::write(&own, text).map_err(|error| format!("cannot write {}: {error}", own.display()))
    }
}

/// The dep-info `own` with the sources of `other` added to each rule, and with the variables that `other` reads.
///
/// A variable that only the wrapper sets is left out: cargo does not have it, so it would compile the crate in each build.
fn with_sources(own: &str, other: &str) -> String {
    let sources = other.lines().find_map(|line| line.split_once(".d: ")).map_or("", |(_, sources)| sources);
    let lines = own.lines().filter(|line| !line.starts_with(OWN_VARIABLE)).map(|line| match line.split_once(": ") {
        Some((_, files)) if !files.is_empty() && !line.starts_with('#') => format!("{line} {sources}\n"),
        _ => format!("{line}\n"),
    });
    let variables = other.lines().filter(|line| line.starts_with("# env-dep:")).map(|line| format!("{line}\n"));
    lines.chain(variables).collect()
}

/// Replaces argument files by their lines. Cargo writes such a file if there are too many arguments for a command line.
fn expanded(words: &[OsString]) -> Result<Vec<OsString>> {
    let mut all = Vec::new();
    for word in words {
        match word.to_str().and_then(|word| word.strip_prefix('@')) {
            Some(file) => {
                let text = fs::read_to_string(file).map_err(|error| format!("cannot read {file}: {error}"))?;
                all.extend(text.lines().map(OsString::from));
            }
            None => all.push(word.clone()),
        }
    }
    Ok(all)
}

/// An option, and its value if both are in one word.
fn split(word: &str) -> (&str, Option<&str>) {
    if let Some(value) = word.strip_prefix("-C").filter(|value| !value.is_empty()) {
        return ("-C", Some(value));
    }
    match word.split_once('=') {
        Some((option, value)) if option.starts_with("--") => (option, Some(value)),
        _ => (word, None),
    }
}

/// The words of a call, for tests.
#[cfg(test)]
fn words(text: &str) -> Vec<OsString> {
    text.split_whitespace().map(OsString::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKIO: &str = "--crate-name tokio --edition=2018 /r/tokio-1.54.1/src/lib.rs --error-format=json --crate-type lib \
        --emit=dep-info,metadata,link -C embed-bitcode=no --cfg feature=\"rt\" -C metadata=aa -C extra-filename=-bb \
        --out-dir /t/deps -L dependency=/t/deps --extern bytes=/t/deps/libbytes-1.rmeta --cap-lints allow";

    #[test]
    fn the_facade_is_compiled_in_place_of_the_real_crate() {
        let call = Call::parse(&words(TOKIO)).unwrap().unwrap();
        assert!(call.is_library_of("tokio"));
        assert!(!call.is_library_of("tokio_util"));
        let real = call.real();
        assert_eq!(real.library(), Path::new("/t/deps/libtokio-real-bb.rmeta"));
        assert!(
            real.words.contains(&"extra-filename=-real-bb".into()) && real.words.contains(&"-Cmetadata=real".into())
        );
        let facade = call.facade(Path::new("/s/lib.rs"), &[("real".into(), real.library())]);
        let text = facade.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
        assert!(text.starts_with("--crate-name tokio --edition=2021 /s/lib.rs "), "{text}");
        assert!(text.contains(" -C extra-filename=-bb "), "{text}");
        assert!(text.ends_with(" --extern real=/t/deps/libtokio-real-bb.rmeta"), "{text}");
    }

    #[test]
    fn calls_that_do_not_compile_the_library_are_recognized() {
        let parsed = |text: &str| Call::parse(&words(text)).unwrap();
        assert!(parsed("-vV").is_none());
        assert!(parsed("- --crate-name ___ --print=cfg").is_none());
        for (from, to) in [("--crate-type lib", "--crate-type bin"), ("--crate-type lib", "--crate-type lib --test")] {
            assert!(!parsed(&TOKIO.replace(from, to)).unwrap().is_library_of("tokio"), "{to}");
        }
        assert!(!parsed(&TOKIO.replace("name tokio", "name build_script_build")).unwrap().is_library_of("tokio"));
        assert_eq!(
            parsed(&format!("{TOKIO} --target x86_64-unknown-linux-gnu")).unwrap().target,
            "x86_64-unknown-linux-gnu"
        );
    }

    #[test]
    fn the_real_crates_sources_are_added_to_the_facades_dep_info() {
        let own =
            "/t/a.d: /s/lib.rs\n\n/t/liba.rlib: /s/lib.rs\n\n/s/lib.rs:\n\n# env-dep:INSIGHT_COVERAGE_FILE=/t/c\n";
        let real = "/t/a-real.d: /r\\ s/lib.rs /r/b.rs\n\n/r/b.rs:\n\n# env-dep:A=1\n# env-dep:B\n";
        let expect = "/t/a.d: /s/lib.rs /r\\ s/lib.rs /r/b.rs\n\n/t/liba.rlib: /s/lib.rs /r\\ s/lib.rs /r/b.rs\n\n\
                      /s/lib.rs:\n\n# env-dep:A=1\n# env-dep:B\n";
        assert_eq!(with_sources(own, real), expect);
    }
}
