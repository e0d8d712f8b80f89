//! The command line.

use clap::{CommandFactory, Parser, error::ErrorKind};
use insight_protocol::{MAX_ID, TaskId};
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

/// The port on which a program listens by default.
const DEFAULT_PORT: u16 = 8080;

/// Shows the tasks of a running program, their waits, and the tasks that can unblock them.
#[derive(Debug, Parser)]
#[command(
    name = "consolation",
    version,
    after_help = "\
Without ADDRESS and --port it opens your only program that runs with insight. In a terminal it lets you choose among
several.

Without a terminal on stdin and stdout it prints, as with --once.

Exit status, with --once:
  0  no problem found, or only notices
  1  the program does not answer, the file is no recording, or another error
  2  the command line is wrong, or several programs run and it names none
  3  a hang was found, proven or suspected
  4  no hang was found, but the program is degraded

Press ? in a view for its help."
)]
pub struct Args {
    /// Where the program listens: HOST:PORT, http://HOST:PORT, HOST or PORT [default: the program that runs]
    #[arg(value_name = "ADDRESS")]
    address: Option<String>,

    /// The port, on 127.0.0.1 or on the host of ADDRESS
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,

    /// Print your programs that run with insight, and exit
    #[arg(long, conflicts_with_all = ["address", "port", "once", "recording", "trace"])]
    pub list: bool,

    /// Print tasks, resources and problems as plain text, and exit
    #[arg(long)]
    pub once: bool,

    /// Print the same as JSON, and exit
    #[arg(long)]
    pub json: bool,

    /// Print the last snapshot of a recorded stream, and exit
    #[arg(long, value_name = "FILE", conflicts_with_all = ["address", "port"])]
    pub recording: Option<PathBuf>,

    /// Print the functions and lines in which the task ID waits, and exit
    #[arg(long, value_name = "ID", value_parser = task_id)]
    pub trace: Option<TaskId>,
}

impl Args {
    /// The address that the command line names, `None` if it names none, or the mistake in it.
    pub fn address(&self) -> Result<Option<Address>, clap::Error> {
        let mistake = |kind, text: String| Args::command().error(kind, text);
        if self.recording.is_some() && self.trace.is_some() {
            let text = "--trace asks a running program, and --recording names a file: without --trace, the text of the \
                        recording has the awaits that the program recorded";
            return Err(mistake(ErrorKind::ArgumentConflict, text.to_owned()));
        }
        if self.address.is_none() && self.port.is_none() {
            return Ok(None);
        }
        if let Some(file) = self.address.as_deref().filter(|text| Path::new(text).is_file()) {
            let file = file.escape_debug();
            let text = format!("'{file}' is a file, and not an address: for a recording, write --recording '{file}'");
            return Err(mistake(ErrorKind::ValueValidation, text));
        }
        let (host, port) = match &self.address {
            None => ("127.0.0.1".to_owned(), None),
            Some(text) => split(text).map_err(|why| {
                mistake(ErrorKind::ValueValidation, format!("invalid address '{}': {why}", text.escape_debug()))
            })?,
        };
        match (port, self.port) {
            (Some(port), Some(option)) if port != option => Err(mistake(
                ErrorKind::ArgumentConflict,
                format!("the address names port {port}, and --port names {option}: name one of them"),
            )),
            (port, option) => Ok(Some(Address { host, port: port.or(option).unwrap_or(DEFAULT_PORT), assumed: false })),
        }
    }
}

/// Where a program listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    host: String,
    port: u16,
    assumed: bool,
}

impl Address {
    /// The address of a program with the default port that announces nothing.
    pub fn assumed() -> Address {
        Address { host: "127.0.0.1".to_owned(), port: DEFAULT_PORT, assumed: true }
    }

    /// Whether it is a guess: neither the user nor a program has named it.
    pub fn is_assumed(&self) -> bool {
        self.assumed
    }

    /// The URL of a path such as `/docs/task`.
    pub fn url(&self, path: &str) -> String {
        format!("http://{self}{path}")
    }
}

impl From<SocketAddr> for Address {
    fn from(address: SocketAddr) -> Address {
        let host = match address.ip() {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        };
        Address { host, port: address.port(), assumed: false }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

fn task_id(text: &str) -> Result<TaskId, String> {
    match text.parse() {
        Ok(id @ 1..=MAX_ID) => Ok(TaskId(id)),
        _ => Err("the ID of a task is a number, 1 or more; --once shows it".to_owned()),
    }
}

fn split(text: &str) -> Result<(String, Option<u16>), String> {
    if text.starts_with("https://") {
        return Err("insight is served over plain http".into());
    }
    let text = text.strip_prefix("http://").unwrap_or(text);
    let text = text.strip_suffix('/').unwrap_or(text);
    let to_port = |digits: &str| match digits.parse::<u16>() {
        Ok(0) | Err(_) => Err(format!("'{digits}' is not a port from 1 to 65535")),
        Ok(port) => Ok(Some(port)),
    };
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(("127.0.0.1".into(), to_port(text)?));
    }
    let (host, port) = match text.rsplit_once(':') {
        // The last colon of a bare IPv6 address does not begin a port.
        Some((host, _)) if host.contains(':') && !text.starts_with('[') => {
            return Err(format!("write an IPv6 address in brackets: [{text}]"));
        }
        Some((host, digits)) if !digits.ends_with(']') => (host, to_port(digits)?),
        _ => (text, None),
    };
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
    if host.is_empty() || !host.chars().all(allowed) {
        return Err("expected HOST:PORT, such as 127.0.0.1:8080".into());
    }
    Ok((host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_can_be_named_in_each_way() {
        let check = |line: &str, expect: &str| {
            let args = Args::try_parse_from(format!("consolation {line}").split_whitespace());
            let actual = match args.and_then(|args| args.address()) {
                Ok(Some(address)) => address.to_string(),
                Ok(None) => "none".to_owned(),
                Err(error) => error.to_string().lines().next().unwrap_or_default().to_owned(),
            };
            assert_eq!(actual, expect, "{line}");
        };
        check("", "none");
        check("--once --json", "none");
        check("--list 8080", "error: the argument '--list' cannot be used with '[ADDRESS]'");
        check("8080", "127.0.0.1:8080");
        check("9000", "127.0.0.1:9000");
        check("--port 9000", "127.0.0.1:9000");
        check("localhost", "localhost:8080");
        check("localhost --port 9000", "localhost:9000");
        check("localhost:9000 --port 9000", "localhost:9000");
        check("http://10.0.0.1:9000/", "10.0.0.1:9000");
        check("[::1]:9000", "[::1]:9000");
        check("[::1]", "[::1]:8080");
        check("::1", "error: invalid address '::1': write an IPv6 address in brackets: [::1]");
        check("host:", "error: invalid address 'host:': '' is not a port from 1 to 65535");
        check("host:70000", "error: invalid address 'host:70000': '70000' is not a port from 1 to 65535");
        check("0", "error: invalid address '0': '0' is not a port from 1 to 65535");
        check("a/b", "error: invalid address 'a/b': expected HOST:PORT, such as 127.0.0.1:8080");
        check("https://a", "error: invalid address 'https://a': insight is served over plain http");
        check("a:1 --port 2", "error: the address names port 1, and --port names 2: name one of them");
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        let text =
            format!("error: '{file}' is a file, and not an address: for a recording, write --recording '{file}'");
        check(file, &text);
        check(
            "--recording a.ndjson --trace 7",
            "error: --trace asks a running program, and --recording names a file: without --trace, the text of the \
             recording has the awaits that the program recorded",
        );
        check("--port 0", "error: invalid value '0' for '--port <N>': 0 is not in 1..=65535");
    }
}
