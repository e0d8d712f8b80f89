//! Splits Rust source into tokens, as far as names need them: comments are removed, and a string is one token.

/// Tokens of two characters that contain `=` or `:`, and must not be split. `>=` is missing: it is two tokens, as at the end of
/// a type's parameters before an `=`.
const PAIRS: &[&str] =
    &["::", "=>", "==", "!=", "<=", "->", "||", "&&", "..", "+=", "-=", "*=", "/=", "%=", "^=", "|=", "&="];

const KEYWORDS: &[&str] = &[
    "as", "async", "await", "break", "const", "continue", "crate", "dyn", "else", "enum", "extern", "false", "fn",
    "for", "if", "impl", "in", "let", "loop", "match", "mod", "move", "mut", "pub", "ref", "return", "self", "Self",
    "static", "struct", "super", "trait", "true", "type", "unsafe", "use", "where", "while", "yield",
];

/// An identifier that the program has chosen.
pub(super) fn is_name(token: &str) -> bool {
    token.starts_with(|first: char| first.is_alphabetic() || first == '_') && !KEYWORDS.contains(&token)
}

pub(super) fn tokens(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if first.is_whitespace() {
            first.len_utf8()
        } else if let Some(length) = comment(rest) {
            length
        } else {
            let length = literal(rest).or_else(|| word(rest)).unwrap_or_else(|| punctuation(rest, first));
            found.push(&rest[..length]);
            length
        };
        rest = &rest[length..];
    }
    found
}

fn comment(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    let inner = text.strip_prefix("/*")?;
    let mut depth = 1;
    let mut at = 0;
    while depth > 0 {
        let Some(next) = inner[at..].find(['/', '*']) else { return Some(text.len()) };
        at += next;
        if inner[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if inner[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
        } else {
            at += 1;
        }
    }
    Some(2 + at)
}

/// A string or a character. A number counts as a word.
fn literal(text: &str) -> Option<usize> {
    let quote = text.trim_start_matches(['b', 'c', 'r', '#']);
    let prefix = &text[..text.len() - quote.len()];
    let hashes = prefix.bytes().filter(|byte| *byte == b'#').count();
    if quote.starts_with('"') && prefix.contains('r') {
        let end = format!("\"{}", "#".repeat(hashes));
        return Some(quote[1..].find(&end).map_or(text.len(), |at| prefix.len() + 1 + at + end.len()));
    }
    if quote.starts_with('"') && hashes == 0 && prefix.len() <= 1 {
        return Some(prefix.len() + quoted(quote, '"').unwrap_or(quote.len()));
    }
    if quote.starts_with('\'') && matches!(prefix, "" | "b") {
        // `'a'` is a character; `'a` is a lifetime.
        let mut after = quote[1..].chars();
        let is_character = match after.next()? {
            '\\' => true,
            _ => after.next() == Some('\''),
        };
        let length = if is_character { quoted(quote, '\'')? } else { 1 + word(&quote[1..])? };
        return Some(prefix.len() + length);
    }
    None
}

/// The length of the literal that begins and ends with `quote`.
fn quoted(text: &str, quote: char) -> Option<usize> {
    let mut escaped = true;
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

fn word(text: &str) -> Option<usize> {
    let inner = text.strip_prefix("r#").unwrap_or(text);
    let length = inner.find(|next: char| !(next.is_alphanumeric() || next == '_')).unwrap_or(inner.len());
    (length > 0).then_some(text.len() - inner.len() + length)
}

fn punctuation(text: &str, first: char) -> usize {
    PAIRS.iter().find(|pair| text.starts_with(**pair)).map_or(first.len_utf8(), |pair| pair.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_is_split_into_tokens() {
        let check = |text: &str, expect: &str| assert_eq!(tokens(text).join(" "), expect, "{text}");
        check("let x:Vec<u8>=y;", "let x : Vec < u8 > = y ;");
        check("a::b(c)==d // e = f\n/* g /* = */ */h", "a :: b ( c ) == d h");
        check(
            r##"("a = \" {", r#"b"c"#, b"d", 'e', '\'', b'f')"##,
            r##"( "a = \" {" , r#"b"c"# , b"d" , 'e' , '\'' , b'f' )"##,
        );
        check("&'static str, r#type, rest, 1_0.5", "& 'static str , r#type , rest , 1_0 . 5");
        check("naïve = 'ü'", "naïve = 'ü'");
        for cut in ["\"open", "r#\"open", "/* open", "'", "b'", "r#"] {
            tokens(cut);
        }
    }
}
