//! The places that a stream can come from.

use crate::visible;
use flate2::bufread::MultiGzDecoder;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

/// The default port of a program that listens.
pub const DEFAULT_PORT: u16 = 8080;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(5);
/// Maximum time until the text of a refusal.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(2);
/// Maximum size of the text of a refusal, in bytes.
const REFUSAL_LIMIT: u64 = 1 << 10;
const PIECE: usize = 64 << 10;
/// The first bytes of a file that is compressed by gzip.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Size of decompressed text that is always allowed, in bytes.
const TEXT_WITHOUT_LIMIT: u64 = 64 << 20;
/// Maximum ratio of the further text to its compressed size. Recordings reach about 10, and gzip can reach
/// 1,000.
const MOST_TEXT: u64 = 200;

/// The text of a stream.
pub type Opened = Box<dyn Read + Send>;

/// The place of a stream, as an argument on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// stdin.
    Stdin,
    /// A recording.
    File(PathBuf),
    /// A program that listens.
    Url(String),
}

impl Source {
    /// Reads an argument of the command line.
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
        Ok(match address(text).filter(|_| cannot_be_a_file_name(text)) {
            Some(address) => Source::Url(format!("http://{address}/v1/stream")),
            None => Source::File(text.into()),
        })
    }

    /// The file, if it is a recording. The rules of recordings apply to it.
    pub fn recording(&self) -> Option<&Path> {
        match self {
            Source::File(path) if path.is_file() => Some(path),
            _ => None,
        }
    }

    /// A remark before the first bytes, if they may take long: the writer of a pipe may not have begun.
    pub fn remark(&self) -> Option<&'static str> {
        match self {
            Source::File(path) if is_pipe(path) => Some("it is a pipe: waiting for its writer, and reading to its end"),
            _ => None,
        }
    }

    /// Opens the source. Errors in the content of a file are reported when it is read.
    pub fn open(&self) -> Result<Opened, String> {
        match self {
            Source::Stdin => unpacked(io::stdin()),
            Source::File(path) => open_file(path),
            Source::Url(url) => connect(url),
        }
    }
}

/// HOST:PORT of an address in the forms that consolation accepts.
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

/// Whether an argument is only an address. `localhost` is, but `run` may be a misspelt file name.
fn cannot_be_a_file_name(text: &str) -> bool {
    let number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let host = text == "localhost" || text.parse::<std::net::Ipv4Addr>().is_ok();
    number || host || text.contains(':')
}

/// Opens a recording. It refuses a directory and a device, but not a pipe.
pub fn open_file(path: &Path) -> Result<Opened, String> {
    let unreadable = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => {
            "there is no such file: name a recording, an address such as 127.0.0.1:8080, or - for stdin".to_owned()
        }
        io::ErrorKind::PermissionDenied => "this user must not read it".to_owned(),
        _ => why(&error),
    };
    // Checked before opening, since opening a device may have effects.
    let kind = std::fs::metadata(path).map_err(unreadable)?.file_type();
    if kind.is_dir() {
        return Err("it is a directory: name a recording in it".to_owned());
    }
    if !kind.is_file() && !is_pipe(path) {
        return Err("it is a device, and not a file: name a recording".to_owned());
    }
    unpacked(File::open(path).map_err(unreadable)?)
}

#[cfg(unix)]
fn is_pipe(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|it| std::os::unix::fs::FileTypeExt::is_fifo(&it.file_type()))
}

#[cfg(not(unix))]
fn is_pipe(_: &Path) -> bool {
    false
}

/// The text of a file that may be compressed by gzip: r[file.gzip].
fn unpacked(bytes: impl Read + Send + 'static) -> Result<Opened, String> {
    let mut bytes = BufReader::with_capacity(PIECE, Counted { bytes, count: 0 });
    // Errors are reported when the content is read.
    let packed = bytes.fill_buf().is_ok_and(|start| start.starts_with(&GZIP));
    Ok(if packed { Box::new(Unpacked { text: MultiGzDecoder::new(bytes), count: 0 }) } else { Box::new(bytes) })
}

/// Counts the bytes that are read.
struct Counted<R> {
    bytes: R,
    count: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
        let length = self.bytes.read(piece)?;
        self.count += length as u64;
        Ok(length)
    }
}

/// The text of compressed bytes.
struct Unpacked<R: Read> {
    text: MultiGzDecoder<BufReader<Counted<R>>>,
    count: u64,
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
        let failure = |kind, text: &str| io::Error::new(kind, text);
        match self.text.read(piece) {
            Ok(length) => {
                self.count += length as u64;
                if self.count > TEXT_WITHOUT_LIMIT + self.text.get_ref().get_ref().count.saturating_mul(MOST_TEXT) {
                    let text = format!("its text is more than {MOST_TEXT} times as large as its gzip data");
                    return Err(failure(io::ErrorKind::InvalidData, &text));
                }
                Ok(length)
            }
            // r[file.cut-off]: the file of a program that was killed has no end.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Err(failure(io::ErrorKind::UnexpectedEof, "its gzip data has no end"))
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput) => {
                Err(failure(io::ErrorKind::InvalidData, "its gzip data is damaged"))
            }
            Err(error) => Err(error),
        }
    }
}

fn connect(url: &str) -> Result<Opened, String> {
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
        ureq::Error::LargeResponseHeader(_, limit) => {
            format!("it answers something that is not HTTP (a head of more than {limit} bytes)")
        }
        other => other.to_string(),
    })?;
    let status = response.status();
    let body = response.into_body().into_reader();
    if status != 200 {
        let text = words_of_refusal(&agent, body);
        let text = visible(&text);
        return Err(format!("it answers {status}, and not 200: \"{text}\". The stream of a program is at /v1/stream"));
    }
    Ok(Box::new(body))
}

/// The first line of a refusal, as much as arrives in time. The agent can make no request after that.
pub fn words_of_refusal(agent: &ureq::Agent, body: impl Read) -> String {
    let mut line = Vec::new();
    let agent = agent.clone();
    let (read, end) = std::sync::mpsc::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            if end.recv_timeout(REFUSAL_TIMEOUT) == Err(RecvTimeoutError::Timeout) {
                // This ends the read below.
                agent.shutdown();
            }
        });
        // On an error, the bytes before it are kept.
        let _ = BufReader::new(body.take(REFUSAL_LIMIT)).read_until(b'\n', &mut line);
        drop(read);
    });
    String::from_utf8_lossy(&line).trim().to_owned()
}

/// The text of the system's error without its number.
pub fn why(error: &io::Error) -> String {
    match error.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(ureq::Error::Timeout(ureq::Timeout::PerRead)) => return "nothing came for too long".to_owned(),
        Some(ureq::Error::BodyStalled) => return "a chunk of its body is malformed".to_owned(),
        Some(ureq::Error::Timeout(_)) => return "it did not come to its end in time".to_owned(),
        _ => {}
    }
    let text = error.to_string();
    if text == "Peer disconnected" {
        return "the connection ended too soon".to_owned();
    }
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_is_read_from_each_form_of_argument() {
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
