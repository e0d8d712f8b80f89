use insight_protocol::PROTOCOL_VERSION;
use std::fmt;

/// How the input ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The input ended.
    End,
    /// The reader stopped.
    Stopped,
    /// The input broke off, with the reason.
    BrokenOff(String),
}

/// Whether a stream was read completely.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The whole stream was read, to the end of its last line.
    Complete,
    /// The stream is cut off. The facts before the cut are true. r[file.cut-off]
    Cut {
        /// The line in which the stream ends, from 1. It was not read.
        line: u64,
        /// Why the stream ended. `None` if the input ended within a line.
        why: Option<String>,
    },
}

impl Outcome {
    /// A sentence about the cut. `None` if the stream is complete.
    pub fn cut(&self) -> Option<String> {
        match self {
            Outcome::Complete => None,
            Outcome::Cut { line, why: None } => Some(format!("it is cut off in line {line}")),
            Outcome::Cut { line, why: Some(why) } => Some(format!("it is cut off at line {line}: {why}")),
        }
    }
}

/// Why the input is not a stream that this crate can read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// It has another major version. r[version.major.refused]
    OtherVersion {
        /// The version in its header.
        protocol: String,
    },
    /// It is empty.
    Empty,
    /// It has no complete line.
    NoLine,
    /// It broke off within its first line, with the reason.
    BrokenOff(String),
    /// No line of it ended before the reader stopped.
    NoLineInTime,
    /// It is compressed with Zstandard, which this crate does not decompress. r[file.zstd]
    Zstandard,
    /// It is UTF-16.
    Utf16,
    /// It has no `stream.header`, so its version is unknown.
    NoHeader,
    /// It has no complete snapshot, or its last one is incomplete, so its program is unknown.
    NoSnapshot {
        /// The sentence of [`Outcome::cut`].
        cut: Option<String>,
    },
    /// None of its first lines is a message.
    NotAStream {
        /// The start of its first line.
        said: String,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::OtherVersion { protocol } => {
                let protocol = crate::visible(protocol);
                write!(
                    f,
                    "it speaks version {protocol} of the protocol, and this program knows {PROTOCOL_VERSION}: \
                     use one that knows that version"
                )
            }
            Refusal::Empty => f.write_str("it is empty: no program has written to it"),
            Refusal::NoLine => f.write_str("it has no line that ends: there is nothing to read"),
            Refusal::BrokenOff(why) => write!(f, "it broke off before its first line ended: {}", crate::visible(why)),
            Refusal::NoLineInTime => f.write_str("no line of it came in this time: there is nothing to read"),
            Refusal::Zstandard => f.write_str(
                "it is compressed with Zstandard, and this program does not decompress: \
                 `zstd -dc FILE | insight-conformance check -`",
            ),
            Refusal::Utf16 => f.write_str(
                "it is UTF-16, such as PowerShell's `>` writes: convert it to UTF-8, or record with `curl -o`",
            ),
            Refusal::NoHeader => f.write_str("it has no `stream.header`: its version is unknown"),
            Refusal::NoSnapshot { cut } => {
                f.write_str("its snapshot is not complete: nothing can be said of its program")?;
                cut.as_ref().map_or(Ok(()), |cut| write!(f, "; {cut}"))
            }
            Refusal::NotAStream { said } => {
                write!(f, "it is not a stream of insight: its first line is \"{}\"", crate::visible(said))
            }
        }
    }
}

impl std::error::Error for Refusal {}
