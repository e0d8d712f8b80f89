//! Help for the very view that is on the screen, in a window over it.

use super::Scene;
use super::page::Page;
use crate::text::count;
use crate::words;
use insight_model::{Edge, EdgeBody};
use insight_protocol::{ProblemEdge, ResourceId, TaskId};
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyCode;
use ratatui::layout::Rect;
use ratatui::text::Span;
use ratatui::widgets::{Block, Clear, Widget};

/// What help is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// The task list, and the task under the cursor.
    Tasks(Option<TaskId>),
    /// A task.
    Task(TaskId),
    /// A resource.
    Resource(ResourceId),
    /// The problems.
    Problems,
}

/// What is drawn of the help.
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
    pub fn draw(&mut self, scene: &Scene, topic: Topic, area: Rect, buffer: &mut Buffer) {
        // Where there is little room, help takes all of it.
        let width = if area.width > 92 { 84 } else { area.width };
        let page = page(scene, topic, width.saturating_sub(2).into());
        let most = if area.height > 24 { area.height - 4 } else { area.height };
        let height = most.min(u16::try_from(page.len() + 2).unwrap_or(u16::MAX));
        let (x, y) = (area.x + (area.width - width) / 2, area.y + (area.height - height) / 2);
        let window = Rect { x, y, width, height };
        self.height = window.height.saturating_sub(2).into();
        self.scroll = self.scroll.min(page.len().saturating_sub(self.height));
        let below = page.len().saturating_sub(self.scroll + self.height);
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

fn page(scene: &Scene, topic: Topic, width: usize) -> Page {
    let mut page = Page::new(scene, width);
    let (title, text, docs) = match topic {
        Topic::Tasks(_) => ("The task list", TASKS, &["/docs/task-list", "/docs/coverage"][..]),
        Topic::Task(_) => ("A task", TASK, &["/docs/task"][..]),
        Topic::Resource(_) => ("A resource", RESOURCE, &["/docs/resource"][..]),
        Topic::Problems => ("Problems", PROBLEMS, &["/docs/problem"][..]),
    };
    page.spans(1, vec![Span::styled(title, scene.theme.title())]);
    full_channel(scene, &mut page, topic);
    for block in text.trim().split("\n\n") {
        match block.strip_prefix("# ") {
            Some(heading) => page.heading(heading),
            None => block.lines().for_each(|line| entry(scene, &mut page, line)),
        }
    }
    page.heading("MORE");
    docs.iter().for_each(|docs| page.styled(2, &scene.address.url(docs), scene.theme.accent()));
    if topic == Topic::Problems {
        for problem in scene.model().problems().problems {
            page.styled(2, &scene.address.url(&problem.docs), scene.theme.accent());
        }
    }
    page
}

/// `term: what it is`.
fn entry(scene: &Scene, page: &mut Page, line: &str) {
    match line.split_once(": ") {
        Some((term, meaning)) => {
            page.spans(2, vec![Span::styled(format!("{term}  "), scene.theme.accent()), Span::raw(meaning.to_owned())])
        }
        None => page.text(2, line),
    }
}

/// What to do about a full channel, where the view shows one that is waited on.
fn full_channel(scene: &Scene, page: &mut Page, topic: Topic) {
    let model = scene.model();
    let waits: Vec<&Edge> = match topic {
        Topic::Tasks(task) => task.into_iter().flat_map(|id| model.waits_of_task(id)).collect(),
        Topic::Task(id) => model.waits_of_task(id),
        Topic::Resource(id) => {
            model.edges_of_resource(id).filter(|edge| matches!(edge.body, EdgeBody::Wait { .. })).collect()
        }
        // Each problem has its own advice.
        Topic::Problems => Vec::new(),
    };
    let Some(wait) = waits.into_iter().find(|edge| words::is_full_channel_wait(model, edge)) else { return };
    // In a circle no rate and no capacity helps: what does is said with the problem.
    let is_part = |edge: &ProblemEdge| edge.kind == "wait" && (edge.task, edge.resource) == (wait.task, wait.resource);
    if let Some(problem) = model.problems.values().find(|problem| problem.edges.iter().any(is_part)) {
        page.heading("THIS CHANNEL IS FULL, AND STAYS SO");
        page.text(2, &problem.title);
        page.text(2, &problem.advice);
        page.styled(2, &scene.address.url(&problem.docs), scene.theme.accent());
        return;
    }
    page.heading("THIS CHANNEL IS FULL");
    page.text(2, &format!("{} has no room, so its sender waits. You can:", words::resource_name(model, wait)));
    page.text(2, "- see why nothing is received: Enter on the channel, then on the task that can receive");
    page.text(2, "- increase the rate at which it is received from");
    page.text(2, "- decrease the rate at which it is sent to");
    page.text(2, "- give it a larger capacity, which helps against bursts only");
    page.text(2, "- make it unbounded, and bound the memory that it then takes in another way");
    page.styled(2, &scene.address.url("/docs/channel-full"), scene.theme.accent());
}

const TASKS: &str = "
# KEYS

↑ ↓ j k: move
PgUp PgDn Home End g G: move far
Enter: open the task
← → h l: sort by attention or by a column
r: reverse the order
P: problems, while there are some
D: write a problem's graph to a file
Esc: back
q: quit; Ctrl-L draws the screen anew

# ORDER

attention: tasks in a proven problem (!), then in a suspected one (?), then tasks that wait for room in a channel or for a lock, the longest first, then those that wait for another task's end, then those that wait for a message, then the rest. The cursor follows the top row until you move it; then it stays on its task. Home follows the top again.

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

const TASK: &str = "
# KEYS

↑ ↓ j k: move over waits, holds and ends of channels
Enter: open the resource, or the task that spawned this one
t: ask the program where the task waits, down to the line; again for a fresh answer
Esc: back
q: quit; Ctrl-L draws the screen anew
P: problems, while there are some
D: write a problem's graph to a file

# TERMS

WAITS FOR: what the task cannot go on without, with the reason in white on dark red, the operation, and the line of the await with its text. Several at once come of select! or join!
HOLDS: locks and permits that others cannot have while it has them
TRACE: where the task waits now, a stack for each await: first what is awaited, then the program's own functions with their lines, other code folded. The program polls the task once for it
CAN FREE: its ends of channels, and joins on it: what others may wait for until it acts
TIMES: percent of the last second or two, and the sum over its life
foreign waker: something outside of the resources seen here that may wake the task: a timer, io, a thread
source changed since build: the file is newer than the program, so the text may be another line's
source not found: there is no such file where the program runs; the location is still right
";

const RESOURCE: &str = "
# KEYS

↑ ↓ j k: move over tasks
Enter: open the task
Esc: back
q: quit; Ctrl-L draws the screen anew
P: problems, while there are some
D: write a problem's graph to a file

# TERMS

WAITING: the tasks that wait for this resource, the longest first, why, and where
CAN FREE IT: the tasks of which one has to act: of a full channel those with a receiver, of an empty one those with a sender, of a lock those that hold it, of a join the task itself
unknown: handles that exist and that no task has used yet: one of them may free it as well
maybe a shared one: the handle may be used by other tasks too
capacity: how many messages fit, length: how many are there, with places that were reserved
";

const PROBLEMS: &str = "
# KEYS

↑ ↓ j k: move over problems, tasks, resources and edges
Enter: open the task or the resource
t: ask the program anew where these tasks wait, down to the line
D: write the graph of the problem under the cursor to insight-deadlock-<n>.dot in the current folder
Esc: back
q: quit; Ctrl-L draws the screen anew

# TERMS

proven: every fact was observed: none of these tasks can go on
suspected: something unknown is involved; it is named under NOT KNOWN
EDGES: who waits for what, who holds it, and who could free it: the evidence

The program finds problems, and this screen shows them. When nothing is found, nothing is claimed.
To see a graph: dot -Tsvg insight-deadlock-1.dot -o deadlock.svg
";
