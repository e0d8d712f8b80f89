//! The loop between the terminal and the app.

use crate::app::{Action, App};
use crate::args::Address;
use crate::connection::{self, Connection};
use crate::dot_file;
use crate::running::Program;
use crate::snapshot::Snapshot;
use crate::theme::Theme;
use crate::views::program_list::{Choice, ProgramList};
use insight_protocol::{TaskId, TaskTrace};
use ratatui::DefaultTerminal;
use ratatui::backend::Backend;
use ratatui::crossterm::event::{self, Event, KeyEventKind};
use ratatui::crossterm::terminal;
use std::io::{self, IsTerminal};
use std::mem::ManuallyDrop;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Sender};
use std::time::{Duration, Instant};

/// The time between two frames when no key is pressed.
const FRAME: Duration = Duration::from_millis(250);

/// Runs until the user quits. Afterwards the terminal is as before, also after an error or a panic.
pub fn run(address: &Address) -> io::Result<()> {
    let connection = Connection::open(address)?;
    let mut app = App::new(address.clone(), Theme::from_environment());
    on_screen(|terminal, ending| frames(terminal, &mut app, &connection, address, ending))
}

/// The width of the terminal on stdout, in columns; `None` if stdout is a file or a pipe, or if the width is unknown.
pub fn columns() -> Option<usize> {
    let size = io::stdout().is_terminal().then(terminal::size)?;
    size.ok().map(|(columns, _)| columns.into()).filter(|columns| *columns > 0)
}

/// Lets the user choose one of the programs; `None` if they quit. The terminal is as after [`run`].
pub fn choose(programs: &[Program], now_unix_ms: u64) -> io::Result<Option<usize>> {
    let mut list = ProgramList::new(programs, now_unix_ms);
    on_screen(|terminal, ending| choice(terminal, &mut list, ending))
}

/// Runs `body` on the terminal's second screen, and restores the first one: also when a signal ends the process, or the
/// terminal has gone.
fn on_screen<T>(body: impl FnOnce(&mut DefaultTerminal, &Ending) -> io::Result<T>) -> io::Result<T> {
    let ending = Ending::watch()?;
    let result = ratatui::try_init().and_then(|terminal| {
        // Its destructor writes to stderr, and panics if the terminal has gone.
        let mut terminal = ManuallyDrop::new(terminal);
        let result = body(&mut terminal, &ending);
        let _ = terminal.show_cursor();
        result
    });
    // It fails only if the terminal has gone.
    let _ = ratatui::try_restore();
    ending.end()?;
    result
}

/// The signals that end the process: SIGTERM, SIGINT and SIGHUP. The terminal is restored first.
struct Ending {
    /// The number of the last signal; 0 before the first one. A signal handler stores it, and the main thread loads it, both
    /// relaxed: no other data depends on it.
    signal: Arc<AtomicUsize>,
}

impl Ending {
    #[cfg(unix)]
    fn watch() -> io::Result<Ending> {
        use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
        let signal = Arc::new(AtomicUsize::new(0));
        for number in [SIGTERM, SIGINT, SIGHUP] {
            signal_hook::flag::register_usize(number, Arc::clone(&signal), number as usize)?;
        }
        Ok(Ending { signal })
    }

    #[cfg(not(unix))]
    fn watch() -> io::Result<Ending> {
        Ok(Ending { signal: Arc::new(AtomicUsize::new(0)) })
    }

    /// Returns an error after a signal.
    fn check(&self) -> io::Result<()> {
        match self.signal.load(Ordering::Relaxed) {
            0 => Ok(()),
            _ => Err(io::Error::from(io::ErrorKind::Interrupted)),
        }
    }

    /// Ends the process with the signal, as if it had no handler.
    fn end(&self) -> io::Result<()> {
        #[cfg(unix)]
        if let number @ 1.. = self.signal.load(Ordering::Relaxed) {
            signal_hook::low_level::emulate_default_handler(number as i32)?;
        }
        Ok(())
    }
}

fn choice(terminal: &mut DefaultTerminal, list: &mut ProgramList, ending: &Ending) -> io::Result<Option<usize>> {
    let theme = Theme::from_environment();
    loop {
        terminal.draw(|frame| list.draw(theme, frame.area(), frame.buffer_mut()))?;
        while !event::poll(FRAME)? {
            ending.check()?;
        }
        match event::read()? {
            Event::Key(key) if key.kind != KeyEventKind::Release => match list.on_key(key) {
                Choice::None => {}
                Choice::Quit => return Ok(None),
                Choice::Program(index) => return Ok(Some(index)),
            },
            Event::Resize(..) => clear(terminal)?,
            _ => {}
        }
    }
}

fn frames(
    terminal: &mut DefaultTerminal,
    app: &mut App,
    connection: &Connection,
    address: &Address,
    ending: &Ending,
) -> io::Result<()> {
    let (answer, answers) = mpsc::channel();
    let mut next_frame = Instant::now();
    // A copy, to sort and draw without a lock: the reader never waits for the screen.
    let mut snapshot = Snapshot::default();
    loop {
        ending.check()?;
        let mut changed = Instant::now() >= next_frame;
        // The first snapshot does not wait for the next frame.
        if changed || !snapshot.model.complete {
            if let Some(newer) = connection.snapshot_after(snapshot.revision) {
                changed |= newer.model.complete && !snapshot.model.complete;
                snapshot = newer;
            }
            if changed {
                let begun = Instant::now();
                app.refresh(&snapshot, begun);
                // Very many tasks take long to sort: leave time for keys.
                next_frame = Instant::now() + FRAME.max(begun.elapsed() * 4);
            }
        }
        if !connection.alive() {
            return Err(io::Error::other("the thread that reads the stream has ended; this is a bug"));
        }
        for (task, trace) in answers.try_iter() {
            app.traced(task, trace);
            changed = true;
        }
        let patience = if snapshot.model.complete { FRAME } else { FRAME / 8 };
        if event::poll(next_frame.saturating_duration_since(Instant::now()).min(patience))? {
            changed = true;
            // One frame for all keys that came together.
            while event::poll(Duration::ZERO)? {
                let action = match event::read()? {
                    Event::Key(key) if key.kind != KeyEventKind::Release => app.on_key(key, &snapshot, Instant::now()),
                    // A window that changes its size twice within a frame is empty, although its size is the same.
                    Event::Resize(..) => Action::Redraw,
                    _ => Action::None,
                };
                match action {
                    Action::None => {}
                    Action::Quit => return Ok(()),
                    Action::Redraw => clear(terminal)?,
                    Action::Trace(tasks) => trace(tasks, address, &answer),
                    Action::WriteDot(problem) => app.say(write(&problem), Instant::now()),
                }
            }
        }
        if changed {
            draw(terminal, app, &snapshot)?;
        }
    }
}

/// Clears as `Terminal::clear`, without a question to the terminal about its cursor: some do not answer in time.
fn clear(terminal: &mut DefaultTerminal) -> io::Result<()> {
    terminal.backend_mut().clear()?;
    // The buffer of the last frame is empty now, so the next frame draws each cell.
    terminal.swap_buffers();
    Ok(())
}

fn draw(terminal: &mut DefaultTerminal, app: &mut App, snapshot: &Snapshot) -> io::Result<()> {
    terminal.draw(|frame| {
        let area = frame.area();
        app.draw(snapshot, Instant::now(), area, frame.buffer_mut());
    })?;
    Ok(())
}

type Answer = (TaskId, Result<TaskTrace, String>);

/// Asks on another thread, one task after another, since the program makes one trace at a time.
fn trace(tasks: Vec<TaskId>, address: &Address, answer: &Sender<Answer>) {
    let (address, theirs, first) = (address.clone(), answer.clone(), tasks.clone());
    let work = move || {
        for task in tasks {
            // It fails if the user has quit.
            let _ = theirs.send((task, connection::trace(&address, task)));
        }
    };
    if let Err(error) = std::thread::Builder::new().name("tracer".into()).spawn(work) {
        for task in first {
            let _ = answer.send((task, Err(format!("no thread could be started to ask: {error}"))));
        }
    }
}

fn write(problem: &insight_protocol::Problem) -> String {
    let folder = std::env::current_dir();
    let written = folder.and_then(|folder| dot_file::write(Path::new(&folder), problem));
    match written {
        Ok(path) => {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let folder = path.parent().unwrap_or(Path::new("")).display();
            format!("wrote {name} in {folder}")
        }
        Err(error) => format!("the graph could not be written to the current folder: {error}"),
    }
}
