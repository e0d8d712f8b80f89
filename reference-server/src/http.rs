//! The part of HTTP/1.1 that we serve: a request without a body, and a reply after which we close the connection.

use crate::patience::{Patience, SLICE};
use crate::recorder::Settings;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Shutdown, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// Maximum size of a request's line and headers, in bytes.
const MAX_HEAD_BYTES: usize = 16 << 10;
const MAX_HEADERS: usize = 100;
/// Maximum time that we wait for the client to read the reply before we close the connection.
const LINGER: Duration = Duration::from_secs(1);
/// Maximum number of bytes that we read from the client during that wait.
const MAX_LINGER_BYTES: usize = 4 << 20;

/// The contents that a page may load: its own style, and scripts of this server. docs/security.md describes it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'";

/// A request that may be answered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) path: String,
    /// The method is HEAD: the reply has no body.
    pub(crate) head_only: bool,
    /// The client uses HTTP/1.0, which has no chunked replies.
    pub(crate) http_1_0: bool,
}

/// A reply whose body is complete before it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: &'static str,
    pub(crate) content_type: &'static str,
    /// More headers, each with its `\r\n`.
    pub(crate) headers: &'static str,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn ok(content_type: &'static str, body: String) -> Reply {
        Reply { status: "200 OK", content_type, headers: "", body }
    }

    /// A line of text, such as the reason for a refusal.
    pub(crate) fn text(status: &'static str, text: &str) -> Reply {
        Reply { status, content_type: "text/plain; charset=utf-8", headers: "", body: format!("{text}\n") }
    }
}

/// The reason why there is no request to answer.
#[derive(Debug)]
pub(crate) enum NoRequest {
    /// We refuse the request with this reply.
    Refused(Reply),
    /// The client has closed the connection.
    Gone,
}

/// The other end of a connection.
#[derive(Debug)]
pub(crate) struct Peer {
    stream: Arc<TcpStream>,
    /// Maximum time in which the peer accepts no byte.
    idle_timeout: Duration,
    /// Maximum time in which the peer reads a whole reply.
    reply_timeout: Duration,
    /// The rest of `reply_timeout`. `None` for a stream, which has no such limit.
    left: Option<Patience>,
}

impl Peer {
    pub(crate) fn new(stream: Arc<TcpStream>, settings: &Settings) -> io::Result<Peer> {
        stream.set_read_timeout(Some(SLICE))?;
        stream.set_write_timeout(Some(SLICE))?;
        Ok(Peer { stream, idle_timeout: settings.write_timeout, reply_timeout: settings.reply_timeout, left: None })
    }

    pub(crate) fn stream(&self) -> &Arc<TcpStream> {
        &self.stream
    }

    /// The port of the server to which the client is connected; 0 if the system does not name it.
    pub(crate) fn port(&self) -> u16 {
        self.stream.local_addr().map_or(0, |address| address.port())
    }

    /// If `limited`, the next writes together must end within the reply timeout. Otherwise only the idle timeout applies.
    fn limit(&mut self, limited: bool) {
        self.left = limited.then(|| Patience::new(self.reply_timeout));
    }

    /// Reads the head of a request within `timeout`.
    pub(crate) fn read_request(&mut self, timeout: Duration) -> Result<Request, NoRequest> {
        let mut patience = Patience::new(timeout);
        let mut head = Vec::new();
        let mut buffer = [0; 4096];
        while patience.next().is_some() {
            match (&*self.stream).read(&mut buffer) {
                Ok(0) => return Err(NoRequest::Gone),
                Ok(count) => head.extend_from_slice(&buffer[..count]),
                Err(error) if is_timeout(&error) || error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => return Err(NoRequest::Gone),
            }
            if let Some(request) = parse(&head).map_err(NoRequest::Refused)? {
                return Ok(request);
            }
        }
        Err(NoRequest::Refused(Reply::text("408 Request Timeout", "the request did not arrive in time")))
    }

    /// Sends the only reply of the connection, and ends the connection.
    pub(crate) fn send(&mut self, reply: &Reply, head_only: bool) -> io::Result<()> {
        let Reply { status, content_type, headers, body } = reply;
        let length = body.len();
        let mut text = format!("{}Content-Length: {length}\r\n\r\n", head(status, content_type, headers));
        if !head_only {
            text.push_str(body);
        }
        self.limit(true);
        self.write_all(text.as_bytes())?;
        self.end()
    }

    fn write_all(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        let mut idle = Patience::new(self.idle_timeout);
        while !bytes.is_empty() {
            if self.left.as_mut().is_some_and(|left| left.next().is_none()) {
                return Err(ErrorKind::TimedOut.into());
            }
            match (&*self.stream).write(bytes) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => {
                    bytes = &bytes[count..];
                    idle = Patience::new(self.idle_timeout);
                }
                Err(error) if is_timeout(&error) && idle.next().is_some() => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads the rest of the client's bytes, such as a body or a second request. If we closed the connection with unread bytes,
    /// the system would reset it, and the client could lose the reply.
    fn end(&mut self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Write)?;
        let mut patience = Patience::new(LINGER);
        let (mut buffer, mut bytes) = (vec![0; 16 << 10], 0);
        while bytes < MAX_LINGER_BYTES && patience.next().is_some() {
            match (&*self.stream).read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => bytes += count,
                Err(error) if is_timeout(&error) || error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// Sends a reply without waiting. If the client's request arrives later than this, the client may see a reset connection
/// instead of the reply.
pub(crate) fn send_at_once(mut stream: &TcpStream, reply: &Reply) -> io::Result<()> {
    stream.set_nonblocking(true)?;
    // Unread bytes would reset the connection when it is closed.
    drop(stream.read(&mut [0; 4096]));
    let Reply { status, content_type, headers, body } = reply;
    let text = format!("{}Content-Length: {}\r\n\r\n{body}", head(status, content_type, headers), body.len());
    stream.write_all(text.as_bytes())
}

/// Parses the head of a request. `None` while the head is incomplete.
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
    let (authority, path) = target(request.path.unwrap_or_default());
    let mut hosts = values(request.headers, "host");
    let (host, second) = (hosts.next(), hosts.next());
    if second.is_some() || !host.is_some_and(is_loopback) || !authority.is_none_or(|it| is_loopback(it.as_bytes())) {
        let text = "the Host header must name this machine itself, such as localhost or 127.0.0.1";
        return Err(Reply::text("403 Forbidden", text));
    }
    if !values(request.headers, "origin").all(is_loopback_origin) {
        return Err(Reply::text("403 Forbidden", "only pages of this machine may use insight"));
    }
    // An image, a script or a link in a page of another machine sends no `Origin` header.
    if values(request.headers, "sec-fetch-site").any(|site| site.eq_ignore_ascii_case(b"cross-site")) {
        return Err(Reply::text(
            "403 Forbidden",
            "a page of another machine has sent this request; enter the address by hand",
        ));
    }
    let head_only = match request.method {
        Some("GET") => false,
        Some("HEAD") => true,
        _ => {
            let reply =
                Reply::text("405 Method Not Allowed", "only GET and HEAD are allowed: nothing can be changed here");
            return Err(Reply { headers: "Allow: GET, HEAD\r\n", ..reply });
        }
    };
    let path = path.split(['?', '#']).next().unwrap_or_default().to_owned();
    Ok(Some(Request { path, head_only, http_1_0: request.version == Some(0) }))
}

/// The authority and the path of a request's target. `http://localhost:80/v1/stream` has both, `/v1/stream` only a path.
fn target(target: &str) -> (Option<&str>, &str) {
    let Some(rest) = SCHEMES.iter().find_map(|scheme| strip_scheme(target, scheme)) else { return (None, target) };
    match rest.find(['/', '?', '#']) {
        Some(at) if rest[at..].starts_with('/') => (Some(&rest[..at]), &rest[at..]),
        Some(at) => (Some(&rest[..at]), "/"),
        None => (Some(rest), "/"),
    }
}

const SCHEMES: [&str; 2] = ["http://", "https://"];

/// Removes the scheme, in upper or lower case.
fn strip_scheme<'a>(text: &'a str, scheme: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(scheme.len())?;
    start.eq_ignore_ascii_case(scheme).then_some(rest)
}

fn values<'a>(headers: &'a [httparse::Header], name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value)
}

/// Whether the host is `localhost`, `127.0.0.1` or `[::1]`, with any port. This stops DNS rebinding: a page whose own host name
/// resolves to this machine's address cannot read our replies.
fn is_loopback(host: &[u8]) -> bool {
    let Ok(host) = std::str::from_utf8(host) else { return false };
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, port),
        _ => (host, "0"),
    };
    // Rust parses `+80` as a number, but it is not a port.
    if !port.bytes().all(|byte| byte.is_ascii_digit()) || port.parse::<u16>().is_err() {
        return false;
    }
    let address: Option<IpAddr> = match name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
        Some(name) => name.parse().ok().map(IpAddr::V6),
        None => name.parse().ok().map(IpAddr::V4),
    };
    name.eq_ignore_ascii_case("localhost") || address.is_some_and(|address| address.is_loopback())
}

fn is_loopback_origin(origin: &[u8]) -> bool {
    let Ok(origin) = std::str::from_utf8(origin) else { return false };
    SCHEMES.iter().any(|scheme| strip_scheme(origin, scheme).is_some_and(|host| is_loopback(host.as_bytes())))
}

fn head(status: &str, content_type: &str, headers: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\n{headers}Connection: close\r\nCache-Control: no-store\r\n\
         X-Content-Type-Options: nosniff\r\nCross-Origin-Resource-Policy: same-origin\r\n\
         Content-Security-Policy: {POLICY}\r\n"
    )
}

/// A reply whose length is unknown when it begins.
pub(crate) struct Chunks<'a> {
    peer: &'a mut Peer,
    chunked: bool,
}

impl<'a> Chunks<'a> {
    /// Sends the head of the reply.
    pub(crate) fn begin(peer: &'a mut Peer, request: &Request, content_type: &str) -> io::Result<Chunks<'a>> {
        let chunked = !request.http_1_0;
        let coding = if chunked { "Transfer-Encoding: chunked\r\n" } else { "" };
        let text = format!("{}\r\n", head("200 OK", content_type, coding));
        peer.limit(true);
        peer.write_all(text.as_bytes())?;
        Ok(Chunks { peer, chunked })
    }

    /// If `limited`, the next writes together must end within the reply timeout. Otherwise only the idle timeout applies.
    pub(crate) fn limit(&mut self, limited: bool) {
        self.peer.limit(limited);
    }

    /// Sends a part of the body.
    pub(crate) fn send(&mut self, part: &[u8]) -> io::Result<()> {
        if part.is_empty() {
            // An empty chunk would be the end.
            Ok(())
        } else if self.chunked {
            // In one write: three small packets would each wait for an acknowledgement.
            self.peer.write_all(&[format!("{:x}\r\n", part.len()).as_bytes(), part, b"\r\n"].concat())
        } else {
            self.peer.write_all(part)
        }
    }

    /// Ends the body. Without this, a client knows that the reply is incomplete.
    pub(crate) fn end(self) -> io::Result<()> {
        if self.chunked {
            self.peer.write_all(b"0\r\n\r\n")?;
        }
        self.peer.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_is_parsed_or_refused_with_a_status() {
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
            "127.0.0.1:+80",
            "127.0.0.1:-80",
            "127.0.0.1:65536",
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
        check(&with("Origin: HTTP://localhost"), "/");
        check(&with("Origin: httpx://localhost"), "403");
        check(&with("Origin: http://localhost:+80"), "403");
        check(&with("Sec-Fetch-Site: cross-site"), "403");
        check(&with("sec-fetch-site: CROSS-SITE"), "403");
        for site in ["same-origin", "same-site", "none"] {
            check(&with(&format!("Sec-Fetch-Site: {site}")), "/");
        }
        let target = |target: &str| format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        check(&target("http://localhost:80/v1/problems?a=b"), "/v1/problems");
        check(&target("HTTP://127.0.0.1/v1/problems"), "/v1/problems");
        check(&target("http://localhost"), "/");
        check(&target("http://localhost?a=/b"), "/");
        check(&target("http://example.com/v1/problems"), "403");
        check(&target("http://localhost:+80/"), "403");
        check(&target("http:///v1/problems"), "403");
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
