//! insight in a measured program: left off, on as a user turns it on, or collected by the program itself.
#![allow(dead_code, reason = "each program needs another part of it")]

use crate::arguments::Arguments;
use crate::measure::Repeat;
use insight_probe::{Recorder, RecorderConfig};
use insight_protocol::Message;
use std::net::SocketAddr;

/// What is on.
pub struct Recorded {
    address: Option<SocketAddr>,
    /// Where instructions are counted: what else its own thread would do at any time.
    recorder: Option<(Recorder, Vec<Message>)>,
}

/// Turns on what the configuration says: `off`, `on`, or `on` and a client.
pub fn start(arguments: &Arguments) -> Recorded {
    match (arguments.configuration(), arguments.repeat()) {
        ("off", _) => Recorded { address: None, recorder: None },
        (_, Repeat::Counted(_)) => {
            let recorder = Recorder::start(RecorderConfig::default()).expect("it is the first");
            Recorded { address: None, recorder: Some((recorder, Vec::new())) }
        }
        (_, Repeat::For(_)) => {
            // A million tasks take more than is usually allowed.
            let max_bytes = arguments.number("max_mib", 256) as usize * (1 << 20);
            let insight = insight::init!(listen => "127.0.0.1:0", max_bytes => max_bytes);
            Recorded { address: Some(insight.address().expect("a free port")), recorder: None }
        }
    }
}

/// Where its server listens.
pub fn address(recorded: &Recorded) -> Option<SocketAddr> {
    recorded.address
}

/// Between two parts of a row of which instructions are counted: collects, so that the queues do not grow.
pub fn between(recorded: &mut Recorded) {
    if let Some((recorder, messages)) = &mut recorded.recorder {
        recorder.collect_now(messages);
        messages.clear();
    }
}
