//! Starting other programs in place of this process, or waiting for their end.

use crate::messages::{Result, print};
use std::process::{Command, ExitCode, ExitStatus};

/// Replaces this process by the command, which keeps the process ID.
#[cfg(unix)]
pub fn become_command(mut command: Command) -> ExitCode {
    use std::os::unix::process::CommandExt;
    let error = command.exec();
    cannot_start(&command, &error)
}

/// Runs the command to its end, because this system cannot replace a process.
#[cfg(not(unix))]
pub fn become_command(mut command: Command) -> ExitCode {
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
    print(&format!("cannot start {}: {error}", command.get_program().to_string_lossy()));
    ExitCode::FAILURE
}

/// The exit status of a process that has ended. After a signal it is 128 plus the signal's number, as in a shell.
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
