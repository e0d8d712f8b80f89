//! Prose in sources and documents.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use ra_ap_rustc_lexer::{FrontmatterAllowed, LiteralKind, TokenKind, tokenize};

/// The paragraphs of comments and string literals, each with its first line (from 1).
pub(super) fn of_rust(source: &str) -> Vec<(usize, String)> {
    let mut paragraphs = Vec::new();
    // The comment that the next line may continue: its first line, its last line, and its text.
    let mut open: Option<(usize, usize, String)> = None;
    let (mut at, mut line) = (0, 1);
    for token in tokenize(source, FrontmatterAllowed::No) {
        let text = &source[at..at + token.len as usize];
        match token.kind {
            TokenKind::LineComment { .. } => {
                let text = text.trim_start_matches('/').trim_start_matches('!').trim();
                match &mut open {
                    Some((_, last, paragraph)) if *last + 1 == line && !text.is_empty() => {
                        *last = line;
                        paragraph.push('\n');
                        paragraph.push_str(text);
                    }
                    _ => {
                        paragraphs.extend(open.take().map(|(first, _, text)| (first, text)));
                        open = (!text.is_empty()).then(|| (line, line, text.to_owned()));
                    }
                }
            }
            TokenKind::Literal { kind: LiteralKind::Str { .. } | LiteralKind::RawStr { .. }, .. } => {
                let text = text.trim_start_matches(['r', '#']).trim_end_matches('#').trim_matches('"');
                if text.split_whitespace().filter(|word| word.chars().all(char::is_alphabetic)).count() > 2 {
                    paragraphs.push((line, text.replace("\\\n", "").replace("\\n", "\n\n")));
                }
            }
            _ => {}
        }
        line += text.matches('\n').count();
        at += token.len as usize;
    }
    paragraphs.extend(open.map(|(first, _, text)| (first, text)));
    // A comment may have Markdown, such as lists and code.
    let parts = |(line, text): (usize, String)| of_markdown(&text).into_iter().map(move |(at, it)| (line + at - 1, it));
    paragraphs.into_iter().flat_map(parts).collect()
}

/// The paragraphs, headings, list items and cells of a document, each with its first line (from 1), without code.
pub(super) fn of_markdown(text: &str) -> Vec<(usize, String)> {
    let mut paragraphs = vec![(1, String::new())];
    let mut in_code = false;
    for (event, range) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
        let line = || text[..range.start].matches('\n').count() + 1;
        match event {
            Event::Start(Tag::CodeBlock(_)) => in_code = true,
            Event::End(TagEnd::CodeBlock) => in_code = false,
            Event::Start(Tag::Paragraph | Tag::Heading { .. } | Tag::Item | Tag::TableCell) => {
                paragraphs.push((line(), String::new()));
            }
            _ if in_code => {}
            Event::Text(part) => paragraphs.last_mut().expect("one at least").1.push_str(&part),
            Event::Code(_) => paragraphs.last_mut().expect("one at least").1.push('`'),
            Event::SoftBreak | Event::HardBreak => paragraphs.last_mut().expect("one at least").1.push(' '),
            _ => {}
        }
    }
    paragraphs.retain(|(_, text)| !text.trim().is_empty());
    paragraphs
}

/// The sentences of a paragraph. A colon or a semicolon does not end one.
pub(super) fn sentences(paragraph: &str) -> impl Iterator<Item = &str> {
    paragraph.split_inclusive(". ").flat_map(|it| it.split_inclusive("? ")).map(str::trim).filter(|it| !it.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_strings_are_prose_and_code_is_not() {
        let source = "//! One line.\n//! The same\n//!\n//! Another.\nfn what() {\n    // Inside `what`.\n    \
            print(\"three words here\", \"what\", r#\"four raw words here\"#);\n}\n/// ```\n/// what\n/// ```\nfn f() {}\n";
        let found: Vec<String> = of_rust(source).iter().map(|(line, text)| format!("{line} {text}")).collect();
        let expected =
            ["1 One line. The same", "7 three words here", "7 four raw words here", "4 Another.", "6 Inside `."];
        let mut sorted = found.clone();
        sorted.sort();
        let mut expected = expected.map(str::to_owned).to_vec();
        expected.sort();
        assert_eq!(sorted, expected);
    }

    #[test]
    fn a_document_is_cut_to_sentences() {
        let text = "# A title\n\nOne. Two\nlines? `Code` three.\n\n```\nwhat\n```\n\n| a | b |\n|---|---|\n| c | d |\n";
        let found: Vec<(usize, String)> = of_markdown(text);
        let found: Vec<String> =
            found.iter().flat_map(|(line, text)| sentences(text).map(move |it| format!("{line} {it}"))).collect();
        assert_eq!(found, ["1 A title", "3 One.", "3 Two lines?", "3 ` three.", "10 a", "10 b", "12 c", "12 d"]);
    }
}
