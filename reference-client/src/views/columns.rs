//! The columns of the task list: their widths, their texts, and their orders.

use super::Scene;
use crate::shares::Share;
use crate::text::{clean, duration_short, number_short};
use crate::words;
use insight_model::{Location as Place, Model, Task};
use insight_protocol::TaskState;

/// A column, with the fact that its title names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    Id,
    Executor,
    Kind,
    Name,
    State,
    Running,
    Scheduled,
    Waiting,
    Polls,
    For,
    WaitsFor,
    Location,
    Spawned,
}

use Column::*;

/// The columns, from left to right.
const COLUMNS: [Column; 13] =
    [Id, Executor, Kind, Name, State, Running, Scheduled, Waiting, Polls, For, WaitsFor, Location, Spawned];

/// The columns in the order in which a narrow window drops them.
const FIRST_TO_GO: [Column; 12] =
    [Spawned, Kind, Polls, Scheduled, Executor, Location, Running, Waiting, For, State, Id, Name];

/// The columns for this program. With one executor, its column says nothing.
pub fn columns(model: &Model) -> Vec<Column> {
    let mut executors = model.tasks.values().filter_map(|task| task.origin.executor.as_deref());
    let first = executors.next();
    let several = executors.any(|other| Some(other) != first);
    COLUMNS.into_iter().filter(|column| several || *column != Executor).collect()
}

impl Column {
    /// Its title.
    pub fn title(self) -> &'static str {
        match self {
            Id => "ID",
            Executor => "EXECUTOR",
            Kind => "KIND",
            Name => "NAME",
            State => "STATE",
            Running => "RUN%",
            Scheduled => "SCHED%",
            Waiting => "WAIT%",
            Polls => "POLLS",
            For => "FOR",
            WaitsFor => "WAITS FOR",
            Location => "LOCATION",
            Spawned => "SPAWNED AT",
        }
    }

    /// The least width.
    fn width(self, largest_id: u64) -> usize {
        match self {
            Id => largest_id.to_string().len().max(3),
            Kind => 8,
            Executor => 9,
            Name => 14,
            State => 9,
            Running | Waiting => 5,
            Scheduled | Polls | For => 6,
            WaitsFor => 20,
            Location | Spawned => 16,
        }
    }

    /// Whether its cells end, rather than begin, at the same column.
    pub fn right_aligned(self) -> bool {
        matches!(self, Id | Running | Scheduled | Waiting | Polls | For)
    }

    /// Whether the greatest value comes first, unless reversed.
    pub fn greatest_first(self) -> bool {
        matches!(self, Running | Scheduled | Waiting | Polls | For)
    }
}

/// The columns that fit, with their widths.
pub fn layout(columns: &[Column], room: usize, largest_id: u64) -> Vec<(Column, usize)> {
    let mut columns: Vec<(Column, usize)> = columns.iter().map(|column| (*column, column.width(largest_id))).collect();
    let used = |columns: &[(Column, usize)]| columns.iter().map(|(_, width)| width + 1).sum::<usize>();
    for column in FIRST_TO_GO {
        // The reason of a wait says more than these columns.
        let wish = match column {
            Spawned => 96,
            Kind | Polls | Scheduled | Executor => 10,
            Id | Name | State | Running | Waiting | For | WaitsFor | Location => 0,
        };
        if used(&columns) + wish <= room + 1 {
            break;
        }
        columns.retain(|(other, _)| *other != column);
    }
    // The columns that say most get the rest, first up to a width that is usually enough.
    let mut over = (room + 1).saturating_sub(used(&columns));
    let enough: [(Column, usize); 5] = [(WaitsFor, 48), (Name, 24), (Location, 40), (WaitsFor, 72), (Name, 32)];
    for (column, most) in enough {
        if let Some((_, width)) = columns.iter_mut().find(|(other, _)| *other == column) {
            let more = over.min(most.saturating_sub(*width));
            *width += more;
            over -= more;
        }
    }
    columns
}

/// The text of one cell.
pub fn cell(scene: &Scene, task: &Task, column: Column) -> String {
    let now_ns = scene.model().now_ns;
    let part = |pick: fn(&Share) -> f64| {
        scene.shares.of(task, now_ns).map_or("-".into(), |share| format!("{:.1}", pick(&share) * 100.0))
    };
    match column {
        Id => task.id.to_string(),
        Executor => clean(task.origin.executor.as_deref().unwrap_or_default()).into_owned(),
        Kind => clean(task.origin.kind.as_str()).into_owned(),
        Name => words::task_name(scene.model(), task),
        State => words::state(task).into(),
        Running => part(|share| share.running),
        Scheduled => part(|share| share.scheduled),
        Waiting => part(|share| share.waiting),
        Polls => match task.polls() {
            Some(polls) if !task.origin.partial => number_short(polls),
            _ => "-".into(),
        },
        For if task.state().is_some() => duration_short(now_ns.saturating_sub(task.since_ns())),
        // For a library task we know only the time of its wait.
        For => words::main_wait(scene.model(), task.id)
            .map_or("-".into(), |(wait, _)| duration_short(now_ns.saturating_sub(wait.since_ns))),
        WaitsFor => match words::waits_for(scene.model(), task.id) {
            Some(text) => text,
            None if task.state() == Some(TaskState::Idle) => words::unobserved_wait(scene.model(), task),
            None => String::new(),
        },
        Location => wait_location(scene, task).or(task.origin.location.as_deref()).map_or(String::new(), words::place),
        Spawned => spawn_location(task).map_or(String::new(), words::place),
    }
}

/// The line at which a task waits: the program's own, if it is known.
pub fn wait_location<'a>(scene: &Scene<'a>, task: &Task) -> Option<&'a Place> {
    words::main_lines(scene.model(), task.id)?.first
}

/// The place of a task's spawn; for a library task `None`, since its place is that of its first use of a resource.
fn spawn_location(task: &Task) -> Option<&Place> {
    task.origin.location.as_deref().filter(|_| !task.origin.partial)
}

/// The sort key of a task. All keys of one sort have the same variant.
#[derive(Debug, PartialEq, PartialOrd)]
pub enum Rank {
    /// The class of a task that wants attention, and the start of its wait.
    Attention(u8, u64),
    /// A number.
    Number(u64),
    /// A part of time.
    Part(f64),
    /// A text.
    Text(Option<String>),
}

/// The sort key of a task in the order of a column.
pub fn rank(scene: &Scene, task: &Task, column: Column) -> Rank {
    let now_ns = scene.model().now_ns;
    let part = |pick: fn(&Share) -> f64| Rank::Part(scene.shares.of(task, now_ns).map_or(-1.0, |share| pick(&share)));
    match column {
        Id => Rank::Number(task.id.0),
        Running => part(|share| share.running),
        Scheduled => part(|share| share.scheduled),
        Waiting => part(|share| share.waiting),
        Polls => Rank::Number(task.polls().unwrap_or(0)),
        For => Rank::Number(if task.state().is_some() { now_ns.saturating_sub(task.since_ns()) } else { 0 }),
        Location => by_place(wait_location(scene, task).or(task.origin.location.as_deref())),
        Spawned => by_place(spawn_location(task)),
        // An empty cell is the last: `~` sorts after all words.
        _ => Rank::Text(Some(cell(scene, task, column)).map(|text| if text.is_empty() { "~".into() } else { text })),
    }
}

fn by_place(location: Option<&Place>) -> Rank {
    let place = location.map(|location| &location.place);
    Rank::Text(place.map(|place| format!("{}:{:08}:{:08}", place.file, place.line, place.column)))
}
