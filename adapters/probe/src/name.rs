//! The names that the program itself gives.

use crate::resource::AsResource;
use std::borrow::Cow;
use std::cell::Cell;

thread_local! {
    /// The name of the next task that this thread spawns.
    static NEXT_TASK: Cell<Option<Box<str>>> = const { Cell::new(None) };
}

/// Maximum length of a name that the program gives, in bytes. A longer one is cut there, and ends with `…`.
pub const MAX_NAME: usize = 1024;

/// Names a resource; the first name that it is given stays. A name longer than [`MAX_NAME`] is cut. Does nothing while recording
/// is off.
pub fn name<R: AsResource + ?Sized>(resource: &R, name: &str) {
    if let Some(cell) = resource.cell() {
        // Before it is recorded, or after: the recorder looks at both times.
        let _ = cell.name.set(cut(name).into());
    }
}

/// Names the first task that `spawn` spawns on this thread, and returns the result of `spawn`.
///
/// A task has its name from its beginning or never, so it is given around the spawn and not within the task. It works
/// with each executor that is observed, and asks nothing of it. A name longer than [`MAX_NAME`] is cut.
pub fn task_name<R>(name: &str, spawn: impl FnOnce() -> R) -> R {
    /// Also when `spawn` panics, or spawns nothing.
    struct Restore(Option<Box<str>>);

    impl Drop for Restore {
        fn drop(&mut self) {
            replace_task_name(self.0.take());
        }
    }

    let _restore = crate::on().then(|| Restore(replace_task_name(Some(cut(name).into()))));
    spawn()
}

/// The name for a task that is spawned now, which is thereby taken.
#[inline]
pub(crate) fn take_task_name() -> Option<Box<str>> {
    replace_task_name(None)
}

/// Puts another name in place of the one for the next task. A thread that ends may spawn in the destructor of a
/// thread-local, when this one is gone: no task has a name then.
#[inline]
fn replace_task_name(name: Option<Box<str>>) -> Option<Box<str>> {
    NEXT_TASK.try_with(|next| next.replace(name)).ok().flatten()
}

/// The text, or its first [`MAX_NAME`] bytes, with a mark at the end.
pub(crate) fn cut(text: &str) -> Cow<'_, str> {
    if text.len() <= MAX_NAME {
        return text.into();
    }
    let end = (0..=MAX_NAME - '…'.len_utf8()).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    format!("{}…", &text[..end]).into()
}

/// The longest name of a type that is kept, in bytes; a generic future's type can have thousands.
const MAX_TYPE_NAME: usize = 120;

/// `barbara::serve` of `barbara::serve::{{closure}}::{{closure}}`: an async block or closure is called by the function it
/// stands in, and the paths within `<...>` are shortened to their last part.
pub(crate) fn readable(type_name: &str) -> String {
    let mut name = String::new();
    let mut depth = 0_u32;
    let text = type_name.replace("::{{closure}}", "");
    let in_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    for part in text.split_inclusive(|c: char| !in_path(c)) {
        let path = part.trim_end_matches(|c: char| !in_path(c));
        let end = &part[path.len()..];
        // The outermost path stays whole: it says which crate and module.
        name.push_str(if depth == 0 { path } else { path.rsplit("::").next().unwrap_or(path) });
        name.push_str(end);
        match end {
            "<" => depth += 1,
            ">" => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    if name.len() > MAX_TYPE_NAME {
        let cut = (0..MAX_TYPE_NAME).rev().find(|at| name.is_char_boundary(*at)).unwrap_or(0);
        name.truncate(cut);
        name.push('…');
    }
    name
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::{MAX_NAME, cut, readable};

    #[test]
    fn readable_names() {
        let check = |type_name: &str, expect: &str| assert_eq!(readable(type_name), expect, "{type_name}");
        check("barbara::handler::{{closure}}", "barbara::handler");
        check("barbara::handler::{{closure}}::{{closure}}", "barbara::handler");
        check("<barbara::Pool as barbara::Work>::run::{{closure}}", "<Pool as Work>::run");
        check(
            "core::pin::Pin<alloc::boxed::Box<dyn core::future::future::Future<Output = ()> + core::marker::Send>>",
            "core::pin::Pin<Box<dyn Future<Output = ()> + Send>>",
        );
        check("app::run<app::Naïve>::{{closure}}", "app::run<Naïve>");
        check("", "");
        assert_eq!(readable(&format!("a::{}", "é".repeat(100))).chars().last(), Some('…'));
    }

    #[test]
    fn a_long_name_is_cut_between_two_characters() {
        for (text, expect) in
            [("a".repeat(MAX_NAME), MAX_NAME), ("a".repeat(1 << 20), MAX_NAME), ("é".repeat(600), 1023)]
        {
            assert_eq!(cut(&text).len(), expect);
            assert_eq!(cut(&text).ends_with('…'), text.len() > MAX_NAME);
        }
    }
}
