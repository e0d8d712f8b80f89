//! Lines of a test's source.

/// The line of `source` that ends with the comment `// here: MARK`.
///
/// # Panics
///
/// Panics if there is not exactly one.
pub fn line_marked(source: &str, mark: &str) -> u32 {
    let ending = format!("// here: {mark}");
    let lines: Vec<u32> =
        (1..).zip(source.lines()).filter(|(_, line)| line.ends_with(&ending)).map(|(at, _)| at).collect();
    assert_eq!(lines.len(), 1, "{mark}: {lines:?}");
    lines[0]
}

/// The first line of `source` that contains `text`, without calls such as `line("TEXT")`.
///
/// # Panics
///
/// Panics if there is none.
pub fn line_with(source: &str, text: &str) -> u32 {
    let is_it = |line: &str| line.contains(text) && !line.contains("line(\"") && !line.contains("at(\"");
    let found = source.lines().position(is_it);
    found.unwrap_or_else(|| panic!("no line contains {text}")) as u32 + 1
}
