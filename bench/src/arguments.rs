//! The arguments of a measured program: a row, and `key=value` pairs.
#![allow(dead_code, reason = "each program uses another part of it")]

use crate::measure::Repeat;
use std::path::PathBuf;
use std::time::Duration;

/// The arguments of this process.
pub struct Arguments {
    row: String,
    pairs: Vec<(String, String)>,
}

impl Arguments {
    /// Reads the arguments.
    pub fn read() -> Arguments {
        let mut words = std::env::args().skip(1);
        let row = words.next().unwrap_or_default();
        let pairs =
            words.filter_map(|word| word.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned())));
        Arguments { row, pairs: pairs.collect() }
    }

    /// The row to run.
    pub fn row(&self) -> &str {
        &self.row
    }

    /// The value of a key.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.pairs.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// A number, or `usual` if the key is absent.
    pub fn number(&self, key: &str, usual: u64) -> u64 {
        self.text(key).map_or(usual, |text| text.parse().unwrap_or_else(|_| panic!("{key}={text} is not a number")))
    }

    /// Number of worker threads. 1 means the current thread, if the runtime supports this.
    pub fn workers(&self) -> usize {
        self.number("workers", 1) as usize
    }

    /// The configuration of the observer, such as `off` or `on`.
    pub fn configuration(&self) -> &str {
        self.text("configuration").unwrap_or("off")
    }

    /// The path of the client's program: an argument, or beside this program.
    pub fn program_of_client(&self) -> PathBuf {
        let beside = || std::env::current_exe().expect("this program has a path").with_file_name("bench-client");
        self.text("client").map_or_else(beside, PathBuf::from)
    }

    /// The number of repetitions of a single operation.
    pub fn repeat(&self) -> Repeat {
        match self.number("count", 0) {
            0 => Repeat::For {
                wanted: Duration::from_millis(self.number("ms", 150)),
                warm: Duration::from_millis(self.number("warm_ms", 0)),
            },
            count => Repeat::Counted(count),
        }
    }
}
