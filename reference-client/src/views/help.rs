//! Help for the view on the screen, in a window over it.

use super::page::Page;
use super::{BACK, Key, Kind, Scene, VIEWS, View};
use crate::text::count;
use crate::words;
use insight_protocol::ProblemEdge;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyCode;
use ratatui::layout::Rect;
use ratatui::text::Span;
use ratatui::widgets::{Block, Clear, Widget};

/// The part of the help on the screen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Help {
    scroll: usize,
    height: usize,
}

impl Help {
    /// Takes a key.
    pub fn on_key(&mut self, key: KeyCode) {
        let jump = self.height.saturating_sub(1).max(1);
        self.scroll = match key {
            KeyCode::Down | KeyCode::Char('j') => self.scroll + 1,
            KeyCode::Up | KeyCode::Char('k') => self.scroll.saturating_sub(1),
            KeyCode::PageDown | KeyCode::Char(' ') => self.scroll + jump,
            KeyCode::PageUp => self.scroll.saturating_sub(jump),
            KeyCode::Home | KeyCode::Char('g') => 0,
            KeyCode::End | KeyCode::Char('G') => usize::MAX,
            _ => self.scroll,
        };
    }

    /// Draws the window into the middle of `area`.
    pub fn draw(&mut self, scene: &Scene, view: &dyn View, area: Rect, buffer: &mut Buffer) {
        // In a small window, help takes all room.
        let width = if area.width > 92 { 84 } else { area.width };
        let page = page(scene, view, width.saturating_sub(2).into());
        let most = if area.height > 24 { area.height - 4 } else { area.height };
        let height = most.min(u16::try_from(page.lines().len() + 2).unwrap_or(u16::MAX));
        let (x, y) = (area.x + (area.width - width) / 2, area.y + (area.height - height) / 2);
        let window = Rect { x, y, width, height };
        self.height = window.height.saturating_sub(2).into();
        self.scroll = self.scroll.min(page.lines().len().saturating_sub(self.height));
        let below = page.lines().len().saturating_sub(self.scroll + self.height);
        let footer = if below > 0 {
            format!(" ↓ {} more · Esc closes ", count(below as u64, "line"))
        } else {
            " Esc closes ".into()
        };
        let block = Block::bordered().title(" Help ").title_bottom(footer).border_style(scene.theme.accent());
        let inside = block.inner(window);
        Clear.render(window, buffer);
        block.render(window, buffer);
        page.draw_from(self.scroll, inside, buffer);
    }
}

fn page(scene: &Scene, view: &dyn View, width: usize) -> Page {
    let (mut page, kind) = (Page::new(scene.theme, width), view.kind());
    page.spans(1, vec![Span::styled(kind.title, scene.theme.title())]);
    full_channel(scene, &mut page, view);
    page.heading("KEYS");
    // A view may describe a key of all views in its own words.
    let shared = others(kind).chain(&SHARED).filter(|shared| kind.keys.iter().all(|key| key.keys != shared.keys));
    for key in kind.keys.iter().chain(shared) {
        entry(scene, &mut page, &format!("{}: {}", key.keys, key.does));
    }
    for block in kind.help.trim().split("\n\n") {
        match block.strip_prefix("# ") {
            Some(heading) => page.heading(heading),
            None => block.lines().for_each(|line| entry(scene, &mut page, line)),
        }
    }
    page.heading("MORE");
    let docs = kind.docs.iter().map(|docs| (*docs).to_owned()).chain(view.more_docs(scene.model()));
    docs.for_each(|docs| page.styled(2, &scene.address.url(&docs), scene.theme.accent()));
    page
}

/// The keys that open the other views.
fn others(kind: &'static Kind) -> impl Iterator<Item = &'static Key> {
    let others = VIEWS.iter().filter(move |other| !std::ptr::eq(**other, kind));
    others.filter_map(|other| other.opener.as_ref().map(|opener| &opener.shown))
}

/// The keys of all views.
const SHARED: [Key; 3] = [
    Key { keys: "D", does: "write a problem's graph to a file", hint: None },
    BACK,
    Key { keys: "q", does: "quit; Ctrl-L draws the screen again", hint: None },
];

/// `term: meaning`.
fn entry(scene: &Scene, page: &mut Page, line: &str) {
    match line.split_once(": ") {
        Some((term, meaning)) => {
            page.spans(2, vec![Span::styled(format!("{term}  "), scene.theme.accent()), Span::raw(meaning.to_owned())])
        }
        None => page.text(2, line),
    }
}

/// Advice on a full channel, if the view shows a wait for room.
fn full_channel(scene: &Scene, page: &mut Page, view: &dyn View) {
    let model = scene.model();
    let Some(wait) = view.waits(model).into_iter().find(|edge| words::is_full_channel_wait(model, edge)) else {
        return;
    };
    // In a circle no rate and no capacity helps, but the advice of the problem does.
    let is_part = |edge: &ProblemEdge| edge.kind == "wait" && (edge.task, edge.resource) == (wait.task, wait.resource);
    if let Some(problem) = model.problems.values().find(|problem| problem.edges.iter().any(is_part)) {
        page.heading("THIS CHANNEL IS FULL, AND STAYS FULL");
        page.text(2, &problem.title);
        page.text(2, &problem.advice);
        page.styled(2, &scene.address.url(&problem.docs), scene.theme.accent());
        return;
    }
    page.heading("THIS CHANNEL IS FULL");
    let at = model.lines_of_wait(wait).first.map_or_else(String::new, |at| format!(" at {}", words::place(at)));
    page.text(2, &format!("{} has no room, so its sender waits{at}. You can:", words::resource_name(model, wait)));
    page.text(2, "- find the reason: Enter on the channel, then on the task that can receive");
    page.text(2, "- receive from it more often");
    page.text(2, "- send to it less often");
    page.text(2, "- give it a larger capacity, which only helps against bursts");
    page.text(2, "- make it unbounded, and limit its memory in another way");
    page.styled(2, &scene.address.url("/docs/channel-full"), scene.theme.accent());
}
