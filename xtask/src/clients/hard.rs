//! A stream that no program sends in a test: what is unknown, malformed, lost, forgotten or of another version.

use super::Once;
use crate::process::Result;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

const STREAM: &str = include_str!("hard.ndjson");
/// What every client says of it.
const SHOWN: &str = include_str!("hard.txt");

pub fn check(once: Once) -> Result {
    let shown = serve(STREAM.replace("PROTOCOL", "1.7"), once)?;
    if !shown.ends_with(SHOWN) {
        return Err(format!("it does not say\n{SHOWN}but\n{shown}"));
    }
    match serve(STREAM.replace("PROTOCOL", "2.0"), once) {
        Err(refusal) if refusal.contains("this client reads protocol 1, and the stream is 2.0") => Ok(()),
        other => Err(format!("it does not refuse protocol 2.0: {other:?}")),
    }
}

/// Answers one request with the stream.
fn serve(stream: String, once: Once) -> Result<String> {
    let failed = |error: std::io::Error| format!("cannot serve a stream: {error}");
    let listener = TcpListener::bind("127.0.0.1:0").map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    // Not joined: it would wait for ever for a client that does not come.
    std::thread::spawn(move || {
        let (mut client, _) = listener.accept()?;
        let request = BufReader::new(client.try_clone()?);
        // To its end: a connection that is closed with something unread may be reset.
        for line in request.lines() {
            if line?.is_empty() {
                break;
            }
        }
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nConnection: close\r\n\r\n";
        client.write_all(format!("{head}{stream}").as_bytes())
    });
    once(address)
}
