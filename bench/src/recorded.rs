//! insight in a measured program: left off, on as a user turns it on, recorded to a file, or collected by the program.
#![allow(dead_code, reason = "each program needs another part of it")]

use crate::arguments::Arguments;
use crate::measure::Repeat;
use insight_probe::{Recorder, RecorderConfig};
use insight_protocol::{Decoded, Detail, Message, decode};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What is on.
pub struct Recorded {
    address: Option<SocketAddr>,
    /// Where instructions are counted: what else its own thread would do at any time.
    recorder: Option<(Recorder, Vec<Message>)>,
    /// Where it records to.
    file: Option<PathBuf>,
}

/// Turns on what the configuration says: `off`, `on`, `on` and a client, or `polls` to a file.
pub fn start(arguments: &Arguments) -> Recorded {
    match (arguments.configuration(), arguments.repeat()) {
        ("off", _) => Recorded { address: None, recorder: None, file: None },
        (_, Repeat::Counted(_)) => {
            let recorder = Recorder::start(RecorderConfig::default()).expect("it is the first");
            Recorded { address: None, recorder: Some((recorder, Vec::new())), file: None }
        }
        ("polls", _) => {
            let file = std::env::temp_dir().join(format!("insight-bench-{}.ndjson.gz", std::process::id()));
            let insight = insight::init!(listen => "off", record_to => &file, detail => Detail::Polls);
            assert!(insight.records(), "it said why");
            Recorded { address: None, recorder: None, file: Some(file) }
        }
        (_, Repeat::For { .. }) => {
            let insight = insight::init!(
                listen => "127.0.0.1:0",
                max_bytes => arguments.number("max_mib", 256) as usize * (1 << 20),
            );
            Recorded { address: Some(insight.address().expect("a free port")), recorder: None, file: None }
        }
    }
}

/// Where its server listens.
pub fn address(recorded: &Recorded) -> Option<SocketAddr> {
    recorded.address
}

/// Between two parts of a row of which instructions are counted: collects, so that the queues do not grow. After a row that
/// is timed: says what is in its file.
pub fn between(recorded: &mut Recorded) {
    if let Some((recorder, messages)) = &mut recorded.recorder {
        recorder.collect_now(messages);
        messages.clear();
    }
    if let Some(file) = &recorded.file {
        in_file(file);
        drop(std::fs::remove_file(file));
    }
}

/// Prints how many bytes an event takes in the file, and how many of a thousand events are not in it. An event is a poll, or
/// any other message.
fn in_file(file: &Path) {
    let size = || std::fs::metadata(file).expect("it is recorded").len();
    let mut bytes = 0;
    // All is there once nothing has come for longer than it takes to be flushed, but for heartbeats.
    loop {
        std::thread::sleep(Duration::from_millis(600));
        let before = std::mem::replace(&mut bytes, size());
        if bytes <= before + 1000 {
            break;
        }
    }
    let (mut messages, mut events, mut told, mut lost, mut skipped) = (0_u64, 0, 0, 0, 0);
    let text = flate2::read::MultiGzDecoder::new(std::fs::File::open(file).expect("it is recorded"));
    // It has no end yet, which is an error.
    for line in BufReader::new(text).lines().map_while(Result::ok) {
        messages += 1;
        match decode(&line) {
            Ok(Decoded::Message { message: Message::TaskPolls(polls), .. }) => told += polls.tasks.len() as u64,
            // What the file was too slow for.
            Ok(Decoded::Message { message: Message::Gap(gap), .. }) if gap.kinds.is_empty() => skipped += gap.count,
            Ok(Decoded::Message { message: Message::Gap(gap), .. }) => lost += gap.count,
            _ => events += 1,
        }
    }
    let in_file = (events + told) as f64;
    let event_bytes = bytes as f64 / in_file;
    // A message that was skipped had as many events as the others have.
    let lost = lost as f64 + skipped as f64 * in_file / messages as f64;
    let lost_permille = 1000.0 * lost / (in_file + lost);
    println!("measured event_bytes={event_bytes:.2} lost_permille={lost_permille:.1} polls={told}");
}
