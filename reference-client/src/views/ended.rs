//! The last ended tasks, the newest first.

use super::page::Page;
use super::page_view::{PageView, Subject};
use super::{BACK, Key, Kind, Opener, Scene, Traced, task};
use crate::text::{clean, duration_short, fit, fit_end, width};
use crate::words;
use insight_model::{Edge, EndedTask, Model};
use insight_protocol::MAX_ENDED;
use ratatui::style::{Modifier, Style};
use ratatui::text::Span;

/// The kind of this view.
pub static KIND: Kind = Kind {
    title: "Ended tasks",
    keys: &[
        Key { keys: "↑ ↓ j k", does: "move over tasks", hint: Some((6, "↑↓", "move")) },
        Key { keys: "Enter", does: "open the task", hint: Some((8, "Enter", "open")) },
        BACK,
    ],
    opener: Some(Opener {
        key: 'E',
        shown: Key { keys: "E", does: "ended tasks, if there are any", hint: Some((4, "E", "ended")) },
        ready: |model| if model.ended_tasks.is_empty() { Err("No task has ended.") } else { Ok(()) },
        traces: false,
    }),
    help: HELP,
    docs: &["/docs/ended"],
    open: |_| PageView::open(Ended),
};

struct Ended;

impl Subject for Ended {
    fn kind(&self) -> &'static Kind {
        &KIND
    }

    fn name(&self, _: &Scene) -> String {
        "ended tasks".to_owned()
    }

    fn fill(&self, scene: &Scene, page: &mut Page) {
        let tasks = scene.model().ended_tasks.newest_first();
        if tasks.is_empty() {
            page.text(1, "No task has ended.");
            page.hint(1, "Esc goes back.");
            return;
        }
        table(scene, page, &tasks);
        page.blank();
        let kept = format!(
            "The last {MAX_ENDED} tasks that panicked or were cancelled, and the last {MAX_ENDED} others; older ones are gone."
        );
        page.styled(2, &kept, scene.theme.dim());
    }

    fn traced(&self, _: &Scene) -> Traced {
        Traced::Tasks(Vec::new())
    }

    fn waits<'m>(&self, _: &'m Model) -> Vec<&'m Edge> {
        Vec::new()
    }

    fn more_docs(&self, _: &Model) -> Vec<String> {
        Vec::new()
    }
}

/// The titles of the columns.
const TITLES: [&str; 5] = ["ID", "NAME", "OUTCOME", "ENDED AGO", "SPAWNED AT"];

/// Maximum width of a name on a screen, in columns.
const NAME_WIDTH: usize = 30;

/// Puts the tasks on a page, one a row, with the message of a panic below its task.
pub fn table(scene: &Scene, page: &mut Page, tasks: &[&EndedTask]) {
    let rows: Vec<[String; 5]> = tasks.iter().map(|task| cells(scene.model(), task)).collect();
    let longest = |column: usize| {
        let cells = rows.iter().map(|row| width(&row[column]));
        cells.chain([width(TITLES[column])]).max().unwrap_or(0)
    };
    let (id, outcome, ago) = (longest(0), longest(2), longest(3));
    // Two columns are the cursor's, and one is before each further cell.
    let room = page.columns().saturating_sub(2 + id + 1 + 1 + outcome + 1 + ago);
    let most = if page.columns() == usize::MAX { room } else { NAME_WIDTH.min(room) };
    let name = longest(1).min(most);
    let widths = [id, name, outcome, ago];
    let place = room.saturating_sub(name + 1);
    let heading = scene.theme.heading();
    page.spans(2, row(TITLES.map(str::to_owned), widths, place, [heading; 5]));
    for (task, cells) in tasks.iter().zip(rows) {
        let outcome = if task.outcome.is_failure() { scene.theme.alarm() } else { Style::new() };
        let (dim, bold) = (scene.theme.dim(), Style::new().add_modifier(Modifier::BOLD));
        page.entry(("ended", task.id.0, 0), Some(task::link(task.id)), None, |page| {
            page.spans(2, row(cells, widths, place, [dim, bold, outcome, Style::new(), dim]));
            words::panic_lines(task).for_each(|line| page.styled(2 + widths[0] + 1, line, scene.theme.reason()));
        });
    }
}

fn cells(model: &Model, task: &EndedTask) -> [String; 5] {
    let place = task.origin.location.as_deref().map_or("-".to_owned(), words::place);
    [
        task.id.to_string(),
        words::ended_name(task),
        clean(task.outcome.as_str()).into_owned(),
        duration_short(model.now_ns.saturating_sub(task.ended_ns)),
        place,
    ]
}

/// The ID and the time are on the right of their columns. A narrow window has no room for the place.
fn row(cells: [String; 5], widths: [usize; 4], place: usize, styles: [Style; 5]) -> Vec<Span<'static>> {
    let mut spans = Vec::new();
    let [id, name, outcome, ago, spawned] = cells;
    for (column, cell) in [id, name, outcome, ago].into_iter().enumerate() {
        let cell = fit(&cell, widths[column]);
        let padding = " ".repeat(widths[column].saturating_sub(width(&cell)));
        let between = if column == 0 { "" } else { " " };
        let cell = Span::styled(cell, styles[column]);
        match column {
            0 | 3 => spans.extend([Span::raw(format!("{between}{padding}")), cell]),
            _ => spans.extend([Span::raw(between), cell, Span::raw(padding)]),
        }
    }
    if place > 0 {
        spans.extend([Span::raw(" "), Span::styled(fit_end(&spawned, place), styles[4])]);
    }
    spans
}

const HELP: &str = "
# TERMS

returned: its future was ready, or its closure returned
panicked: its poll or its closure panicked; with INSIGHT_PANICS=message the program also sends the message
cancelled: its future was dropped before it was ready: aborted, or its runtime was shut down
unseen: a library task that uses nothing observed any more
";
