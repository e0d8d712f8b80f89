//! The open views, and the effects of keys. No terminal, no socket, no clock: tests use it as data.

use crate::args::Address;
use crate::shares::Shares;
use crate::snapshot::{self, Snapshot};
use crate::text::{clean, fit, fit_end};
use crate::theme::Theme;
use crate::traces::Traces;
use crate::views::help::Help;
use crate::views::rows::{Rows, put};
use crate::views::{Kind, Link, Opener, Scene, Traced, VIEWS, View, status};
use crate::words;
use insight_protocol::{Problem, TaskId, TaskTrace};
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use std::time::{Duration, Instant};

/// The time for which a message hides the state of the connection.
const MESSAGE_SHOWN: Duration = Duration::from_secs(5);

/// The work outside of the screen that a key asks for.
#[derive(Debug, PartialEq)]
pub enum Action {
    /// Nothing.
    None,
    /// To end.
    Quit,
    /// To draw the whole screen again.
    Redraw,
    /// To write the graph of this problem to a file.
    WriteDot(Box<Problem>),
    /// To ask the program where these tasks wait, and to hand the answers to [`App::traced`].
    Trace(Vec<TaskId>),
}

/// Maximum number of tasks that a single key traces.
const MOST_TRACES: usize = 8;

/// The open views.
pub struct App {
    base: Base,
    /// The first of all views. It never closes.
    first: Box<dyn View>,
    /// The views over the first one. The last one is on the screen.
    stack: Vec<Open>,
    help: Option<Help>,
    /// A message and the time of its first frame. It is shown until the next key, and for a few seconds at most.
    message: Option<(String, Instant)>,
    session: Option<String>,
    /// The columns of the last frame.
    width: usize,
}

/// The parts of a scene without the snapshot.
struct Base {
    address: Address,
    theme: Theme,
    shares: Shares,
    traces: Traces,
}

impl Base {
    fn scene<'a>(&'a self, snapshot: &'a Snapshot, now: Instant) -> Scene<'a> {
        Scene { snapshot, shares: &self.shares, traces: &self.traces, address: &self.address, theme: self.theme, now }
    }
}

struct Open {
    view: Box<dyn View>,
    /// Its name in the path, also after its subject is gone.
    name: String,
}

impl App {
    /// Opens the first view.
    pub fn new(address: Address, theme: Theme) -> App {
        App {
            base: Base { address, theme, shares: Shares::default(), traces: Traces::default() },
            first: (VIEWS[0].open)(0),
            stack: Vec::new(),
            help: None,
            message: None,
            session: None,
            width: 80,
        }
    }

    /// Takes in a changed snapshot. The caller does this a few times a second, not for each key.
    pub fn refresh(&mut self, snapshot: &Snapshot, now: Instant) {
        if snapshot.session() != self.session.as_deref() {
            self.begin_run(snapshot, now);
        }
        self.base.shares.sample(&snapshot.model);
        let scene = self.base.scene(snapshot, now);
        self.first.refresh(&scene);
        self.stack.iter_mut().for_each(|open| open.view.refresh(&scene));
    }

    /// Between two refreshes the program may have been restarted.
    fn notice_new_run(&mut self, snapshot: &Snapshot, now: Instant) {
        if snapshot.session() != self.session.as_deref() {
            self.refresh(snapshot, now);
        }
    }

    fn begin_run(&mut self, snapshot: &Snapshot, now: Instant) {
        // The ids of another run mean other things.
        if let (Some(_), Some(header)) = (&self.session, &snapshot.model.header) {
            let name = clean(&header.process.name);
            self.say(format!("{name} was restarted (pid {}): new snapshot", header.process.pid), now);
        }
        self.session = snapshot.session().map(str::to_owned);
        self.stack.clear();
        self.base.shares = Shares::default();
        self.base.traces = Traces::default();
        self.first.forget();
    }

    /// Takes a key.
    pub fn on_key(&mut self, event: KeyEvent, snapshot: &Snapshot, now: Instant) -> Action {
        self.message = None;
        self.notice_new_run(snapshot, now);
        let key = match event.code {
            KeyCode::Char('c') if event.modifiers.contains(KeyModifiers::CONTROL) => return Action::Quit,
            KeyCode::Char('l') if event.modifiers.contains(KeyModifiers::CONTROL) => return Action::Redraw,
            KeyCode::Char(_) if event.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) => {
                return Action::None;
            }
            key => key,
        };
        match key {
            KeyCode::Char('q') => return Action::Quit,
            KeyCode::Char('?') => {
                self.help = if self.help.is_some() { None } else { Some(Help::default()) };
                return Action::None;
            }
            KeyCode::Char('D' | 'd') => return self.write_dot(snapshot, now),
            _ => {}
        }
        if let Some(help) = &mut self.help {
            match key {
                KeyCode::Esc | KeyCode::Backspace | KeyCode::Enter => self.help = None,
                key => match opened_by(key) {
                    Some(kind) => {
                        self.help = None;
                        return self.open_by_key(kind, snapshot, now);
                    }
                    None => help.on_key(key),
                },
            }
            return Action::None;
        }
        match key {
            KeyCode::Esc | KeyCode::Backspace => {
                if self.stack.pop().is_none() {
                    self.say("This is the first view. q quits.".into(), now);
                }
            }
            KeyCode::Char('T' | 't') => return self.trace(snapshot, now),
            KeyCode::Enter => self.enter(snapshot, now),
            key => match opened_by(key) {
                Some(kind) => return self.open_by_key(kind, snapshot, now),
                None => {
                    let scene = self.base.scene(snapshot, now);
                    top(&mut self.first, &mut self.stack).on_key(key, &scene);
                }
            },
        }
        Action::None
    }

    /// Shows a message in the status line, until the next key or for a few seconds.
    pub fn say(&mut self, message: String, now: Instant) {
        self.message = Some((message, now));
    }

    /// Draws the whole screen.
    pub fn draw(&mut self, snapshot: &Snapshot, now: Instant, area: Rect, buffer: &mut Buffer) {
        self.width = area.width.into();
        self.notice_new_run(snapshot, now);
        let scene = self.base.scene(snapshot, now);
        let mut rows = Rows { rest: area };
        if let Some((tier, text)) = words::banner(&snapshot.model) {
            let row = rows.top();
            buffer.set_style(row, scene.theme.banner(tier));
            let line = words::banner_line(&snapshot.model).map_or_else(String::new, |line| format!(": {line}"));
            let text = fit(&format!(" {text}, P for more{line}"), row.width.into());
            put(buffer, row, &Line::from(Span::styled(text, scene.theme.banner(tier))));
        }
        let footer = rows.bottom_if(rows.rest.height > 3);
        let status = rows.bottom_if(rows.rest.height > 2);
        if !self.stack.is_empty() {
            put(buffer, rows.top_if(rows.rest.height > 2), &self.path(&scene));
        }
        let view = top(&mut self.first, &mut self.stack);
        let body = view.draw(&scene, rows.rest, buffer);
        if let Some(help) = &mut self.help {
            help.draw(&scene, view, body, buffer);
        }
        let (text, style) = match &self.message {
            Some((message, since)) if now.saturating_duration_since(*since) < MESSAGE_SHOWN => {
                (clean(message).into_owned(), scene.theme.title())
            }
            _ => status::link(&scene),
        };
        let text = fit(&format!(" {text}"), status.width.into());
        put(buffer, status, &Line::from(Span::styled(text, style)));
        put(buffer, footer, &status::keys(scene.theme, &self.hints(snapshot), footer.width.into()));
    }

    /// The view on the screen.
    fn view(&self) -> &dyn View {
        self.stack.last().map_or(&*self.first, |open| &*open.view)
    }

    fn enter(&mut self, snapshot: &Snapshot, now: Instant) {
        if let Some(link) = self.view().link(&self.base.scene(snapshot, now)) {
            self.open(link, snapshot, now);
        }
    }

    fn open(&mut self, link: Link, snapshot: &Snapshot, now: Instant) {
        let scene = self.base.scene(snapshot, now);
        let mut view = (link.kind.open)(link.id);
        view.refresh(&scene);
        let name = view.name(&scene);
        self.stack.push(Open { view, name });
    }

    fn open_by_key(&mut self, (kind, opener): (&'static Kind, &Opener), snapshot: &Snapshot, now: Instant) -> Action {
        if let Err(why) = (opener.ready)(&snapshot.model) {
            self.say(why.to_owned(), now);
            return Action::None;
        }
        if !std::ptr::eq(self.view().kind(), kind) {
            self.open(Link { kind, id: 0 }, snapshot, now);
        }
        match self.view().traced(&self.base.scene(snapshot, now)) {
            Traced::Tasks(mut tasks) if opener.traces => {
                tasks.retain(|task| self.base.traces.of(*task).is_none());
                self.ask(tasks)
            }
            Traced::Tasks(_) | Traced::Linked => Action::None,
        }
    }

    /// Asks for a trace of each task of the view.
    fn trace(&mut self, snapshot: &Snapshot, now: Instant) -> Action {
        if matches!(self.view().traced(&self.base.scene(snapshot, now)), Traced::Linked) {
            self.enter(snapshot, now);
        }
        let tasks = match self.view().traced(&self.base.scene(snapshot, now)) {
            Traced::Tasks(tasks) if !tasks.is_empty() => tasks,
            Traced::Tasks(_) | Traced::Linked => {
                self.say("Cannot trace: there is no task here.".into(), now);
                return Action::None;
            }
        };
        if snapshot.link != snapshot::Link::Connected {
            self.say("Cannot trace: the program is not connected.".into(), now);
            return Action::None;
        }
        self.ask(tasks)
    }

    fn ask(&mut self, mut tasks: Vec<TaskId>) -> Action {
        tasks.truncate(MOST_TRACES);
        tasks.retain(|task| self.base.traces.ask(*task));
        if tasks.is_empty() { Action::None } else { Action::Trace(tasks) }
    }

    /// Takes the answer to an [`Action::Trace`].
    pub fn traced(&mut self, task: TaskId, answer: Result<TaskTrace, String>) {
        self.base.traces.answer(task, answer);
    }

    /// Writes the graph of the problem under the cursor; without one, of the first problem.
    fn write_dot(&mut self, snapshot: &Snapshot, now: Instant) -> Action {
        let scene = self.base.scene(snapshot, now);
        let chosen = self.view().problem(&scene);
        let first = || snapshot.model.problems().problems.first().map(|problem| problem.id);
        match chosen.or_else(first).and_then(|id| snapshot.model.problems.get(&id)) {
            Some(problem) => Action::WriteDot(Box::new(problem.clone())),
            None => {
                self.say("No problem was found: there is no graph to write.".into(), now);
                Action::None
            }
        }
    }

    /// `barbara › task 7 (post) › prototype_channel`; its end matters most.
    fn path(&self, scene: &Scene) -> Line<'static> {
        let program = scene.model().header.as_ref().map_or("tasks", |header| &header.process.name);
        let before: Vec<&str> = std::iter::once(program)
            .chain(self.stack.iter().rev().skip(1).rev().map(|view| view.name.as_str()))
            .collect();
        let before = format!("{} › ", before.join(" › "));
        let here = self.stack.last().map_or("", |view| view.name.as_str());
        let here = fit(here, self.width.saturating_sub(1));
        let room = self.width.saturating_sub(1 + crate::text::width(&here));
        Line::from(vec![
            Span::raw(" "),
            Span::styled(fit_end(&before, room), scene.theme.dim()),
            Span::styled(here, Style::new().patch(scene.theme.title())),
        ])
    }

    fn hints(&self, snapshot: &Snapshot) -> Vec<status::Hint> {
        if self.help.is_some() {
            return vec![(9, "↑↓", "scroll"), (9, "Esc", "close"), (1, "q", "quit")];
        }
        let mut hints: Vec<status::Hint> = self.view().kind().keys.iter().filter_map(|key| key.hint).collect();
        let openers = VIEWS.iter().filter_map(|kind| kind.opener.as_ref());
        hints.extend(openers.filter(|it| (it.ready)(&snapshot.model).is_ok()).filter_map(|it| it.shown.hint));
        if !snapshot.model.problems.is_empty() {
            hints.push((4, "D", "dot file"));
        }
        hints.extend([(9, "?", "help"), (7, "q", "quit")]);
        hints
    }
}

/// The view on the screen, to change it.
fn top<'a>(first: &'a mut Box<dyn View>, stack: &'a mut [Open]) -> &'a mut dyn View {
    match stack.last_mut() {
        Some(open) => &mut *open.view,
        None => &mut **first,
    }
}

/// The kind of view that this key opens from everywhere.
fn opened_by(key: KeyCode) -> Option<(&'static Kind, &'static Opener)> {
    let KeyCode::Char(letter) = key else { return None };
    let mut openers = VIEWS.iter().filter_map(|kind| Some((*kind, kind.opener.as_ref()?)));
    openers.find(|(_, opener)| opener.key == letter.to_ascii_uppercase())
}
