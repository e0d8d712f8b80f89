//! Text for a screen: made harmless, measured, cut and wrapped.

use insight_reader::is_hidden;
use ratatui::text::{Line, Span};
use std::borrow::Cow;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The text without characters that could move a cursor, colour a terminal or reorder the line. Names and source lines come
/// from the observed program, and may contain any character.
pub fn clean(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let replace = |c: char| match c {
        '\t' => ' ',
        c if is_hidden(c) => '\u{fffd}',
        c => c,
    };
    Cow::Owned(text.chars().map(replace).collect())
}

/// The number of columns that the text takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// The text cut to `columns` at its end, with an ellipsis if something was cut.
pub fn fit(text: &str, columns: usize) -> String {
    let text = clean(text);
    if text.width() <= columns {
        return text.into_owned();
    }
    let mut result = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > columns {
            break;
        }
        result.push(c);
    }
    if columns > 0 {
        result.push('…');
    }
    result
}

/// The text cut to `columns` at its start, for a path: its end says most.
pub fn fit_end(text: &str, columns: usize) -> String {
    let text = clean(text);
    if text.width() <= columns {
        return text.into_owned();
    }
    let mut used = 1;
    let kept: Vec<char> = text
        .chars()
        .rev()
        .take_while(|c| {
            used += c.width().unwrap_or(0);
            used <= columns
        })
        .collect();
    let ellipsis = if columns > 0 { "…" } else { "" };
    ellipsis.chars().chain(kept.into_iter().rev()).collect()
}

/// A duration for a sentence: `850 µs`, `12.3 s`, `2 min 3 s`.
pub fn duration(ns: u64) -> String {
    let seconds = ns / 1_000_000_000;
    match seconds {
        _ if ns < 1_000_000 => format!("{} µs", ns / 1_000),
        0 => format!("{} ms", ns / 1_000_000),
        1..60 => format!("{seconds}.{} s", ns / 100_000_000 % 10),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

/// A duration for a column of at most 6: `850µs`, `12.3s`, `2m03s`.
pub fn duration_short(ns: u64) -> String {
    let seconds = ns / 1_000_000_000;
    match seconds {
        60..3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h{:02}m", seconds / 3_600, seconds / 60 % 60),
        86_400.. => format!("{}d{:02}h", seconds / 86_400, seconds / 3_600 % 24),
        _ => duration(ns).replace(' ', ""),
    }
}

/// A count in words: `1 task`, `2 tasks`, `100,000 tasks`.
pub fn count(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {what}{plural}", grouped(number))
}

/// A number with its thousands apart: `100,000`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut result = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            result.push(',');
        }
        result.push(digit);
    }
    result
}

/// A number for a column of at most 6: `99999`, `1234k`, `56M`.
pub fn number_short(number: u64) -> String {
    match number {
        0..1_000_000 => number.to_string(),
        1_000_000..1_000_000_000 => format!("{}k", number / 1_000),
        _ => format!("{}M", number / 1_000_000),
    }
}

/// Breaks styled text into lines of at most `columns`, at spaces where it can; lines after the first are indented by
/// `hanging`.
pub fn wrap(spans: Vec<Span<'static>>, columns: usize, hanging: usize) -> Vec<Line<'static>> {
    let columns = columns.max(1);
    let hanging = if hanging * 2 > columns { 0 } else { hanging };
    let mut lines: Vec<Vec<Span<'static>>> = vec![Vec::new()];
    let mut used = 0;
    // The present line has only indentation.
    let mut empty = true;
    for span in spans {
        for word in span.content.split_inclusive(' ') {
            let mut word = clean(word).into_owned();
            if !empty && used + word.trim_end().width() > columns {
                lines.push(vec![Span::raw(" ".repeat(hanging))]);
                (used, empty) = (hanging, true);
            }
            // A word that is wider than a line is cut wherever the line ends.
            while used + word.trim_end().width() > columns && columns > used {
                let mut room = columns - used;
                let cut = word
                    .char_indices()
                    .find(|(_, c)| {
                        let fits = c.width().unwrap_or(0) <= room;
                        room = room.saturating_sub(c.width().unwrap_or(0));
                        !fits
                    })
                    .map_or(word.len(), |(index, _)| index);
                if cut == 0 {
                    break;
                }
                let rest = word.split_off(cut);
                push(&mut lines, Span::styled(word, span.style));
                lines.push(vec![Span::raw(" ".repeat(hanging))]);
                (used, word) = (hanging, rest);
            }
            used += word.width();
            empty &= word.trim().is_empty();
            push(&mut lines, Span::styled(word, span.style));
        }
    }
    lines.into_iter().map(Line::from).collect()
}

/// Appends to the last line, to its last span where the style is the same.
fn push(lines: &mut [Vec<Span<'static>>], span: Span<'static>) {
    let Some(line) = lines.last_mut() else { return };
    match line.last_mut() {
        Some(last) if last.style == span.style => last.content.to_mut().push_str(&span.content),
        _ => line.push(span),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_could_harm_a_terminal_are_replaced() {
        let check = |text: &str, expect: &str| assert_eq!(clean(text), expect);
        check("naïve 名前", "naïve 名前");
        check("a\x1b[31mb\r\nc\td", "a\u{fffd}[31mb\u{fffd}\u{fffd}c d");
        check("\u{9b}2J \u{202e}gnp.exe", "\u{fffd}2J \u{fffd}gnp.exe");
    }

    #[test]
    fn text_is_cut_by_columns() {
        let check = |columns, expect: &str, expect_end: &str| {
            assert_eq!(fit("src/名前.rs", columns), expect, "{columns}");
            assert_eq!(fit_end("src/名前.rs", columns), expect_end, "{columns}");
        };
        check(11, "src/名前.rs", "src/名前.rs");
        check(10, "src/名前.…", "…c/名前.rs");
        check(6, "src/…", "…前.rs");
        check(1, "…", "…");
        check(0, "", "");
    }

    #[test]
    fn durations_have_a_unit() {
        let check = |ns, sentence: &str, column: &str| {
            assert_eq!(duration(ns), sentence);
            assert_eq!(duration_short(ns), column);
            assert!(width(column) <= 6);
        };
        check(0, "0 µs", "0µs");
        check(999_999, "999 µs", "999µs");
        check(12_345_678_901, "12.3 s", "12.3s");
        check(123_000_000_000, "2 min 3 s", "2m03s");
        check(3_700_000_000_000, "1 h 1 min", "1h01m");
        check(90_000_000_000_000, "1 d 1 h", "1d01h");
    }

    #[test]
    fn long_text_continues_in_the_next_line() {
        let check = |text: &str, columns, expect: &[&str]| {
            let lines = wrap(vec![Span::raw(text.to_owned())], columns, 2);
            let actual: Vec<String> = lines.iter().map(|line| line.to_string().trim_end().to_owned()).collect();
            assert_eq!(actual, expect, "{text} in {columns}");
        };
        check("to send a message", 20, &["to send a message"]);
        check("to send a message", 9, &["to send a", "  message"]);
        check("src/prototype.rs", 8, &["src/prot", "  otype.", "  rs"]);
        check("名前", 1, &["名前"]);
        check("", 5, &[""]);
    }
}
