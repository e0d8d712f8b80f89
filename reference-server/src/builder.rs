use crate::instance;
use crate::recorder::{Options, Settings};
use crate::{Detail, Error};
use insight_model::health::Thresholds;
use insight_probe::RecorderConfig;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// The settings of insight. Each method is also a key of [`init!`](macro@crate::init).
#[derive(Clone, Debug, Default)]
#[must_use = "does nothing until `init` or `start`"]
pub struct Builder {
    /// `None` for the default, here and in `options`: only options that the program set reach an instance that runs.
    pub(crate) listen: Option<String>,
    pub(crate) record_to: Option<PathBuf>,
    options: Options,
}

impl Builder {
    /// Where to listen: `"127.0.0.1:0"`, `"[::1]:8080"`, a port, or `"off"` for not to listen: then insight is on only where
    /// it [records](Builder::record_to). Only loopback addresses. Port 0 is any free one, which the line on stderr names. Default:
    /// `127.0.0.1:8080`, or a free port in a program that `cargo insight` has started.
    ///
    /// The environment variable `INSIGHT_LISTEN` takes the same values and wins.
    pub fn listen(mut self, address: impl ToString) -> Builder {
        self.listen = Some(address.to_string());
        self
    }

    /// Listens on this port of 127.0.0.1.
    pub fn listen_port(self, port: u16) -> Builder {
        self.listen(port)
    }

    /// How often states, counters and waits are sampled and sent, from 1 ms to 1 s; spawns and ends are sent twice as often.
    /// Default: 100 ms. Shorter is fresher, and takes the program's processors more often: of a server that has none to spare,
    /// 50 ms showed in the 99th percentile of the latency, and 100 ms did not.
    pub fn interval(mut self, interval: Duration) -> Builder {
        self.options.interval = Some(interval.clamp(Duration::from_millis(1), Duration::from_secs(1)));
        self
    }

    /// How long tasks must have been stuck before that is reported. Default: 500 ms.
    pub fn settle(mut self, settle: Duration) -> Builder {
        self.options.settle = Some(settle);
        self
    }

    /// From when on something is too long, too much or too large; [`OFF`](crate::OFF) for what is not to be looked for.
    ///
    /// ```no_run
    /// use insight::{OFF, Thresholds};
    ///
    /// insight::init!(thresholds => Thresholds { future_bytes: OFF, ..Thresholds::default() });
    /// ```
    pub fn thresholds(mut self, thresholds: Thresholds) -> Builder {
        self.options.thresholds = Some(thresholds);
        self
    }

    /// How much memory insight may take for what it records, about. Default: 256 MiB, which is enough for 200,000 tasks
    /// that are alive at once, each of which waits for something. What goes beyond is not recorded, counted, and said in the stream. Each client has a queue
    /// of 8 MiB besides.
    pub fn max_bytes(mut self, bytes: usize) -> Builder {
        self.options.max_bytes = Some(bytes);
        self
    }

    /// What is told: [`Detail::Structure`], or [`Detail::Polls`] for each single poll besides, which takes about half of
    /// [`max_bytes`](Builder::max_bytes) and 4 to 9 ns a poll more. Default: [`Detail::Structure`].
    pub fn detail(mut self, detail: Detail) -> Builder {
        self.options.detail = Some(detail);
        self
    }

    /// Writes the stream to this file, from its header on, as long as the program runs. A file of this name is replaced. It is
    /// compressed when its name ends in `.gz`. Its queue takes 32 MiB.
    ///
    /// The environment variable `INSIGHT_RECORD` names a file too, and wins; `off` is none.
    pub fn record_to(mut self, file: impl Into<PathBuf>) -> Builder {
        self.record_to = Some(file.into());
        self
    }

    /// Turns insight on. What goes wrong is said on stderr, in one line, and the program runs on without insight.
    ///
    /// Where `cargo insight` has turned it on before, with the program's first runtime, the options that this call sets are
    /// applied to the instance that runs. It then also listens on an address that the call names. An option that comes too
    /// late is one line on stderr.
    pub fn init(self) -> Insight {
        instance::init(self)
    }

    /// As [`init`](Builder::init), and returns an error instead of saying it. On an error recording is off, or goes on as it
    /// was before.
    pub fn start(self) -> Result<Insight, Error> {
        instance::start(self)
    }

    /// How to record.
    pub(crate) fn config(&self) -> RecorderConfig {
        let Options { interval, max_bytes, detail, .. } = self.options.clone();
        let default = RecorderConfig::default();
        RecorderConfig {
            interval: interval.unwrap_or(default.interval),
            max_bytes: max_bytes.unwrap_or(default.max_bytes),
            detail: detail.unwrap_or(default.detail),
        }
    }

    /// How to look, and to serve.
    pub(crate) fn settings(&self) -> Settings {
        let mut settings = Settings::default();
        settings.set(&self.options);
        settings
    }

    /// The options that the program set.
    pub(crate) fn options(&self) -> Options {
        self.options.clone()
    }
}

/// Whether a call turned insight on, and where. Dropping it changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Insight {
    address: Option<SocketAddr>,
    records: bool,
}

impl Insight {
    pub(crate) const OFF: Insight = Insight { address: None, records: false };

    pub(crate) fn new(address: Option<SocketAddr>, records: bool) -> Insight {
        Insight { address, records }
    }

    /// Where it listens; `None` when it does not, or this call did not turn it on.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Whether it writes a recording.
    pub fn records(&self) -> bool {
        self.records
    }
}
