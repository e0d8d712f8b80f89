//! The screen in the README: consolation in a terminal, on a recording of barbara.

use crate::files::root;
use crate::screen::{ENTER, Screen};
use crate::svg;
use insight_model::Model;
use insight_protocol::{Decoded, Message, StreamHeartbeat, decode, encode};
use std::fs;
use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

const IMAGE: &str = "docs/screen.svg";
const RECORDING: &str = "conformance/recordings/barbara.ndjson";
/// The time up to which the recording is shown, in nanoseconds: later the reader gets its message.
const UNTIL_NS: u64 = 1_950_000_000;
const COLUMNS: u16 = 96;
const ROWS: u16 = 29;
/// The last row of the view of a task.
const KEYS: &str = " ↑↓ move  Enter open  Esc back  t trace  E ended  ? help  q quit";

/// `cargo xtask screen` sets this variable to write the image instead of comparing it.
const WRITE: &str = "INSIGHT_WRITE_SCREEN";

#[test]
fn image_in_the_readme_is_the_screen_of_consolation() {
    let address = replay();
    let mut screen = Screen::open(&address, COLUMNS, ROWS);
    screen.shows(&["WAITS FOR", "write_orders", "● connected"]);
    screen.press(ENTER);
    screen.shows(&["WAITS FOR", "chan.send(value).await", "SPAWNED", "● connected"]);
    let image = screen.until("the whole view", |frame| {
        // The last row is drawn last.
        let is_whole = frame.rows().last().is_some_and(|row| row.trim_end() == KEYS);
        // The port is another one in each run.
        is_whole.then(|| svg::of(frame, &[(&address, "127.0.0.1:8080")]))
    });
    screen.quit();

    let path = root().join(IMAGE);
    if std::env::var_os(WRITE).is_some() {
        fs::write(&path, &image).unwrap();
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    assert!(there == image, "{IMAGE} is not the screen of consolation: run `cargo xtask screen`");
}

/// Serves the recording on a free port, as a snapshot. The time of the stream stands still, so each run shows the same screen.
fn replay() -> String {
    let text = fs::read_to_string(root().join(RECORDING)).unwrap();
    let (mut model, mut now_ns) = (Model::default(), 0);
    for line in text.lines() {
        let Ok(Decoded::Message { message, .. }) = decode(line) else { panic!("{RECORDING}: {line}") };
        if let Message::StreamHeartbeat(heartbeat) = &message {
            if heartbeat.at_ns > UNTIL_NS {
                break;
            }
            now_ns = heartbeat.at_ns;
        }
        model.apply(&message);
    }
    let header = model.header.clone().expect("a recording begins with a header");
    let mut messages = vec![Message::from(header)];
    messages.extend(model.snapshot());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            // An error means that consolation has closed the connection.
            drop(send(stream, &messages, now_ns));
        }
    });
    address
}

fn send(mut stream: TcpStream, messages: &[Message], now_ns: u64) -> io::Result<()> {
    let mut text = "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n\r\n".to_owned();
    let mut seq = 0;
    let mut push = |text: &mut String, message: &Message| {
        seq += 1;
        text.push_str(&encode(seq, message));
        text.push('\n');
    };
    messages.iter().for_each(|message| push(&mut text, message));
    loop {
        push(&mut text, &StreamHeartbeat::new(now_ns).into());
        stream.write_all(text.as_bytes())?;
        text.clear();
        // consolation calls a stream stale after 2 s of silence.
        thread::sleep(Duration::from_millis(200));
    }
}
