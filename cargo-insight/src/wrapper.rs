//! The compiler wrapper: the real crate under another file name, and then the facade under the crate's own.
//!
//! Both are called `tokio` within the compiler, so the names of types and functions stay as they are. They differ in
//! `-C metadata`, by which the compiler tells crates of one name apart, and in `-C extra-filename`.

mod call;

use crate::facades::{Facade, Source};
use crate::plan::{Bundle, Plan, Replaced};
use crate::process::{become_it, exit_code};
use crate::runner::PROCESS;
use crate::say::{Result, say};
use call::Call;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus, Stdio};

/// Set while facades of a whole graph are compiled. They start insight by themselves.
const WHOLE_GRAPH: &str = "insight_whole_graph";

/// `insight-rustc RUSTC ARGUMENTS`: a call of the compiler in the user's build.
pub fn rustc(words: Vec<OsString>) -> ExitCode {
    let plan = match Plan::read() {
        Ok(plan) => plan,
        Err(error) => return failed(&error),
    };
    let mut compiler = compiler(plan.wrapper.as_deref(), &words);
    // A macro such as `option_env!` has the values of a plain build.
    plan.restore(&mut compiler);
    compiler.env(PROCESS, "0");
    let wrapped = Wrapped { plan: &plan, compiler };
    let Some(rest) = words.get(1..) else { return failed("called without a compiler") };
    if rest.iter().any(|word| word == "-vV") {
        return wrapped.version(rest);
    }
    let package = std::env::var("CARGO_PKG_NAME").unwrap_or_default();
    let version = std::env::var("CARGO_PKG_VERSION").unwrap_or_default();
    let replaced = plan.replaced.iter().find(|replaced| replaced.package == package && replaced.version == version);
    let facade = replaced.and_then(|replaced| Facade::named(&replaced.facade));
    let call = match Call::parse(rest) {
        Ok(Some(call)) if std::path::absolute(&call.out_dir).is_ok_and(|it| it.starts_with(&plan.target)) => call,
        Ok(_) => return wrapped.pass(rest),
        Err(error) => return failed(&error),
    };
    let facade = facade.filter(|facade| call.is_library_of(&facade.crate_name()));
    let result = match (facade, plan.bundle(&call.target)) {
        (Some(facade), Some(bundle)) => wrapped.replace(facade, bundle, &call, &version),
        (None, Some(_)) => {
            let suspects = wrapped.suspects(&call);
            if suspects.is_empty() {
                return wrapped.pass(rest);
            }
            wrapped.other(rest, &suspects, &package, &version)
        }
        (_, None) => return wrapped.pass(rest),
    };
    match result {
        Ok(status) => exit_code(status),
        Err(error) => failed(&error),
    }
}

/// `insight-own-rustc RUSTC ARGUMENTS`: a call of the compiler in the build of insight's own crates.
///
/// They are linked into programs that may have the same crates, in other versions and with other features. And they are
/// compiled where the user's flags hold, which may deny warnings.
pub fn own_rustc(words: Vec<OsString>) -> ExitCode {
    let wrapper = std::env::var_os(OWN_WRAPPER).filter(|wrapper| !wrapper.is_empty()).map(PathBuf::from);
    let mut compiler = compiler(wrapper.as_deref(), &words);
    compiler.args(words.iter().skip(1));
    if words.iter().any(|word| word == "--crate-name") && !words.iter().any(|word| word == "___") {
        compiler.args(["--cap-lints=allow", "-Cmetadata=insight"]);
        // A program with link-time optimization needs bitcode. A proc-macro or a build script does not.
        if !words.windows(2).any(|pair| pair[0] == "--crate-type" && (pair[1] == "bin" || pair[1] == "proc-macro")) {
            compiler.arg("-Cembed-bitcode=yes");
        }
    }
    match compiler.status() {
        Ok(status) => exit_code(status),
        Err(error) => failed(&format!("cannot start the compiler: {error}")),
    }
}

/// Names the user's compiler wrapper to the one of insight's own crates.
pub const OWN_WRAPPER: &str = "CARGO_INSIGHT_OWN_WRAPPER";

/// The user's wrapper and the compiler, or the compiler alone.
fn compiler(wrapper: Option<&Path>, words: &[OsString]) -> Command {
    let rustc = words.first().map(OsString::as_os_str).unwrap_or(OsStr::new("rustc"));
    match wrapper {
        Some(wrapper) => {
            let mut command = Command::new(wrapper);
            command.arg(rustc);
            command
        }
        None => Command::new(rustc),
    }
}

fn failed(error: &str) -> ExitCode {
    say(error);
    ExitCode::FAILURE
}

struct Wrapped<'p> {
    plan: &'p Plan,
    compiler: Command,
}

impl Wrapped<'_> {
    fn command(&self) -> Command {
        let mut command = Command::new(self.compiler.get_program());
        command.args(self.compiler.get_args());
        for (name, value) in self.compiler.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
    }

    /// A call that is none of ours.
    fn pass(&self, rest: &[OsString]) -> ExitCode {
        let mut command = self.command();
        command.args(rest);
        become_it(command)
    }

    /// The compiler's version, with the plan's key: when the key changes, cargo compiles again.
    fn version(&self, rest: &[OsString]) -> ExitCode {
        let output = match self.command().args(rest).stderr(Stdio::inherit()).output() {
            Ok(output) => output,
            Err(error) => return failed(&format!("cannot start the compiler: {error}")),
        };
        let mut text = output.stdout;
        if output.status.success() {
            text.extend_from_slice(format!("insight: {}\n", self.plan.key).as_bytes());
        }
        let _ = std::io::stdout().write_all(&text);
        exit_code(output.status)
    }

    /// The facades that may be why a crate does not compile: those that it names, if it is somebody else's and so compiles
    /// with the real crates.
    fn suspects(&self, call: &Call) -> Vec<&str> {
        let is_used = |replaced: &&Replaced| {
            let library = Facade::named(&replaced.facade).map(Facade::crate_name).unwrap_or_default();
            let file = format!("lib{library}-");
            let is_it = |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&file));
            call.externs.iter().any(|(_, path)| is_it(path))
        };
        match call.caps_lints() {
            true => self.plan.replaced.iter().filter(is_used).map(|replaced| replaced.facade.as_str()).collect(),
            false => Vec::new(),
        }
    }

    /// A crate that is not replaced, and that uses facades.
    fn other(&self, rest: &[OsString], suspects: &[&str], package: &str, version: &str) -> Result<ExitStatus> {
        let status = status(self.command().args(rest))?;
        if !status.success() {
            let options: Vec<String> = suspects.iter().map(|name| format!("`--leave-out {name}`")).collect();
            say(&format!(
                "{package} {version} does not compile over insight's {}; {} leaves it out",
                suspects.join(" or "),
                options.join(" or ")
            ));
        }
        Ok(status)
    }

    fn replace(&self, facade: &Facade, bundle: &Bundle, call: &Call, version: &str) -> Result<ExitStatus> {
        self.bring(bundle, &call.out_dir)?;
        let command = self.facade(facade, bundle, call, version)?;
        let status = match facade.source {
            Source::Over { .. } => match self.real(&call.real(), command)? {
                (status, false) => return Ok(status),
                (status, true) => status,
            },
            Source::Instead(_) => status(&mut { command })?,
        };
        if !status.success() {
            say(&format!(
                "insight's {} does not compile over {} {version}; `--leave-out {}` leaves it out",
                facade.name, facade.package, facade.name
            ));
            return Ok(status);
        }
        if let Source::Over { .. } = facade.source {
            call.join_dep_info()?;
        }
        Ok(status)
    }

    /// The call that compiles a facade.
    fn facade(&self, facade: &Facade, bundle: &Bundle, call: &Call, version: &str) -> Result<Command> {
        let mut externs: Vec<(OsString, PathBuf)> = Vec::new();
        let source = match facade.source {
            Source::Over { folder, real: name, .. } => {
                externs.push((name.into(), call.real().library()));
                self.plan.sources.join(folder).join("src/lib.rs")
            }
            Source::Instead(_) => self.plan.sources.join("instead").join(facade.name).join("lib.rs"),
        };
        for (name, own) in facade.externs {
            let file = bundle.crates.get(*own).ok_or_else(|| format!("insight's own crates lack {own}"))?;
            externs.push((name.into(), call.out_dir.join(file)));
        }
        let mut command = self.command();
        command.args(call.facade(&source, &externs));
        command.args(["--cfg", WHOLE_GRAPH, "--cap-lints", "allow"]);
        if let Source::Over { feature: Some(feature), .. } = facade.source {
            command.arg("--cfg").arg(format!("feature=\"{feature}\""));
        }
        let locked = semver::Version::parse(version).map_err(|error| format!("{version} is no version: {error}"))?;
        for threshold in facade.thresholds {
            if semver::Version::parse(threshold).is_ok_and(|threshold| locked < threshold) {
                command.arg("--cfg").arg(format!("insight_before=\"{threshold}\""));
            }
        }
        command.env("INSIGHT_COVERAGE_FILE", &self.plan.coverage);
        Ok(command)
    }

    /// Compiles the real crate and then the facade. The status is the facade's; or the real crate's, with `false`, if that does
    /// not compile.
    ///
    /// As in cargo's pipeline, the facade is begun when the real crate's metadata is there, while its code is generated. Cargo
    /// is not told of the real crate's files: it waits for those of the facade.
    fn real(&self, call: &Call, mut facade: Command) -> Result<(ExitStatus, bool)> {
        let failed = |error| format!("cannot start the compiler: {error}");
        let mut child = self.command().args(&call.words).stderr(Stdio::piped()).spawn().map_err(failed)?;
        let mut begun = None;
        let lines = BufReader::new(child.stderr.take().expect("it is piped"));
        for line in lines.split(b'\n').map_while(std::io::Result::ok) {
            if !line.starts_with(b"{\"$message_type\":\"artifact\"") {
                let _ = std::io::stderr().write_all(&[&line[..], b"\n"].concat());
            } else if line.ends_with(b"\"emit\":\"metadata\"}") && begun.is_none() {
                begun = Some(facade.spawn().map_err(failed)?);
            }
        }
        let waited = |error| format!("cannot wait for the compiler: {error}");
        let real = child.wait().map_err(waited)?;
        if !real.success() {
            if let Some(mut begun) = begun {
                // It may have ended.
                let _ = begun.kill();
                begun.wait().map_err(waited)?;
            }
            return Ok((real, false));
        }
        let status = match begun {
            Some(mut begun) => begun.wait().map_err(waited)?,
            None => status(&mut facade)?,
        };
        Ok((status, true))
    }

    /// Links the files of insight's own crates into the folder in which the compiler looks for crates.
    fn bring(&self, bundle: &Bundle, folder: &Path) -> Result {
        for (name, file) in &bundle.files {
            let to = folder.join(name);
            if is_same(file, &to) {
                continue;
            }
            // Under another name first: a compiler that runs beside this one sees the whole file or none.
            let partial = folder.join(format!("insight-{}.partial", std::process::id()));
            let failed = |error| format!("cannot write {}: {error}", to.display());
            let _ = fs::remove_file(&partial);
            if fs::hard_link(file, &partial).is_err() {
                fs::copy(file, &partial).map_err(failed)?;
            }
            fs::rename(&partial, &to).map_err(failed)?;
        }
        Ok(())
    }
}

/// Whether two paths are one file, or have the same content.
fn is_same(file: &Path, to: &Path) -> bool {
    let (Ok(one), Ok(other)) = (fs::metadata(file), fs::metadata(to)) else { return false };
    let same_times = one.modified().ok() == other.modified().ok();
    one.len() == other.len() && (same_times || fs::read(file).ok() == fs::read(to).ok())
}

fn status(command: &mut Command) -> Result<ExitStatus> {
    command.status().map_err(|error| format!("cannot start {}: {error}", command.get_program().to_string_lossy()))
}
