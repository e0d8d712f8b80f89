//! The one instance of insight in this process: the cause of its start, and the options that can still be applied.

use crate::address::listen_address;
use crate::builder::{Builder, Insight};
use crate::client::Client;
use crate::connection::{self, Shared};
use crate::environment::{Environment, Role};
use crate::fork::{self, ClosedByChild, ProcessId};
use crate::producer::Producer;
use crate::recorder::{self, Command, Settings};
use crate::recording::Recording;
use crate::thread::{self, LARGE, SMALL};
use crate::{Error, announce, say, signals};
use insight_probe::{Recorder, RecorderConfig};
use insight_protocol::StreamHeader;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering};
use std::sync::mpsc::{self, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Where `init` listens if neither the program nor the environment names an address.
const DEFAULT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);
/// Any free port, so that we do not take a port that the program itself needs.
const FREE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// The state of this process. Written at its first use, and again in a forked child, since another thread of the parent could
/// have held the lock. Release and acquire, so that readers see a complete state. The state is never freed.
static HERE: AtomicPtr<Here> = AtomicPtr::new(ptr::null_mut());
/// The number of forks, plus 1, at which a runtime has started insight; 0 before the first start. Written by the first call in
/// each process, read by all calls. Relaxed, since the state has its own lock.
static STARTED: AtomicU32 = AtomicU32::new(0);
/// Whether insight was on in this process, or in an ancestor that forked. Relaxed, since it only decides about a line on stderr.
static OBSERVED: AtomicBool = AtomicBool::new(false);

/// The state of one process.
struct Here {
    process: ProcessId,
    /// An observed process has forked this one.
    forked: bool,
    state: Mutex<State>,
    /// We have printed that this forked process is not observed.
    reported: AtomicBool,
}

/// Insight in this process.
#[derive(Default)]
pub(crate) struct State {
    instance: Option<Instance>,
    /// The code asked for insight to be off, before anything turned it on.
    declined: bool,
    /// The last error line that we printed.
    last_error: Option<String>,
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

/// The channel to the recorder's thread, and the state that all connections share.
#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) commands: SyncSender<Command>,
    settings: Arc<Settings>,
    pub(crate) shared: Arc<Shared>,
}

/// Starts insight when the program creates its first runtime. Later calls in the same process cost two loads.
pub(crate) fn start_with_program() {
    let this = fork::forks() + 1;
    if STARTED.load(Ordering::Relaxed) == this {
        return;
    }
    let here = here();
    let mut state = here.lock();
    // Another thread may have started it meanwhile.
    if STARTED.swap(this, Ordering::Relaxed) == this {
        return;
    }
    // A panic of ours must not reach the program.
    let outcome =
        std::panic::catch_unwind(AssertUnwindSafe(|| match state.start_here(Builder::default(), Cause::Runtime) {
            Ok(insight) => here.report(&state, insight),
            Err(error) => state.print_error(&error),
        }));
    if outcome.is_err() {
        say("insight is off because of a fault in it; the program runs on");
    }
}

/// Turns insight on, or applies the options to the instance that the program's first runtime started.
pub(crate) fn start(builder: Builder) -> Result<Insight, Error> {
    here().lock().start_here(builder, Cause::Code)
}

/// Same as [`start`], but prints an error on stderr.
pub(crate) fn init(builder: Builder) -> Insight {
    let here = here();
    let mut state = here.lock();
    match state.start_here(builder, Cause::Code) {
        Ok(insight) => {
            here.report(&state, insight);
            insight
        }
        Err(error) => {
            state.print_error(&error);
            Insight::OFF
        }
    }
}

/// The channel to the recorder's thread. `None` while insight is off.
pub(crate) fn commands() -> Option<SyncSender<Command>> {
    let here = here();
    let state = here.lock();
    here.report(&state, Insight::OFF);
    state.instance.as_ref().map(|instance| instance.service.commands.clone())
}

/// The state of this process.
fn here() -> &'static Here {
    let process = ProcessId::here();
    let mut known = HERE.load(Ordering::Acquire);
    loop {
        // SAFETY: the pointer is null, or was made below and is never freed.
        if let Some(here) = unsafe { known.as_ref() }.filter(|here| here.process == process) {
            return here;
        }
        let forked = OBSERVED.load(Ordering::Relaxed);
        let fresh = Here { process, forked, state: Mutex::default(), reported: AtomicBool::new(false) };
        let fresh = Box::into_raw(Box::new(fresh));
        match HERE.compare_exchange(known, fresh, Ordering::AcqRel, Ordering::Acquire) {
            // SAFETY: the pointer was just made, and is never freed from now on.
            Ok(_) => return unsafe { &*fresh },
            Err(other) => {
                // SAFETY: the pointer was just made, and no other thread has it.
                drop(unsafe { Box::from_raw(fresh) });
                known = other;
            }
        }
    }
}

impl Here {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Prints once that this process is not observed, if an observed process has forked it: its user may expect otherwise.
    fn report(&self, state: &State, insight: Insight) {
        let is_on = state.instance.is_some() || insight != Insight::OFF;
        if is_on || !self.forked || self.reported.swap(true, Ordering::Relaxed) {
            return;
        }
        let role = Environment::of_process().role(self.process.pid());
        let way = match role {
            Ok(Role::Silent) => "set INSIGHT_CHILDREN=on",
            _ => "call insight::init() after the fork",
        };
        let pid = self.process.pid();
        say(&format!("off in process {pid}, which was forked from the observed one; to observe it, {way}"));
    }
}

impl State {
    fn start_here(&mut self, builder: Builder, cause: Cause) -> Result<Insight, Error> {
        fork::watch();
        let place = ThisProcess { pid: std::process::id(), folder: Some(announce::folder) };
        let record = |config| Recorder::start(config).map_err(|_| Error::AlreadyStarted);
        let outcome = self.start(builder, cause, &Environment::of_process(), &place, record);
        OBSERVED.fetch_or(self.instance.is_some(), Ordering::Relaxed);
        outcome
    }

    /// `environment` and `place` describe this process, except in tests.
    pub(crate) fn start<P: Producer>(
        &mut self,
        mut builder: Builder,
        cause: Cause,
        environment: &Environment,
        place: &ThisProcess,
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
        builder.set_panics(environment.panics(builder.options().panics)?);
        builder.set_detail(environment.detail(builder.options().detail)?);
        let wanted = wanted(builder.listen.as_deref(), cause, environment, role)?;
        let record_to = environment.record_to(builder.record_to.clone(), role, place.pid);
        let awaits = environment.awaits(builder.options().awaits)?;
        if wanted.is_none() && record_to.is_none() {
            self.declined |= cause == Cause::Code;
            return Ok(Insight::OFF);
        }
        // Before recording begins, so that nothing was recorded if this fails.
        let listener = wanted.map(listen).transpose()?;
        // After the port, so that a second program that cannot listen does not replace the file of the first one.
        let recording = record_to.map(|path| Recording::create(path, place.pid)).transpose()?;
        let lines = recording.as_ref().map(Recording::lines);
        let producer = record(builder.config())?;
        let header = producer.header();
        let insight = Insight::new(listener.as_ref().map(|(_, address)| *address), lines.is_some());
        let listener = listener.map(|(listener, _)| listener);
        let settings = Settings { awaits, ..builder.settings() };
        let service =
            serve(listener, recording, producer, settings).map_err(|error| Error::CannotStartThread { error })?;
        self.instance = Some(Instance { cause, insight, service });
        if let Some(address) = insight.address() {
            place.announce(header, address);
            say(&format!("listening on http://{address}"));
        }
        lines.into_iter().flatten().for_each(|line| say(&line));
        Ok(insight)
    }

    /// Prints an error, unless the same line was printed last: a program may start insight twice with the same mistake.
    fn print_error(&mut self, error: &Error) {
        let line = match (error, &self.instance) {
            (Error::AlreadyStarted, _) => error.to_string(),
            (_, None) => format!("{error}. The program runs on without insight."),
            (_, Some(_)) => format!("{error}. insight stays on, without the options of this call."),
        };
        if self.last_error.as_ref() != Some(&line) || matches!(error, Error::AlreadyStarted) {
            say(&line);
        }
        self.last_error = Some(line);
    }
}

impl Instance {
    /// Applies the options of the code to an instance that the program's first runtime started. An error changes nothing.
    fn apply(
        &mut self,
        mut builder: Builder,
        environment: &Environment,
        place: &ThisProcess,
    ) -> Result<Insight, Error> {
        let role = environment.role(place.pid)?;
        builder.set_panics(environment.panics(builder.options().panics)?);
        builder.set_detail(environment.detail(builder.options().detail)?);
        let mut late: Vec<String> = Vec::new();
        let mut listener = None;
        // The environment takes precedence, as in a start.
        if let (Some(text), None) = (&builder.listen, &environment.listen) {
            match listen_address(None, Some(text), FREE)?.map(|address| in_role(address, role)) {
                None => late.push(match self.insight.address() {
                    Some(address) => format!(
                        "the option `listen => \"off\"` comes too late: insight listens on {address} already; \
                         set INSIGHT_LISTEN=off"
                    ),
                    None => return Ok(self.set_by_code(self.insight)),
                }),
                // It already has a free port.
                Some(address) if address == FREE || Some(address) == self.insight.address() => {}
                Some(address) => listener = Some(listen(address)?),
            }
        }
        let record_to = match environment.record {
            None => environment.record_to(builder.record_to.clone(), role, place.pid),
            Some(_) => None,
        };
        let recording = record_to.map(|path| Recording::create(path, place.pid)).transpose()?;
        let lines = recording.as_ref().map(Recording::lines);

        let (reply, answer) = mpsc::sync_channel(1);
        let mut options = builder.options();
        if environment.awaits.is_some() {
            options.awaits = None;
        }
        let sent = self.service.commands.send(Command::Configure(Box::new(options), reply));
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
        lines.into_iter().flatten().for_each(|line| say(&line));
        late.iter().for_each(|line| say(line));
        Ok(self.set_by_code(insight))
    }

    /// Notes that the code has called, so that its next call is an error.
    fn set_by_code(&mut self, insight: Insight) -> Insight {
        self.cause = Cause::Code;
        self.insight = insight;
        insight
    }
}

/// The process, and its folder for announcements.
pub(crate) struct ThisProcess {
    pub(crate) pid: u32,
    /// `None` if the program is not announced.
    pub(crate) folder: Option<fn() -> io::Result<PathBuf>>,
}

impl ThisProcess {
    /// Announces the program to clients of the same user. If this fails, clients need the address; nothing else changes.
    fn announce(&self, header: StreamHeader, address: SocketAddr) {
        let Some(folder) = self.folder else { return };
        let announced = signals::without_write_signals(|| {
            let folder = folder()?;
            announce::announce(&folder, header, address)
        });
        match announced {
            Ok(others) if others.is_empty() => {}
            // On another thread, since an address that does not answer takes time.
            Ok(others) => drop(thread::spawn("insight-sweep", SMALL, move || announce::sweep(&others))),
            Err(error) => say(&format!(
                "consolation does not list this program, and needs its address: the folder of announcements cannot be \
                 used: {error}"
            )),
        }
    }
}

/// The address to listen on at the start. `None` if listening is off.
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

/// A child gets a free port, since its parent has the configured one.
fn in_role(mut address: SocketAddr, role: Role) -> SocketAddr {
    if role == Role::Child {
        address.set_port(0);
    }
    address
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

/// Starts the recorder's thread and the threads that query it. They end with the process and are never joined.
pub(crate) fn serve(
    listener: Option<TcpListener>,
    recording: Option<Recording>,
    producer: impl Producer,
    settings: Settings,
) -> io::Result<Service> {
    let (commands, mut recorder) = recorder::prepare(producer, settings.clone());
    let service = Service { commands, settings: Arc::new(settings), shared: Arc::default() };
    recorder.start_captures()?;
    if let Some(recording) = recording {
        let client = recording.client(&service.settings);
        recorder.attach(Arc::clone(&client));
        service.write(recording, client)?;
    }
    thread::spawn("insight-record", LARGE, move || recorder.run())?;
    // If this fails, the sender of the commands is dropped, which ends the recorder's thread.
    if let Some(listener) = listener {
        service.listen(listener)?;
    }
    Ok(service)
}

impl Service {
    /// Listens on another address.
    fn listen(&self, listener: TcpListener) -> io::Result<()> {
        let Service { commands, settings, shared } = self.clone();
        let closed_by_child = ClosedByChild::new(&listener);
        thread::spawn("insight-listen", SMALL, move || {
            connection::listen(&listener, &settings, &commands, &shared);
            drop(closed_by_child);
        })
    }

    /// Begins a recording while other clients may already be attached.
    fn record(&self, recording: Recording) -> io::Result<()> {
        let client = recording.client(&self.settings);
        // This fails only if the recorder has stopped. Then the recording ends immediately.
        if self.commands.send(Command::Attach(Arc::clone(&client))).is_err() {
            client.close();
        }
        self.write(recording, client)
    }

    fn write(&self, recording: Recording, client: Arc<Client>) -> io::Result<()> {
        let Service { commands, settings, .. } = self.clone();
        thread::spawn("insight-file", SMALL, move || recording.run(&client, &settings, &commands))
    }
}

#[cfg(test)]
mod tests;
