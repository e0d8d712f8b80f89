use insight_protocol::PROTOCOL_VERSION;
use std::fmt;

/// How the bytes of a stream ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// They came to their end.
    End,
    /// The reader has read enough of them.
    Stopped,
    /// They broke off, and why.
    BrokenOff(String),
}

/// How much of a stream was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All of it, to the end of its last line.
    Complete,
    /// It is cut off. What was before the cut was read, and is true. r[file.cut-off]
    Cut {
        /// The line in which it ends, from 1. That line was not read.
        line: u64,
        /// Why no more came; `None` if the bytes just ended in a line.
        why: Option<String>,
    },
}

impl Outcome {
    /// A sentence on the cut; `None` if there is none.
    pub fn cut(&self) -> Option<String> {
        match self {
            Outcome::Complete => None,
            Outcome::Cut { line, why: None } => Some(format!("it is cut off in line {line}")),
            Outcome::Cut { line, why: Some(why) } => Some(format!("it is cut off at line {line}: {why}")),
        }
    }
}

/// Why nothing can be said of the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// They speak a major version that this crate does not know. r[version.major.refused]
    OtherVersion {
        /// The version that the header names.
        protocol: String,
    },
    /// There are none.
    Empty,
    /// They have no line that ends.
    NoLine,
    /// They broke off before the end of their first line, and why.
    BrokenOff(String),
    /// No line of them ended in the time that the reader gave them.
    NoLineInTime,
    /// They are compressed with Zstandard, and this crate does not decompress that. r[file.zstd]
    Zstandard,
    /// They are UTF-16.
    Utf16,
    /// They have no `stream.header`, so their version is unknown.
    NoHeader,
    /// They have no snapshot that is complete, or the last one is not: their program is unknown.
    NoSnapshot {
        /// Where they are cut off, as [`Outcome::cut`] says it.
        cut: Option<String>,
    },
    /// Their first lines hold no message.
    NotAStream {
        /// The start of their first line.
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
