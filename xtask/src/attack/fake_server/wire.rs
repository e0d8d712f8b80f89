//! One connection of a fake server, and the parts of its answers.

use super::streams::chunk;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Maximum time until a connection notices that its case is over.
const SLICE: Duration = Duration::from_millis(50);
/// Maximum time of a request.
const PATIENCE: Duration = Duration::from_secs(10);
/// Maximum size of a request, in bytes.
const REQUEST: usize = 16 << 10;

/// The answer of a fake server.
pub type Answer = fn(&mut Wire) -> io::Result<()>;

/// A connection that has received its request.
pub struct Wire {
    stream: TcpStream,
    /// Whether this is a full run.
    pub full: bool,
    over: Arc<AtomicBool>,
}

impl Wire {
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        let mut bytes = bytes.as_ref();
        while !bytes.is_empty() {
            match self.stream.write(bytes) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(length) => bytes = &bytes[length..],
                // The client does not read. The connection still ends when the case is over.
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    self.check_over()?
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Sends the head of a correct answer with a chunked body.
    pub fn head(&mut self) -> io::Result<()> {
        self.send(
            "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nConnection: close\r\n\
             Transfer-Encoding: chunked\r\n\r\n",
        )
    }

    /// Sends one chunk.
    pub fn chunk(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.send(chunk(bytes.as_ref()))
    }

    /// Sends a correct head, a body of these bytes, and its end.
    pub fn whole(&mut self, body: impl AsRef<[u8]>) -> io::Result<()> {
        self.head()?;
        for part in body.as_ref().chunks(1 << 20) {
            self.chunk(part)?;
        }
        self.send("0\r\n\r\n")
    }

    /// Sends a head with this status and these header lines, and a body.
    pub fn status(&mut self, status: &str, headers: &str, body: &str) -> io::Result<()> {
        self.send(format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len()))
    }

    /// Sends nothing until the client disconnects or the case is over.
    pub fn silence(&mut self) -> io::Result<()> {
        self.stream.set_read_timeout(Some(SLICE))?;
        loop {
            self.check_over()?;
            match self.stream.read(&mut [0; 64]) {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Sends pieces for ever, with pauses.
    pub fn endless(&mut self, pause: Duration, mut piece: impl FnMut(u64) -> Vec<u8>) -> io::Result<()> {
        for number in 0.. {
            self.check_over()?;
            let piece = piece(number);
            self.send(piece)?;
            if !pause.is_zero() {
                std::thread::sleep(pause);
            }
        }
        Ok(())
    }

    fn check_over(&self) -> io::Result<()> {
        // `Server::drop` writes the flag. Relaxed, since no other data depends on it.
        if self.over.load(Ordering::Relaxed) { Err(ErrorKind::Interrupted.into()) } else { Ok(()) }
    }
}

/// A server on a free port that gives one answer to each request. Dropping it ends it.
pub struct Server {
    pub address: SocketAddr,
    over: Arc<AtomicBool>,
}

impl Server {
    /// Starts the server. With `resets`, its connections end by a reset.
    pub fn start(answer: Answer, resets: bool, full: bool) -> io::Result<Server> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let over = Arc::new(AtomicBool::new(false));
        let theirs = Arc::clone(&over);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if theirs.load(Ordering::Relaxed) {
                    return;
                }
                let (Ok(stream), over) = (stream, Arc::clone(&theirs)) else { continue };
                // A client that disconnects in the middle of the answer is not a fault.
                std::thread::spawn(move || request(stream, resets, full, over).and_then(|mut wire| answer(&mut wire)));
            }
        });
        Ok(Server { address, over })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The server's threads read the flag. Relaxed, since no other data depends on it. The connection wakes the thread
        // that accepts.
        self.over.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

/// Reads the head of a request. With `resets`, it leaves one byte unread, so that closing the connection resets it.
fn request(mut stream: TcpStream, resets: bool, full: bool, over: Arc<AtomicBool>) -> io::Result<Wire> {
    stream.set_write_timeout(Some(SLICE))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r") && head.len() < REQUEST {
        stream.read_exact(&mut byte)?;
        head.extend_from_slice(&byte);
    }
    if resets {
        // Waits until the last byte has arrived, so that it is unread.
        stream.peek(&mut byte)?;
    } else {
        stream.read_exact(&mut byte)?;
    }
    Ok(Wire { stream, full, over })
}
