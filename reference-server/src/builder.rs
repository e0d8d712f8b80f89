use crate::instance;
use crate::recorder::{Options, Settings};
use crate::{Awaits, Detail, Error, Panics};
use insight_model::health::Thresholds;
use insight_probe::RecorderConfig;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// The settings of insight. Each method is also a key of [`init!`](macro@crate::init).
#[derive(Clone, Debug, Default)]
#[must_use = "does nothing until `init` or `start`"]
pub struct Builder {
    /// `None` if the program did not set it, as in `options`: only set options change a running instance.
    pub(crate) listen: Option<String>,
    pub(crate) record_to: Option<PathBuf>,
    options: Options,
}

impl Builder {
    /// Sets the address to listen on: `"127.0.0.1:0"`, `"[::1]:8080"`, a port, or `"off"`. If it is off, insight is on only if it
    /// [records](Builder::record_to). Only loopback addresses are allowed. Port 0 is any free port; the line on stderr names it.
    /// Default: `127.0.0.1:8080`, or a free port in a program that `cargo insight` has started.
    ///
    /// The environment variable `INSIGHT_LISTEN` takes the same values and overrides this one.
    pub fn listen(mut self, address: impl ToString) -> Builder {
        self.listen = Some(address.to_string());
        self
    }

    /// Listens on this port of 127.0.0.1.
    pub fn listen_port(self, port: u16) -> Builder {
        self.listen(port)
    }

    /// Sets the time between two samples of states, counters and waits, from 1 ms to 1 s. Spawns and ends are sent twice as often.
    /// Default: 100 ms. A shorter interval takes more processor time: in a server with no processor to spare, 50 ms showed in
    /// the 99th percentile of the latency, and 100 ms did not.
    pub fn interval(mut self, interval: Duration) -> Builder {
        self.options.interval = Some(interval.clamp(Duration::from_millis(1), Duration::from_secs(1)));
        self
    }

    /// Sets the time for which tasks must be stuck before a problem is reported. Default: 500 ms.
    pub fn settle(mut self, settle: Duration) -> Builder {
        self.options.settle = Some(settle);
        self
    }

    /// Sets the limits above which something is too long, too much or too large. [`OFF`](crate::OFF) turns a check off.
    ///
    /// ```no_run
    /// use insight::{OFF, Thresholds};
    ///
    /// let mut thresholds = Thresholds::default();
    /// thresholds.large_future.bytes = OFF;
    /// insight::init!(thresholds => thresholds);
    /// ```
    pub fn thresholds(mut self, thresholds: Thresholds) -> Builder {
        self.options.thresholds = Some(thresholds);
        self
    }

    /// Sets the approximate memory for recorded facts, in bytes. Default: 256 MiB, which is enough for 200,000 live tasks that
    /// all wait. Facts beyond the limit are not recorded; the stream has their count. Each client also has a queue of 8 MiB.
    pub fn max_bytes(mut self, bytes: usize) -> Builder {
        self.options.max_bytes = Some(bytes);
        self
    }

    /// Sets the detail of the stream. [`Detail::Polls`] adds every single poll to [`Detail::Structure`]. It takes about half of
    /// [`max_bytes`](Builder::max_bytes), and 4 to 9 ns more for each poll. [`Detail::Operations`] also adds every operation and every
    /// hold, in the order in which they happened. It slows each operation down, and is for tests and short recordings. Default:
    /// [`Detail::Structure`].
    ///
    /// The environment variable `INSIGHT_DETAIL` overrides this setting: `structure`, `polls` or `operations`.
    pub fn detail(mut self, detail: Detail) -> Builder {
        self.options.detail = Some(detail);
        self
    }

    /// Sets the tasks whose awaits insight captures without a request. Default: [`Awaits::On`].
    ///
    /// The environment variable `INSIGHT_AWAITS` overrides this setting: `on`, `problems` or `off`.
    pub fn awaits(mut self, awaits: Awaits) -> Builder {
        self.options.awaits = Some(awaits);
        self
    }

    /// Sets the facts of a panic that clients get. By default a client learns that a task panicked, and not why: the message
    /// of a panic may contain data of the program's users. [`Panics::Message`] also sends the message, cut at 1,024
    /// characters. It counts for tasks whose first poll comes later, and adds about 3 ns to each of their polls. Default:
    /// [`Panics::Off`].
    ///
    /// ```no_run
    /// insight::init!(panics => message);
    /// ```
    ///
    /// The environment variable `INSIGHT_PANICS` overrides it with `message` or `off`.
    pub fn panics(mut self, panics: Panics) -> Builder {
        self.options.panics = Some(panics);
        self
    }

    /// Writes the stream to this file, from its header on, as long as the program runs. `{pid}` in the path stands for the
    /// process's ID. An existing file is replaced, unless a process records to it; the name of the new file then begins with
    /// the process's ID. The file is compressed if its name ends in `.gz`. Its queue takes up to 32 MiB.
    ///
    /// The environment variable `INSIGHT_RECORD` overrides this path; `off` turns the recording off.
    pub fn record_to(mut self, file: impl Into<PathBuf>) -> Builder {
        self.record_to = Some(file.into());
        self
    }

    /// Turns insight on. After an error, a line on stderr names it, and the program continues without insight.
    ///
    /// If `cargo insight` has already turned it on, with the program's first runtime, this call applies its options to the
    /// running instance, which then also listens on the call's address. An option that comes too late prints a line on stderr.
    pub fn init(self) -> Insight {
        instance::init(self)
    }

    /// Turns insight on as [`init`](Builder::init) does, and returns an error instead of printing it. After an error, recording
    /// is as before the call.
    pub fn start(self) -> Result<Insight, Error> {
        instance::start(self)
    }

    /// The settings of the recorder.
    pub(crate) fn config(&self) -> RecorderConfig {
        let Options { interval, max_bytes, detail, panics, .. } = self.options.clone();
        let default = RecorderConfig::default();
        RecorderConfig {
            interval: interval.unwrap_or(default.interval),
            max_bytes: max_bytes.unwrap_or(default.max_bytes),
            detail: detail.unwrap_or(default.detail),
            panic_messages: panics.map_or(default.panic_messages, Panics::are_recorded),
        }
    }

    /// The settings of the diagnosis and of the server.
    pub(crate) fn settings(&self) -> Settings {
        let mut settings = Settings::default();
        settings.set(&self.options);
        settings
    }

    /// Sets the option, or takes it back.
    pub(crate) fn set_panics(&mut self, panics: Option<Panics>) {
        self.options.panics = panics;
    }

    /// Sets the option, or takes it back.
    pub(crate) fn set_detail(&mut self, detail: Option<Detail>) {
        self.options.detail = detail;
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

    /// The address it listens on; `None` if it does not listen, or if this call did not turn it on.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Whether it writes a recording.
    pub fn records(&self) -> bool {
        self.records
    }
}
