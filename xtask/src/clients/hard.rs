//! A prepared stream with unknown, malformed, lost and forgotten messages, and messages of another version.

use super::Once;
use crate::process::Result;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

const STREAM: &str = include_str!("hard.ndjson");
/// The expected output of every client.
const SHOWN: &str = include_str!("hard.txt");

pub fn check(once: Once) -> Result {
    let shown = serve(STREAM.replace("PROTOCOL", "1.7"), once)?;
    if !shown.ends_with(SHOWN) {
        return Err(format!("it does not print\n{SHOWN}but\n{shown}"));
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
    // Not joined: the thread would wait for ever for a client that does not connect.
    std::thread::spawn(move || {
        let (mut client, _) = listener.accept()?;
        let request = BufReader::new(client.try_clone()?);
        // Read to its end: closing a connection with unread data may reset it.
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
