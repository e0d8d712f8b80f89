//! All tasks, like `top`. Only the rows on the screen are built.

use super::columns::Column::{self, *};
use super::columns::{Rank, cell, columns, layout, rank, wait_location};
use super::page::{Page, mark};
use super::rows::{Rows, put};
use super::status::{self, Counts};
use super::{Key, Kind, Link, Scene, Traced, View, task};
use crate::text::{fit, fit_end, width};
use crate::words::{self, Weight};
use insight_model::{Edge, EdgeBody, Model, ObservedTasks, Task};
use insight_protocol::{ProblemId, Severity, TaskId, Tier};
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyCode;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use std::collections::HashMap;

/// The kind of this view.
pub static KIND: Kind = Kind {
    title: "The task list",
    keys: &[
        Key { keys: "↑ ↓ j k", does: "move", hint: Some((6, "↑↓", "move")) },
        Key { keys: "PgUp PgDn Home End g G", does: "move far", hint: None },
        Key { keys: "Enter", does: "open the task", hint: Some((8, "Enter", "open")) },
        Key { keys: "← → h l", does: "sort by attention or by a column", hint: Some((3, "←→", "sort")) },
        Key { keys: "r", does: "reverse the order", hint: Some((2, "r", "reverse")) },
    ],
    opener: None,
    help: HELP,
    docs: &["/docs/task-list", "/docs/coverage"],
    open: |_| Box::new(TaskList::default()),
};

/// What the list is sorted by: the columns, from left to right, and before them what wants attention.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum SortBy {
    /// Problems first, then what blocks, the longest first.
    #[default]
    Attention,
    /// A column.
    Column(Column),
}

/// Where the user is in the list, and its order.
#[derive(Debug, Default)]
pub struct TaskList {
    sort: SortBy,
    reversed: bool,
    columns: Vec<Column>,
    /// The tasks per state.
    pub counts: Counts,
    /// The observed tasks per executor.
    pub observed: ObservedTasks,
    order: Vec<TaskId>,
    /// The task to which the user moved; before that the cursor stays at the top.
    moved: Option<TaskId>,
    index: usize,
    offset: usize,
    height: usize,
}

impl TaskList {
    /// The task under the cursor.
    pub fn selected(&self) -> Option<TaskId> {
        self.order.get(self.index).copied()
    }

    /// The tasks as they are sorted.
    pub fn order(&self) -> &[TaskId] {
        &self.order
    }

    /// What it shows of each.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// What the list is sorted by, in words.
    pub fn sorted_by(&self) -> String {
        let name = match self.sort {
            SortBy::Attention => "attention",
            SortBy::Column(column) => column.title(),
        };
        format!("by {name}{}", if self.reversed { ", reversed" } else { "" })
    }

    /// Sorts anew and counts. The cursor stays on its task.
    pub fn sort_again(&mut self, scene: &Scene) {
        let model = scene.model();
        self.columns = columns(model);
        self.counts = Counts::default();
        self.observed = ObservedTasks::default();
        model.tasks.values().for_each(|task| {
            self.counts.add(task.state());
            self.observed.add(task);
        });
        let attention = (self.sort == SortBy::Attention).then(|| attention(scene));
        let mut ranked: Vec<(Rank, TaskId)> = model
            .tasks
            .values()
            .map(|task| match (&attention, self.sort) {
                (Some(ranks), _) => {
                    let (class, since_ns) = ranks.get(&task.id).copied().unwrap_or((u8::MAX, 0));
                    (Rank::Attention(class, since_ns), task.id)
                }
                (None, SortBy::Column(column)) => (rank(scene, task, column), task.id),
                (None, SortBy::Attention) => (Rank::Number(task.id.0), task.id),
            })
            .collect();
        let greatest_first = matches!(self.sort, SortBy::Column(column) if column.greatest_first());
        ranked.sort_by(|(a, a_id), (b, b_id)| {
            let by_rank = a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal);
            let by_rank = if greatest_first != self.reversed { by_rank.reverse() } else { by_rank };
            by_rank.then(a_id.cmp(b_id))
        });
        self.order = ranked.into_iter().map(|(_, id)| id).collect();
        let last = self.order.len().saturating_sub(1);
        self.index = match self.moved {
            None => 0,
            Some(id) => self.order.iter().position(|other| *other == id).unwrap_or(self.index.min(last)),
        };
        self.moved = self.moved.and(self.selected());
    }

    fn move_to(&mut self, index: usize) {
        self.index = index.min(self.order.len().saturating_sub(1));
        self.moved = self.selected();
    }

    fn sort_by(&mut self, step: usize, scene: &Scene) {
        let now = match self.sort {
            SortBy::Attention => 0,
            SortBy::Column(column) => 1 + self.columns.iter().position(|other| *other == column).unwrap_or(0),
        };
        let next = (now + step) % (self.columns.len() + 1);
        self.sort = if next == 0 { SortBy::Attention } else { SortBy::Column(self.columns[next - 1]) };
        self.reversed = false;
        self.sort_again(scene);
    }

    /// What the task under the cursor waits for and where: with the columns narrow, the list itself cuts that short.
    fn cause(&self, scene: &Scene, columns: usize) -> Line<'static> {
        let model = scene.model();
        let Some(task) = self.selected().and_then(|id| model.tasks.get(&id)) else { return Line::default() };
        let waits_for = words::waits_for(model, task.id);
        let lead = if waits_for.is_some() { " waits for " } else { "" };
        let waits_for = fit(&waits_for.unwrap_or_default(), columns.saturating_sub(width(lead)));
        let at = if wait_location(scene, task).is_some() { " at " } else { " · spawned at " };
        let room = columns.saturating_sub(width(lead) + width(&waits_for) + width(at));
        let place = cell(scene, task, Location);
        // Less than this says nothing of a path.
        let place =
            if place.is_empty() || room < 12 { String::new() } else { format!("{at}{}", fit_end(&place, room)) };
        Line::from(vec![
            Span::styled(lead, scene.theme.dim()),
            Span::styled(waits_for, waits_for_style(scene, task)),
            Span::styled(place, scene.theme.dim()),
        ])
    }

    fn counts(&self, scene: &Scene, columns: usize) -> Line<'static> {
        let counts = self.counts.text(scene.model().ended, scene.model().panicked);
        let sorted = format!("{} ", self.sorted_by());
        let room = columns.saturating_sub(width(&sorted) + 2);
        // Problems come first: where room is short, counts of tasks are cut.
        let besides = words::besides_hangs(scene.model()).map_or_else(String::new, |text| format!(" {text} ·"));
        let besides = fit(&besides, room);
        let counts = fit(&counts, room.saturating_sub(width(&besides)));
        let left = 1 + width(&besides) + width(&counts);
        let gap = columns.saturating_sub(left + width(&sorted));
        Line::from(vec![
            Span::styled(besides, scene.theme.warning()),
            Span::raw(format!(" {counts}{}", " ".repeat(gap))),
            Span::styled(sorted, scene.theme.dim()),
        ])
    }

    /// Draws the column titles and the rows that there is room for.
    fn draw_rows(&mut self, scene: &Scene, area: Rect, buffer: &mut Buffer) {
        if area.is_empty() {
            return;
        }
        let largest_id = scene.model().tasks.keys().next_back().map_or(0, |id| id.0);
        // The first column marks the tasks of problems.
        let columns = layout(&self.columns, usize::from(area.width).saturating_sub(1), largest_id);
        self.height = usize::from(area.height) - 1;
        let last_offset = self.order.len().saturating_sub(self.height);
        self.offset = self.offset.max((self.index + 1).saturating_sub(self.height)).min(self.index).min(last_offset);

        let mut pen = Pen { buffer, left: area.x, right: area.right(), x: area.x, y: area.y };
        pen.put(" ", Style::new());
        for (column, width) in &columns {
            let sorted = self.sort == SortBy::Column(*column);
            let style = scene.theme.heading();
            let style = if sorted { style.add_modifier(Modifier::UNDERLINED | Modifier::REVERSED) } else { style };
            pen.cell(&fit(column.title(), *width), *width, column.right_aligned(), style);
        }
        let in_problem = tasks_of_problems(scene);
        // A task that has ended since the list was sorted leaves no gap.
        let tasks = self.order.iter().enumerate().skip(self.offset);
        let tasks = tasks.filter_map(|(number, id)| Some((number, scene.model().tasks.get(id)?)));
        let mut marked = false;
        for (number, task) in tasks.take(self.height) {
            pen.next_line();
            row(scene, &mut pen, task, in_problem.get(&task.id).copied(), &columns);
            if number >= self.index && !marked {
                mark(pen.buffer, Rect { y: pen.y, height: 1, ..area }, scene.theme);
                marked = true;
            }
        }
    }
}

impl View for TaskList {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn name(&self, _: &Scene) -> String {
        "tasks".to_owned()
    }

    fn refresh(&mut self, scene: &Scene) {
        self.sort_again(scene);
    }

    fn forget(&mut self) {
        // The order stays.
        *self = TaskList { sort: self.sort, reversed: self.reversed, ..TaskList::default() };
    }

    fn on_key(&mut self, key: KeyCode, scene: &Scene) {
        let jump = self.height.saturating_sub(1).max(1);
        match key {
            KeyCode::Down | KeyCode::Char('j') => self.move_to(self.index + 1),
            KeyCode::Up | KeyCode::Char('k') => self.move_to(self.index.saturating_sub(1)),
            KeyCode::PageDown => self.move_to(self.index + jump),
            KeyCode::PageUp => self.move_to(self.index.saturating_sub(jump)),
            KeyCode::End | KeyCode::Char('G') => self.move_to(usize::MAX),
            // The top is followed, whichever task is there.
            KeyCode::Home | KeyCode::Char('g') => (self.moved, self.index) = (None, 0),
            KeyCode::Right | KeyCode::Char('l') => self.sort_by(1, scene),
            KeyCode::Left | KeyCode::Char('h') => self.sort_by(self.columns.len(), scene),
            KeyCode::Char('r') => {
                self.reversed = !self.reversed;
                self.sort_again(scene);
            }
            _ => {}
        }
    }

    fn draw(&mut self, scene: &Scene, area: Rect, buffer: &mut Buffer) -> Rect {
        let model = scene.model();
        let (seen, width) = (model.header.is_some(), usize::from(area.width));
        let mut rows = Rows { rest: area };
        put(buffer, rows.top_if(rows.rest.height > 4), &status::program(scene, width));
        put(buffer, rows.top_if(rows.rest.height > 3 && seen), &self.counts(scene, width));
        put(buffer, rows.top_if(rows.rest.height > 4 && seen), &status::coverage(scene, &self.observed, width));
        put(buffer, rows.bottom_if(seen && rows.rest.height > 8), &self.cause(scene, width));
        let body = rows.rest;
        let mut page = Page::new(scene, width);
        page.blank();
        match model.why_empty() {
            _ if !seen => status::nothing_yet(scene).iter().for_each(|line| page.text(2, line)),
            // r[coverage.empty]
            Some(why) => page.text(2, &why),
            None => {
                self.draw_rows(scene, body, buffer);
                return body;
            }
        }
        page.draw_from(0, body, buffer);
        body
    }

    fn link(&self, _: &Scene) -> Option<Link> {
        self.selected().map(task::link)
    }

    fn problem(&self, _: &Scene) -> Option<ProblemId> {
        None
    }

    fn traced(&self, _: &Scene) -> Traced {
        Traced::Linked
    }

    fn waits<'m>(&self, model: &'m Model) -> Vec<&'m Edge> {
        self.selected().into_iter().flat_map(|id| model.waits_of_task(id)).collect()
    }

    fn more_docs(&self, _: &Model) -> Vec<String> {
        Vec::new()
    }
}

/// Puts cells one after another.
struct Pen<'a> {
    buffer: &'a mut Buffer,
    left: u16,
    right: u16,
    x: u16,
    y: u16,
}

impl Pen<'_> {
    fn put(&mut self, text: &str, style: Style) {
        let room = self.right.saturating_sub(self.x);
        if room > 0 {
            (self.x, _) = self.buffer.set_stringn(self.x, self.y, text, room.into(), style);
        }
    }

    fn cell(&mut self, text: &str, columns: usize, right_aligned: bool, style: Style) {
        let padding = " ".repeat(columns.saturating_sub(width(text)));
        if right_aligned {
            self.put(&padding, Style::new());
        }
        self.put(text, style);
        if !right_aligned {
            self.put(&padding, Style::new());
        }
        self.put(" ", Style::new());
    }

    fn next_line(&mut self) {
        (self.x, self.y) = (self.left, self.y + 1);
    }
}

fn row(scene: &Scene, pen: &mut Pen, task: &Task, problem: Option<(Severity, Tier)>, columns: &[(Column, usize)]) {
    let theme = scene.theme;
    let sign = match problem {
        Some((_, Tier::Proven)) => "!",
        Some((_, Tier::Suspected)) => "?",
        None => " ",
    };
    let alarm = problem.map_or_else(Style::new, |(severity, tier)| theme.problem(severity, tier));
    pen.put(sign, alarm);
    for (column, width) in columns {
        let text = cell(scene, task, *column);
        let text = if *column == Location { fit_place(&text, *width) } else { fit(&text, *width) };
        let style = match column {
            Name => alarm.add_modifier(Modifier::BOLD),
            State => theme.state(task.state()),
            WaitsFor => waits_for_style(scene, task),
            Location if wait_location(scene, task).is_some() => theme.accent(),
            Executor | Kind | Id | Location => theme.dim(),
            _ => Style::new(),
        };
        pen.cell(&text, *width, column.right_aligned(), style);
    }
}

/// A place where there is little room: without its folders if that is enough, and else without its beginning.
fn fit_place(place: &str, columns: usize) -> String {
    let file = place.rsplit('/').next().unwrap_or(place);
    if width(place) > columns && width(file) <= columns { file.to_owned() } else { fit_end(place, columns) }
}

/// The class of each task that wants attention, and since when it does.
fn attention(scene: &Scene) -> HashMap<TaskId, (u8, u64)> {
    let mut ranks: HashMap<TaskId, (u8, u64)> = HashMap::new();
    for edge in scene.model().edges.values() {
        if let EdgeBody::Wait { operation, .. } = &edge.body {
            let rank = (AFTER_PROBLEMS + weight_class(words::weight(operation)), edge.since_ns);
            ranks.entry(edge.task).and_modify(|old| *old = rank.min(*old)).or_insert(rank);
        }
    }
    for (id, (severity, tier)) in tasks_of_problems(scene) {
        let since_ns = ranks.get(&id).map_or(0, |(_, since_ns)| *since_ns);
        ranks.insert(id, (2 * severity as u8 + tier as u8, since_ns));
    }
    ranks
}

/// The class of tasks in no problem: there are three severities of two tiers each.
const AFTER_PROBLEMS: u8 = 6;

fn weight_class(weight: Weight) -> u8 {
    match weight {
        Weight::Hard => 0,
        Weight::Join => 1,
        Weight::Work => 2,
        Weight::Sleep => 3,
    }
}

/// The tasks of which the problems consist, with the worst severity of each, and the surest tier of that.
fn tasks_of_problems(scene: &Scene) -> HashMap<TaskId, (Severity, Tier)> {
    let mut worst = HashMap::new();
    for problem in scene.model().problems.values() {
        for task in &problem.tasks {
            let this = (problem.severity, problem.tier);
            worst.entry(task.id).and_modify(|worst| *worst = this.min(*worst)).or_insert(this);
        }
    }
    worst
}

fn waits_for_style(scene: &Scene, task: &Task) -> Style {
    match words::main_wait(scene.model(), task.id).map(|(edge, _)| &edge.body) {
        Some(EdgeBody::Wait { operation, .. }) if words::weight(operation) == Weight::Hard => scene.theme.alarm(),
        Some(_) => Style::new(),
        None => scene.theme.dim(),
    }
}

const HELP: &str = "
# ORDER

attention: tasks in a hang, then in a problem by which the program is degraded, then in a notice, of each the proven (!) before the suspected (?); then tasks that wait for room in a channel or for a lock, the longest first, then those that wait for another task's end, then those that wait for a message, then the rest. The cursor follows the top row until you move it; then it stays on its task. Home follows the top again.

# OBSERVED

all 5 tasks of tokio: the list has each live task that tokio counts
5 of 13 tasks: eight more are alive, spawned where insight does not see it; they may wait for anything
others unknown: this runtime does not count its tasks
not covered: packages in which tasks can wait unseen; a trace of the task shows such a wait
unknown dependencies: cargo insight did not build this program, so its packages are not known

# COLUMNS

ID: of the task, as in all views
KIND: task: a spawned future; local: one that stays on a thread; blocking: a closure that may block; block_on: a future that a thread runs, such as async main
STATE: running: it is polled now; scheduled: woken, waits for a thread; idle: waits for something; not seen: only its use of resources is seen
RUN% SCHED% WAIT%: its time in each state over the last second or two; over its life while it is younger
POLLS: how often it was polled
FOR: how long it has been in its state
WAITS FOR: the resource, and why; (+1 more) when it waits for several at once
LOCATION: the await it stands at; where that is not known, in grey, where it was spawned

Columns without room go, the least needed first.
";
