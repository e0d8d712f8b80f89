//! Where the stream comes from.

use flate2::bufread::MultiGzDecoder;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

/// The port on which a program listens unless it was told otherwise.
const DEFAULT_PORT: u16 = 8080;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);
/// How many pieces wait for the checker at most: the reader waits then.
const PIECES: usize = 4;
const PIECE: usize = 64 << 10;
/// The first bytes of a file that is compressed by gzip.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// What the command line names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    Stdin,
    File(PathBuf),
    Url(String),
}

impl Source {
    /// Reads what the command line names.
    pub fn named(text: &str) -> Result<Source, String> {
        if text == "-" {
            return Ok(Source::Stdin);
        }
        if text.starts_with("https://") {
            return Err("insight is served over plain http: name it as http://HOST:PORT".to_owned());
        }
        if let Some(rest) = text.strip_prefix("http://") {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let authority = address(authority).ok_or("expected http://HOST:PORT, such as http://127.0.0.1:8080")?;
            let path = if path.len() > 1 { path } else { "/v1/stream" };
            return Ok(Source::Url(format!("http://{authority}{path}")));
        }
        if Path::new(text).exists() {
            return Ok(Source::File(text.into()));
        }
        Ok(match address(text).filter(|_| cannot_be_meant_as_a_file(text)) {
            Some(address) => Source::Url(format!("http://{address}/v1/stream")),
            None => Source::File(text.into()),
        })
    }

    /// The file, when it is a recording: rules of recordings hold for it.
    pub fn recording(&self) -> Option<&Path> {
        match self {
            Source::File(path) if path.is_file() => Some(path),
            _ => None,
        }
    }

    /// Begins to read on a thread of its own, so that its pauses are seen. A piece of no bytes is the end.
    pub fn open(&self) -> Result<Receiver<io::Result<Vec<u8>>>, String> {
        let mut stream: Box<dyn Read + Send> = match self {
            Source::Stdin => Box::new(io::stdin()),
            Source::File(path) => unpacked(file(path)?),
            Source::Url(url) => connect(url)?,
        };
        let (send, receive) = sync_channel(PIECES);
        let read = move || loop {
            let mut piece = vec![0; PIECE];
            let outcome = match stream.read(&mut piece) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                outcome => outcome,
            };
            let last = !matches!(outcome, Ok(1..));
            let outcome = outcome.map(|length| {
                piece.truncate(length);
                piece
            });
            if send.send(outcome).is_err() || last {
                return;
            }
        };
        std::thread::Builder::new()
            .name("reader".to_owned())
            .spawn(read)
            .map_err(|error| format!("no thread to read with: {error}"))?;
        Ok(receive)
    }
}

/// HOST:PORT of an address as consolation takes it.
fn address(text: &str) -> Option<String> {
    let port = |digits: &str| digits.parse::<u16>().ok().filter(|port| *port > 0);
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(format!("127.0.0.1:{}", port(text)?));
    }
    let (host, port) = match text.rsplit_once(':') {
        // The last colon of a bare IPv6 address does not begin a port.
        Some((host, _)) if host.contains(':') && !text.starts_with('[') => return None,
        Some((host, digits)) if !digits.ends_with(']') => (host, port(digits)?),
        _ => (text, DEFAULT_PORT),
    };
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
    (!host.is_empty() && host.chars().all(allowed)).then(|| format!("{host}:{port}"))
}

/// `localhost` is no file, but `run` might be one that is misspelt.
fn cannot_be_meant_as_a_file(text: &str) -> bool {
    let number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let host = text == "localhost" || text.parse::<std::net::Ipv4Addr>().is_ok();
    number || host || text.contains(':')
}

fn file(path: &Path) -> Result<File, String> {
    if path.is_dir() {
        return Err("it is a directory: name a recording in it".to_owned());
    }
    File::open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            "there is no such file: name a recording, an address such as 127.0.0.1:8080, or - for stdin".to_owned()
        }
        io::ErrorKind::PermissionDenied => "it must not be read by this user".to_owned(),
        _ => why(&error),
    })
}

/// What a file has, also when it is compressed by gzip: r[file.gzip].
fn unpacked(file: File) -> Box<dyn Read + Send> {
    let mut file = BufReader::new(file);
    match file.fill_buf() {
        Ok(start) if start.starts_with(&GZIP) => Box::new(Unpacked(MultiGzDecoder::new(file))),
        // What is wrong with it is said when it is read.
        _ => Box::new(file),
    }
}

/// The text of a compressed file, which may be cut off: r[file.cut-off].
struct Unpacked(MultiGzDecoder<BufReader<File>>);

impl Read for Unpacked {
    fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
        match self.0.read(piece) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(0),
            outcome => outcome,
        }
    }
}

fn connect(url: &str) -> Result<Box<dyn Read + Send>, String> {
    let agent = ureq::Agent::config_builder()
        .proxy(None)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .timeout_recv_response(Some(RESPONSE_TIMEOUT))
        .build()
        .new_agent();
    let response = agent.get(url).call().map_err(|error| match error {
        ureq::Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            "connection refused: is the program running, and does it listen there?".to_owned()
        }
        ureq::Error::Io(error) => why(&error),
        ureq::Error::Timeout(ureq::Timeout::Connect) => {
            format!("no connection within {} s", CONNECT_TIMEOUT.as_secs())
        }
        ureq::Error::Timeout(_) => format!("it gave no answer within {} s", RESPONSE_TIMEOUT.as_secs()),
        ureq::Error::HostNotFound => "there is no host of this name".to_owned(),
        ureq::Error::Protocol(error) => format!("it answers something that is not HTTP ({error})"),
        other => other.to_string(),
    })?;
    let status = response.status();
    let mut body = response.into_body().into_reader();
    if status != 200 {
        let mut said = [0; 200];
        let length = body.read(&mut said).unwrap_or(0);
        let said = String::from_utf8_lossy(&said[..length]);
        let said: String = said.lines().next().unwrap_or_default().chars().flat_map(char::escape_debug).collect();
        return Err(format!("it answers {status}, and not 200: {said:?}. The stream of a program is at /v1/stream"));
    }
    Ok(Box::new(body))
}

/// The system's words without its number for them.
pub fn why(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_can_be_named_in_each_way() {
        let check = |text: &str, expect: &str| {
            let actual = match Source::named(text) {
                Ok(Source::Stdin) => "stdin".to_owned(),
                Ok(Source::File(path)) => format!("file {}", path.display()),
                Ok(Source::Url(url)) => url,
                Err(error) => error,
            };
            assert_eq!(actual, expect, "{text}");
        };
        check("-", "stdin");
        check("9000", "http://127.0.0.1:9000/v1/stream");
        check("localhost", "http://localhost:8080/v1/stream");
        check("localhost:9000", "http://localhost:9000/v1/stream");
        check("10.0.0.1", "http://10.0.0.1:8080/v1/stream");
        check("[::1]:9000", "http://[::1]:9000/v1/stream");
        check("[::1]", "http://[::1]:8080/v1/stream");
        check("http://localhost:9000", "http://localhost:9000/v1/stream");
        check("http://localhost:9000/", "http://localhost:9000/v1/stream");
        check("http://localhost/v1/snapshot", "http://localhost:8080/v1/snapshot");
        check("https://a", "insight is served over plain http: name it as http://HOST:PORT");
        check("http://a:x", "expected http://HOST:PORT, such as http://127.0.0.1:8080");
        check("http://", "expected http://HOST:PORT, such as http://127.0.0.1:8080");
        check("Cargo.toml", "file Cargo.toml");
        check("run.ndjson", "file run.ndjson");
        check("run", "file run");
        check("0", "file 0");
        check("", "file ");
    }
}
