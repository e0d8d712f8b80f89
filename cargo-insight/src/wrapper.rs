//! The compiler wrapper. It compiles the real crate under another file name, and then the facade under the crate's own name.
//!
//! The compiler knows both as `tokio`, so the names of types and functions stay the same. The two differ in `-C metadata`,
//! which lets the compiler distinguish crates with the same name, and in `-C extra-filename`.

mod call;

use crate::facades::{Facade, Source};
use crate::messages::{Result, print};
use crate::plan::{Bundle, Plan, Replaced};
use crate::process::{become_command, exit_code};
use crate::runner::PROCESS;
use call::Call;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, ExitStatus, Stdio};

/// The `cfg` of facades that are compiled into a whole graph. Such a facade starts insight by itself.
const WHOLE_GRAPH: &str = "insight_whole_graph";

/// Runs `insight-rustc RUSTC ARGUMENTS`: a call of the compiler in the user's build.
pub fn rustc(words: Vec<OsString>) -> ExitCode {
    let plan = match Plan::read() {
        Ok(plan) => plan,
        Err(error) => return failed(&error),
    };
    let mut compiler = compiler(plan.wrapper.as_deref(), &words);
    // With the variables of a build without insight, a macro such as `option_env!` has the same value.
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
        Ok(_) => return wrapped.pass_on(rest),
        Err(error) => return failed(&error),
    };
    let facade = facade.filter(|facade| call.is_library_of(&facade.crate_name()));
    let result = match (facade, plan.bundle(&call.target)) {
        (Some(facade), Some(bundle)) => wrapped.replace(facade, bundle, &call, &version),
        (None, Some(_)) => {
            let suspects = wrapped.suspects(&call);
            if suspects.is_empty() {
                return wrapped.pass_on(rest);
            }
            wrapped.compile_dependent(rest, &suspects, &package, &version)
        }
        (_, None) => return wrapped.pass_on(rest),
    };
    match result {
        Ok(status) => exit_code(status),
        Err(error) => failed(&error),
    }
}

/// Runs `insight-own-rustc RUSTC ARGUMENTS`: a call of the compiler in the build of insight's own crates.
///
/// These crates are linked into programs that may contain the same crates in other versions and with other features. The
/// user's flags apply to them, and these may deny warnings.
pub fn own_rustc(words: Vec<OsString>) -> ExitCode {
    let wrapper = std::env::var_os(OWN_WRAPPER).filter(|wrapper| !wrapper.is_empty()).map(PathBuf::from);
    let mut compiler = compiler(wrapper.as_deref(), &words);
    compiler.args(words.iter().skip(1));
    if words.iter().any(|word| word == "--crate-name") && !words.iter().any(|word| word == "___") {
        compiler.args(["--cap-lints=allow", "-Cmetadata=insight"]);
        // A program with link-time optimization needs bitcode. Proc-macros and build scripts do not need it.
        if !words.windows(2).any(|pair| pair[0] == "--crate-type" && (pair[1] == "bin" || pair[1] == "proc-macro")) {
            compiler.arg("-Cembed-bitcode=yes");
        }
    }
    match compiler.status() {
        Ok(status) => exit_code(status),
        Err(error) => failed(&format!("cannot start the compiler: {error}")),
    }
}

/// The variable with the user's compiler wrapper, for the build of insight's own crates.
pub const OWN_WRAPPER: &str = "CARGO_INSIGHT_OWN_WRAPPER";

/// The command that calls the compiler, through the user's wrapper if there is one.
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
    print(error);
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

    /// Runs the compiler for a call that is not changed.
    fn pass_on(&self, rest: &[OsString]) -> ExitCode {
        let mut command = self.command();
        command.args(rest);
        become_command(command)
    }

    /// Prints the compiler's version and the plan's key: cargo compiles again when the key changes.
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

    /// The facades that can be the reason if a crate does not compile: the facades that it depends on, if it is not a crate of
    /// the user's workspace. Such a crate compiles with the real crates.
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

    /// Compiles a crate that depends on facades and is not replaced itself.
    fn compile_dependent(
        &self,
        rest: &[OsString],
        suspects: &[&str],
        package: &str,
        version: &str,
    ) -> Result<ExitStatus> {
        let status = status(self.command().args(rest))?;
        if !status.success() {
            let options: Vec<String> = suspects.iter().map(|name| format!("`--leave-out {name}`")).collect();
            print(&format!(
                "{package} {version} does not compile with insight's {}; {} builds without it",
                suspects.join(" or "),
                options.join(" or ")
            ));
        }
        Ok(status)
    }

    fn replace(&self, facade: &Facade, bundle: &Bundle, call: &Call, version: &str) -> Result<ExitStatus> {
        self.link_files(bundle, &call.out_dir)?;
        let command = self.facade_command(facade, bundle, call, version)?;
        let status = match facade.source {
            Source::Over { .. } => match self.compile_both(&call.real(), command)? {
                (status, false) => return Ok(status),
                (status, true) => status,
            },
            Source::Instead(_) => status(&mut { command })?,
        };
        if !status.success() {
            print(&format!(
                "insight's {} does not compile with {} {version}; `--leave-out {}` builds without it",
                facade.name, facade.package, facade.name
            ));
            return Ok(status);
        }
        if let Source::Over { .. } = facade.source {
            call.join_dep_info()?;
        }
        Ok(status)
    }

    /// The command that compiles a facade.
    fn facade_command(&self, facade: &Facade, bundle: &Bundle, call: &Call, version: &str) -> Result<Command> {
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
        let locked = semver::Version::parse(version).map_err(|error| format!("{version} is not a version: {error}"))?;
        for threshold in facade.thresholds {
            if semver::Version::parse(threshold).is_ok_and(|threshold| locked < threshold) {
                command.arg("--cfg").arg(format!("insight_before=\"{threshold}\""));
            }
        }
        command.env("INSIGHT_COVERAGE_FILE", &self.plan.coverage);
        Ok(command)
    }

    /// Compiles the real crate and the facade. It returns the facade's status and `true`, or the real crate's status and
    /// `false` if the real crate does not compile.
    ///
    /// As in cargo's pipeline, the facade starts when the real crate's metadata is written, while the real crate's code is
    /// generated. Messages about the real crate's files are not passed on to cargo, because it waits for the facade's files.
    fn compile_both(&self, call: &Call, mut facade: Command) -> Result<(ExitStatus, bool)> {
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
                // The facade's compiler may have ended already.
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

    /// Links the files of insight's own crates to the folder that the compiler searches for crates.
    fn link_files(&self, bundle: &Bundle, folder: &Path) -> Result {
        for (name, file) in &bundle.files {
            let to = folder.join(name);
            if is_same(file, &to) {
                continue;
            }
            // The file is renamed when it is complete: another compiler at the same time finds the whole file or none.
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

/// Whether the two paths are the same file or have the same content.
fn is_same(file: &Path, to: &Path) -> bool {
    let (Ok(one), Ok(other)) = (fs::metadata(file), fs::metadata(to)) else { return false };
    let same_times = one.modified().ok() == other.modified().ok();
    one.len() == other.len() && (same_times || fs::read(file).ok() == fs::read(to).ok())
}

fn status(command: &mut Command) -> Result<ExitStatus> {
    command.status().map_err(|error| format!("cannot start {}: {error}", command.get_program().to_string_lossy()))
}
