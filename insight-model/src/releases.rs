//! The tasks that made progress, or panicked, only because a capture polled them.

use crate::health::{HealthFinding, evidence, suspect, words};
use crate::operation::{self, Class};
use crate::problem::{lost_wakeup, released_by_capture};
use crate::wants::has_foreign_waker;
use crate::{EdgeBody, Model};
use insight_protocol::{ResourceKind, Severity, SourceLocation, TaskId};
use std::collections::{BTreeMap, VecDeque};

/// Time for which a release stays a problem, in nanoseconds: five minutes, so that a person who was called finds it.
const KEPT_NS: u64 = 300_000_000_000;

/// Number of tasks of one place whose release makes a lost wake-up. One may be a coincidence: an event came just then.
const LOST: u64 = 3;

/// Maximum number of places, and of tasks that are described of each.
const MOST_PLACES: usize = 64;
const MOST_TASKS: usize = 3;

/// A waiting task, as it was before a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BeforeCapture {
    label: String,
    /// Its spawn location.
    place: Option<SourceLocation>,
    /// Its longest wait, in words.
    wait: Option<String>,
    /// A timer or io may be ready before it wakes its task, so the release of a task with such a wait is no evidence. Something unobserved
    /// that has a waker of the task may be a timer or io, too.
    counts: bool,
}

/// The way in which a capture released a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// It made progress.
    Progress,
    /// It made progress, and for a second the facts of its resource had shown that its wait could end, see
    /// [`Model::has_ready_wait`].
    ReadyWait,
    /// The poll panicked.
    Panic,
}

impl BeforeCapture {
    /// Its spawn location.
    pub fn place(&self) -> Option<&SourceLocation> {
        self.place.as_ref()
    }

    /// `task 7 (reader)`.
    pub fn label(&self) -> &str {
        &self.label
    }
}

impl Model {
    /// The task as it is now, before a capture, for [`Watch::released`](crate::Watch::released).
    pub fn before_capture(&self, id: TaskId) -> BeforeCapture {
        let is_ready_early = |edge: &&crate::Edge| {
            let is_time = match &edge.body {
                EdgeBody::Wait { operation, .. } => operation::of(operation).class == Class::Time,
                _ => false,
            };
            let kind = self.resources.get(&edge.resource).map(|resource| &resource.kind);
            is_time || kind.is_some_and(|kind| matches!(kind, ResourceKind::Io | ResourceKind::Timer))
        };
        let waits = self.waits_of_task(id);
        let place = self.tasks.get(&id).and_then(|task| Some(task.origin.location.as_ref()?.place.clone()));
        BeforeCapture {
            label: self.task_label(id),
            place,
            wait: words::first_wait(self, id),
            counts: !waits.iter().any(is_ready_early) && !self.tasks.get(&id).is_some_and(has_foreign_waker),
        }
    }
}

/// The releases of the last minutes, by the spawn location of their tasks.
#[derive(Clone, Debug, Default)]
pub(crate) struct Releases {
    places: BTreeMap<Option<SourceLocation>, Place>,
}

#[derive(Clone, Debug, Default)]
struct Place {
    /// The last tasks, the newest first.
    last: VecDeque<(BeforeCapture, Release)>,
    /// Number of released tasks, and of those that count.
    all: u64,
    counted: u64,
    /// The resource of one of them had been ready for long.
    ready: bool,
    first_ns: u64,
    last_ns: u64,
}

impl Releases {
    /// Adds a task.
    pub(crate) fn add(&mut self, before: BeforeCapture, release: Release, at_ns: u64) {
        if self.places.len() >= MOST_PLACES && !self.places.contains_key(&before.place) {
            let oldest = self.places.iter().min_by_key(|(_, place)| place.last_ns).map(|(key, _)| key.clone());
            oldest.iter().for_each(|oldest| drop(self.places.remove(oldest)));
        }
        let place = self.places.entry(before.place.clone()).or_default();
        if place.all == 0 {
            place.first_ns = at_ns;
        }
        place.all += 1;
        // A panic says nothing about a wake.
        let counts = before.counts && release != Release::Panic;
        place.counted += u64::from(counts);
        place.ready |= release == Release::ReadyWait && counts;
        place.last_ns = place.last_ns.max(at_ns);
        place.last.truncate(MOST_TASKS - 1);
        place.last.push_front((before, release));
    }

    /// The findings, one for each place with a release in the last minutes.
    pub(crate) fn findings(&mut self, now_ns: u64) -> Vec<HealthFinding> {
        self.places.retain(|_, place| now_ns.saturating_sub(place.last_ns) <= KEPT_NS);
        self.places.iter().map(|(spawned_at, place)| place.finding(spawned_at.clone())).collect()
    }
}

impl Place {
    fn finding(&self, spawned_at: Option<SourceLocation>) -> HealthFinding {
        let is_lost = self.ready || self.counted >= LOST;
        let newest = self.last.front();
        let panicked = newest.is_some_and(|(_, release)| *release == Release::Panic);
        let (about, severity, advice) = match (is_lost, panicked) {
            (true, _) => (&lost_wakeup::ABOUT, Severity::Hang, lost_wakeup::ADVICE),
            (false, true) => (&released_by_capture::ABOUT, Severity::Notice, released_by_capture::ADVICE_ON_PANIC),
            (false, false) => (&released_by_capture::ABOUT, Severity::Notice, released_by_capture::ADVICE),
        };
        let mut finding = evidence(about, self.first_ns);
        suspect(
            &mut finding,
            match (self.ready, is_lost) {
                (true, _) => "its wake may have been under way for more than a second",
                (false, true) => "an event may have come just when insight polled each of these tasks",
                (false, false) => "an event may have come just when insight polled the task",
            },
        );
        // A lost wake-up is about the tasks that made progress.
        let shown = match is_lost {
            true => self.last.iter().find(|(_, release)| *release != Release::Panic).or(newest),
            false => newest,
        };
        let first = shown.map_or("a task", |(before, _)| &before.label);
        let what = if is_lost { "lost wake-up" } else { "released by a capture" };
        let title = match !is_lost && panicked {
            true => format!("{what}: {first} panicked when insight polled it"),
            false => format!("{what}: {first} made progress only because insight polled it"),
        };
        let sentence = |(BeforeCapture { label, wait, .. }, release): &(BeforeCapture, Release)| {
            let waited = wait.as_ref().map_or_else(String::new, |wait| format!(" It had waited {wait}."));
            let (end, ready) = match release {
                Release::Progress => ("it made progress", ""),
                Release::ReadyWait => ("it made progress", " For more than a second, that wait could have ended."),
                Release::Panic => ("this poll panicked", ""),
            };
            format!("Nothing had woken {label}. insight polled it to learn its awaits, and {end}.{waited}{ready}")
        };
        let mut explanation: Vec<String> = self.last.iter().map(sentence).collect();
        if self.all > self.last.len() as u64 {
            explanation.push(format!(
                "In all, {} of this place were released like this.",
                words::count(self.all as usize, "task")
            ));
        }
        HealthFinding { finding, severity, place: spawned_at, title, explanation, advice }
    }
}
