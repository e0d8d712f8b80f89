//! As much of HTTP/1.1 as is served: a request without a body, and a reply after which the connection is closed.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, TcpStream};
use std::time::{Duration, Instant};

/// The most that a request's line and headers may take.
const MAX_HEAD_BYTES: usize = 16 << 10;
const MAX_HEADERS: usize = 100;

/// A request that may be answered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) path: String,
    /// Only the head of the reply is wanted.
    pub(crate) head_only: bool,
    /// The client does not know chunks.
    pub(crate) http_1_0: bool,
}

/// What is sent back at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: &'static str,
    pub(crate) content_type: &'static str,
    /// Further headers, each with its line's end.
    pub(crate) headers: &'static str,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn ok(content_type: &'static str, body: String) -> Reply {
        Reply { status: "200 OK", content_type, headers: "", body }
    }

    /// A refusal, in a line of text.
    pub(crate) fn text(status: &'static str, text: &str) -> Reply {
        Reply { status, content_type: "text/plain; charset=utf-8", headers: "", body: format!("{text}\n") }
    }
}

/// Why there is no request.
#[derive(Debug)]
pub(crate) enum NoRequest {
    /// The client is to be told.
    Refused(Reply),
    /// The client has gone.
    Gone,
}

/// Reads a request's head, for at most `timeout`.
pub(crate) fn read_request(stream: &mut TcpStream, timeout: Duration) -> Result<Request, NoRequest> {
    let deadline = Instant::now() + timeout;
    let mut head = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        // A timeout of 0 would be none at all.
        if left.is_zero() {
            return Err(NoRequest::Refused(Reply::text("408 Request Timeout", "the request did not arrive in time")));
        }
        stream.set_read_timeout(Some(left)).map_err(|_| NoRequest::Gone)?;
        match stream.read(&mut buffer) {
            Ok(0) => return Err(NoRequest::Gone),
            Ok(count) => head.extend_from_slice(&buffer[..count]),
            Err(error) if is_timeout(&error) || error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => return Err(NoRequest::Gone),
        }
        if let Some(request) = parse(&head).map_err(NoRequest::Refused)? {
            return Ok(request);
        }
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// The request that `head` is; `None` when more is to come.
fn parse(head: &[u8]) -> Result<Option<Request>, Reply> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let too_large = || Reply::text("431 Request Header Fields Too Large", "the request's head is too large");
    match request.parse(&head[..head.len().min(MAX_HEAD_BYTES)]) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) if head.len() >= MAX_HEAD_BYTES => return Err(too_large()),
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(too_large()),
        Err(error) => {
            let text = format!("not an HTTP request ({error}); insight serves HTTP/1.1, without TLS");
            return Err(Reply::text("400 Bad Request", &text));
        }
    }
    let mut hosts = values(request.headers, "host");
    let (host, second) = (hosts.next(), hosts.next());
    if second.is_some() || !host.is_some_and(is_loopback) {
        let text = "the Host header must name this machine itself, such as localhost or 127.0.0.1";
        return Err(Reply::text("403 Forbidden", text));
    }
    if !values(request.headers, "origin").all(is_loopback_origin) {
        return Err(Reply::text("403 Forbidden", "only pages from this machine itself may ask"));
    }
    let head_only = match request.method {
        Some("GET") => false,
        Some("HEAD") => true,
        _ => {
            let reply = Reply::text("405 Method Not Allowed", "only GET and HEAD: nothing can be changed here");
            return Err(Reply { headers: "Allow: GET, HEAD\r\n", ..reply });
        }
    };
    let path = request.path.unwrap_or_default().split(['?', '#']).next().unwrap_or_default().to_owned();
    Ok(Some(Request { path, head_only, http_1_0: request.version == Some(0) }))
}

fn values<'a>(headers: &'a [httparse::Header], name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value)
}

/// `localhost`, `127.0.0.1` or `[::1]`, with any port. So a page cannot read what is served here by giving a name of its
/// own this machine's address.
fn is_loopback(host: &[u8]) -> bool {
    let Ok(host) = std::str::from_utf8(host) else { return false };
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, port),
        _ => (host, "0"),
    };
    if port.parse::<u16>().is_err() {
        return false;
    }
    let address: Option<IpAddr> = match name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
        Some(name) => name.parse().ok().map(IpAddr::V6),
        None => name.parse().ok().map(IpAddr::V4),
    };
    name.eq_ignore_ascii_case("localhost") || address.is_some_and(|address| address.is_loopback())
}

fn is_loopback_origin(origin: &[u8]) -> bool {
    [&b"http://"[..], b"https://"].iter().any(|scheme| origin.strip_prefix(*scheme).is_some_and(is_loopback))
}

fn head(status: &str, content_type: &str, headers: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\n{headers}Connection: close\r\nCache-Control: no-store\r\n\
         X-Content-Type-Options: nosniff\r\nContent-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n"
    )
}

/// Sends a reply.
pub(crate) fn send(stream: &mut TcpStream, reply: &Reply, head_only: bool) -> io::Result<()> {
    let Reply { status, content_type, headers, body } = reply;
    let length = body.len();
    let mut text = format!("{}Content-Length: {length}\r\n\r\n", head(status, content_type, headers));
    if !head_only {
        text.push_str(body);
    }
    stream.write_all(text.as_bytes())
}

/// Sends a refusal, and waits a moment for the client to have read it: bytes of the client that are still unread when
/// the connection is closed would reset it, and could make the refusal unread too.
pub(crate) fn refuse(stream: &mut TcpStream, reply: &Reply) -> io::Result<()> {
    send(stream, reply, false)?;
    stream.shutdown(std::net::Shutdown::Write)?;
    stream.set_read_timeout(Some(Duration::from_millis(500)))?;
    let mut buffer = [0; 4096];
    for _ in 0..64 {
        if stream.read(&mut buffer)? == 0 {
            break;
        }
    }
    Ok(())
}

/// A reply whose length is not known when it begins.
pub(crate) struct Chunks<'a> {
    stream: &'a mut TcpStream,
    chunked: bool,
}

impl<'a> Chunks<'a> {
    /// Sends the head of the reply.
    pub(crate) fn begin(stream: &'a mut TcpStream, request: &Request, content_type: &str) -> io::Result<Chunks<'a>> {
        let chunked = !request.http_1_0;
        let coding = if chunked { "Transfer-Encoding: chunked\r\n" } else { "" };
        let text = format!("{}\r\n", head("200 OK", content_type, coding));
        stream.write_all(text.as_bytes())?;
        Ok(Chunks { stream, chunked })
    }

    /// Sends a part of the body.
    pub(crate) fn send(&mut self, part: &[u8]) -> io::Result<()> {
        if part.is_empty() {
            // An empty chunk would be the end.
            Ok(())
        } else if self.chunked {
            // At once: a chunk in three packets would wait for each.
            self.stream.write_all(&[format!("{:x}\r\n", part.len()).as_bytes(), part, b"\r\n"].concat())
        } else {
            self.stream.write_all(part)
        }
    }

    /// Says that this was all. A reply that breaks off instead is seen to be incomplete.
    pub(crate) fn end(self) -> io::Result<()> {
        if self.chunked { self.stream.write_all(b"0\r\n\r\n") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests() {
        let check = |head: &str, expect: &str| {
            let actual = match parse(head.as_bytes()) {
                Ok(Some(request)) => request.path,
                Ok(None) => "more".to_owned(),
                Err(reply) => reply.status[..3].to_owned(),
            };
            assert_eq!(actual, expect, "{head}");
        };
        let host = |host: &str| format!("GET /v1/problems?a=b HTTP/1.1\r\nHost: {host}\r\n\r\n");
        for name in ["localhost", "localhost:80", "LOCALHOST", "127.0.0.1", "127.9.9.9:1", "[::1]", "[::1]:8080"] {
            check(&host(name), "/v1/problems");
        }
        for name in [
            "",
            "example.com",
            "localhost.example.com",
            "example.com:127",
            "127.0.0.1.example.com",
            "127.1",
            "10.0.0.1",
            "::1",
            "[::1",
            "[::2]",
            "[127.0.0.1]",
            "localhost:x",
            "localhost:",
            "user@localhost",
        ] {
            check(&host(name), "403");
        }
        let with = |header: &str| format!("GET / HTTP/1.1\r\nHost: localhost\r\n{header}\r\n\r\n");
        check(&with("Origin: http://localhost:3000"), "/");
        check(&with("origin: https://127.0.0.1"), "/");
        check(&with("Origin: http://example.com"), "403");
        check(&with("Origin: null"), "403");
        check(&with("Origin: "), "403");
        check(&with("Host: example.com"), "403");
        check("GET / HTTP/1.1\r\n\r\n", "403");
        check("GET / HTTP/1.0\r\nHost: localhost\r\n\r\n", "/");
        check("HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n", "/");
        check("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n", "405");
        check("OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", "405");
        check("GET / HTTP/1.1\r\nHost: local", "more");
        check("", "more");
        check("GET / HTTP/2.0\r\n\r\n", "400");
        check("\u{16}\u{3}\u{1}\u{2}\0", "400");
        check("\0\u{1}\u{2}", "400");
        check("hello\r\n\r\n", "400");
        let headers = "a: b\r\n".repeat(MAX_HEADERS + 1);
        check(&format!("GET / HTTP/1.1\r\n{headers}\r\n"), "431");
        check(&format!("GET / HTTP/1.1\r\na: {}", "b".repeat(MAX_HEAD_BYTES)), "431");
        check(&format!("GET / HTTP/1.1\r\na: {}\r\n\r\n", "b".repeat(MAX_HEAD_BYTES)), "431");
    }
}
