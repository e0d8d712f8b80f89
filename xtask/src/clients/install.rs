//! The tools of the clients, installed below the target folder. So the source folders stay unchanged.

use super::{FOLDER, SCHEMA};
use crate::process::{Result, apt_get_install, read, root, succeeds, target};
use crate::schema::sha256;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The files of the TypeScript client. They are copied, because node searches for packages next to the program.
const TYPESCRIPT: &[&str] = &[
    ".npmrc",
    "package.json",
    "package-lock.json",
    "tsconfig.json",
    "generate.mjs",
    "insight.ts",
    "program.ts",
    "can_end.ts",
    "client.ts",
];
/// The search of the served documentation, and its check.
const SEARCH: &str = "reference-server/src/pages/search.js";
const SEARCH_CHECK: &str = "xtask/src/clients/search.cjs";
/// A file with the hash of the installed versions. It is in the folder that an installation replaces, and is written last.
const STAMP: &str = "installed-for";

/// The TypeScript client with its packages.
pub struct TypeScript {
    folder: PathBuf,
}

impl TypeScript {
    pub fn install() -> Result<TypeScript> {
        let there = || node_major() >= Some(20) && succeeds(Command::new("npm").arg("--version"));
        if !(there() || apt_get_install(&["nodejs", "npm"]) && there()) {
            return Err(
                "the TypeScript client needs node 20 or later with npm, such as by `apt-get install nodejs npm`"
                    .to_owned(),
            );
        }
        let folder = target().join("clients/typescript");
        let failed = |error: std::io::Error| format!("cannot write {}: {error}", folder.display());
        std::fs::create_dir_all(&folder).map_err(failed)?;
        for name in TYPESCRIPT {
            std::fs::copy(root().join(FOLDER).join("typescript").join(name), folder.join(name)).map_err(failed)?;
        }
        let lock = read(&Path::new(FOLDER).join("typescript/package-lock.json"))?;
        install(&folder.join("node_modules"), &lock, || {
            output(Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(&folder)).map(drop)
        })?;
        Ok(TypeScript { folder })
    }

    /// The types, generated from the schema.
    pub fn types(&self) -> Result<String> {
        output(Command::new("node").arg("generate.mjs").arg(root().join(SCHEMA)).current_dir(&self.folder))
    }

    /// Checks the types, and compiles the program for node.
    pub fn compile(&self) -> Result {
        let compiler = "node_modules/typescript/bin/tsc";
        output(Command::new("node").arg(compiler).current_dir(&self.folder)).map(drop)
    }

    /// Checks the search of the served documentation, which is also in JavaScript.
    pub fn search(&self) -> Result {
        let (check, script) = (root().join(SEARCH_CHECK), root().join(SEARCH));
        output(Command::new("node").arg(check).arg(script)).map(drop)
    }

    /// The client's output for a program.
    pub fn once(&self, insight: SocketAddr) -> Result<String> {
        output(Command::new("node").arg(self.folder.join("build/client.js")).arg(insight.to_string()).arg("--once"))
    }

    /// The client's answers to the questions of the vectors.
    pub fn vectors(&self, questions: String) -> Result<String> {
        answers(Command::new("node").arg(self.folder.join("build/client.js")).arg("--vectors"), questions)
    }
}

/// The environment of the Python client.
pub struct Python {
    folder: PathBuf,
}

impl Python {
    pub fn install() -> Result<Python> {
        let folder = target().join("clients/venv");
        let requirements = Path::new(FOLDER).join("python/requirements.txt");
        install(&folder, &read(&requirements)?, || {
            // Debian's python3 may have no `venv`. It then leaves half an environment, which `--clear` removes.
            let make = || succeeds(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder));
            if !(make() || apt_get_install(&["python3", "python3-venv"]) && make()) {
                return Err(
                    "the Python client needs python3 with venv, such as by `apt-get install python3-venv`".to_owned()
                );
            }
            let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
            output(Command::new(folder.join("bin/python")).args(pip).arg(root().join(&requirements))).map(drop)
        })?;
        Ok(Python { folder })
    }

    /// The client's output for a program.
    pub fn once(&self, insight: SocketAddr) -> Result<String> {
        let client = root().join(super::PYTHON_CLIENT);
        // `-B` keeps the source folder without `__pycache__`.
        output(
            Command::new(self.folder.join("bin/python")).arg("-B").arg(client).arg(insight.to_string()).arg("--once"),
        )
    }

    /// The client's answers to the questions of the vectors.
    pub fn vectors(&self, questions: String) -> Result<String> {
        let client = root().join(super::PYTHON_CLIENT);
        answers(Command::new(self.folder.join("bin/python")).arg("-B").arg(client).arg("--vectors"), questions)
    }
}

/// Calls `work`, which makes the folder, unless it was made for the same versions.
fn install(folder: &Path, versions: &str, work: impl FnOnce() -> Result) -> Result {
    let stamp = folder.join(STAMP);
    let wanted = sha256(versions);
    if std::fs::read_to_string(&stamp).is_ok_and(|done| done == wanted) {
        return Ok(());
    }
    println!("xtask: installing {}", folder.display());
    work()?;
    std::fs::write(&stamp, wanted).map_err(|error| format!("cannot write {}: {error}", stamp.display()))
}

fn node_major() -> Option<u32> {
    let output = Command::new("node").arg("--version").output().ok()?;
    String::from_utf8_lossy(&output.stdout).trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

/// The output of a command that reads the questions from its stdin.
fn answers(command: &mut Command, questions: String) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let failed = |error: std::io::Error| format!("cannot run {program}: {error}");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut client = command.spawn().map_err(failed)?;
    let stdin = client.stdin.take();
    // A client that ends early reads no more. Its exit status shows that.
    let writer = std::thread::spawn(move || stdin.map(|mut stdin| stdin.write_all(questions.as_bytes())));
    let output = client.wait_with_output().map_err(failed)?;
    drop(writer.join());
    text(&program, output)
}

/// The output of a command. If it fails, the error has the output and stderr.
fn output(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    text(&program, command.output().map_err(|error| format!("cannot start {program}: {error}"))?)
}

fn text(program: &str, output: Output) -> Result<String> {
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(stdout);
    }
    Err(format!("{program} ended with {}:\n{stdout}{}", output.status, String::from_utf8_lossy(&output.stderr)))
}
