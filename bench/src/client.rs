//! A client that measures itself. It does the work of any client: it reads the stream, decodes it, and folds it.
//!
//! `bench-client follow ADDRESS` connects when it reads a line from stdin. It prints the time until the snapshot was complete.
//! When stdin ends, it prints the delays of new tasks and the number of lost messages. `bench-client name ADDRESS` prints the
//! time until it knows the awaits of each waiting task. `bench-client stop ADDRESS` connects and reads nothing.
//! `bench-client idle COUNT ADDRESS` opens connections to a server, and sends nothing.

use insight_model::Model;
use insight_protocol::{Decoded, Message, TaskState, decode};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (how, count, address) = match arguments.as_slice() {
        [how, address] => (how, 0, address),
        [how, count, address] => (how, count.parse().unwrap_or(0), address),
        _ => {
            eprintln!("bench-client follow|name|stop ADDRESS, or idle COUNT ADDRESS");
            std::process::exit(2);
        }
    };
    println!("ready");
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    if how == "idle" {
        let connections = connect(address, count)?;
        println!("client idle_connections={}", connections.len());
        io::stdin().read_to_end(&mut Vec::new())?;
        return Ok(());
    }
    let ended = Arc::new(AtomicBool::new(false));
    let start = Instant::now();
    let mut stream = TcpStream::connect(address)?;
    // In HTTP/1.0 the stream has no chunks.
    stream.write_all(b"GET /v1/stream HTTP/1.0\r\nHost: localhost\r\n\r\n")?;
    if how == "stop" {
        stream.read_exact(&mut [0; 1])?;
        println!("stopped");
        io::stdin().read_to_end(&mut Vec::new())?;
        println!("client stopped=1");
        return Ok(());
    }
    let theirs = ended.clone();
    std::thread::spawn(move || {
        // An error counts as the end.
        drop(io::stdin().read_to_end(&mut Vec::new()));
        theirs.store(true, Ordering::Relaxed);
    });
    let mut reader = Reader::new(BufReader::with_capacity(256 << 10, stream));
    reader.complete(start)?;
    if how == "name" {
        reader.name(start)?;
    }
    reader.follow(&ended)
}

/// Opens connections, on several threads: each of them may have to wait for the server.
fn connect(address: &str, count: usize) -> io::Result<Vec<TcpStream>> {
    const THREADS: usize = 20;
    std::thread::scope(|scope| {
        let open = || (0..count.div_ceil(THREADS)).map(|_| TcpStream::connect(address)).collect();
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(open)).collect();
        let mut connections = Vec::new();
        for thread in threads {
            let opened: io::Result<Vec<TcpStream>> = thread.join().expect("the thread does not panic");
            connections.extend(opened?);
        }
        Ok(connections)
    })
}

struct Reader {
    stream: BufReader<TcpStream>,
    line: Vec<u8>,
    bytes: u64,
    lines: u64,
    model: Model,
    /// Nanoseconds since 1970 at the producer's time 0.
    anchor_ns: u64,
    /// The delay until each task was observed, in microseconds.
    late_us: Vec<u64>,
    gaps: u64,
    lost: u64,
}

impl Reader {
    fn new(stream: BufReader<TcpStream>) -> Reader {
        Reader {
            stream,
            line: Vec::new(),
            bytes: 0,
            lines: 0,
            model: Model::default(),
            anchor_ns: 0,
            late_us: Vec::new(),
            gaps: 0,
            lost: 0,
        }
    }

    /// Reads a line and folds it. `None` at the end, or if the line is not a message.
    fn next(&mut self) -> io::Result<Option<Message>> {
        self.line.clear();
        let count = self.stream.read_until(b'\n', &mut self.line)?;
        self.bytes += count as u64;
        self.lines += 1;
        let Some(Ok(text)) = (count > 0).then(|| std::str::from_utf8(&self.line)) else { return Ok(None) };
        let Ok(Decoded::Message { message, .. }) = decode(text) else { return Ok(None) };
        self.model.apply(&message);
        if let Message::StreamHeader(header) = &message {
            self.anchor_ns = header.clock.wall_anchor_unix_ms * 1_000_000;
        }
        Ok(Some(message))
    }

    /// Reads up to the first complete snapshot.
    fn complete(&mut self, start: Instant) -> io::Result<()> {
        // The head of the answer.
        let mut head = String::new();
        while head != "\r\n" {
            head.clear();
            if self.stream.read_line(&mut head)? == 0 {
                return Err(io::Error::other("the server closed the connection"));
            }
        }
        while !self.model.complete {
            if self.next()?.is_none() {
                return Err(io::Error::other("no message before the snapshot's end"));
            }
        }
        println!(
            "client complete_ms={:.2} snapshot_bytes={} snapshot_lines={} snapshot_tasks={}",
            start.elapsed().as_secs_f64() * 1e3,
            self.bytes,
            self.lines,
            self.model.tasks.len()
        );
        Ok(())
    }

    /// Reads until the awaits of each waiting task are known, for at most a minute.
    fn name(&mut self, start: Instant) -> io::Result<()> {
        let mut counted = Instant::now();
        loop {
            let message = self.next()?;
            let is_news = matches!(message, Some(Message::TaskAwaits(_) | Message::StreamHeartbeat(_)));
            if !is_news || counted.elapsed() < Duration::from_millis(20) {
                continue;
            }
            let model = &self.model;
            let waiting = model.tasks.values().filter(|task| task.state() == Some(TaskState::Idle));
            let unnamed = waiting.filter(|task| model.awaits(task.id).is_none()).count();
            counted = Instant::now();
            if unnamed == 0 || start.elapsed() > Duration::from_secs(60) {
                println!(
                    "client named_ms={:.1} unnamed={unnamed} named_tasks={}",
                    start.elapsed().as_secs_f64() * 1e3,
                    model.tasks.len() - unnamed
                );
                return Ok(());
            }
        }
    }

    /// Folds the further messages. Prints the delays at the end.
    fn follow(&mut self, ended: &AtomicBool) -> io::Result<()> {
        self.stream.get_ref().set_read_timeout(Some(Duration::from_secs(2)))?;
        while !ended.load(Ordering::Relaxed) {
            match self.next() {
                Ok(Some(Message::TaskSpawned(task))) if self.model.complete => {
                    let now_ns = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos() as u64;
                    self.late_us.push(now_ns.saturating_sub(self.anchor_ns + task.at_ns) / 1000);
                }
                Ok(Some(Message::Gap(gap))) => {
                    self.gaps += 1;
                    self.lost += gap.count;
                }
                Ok(Some(_)) => {}
                // The program has ended, which closes the connection.
                Ok(None) | Err(_) => break,
            }
        }
        self.late_us.sort_unstable();
        let quantile = |of: f64| {
            let index = ((self.late_us.len() as f64 * of) as usize).min(self.late_us.len().saturating_sub(1));
            self.late_us.get(index).map_or(0.0, |us| *us as f64 / 1000.0)
        };
        println!(
            "client seen={} late_p50_ms={:.1} late_p99_ms={:.1} late_max_ms={:.1} gaps={} lost={}",
            self.late_us.len(),
            quantile(0.5),
            quantile(0.99),
            quantile(1.0),
            self.gaps,
            self.lost
        );
        Ok(())
    }
}
