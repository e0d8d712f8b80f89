//! insight in a measured program: off, on as for a user, recorded to a file, or collected by the program.
#![allow(dead_code, reason = "each program uses another part of it")]

use crate::arguments::Arguments;
use crate::measure::Repeat;
use insight_probe::{Recorder, RecorderConfig};
use insight_protocol::{Decoded, Detail, Message, decode};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The running parts of insight.
pub struct Recorded {
    address: Option<SocketAddr>,
    /// Present if instructions are counted. Otherwise insight's own thread would collect at any time.
    recorder: Option<(Recorder, Vec<Message>)>,
    /// The file that is recorded to.
    file: Option<PathBuf>,
}

/// Starts insight in a configuration: `off`, `on`, `on` with a client, `polls` to a file, or `operations` while instructions are
/// counted.
pub fn start(arguments: &Arguments) -> Recorded {
    match (arguments.configuration(), arguments.repeat()) {
        ("off", _) => Recorded { address: None, recorder: None, file: None },
        (configuration, Repeat::Counted(_)) => {
            let detail = if configuration == "operations" { Detail::Operations } else { Detail::Structure };
            let config = RecorderConfig { detail, ..RecorderConfig::default() };
            let recorder = Recorder::start(config).expect("no other recorder runs");
            Recorded { address: None, recorder: Some((recorder, Vec::new())), file: None }
        }
        ("polls", _) => {
            let file = std::env::temp_dir().join(format!("insight-bench-{}.ndjson.gz", std::process::id()));
            let insight = insight::init!(listen => "off", record_to => &file, detail => Detail::Polls);
            assert!(insight.records(), "insight has printed the reason");
            Recorded { address: None, recorder: None, file: Some(file) }
        }
        (_, Repeat::For { .. }) => {
            let awaits =
                if arguments.text("awaits") == Some("off") { insight::Awaits::Off } else { insight::Awaits::On };
            let insight = insight::init!(
                listen => "127.0.0.1:0",
                awaits => awaits,
                max_bytes => arguments.number("max_mib", 256) as usize * (1 << 20),
            );
            Recorded { address: Some(insight.address().expect("a free port")), recorder: None, file: None }
        }
    }
}

/// The address of the server.
pub fn address(recorded: &Recorded) -> Option<SocketAddr> {
    recorded.address
}

/// Called between two counted parts of a row: collects, so that the queues do not grow. After a timed row, it prints the
/// figures of the file.
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

/// Prints the size of an event in the file, and the lost events of a thousand. An event is a poll, or any other message.
fn in_file(file: &Path) {
    let size = || std::fs::metadata(file).expect("it is recorded").len();
    let mut bytes = 0;
    // The file is complete when it has grown by heartbeats only, for longer than the interval of flushes.
    loop {
        std::thread::sleep(Duration::from_millis(600));
        let before = std::mem::replace(&mut bytes, size());
        if bytes <= before + 1000 {
            break;
        }
    }
    let (mut messages, mut events, mut polls_in_file, mut lost, mut skipped) = (0_u64, 0, 0, 0, 0);
    let text = flate2::read::MultiGzDecoder::new(std::fs::File::open(file).expect("it is recorded"));
    // The compressed data has no end yet, which is an error.
    for line in BufReader::new(text).lines().map_while(Result::ok) {
        messages += 1;
        match decode(&line) {
            Ok(Decoded::Message { message: Message::TaskPolls(polls), .. }) => {
                polls_in_file += polls.tasks.len() as u64
            }
            // A gap without kinds: messages that the file was too slow for.
            Ok(Decoded::Message { message: Message::Gap(gap), .. }) if gap.kinds.is_empty() => skipped += gap.count,
            Ok(Decoded::Message { message: Message::Gap(gap), .. }) => lost += gap.count,
            _ => events += 1,
        }
    }
    let in_file = (events + polls_in_file) as f64;
    let event_bytes = bytes as f64 / in_file;
    // A skipped message counts as many events as the other messages have on average.
    let lost = lost as f64 + skipped as f64 * in_file / messages as f64;
    let lost_permille = 1000.0 * lost / (in_file + lost);
    println!("measured event_bytes={event_bytes:.2} lost_permille={lost_permille:.1} polls={polls_in_file}");
}
