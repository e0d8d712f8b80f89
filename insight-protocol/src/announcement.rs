//! The file by which a program that listens announces itself to other programs of its user.
//!
//! The server in the program writes it, and clients read it. This module has the format and the rules of trust, and no
//! I/O: each end opens the files itself.

use crate::{Process, StreamHeader};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::SocketAddr;

/// Maximum size of an announcement, in bytes. A reader ignores a larger file.
pub const MAX_BYTES: usize = 64 << 10;

/// Maximum size of all arguments together, in bytes. Further arguments are left out.
const MAX_COMMAND_BYTES: usize = 4 << 10;

/// The mode bits that give other users access.
const OTHERS: u32 = 0o077;

/// A program that listens: the content of a file `<pid>.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Announcement {
    /// The version of its protocol, `major.minor`.
    pub protocol: String,
    /// The session's id, as in the header of its streams.
    pub session: String,
    /// The process that is observed.
    pub process: Process,
    /// The command line: the program, then its arguments. A long one is cut.
    #[serde(default)]
    pub command: Vec<String>,
    /// The address on which it listens.
    pub address: SocketAddr,
    /// The wall clock when recording began, in milliseconds since 1970-01-01T00:00:00Z.
    pub started_unix_ms: u64,
}

impl Announcement {
    /// The announcement of the program with this header.
    pub fn new(header: StreamHeader, command: impl IntoIterator<Item = String>, address: SocketAddr) -> Announcement {
        let mut room = MAX_COMMAND_BYTES;
        let command = command.into_iter().map_while(|argument| {
            room = room.checked_sub(argument.len() + 1)?;
            Some(argument)
        });
        Announcement {
            protocol: header.protocol,
            session: header.session,
            command: command.collect(),
            process: header.process,
            address,
            started_unix_ms: header.clock.wall_anchor_unix_ms,
        }
    }

    /// The name of its file.
    pub fn file_name(&self) -> String {
        format!("{}.json", self.process.pid)
    }

    /// The content of its file.
    pub fn to_json(&self) -> String {
        // Numbers, strings and arrays of strings always serialize.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads the content of the file with this name.
    pub fn parse(file_name: &str, json: &[u8]) -> Result<Announcement, Unusable> {
        if json.len() > MAX_BYTES {
            return Err(Unusable::TooLarge);
        }
        let announcement: Announcement =
            serde_json::from_slice(json).map_err(|error| Unusable::Malformed(error.to_string()))?;
        if announcement.file_name() != file_name {
            return Err(Unusable::OtherProcess);
        }
        // r[announcement.loopback]
        if !announcement.address.ip().is_loopback() {
            return Err(Unusable::NotLoopback);
        }
        Ok(announcement)
    }
}

/// Why a file, or its folder, cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unusable {
    /// It has more than [`MAX_BYTES`].
    TooLarge,
    /// It is not the JSON of an announcement: the message of the parser.
    Malformed(String),
    /// The file has the name of another process.
    OtherProcess,
    /// The address is not a loopback address.
    NotLoopback,
    /// It is a link, or no file or folder.
    WrongType,
    /// Its owner is another user.
    OtherOwner,
    /// Its mode gives other users access.
    OpenToOthers,
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unusable::TooLarge => "it is larger than 64 KiB",
            Unusable::Malformed(why) => return write!(f, "it is malformed: {why}"),
            Unusable::OtherProcess => "it has the name of another process",
            Unusable::NotLoopback => "its address is not a loopback address",
            Unusable::WrongType => "it is a link, or of another type",
            Unusable::OtherOwner => "it belongs to another user",
            Unusable::OpenToOthers => "other users can open it",
        })
    }
}

impl std::error::Error for Unusable {}

/// The rule of trust for the folder and for each file in it, by the Unix owner and mode.
// r[announcement.private]
pub fn trust(owner: u32, user: u32, mode: u32) -> Result<(), Unusable> {
    if owner != user {
        return Err(Unusable::OtherOwner);
    }
    if mode & OTHERS != 0 { Err(Unusable::OpenToOthers) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Clock, Detail};

    fn header() -> StreamHeader {
        StreamHeader {
            protocol: "1.0".to_owned(),
            session: "9f2c".to_owned(),
            process: Process { pid: 4127, name: "barbara".to_owned(), working_directory: None },
            executors: Vec::new(),
            clock: Clock { wall_anchor_unix_ms: 1_700_000_000_000 },
            detail: Detail::Structure,
            interval_ms: 100,
            capabilities: Vec::new(),
            extensions: Vec::new(),
            at_ns: 0,
        }
    }

    #[test]
    fn file_has_the_documented_format() {
        let command = ["target/debug/barbara", "--fast"].map(str::to_owned);
        let announcement = Announcement::new(header(), command, ([127, 0, 0, 1], 41234).into());
        let json = concat!(
            r#"{"protocol":"1.0","session":"9f2c","process":{"pid":4127,"name":"barbara"},"#,
            r#""command":["target/debug/barbara","--fast"],"address":"127.0.0.1:41234","started_unix_ms":1700000000000}"#
        );
        assert_eq!(announcement.to_json(), json);
        assert_eq!(announcement.file_name(), "4127.json");
        assert_eq!(Announcement::parse("4127.json", json.as_bytes()), Ok(announcement));
    }

    #[test]
    fn long_command_line_is_cut() {
        let command = std::iter::repeat_n("x".repeat(1000), 1000);
        let announcement = Announcement::new(header(), command, ([127, 0, 0, 1], 1).into());
        assert_eq!(announcement.command.len(), 4);
        assert!(announcement.to_json().len() < MAX_BYTES);
    }

    #[test]
    fn unusable_file_is_refused_with_its_reason() {
        let check = |name: &str, json: &str, expect: &str| {
            let actual = match Announcement::parse(name, json.as_bytes()) {
                Ok(announcement) => announcement.address.to_string(),
                Err(unusable) => unusable.to_string(),
            };
            assert_eq!(actual, expect, "{name} {json}");
        };
        let json = |address: &str| {
            format!(
                r#"{{"protocol":"1.0","session":"s","process":{{"pid":7,"name":"a"}},"address":"{address}","started_unix_ms":1,"new":{{}}}}"#
            )
        };
        check("7.json", &json("127.0.0.1:80"), "127.0.0.1:80");
        check("7.json", &json("[::1]:80"), "[::1]:80");
        check("8.json", &json("127.0.0.1:80"), "it has the name of another process");
        check("7.json", &json("192.168.0.1:80"), "its address is not a loopback address");
        check("7.json", &json("localhost:80"), "it is malformed: invalid socket address syntax at line 1 column 87");
        check("7.json", "{}", "it is malformed: missing field `protocol` at line 1 column 2");
        check("7.json", "", "it is malformed: EOF while parsing a value at line 1 column 0");
        check("7.json", &" ".repeat(MAX_BYTES + 1), "it is larger than 64 KiB");
    }

    #[test]
    fn file_of_another_user_or_open_to_others_is_not_trusted() {
        assert_eq!(trust(1000, 1000, 0o40700), Ok(()));
        assert_eq!(trust(1000, 1000, 0o100600), Ok(()));
        assert_eq!(trust(0, 1000, 0o40700), Err(Unusable::OtherOwner));
        for mode in [0o40701, 0o40710, 0o40720, 0o100644] {
            assert_eq!(trust(1000, 1000, mode), Err(Unusable::OpenToOthers), "{mode:o}");
        }
    }
}
