//! Processes that this one becomes, or whose end is its own.

use crate::say::{Result, say};
use std::process::{Command, ExitCode, ExitStatus};

/// Becomes the command: its process ID, its signals and its end are this process's.
#[cfg(unix)]
pub fn become_it(mut command: Command) -> ExitCode {
    use std::os::unix::process::CommandExt;
    let error = command.exec();
    cannot_start(&command, &error)
}

/// Runs the command to its end, where a process cannot become another one.
#[cfg(not(unix))]
pub fn become_it(mut command: Command) -> ExitCode {
    match command.status() {
        Ok(status) => exit_code(status),
        Err(error) => cannot_start(&command, &error),
    }
}

/// Runs the command to its end. A signal that ends this process ends the command, too.
pub fn run_to_end(command: &mut Command) -> Result<ExitStatus> {
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::process::CommandExt;
        let end_with_parent = || {
            rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::TERM))?;
            Ok(())
        };
        // SAFETY: one system call, which allocates nothing and takes no lock.
        unsafe { command.pre_exec(end_with_parent) };
    }
    command.status().map_err(|error| format!("cannot start cargo: {error}"))
}

fn cannot_start(command: &Command, error: &std::io::Error) -> ExitCode {
    say(&format!("cannot start {}: {error}", command.get_program().to_string_lossy()));
    ExitCode::FAILURE
}

/// The exit status of a process that has ended. A signal is told as shells do.
pub fn exit_code(status: ExitStatus) -> ExitCode {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return u8::try_from(128 + signal).map_or(ExitCode::FAILURE, ExitCode::from);
    }
    match status.code() {
        Some(code) => u8::try_from(code).map_or(ExitCode::FAILURE, ExitCode::from),
        None => ExitCode::FAILURE,
    }
}
