//! A page of wrapped text with entries: for a window, and for plain text.

use super::{Link, Scene};
use crate::text::{clean, wrap};
use crate::theme::Theme;
use crate::words;
use insight_model::{Lines, Location};
use insight_protocol::{ProblemId, TaskId};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use std::ops::Range;

/// Maximum number of entries of one kind on a page. The page has the number of the others.
pub const MOST_ENTRIES: usize = 500;

/// The identity of an entry across changes of the page: its kind, and one or two IDs.
pub type Key = (&'static str, u64, u64);

/// An entry.
#[derive(Debug)]
pub struct Entry {
    /// Its identity.
    pub key: Key,
    /// The view that Enter opens.
    pub link: Option<Link>,
    /// The problem that it belongs to.
    pub problem: Option<ProblemId>,
    /// Its lines on the page.
    pub lines: Range<usize>,
}

/// A page of text.
#[derive(Debug)]
pub struct Page {
    theme: Theme,
    width: usize,
    /// Whether its reader can press keys.
    has_keys: bool,
    lines: Vec<Line<'static>>,
    /// The entries, from top to bottom.
    pub entries: Vec<Entry>,
    /// The entry under the cursor before the user moves it.
    pub first: usize,
}

impl Page {
    /// An empty page for a window of `width` columns.
    pub fn new(theme: Theme, width: usize) -> Page {
        Page { theme, width, has_keys: true, lines: Vec::new(), entries: Vec::new(), first: 0 }
    }

    /// An empty page of plain text, without colours and without hints at keys.
    pub fn plain(width: usize) -> Page {
        Page { has_keys: false, ..Page::new(Theme::new(false), width) }
    }

    /// Its colours.
    pub fn theme(&self) -> Theme {
        self.theme
    }

    /// The columns of its window.
    pub fn columns(&self) -> usize {
        self.width
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

    /// The effect of a key, on a page whose reader can press it.
    pub fn hint(&mut self, indent: usize, text: &str) {
        if self.has_keys {
            self.styled(indent, text, self.theme.dim());
        }
    }

    /// Wrapped text.
    pub fn spans(&mut self, indent: usize, mut spans: Vec<Span<'static>>) {
        spans.insert(0, Span::raw(" ".repeat(indent)));
        self.lines.extend(wrap(spans, self.width, indent + 2));
    }

    /// A place in the source, a note on its quality, and the text of its line below.
    pub fn location(&mut self, indent: usize, lead: &str, location: &Location) {
        self.located(indent, lead, location, String::new());
    }

    /// As [`location`](Page::location), with words after the place.
    fn located(&mut self, indent: usize, lead: &str, location: &Location, after: String) {
        let (text, note) = words::source(location);
        let mut spans = vec![Span::raw(lead.to_owned()), Span::styled(words::place(location), self.theme.accent())];
        spans.push(Span::raw(after));
        if let Some(note) = note {
            spans.push(Span::styled(format!(" ({note})"), self.theme.warning()));
        }
        self.spans(indent, spans);
        if let Some(text) = text {
            self.styled(indent + 2, &text, self.theme.source());
        }
    }

    /// The lines of an await: the program's own line with its text, the library's line, and, if `outward`, the own functions that
    /// called them.
    pub fn lines_of(&mut self, indent: usize, lines: &Lines, outward: bool) {
        let function = |name: Option<&str>| name.map_or_else(String::new, |name| format!("{} ", clean(name)));
        if let Some(first) = lines.first {
            let within = lines.function.map_or_else(String::new, |function| format!(", in {}", clean(function)));
            self.located(indent, "at ", first, within);
        }
        match (lines.inside, lines.library) {
            (Some(inside), Some(line)) => {
                let text = format!("inside {} ({})", clean(inside), words::place(line));
                self.styled(indent, &text, self.theme.dim());
            }
            (Some(inside), None) => self.styled(indent, &format!("inside {}", clean(inside)), self.theme.dim()),
            (None, Some(line)) => self.styled(indent, &format!("inside {}", words::place(line)), self.theme.dim()),
            (None, None) => {}
        }
        for caller in lines.callers.iter().filter(|_| outward) {
            let lead = format!("called by {}", function(caller.function.as_deref()));
            match &caller.location {
                Some(location) => self.location(indent, &format!("{lead}at "), location),
                None => self.text(indent, &lead),
            }
        }
        if lines.cut && outward {
            self.styled(indent, "and more: the stack is too deep to show", self.theme.dim());
        }
        if let Some(task) = lines.as_in {
            self.styled(indent, &words::as_in(task), self.theme.dim());
        }
    }

    /// An entry with the lines that `fill` puts on the page. Its first two columns are the cursor's.
    pub fn entry(&mut self, key: Key, link: Option<Link>, problem: Option<ProblemId>, fill: impl FnOnce(&mut Page)) {
        let start = self.lines.len();
        fill(self);
        self.entries.push(Entry { key, link, problem, lines: start..self.lines.len() });
    }

    /// Its lines, from top to bottom.
    pub fn lines(&self) -> &[Line<'static>] {
        &self.lines
    }

    /// Draws its lines from number `first` on, without a cursor.
    pub fn draw_from(&self, first: usize, area: Rect, buffer: &mut Buffer) {
        for (row, line) in (area.y..area.bottom()).zip(self.lines.iter().skip(first)) {
            buffer.set_line(area.x, row, line, area.width);
        }
    }

    /// The number of entries that are not shown, unless it is 0.
    pub fn more(&mut self, number: usize) {
        if number > 0 {
            let text = format!("and {} more: see the task list", crate::text::grouped(number as u64));
            self.styled(2, &text, self.theme.dim());
        }
    }
}

/// A task's label without control characters.
pub fn task_label(scene: &Scene, task: TaskId) -> String {
    clean(&scene.model().task_label(task)).into_owned()
}
