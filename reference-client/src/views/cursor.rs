//! The cursor that walks over the entries of a page.

use super::page::{Entry, Key, Page};
use crate::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyCode;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

/// The position of the cursor in a page, and the part of the page on the screen.
#[derive(Clone, Debug, Default)]
pub struct Cursor {
    /// The entry to which the user moved, and its number then.
    moved: Option<(Key, usize)>,
    scroll: usize,
    height: usize,
}

impl Cursor {
    /// The entry under the cursor.
    pub fn entry<'a>(&self, page: &'a Page) -> Option<&'a Entry> {
        page.entries.get(self.index(page))
    }

    /// Takes a key.
    pub fn on_key(&mut self, key: KeyCode, page: &Page) {
        let jump = self.height.saturating_sub(1).max(1);
        match key {
            KeyCode::Down | KeyCode::Char('j') => self.step_down(page),
            KeyCode::Up | KeyCode::Char('k') => self.step_up(page),
            KeyCode::PageDown => self.jump(page, self.scroll + jump),
            KeyCode::PageUp => self.jump(page, self.scroll.saturating_sub(jump)),
            KeyCode::Home | KeyCode::Char('g') => {
                self.scroll = 0;
                self.select(page, 0);
            }
            KeyCode::End | KeyCode::Char('G') => {
                self.select(page, page.entries.len().saturating_sub(1));
                self.scroll = self.last_scroll(page);
            }
            _ => {}
        }
    }

    /// Draws the page, the cursor's line marked.
    pub fn draw(&mut self, page: &Page, area: Rect, buffer: &mut Buffer) {
        self.height = area.height.into();
        let index = self.index(page);
        if let (None, Some(entry)) = (self.moved, page.entries.get(index)) {
            self.scroll = 0;
            self.show(entry);
        }
        self.scroll = self.scroll.min(self.last_scroll(page));
        page.draw_from(self.scroll, area, buffer);
        let row = page.entries.get(index).and_then(|entry| entry.lines.start.checked_sub(self.scroll));
        if let Some(row) = row.filter(|row| *row < self.height && !area.is_empty()) {
            let y = area.y + row as u16; // less than the height, which is a u16
            buffer.set_stringn(area.x, y, "▸", area.width.into(), Style::new());
            mark(buffer, Rect { y, height: 1, ..area }, page.theme());
        }
    }

    fn index(&self, page: &Page) -> usize {
        let last = page.entries.len().saturating_sub(1);
        match self.moved {
            None => page.first.min(last),
            Some((key, index)) => page.entries.iter().position(|entry| entry.key == key).unwrap_or(index.min(last)),
        }
    }

    fn select(&mut self, page: &Page, index: usize) {
        if let Some(entry) = page.entries.get(index) {
            self.moved = Some((entry.key, index));
        }
    }

    /// Moves to the next entry if it is near, and otherwise scrolls down: the user can read all text between entries.
    fn step_down(&mut self, page: &Page) {
        let index = self.index(page);
        self.select(page, index);
        let reach = self.scroll + self.height + self.height / 2;
        match page.entries.get(index + 1) {
            Some(next) if next.lines.start < reach.max(self.scroll + 1) => {
                self.select(page, index + 1);
                self.show(next);
            }
            _ => self.scroll = (self.scroll + 1).min(self.last_scroll(page)),
        }
    }

    fn step_up(&mut self, page: &Page) {
        let index = self.index(page);
        let reach = self.scroll.saturating_sub(self.height / 2);
        self.select(page, index);
        match index.checked_sub(1).map(|before| &page.entries[before]) {
            Some(before) if before.lines.start >= reach => {
                self.select(page, index - 1);
                self.show(before);
            }
            _ => self.scroll = self.scroll.saturating_sub(1),
        }
    }

    fn jump(&mut self, page: &Page, scroll: usize) {
        let scroll = scroll.min(self.last_scroll(page));
        let down = scroll > self.scroll || scroll == self.last_scroll(page);
        self.scroll = scroll;
        let mut inside = page
            .entries
            .iter()
            .enumerate()
            .filter(|(_, entry)| (scroll..scroll + self.height).contains(&entry.lines.start))
            .map(|(index, _)| index);
        let index = if down { inside.next_back() } else { inside.next() };
        let index = index.unwrap_or_else(|| self.index(page));
        self.select(page, index);
    }

    /// Scrolls so far that the entry is on the screen, its first line above all.
    fn show(&mut self, entry: &Entry) {
        self.scroll = self.scroll.max(entry.lines.end.saturating_sub(self.height)).min(entry.lines.start);
    }

    fn last_scroll(&self, page: &Page) -> usize {
        page.lines().len().saturating_sub(self.height)
    }
}

/// Colours a row as the cursor's, except cells with another background.
pub fn mark(buffer: &mut Buffer, row: Rect, theme: Theme) {
    let row = row.intersection(buffer.area);
    for position in row.positions() {
        let cell = &mut buffer[position];
        if cell.bg == Color::Reset && !cell.modifier.contains(Modifier::REVERSED) {
            cell.set_style(theme.cursor());
        }
    }
}
