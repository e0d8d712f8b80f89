//! The views: functions of the snapshot and of the user's position.
//!
//! Each view is one module: its [`Kind`] has its keys, its help and its documentation, and its [`View`] has its content.
//! A new view is a module and an entry of [`VIEWS`]. `--once` prints the same rows and pages as text.

pub mod attention;
pub mod columns;
pub mod cursor;
pub mod ended;
pub mod help;
pub mod page;
pub mod page_view;
pub mod problem;
pub mod program_list;
pub mod resource;
pub mod rows;
pub mod status;
pub mod table;
pub mod task;
pub mod task_list;
pub mod trace;

use crate::args::Address;
use crate::shares::Shares;
use crate::snapshot::Snapshot;
use crate::theme::Theme;
use crate::traces::Traces;
use insight_model::{Edge, Model};
use insight_protocol::{ProblemId, TaskId};
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::KeyCode;
use ratatui::layout::Rect;
use status::Hint;
use std::time::Instant;

/// All views. The program begins with the first one.
pub static VIEWS: &[&Kind] = &[&task_list::KIND, &problem::KIND, &ended::KIND, &task::KIND, &resource::KIND];

/// The facts that all views of one kind share.
#[derive(Debug)]
pub struct Kind {
    /// The title of its help.
    pub title: &'static str,
    /// The keys that it takes, in the order of the help and of the key bar.
    pub keys: &'static [Key],
    /// The key that opens it from everywhere; `None` if only links open it.
    pub opener: Option<Opener>,
    /// The sections of its help below the keys: `# HEADING` and `term: meaning`, with empty lines between.
    pub help: &'static str,
    /// The paths of its documentation.
    pub docs: &'static [&'static str],
    /// Opens it for the subject with this id. A view of the whole program ignores the id.
    pub open: fn(id: u64) -> Box<dyn View>,
}

/// Keys and their effect.
#[derive(Debug)]
pub struct Key {
    /// The keys, as the help shows them.
    pub keys: &'static str,
    /// The effect, as the help shows it.
    pub does: &'static str,
    /// Its place in the key bar, if it has one.
    pub hint: Option<Hint>,
}

/// The way back, in the keys of each view that is not the first.
pub const BACK: Key = Key { keys: "Esc", does: "back", hint: Some((7, "Esc", "back")) };

/// The key that opens a view from everywhere.
#[derive(Debug)]
pub struct Opener {
    /// An upper-case letter. The lower-case letter does the same.
    pub key: char,
    /// Its line in the help of the other views and its place in the key bar.
    pub shown: Key,
    /// Returns the reason if there is nothing to show.
    pub ready: fn(&Model) -> Result<(), &'static str>,
    /// The key also asks for the traces of the view's tasks.
    pub traces: bool,
}

/// A way to a view.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    /// The kind of the view.
    pub kind: &'static Kind,
    /// The id of its subject.
    pub id: u64,
}

/// The tasks that the trace key asks for.
#[derive(Debug)]
pub enum Traced {
    /// These. There may be none.
    Tasks(Vec<TaskId>),
    /// The task that Enter opens: the key opens it first.
    Linked,
}

/// A view that is open.
pub trait View {
    /// Its kind.
    fn kind(&self) -> &'static Kind;

    /// Its name in the path, taken when it opens.
    fn name(&self, scene: &Scene) -> String;

    /// Takes in a changed snapshot. It is called a few times a second, not for each frame.
    fn refresh(&mut self, scene: &Scene);

    /// Drops all IDs: the program was restarted. Only the first view stays open then.
    fn forget(&mut self);

    /// Takes a key that moves the cursor or changes the view.
    fn on_key(&mut self, key: KeyCode, scene: &Scene);

    /// Draws it, and returns the part of the area with its content. The help may cover that part.
    fn draw(&mut self, scene: &Scene, area: Rect, buffer: &mut Buffer) -> Rect;

    /// The target of Enter.
    fn link(&self, scene: &Scene) -> Option<Link>;

    /// The problem under the cursor.
    fn problem(&self, scene: &Scene) -> Option<ProblemId>;

    /// The tasks that the trace key asks for.
    fn traced(&self, scene: &Scene) -> Traced;

    /// The waits that the help may explain.
    fn waits<'m>(&self, model: &'m Model) -> Vec<&'m Edge>;

    /// The paths of more documentation, for the facts that are on the screen now.
    fn more_docs(&self, model: &Model) -> Vec<String>;
}

/// The data of every view.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// The facts about the program.
    pub snapshot: &'a Snapshot,
    /// The tasks' shares of the last second or two.
    pub shares: &'a Shares,
    /// The traces that the user asked for.
    pub traces: &'a Traces,
    /// The address of the program.
    pub address: &'a Address,
    /// The colours.
    pub theme: Theme,
    /// The time of this frame.
    pub now: Instant,
}

impl<'a> Scene<'a> {
    /// The program.
    pub fn model(&self) -> &'a Model {
        &self.snapshot.model
    }
}

#[cfg(test)]
mod tests {
    use super::VIEWS;

    #[test]
    fn no_key_opens_a_view_and_does_another_thing() {
        // The lower-case letter opens the view too. `q`, `d`, `t` and `c` are keys of all views.
        let mut used = vec!['q', 'd', 't', 'c'];
        for key in VIEWS.iter().flat_map(|kind| kind.keys) {
            used.extend(key.keys.split(' ').filter(|name| name.len() == 1).flat_map(str::chars));
        }
        for opener in VIEWS.iter().filter_map(|kind| kind.opener.as_ref()) {
            assert!(opener.key.is_ascii_uppercase(), "{}", opener.key);
            assert_eq!(opener.shown.keys, opener.key.to_string());
            for key in [opener.key, opener.key.to_ascii_lowercase()] {
                assert!(!used.contains(&key), "{key} has another effect");
                used.push(key);
            }
        }
    }

    #[test]
    fn the_documentation_of_each_view_exists() {
        for docs in VIEWS.iter().flat_map(|kind| kind.docs) {
            let path = format!("{}/..{docs}.md", env!("CARGO_MANIFEST_DIR"));
            assert!(std::path::Path::new(&path).exists(), "{path}");
        }
    }
}
