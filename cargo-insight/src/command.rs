//! `cargo insight SUBCOMMAND ...`.

use crate::arguments::{Arguments, SUBCOMMANDS};
use crate::bundle;
use crate::coverage;
use crate::facades::{FACADES, Facade, Source, words};
use crate::graph::{Graph, Package, cargo};
use crate::links::{Links, Role};
use crate::open;
use crate::plan::{self, Plan, Replaced};
use crate::say::{Result, say};
use crate::wrapper;
use cargo_config2::Config;
use insight_protocol::PackageCoverage;
use std::ffi::OsString;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

const HELP: &str = "\
Runs an async program unchanged, with its whole dependency graph visible to insight.

  cargo insight run|build|test|bench|nextest [arguments of cargo] [-- arguments of the program]

  cargo insight consolation [arguments]
                     show what a running program waits for, in the terminal

  --open             with run: open consolation on the program; its output goes to a file
  --leave-out NAME   leave a runtime or library as it is: NAME is one of those below; may be repeated

The environment of the program:

  INSIGHT_LISTEN     where insight listens, instead of a free port: 127.0.0.1:9000, or off
  INSIGHT_RECORD     a file to record to
  INSIGHT_CHILDREN   on: observe processes that the program starts, too

";

/// The subcommand, and all after it.
pub fn run(mut words: Vec<OsString>) -> ExitCode {
    // Cargo calls `cargo-insight insight run`.
    if words.first().is_some_and(|word| word == "insight") {
        words.remove(0);
    }
    match words.first().map(|word| word.to_string_lossy().into_owned()).as_deref() {
        None | Some("-h" | "--help" | "help") => {
            print!("{HELP}{}", supported());
            return ExitCode::SUCCESS;
        }
        Some("-V" | "--version") => {
            println!("cargo-insight {}", env!("CARGO_PKG_VERSION"));
            return ExitCode::SUCCESS;
        }
        Some("consolation") => return wish4_consolation::run(words),
        Some(subcommand) if !SUBCOMMANDS.contains(&subcommand) => return plain(&words),
        Some(_) => {}
    }
    match Arguments::parse(&words).and_then(|arguments| observed(&arguments)) {
        Ok(code) => code,
        Err(error) => {
            say(&error);
            ExitCode::FAILURE
        }
    }
}

/// The facades and their versions, a line each.
fn supported() -> String {
    let line = |facade: &Facade| {
        format!("  {:<18} {} {} to {}\n", facade.name, facade.package, words(facade.from), words(facade.newest))
    };
    FACADES.iter().filter(|facade| !facade.is_own()).map(line).collect()
}

/// Cargo itself, with these words: its output and exit status are ours.
fn plain(words: &[OsString]) -> ExitCode {
    let mut command = Command::new(cargo());
    command.args(words);
    match command.status() {
        Ok(status) => status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from),
        Err(error) => {
            say(&format!("cannot start cargo: {error}"));
            ExitCode::FAILURE
        }
    }
}

fn observed(arguments: &Arguments) -> Result<ExitCode> {
    let cargo_words: Vec<OsString> =
        std::iter::once(OsString::from(&arguments.subcommand)).chain(arguments.rest.iter().cloned()).collect();
    if let Some(unknown) = arguments.left_out.iter().find(|name| Facade::named(name).is_none()) {
        return Err(format!(
            "--leave-out {unknown}: there is no such runtime; these can be left out:\n{}",
            supported()
        ));
    }
    let config = Config::load().map_err(|error| format!("cannot read cargo's configuration: {error}"))?;
    let host =
        config.host_triple().map_err(|error| format!("cannot ask the compiler for its host: {error}"))?.to_owned();
    let mut targets = arguments.targets.clone();
    if targets.is_empty() {
        let configured = config.build.target.iter().flatten().map(|target| target.triple().to_owned());
        targets.extend(configured);
    }
    let platforms = if targets.is_empty() { vec![host.clone()] } else { targets.clone() };
    let graph = match Graph::of(&arguments.metadata, &platforms)? {
        Ok(graph) => graph,
        // Cargo says why, in its own words and with its own exit status.
        Err(_) => return Ok(plain(&cargo_words)),
    };
    let is_run = matches!(arguments.subcommand.as_str(), "run" | "r");
    if arguments.open && !is_run {
        return Err(format!(
            "--open is for `cargo insight run`; `cargo {}` starts no single program",
            arguments.subcommand
        ));
    }
    let with_tests = !is_run && !matches!(arguments.subcommand.as_str(), "build" | "b");
    let linked = graph.linked(with_tests);
    let mut found = choose(&linked, &arguments.left_out)?;
    found.uncovered.extend(coverage::without_facade(&linked));
    found.lines.iter().for_each(|line| say(line));
    if !found.replaced.iter().any(|replaced| Facade::named(&replaced.facade).is_some_and(|facade| facade.is_runtime)) {
        say("no supported runtime is in the dependency graph, so nothing is observed; these are supported:");
        eprint!("{}", supported());
        return Ok(plain(&cargo_words));
    }

    // The folder of everything, in the user's target folder.
    let named = arguments.target_dir.as_ref().map(|named| std::path::absolute(&named.folder));
    let target = match named {
        Some(folder) => folder.map_err(|error| format!("--target-dir: {error}"))?,
        None => graph.target_directory.clone(),
    }
    .join("insight");
    let own = target.join("own");
    let sources = bundle::unpack(&own)?;
    write_instead(&sources)?;
    let links = Links::make(&own.join("bin"), bundle::archive_hash())?;
    let triples = if targets.is_empty() { vec![String::new()] } else { targets.clone() };
    let user_wrapper = config.build.rustc_wrapper.clone().filter(|wrapper| !wrapper.as_os_str().is_empty());
    let mut plan = Plan {
        sources: sources.clone(),
        wrapper: user_wrapper.clone(),
        is_host: platforms.iter().all(|platform| *platform == host),
        replaced: found.replaced,
        coverage: own.join("coverage.json"),
        ..Plan::default()
    };
    for triple in &triples {
        plan.bundles.push(bundle::build(&sources, &own, triple, arguments, &links, user_wrapper.as_deref())?);
    }
    plan.key = key(&plan);
    plan.notes = own.join("notes").join(&plan.key);
    fs::create_dir_all(&plan.notes).map_err(|error| format!("cannot write {}: {error}", plan.notes.display()))?;
    coverage::write(&plan, &found.uncovered)?;
    let runner = config
        .runner(&platforms[0])
        .map_err(|error| format!("cannot read the runner of cargo's configuration: {error}"))?;
    if let Some(runner) = runner {
        let word = |word: &std::ffi::OsStr| word.to_string_lossy().into_owned();
        plan.runner =
            std::iter::once(word(runner.path.as_os_str())).chain(runner.args.iter().map(|arg| word(arg))).collect();
    }

    let mut command = Command::new(cargo());
    let mut words = cargo_words;
    if let Some(named) = &arguments.target_dir {
        let mut word = OsString::from(named.before);
        word.push(&target);
        // The subcommand is the first word.
        words[named.index + 1] = word;
    }
    let runner_variable =
        |triple: &str| format!("CARGO_TARGET_{}_RUNNER", triple.to_uppercase().replace(['-', '.'], "_"));
    let mut variables: Vec<(String, PathBuf)> = vec![
        ("RUSTC_WRAPPER".into(), links.path(Role::Rustc)),
        ("CARGO_TARGET_DIR".into(), target.clone()),
        ("CARGO_BUILD_BUILD_DIR".into(), target.clone()),
        // The facades name it, and cargo compiles them again when its value changes.
        (wrapper::COVERAGE_FILE.into(), plan.coverage.clone()),
    ];
    variables.extend(platforms.iter().map(|platform| (runner_variable(platform), links.path(Role::Runner))));
    for (name, value) in &variables {
        plan.environment.push((name.clone(), std::env::var(name).ok()));
        command.env(name, value);
    }
    plan.program = program_variables(&plan, &arguments.subcommand);
    plan.output = (arguments.open && is_run).then(|| open::output_file(&own));
    let suffix = if plan.output.is_some() { "-open" } else { "" };
    let path = own.join(format!("plan-{}{suffix}.json", plan.key));
    plan.write(&path)?;
    command.args(&words).env(plan::VARIABLE, &path);
    // Whatever runs while cargo builds, such as a build script, is no program to observe.
    command.env(crate::runner::PROCESS, "0");
    let status = match &plan.output {
        Some(output) => open::run(command, output)?,
        None => command.status().map_err(|error| format!("cannot start cargo: {error}"))?,
    };
    if status.success() {
        check(&plan)?;
    }
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

/// The variables of the program: a test listens only if asked.
fn program_variables(plan: &Plan, subcommand: &str) -> Vec<(String, String)> {
    let mut variables = vec![("INSIGHT_COVERAGE".to_owned(), plan.coverage.display().to_string())];
    if !matches!(subcommand, "run" | "r") {
        variables.push(("INSIGHT_LISTEN".to_owned(), "off".to_owned()));
    }
    variables
}

/// Without a note of the wrapper, cargo has compiled everything without it, and nothing is observed.
fn check(plan: &Plan) -> Result {
    let noted = fs::read_dir(&plan.notes).is_ok_and(|mut notes| notes.next().is_some());
    if noted {
        return Ok(());
    }
    let runtimes: Vec<String> =
        plan.replaced.iter().map(|replaced| format!("{} {}", replaced.package, replaced.version)).collect();
    Err(format!(
        "nothing was observed: cargo compiled {} without the wrapper of insight. Is `build.rustc-wrapper` set by --config?",
        runtimes.join(", ")
    ))
}

/// Changes with everything that changes compiled code.
fn key(plan: &Plan) -> String {
    let mut hasher = DefaultHasher::new();
    (bundle::archive_hash(), env!("CARGO_PKG_VERSION")).hash(&mut hasher);
    let mut names: Vec<&str> = plan.replaced.iter().map(|replaced| replaced.facade.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// Writes the libraries that are compiled instead of a crate.
fn write_instead(sources: &Path) -> Result {
    for facade in FACADES {
        if let Source::Instead(text) = facade.source {
            plan::write_whole(&sources.join("instead").join(facade.name).join("lib.rs"), text)?;
        }
    }
    Ok(())
}

#[derive(Debug, Default)]
struct Found {
    replaced: Vec<Replaced>,
    uncovered: Vec<PackageCoverage>,
    lines: Vec<String>,
}

/// Says which packages are replaced, and reports the rest.
fn choose(linked: &[&Package], left_out: &[String]) -> Result<Found> {
    let mut found = Found::default();
    for package in linked {
        let of_name = || FACADES.iter().filter(|facade| facade.package == package.name);
        let Some(facade) = Facade::of(&package.name, &package.version) else {
            if of_name().any(|facade| facade.is_runtime) {
                found
                    .lines
                    .push(format!("{} {} is not supported: its tasks are not observed", package.name, package.version));
            }
            if of_name().next().is_some() {
                found.uncovered.push(uncovered(package, "this major version is not supported"));
            }
            continue;
        };
        if left_out.iter().any(|name| name == facade.name) {
            found.uncovered.push(uncovered(package, "left out by --leave-out"));
            continue;
        }
        if facade.is_too_old(&package.version) {
            let newest = words(facade.newest);
            return Err(format!(
                "{} {} is older than {}, the oldest version that insight can observe. \
                 `cargo update -p {}@{} --precise {newest}` raises it in Cargo.lock; `--leave-out {}` goes on without it",
                package.name,
                package.version,
                words(facade.from),
                package.name,
                package.version,
                facade.name
            ));
        }
        if facade.is_newer(&package.version) {
            found.lines.push(format!(
                "{} {} is newer than {}, the newest version that was tested; it is tried",
                package.name,
                package.version,
                words(facade.newest)
            ));
        }
        if let Some(source) = package.unusual_source() {
            found.lines.push(format!(
                "{} {} comes from {source}; it is observed like the published one",
                package.name, package.version
            ));
        }
        found.replaced.push(Replaced {
            package: package.name.clone(),
            version: package.version.to_string(),
            facade: facade.name.to_owned(),
        });
    }
    Ok(found)
}

fn uncovered(package: &Package, reason: &str) -> PackageCoverage {
    PackageCoverage {
        name: package.name.clone(),
        version: package.version.to_string(),
        covered: false,
        reason: Some(reason.to_owned()),
    }
}
