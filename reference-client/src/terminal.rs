//! The loop between the terminal and the app.

use crate::app::{Action, App};
use crate::args::Address;
use crate::connection::{self, Connection};
use crate::dot_file;
use crate::picture::Picture;
use crate::running::Program;
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

/// Runs until the user quits. The terminal is as it was after that, after an error, and after a panic.
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

/// Lets the user choose one of the programs; `None` when they quit. The terminal is as after [`run`].
pub fn choose(programs: &[Program], now_unix_ms: u64) -> io::Result<Option<usize>> {
    let mut list = ProgramList::new(programs, now_unix_ms);
    on_screen(|terminal, ending| choice(terminal, &mut list, ending))
}

/// Runs `body` on a terminal of its own screen, which is as before afterwards: also when a signal ends the process, or the
/// terminal has gone.
fn on_screen<T>(body: impl FnOnce(&mut DefaultTerminal, &Ending) -> io::Result<T>) -> io::Result<T> {
    let ending = Ending::watch()?;
    let result = ratatui::try_init().and_then(|terminal| {
        // Its destructor writes to stderr, and panics, where the terminal has gone.
        let mut terminal = ManuallyDrop::new(terminal);
        let result = body(&mut terminal, &ending);
        let _ = terminal.show_cursor();
        result
    });
    // It fails only where there is no terminal any more.
    let _ = ratatui::try_restore();
    ending.end()?;
    result
}

/// The signals that end the process: SIGTERM, SIGINT and SIGHUP. The terminal is restored first.
struct Ending {
    /// The number of the last signal that came; 0 if none did.
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

    /// An error once a signal has come.
    fn check(&self) -> io::Result<()> {
        match self.signal.load(Ordering::Relaxed) {
            0 => Ok(()),
            _ => Err(io::Error::from(io::ErrorKind::Interrupted)),
        }
    }

    /// Ends the process by the signal that came, as if it had no handler.
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
    // Drawn from and sorted without a lock: the reader never waits for the screen.
    let mut picture = Picture::default();
    loop {
        ending.check()?;
        let mut changed = Instant::now() >= next_frame;
        // The first picture does not wait for the next frame.
        if changed || !picture.model.complete {
            if let Some(newer) = connection.picture_after(picture.revision) {
                changed |= newer.model.complete && !picture.model.complete;
                picture = newer;
            }
            if changed {
                let begun = Instant::now();
                app.refresh(&picture, begun);
                // Of very many tasks, sorting leaves time for keys.
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
        let patience = if picture.model.complete { FRAME } else { FRAME / 8 };
        if event::poll(next_frame.saturating_duration_since(Instant::now()).min(patience))? {
            changed = true;
            // Keys that came together are drawn together.
            while event::poll(Duration::ZERO)? {
                let action = match event::read()? {
                    Event::Key(key) if key.kind != KeyEventKind::Release => app.on_key(key, &picture, Instant::now()),
                    // Away and back within a frame leaves a terminal empty that looks as it did.
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
            draw(terminal, app, &picture)?;
        }
    }
}

/// As `Terminal::clear` does, without asking the terminal where its cursor is: not every one answers in time.
fn clear(terminal: &mut DefaultTerminal) -> io::Result<()> {
    terminal.backend_mut().clear()?;
    // The buffer of what is on the screen is empty now: all that comes is a difference from it.
    terminal.swap_buffers();
    Ok(())
}

fn draw(terminal: &mut DefaultTerminal, app: &mut App, picture: &Picture) -> io::Result<()> {
    terminal.draw(|frame| {
        let area = frame.area();
        app.draw(picture, Instant::now(), area, frame.buffer_mut());
    })?;
    Ok(())
}

type Answer = (TaskId, Result<TaskTrace, String>);

/// Asks on a thread of its own, one task after another: so does the program.
fn trace(tasks: Vec<TaskId>, address: &Address, answer: &Sender<Answer>) {
    let (address, theirs, first) = (address.clone(), answer.clone(), tasks.clone());
    let work = move || {
        for task in tasks {
            // Nobody takes it when the user has quit.
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
