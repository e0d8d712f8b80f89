use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why a call did not turn insight on, or did not change it. The program runs on. Unless insight was on before, recording is
/// off, and costs nothing.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The value of a setting cannot be used.
    Misconfigured {
        /// Such as `INSIGHT_LISTEN`, or `listen` for a value from the code.
        setting: &'static str,
        /// The value.
        value: String,
        /// The fault of the value, and a value that would be valid.
        reason: &'static str,
    },
    /// The program started insight a second time. The first start stays in effect.
    AlreadyStarted,
    /// Another program, or another part of this one, listens on the address.
    AddressInUse {
        /// The address.
        address: SocketAddr,
    },
    /// The system does not let the program listen on the address.
    CannotListen {
        /// The address.
        address: SocketAddr,
        /// The error from the system.
        error: io::Error,
    },
    /// The system does not let the program write the recording.
    CannotRecord {
        /// The file.
        path: PathBuf,
        /// The error from the system.
        error: io::Error,
    },
    /// The recorder has stopped because of a fault in insight.
    Stopped,
    /// The system does not let the program start a thread.
    CannotStartThread {
        /// The error from the system.
        error: io::Error,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // `{value:?}` escapes control characters, so the message stays on one line.
            Error::Misconfigured { setting, value, reason } => write!(f, "{setting} is {value:?}: {reason}"),
            Error::AlreadyStarted => f.write_str("already on in this program; this call does nothing"),
            Error::AddressInUse { address } => write!(
                f,
                "cannot listen on {address}: address in use by another program; \
                 set INSIGHT_LISTEN=127.0.0.1:0 (any free port) or insight::init!(listen_port => ...)"
            ),
            Error::CannotListen { address, error } => write!(
                f,
                "cannot listen on {address}: {error}; \
                 set INSIGHT_LISTEN=127.0.0.1:0 (any free port) or insight::init!(listen_port => ...)"
            ),
            Error::CannotRecord { path, error } => write!(
                f,
                "cannot record to {path:?}: {error}; \
                 set INSIGHT_RECORD or insight::init!(record_to => ...) to a file that can be written"
            ),
            Error::Stopped => f.write_str("the recorder has stopped by a fault of insight's own"),
            Error::CannotStartThread { error } => write!(f, "cannot start a thread: {error}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::CannotListen { error, .. }
            | Error::CannotRecord { error, .. }
            | Error::CannotStartThread { error } => Some(error),
            _ => None,
        }
    }
}
