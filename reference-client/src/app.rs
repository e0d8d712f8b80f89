//! Where the user is, and what keys do. No terminal, no socket, no clock: all tested as data.

use crate::args::Address;
use crate::picture::{self, Picture};
use crate::shares::Shares;
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

/// How long a message hides the state of the connection.
const MESSAGE_STANDS: Duration = Duration::from_secs(5);

/// What a key asks for that is not the screen's own.
#[derive(Debug, PartialEq)]
pub enum Action {
    /// Nothing.
    None,
    /// To end.
    Quit,
    /// To draw all of the screen anew.
    Redraw,
    /// To write the graph of this problem to a file.
    WriteDot(Box<Problem>),
    /// To ask the program where these tasks wait, and to hand the answers to [`App::traced`].
    Trace(Vec<TaskId>),
}

/// So many tasks of problems are traced without a key for each.
const MOST_TRACES: usize = 8;

/// Where the user is.
pub struct App {
    base: Base,
    /// The first of all views. It never closes.
    first: Box<dyn View>,
    /// The views over the first one, the one on the screen last.
    stack: Vec<Open>,
    help: Option<Help>,
    /// What there is to say, and since when: until the next key, and for a few seconds at most.
    message: Option<(String, Instant)>,
    session: Option<String>,
    /// The columns of the last frame.
    width: usize,
}

/// What a scene needs besides the picture.
struct Base {
    address: Address,
    theme: Theme,
    shares: Shares,
    traces: Traces,
}

impl Base {
    fn scene<'a>(&'a self, picture: &'a Picture, now: Instant) -> Scene<'a> {
        Scene { picture, shares: &self.shares, traces: &self.traces, address: &self.address, theme: self.theme, now }
    }
}

struct Open {
    view: Box<dyn View>,
    /// Its name in the path, kept for when it is gone.
    name: String,
}

impl App {
    /// At the first view.
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

    /// Takes in what the picture has become: to be called a few times a second, not at every key.
    pub fn refresh(&mut self, picture: &Picture, now: Instant) {
        if picture.session() != self.session.as_deref() {
            self.begin_anew(picture, now);
        }
        self.base.shares.sample(&picture.model);
        let scene = self.base.scene(picture, now);
        self.first.refresh(&scene);
        self.stack.iter_mut().for_each(|open| open.view.refresh(&scene));
    }

    /// Between two refreshes the program may have been started anew.
    fn notice_new_run(&mut self, picture: &Picture, now: Instant) {
        if picture.session() != self.session.as_deref() {
            self.refresh(picture, now);
        }
    }

    fn begin_anew(&mut self, picture: &Picture, now: Instant) {
        // The ids of another run mean other things.
        if let (Some(_), Some(header)) = (&self.session, &picture.model.header) {
            let name = clean(&header.process.name);
            self.say(format!("{name} was started anew (pid {}): a fresh picture", header.process.pid), now);
        }
        self.session = picture.session().map(str::to_owned);
        self.stack.clear();
        self.base.shares = Shares::default();
        self.base.traces = Traces::default();
        self.first.forget();
    }

    /// Takes a key.
    pub fn on_key(&mut self, event: KeyEvent, picture: &Picture, now: Instant) -> Action {
        self.message = None;
        self.notice_new_run(picture, now);
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
            KeyCode::Char('D' | 'd') => return self.write_dot(picture, now),
            _ => {}
        }
        if let Some(help) = &mut self.help {
            match key {
                KeyCode::Esc | KeyCode::Backspace | KeyCode::Enter => self.help = None,
                key => match opened_by(key) {
                    Some(kind) => {
                        self.help = None;
                        return self.open_by_key(kind, picture, now);
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
            KeyCode::Char('T' | 't') => return self.trace(picture, now),
            KeyCode::Enter => self.enter(picture, now),
            key => match opened_by(key) {
                Some(kind) => return self.open_by_key(kind, picture, now),
                None => {
                    let scene = self.base.scene(picture, now);
                    top(&mut self.first, &mut self.stack).on_key(key, &scene);
                }
            },
        }
        Action::None
    }

    /// Says something in the status line, until the next key or for a few seconds.
    pub fn say(&mut self, message: String, now: Instant) {
        self.message = Some((message, now));
    }

    /// Draws the whole screen.
    pub fn draw(&mut self, picture: &Picture, now: Instant, area: Rect, buffer: &mut Buffer) {
        self.width = area.width.into();
        self.notice_new_run(picture, now);
        let scene = self.base.scene(picture, now);
        let mut rows = Rows { rest: area };
        if let Some((tier, text)) = words::banner(&picture.model) {
            let row = rows.top();
            buffer.set_style(row, scene.theme.banner(tier));
            let text = fit(&format!(" {text}, P for more"), row.width.into());
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
            Some((message, since)) if now.saturating_duration_since(*since) < MESSAGE_STANDS => {
                (clean(message).into_owned(), scene.theme.title())
            }
            _ => status::link(&scene),
        };
        let text = fit(&format!(" {text}"), status.width.into());
        put(buffer, status, &Line::from(Span::styled(text, style)));
        put(buffer, footer, &status::keys(scene.theme, &self.hints(picture), footer.width.into()));
    }

    /// The view on the screen.
    fn view(&self) -> &dyn View {
        self.stack.last().map_or(&*self.first, |open| &*open.view)
    }

    fn enter(&mut self, picture: &Picture, now: Instant) {
        if let Some(link) = self.view().link(&self.base.scene(picture, now)) {
            self.open(link, picture, now);
        }
    }

    fn open(&mut self, link: Link, picture: &Picture, now: Instant) {
        let scene = self.base.scene(picture, now);
        let mut view = (link.kind.open)(link.id);
        view.refresh(&scene);
        let name = view.name(&scene);
        self.stack.push(Open { view, name });
    }

    fn open_by_key(&mut self, (kind, opener): (&'static Kind, &Opener), picture: &Picture, now: Instant) -> Action {
        if let Err(why) = (opener.ready)(&picture.model) {
            self.say(why.to_owned(), now);
            return Action::None;
        }
        if !std::ptr::eq(self.view().kind(), kind) {
            self.open(Link { kind, id: 0 }, picture, now);
        }
        match self.view().traced(&self.base.scene(picture, now)) {
            Traced::Tasks(mut tasks) if opener.traces => {
                tasks.retain(|task| self.base.traces.of(*task).is_none());
                self.ask(tasks)
            }
            Traced::Tasks(_) | Traced::Linked => Action::None,
        }
    }

    /// Where the tasks of the view wait now.
    fn trace(&mut self, picture: &Picture, now: Instant) -> Action {
        if matches!(self.view().traced(&self.base.scene(picture, now)), Traced::Linked) {
            self.enter(picture, now);
        }
        let tasks = match self.view().traced(&self.base.scene(picture, now)) {
            Traced::Tasks(tasks) if !tasks.is_empty() => tasks,
            Traced::Tasks(_) | Traced::Linked => {
                self.say("There is no task here that could be traced.".into(), now);
                return Action::None;
            }
        };
        if picture.link != picture::Link::Connected {
            self.say("A task is traced by its program, and that is not connected.".into(), now);
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

    /// The problem under the cursor, elsewhere the first of them.
    fn write_dot(&mut self, picture: &Picture, now: Instant) -> Action {
        let scene = self.base.scene(picture, now);
        let chosen = self.view().problem(&scene);
        let first = || picture.model.problems().problems.first().map(|problem| problem.id);
        match chosen.or_else(first).and_then(|id| picture.model.problems.get(&id)) {
            Some(problem) => Action::WriteDot(Box::new(problem.clone())),
            None => {
                self.say("No problem was found, so there is no graph to write.".into(), now);
                Action::None
            }
        }
    }

    /// `barbara › task 7 (post) › prototype_channel`; its end is what matters.
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

    fn hints(&self, picture: &Picture) -> Vec<status::Hint> {
        if self.help.is_some() {
            return vec![(9, "↑↓", "scroll"), (9, "Esc", "close"), (1, "q", "quit")];
        }
        let mut hints: Vec<status::Hint> = self.view().kind().keys.iter().filter_map(|key| key.hint).collect();
        let openers = VIEWS.iter().filter_map(|kind| kind.opener.as_ref());
        hints.extend(openers.filter(|it| (it.ready)(&picture.model).is_ok()).filter_map(|it| it.shown.hint));
        if !picture.model.problems.is_empty() {
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
