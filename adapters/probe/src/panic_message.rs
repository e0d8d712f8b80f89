//! The message of a panic on its way to the recorder.

use insight_protocol::MAX_PANIC;
use std::any::Any;
use std::borrow::Cow;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Number of messages that the recorder has not read. The panicking threads and the recorder change it; relaxed, since it is
/// only a bound.
static UNREAD: AtomicUsize = AtomicUsize::new(0);

/// Maximum number of messages that the recorder has not read. Later panics have no message, so that a program that panics all
/// the time does not fill the memory.
const MAX_UNREAD: usize = 1000;

/// The message of a panic whose payload is neither `&str` nor `String`.
const NO_TEXT: &str = "a panic whose payload is no text";

/// A message. It counts as unread until it is dropped.
#[derive(Debug)]
pub(crate) struct PanicMessage(Box<str>);

impl PanicMessage {
    /// The message of a panic with this payload. `None` if too many are unread.
    pub(crate) fn of(payload: &(dyn Any + Send)) -> Option<PanicMessage> {
        let message = PanicMessage(text(payload).into());
        (UNREAD.fetch_add(1, Ordering::Relaxed) < MAX_UNREAD).then_some(message)
    }

    /// Its text, which is taken out.
    pub(crate) fn take(mut self) -> Box<str> {
        std::mem::take(&mut self.0)
    }
}

impl Drop for PanicMessage {
    fn drop(&mut self) {
        UNREAD.fetch_sub(1, Ordering::Relaxed);
    }
}

fn text(payload: &(dyn Any + Send)) -> Cow<'_, str> {
    let text = match (payload.downcast_ref::<&'static str>(), payload.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (None, Some(text)) => text.as_str(),
        (None, None) => NO_TEXT,
    };
    cut(text)
}

/// The text, or its first characters with a mark at the end. r[task.completed.panic-bounded]
fn cut(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(MAX_PANIC) {
        None => text.into(),
        Some(_) => text.chars().take(MAX_PANIC - 1).chain(['…']).collect::<String>().into(),
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn long_message_is_cut_at_a_character() {
        for character in ["x", "é", "🦀"] {
            let whole = character.repeat(MAX_PANIC);
            assert_eq!(cut(&whole), whole);
            let long = character.repeat(MAX_PANIC + 1);
            assert_eq!(cut(&long), format!("{}…", character.repeat(MAX_PANIC - 1)));
        }
    }

    #[test]
    fn text_of_a_payload() {
        let check = |payload: Box<dyn Any + Send>, expect: &str| assert_eq!(text(&*payload), expect);
        check(Box::new("a literal"), "a literal");
        check(Box::new("made at run time".to_owned()), "made at run time");
        check(Box::new(""), "");
        check(Box::new(7), NO_TEXT);
    }

    #[test]
    fn messages_without_a_reader_have_a_bound() {
        let message = || PanicMessage::of(&"text");
        let all: Vec<PanicMessage> = std::iter::from_fn(message).collect();
        // The test of the facts may have one meanwhile.
        assert!((MAX_UNREAD - 1..=MAX_UNREAD).contains(&all.len()), "{}", all.len());
        drop(all);
        assert_eq!(message().map(PanicMessage::take).as_deref(), Some("text"));
    }
}
