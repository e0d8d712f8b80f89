//! Compares programs that `cargo insight` runs with the same programs under cargo.
//!
//! All programs share one target folder, so that insight's own crates are built once. The paths contain spaces and letters
//! outside ASCII. The compiler denies warnings.

#![cfg(unix)]

use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const MAIN: &str = r#"use std::io::Read;

#[tokio::main]
async fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let seven = tokio::spawn(async { seven::seven!() }).await.unwrap();
    let of_rustc = option_env!("RUSTC_WRAPPER");
    println!("{} {} {seven} {} {of_rustc:?}", file!(), env!("CARGO_MANIFEST_DIR"), env!("FROM_BUILD_SCRIPT"));
    println!("{words:?} {:?}", std::env::current_dir());
    for (name, value) in std::env::vars_os() {
        println!("{name:?}={value:?}");
    }
    match words.first().map(String::as_str) {
        Some("child") => {
            let this = std::env::current_exe().unwrap();
            std::process::Command::new(this).status().unwrap();
        }
        Some("cleared") => {
            let this = std::env::current_exe().unwrap();
            std::process::Command::new(this).env_clear().status().unwrap();
        }
        Some("stdin") => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).unwrap();
            println!("{text}");
        }
        Some("panic") => tokio::spawn(async { panic!("of a task") }).await.unwrap(),
        Some("exit") => std::process::exit(42),
        Some("kill") => {
            let this = std::process::id().to_string();
            std::process::Command::new("kill").args(["-9", &this]).status().unwrap();
        }
        _ => {}
    }
}
"#;

/// A build script that uses a runtime and starts another cargo.
const BUILD_SCRIPT: &str = r#"use std::path::Path;
use std::process::Command;

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let value = runtime.block_on(async { tokio::spawn(async { 7 }).await.unwrap() });
    println!("cargo::rustc-env=FROM_BUILD_SCRIPT={value}");
    let folder = Path::new(&std::env::var_os("OUT_DIR").unwrap()).join("nested");
    std::fs::create_dir_all(folder.join("src")).unwrap();
    std::fs::write(folder.join("Cargo.toml"), "[package]\nname = \"nested\"\n[workspace]\n").unwrap();
    std::fs::write(folder.join("src/lib.rs"), "").unwrap();
    let cargo = std::env::var_os("CARGO").unwrap();
    let status = Command::new(cargo).arg("build").current_dir(&folder).status().unwrap();
    assert!(status.success() && folder.join("target").exists());
}
"#;

const MACRO: &str = r#"#[proc_macro]
pub fn seven(_: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async { tokio::spawn(async { "7" }).await.unwrap() }).parse().unwrap()
}
"#;

const LIBRARY: &str = r#"//! ```
//! let runtime = tokio::runtime::Runtime::new().unwrap();
//! assert_eq!(runtime.block_on(async { tokio::spawn(library::three()).await.unwrap() }), 3);
//! ```

pub async fn three() -> u32 {
    *tokio::sync::Mutex::new(3).lock().await
}

#[tokio::test]
async fn of_the_unit() {
    assert_eq!(tokio::spawn(three()).await.unwrap(), 3);
}
"#;

const TOKIO: &str = r#"tokio = { version = "1", features = ["macros", "rt-multi-thread", "sync"] }"#;

/// The folder that contains all programs and their target folders.
fn root() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("ein Ordner für alle")
}

/// A program's folder.
struct Program(PathBuf);

impl Program {
    /// Creates a program with these files. Its packages have the versions of this repository's lock file.
    fn new(name: &str, files: &[(&str, &str)]) -> Program {
        let folder = root().join(name);
        let _ = fs::remove_dir_all(&folder);
        let program = Program(folder);
        for (path, text) in files {
            program.write(path, text);
        }
        program.write("Cargo.lock", include_str!("../../Cargo.lock"));
        // Cargo removes the packages that the program does not use from the lock file.
        let output = program.run("cargo", &["metadata", "--format-version=1"], "");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        program
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn write_script(&self, path: &str, text: &str) {
        self.write(path, text);
        fs::set_permissions(self.0.join(path), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Runs cargo or `cargo insight` in the program's folder.
    fn command(&self, tool: &str, words: &[&str]) -> Command {
        let mut command = match tool {
            "cargo" => Command::new(env!("CARGO")),
            _ => Command::new(env!("CARGO_BIN_EXE_cargo-insight")),
        };
        // Cargo sets variables for this test that a user does not have.
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if name.starts_with("CARGO_") && name != "CARGO_HOME" || name.starts_with("INSIGHT_") || name == "CARGO" {
                command.env_remove(&*name);
            }
        }
        let target = root().join(format!("Ziel von {tool}"));
        for word in words {
            command.arg(word);
            if ["run", "build", "test"].contains(word) {
                command.arg("--target-dir").arg(&target);
            }
        }
        command.current_dir(&self.0).env("RUSTFLAGS", "-D warnings").env_remove("RUSTC_WRAPPER");
        command.env("CARGO", env!("CARGO")).env("CARGO_TERM_COLOR", "never").env("RUST_BACKTRACE", "0");
        command
    }

    fn run(&self, tool: &str, words: &[&str], input: &str) -> Output {
        let mut command = self.command(tool, words);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        child.wait_with_output().unwrap()
    }

    /// All files with their content.
    fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        let mut folders = vec![self.0.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => folders.push(path),
                    false => drop(files.insert(path.clone(), fs::read(path).unwrap())),
                }
            }
        }
        files
    }
}

fn manifest(name: &str, rest: &str) -> String {
    format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n{rest}\n")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The program's output. Variables of insight are left out, and variables that contain a folder of the build have no value.
fn stdout(output: &Output) -> Vec<String> {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let own = ["\"INSIGHT_COVERAGE\"=", "\"INSIGHT_PROCESS\"="];
    let of_build = ["\"LD_LIBRARY_PATH\"=", "\"DYLD_FALLBACK_LIBRARY_PATH\"=", "\"OUT_DIR\"="];
    let lines = text.lines().filter(|line| !own.iter().any(|own| line.starts_with(own)));
    let mut lines: Vec<String> = lines
        .map(|line| of_build.iter().find(|start| line.starts_with(**start)).map_or(line, |start| start).to_owned())
        .collect();
    lines.sort();
    lines
}

/// The number of processes that print that insight listens.
fn listeners(output: &Output) -> usize {
    stderr(output).matches("insight: listening on ").count()
}

#[test]
fn a_program_behaves_as_with_cargo() {
    let workspace = "[workspace]\nmembers = [\"seven\"]\n";
    let own =
        format!("[dependencies]\n{TOKIO}\nseven.path = \"seven\"\n\n[build-dependencies]\n{TOKIO}\n\n{workspace}");
    let program = Program::new(
        "same",
        &[
            ("Cargo.toml", &manifest("same", &own)),
            ("src/main.rs", MAIN),
            ("build.rs", BUILD_SCRIPT),
            ("seven/Cargo.toml", &manifest("seven", &format!("[lib]\nproc-macro = true\n\n[dependencies]\n{TOKIO}"))),
            ("seven/src/lib.rs", MACRO),
        ],
    );
    let before = program.files();
    let last_panic = |output: &Output| {
        let text = stderr(output);
        text.lines()
            .filter(|line| line.contains("panicked at "))
            .map(|line| line.rsplit_once(") ").unwrap().1.to_owned())
            .collect::<Vec<_>>()
    };
    for (words, input) in [
        (&["run"][..], ""),
        (&["run", "--", "exit", "--open"], ""),
        (&["run", "-q", "kill"], ""),
        (&["--offline", "run", "stdin", "a b"], "some\ntext"),
        (&["run", "--", "panic"], ""),
        (&["run", "--", "child"], ""),
        (&["run", "--", "cleared"], ""),
    ] {
        let plain = program.run("cargo", words, input);
        let observed = program.run("insight", words, input);
        let stderr = stderr(&observed);
        assert_eq!(stdout(&observed), stdout(&plain), "{words:?}\n{stderr}");
        assert_eq!(observed.status, plain.status, "{words:?}\n{stderr}");
        assert_eq!(last_panic(&observed), last_panic(&plain), "{words:?}\n{stderr}");
        // The build script, the macro and the child do not listen.
        assert_eq!(listeners(&observed), 1, "{words:?}\n{stderr}");
    }
    let again = stderr(&program.run("insight", &["build"], ""));
    assert!(!again.contains("Compiling"), "{again}");
    assert_eq!(program.files(), before);
}

#[test]
fn tests_and_doc_tests_run_and_do_not_listen() {
    let own = format!("[dependencies]\n{TOKIO}\n\n[workspace]\n");
    let program = Program::new("library", &[("Cargo.toml", &manifest("library", &own)), ("src/lib.rs", LIBRARY)]);
    let output = program.run("insight", &["test"], "");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", stderr(&output));
    assert_eq!(text.matches("test result: ok. 1 passed").count(), 2, "{text}");
    assert_eq!(listeners(&output), 0);
}

/// Builds with and without `--target` share a target folder. Only builds without it replace the crates for the host.
#[test]
fn builds_with_and_without_a_target_do_not_disturb_each_other() {
    let own = format!(
        "[dependencies]\n{TOKIO}\n\n[build-dependencies]\n{TOKIO}\n\n[profile.dev]\ndebug = false\n\n\
         [workspace]\nmembers = [\"without\"]\n"
    );
    let script = "fn main() {\n    tokio::runtime::Runtime::new().unwrap();\n}\n";
    let empty = "fn main() {}\n";
    let program = Program::new(
        "targets",
        &[
            ("Cargo.toml", &manifest("targets", &own)),
            ("src/main.rs", script),
            ("build.rs", script),
            ("without/Cargo.toml", &manifest("without", "")),
            ("without/src/main.rs", empty),
        ],
    );
    for words in [&["run", "--target", "host-tuple"][..], &["run"], &["run", "--target", "host-tuple"]] {
        let output = program.run("insight", words, "");
        assert_eq!((output.status.success(), listeners(&output)), (true, 1), "{words:?}: {}", stderr(&output));
    }
    // This package of the workspace has no runtime.
    let output = program.run("insight", &["run", "-q", "-p", "without"], "");
    let text = stderr(&output);
    assert!(
        output.status.success() && text.ends_with("no runtime that insight supports is linked into it\n"),
        "{text}"
    );
}

#[test]
fn the_users_compiler_wrapper_and_runner_are_kept() {
    let main = "fn main() {\n    \
        tokio::runtime::Runtime::new().unwrap();\n    \
        let marked = std::env::var(\"INSIGHT_PROCESS\").unwrap();\n    \
        println!(\"{} {:?}\", marked == std::process::id().to_string(), std::env::var_os(\"OF_RUNNER\"));\n}\n";
    let own = format!("[dependencies]\n{TOKIO}\n\n[workspace]\n");
    let program = Program::new("kept", &[("Cargo.toml", &manifest("kept", &own)), ("src/main.rs", main)]);
    let log = program.0.join("compiled");
    program.write_script(
        "tools of mine/wrapper",
        &format!("#!/bin/sh\necho \"$*\" >> '{}'\nexec \"$@\"\n", log.display()),
    );
    // The runner starts the program as another process.
    program.write_script("tools of mine/runner", "#!/bin/sh\nexport OF_RUNNER=\"$1\"\nshift\n\"$@\"\nexit $?\n");
    program.write(
        ".cargo/config.toml",
        "[build]\nrustc-wrapper = \"tools of mine/wrapper\"\n\n[target.'cfg(unix)']\nrunner = [\"tools of mine/runner\", \"a b\"]\n",
    );
    let output = program.run("insight", &["run"], "");
    assert_eq!(stdout(&output), ["true Some(\"a b\")"], "{}", stderr(&output));
    assert_eq!(listeners(&output), 1);
    assert!(fs::read_to_string(&log).unwrap().contains("--crate-name kept"));
}

#[test]
fn a_killed_build_leaves_nothing_and_can_be_repeated() {
    let own = format!("[dependencies]\n{TOKIO}\n\n[workspace]\n");
    let main = "fn main() {\n    tokio::runtime::Runtime::new().unwrap();\n}\n";
    let program = Program::new("killed", &[("Cargo.toml", &manifest("killed", &own)), ("src/main.rs", main)]);
    let before = program.files();
    // This build has settings that no build before had, so that tokio is compiled again.
    let units = format!("profile.dev.package.tokio.codegen-units={}", std::process::id());
    let mut command = program.command("insight", &["build", "--config", &units]);
    let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).process_group(0).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("Compiling tokio v") {
        line.clear();
        assert_ne!(lines.read_line(&mut line).unwrap(), 0, "the build ended");
    }
    let group = format!("-{}", child.id());
    assert!(Command::new("kill").args(["-9", "--", &group]).status().unwrap().success());
    child.wait().unwrap();
    // The pipe is closed when cargo and all compilers have ended.
    lines.read_to_string(&mut line).unwrap();
    assert_eq!(program.files(), before);
    let output = program.run("insight", &["run", "--config", &units], "");
    assert_eq!((output.status.success(), listeners(&output)), (true, 1), "{}", stderr(&output));
    assert_eq!(program.files(), before);
}

#[test]
fn errors_are_the_same_as_with_cargo() {
    let own = format!("[dependencies]\n{TOKIO}\n\n[workspace]\n");
    let main = "fn main() {\n    let runtime: u32 = tokio::runtime::Runtime::new().unwrap();\n}\n";
    let program = Program::new("wrong", &[("Cargo.toml", &manifest("wrong", &own)), ("src/main.rs", main)]);
    let outdated = Program::new("outdated", &[("Cargo.toml", &manifest("outdated", &own)), ("src/main.rs", main)]);
    outdated.write("Cargo.toml", &manifest("outdated", &own.replace(TOKIO, "tokio = \"0.2\"")));
    let broken = Program(root().join("broken"));
    broken.write("Cargo.toml", "[package\n");
    let none = Program(root().join("none"));
    fs::create_dir_all(&none.0).unwrap();
    for (program, words) in [
        (&none, &["run", "--manifest-path", "nowhere/Cargo.toml"][..]),
        (&none, &["no-such-command"]),
        (&broken, &["test"]),
        (&outdated, &["build", "--locked"]),
        (&program, &["build"]),
        (&program, &["run", "--bin", "none"]),
    ] {
        let plain = program.run("cargo", words, "");
        let observed = program.run("insight", words, "");
        let errors = |output: &Output| {
            let text = stderr(output);
            text[text.find("error").unwrap_or_else(|| panic!("{words:?}: {text}"))..].to_owned()
        };
        assert_eq!(errors(&observed), errors(&plain), "{words:?}");
        assert_eq!(observed.status, plain.status, "{words:?}");
    }
}

/// A process that is killed at the end of the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Cargo and the runner become the program, so this process is the program.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The messages of `/v1/snapshot`.
fn snapshot(address: &str) -> Vec<Value> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(format!("GET /v1/snapshot HTTP/1.0\r\nHost: {address}\r\n\r\n").as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text.lines().filter(|line| line.starts_with('{')).map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The source line of each wait. In a comment such as `// waits, 2 of 3` the numbers are replaced by those of the resource.
fn waits(messages: &[Value]) -> Vec<String> {
    let find = |kind: &str, id: &Value| messages.iter().find(|message| message["type"] == kind && message["id"] == *id);
    let units = |kind: &str, wait: &Value, field: &str| match find(kind, &wait["resource"]) {
        Some(found) if found[field].is_u64() => found[field].to_string(),
        _ => "none".to_owned(),
    };
    let waits = messages.iter().filter(|message| message["type"] == "edge.wait").map(|wait| {
        let source = find("define.location", &wait["location"]).unwrap()["source"]["text"].as_str().unwrap().trim();
        match source.split_once(" // waits, ") {
            Some((code, _)) => {
                let (length, capacity) =
                    (units("resource.updated", wait, "length"), units("resource.created", wait, "capacity"));
                format!("{code} // waits, {length} of {capacity}")
            }
            None => source.to_owned(),
        }
    });
    let mut waits: Vec<String> = waits.collect();
    waits.sort();
    waits
}

/// A program waits in each crate that is replaced. All waits are observed, with the oldest and with the newest versions.
#[test]
fn the_oldest_and_the_newest_versions_are_observed() {
    let main = include_str!("versions/program.rs");
    let mut expected: Vec<&str> = main.lines().map(str::trim).filter(|line| line.contains(" // waits")).collect();
    expected.sort_unstable();
    for (name, manifest) in
        [("oldest", include_str!("versions/oldest.toml")), ("newest", include_str!("versions/newest.toml"))]
    {
        let program = Program::new(name, &[("Cargo.toml", manifest), ("src/main.rs", main)]);
        let mut child = program.command("insight", &["run"]).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (mut text, building) = (String::new(), "insight: building insight's own crates");
        let running = Running(child);
        let address = loop {
            let line = lines.next().unwrap_or_else(|| panic!("{name}: the program ended:\n{text}")).unwrap();
            match line.strip_prefix("insight: listening on http://") {
                Some(address) => break address.to_owned(),
                None if line.starts_with(building) => {}
                None => text += &(line + "\n"),
            }
        };
        assert!(!text.contains("insight: "), "{name}: {text}");
        // Some waits begin only after insight listens.
        let start = Instant::now();
        loop {
            let messages = snapshot(&address);
            let observed = waits(&messages);
            if observed == expected {
                // A partial task was not spawned through a facade.
                assert!(!messages.iter().any(|message| message["partial"] == true), "{name}: {messages:#?}");
                break;
            }
            assert!(start.elapsed() < Duration::from_secs(30), "{name}: {observed:#?}\nexpected: {expected:#?}");
        }
        drop(running);
    }
}

#[test]
fn a_program_without_a_runtime_runs_unobserved() {
    let program = Program::new(
        "plain",
        &[
            ("Cargo.toml", &manifest("plain", "[dependencies]\nfutures-channel = \"0.3\"\n\n[workspace]\n")),
            ("src/main.rs", "fn main() {\n    std::process::exit(9);\n}\n"),
        ],
    );
    let output = program.run("insight", &["run", "-q"], "");
    assert_eq!(output.status.code(), Some(9));
    assert_eq!(
        stderr(&output),
        "insight: nothing is observed: no supported runtime (tokio, async-std, smol, async-executor) is in the dependency graph\n"
    );
}
