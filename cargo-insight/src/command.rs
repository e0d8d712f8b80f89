//! The command `cargo insight SUBCOMMAND ...`.

use crate::arguments::{Arguments, SUBCOMMANDS};
use crate::bundle;
use crate::config;
use crate::coverage;
use crate::facades::{FACADES, Facade, Source, dotted};
use crate::graph::{Graph, Package, cargo};
use crate::links::{Links, Role};
use crate::messages::{Result, print};
use crate::open;
use crate::plan::{self, Plan, Replaced, triple_name};
use crate::process::{become_command, exit_code, run_to_end};
use crate::proof::{self, Proof};
use crate::runner::PROCESS;
use insight_protocol::{PackageCoverage, with};
use std::ffi::OsString;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitCode};

/// cargo's variable for a compiler wrapper. It overrides the configuration, even our own `--config` options.
const WRAPPER: &str = "RUSTC_WRAPPER";

/// cargo's name for the host's triple.
const HOST: &str = "host-tuple";

const HELP: &str = "\
Runs an async program unchanged, with its whole dependency graph visible to insight.

  cargo insight run|build|test|bench|nextest [arguments of cargo] [-- arguments of the program]

  cargo insight consolation [arguments]
                     show the tasks, waits and problems of a running program in the terminal

  --open             with run: open consolation on the program; its output goes to a file
  --leave-out NAME   use a runtime or library without insight: NAME is one of those below; may be repeated

The environment of the program:

  INSIGHT_LISTEN     the address that insight listens on, instead of a free port: 127.0.0.1:9000, or off
  INSIGHT_RECORD     a file to record to
  INSIGHT_DETAIL     structure, polls to record each poll, too, or operations to record also each operation
  INSIGHT_PANICS     message: also show the messages of panics, which may contain data of users
  INSIGHT_CHILDREN   on: also observe processes that the program starts
  INSIGHT_AWAITS     on: poll each waiting task once, to learn the function that it awaits; problems: only tasks
                     with a problem, the default in a test; off: no task

";

/// Runs the subcommand. `words` are all words after the program's name.
pub fn run(mut words: Vec<OsString>) -> ExitCode {
    // Cargo calls this program as `cargo-insight insight run`.
    if words.first().is_some_and(|word| word == "insight") {
        words.remove(0);
    }
    match words.first().map(|word| word.to_string_lossy().into_owned()).as_deref() {
        None | Some("-h" | "--help" | "help") => {
            write(&format!("{HELP}{}", supported()));
            return ExitCode::SUCCESS;
        }
        Some("-V" | "--version") => {
            write(&format!("cargo-insight {}\n", env!("CARGO_PKG_VERSION")));
            return ExitCode::SUCCESS;
        }
        Some("consolation") => return wish4_consolation::run(words),
        Some(_) => {}
    }
    let given = words.clone();
    let result = parse(words).and_then(|arguments| match arguments.builds() {
        true if arguments.help => {
            write(&format!(
                "{HELP}{}\n`cargo {} --help` has cargo's own options.\n",
                supported(),
                arguments.subcommand
            ));
            Ok(ExitCode::SUCCESS)
        }
        true => observed(&arguments),
        // Cargo runs this subcommand itself, with all of its words: `--open` may be an option of cargo here.
        false => Ok(run_cargo(&given)),
    });
    match result {
        Ok(code) => code,
        Err(error) => {
            print(&error);
            ExitCode::FAILURE
        }
    }
}

/// Writes to stdout. `print!` would panic if stdout is closed or full.
fn write(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// One line for each facade, with the versions that it supports.
fn supported() -> String {
    let line = |facade: &Facade| {
        format!("  {:<18} {} {} to {}\n", facade.name, facade.package, dotted(facade.from), dotted(facade.newest))
    };
    FACADES.iter().filter(|facade| !facade.is_own()).map(line).collect()
}

/// Parses the command line. Like cargo, it replaces an alias from cargo's configuration by its words.
fn parse(mut words: Vec<OsString>) -> Result<Arguments> {
    let mut arguments = Arguments::parse(&words)?;
    let mut resolved = Vec::new();
    while !SUBCOMMANDS.contains(&arguments.subcommand.as_str()) && !resolved.contains(&arguments.subcommand) {
        let config = config::load(&arguments.configs)?;
        let Some(alias) = config.alias.get(&arguments.subcommand) else { break };
        let at = words.iter().position(|word| *word == *arguments.subcommand).unwrap_or_default();
        words.splice(at..=at, alias.list.iter().map(OsString::from));
        resolved.push(std::mem::take(&mut arguments.subcommand));
        arguments = Arguments::parse(&words)?;
    }
    Ok(arguments)
}

/// Runs cargo with these words, without insight.
fn run_cargo(words: &[OsString]) -> ExitCode {
    let mut command = Command::new(cargo());
    command.args(words);
    become_command(command)
}

fn observed(arguments: &Arguments) -> Result<ExitCode> {
    if let Some(unknown) = arguments.left_out.iter().find(|name| Facade::named(name).is_none()) {
        return Err(format!(
            "--leave-out {unknown}: there is no such runtime or library; these can be left out:\n{}",
            supported()
        ));
    }
    let config = config::load(&arguments.configs)?;
    let host = config::host(&config)?;
    let mut targets = arguments.targets.clone();
    if targets.is_empty() {
        let configured = config.build.target.iter().flatten().map(|target| target.triple().to_owned());
        targets.extend(configured);
    }
    for target in &mut targets {
        let name = if target == HOST { host.clone() } else { triple_name(target).to_owned() };
        *target = name;
    }
    let platforms = if targets.is_empty() { vec![host.clone()] } else { targets.clone() };
    let is_offline = arguments.is_offline || config.net.offline == Some(true);
    let graph = match Graph::of(&arguments.metadata, &platforms, is_offline)? {
        Ok(graph) => graph,
        // The user sees cargo's own error and exit status.
        Err(output) => {
            let _ = std::io::stderr().write_all(&output.stderr);
            return Ok(exit_code(output.status));
        }
    };
    let is_run = matches!(arguments.subcommand.as_str(), "run" | "r");
    if arguments.open && !is_run {
        return Err(format!(
            "--open is for `cargo insight run`; `cargo {}` starts no single program",
            arguments.subcommand
        ));
    }
    let linked = graph.linked(arguments.with_tests);
    let mut selection = select(&linked, &arguments.left_out)?;
    selection.uncovered.extend(coverage::without_facade(&linked));
    selection.lines.iter().for_each(|line| print(line));
    if !selection
        .replaced
        .iter()
        .any(|replaced| Facade::named(&replaced.facade).is_some_and(|facade| facade.is_runtime))
    {
        let runtimes: Vec<&str> = FACADES.iter().filter(|facade| facade.is_runtime).map(|facade| facade.name).collect();
        print(&format!(
            "nothing is observed: no supported runtime ({}) is in the dependency graph",
            runtimes.join(", ")
        ));
        return Ok(run_cargo(&arguments.words()));
    }

    // All files of `cargo insight` are in this folder, which is in the user's target folder.
    let named = arguments.target_dir.as_ref().map(|named| std::path::absolute(&named.folder));
    let target = match named {
        Some(folder) => folder.map_err(|error| format!("--target-dir: {error}"))?,
        None => graph.target_directory.clone(),
    }
    .join("insight");
    let own = target.join("own");
    let sources = bundle::unpack(&own)?;
    write_replacements(&sources)?;
    let triples = if targets.is_empty() { vec![String::new()] } else { targets.clone() };
    let wrapper = config.build.rustc_wrapper.clone().filter(|wrapper| !wrapper.as_os_str().is_empty());
    let mut plan = Plan {
        target: target.clone(),
        sources: sources.clone(),
        wrapper: wrapper.clone(),
        is_host: platforms.iter().all(|platform| *platform == host),
        replaced: selection.replaced,
        is_run,
        ..Plan::default()
    };
    plan.key = key(&plan, &triples);
    plan.coverage = own.join("coverage").join(&plan.key);
    // Cargo asks the compiler for its version again if the wrapper's path changes. The answer contains the key.
    let links = Links::make(&own.join("bin").join(&plan.key))?;
    let own_links = Links::make(&own.join("bin"))?;
    for triple in &triples {
        plan.bundles.push(bundle::build(&sources, &own, triple, arguments, &own_links, wrapper.as_deref())?);
    }
    let facts = coverage::write(&plan, &selection.uncovered, &graph, &own)?;
    let runner = config
        .runner(&platforms[0])
        .map_err(|error| format!("cannot read the runner of cargo's configuration: {error}"))?;
    if let Some(runner) = runner {
        let word = |word: &std::ffi::OsStr| word.to_string_lossy().into_owned();
        plan.runner =
            std::iter::once(word(runner.path.as_os_str())).chain(runner.args.iter().map(|arg| word(arg))).collect();
    }

    plan.environment = [WRAPPER, PROCESS].map(|name| (name.to_owned(), std::env::var(name).ok())).to_vec();
    plan.program = program_variables(&facts, &arguments.subcommand);
    plan.output = arguments.open.then(|| open::output_file(&own));
    let path = plan.write(&own)?;
    let mut command = Command::new(cargo());
    command
        .args(words_with(arguments, &graph, &target, &platforms, &links)?)
        .env_remove(WRAPPER)
        .env(plan::VARIABLE, &path)
        // Programs that run during the build, such as build scripts, are not observed.
        .env(PROCESS, "0");
    if let Some(output) = &plan.output {
        let status = open::run(command, output);
        // The plan names the output of this run, so no other run can use it.
        let _ = fs::remove_file(&path);
        return Ok(exit_code(status?));
    }
    if !matches!(arguments.subcommand.as_str(), "build" | "b") || arguments.has_message_format {
        // The runner checks each program when it starts.
        return Ok(become_command(command));
    }
    let status = run_to_end(&mut command)?;
    if status.success() {
        let mut again = Command::new(cargo());
        again.args(command.get_args()).arg("--message-format=json");
        again.env_remove(WRAPPER).env(plan::VARIABLE, &path).env(PROCESS, "0");
        let unobserved = |program: &std::path::PathBuf| Proof::of(program, &plan).ok()?.fault(program);
        let faults: Vec<String> = proof::programs(again).iter().filter_map(unobserved).collect();
        if !faults.is_empty() {
            return Err(faults.join("\n"));
        }
    }
    Ok(exit_code(status))
}

/// The words for cargo: the user's words, and options that set our target folder, compiler wrapper and runner.
///
/// These are options and not variables: a build script may start another cargo, which would inherit the variables. Cargo would
/// also compare such variables with the values that a crate was compiled with.
fn words_with(
    arguments: &Arguments,
    graph: &Graph,
    target: &Path,
    platforms: &[String],
    links: &Links,
) -> Result<Vec<OsString>> {
    let mut words = arguments.rest.clone();
    let mut own = Vec::new();
    match &arguments.target_dir {
        Some(named) => {
            let mut word = OsString::from(named.before);
            word.push(target);
            words[named.index] = word;
        }
        None => own.extend(["--target-dir".into(), target.into()]),
    }
    let text = |path: &Path| {
        let text = path.to_str().ok_or_else(|| format!("{} is not Unicode, which cargo requires here", path.display()));
        // A JSON string is also a TOML string.
        text.map(|text| serde_json::Value::from(text).to_string())
    };
    let mut set = |key: String, value: String| own.extend(["--config".into(), format!("{key}={value}").into()]);
    for platform in platforms {
        set(format!("target.\"{platform}\".runner"), format!("[{}]", text(&links.path(Role::Runner))?));
    }
    set("build.rustc-wrapper".into(), text(&links.path(Role::Rustc))?);
    if graph.has_build_directory() {
        set("build.build-dir".into(), text(target)?);
    }
    // If `--config` sets a key twice, the last value applies, so ours go after the user's.
    let end = arguments.options_end();
    words.splice(end..end, own);
    words.insert(0, OsString::from(&arguments.subcommand));
    Ok(words)
}

/// The variables of the program. In a test insight does not listen, and captures awaits only for problems, unless the user sets
/// `INSIGHT_LISTEN` and `INSIGHT_AWAITS`.
fn program_variables(facts: &Path, subcommand: &str) -> Vec<(String, String)> {
    let mut variables = vec![("INSIGHT_COVERAGE".to_owned(), facts.display().to_string())];
    if !matches!(subcommand, "run" | "r") {
        variables.push(("INSIGHT_LISTEN".to_owned(), "off".to_owned()));
        // A test may count its polls: only a task with a problem is polled once more.
        variables.push(("INSIGHT_AWAITS".to_owned(), "problems".to_owned()));
    }
    variables
}

/// A key that changes whenever the compiled code would change. It contains the targets, because with `--target` the crates for
/// the host are not replaced: builds can differ although the same packages are replaced.
fn key(plan: &Plan, triples: &[String]) -> String {
    let mut hasher = DefaultHasher::new();
    // Another build of cargo-insight may compile the facades differently.
    let this = std::env::current_exe().and_then(fs::metadata);
    let this = this.ok().map(|this| (this.len(), this.modified().ok()));
    (bundle::archive_hash(), env!("CARGO_PKG_VERSION"), this).hash(&mut hasher);
    let mut names: Vec<&str> = plan.replaced.iter().map(|replaced| replaced.facade.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    (names, triples).hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// Writes the libraries that are compiled in place of another crate.
fn write_replacements(sources: &Path) -> Result {
    for facade in FACADES {
        if let Source::Instead(text) = facade.source {
            plan::write_whole(&sources.join("instead").join(facade.name).join("lib.rs"), text)?;
        }
    }
    Ok(())
}

#[derive(Debug, Default)]
struct Selection {
    replaced: Vec<Replaced>,
    uncovered: Vec<PackageCoverage>,
    /// Messages for the user.
    lines: Vec<String>,
}

/// Decides which packages are replaced, and why others are not.
fn select(linked: &[&Package], left_out: &[String]) -> Result<Selection> {
    let mut selection = Selection::default();
    for package in linked {
        let candidates = || FACADES.iter().filter(|facade| facade.package == package.name);
        let Some(facade) = Facade::of(&package.name, &package.version) else {
            if candidates().any(|facade| facade.is_runtime) {
                selection
                    .lines
                    .push(format!("{} {} is not supported: its tasks are not observed", package.name, package.version));
            }
            if candidates().next().is_some() {
                selection.uncovered.push(uncovered(package, "this major version is not supported"));
            }
            continue;
        };
        if left_out.iter().any(|name| name == facade.name) {
            selection.uncovered.push(uncovered(package, "left out by --leave-out"));
            continue;
        }
        if facade.is_too_old(&package.version) {
            let update = too_old(facade, package);
            if facade.is_runtime {
                return Err(format!("{update}; `--leave-out {}` runs the program without observing it", facade.name));
            }
            selection.lines.push(format!("{update}; its waits are not observed"));
            selection.uncovered.push(uncovered(package, "older than the oldest version that insight can observe"));
            continue;
        }
        if facade.is_newer(&package.version) {
            selection.lines.push(format!(
                "{} {} is newer than {}, the newest tested version; it may not compile",
                package.name,
                package.version,
                dotted(facade.newest)
            ));
        }
        if let Some(source) = package.unusual_source().filter(|_| !facade.is_own()) {
            selection.lines.push(format!(
                "{} {} comes from {source}; it is observed like the published package",
                package.name, package.version
            ));
        }
        selection.replaced.push(Replaced {
            package: package.name.clone(),
            version: package.version.to_string(),
            facade: facade.name.to_owned(),
            folder: package.folder(),
        });
    }
    leave_out_dependent(&mut selection);
    Ok(selection)
}

/// Leaves out each facade that needs a facade that was left out.
fn leave_out_dependent(selection: &mut Selection) {
    let needed = |replaced: &Replaced| Facade::named(&replaced.facade).and_then(Facade::needs);
    let names: Vec<String> = selection.replaced.iter().map(|replaced| replaced.facade.clone()).collect();
    let (kept, left_out) = std::mem::take(&mut selection.replaced)
        .into_iter()
        .partition(|replaced| needed(replaced).is_none_or(|needed| names.iter().any(|name| name == needed)));
    selection.replaced = kept;
    for Replaced { package, version, facade, .. } in left_out {
        let needed = Facade::named(&facade).and_then(Facade::needs).unwrap_or_default();
        let reason = format!("cannot be observed without {needed}");
        selection.lines.push(format!("{package} {version} {reason}, so it is left out, too"));
        selection.uncovered.push(with!(PackageCoverage::new(package, version, false), reason = Some(reason)));
    }
}

fn too_old(facade: &Facade, package: &Package) -> String {
    let Package { name, version, .. } = package;
    format!(
        "{name} {version} is older than {}, the oldest version that insight can observe. \
         `cargo update -p {name}@{version} --precise {}` updates it in Cargo.lock",
        dotted(facade.from),
        dotted(facade.newest)
    )
}

fn uncovered(package: &Package, reason: &str) -> PackageCoverage {
    with!(
        PackageCoverage::new(package.name.clone(), package.version.to_string(), false),
        reason = Some(reason.to_owned())
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks the replaced packages and the messages.
    fn check(packages: &[(&str, &str)], left_out: &[&str], replaced: &[&str], lines: &[&str]) {
        let packages: Vec<Package> = packages.iter().map(|(name, version)| Package::new(name, version)).collect();
        let left_out: Vec<String> = left_out.iter().map(|name| (*name).to_owned()).collect();
        let selection = select(&packages.iter().collect::<Vec<_>>(), &left_out).unwrap();
        let names: Vec<&str> = selection.replaced.iter().map(|replaced| replaced.facade.as_str()).collect();
        assert_eq!((names.as_slice(), selection.lines.len()), (replaced, lines.len()), "{:?}", selection.lines);
        for (line, expect) in selection.lines.iter().zip(lines) {
            assert!(line.contains(expect), "{line}");
        }
        assert_eq!(selection.replaced.len() + selection.uncovered.len(), packages.len());
    }

    #[test]
    fn each_supported_package_is_replaced_or_reported() {
        check(&[("tokio", "1.54.1"), ("async-lock", "3.4.0")], &[], &["tokio", "async-lock"], &[]);
        check(&[("tokio", "1.54.1"), ("tokio", "0.2.25")], &[], &["tokio"], &["tokio 0.2.25 is not supported"]);
        check(&[("tokio", "1.999.0")], &[], &["tokio"], &["tokio 1.999.0 is newer than"]);
        check(&[("tokio", "1.54.1")], &["tokio"], &[], &[]);
        check(&[("event-listener", "5.0.0")], &[], &[], &["event-listener 5.0.0 is older than 5.3.0"]);
        check(&[("event-listener", "2.5.3")], &[], &[], &[]);
        let executor = [("async-task", "4.7.1"), ("async-executor", "1.14.1")];
        check(&executor, &[], &["async-task", "async-executor"], &[]);
        check(&executor, &["async-task"], &[], &["async-executor 1.14.1 cannot be observed without async-task"]);
    }

    #[test]
    fn an_old_runtime_is_an_error_with_the_command_that_updates_it() {
        let error = select(&[&Package::new("tokio", "1.20.0")], &[]).unwrap_err();
        assert!(error.contains("`cargo update -p tokio@1.20.0 --precise 1."), "{error}");
        assert!(error.contains("`--leave-out tokio`"), "{error}");
    }
}
