//! The one instance of insight in this process: who started it, and the options that can still reach it.

use crate::address::listen_address;
use crate::builder::{Builder, Insight};
use crate::client::Client;
use crate::connection::{self, Jobs};
use crate::environment::{Environment, Role};
use crate::producer::Producer;
use crate::recorder::{self, Command, Settings};
use crate::recording::Recording;
use crate::{Error, announce, say};
use insight_probe::{Recorder, RecorderConfig};
use insight_protocol::StreamHeader;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::mpsc::{self, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};

/// Where `init` listens if neither the program nor the environment names an address.
const DEFAULT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);
/// A port that the program itself cannot need.
const FREE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

static STATE: Mutex<State> = Mutex::new(State { instance: None, declined: false, said: None });

/// Insight in this process.
#[derive(Default)]
pub(crate) struct State {
    instance: Option<Instance>,
    /// The code asked for insight to be off, before anything turned it on.
    declined: bool,
    /// The error that the user has read already.
    said: Option<String>,
}

/// The cause of a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The program made its first runtime.
    Runtime,
    /// The program called `init` or `start`.
    Code,
}

/// Insight that is on.
struct Instance {
    cause: Cause,
    insight: Insight,
    service: Service,
}

/// The ways to the recorder's thread, and what all connections share.
#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) commands: SyncSender<Command>,
    settings: Arc<Settings>,
    traces: Arc<Jobs>,
}

/// Starts insight when the program makes a runtime, once a process. Later calls cost one load.
pub(crate) fn start_with_program() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // A panic would make each later call panic.
        let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| {
            let mut state = lock();
            if let Err(error) = state.start_here(Builder::default(), Cause::Runtime) {
                state.say(&error);
            }
        }));
        if outcome.is_err() {
            say("a fault of insight's own has kept it off; the program runs on");
        }
    });
}

/// Turns insight on, or applies the options to the instance that the program's first runtime started.
pub(crate) fn start(builder: Builder) -> Result<Insight, Error> {
    lock().start_here(builder, Cause::Code)
}

/// As [`start`], with an error said on stderr.
pub(crate) fn init(builder: Builder) -> Insight {
    let mut state = lock();
    state.start_here(builder, Cause::Code).unwrap_or_else(|error| {
        state.say(&error);
        Insight::OFF
    })
}

/// The way to the recorder's thread; `None` while insight is off.
pub(crate) fn commands() -> Option<SyncSender<Command>> {
    lock().instance.as_ref().map(|instance| instance.service.commands.clone())
}

fn lock() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    fn start_here(&mut self, builder: Builder, cause: Cause) -> Result<Insight, Error> {
        let place = Place { pid: std::process::id(), folder: Some(announce::folder) };
        let record = |config| Recorder::start(config).map_err(|_| Error::AlreadyStarted);
        self.start(builder, cause, &Environment::of_process(), &place, record)
    }

    /// The environment and the place are of this process, except in tests.
    pub(crate) fn start<P: Producer>(
        &mut self,
        builder: Builder,
        cause: Cause,
        environment: &Environment,
        place: &Place,
        record: impl FnOnce(RecorderConfig) -> Result<P, Error>,
    ) -> Result<Insight, Error> {
        if let Some(instance) = &mut self.instance {
            return match (instance.cause, cause) {
                (_, Cause::Runtime) => Ok(instance.insight),
                (Cause::Runtime, Cause::Code) => instance.apply(builder, environment, place),
                (Cause::Code, Cause::Code) => Err(Error::AlreadyStarted),
            };
        }
        let role = environment.role(place.pid)?;
        if role == Role::Silent || (self.declined && cause == Cause::Runtime) {
            return Ok(Insight::OFF);
        }
        let wanted = wanted(builder.listen.as_deref(), cause, environment, role)?;
        let record_to = environment.record_to(builder.record_to.clone(), role, place.pid);
        if wanted.is_none() && record_to.is_none() {
            self.declined |= cause == Cause::Code;
            return Ok(Insight::OFF);
        }
        // Before recording begins: where this fails, nothing was ever recorded.
        let listener = wanted.map(listen).transpose()?;
        // After the port: a second program that cannot listen does not replace the first one's file.
        let recording = record_to.map(Recording::create).transpose()?;
        let file = recording.as_ref().map(|recording| recording.path().to_owned());
        let producer = record(builder.config())?;
        let header = producer.header();
        let insight = Insight::new(listener.as_ref().map(|(_, address)| *address), file.is_some());
        let listener = listener.map(|(listener, _)| listener);
        let service = serve(listener, recording, producer, builder.settings())
            .map_err(|error| Error::CannotStartThread { error })?;
        self.instance = Some(Instance { cause, insight, service });
        if let Some(address) = insight.address() {
            place.announce(header, address);
            say(&format!("listening on http://{address}"));
        }
        say_file(file);
        Ok(insight)
    }

    /// Says an error, if the user has not read it yet: a program may start insight twice, with the same mistake.
    fn say(&mut self, error: &Error) {
        let line = match (error, &self.instance) {
            (Error::AlreadyStarted, _) => error.to_string(),
            (_, None) => format!("{error}. The program runs on without insight."),
            (_, Some(_)) => format!("{error}. insight stays on, without the options of this call."),
        };
        if self.said.as_ref() != Some(&line) || matches!(error, Error::AlreadyStarted) {
            say(&line);
        }
        self.said = Some(line);
    }
}

impl Instance {
    /// Applies the options of the code to insight that the program's first runtime started. On an error it stays as it was.
    fn apply(&mut self, builder: Builder, environment: &Environment, place: &Place) -> Result<Insight, Error> {
        let role = environment.role(place.pid)?;
        let mut late: Vec<String> = Vec::new();
        let mut listener = None;
        // The environment wins, as before the start.
        if let (Some(text), None) = (&builder.listen, &environment.listen) {
            match listen_address(None, Some(text), FREE)?.map(|address| in_role(address, role)) {
                None => late.push(match self.insight.address() {
                    Some(address) => format!(
                        "the option `listen => \"off\"` comes too late: insight listens on {address} already; \
                         set INSIGHT_LISTEN=off"
                    ),
                    None => return Ok(self.taken(self.insight)),
                }),
                // It has a free port already.
                Some(address) if address == FREE || Some(address) == self.insight.address() => {}
                Some(address) => listener = Some(listen(address)?),
            }
        }
        let record_to = match environment.record {
            None => environment.record_to(builder.record_to.clone(), role, place.pid),
            Some(_) => None,
        };
        let recording = record_to.map(Recording::create).transpose()?;
        let file = recording.as_ref().map(|recording| recording.path().to_owned());

        let (reply, answer) = mpsc::sync_channel(1);
        let sent = self.service.commands.send(Command::Configure(Box::new(builder.options()), reply));
        let refused = sent.ok().and_then(|()| answer.recv().ok()).ok_or(Error::Stopped)?;
        late.extend(refused.iter().map(|option| {
            format!(
                "the option `{option}` comes too late: a client or a recording has begun already; \
                 call insight::init! before the program makes its first runtime"
            )
        }));
        let mut insight = self.insight;
        if let Some(recording) = recording {
            self.service.record(recording).map_err(|error| Error::CannotStartThread { error })?;
            insight = Insight::new(insight.address(), true);
        }
        if let Some((listener, address)) = listener {
            self.service.listen(listener).map_err(|error| Error::CannotStartThread { error })?;
            insight = Insight::new(Some(address), insight.records());
            say(&format!("listening on http://{address}"));
        }
        say_file(file);
        late.iter().for_each(|line| say(line));
        Ok(self.taken(insight))
    }

    /// The code has called: the next call is its second one.
    fn taken(&mut self, insight: Insight) -> Insight {
        self.cause = Cause::Code;
        self.insight = insight;
        insight
    }
}

/// The process, and its folder for announcements.
pub(crate) struct Place {
    pub(crate) pid: u32,
    /// `None` for no announcement.
    pub(crate) folder: Option<fn() -> io::Result<PathBuf>>,
}

impl Place {
    /// Announces the program to its user's clients. Without it they need the address, and all else is as it is.
    fn announce(&self, header: StreamHeader, address: SocketAddr) {
        let Some(folder) = self.folder else { return };
        let announced = folder().and_then(|folder| announce::announce(&folder, header, address));
        match announced {
            Ok(others) if others.is_empty() => {}
            // Not here: an address that does not answer takes its time.
            Ok(others) => drop(crate::spawn("insight-sweep", move || announce::sweep(&others))),
            Err(error) => say(&format!(
                "consolation does not list this program, and needs its address: the folder of announcements cannot be \
                 used: {error}"
            )),
        }
    }
}

/// Where to listen at the start; `None` for not at all.
fn wanted(
    code: Option<&str>,
    cause: Cause,
    environment: &Environment,
    role: Role,
) -> Result<Option<SocketAddr>, Error> {
    let default = if role == Role::Unmarked && cause == Cause::Code { DEFAULT } else { FREE };
    let wanted = listen_address(environment.listen.as_deref(), code, default)?;
    Ok(wanted.map(|address| in_role(address, role)))
}

/// A child's parent has the port.
fn in_role(mut address: SocketAddr, role: Role) -> SocketAddr {
    if role == Role::Child {
        address.set_port(0);
    }
    address
}

fn say_file(file: Option<PathBuf>) {
    if let Some(file) = file {
        say(&format!("recording to {}", file.display()));
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

/// Starts the recorder's thread and the threads that ask it. They end with the process, and nobody waits for them.
pub(crate) fn serve(
    listener: Option<TcpListener>,
    recording: Option<Recording>,
    producer: impl Producer,
    settings: Settings,
) -> io::Result<Service> {
    let (commands, mut recorder) = recorder::prepare(producer, settings.clone());
    let service = Service { commands, settings: Arc::new(settings), traces: Arc::default() };
    if let Some(recording) = recording {
        let client = recording.client(&service.settings);
        recorder.attach(Arc::clone(&client));
        service.write(recording, client)?;
    }
    crate::spawn("insight-record", move || recorder.run())?;
    // When this fails, the commands' sender is dropped, and the recorder's thread ends.
    if let Some(listener) = listener {
        service.listen(listener)?;
    }
    Ok(service)
}

impl Service {
    /// Serves on one more address.
    fn listen(&self, listener: TcpListener) -> io::Result<()> {
        let Service { commands, settings, traces } = self.clone();
        crate::spawn("insight-listen", move || connection::listen(&listener, &settings, &commands, &traces))
    }

    /// Begins a recording of a stream that others have already.
    fn record(&self, recording: Recording) -> io::Result<()> {
        let client = recording.client(&self.settings);
        // Fails only where the recorder has stopped: then the recording ends at once.
        if self.commands.send(Command::Attach(Arc::clone(&client))).is_err() {
            client.close();
        }
        self.write(recording, client)
    }

    fn write(&self, recording: Recording, client: Arc<Client>) -> io::Result<()> {
        let Service { commands, settings, .. } = self.clone();
        crate::spawn("insight-file", move || recording.run(&client, &settings, &commands))
    }
}

#[cfg(test)]
mod tests;
