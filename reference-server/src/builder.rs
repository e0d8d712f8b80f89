use crate::address::{VARIABLE, listen_address};
use crate::producer::Producer;
use crate::recorder::{self, Command, Settings};
use crate::recording::{self, Recording};
use crate::{Detail, Error, connection, pause, say};
use insight_model::health::Thresholds;
use insight_probe::{Recorder, RecorderConfig};
use std::ffi::OsStr;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::Duration;

/// Insight is on in this program: there is one recorder a process.
static STARTED: AtomicBool = AtomicBool::new(false);

/// The settings of insight. Each method is also a key of [`init!`](macro@crate::init).
#[derive(Clone, Debug)]
#[must_use = "does nothing until `init` or `start`"]
pub struct Builder {
    listen: String,
    interval: Duration,
    settle: Duration,
    thresholds: Thresholds,
    max_bytes: usize,
    detail: Detail,
    record_to: Option<PathBuf>,
}

impl Default for Builder {
    fn default() -> Builder {
        Builder {
            listen: "127.0.0.1:8080".to_owned(),
            interval: Duration::from_millis(100),
            settle: Duration::from_nanos(insight_model::DEFAULT_SETTLE_NS),
            thresholds: Thresholds::default(),
            max_bytes: 256 << 20,
            detail: Detail::Structure,
            record_to: None,
        }
    }
}

impl Builder {
    /// Where to listen: `"127.0.0.1:0"`, `"[::1]:8080"`, a port, or `"off"` for not to listen: then insight is on only where
    /// it [records](Builder::record_to). Only loopback addresses. Port 0 is any free one, which the line on stderr names. Default: `127.0.0.1:8080`.
    ///
    /// The environment variable `INSIGHT_LISTEN` takes the same values and wins.
    pub fn listen(mut self, address: impl ToString) -> Builder {
        self.listen = address.to_string();
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
        self.interval = interval.clamp(Duration::from_millis(1), Duration::from_secs(1));
        self
    }

    /// How long tasks must have been stuck before that is reported. Default: 500 ms.
    pub fn settle(mut self, settle: Duration) -> Builder {
        self.settle = settle;
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
        self.thresholds = thresholds;
        self
    }

    /// How much memory insight may take for what it records, about. Default: 256 MiB, which is enough for 200,000 tasks
    /// that are alive at once, each of which waits for something. What goes beyond is not recorded, counted, and said in the stream. Each client has a queue
    /// of 8 MiB besides.
    pub fn max_bytes(mut self, bytes: usize) -> Builder {
        self.max_bytes = bytes;
        self
    }

    /// What is told: [`Detail::Structure`], or [`Detail::Polls`] for each single poll besides, which takes about half of
    /// [`max_bytes`](Builder::max_bytes) and 4 to 9 ns a poll more. Default: [`Detail::Structure`].
    pub fn detail(mut self, detail: Detail) -> Builder {
        self.detail = detail;
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
    pub fn init(self) -> Insight {
        match self.start() {
            Ok(insight) => insight,
            Err(error @ Error::AlreadyStarted) => {
                say(&error.to_string());
                Insight::OFF
            }
            Err(error) => {
                say(&format!("{error}. The program runs on without insight."));
                Insight::OFF
            }
        }
    }

    /// Turns insight on, and says on stderr where it listens and records. On an error nothing was said, and recording is
    /// off.
    pub fn start(mut self) -> Result<Insight, Error> {
        self.record_to = recording::wanted(std::env::var_os(recording::VARIABLE), self.record_to);
        let environment = std::env::var_os(VARIABLE);
        self.start_with(environment.as_deref(), |config| Recorder::start(config).map_err(|_| Error::AlreadyStarted))
    }

    fn start_with<P: Producer>(
        self,
        environment: Option<&OsStr>,
        record: impl FnOnce(RecorderConfig) -> Result<P, Error>,
    ) -> Result<Insight, Error> {
        if STARTED.swap(true, Ordering::AcqRel) {
            return Err(Error::AlreadyStarted);
        }
        let result = self.listen_and_record(environment, record);
        if !matches!(&result, Ok(insight) if *insight != Insight::OFF) {
            STARTED.store(false, Ordering::Release);
        }
        result
    }

    /// Listens before it records: when it cannot listen, nothing was ever recorded.
    fn listen_and_record<P: Producer>(
        self,
        environment: Option<&OsStr>,
        record: impl FnOnce(RecorderConfig) -> Result<P, Error>,
    ) -> Result<Insight, Error> {
        let wanted = listen_address(environment, &self.listen)?;
        if wanted.is_none() && self.record_to.is_none() {
            return Ok(Insight::OFF);
        }
        let listener = wanted.map(listen).transpose()?;
        let address = listener.as_ref().map(|(_, address)| *address);
        // After the port: a second program that cannot listen does not replace the first one's file.
        let recording = self.record_to.map(Recording::create).transpose()?;
        let file = recording.as_ref().map(|recording| recording.path().to_owned());

        let config = RecorderConfig { interval: self.interval, max_bytes: self.max_bytes, detail: self.detail };
        let producer = record(config)?;
        let settle_ns = u64::try_from(self.settle.as_nanos()).unwrap_or(u64::MAX);
        let interval = (self.interval / 2).max(Duration::from_millis(1));
        let settings = Settings { interval, settle_ns, thresholds: self.thresholds, ..Settings::default() };
        let listener = listener.map(|(listener, _)| listener);
        let recorder =
            serve(listener, recording, producer, settings).map_err(|error| Error::CannotStartThread { error })?;
        pause::pauses(recorder);
        if let Some(address) = address {
            say(&format!("listening on http://{address}"));
        }
        if let Some(file) = &file {
            say(&format!("recording to {}", file.display()));
        }
        Ok(Insight { address, records: file.is_some() })
    }
}

fn listen(wanted: SocketAddr) -> Result<(TcpListener, SocketAddr), Error> {
    let cannot_listen = |error: io::Error| match error.kind() {
        io::ErrorKind::AddrInUse => Error::AddressInUse { address: wanted },
        _ => Error::CannotListen { address: wanted, error },
    };
    let listener = TcpListener::bind(wanted).map_err(cannot_listen)?;
    let address = listener.local_addr().map_err(cannot_listen)?;
    Ok((listener, address))
}

/// Starts the recorder's thread, and those of who asks it. They end with the process, and nobody waits for them. The way to
/// ask the recorder.
pub(crate) fn serve(
    listener: Option<TcpListener>,
    recording: Option<Recording>,
    producer: impl Producer,
    settings: Settings,
) -> io::Result<SyncSender<Command>> {
    let (commands, mut recorder) = recorder::prepare(producer, settings.clone());
    if let Some(recording) = recording {
        let client = recording.client(&settings);
        recorder.attach(Arc::clone(&client));
        let (settings, commands) = (settings.clone(), commands.clone());
        crate::spawn("insight-file", move || recording.run(&client, &settings, &commands))?;
    }
    let way = commands.clone();
    crate::spawn("insight-record", move || recorder.run())?;
    // When this fails, the commands' sender is dropped, and the recorder's thread ends.
    if let Some(listener) = listener {
        crate::spawn("insight-listen", move || connection::listen(&listener, &Arc::new(settings), &commands))?;
    }
    Ok(way)
}

/// Whether a call turned insight on, and where. Dropping it changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Insight {
    address: Option<SocketAddr>,
    records: bool,
}

impl Insight {
    const OFF: Insight = Insight { address: None, records: false };

    /// Where it listens; `None` when it does not, or this call did not turn it on.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Whether this call has a recording written.
    pub fn records(&self) -> bool {
        self.records
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Script;
    use std::net::Ipv4Addr;

    fn never(_: RecorderConfig) -> Result<Script, Error> {
        panic!("recording was turned on")
    }

    /// One test, because there is one insight a process.
    #[test]
    fn start_and_its_errors() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let error = Builder::default().listen_port(port).start_with(None, never).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "cannot listen on 127.0.0.1:{port}: address in use by another program; set \
                 INSIGHT_LISTEN=127.0.0.1:0 (any free port) or insight::init!(listen_port => ...)"
            )
        );

        let start = |listen: &str| Builder::default().listen("127.0.0.1:0").start_with(Some(OsStr::new(listen)), never);
        assert_eq!(start("off").unwrap().address(), None);
        assert!(matches!(start("808O"), Err(Error::Misconfigured { .. })));
        assert!(matches!(start("0.0.0.0:0"), Err(Error::Misconfigured { .. })));
        assert_eq!(Builder::default().listen("nonsense").init().address(), None, "said on stderr");

        let nowhere = Builder::default().listen("off").record_to("/nowhere/run.ndjson");
        let error = nowhere.start_with(None, never).unwrap_err().to_string();
        assert!(error.starts_with("cannot record to \"/nowhere/run.ndjson\": "), "{error}");
        assert_eq!(error.lines().count(), 1);

        // None of these left anything behind.
        let (script, _feed) = Script::new();
        let insight = Builder::default().listen("127.0.0.1:0").start_with(None, |_| Ok(script)).unwrap();
        assert!(insight.address().is_some_and(|address| address.port() != 0));
        assert!(matches!(Builder::default().start_with(None, never), Err(Error::AlreadyStarted)));
        assert_eq!(crate::init!(listen_port => 0,).address(), None);
    }
}
