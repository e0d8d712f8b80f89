//! Screens, texts and connections, from messages and keys.

mod awaits;
mod connections;
mod coverage;
mod cursor;
mod plain;
mod screens;
mod story;
mod traces;

use crate::app::{Action, App};
use crate::args::{Address, Args};
use crate::snapshot::{Intake, Snapshot, lock};
use crate::theme::Theme;
use clap::Parser;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent};
use ratatui::layout::Rect;
use std::sync::Mutex;
use std::time::Instant;
use story::Story;

/// The address that a command line names.
fn address(text: &str) -> Address {
    Args::parse_from(["consolation", text]).address().unwrap().unwrap()
}

/// The snapshot of a client after these lines.
fn snapshot_of(lines: &[String]) -> Snapshot {
    let snapshot = Mutex::new(Snapshot::default());
    let mut intake = Intake::default();
    for line in lines {
        intake.push(format!("{line}\n").as_bytes(), &snapshot).unwrap();
    }
    snapshot.into_inner().unwrap()
}

/// A screen without a terminal.
struct Screen {
    app: App,
    snapshot: Snapshot,
    now: Instant,
    area: Rect,
    last_action: Action,
}

impl Screen {
    fn new(story: &Story, width: u16, height: u16) -> Screen {
        Screen::of(snapshot_of(&story.lines()), Theme::new(true), width, height)
    }

    fn of(snapshot: Snapshot, theme: Theme, width: u16, height: u16) -> Screen {
        let now = snapshot.last_line.unwrap_or_else(Instant::now);
        let app = App::new(address("127.0.0.1:8080"), theme);
        let area = Rect { x: 0, y: 0, width, height };
        let mut screen = Screen { app, snapshot, now, area, last_action: Action::None };
        screen.refresh();
        screen.draw();
        screen
    }

    fn refresh(&mut self) {
        self.app.refresh(&self.snapshot, self.now);
    }

    /// Presses keys, named by words or by single characters, with a frame after each.
    fn press(&mut self, keys: &str) -> &mut Screen {
        for key in keys.split_whitespace() {
            let mut characters = key.chars();
            let code = match (key, characters.next(), characters.next()) {
                ("Enter", ..) => KeyCode::Enter,
                ("Esc", ..) => KeyCode::Esc,
                ("Backspace", ..) => KeyCode::Backspace,
                ("Down", ..) => KeyCode::Down,
                ("Up", ..) => KeyCode::Up,
                ("Left", ..) => KeyCode::Left,
                ("Right", ..) => KeyCode::Right,
                ("PgDn", ..) => KeyCode::PageDown,
                ("PgUp", ..) => KeyCode::PageUp,
                ("Home", ..) => KeyCode::Home,
                ("End", ..) => KeyCode::End,
                (_, Some(c), None) => KeyCode::Char(c),
                _ => panic!("no key is named {key}"),
            };
            self.last_action = self.app.on_key(KeyEvent::from(code), &self.snapshot, self.now);
            self.draw();
        }
        self
    }

    fn draw(&mut self) -> Buffer {
        let mut buffer = Buffer::empty(self.area);
        self.app.draw(&self.snapshot, self.now, self.area, &mut buffer);
        buffer
    }

    /// The screen as text, without the spaces at the ends of lines.
    fn text(&mut self) -> String {
        let buffer = self.draw();
        let mut text = String::new();
        for y in self.area.rows().map(|row| row.y) {
            let mut x = 0;
            let mut line = String::new();
            while x < self.area.width {
                let symbol = buffer[(x, y)].symbol();
                line.push_str(symbol);
                x += crate::text::width(symbol).max(1) as u16;
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    fn line(&mut self, number: usize) -> String {
        self.text().lines().nth(number).unwrap_or_default().to_owned()
    }
}

/// Folds more messages in, as the reader does in mid-stream.
fn feed(snapshot: Snapshot, intake: &mut Intake, lines: &[&str]) -> Snapshot {
    let snapshot = Mutex::new(snapshot);
    for line in lines {
        intake.push(format!("{line}\n").as_bytes(), &snapshot).unwrap();
    }
    std::mem::take(&mut *lock(&snapshot))
}
