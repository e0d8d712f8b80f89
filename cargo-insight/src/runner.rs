//! Starts the programs that cargo has built.
//!
//! Cargo calls the runner with the program and its arguments. The runner gives the program the environment that it would have
//! without `cargo insight`, marks the process, and becomes the program. The mark is the process ID: processes that the program
//! starts have another ID, so they are not observed.

use crate::links::{Role, role};
use crate::messages::print;
use crate::open;
use crate::plan::{Plan, write_whole};
use crate::process::become_command;
use crate::proof::Proof;
use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

/// The variable with the ID of the process that is observed. A child process finds another ID than its own there.
pub const PROCESS: &str = "INSIGHT_PROCESS";

/// The variable that gives `insight-mark` the file for the program's process ID.
const PID_FILE: &str = "CARGO_INSIGHT_PID_FILE";

/// Runs `insight-runner PROGRAM ARGUMENTS`.
pub fn run(arguments: Vec<OsString>) -> ExitCode {
    // `cargo run` becomes the program, so nothing of `cargo insight` runs between the build and this call.
    let plan = match Plan::read() {
        Ok(plan) => plan,
        Err(error) => {
            print(&error);
            return ExitCode::FAILURE;
        }
    };
    if let Some(program) = arguments.first().map(Path::new) {
        match Proof::of(program, &plan) {
            Ok(Proof::Nothing) if plan.is_run => print(&format!(
                "nothing of {} is observed: no runtime that insight supports is linked into it",
                program.display()
            )),
            Ok(proof) => {
                if let Some(fault) = proof.fault(program) {
                    print(&fault);
                    if plan.is_run {
                        return ExitCode::FAILURE;
                    }
                }
            }
            // If the file cannot be read, starting it reports why.
            Err(_) => {}
        }
    }
    // The user's runner may start the program as another process, which must have the mark. An emulator runs only the program.
    let mut words: Vec<OsString> = plan.runner.iter().map(OsString::from).collect();
    let mark = !words.is_empty() && plan.is_host;
    if mark {
        let this = PathBuf::from(std::env::args_os().next().unwrap_or_default());
        debug_assert_eq!(role(&this), Role::Runner);
        words.push(this.with_file_name(format!("insight-mark{}", std::env::consts::EXE_SUFFIX)).into());
    }
    words.extend(arguments);
    let Some(mut command) = command(words) else { return ExitCode::FAILURE };
    plan.restore(&mut command);
    for (name, value) in &plan.program {
        if std::env::var_os(name).is_none() {
            command.env(name, value);
        }
    }
    if let Some(output) = &plan.output {
        if let Err(error) = redirect(&mut command, output) {
            print(&format!("cannot write {}: {error}", output.display()));
            return ExitCode::FAILURE;
        }
        command.env(PID_FILE, open::pid_file(output));
    }
    if !mark {
        set_mark(&mut command);
    }
    become_command(command)
}

/// Gives the terminal to consolation: the program has no input, and its output goes to a file.
fn redirect(command: &mut Command, output: &Path) -> std::io::Result<()> {
    let file = File::create(output)?;
    command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
    Ok(())
}

/// Runs `insight-mark PROGRAM ARGUMENTS`.
pub fn mark(arguments: Vec<OsString>) -> ExitCode {
    let Some(mut command) = command(arguments) else { return ExitCode::FAILURE };
    if let Some(file) = std::env::var_os(PID_FILE) {
        command.env(PID_FILE, file);
    }
    set_mark(&mut command);
    become_command(command)
}

fn command(words: Vec<OsString>) -> Option<Command> {
    let mut words = words.into_iter();
    let Some(program) = words.next() else {
        print("no program to start; only cargo calls this command, as a runner");
        return None;
    };
    let mut command = Command::new(program);
    command.args(words);
    Some(command)
}

/// Marks the process. Only on Unix does this process become the program, so only there is its ID the program's ID. On other
/// systems the program is not marked, and its children are observed, too.
fn set_mark(command: &mut Command) {
    match cfg!(unix) {
        true => command.env(PROCESS, std::process::id().to_string()),
        false => {
            print("programs that your program starts are observed, too: this system cannot mark one process");
            command.env_remove(PROCESS)
        }
    };
    let file = command.get_envs().find(|(name, _)| *name == PID_FILE).and_then(|(_, value)| value).map(OsString::from);
    if let Some(file) = file {
        command.env_remove(PID_FILE);
        if let Err(error) = write_whole(Path::new(&file), &std::process::id().to_string()) {
            print(&error);
        }
    }
}
