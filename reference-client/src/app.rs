//! Where the user is, and what keys do. No terminal, no socket, no clock: all tested as data.

use crate::args::Address;
use crate::picture::{Link, Picture};
use crate::shares::Shares;
use crate::text::{clean, fit, fit_end};
use crate::theme::Theme;
use crate::traces::Traces;
use crate::views::help::{Help, Topic};
use crate::views::page::{Cursor, Goto, Page, task_label};
use crate::views::task_list::TaskList;
use crate::views::{Scene, problem, resource, status, task};
use crate::words;
use insight_protocol::{Problem, ResourceId, TaskId, TaskTrace};
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
    list: TaskList,
    /// The views over the task list, the one on the screen last.
    stack: Vec<View>,
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

struct View {
    subject: Subject,
    /// Its name in the path, kept for when it is gone.
    name: String,
    cursor: Cursor,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Subject {
    Task(TaskId),
    Resource(ResourceId),
    Problems,
}

impl App {
    /// At the task list.
    pub fn new(address: Address, theme: Theme) -> App {
        App {
            base: Base { address, theme, shares: Shares::default(), traces: Traces::default() },
            list: TaskList::default(),
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
        self.list.refresh(&self.base.scene(picture, now));
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
        self.list.forget();
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
                KeyCode::Char('P' | 'p') => {
                    self.help = None;
                    return self.open_problems(picture, now);
                }
                key => help.on_key(key),
            }
            return Action::None;
        }
        match key {
            KeyCode::Esc | KeyCode::Backspace => {
                if self.stack.pop().is_none() {
                    self.say("This is the first view. q quits.".into(), now);
                }
            }
            KeyCode::Char('P' | 'p') => return self.open_problems(picture, now),
            KeyCode::Char('T' | 't') => return self.trace(picture, now),
            KeyCode::Enter => self.enter(picture, now),
            key => self.move_cursor(key, picture, now),
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
            let text = fit(&format!(" {text}"), row.width.into());
            put(buffer, row, &Line::from(Span::styled(text, scene.theme.banner(tier))));
        }
        let footer = rows.bottom_if(rows.rest.height > 3);
        let status = rows.bottom_if(rows.rest.height > 2);
        if self.stack.is_empty() {
            put(buffer, rows.top_if(rows.rest.height > 4), &status::program(&scene, area.width.into()));
            let counts_row = rows.top_if(rows.rest.height > 3 && picture.model.header.is_some());
            put(buffer, counts_row, &self.counts(&scene, counts_row.width.into()));
            let row = rows.top_if(rows.rest.height > 4 && picture.model.header.is_some());
            put(buffer, row, &status::coverage(&scene, &self.list.observed, row.width.into()));
        } else {
            put(buffer, rows.top_if(rows.rest.height > 2), &self.path(&scene));
        }
        let cause = rows.bottom_if(self.stack.is_empty() && picture.model.header.is_some() && rows.rest.height > 8);
        put(buffer, cause, &self.list.cause(&scene, cause.width.into()));
        let body = rows.rest;
        match self.stack.last_mut() {
            None if picture.model.header.is_none() => {
                let mut page = Page::new(&scene, body.width.into());
                page.blank();
                status::nothing_yet(&scene).iter().for_each(|line| page.text(2, line));
                page.draw_from(0, body, buffer);
            }
            None => match picture.model.why_empty() {
                // r[coverage.empty]
                Some(why) => {
                    let mut page = Page::new(&scene, body.width.into());
                    page.blank();
                    page.text(2, &why);
                    page.draw_from(0, body, buffer);
                }
                None => self.list.draw(&scene, body, buffer),
            },
            Some(view) => {
                let page = page(&scene, view.subject, body.width.into());
                view.cursor.draw(&page, body, buffer);
            }
        }
        let topic = topic(self.stack.last(), &self.list);
        if let Some(help) = &mut self.help {
            help.draw(&scene, topic, body, buffer);
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

    fn move_cursor(&mut self, key: KeyCode, picture: &Picture, now: Instant) {
        let scene = self.base.scene(picture, now);
        match self.stack.last_mut() {
            None => self.list.on_key(key, &scene),
            Some(view) => view.cursor.on_key(key, &page(&scene, view.subject, self.width)),
        };
    }

    fn enter(&mut self, picture: &Picture, now: Instant) {
        let scene = self.base.scene(picture, now);
        let goto = match self.stack.last() {
            None => self.list.selected().map(Goto::Task),
            Some(view) => {
                let page = page(&scene, view.subject, self.width);
                view.cursor.entry(&page).and_then(|entry| entry.goto)
            }
        };
        let (subject, name) = match goto {
            None => return,
            Some(Goto::Task(id)) => (Subject::Task(id), task_label(&scene, id)),
            Some(Goto::Resource(id)) => {
                let resource = picture.model.resources.get(&id);
                (
                    Subject::Resource(id),
                    resource.map_or_else(|| format!("resource {id}"), |it| words::short_name(&picture.model, it)),
                )
            }
        };
        self.stack.push(View { subject, name, cursor: Cursor::default() });
    }

    /// The tasks of the problems are asked where they wait: to open the view is to ask.
    fn open_problems(&mut self, picture: &Picture, now: Instant) -> Action {
        if picture.model.problems.is_empty() {
            self.say("No problem was found.".into(), now);
            return Action::None;
        }
        if self.stack.last().is_none_or(|view| view.subject != Subject::Problems) {
            let (subject, name) = (Subject::Problems, "problems".to_owned());
            self.stack.push(View { subject, name, cursor: Cursor::default() });
        }
        let mut tasks = tasks_of_problems(picture);
        tasks.retain(|task| self.base.traces.of(*task).is_none());
        self.ask(tasks)
    }

    /// Where the task of the view, or each task of the problems, waits now.
    fn trace(&mut self, picture: &Picture, now: Instant) -> Action {
        if self.stack.is_empty() {
            self.enter(picture, now);
        }
        let tasks = match self.stack.last().map(|view| view.subject) {
            Some(Subject::Task(id)) if picture.model.tasks.contains_key(&id) => vec![id],
            Some(Subject::Problems) => tasks_of_problems(picture),
            _ => {
                self.say("There is no task here that could be traced.".into(), now);
                return Action::None;
            }
        };
        if picture.link != Link::Connected {
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
        let chosen = self.stack.last().and_then(|view| {
            let page = page(&scene, view.subject, self.width);
            view.cursor.entry(&page).and_then(|entry| entry.problem)
        });
        let first = || picture.model.problems().problems.first().map(|problem| problem.id);
        match chosen.or_else(first).and_then(|id| picture.model.problems.get(&id)) {
            Some(problem) => Action::WriteDot(Box::new(problem.clone())),
            None => {
                self.say("No problem was found, so there is no graph to write.".into(), now);
                Action::None
            }
        }
    }

    fn counts(&self, scene: &Scene, columns: usize) -> Line<'static> {
        let counts = self.list.counts.text(scene.model().ended, scene.model().panicked);
        let sorted = format!("{} ", self.list.sorted_by());
        let room = columns.saturating_sub(crate::text::width(&sorted) + 2);
        let counts = fit(&counts, room);
        let gap = columns.saturating_sub(1 + crate::text::width(&counts) + crate::text::width(&sorted));
        Line::from(vec![Span::raw(format!(" {counts}{}", " ".repeat(gap))), Span::styled(sorted, scene.theme.dim())])
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
        let mut hints = match self.stack.last() {
            None => vec![(6, "↑↓", "move"), (8, "Enter", "open"), (3, "←→", "sort"), (2, "r", "reverse")],
            Some(_) => vec![(6, "↑↓", "move"), (8, "Enter", "open"), (7, "Esc", "back")],
        };
        if self.stack.last().is_some_and(|view| matches!(view.subject, Subject::Task(_) | Subject::Problems)) {
            hints.push((5, "t", "trace"));
        }
        if !picture.model.problems.is_empty() {
            hints.extend([(5, "P", "problems"), (4, "D", "dot file")]);
        }
        hints.extend([(9, "?", "help"), (7, "q", "quit")]);
        hints
    }
}

fn page(scene: &Scene, subject: Subject, width: usize) -> Page {
    match subject {
        Subject::Task(id) => task::page(scene, id, width),
        Subject::Resource(id) => resource::page(scene, id, width),
        Subject::Problems => problem::page(scene, width),
    }
}

/// Each once, those of the first problem first.
fn tasks_of_problems(picture: &Picture) -> Vec<TaskId> {
    let mut tasks = Vec::new();
    for problem in picture.model.problems().problems {
        for task in problem.tasks.iter().map(|task| task.id) {
            if !tasks.contains(&task) {
                tasks.push(task);
            }
        }
    }
    tasks
}

fn topic(view: Option<&View>, list: &TaskList) -> Topic {
    match view.map(|view| view.subject) {
        None => Topic::Tasks(list.selected()),
        Some(Subject::Task(id)) => Topic::Task(id),
        Some(Subject::Resource(id)) => Topic::Resource(id),
        Some(Subject::Problems) => Topic::Problems,
    }
}

fn put(buffer: &mut Buffer, row: Rect, line: &Line) {
    if !row.is_empty() {
        buffer.set_line(row.x, row.y, line, row.width);
    }
}

/// Takes rows off a screen, from its top and its bottom; empty ones when none is left.
struct Rows {
    rest: Rect,
}

impl Rows {
    fn top(&mut self) -> Rect {
        self.top_if(true)
    }

    fn top_if(&mut self, wanted: bool) -> Rect {
        let height = self.rest.height.min(wanted.into());
        let row = Rect { height, ..self.rest };
        self.rest.y += height;
        self.rest.height -= height;
        row
    }

    fn bottom_if(&mut self, wanted: bool) -> Rect {
        let height = self.rest.height.min(wanted.into());
        self.rest.height -= height;
        Rect { y: self.rest.y + self.rest.height, height, ..self.rest }
    }
}
