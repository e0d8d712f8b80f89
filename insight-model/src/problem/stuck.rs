use super::knot::Knot;
use super::story::Story;
use insight_protocol::TaskId;

/// The question and the words of a kind of stuck tasks.
pub(crate) struct Stuck {
    /// Whether the knot is of this kind. Kinds later in the list take precedence.
    pub(super) is: fn(&Knot) -> bool,
    /// One line.
    pub(super) title: fn(&Story) -> String,
    /// The sentence about one of its tasks.
    pub(super) sentence: fn(&Story, TaskId) -> String,
    /// One or two sentences.
    pub(super) advice: fn(&Story) -> &'static str,
}
