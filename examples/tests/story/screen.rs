//! consolation in a pseudo-terminal: a test presses keys and reads the screen.

use crate::consolation;
use crate::files::root;
use crate::watched::Watched;
use portable_pty::{ChildKiller, CommandBuilder, ExitStatus, MasterPty, PtySize, SlavePty, native_pty_system};
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::thread;

pub const ENTER: &str = "\r";
pub const ESC: &str = "\x1b";

/// A terminal in which consolation runs.
pub struct Screen {
    terminal: Arc<Watched<Terminal>>,
    keyboard: Box<dyn Write + Send>,
    keys: usize,
    killer: Box<dyn ChildKiller + Send + Sync>,
    process: Option<u32>,
    master: Box<dyn MasterPty + Send>,
    /// Stays open until the end, so that the terminal's settings can be read after consolation has ended.
    _slave: Box<dyn SlavePty + Send>,
    settings_before: String,
}

struct Terminal {
    parser: vt100::Parser,
    exit: Option<ExitStatus>,
}

impl Screen {
    /// Connects to the program at `address`, in a terminal of so many columns and rows.
    pub fn open(address: &str, columns: u16, rows: u16) -> Screen {
        Screen::open_in(root(), address, columns, rows)
    }

    /// Does the same as [`Screen::open`], with this folder as the working directory.
    pub fn open_in(folder: &Path, address: &str, columns: u16, rows: u16) -> Screen {
        let pair = native_pty_system().openpty(size(columns, rows)).unwrap();
        let mut output = pair.master.try_clone_reader().unwrap();
        let keyboard = pair.master.take_writer().unwrap();
        let settings_before = settings(&*pair.master);
        let mut command = CommandBuilder::new(consolation::executable());
        command.arg(address);
        command.cwd(folder);
        command.env("TERM", "xterm-256color");
        command.env_remove("NO_COLOR");
        let mut child = pair.slave.spawn_command(command).unwrap();
        let (killer, process) = (child.clone_killer(), child.process_id());
        let parser = vt100::Parser::new(NonZeroU16::new(rows).unwrap(), NonZeroU16::new(columns).unwrap(), 0);
        let terminal = Arc::new(Watched::new(Terminal { parser, exit: None }));
        let shared = Arc::clone(&terminal);
        thread::spawn(move || {
            let mut bytes = [0; 16 << 10];
            while let Ok(length @ 1..) = output.read(&mut bytes) {
                shared.change(|terminal| terminal.parser.process(&bytes[..length]));
            }
        });
        let shared = Arc::clone(&terminal);
        thread::spawn(move || {
            let status = child.wait().unwrap();
            shared.change(|terminal| terminal.exit = Some(status));
        });
        Screen {
            terminal,
            keyboard,
            keys: 0,
            killer,
            process,
            master: pair.master,
            _slave: pair.slave,
            settings_before,
        }
    }

    pub fn press(&mut self, key: &str) {
        self.keys += 1;
        self.keyboard.write_all(key.as_bytes()).unwrap();
        self.keyboard.flush().unwrap();
    }

    /// The number of keys that were pressed.
    pub fn keys(&self) -> usize {
        self.keys
    }

    /// Waits until all of these texts are on the screen at the same time.
    pub fn shows(&self, wanted: &[&str]) {
        self.until(&format!("{wanted:#?}"), |frame| {
            let text = frame.text();
            wanted.iter().all(|wanted| text.contains(wanted)).then_some(())
        });
    }

    /// Waits until this text is not on the screen.
    pub fn hides(&self, unwanted: &str) {
        self.until(&format!("{unwanted:?} to go"), |frame| (!frame.text().contains(unwanted)).then_some(()));
    }

    /// Waits until `wanted` returns a value for the screen. The screen is drawn in parts, so texts that must be there at the
    /// same time are one condition.
    pub fn until<R>(&self, condition: &str, mut wanted: impl FnMut(&Frame) -> Option<R>) -> R {
        let framed = |terminal: &Terminal| Frame(terminal.parser.screen()).framed();
        let outcome = self.terminal.until(
            |terminal| match (wanted(&Frame(terminal.parser.screen())), &terminal.exit) {
                (Some(result), _) => Some(Ok(result)),
                (None, Some(status)) => Some(Err(format!("consolation has ended: {status}\n{}", framed(terminal)))),
                (None, None) => None,
            },
            framed,
        );
        outcome.and_then(|outcome| outcome).unwrap_or_else(|error| panic!("waited for {condition}\n{error}"))
    }

    /// Makes the terminal larger or smaller while consolation runs, and waits until the whole screen is drawn again.
    pub fn resize(&self, columns: u16, rows: u16) {
        self.resize_through(&[(columns, rows)]);
    }

    /// Changes the size several times without waiting in between. Then it waits until the whole screen is drawn again.
    pub fn resize_through(&self, sizes: &[(u16, u16)]) {
        const OLD: &str = "▒";
        // All of this holds the lock, so that consolation's output for the new size is not processed before.
        self.terminal.change(|terminal| {
            for (columns, rows) in sizes {
                terminal.parser.set_size(NonZeroU16::new(*rows).unwrap(), NonZeroU16::new(*columns).unwrap());
                terminal.parser.process(format!("\x1b7\x1b[H{OLD}\x1b8").as_bytes());
                self.master.resize(size(*columns, *rows)).unwrap();
            }
        });
        self.hides(OLD);
    }

    /// Waits until something on the screen changes by itself, such as a time.
    ///
    /// A test must call this between a change of the size and a key: if a key comes at the very moment of a change of the
    /// size, crossterm does not report it until the next key.
    pub fn ticks(&self) {
        let before = self.terminal.read(|terminal| Frame(terminal.parser.screen()).text());
        self.until("a later time", |frame| (frame.text() != before).then_some(()));
    }

    /// Presses q, and checks that consolation ends with 0 and restores the terminal.
    pub fn quit(mut self) {
        self.press("q");
        let status = self.restored();
        assert!(status.success(), "{status}");
    }

    /// Sends a signal, and checks that it ends consolation and that consolation restores the terminal.
    pub fn ended_by(self, signal: &str) {
        let id = self.process.expect("it runs").to_string();
        assert!(Command::new("kill").args(["-s", signal, &id]).status().unwrap().success());
        let status = self.restored();
        assert!(status.signal().is_some(), "{status:?}");
    }

    fn restored(&self) -> ExitStatus {
        let ended = self.terminal.until(
            |terminal| {
                let screen = terminal.parser.screen();
                let restored = !screen.alternate_screen() && !screen.hide_cursor();
                terminal.exit.clone().filter(|_| restored)
            },
            |terminal| format!("{:?}\n{}", terminal.exit, Frame(terminal.parser.screen()).framed()),
        );
        let status = ended.unwrap_or_else(|error| panic!("waited for the end and for the first screen: {error}"));
        assert_eq!(settings(&*self.master), self.settings_before);
        status
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.killer.kill();
    }
}

fn size(columns: u16, rows: u16) -> PtySize {
    PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }
}

/// The settings of the terminal, such as echo and line editing.
fn settings(master: &dyn MasterPty) -> String {
    format!("{:?}", master.get_termios().expect("the terminal is open"))
}

/// The content of the screen.
pub struct Frame<'a>(&'a vt100::Screen);

impl<'a> Frame<'a> {
    pub fn of(screen: &'a vt100::Screen) -> Frame<'a> {
        Frame(screen)
    }

    /// The cells of each row from the top.
    pub fn cells(&self) -> Vec<Vec<&'a vt100::Cell>> {
        let (rows, columns) = self.0.size();
        let row = |row| (0..columns.get()).filter_map(|column| self.0.cell(row, column)).collect();
        (0..rows.get()).map(row).collect()
    }

    /// Its rows from the top.
    pub fn rows(&self) -> Vec<String> {
        self.0.rows(0, self.0.size().1.get()).collect()
    }

    pub fn text(&self) -> String {
        self.rows().join("\n")
    }

    /// All words with single spaces between them, as if no line were broken.
    pub fn words(&self) -> String {
        self.text().split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The background of the first occurrence of a text, or `None` if it is not there or has more than one background.
    pub fn background(&self, text: &str) -> Option<vt100::Color> {
        let wanted: Vec<String> = text.chars().map(String::from).collect();
        let (rows, columns) = self.0.size();
        (0..rows.get()).find_map(|row| {
            let cells: Vec<&vt100::Cell> = (0..columns.get()).filter_map(|column| self.0.cell(row, column)).collect();
            let shown = |cell: &vt100::Cell| if cell.has_contents() { cell.contents().to_owned() } else { " ".into() };
            let place = cells
                .windows(wanted.len())
                .find(|cells| cells.iter().map(|cell| shown(cell)).eq(wanted.iter().cloned()))?;
            place.iter().all(|cell| cell.bgcolor() == place[0].bgcolor()).then(|| place[0].bgcolor())
        })
    }

    fn framed(&self) -> String {
        let rule = "-".repeat(usize::from(self.0.size().1.get()));
        format!("{rule}\n{}\n{rule}", self.text())
    }
}
