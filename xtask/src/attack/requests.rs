//! Wrong or hostile requests, and the expected answers.

use super::Setting;
use super::attacked::{Attacked, PATIENCE, ask};
use crate::process::Result;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

/// The bytes of a request, and the status of its answer. `HOST` stands for the server's address. Status 0 means no answer.
const REQUESTS: &[(&str, u16)] = &[
    ("GET /v1/problems HTTP/1.1\r\nHost: HOST\r\n\r\n", 200),
    ("GET http://HOST/v1/problems HTTP/1.1\r\nHost: HOST\r\n\r\n", 200),
    ("GET http://example.com/v1/problems HTTP/1.1\r\nHost: HOST\r\n\r\n", 403),
    ("GET /v1/problems HTTP/1.1\r\nHost: example.com\r\n\r\n", 403),
    ("GET /v1/problems HTTP/1.1\r\n\r\n", 403),
    ("GET /v1/problems HTTP/1.1\r\nHost: HOST\r\nHost: example.com\r\n\r\n", 403),
    ("GET /v1/problems HTTP/1.1\r\nHost: 127.0.0.1:+80\r\n\r\n", 403),
    ("GET /v1/problems HTTP/1.1\r\nHost: 127.0.0.1.example.com\r\n\r\n", 403),
    ("GET /v1/problems HTTP/1.1\r\nHost: localhost.example.com\r\n\r\n", 403),
    ("GET /v1/problems HTTP/1.1\r\nHost: localhost@example.com\r\n\r\n", 403),
    ("GET /v1/problems HTTP/1.1\r\nHost: HOST\r\nOrigin: http://example.com\r\n\r\n", 403),
    ("GET /v1/problems HTTP/1.1\r\nHost: HOST\r\nOrigin: null\r\n\r\n", 403),
    ("GET /v1/problems HTTP/1.1\r\nHost: HOST\r\nOrigin: HTTP://localhost\r\n\r\n", 200),
    ("GET /v1/problems HTTP/1.1\r\nHost: HOST\r\nOrigin: http://localhost\r\nOrigin: http://example.com\r\n\r\n", 403),
    ("GET /v1/problems HTTP/1.1\r\nHost: HOST\r\nSec-Fetch-Site: cross-site\r\n\r\n", 403),
    ("GET /v1/problems HTTP/1.1\r\nHost: HOST\r\nSec-Fetch-Site: same-origin\r\n\r\n", 200),
    ("POST /v1/problems HTTP/1.1\r\nHost: HOST\r\nContent-Length: 3\r\n\r\nabc", 405),
    ("DELETE /v1/tasks/1 HTTP/1.1\r\nHost: HOST\r\n\r\n", 405),
    ("GET /v1/problems HTTP/1.1\r\nHost: HOST\r\n\r\nGET /v1/problems HTTP/1.1\r\nHost: HOST\r\n\r\n", 200),
    ("GET /v1/problems HTTP/1.1\r\nHost: HOST\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 200),
    ("GET /v1/problems HTTP/3.0\r\nHost: HOST\r\n\r\n", 400),
    ("GET /v1/problems\r\n\r\n", 400),
    ("\x16\x03\x01\x02\x00\x01\x00\x01\u{fc}\x03\x03", 400),
    ("\r\n\r\n\r\n\r\n\0\r\n\r\n", 400),
    ("GET /docs/../../etc/passwd HTTP/1.1\r\nHost: HOST\r\n\r\n", 404),
    ("GET /docs/%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: HOST\r\n\r\n", 404),
    ("GET /v1/tasks/99999999999999999999999999/trace HTTP/1.1\r\nHost: HOST\r\n\r\n", 400),
    ("GET /v1/tasks/-1/trace HTTP/1.1\r\nHost: HOST\r\n\r\n", 400),
    ("GET /v1/tasks//trace HTTP/1.1\r\nHost: HOST\r\n\r\n", 400),
];

pub fn requests(setting: &Setting) -> Result<String> {
    let mut attacked = Attacked::start(setting, &["idle"])?;
    let mut wrong = Vec::new();
    for (request, expected) in REQUESTS {
        let request = request.replace("HOST", &attacked.address.to_string());
        let result = status(attacked.address, request.as_bytes())?;
        if result != *expected {
            wrong.push(format!("{:?}: expected {expected}, actual: {result}", request));
        }
    }
    // Heads that are too long, and one with too many headers.
    let host = format!("GET / HTTP/1.1\r\nHost: {}\r\n", attacked.address);
    for (name, request) in [
        ("a header of 1 MiB", format!("{host}X: {}\r\n\r\n", "x".repeat(1 << 20))),
        ("10,000 headers", format!("{host}{}\r\n", "X: x\r\n".repeat(10_000))),
        ("a path of 1 MiB", format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(1 << 20))),
    ] {
        let result = status(attacked.address, request.as_bytes())?;
        if result != 431 {
            wrong.push(format!("{name}: expected 431, actual: {result}"));
        }
    }
    attacked.makes_progress()?;
    ask(attacked.address, "/v1/problems")?;
    attacked.end()?;
    match wrong.as_slice() {
        [] => Ok(format!("{} requests", REQUESTS.len() + 3)),
        wrong => Err(wrong.join("; ")),
    }
}

/// The status of an answer that is complete and not reset, or 0 if there is none.
fn status(address: SocketAddr, request: &[u8]) -> Result<u16> {
    let failed = |error: std::io::Error| format!("{}: {error}", String::from_utf8_lossy(request).escape_debug());
    let mut stream = TcpStream::connect(address).map_err(failed)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
    match stream.write_all(request) {
        // The server may stop reading and close the connection.
        Err(error) if !matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => {
            return Err(failed(error));
        }
        _ => {}
    }
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer);
    // Unread bytes may reset a connection after its answer.
    read.or_else(|error| if answer.contains("\r\n\r\n") { Ok(0) } else { Err(failed(error)) })?;
    Ok(answer.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok()).unwrap_or(0))
}
