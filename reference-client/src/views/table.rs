//! The rows of the task list, as lines: the same on the screen and in plain text.

use super::Scene;
use super::attention::tasks_of_problems;
use super::columns::Column::{self, *};
use super::columns::{cell, layout, wait_location};
use crate::text::{fit, fit_end, width};
use crate::words::{self, Weight};
use insight_model::{EdgeBody, Task};
use insight_protocol::{Severity, TaskId, Tier};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use std::collections::HashMap;

/// The columns of the list with their widths, and the tasks that it marks.
pub struct Table {
    columns: Vec<(Column, usize)>,
    in_problem: HashMap<TaskId, (Severity, Tier)>,
}

impl Table {
    /// The columns that fit into a window of this width.
    pub fn within(scene: &Scene, columns: &[Column], window: usize) -> Table {
        let largest_id = scene.model().tasks.keys().next_back().map_or(0, |id| id.0);
        // The first column marks the tasks of problems.
        let columns = layout(columns, window.saturating_sub(1), largest_id);
        Table { columns, in_problem: tasks_of_problems(scene) }
    }

    /// All columns, each as wide as its longest text.
    pub fn whole(scene: &Scene, columns: &[Column]) -> Table {
        let mut columns: Vec<(Column, usize)> = columns.iter().map(|column| (*column, width(column.title()))).collect();
        for task in scene.model().tasks.values() {
            for (column, longest) in &mut columns {
                *longest = width(&cell(scene, task, *column)).max(*longest);
            }
        }
        Table { columns, in_problem: tasks_of_problems(scene) }
    }

    /// The titles of the columns; the list is sorted by the marked one.
    pub fn titles(&self, scene: &Scene, sorted: Option<Column>) -> Line<'static> {
        let mut spans = vec![Span::raw(" ")];
        for (column, width) in &self.columns {
            let style = scene.theme.heading();
            let is_sorted = sorted == Some(*column);
            let style = if is_sorted { style.add_modifier(Modifier::UNDERLINED | Modifier::REVERSED) } else { style };
            put(&mut spans, fit(column.title(), *width), *width, column.right_aligned(), style);
        }
        Line::from(spans)
    }

    /// The row of a task.
    pub fn row(&self, scene: &Scene, task: &Task) -> Line<'static> {
        let theme = scene.theme;
        let problem = self.in_problem.get(&task.id);
        let sign = match problem {
            Some((_, Tier::Proven)) => "!",
            Some((_, Tier::Suspected)) => "?",
            None => " ",
        };
        let alarm = problem.map_or_else(Style::new, |(severity, tier)| theme.problem(*severity, *tier));
        let mut spans = vec![Span::styled(sign, alarm)];
        for (column, width) in &self.columns {
            let text = cell(scene, task, *column);
            let text = match column {
                Location | Spawned => fit_place(&text, *width),
                Name => fit_name(&text, *width),
                _ => fit(&text, *width),
            };
            let style = match column {
                Name => alarm.add_modifier(Modifier::BOLD),
                State => theme.state(task.state()),
                WaitsFor => waits_for_style(scene, task),
                Location if wait_location(scene, task).is_some() => theme.accent(),
                Executor | Kind | Id | Location | Spawned => theme.dim(),
                Running | Scheduled | Waiting | Polls | For => Style::new(),
            };
            put(&mut spans, text, *width, column.right_aligned(), style);
        }
        Line::from(spans)
    }
}

/// Appends a cell and the space behind it.
fn put(spans: &mut Vec<Span<'static>>, text: String, columns: usize, right_aligned: bool, style: Style) {
    let padding = " ".repeat(columns.saturating_sub(width(&text)));
    let text = Span::styled(text, style);
    if right_aligned {
        spans.extend([Span::raw(padding), text, Span::raw(" ")]);
    } else {
        spans.extend([text, Span::raw(padding + " ")]);
    }
}

/// The style of the wait of a task: a wait for a lock or for room stands out.
pub fn waits_for_style(scene: &Scene, task: &Task) -> Style {
    match words::main_wait(scene.model(), task.id).map(|(edge, _)| &edge.body) {
        Some(EdgeBody::Wait { operation, .. }) if words::weight(operation) == Weight::Hard => scene.theme.alarm(),
        Some(_) => Style::new(),
        None if scene.model().other_awaits(task.id).next().is_some() => Style::new(),
        None => scene.theme.dim(),
    }
}

/// A name where there is little room. The line that tells it from others stays: `write_or… (main.rs:31)`.
fn fit_name(name: &str, columns: usize) -> String {
    let Some((short, place)) = name.rsplit_once(" (").filter(|_| width(name) > columns) else {
        return fit(name, columns);
    };
    // Without folders, and then without the file.
    let places = [place.rsplit('/').next().unwrap_or(place), &place[place.rfind(':').unwrap_or(0)..]];
    let fits = places.into_iter().find(|place| width(place) + 7 <= columns);
    match fits {
        Some(place) => format!("{} ({place}", fit(short, columns - width(place) - 2)),
        None => fit(name, columns),
    }
}

/// A place where there is little room: without its folders if that is enough, and else without its beginning.
fn fit_place(place: &str, columns: usize) -> String {
    let file = place.rsplit('/').next().unwrap_or(place);
    if width(place) > columns && width(file) <= columns { file.to_owned() } else { fit_end(place, columns) }
}

#[cfg(test)]
mod tests {
    use super::fit_name;

    #[test]
    fn the_line_of_an_ambiguous_name_stays() {
        let check = |columns, expect: &str| assert_eq!(fit_name("write_orders (src/main.rs:31)", columns), expect);
        check(40, "write_orders (src/main.rs:31)");
        check(26, "write_orders (main.rs:31)");
        check(22, "write_or… (main.rs:31)");
        check(14, "write_o… (:31)");
        check(10, "write_ord…");
        assert_eq!(fit_name("write_orders", 10), "write_ord…");
    }
}
