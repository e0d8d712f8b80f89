//! All tasks, like `top`. We build only the rows on the screen.

use super::columns::Column::{self, Location, Spawned};
use super::columns::{Rank, cell, columns, rank, wait_location};
use super::cursor::mark;
use super::page::Page;
use super::rows::{Rows, put};
use super::status::{self, Counts};
use super::table::{Table, waits_for_style};
use super::{Key, Kind, Link, Scene, Traced, View, attention, task};
use crate::text::{fit, fit_end, width};
use crate::words;
use insight_model::{Edge, Model, ObservedTasks};
use insight_protocol::{ProblemId, TaskId};
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyCode;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

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

/// The order of the list: by attention, or by one of the columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum SortBy {
    /// Tasks of problems first, then blocked tasks, the longest wait first.
    #[default]
    Attention,
    /// A column.
    Column(Column),
}

/// The user's position in the list, and its order.
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
    /// The task to which the user moved. Before that, the cursor stays at the top.
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

    /// The tasks in their order.
    pub fn order(&self) -> &[TaskId] {
        &self.order
    }

    /// The columns of a list for this program, from left to right.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    fn sorted_by(&self) -> String {
        let name = match self.sort {
            SortBy::Attention => "attention",
            SortBy::Column(column) => column.title(),
        };
        format!("by {name}{}", if self.reversed { ", reversed" } else { "" })
    }

    /// Sorts and counts again. The cursor stays on its task.
    pub fn sort_again(&mut self, scene: &Scene) {
        let model = scene.model();
        self.columns = columns(model);
        self.counts = Counts::default();
        self.observed = ObservedTasks::default();
        model.tasks.values().for_each(|task| {
            self.counts.add(task.state());
            self.observed.add(task);
        });
        let attention = (self.sort == SortBy::Attention).then(|| attention::ranks(scene));
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

    /// The wait of the task under the cursor, and its place. A narrow list has no room for all of it.
    fn cause(&self, scene: &Scene, columns: usize) -> Line<'static> {
        let model = scene.model();
        let Some(task) = self.selected().and_then(|id| model.tasks.get(&id)) else { return Line::default() };
        let waits_for = words::waits_for(model, task.id);
        let lead = if waits_for.is_some() { " waits for " } else { "" };
        let waits_for = fit(&waits_for.unwrap_or_default(), columns.saturating_sub(width(lead)));
        let at = if wait_location(scene, task).is_some() { " at " } else { " · spawned at " };
        let room = columns.saturating_sub(width(lead) + width(&waits_for) + width(at));
        let place = cell(scene, task, Location);
        // Shorter paths say nothing.
        let place =
            if place.is_empty() || room < 12 { String::new() } else { format!("{at}{}", fit_end(&place, room)) };
        let spawned = cell(scene, task, Spawned);
        let room = room.saturating_sub(width(&place));
        let spawned = match wait_location(scene, task) {
            Some(_) if !spawned.is_empty() && room > 26 => format!(" · spawned at {}", fit_end(&spawned, room - 14)),
            _ => String::new(),
        };
        Line::from(vec![
            Span::styled(lead, scene.theme.dim()),
            Span::styled(waits_for, waits_for_style(scene, task)),
            Span::styled(place + &spawned, scene.theme.dim()),
        ])
    }

    fn counts(&self, scene: &Scene, columns: usize) -> Line<'static> {
        let counts = self.counts.text(scene.model().ended, scene.model().panicked);
        let sorted = format!("{} ", self.sorted_by());
        let room = columns.saturating_sub(width(&sorted) + 2);
        // Without room, the counts of tasks are cut, and not those of problems.
        let others = words::other_problems(scene.model()).map_or_else(String::new, |text| format!(" {text}: P ·"));
        let others = fit(&others, room);
        let counts = fit(&counts, room.saturating_sub(width(&others)));
        let left = 1 + width(&others) + width(&counts);
        let gap = columns.saturating_sub(left + width(&sorted));
        Line::from(vec![
            Span::styled(others, scene.theme.warning()),
            Span::raw(format!(" {counts}{}", " ".repeat(gap))),
            Span::styled(sorted, scene.theme.dim()),
        ])
    }

    /// Draws the column titles and the rows that there is room for.
    fn draw_rows(&mut self, scene: &Scene, area: Rect, buffer: &mut Buffer) {
        if area.is_empty() {
            return;
        }
        self.height = usize::from(area.height) - 1;
        let last_offset = self.order.len().saturating_sub(self.height);
        self.offset = self.offset.max((self.index + 1).saturating_sub(self.height)).min(self.index).min(last_offset);

        let table = Table::within(scene, &self.columns, area.width.into());
        let sorted = match self.sort {
            SortBy::Attention => None,
            SortBy::Column(column) => Some(column),
        };
        let mut rows = Rows { rest: area };
        put(buffer, rows.top(), &table.titles(scene, sorted));
        // A task that has ended since the list was sorted leaves no gap.
        let tasks = self.order.iter().enumerate().skip(self.offset);
        let tasks = tasks.filter_map(|(number, id)| Some((number, scene.model().tasks.get(id)?)));
        let mut marked = false;
        for (number, task) in tasks.take(self.height) {
            let row = rows.top();
            put(buffer, row, &table.row(scene, task));
            if number >= self.index && !marked {
                mark(buffer, row, scene.theme);
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
            // The cursor follows the top row again.
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
        let (has_snapshot, width) = (model.header.is_some(), usize::from(area.width));
        let mut rows = Rows { rest: area };
        put(buffer, rows.top_if(rows.rest.height > 4), &status::program(scene, width));
        put(buffer, rows.top_if(rows.rest.height > 3 && has_snapshot), &self.counts(scene, width));
        put(buffer, rows.top_if(rows.rest.height > 4 && has_snapshot), &status::coverage(scene, &self.observed, width));
        put(buffer, rows.bottom_if(has_snapshot && rows.rest.height > 8), &self.cause(scene, width));
        let body = rows.rest;
        let mut page = Page::new(scene.theme, width);
        page.blank();
        match model.why_empty() {
            _ if !has_snapshot => status::nothing_yet(scene).iter().for_each(|line| page.text(2, line)),
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

const HELP: &str = "
# ORDER

1: tasks in a hang, then tasks of other problems: ! proven, ? suspected
2: tasks that wait for room or for a lock, the longest wait first
3: tasks that wait for the end of another task
4: tasks that wait for a message, then all others
cursor: it follows the top row until you move it; Home follows the top again

# OBSERVED

all 5 tasks of tokio: the list has each live task that tokio counts
5 of 13 tasks: insight did not observe the spawn of eight live tasks; they may wait for anything
others unknown: this runtime does not count its tasks
not covered: packages with unobserved waits; a trace of the task shows such a wait
unknown dependencies: cargo insight did not build this program

# COLUMNS

ID: the number of the task in all views
KIND: task: spawned; local: stays on its thread; blocking: a closure; block_on: a thread's own future, such as async main
STATE: running: being polled; scheduled: woken, waits for a thread; idle: waits; unknown: a library task
library task: a task of a library; insight observes only its waits and holds
RUN% SCHED% WAIT%: the shares of the states in the last second or two
POLLS: the number of its polls
FOR: the time in its state
WAITS FOR: the resource and the reason, or the awaited function; (+1 more): it waits for several at once
LOCATION: the line of yours at which it waits; if that is unknown, the line of its spawn, in grey
SPAWNED AT: the line of its spawn, only in very wide windows; the task's view has it too

A narrow window leaves out the columns that say least.
";
