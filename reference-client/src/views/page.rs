//! A page of wrapped text with a cursor that walks over its entries.

use super::{Kind, Link, Scene, Traced, View};
use crate::text::{clean, wrap};
use crate::theme::Theme;
use crate::words;
use insight_model::{Edge, Location, Model};
use insight_protocol::{ProblemId, TaskId};
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyCode;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use std::ops::Range;

/// Entries of one kind that a page shows at most; how many there are besides is said.
pub const MOST_ENTRIES: usize = 500;

/// By what an entry is found again when the page has changed: its kind, and one or two ids.
pub type Key = (&'static str, u64, u64);

/// An entry.
#[derive(Debug)]
pub struct Entry {
    /// Its identity.
    pub key: Key,
    /// What Enter on it opens.
    pub link: Option<Link>,
    /// The problem of which it is a part.
    pub problem: Option<ProblemId>,
    lines: Range<usize>,
}

/// A page of text.
#[derive(Debug)]
pub struct Page {
    theme: Theme,
    width: usize,
    lines: Vec<Line<'static>>,
    /// The entries, from top to bottom.
    pub entries: Vec<Entry>,
    /// The entry under the cursor before the user moves it.
    pub first: usize,
}

impl Page {
    /// An empty page of so many columns.
    pub fn new(scene: &Scene, width: usize) -> Page {
        Page { theme: scene.theme, width, lines: Vec::new(), entries: Vec::new(), first: 0 }
    }

    /// An empty line.
    pub fn blank(&mut self) {
        self.lines.push(Line::default());
    }

    /// The heading of a section, with an empty line before it.
    pub fn heading(&mut self, text: &str) {
        self.blank();
        self.spans(1, vec![Span::styled(text.to_owned(), self.theme.heading())]);
    }

    /// Wrapped plain text.
    pub fn text(&mut self, indent: usize, text: &str) {
        self.styled(indent, text, Style::new());
    }

    /// Wrapped text in one style.
    pub fn styled(&mut self, indent: usize, text: &str, style: Style) {
        self.spans(indent, vec![Span::styled(text.to_owned(), style)]);
    }

    /// Wrapped text.
    pub fn spans(&mut self, indent: usize, mut spans: Vec<Span<'static>>) {
        spans.insert(0, Span::raw(" ".repeat(indent)));
        self.lines.extend(wrap(spans, self.width, indent + 2));
    }

    /// A place in the source, the text of its line below, and what is to be said about that.
    pub fn location(&mut self, indent: usize, lead: &str, location: &Location) {
        let (text, note) = words::source(location);
        let mut spans = vec![Span::raw(lead.to_owned()), Span::styled(words::place(location), self.theme.accent())];
        if let Some(note) = note {
            spans.push(Span::styled(format!(" ({note})"), self.theme.warning()));
        }
        self.spans(indent, spans);
        if let Some(text) = text {
            self.styled(indent + 2, &text, self.theme.source());
        }
    }

    /// An entry: what `fill` puts on the page is it. Its first two columns are the cursor's.
    pub fn entry(&mut self, key: Key, link: Option<Link>, problem: Option<ProblemId>, fill: impl FnOnce(&mut Page)) {
        let start = self.lines.len();
        fill(self);
        self.entries.push(Entry { key, link, problem, lines: start..self.lines.len() });
    }

    /// How many lines it has.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Draws its lines from number `first` on, without a cursor.
    pub fn draw_from(&self, first: usize, area: Rect, buffer: &mut Buffer) {
        for (row, line) in (area.y..area.bottom()).zip(self.lines.iter().skip(first)) {
            buffer.set_line(area.x, row, line, area.width);
        }
    }

    /// Says how many entries are not shown; none of them when that is 0.
    pub fn more(&mut self, number: usize) {
        if number > 0 {
            let text = format!("and {} more: see the task list", crate::text::grouped(number as u64));
            self.styled(2, &text, self.theme.dim());
        }
    }
}

/// The content of a view that is one page.
pub trait Subject {
    /// As [`View::kind`].
    fn kind(&self) -> &'static Kind;

    /// As [`View::name`].
    fn name(&self, scene: &Scene) -> String;

    /// Its page, of so many columns.
    fn page(&self, scene: &Scene, width: usize) -> Page;

    /// As [`View::traced`].
    fn traced(&self, scene: &Scene) -> Traced;

    /// As [`View::waits`].
    fn waits<'m>(&self, model: &'m Model) -> Vec<&'m Edge>;

    /// As [`View::more_docs`].
    fn more_docs(&self, model: &Model) -> Vec<String>;
}

/// A view that is one page: a subject, and the cursor in its page.
pub struct PageView<S> {
    subject: S,
    cursor: Cursor,
    /// The columns of the last frame.
    width: usize,
}

impl<S: Subject + 'static> PageView<S> {
    /// The view of a subject, with the cursor where the page wants it.
    pub fn open(subject: S) -> Box<dyn View> {
        Box::new(PageView { subject, cursor: Cursor::default(), width: 80 })
    }
}

impl<S: Subject> View for PageView<S> {
    fn kind(&self) -> &'static Kind {
        self.subject.kind()
    }

    fn name(&self, scene: &Scene) -> String {
        self.subject.name(scene)
    }

    fn refresh(&mut self, _: &Scene) {
        // A page is made for each frame.
    }

    fn forget(&mut self) {
        self.cursor = Cursor::default();
    }

    fn on_key(&mut self, key: KeyCode, scene: &Scene) {
        self.cursor.on_key(key, &self.subject.page(scene, self.width));
    }

    fn draw(&mut self, scene: &Scene, area: Rect, buffer: &mut Buffer) -> Rect {
        self.width = area.width.into();
        self.cursor.draw(&self.subject.page(scene, self.width), area, buffer);
        area
    }

    fn link(&self, scene: &Scene) -> Option<Link> {
        self.cursor.entry(&self.subject.page(scene, self.width)).and_then(|entry| entry.link)
    }

    fn problem(&self, scene: &Scene) -> Option<ProblemId> {
        self.cursor.entry(&self.subject.page(scene, self.width)).and_then(|entry| entry.problem)
    }

    fn traced(&self, scene: &Scene) -> Traced {
        self.subject.traced(scene)
    }

    fn waits<'m>(&self, model: &'m Model) -> Vec<&'m Edge> {
        self.subject.waits(model)
    }

    fn more_docs(&self, model: &Model) -> Vec<String> {
        self.subject.more_docs(model)
    }
}

/// Where the cursor of a page is, and what part of the page is on the screen.
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
            mark(buffer, Rect { y, height: 1, ..area }, page.theme);
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

    /// To the next entry if that is near, else further down: text between entries is not jumped over.
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

    /// Scrolls so far that the entry is seen, its first line above all.
    fn show(&mut self, entry: &Entry) {
        self.scroll = self.scroll.max(entry.lines.end.saturating_sub(self.height)).min(entry.lines.start);
    }

    fn last_scroll(&self, page: &Page) -> usize {
        page.lines.len().saturating_sub(self.height)
    }
}

/// Colours a row as the cursor's, but for what has a background of its own.
pub fn mark(buffer: &mut Buffer, row: Rect, theme: Theme) {
    let row = row.intersection(buffer.area);
    for position in row.positions() {
        let cell = &mut buffer[position];
        if cell.bg == Color::Reset && !cell.modifier.contains(Modifier::REVERSED) {
            cell.set_style(theme.cursor());
        }
    }
}

/// A task's label, harmless.
pub fn task_label(scene: &Scene, task: TaskId) -> String {
    clean(&scene.model().task_label(task)).into_owned()
}
