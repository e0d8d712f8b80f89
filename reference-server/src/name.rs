//! The name of a resource, from the source text around the call that makes it.
//!
//! The name is the variable, field or `static` to which the call's value is assigned. If that is not certain, there is no name.

mod tokens;

use tokens::{is_name, tokens};

/// Maximum number of lines between the begin of the statement and the call.
const LINES_ABOVE: usize = 6;
/// Maximum number of lines below the first one to which the call may extend.
const LINES_BELOW: usize = 40;

/// Calls that wrap their first argument. The name of the result is also a name for the argument.
const TRANSPARENT: &[[&str; 2]] = &[
    ["Arc", "new"],
    ["Arc", "from"],
    ["Rc", "new"],
    ["Rc", "from"],
    ["Box", "new"],
    ["Box", "from"],
    ["Box", "leak"],
    ["Box", "pin"],
    ["", "Some"],
    ["", "Ok"],
];
/// Calls that return the value of their closure.
const LAZY: &[&str] = &["LazyLock", "LazyCell", "Lazy"];

/// The pattern to the left of an `=`.
enum Pattern<'a> {
    One(&'a str),
    Tuple(Vec<&'a str>),
}

/// The name of the resource that the call at `line` and `column` creates. Both count from 1.
pub(crate) fn derive(lines: &[String], line: u32, column: u32) -> Option<String> {
    let at = usize::try_from(line).ok()?.checked_sub(1)?;
    let text = lines.get(at)?;
    let split = text.char_indices().nth(usize::try_from(column).ok()?.checked_sub(1)?)?.0;
    let first = at.saturating_sub(LINES_ABOVE);

    let before = format!("{}\n{}", lines[first..at].join("\n"), &text[..split]);
    let below = &lines[at + 1..lines.len().min(at + 1 + LINES_BELOW)];
    let after = format!("{}\n{}", &text[split..], below.join("\n"));
    if !is_whole(&tokens(&after)) {
        return None;
    }
    name_before(&tokens(&before), first == 0)
}

/// Whether the statement uses the value of the call itself, and not the result of further method calls.
fn is_whole(after: &[&str]) -> bool {
    let mut depth = 0_i32;
    let mut rest = after.iter();
    for token in rest.by_ref() {
        match *token {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => {
                depth -= 1;
                match depth {
                    0 => break,
                    1.. => {}
                    // There is no call.
                    _ => return false,
                }
            }
            ";" if depth == 0 => return false,
            _ => {}
        }
    }
    loop {
        match rest.next() {
            Some(&"?") => {}
            Some(&".") => match rest.next().copied() {
                Some("await" | "0" | "1") => {}
                // The method and its parentheses, which contain at most a literal.
                Some("unwrap" | "expect") => while rest.next().is_some_and(|token| *token != ")") {},
                _ => return false,
            },
            _ => return true,
        }
    }
}

/// The name from the tokens before the call. `whole`: the tokens begin at the start of the file.
fn name_before(tokens: &[&str], whole: bool) -> Option<String> {
    let mut before = tokens;
    let mut element = None;
    loop {
        before = match before {
            [rest @ .., "&"] | [rest @ .., "&", "mut"] => rest,
            [rest @ .., "="] => {
                let (statement, bounded) = statement(rest)?;
                return match (pattern(statement, bounded || whole)?, element) {
                    (Pattern::One(name), None) => known(name),
                    (Pattern::Tuple(names), Some(element)) => known(names.get(element).copied()?),
                    (Pattern::Tuple(names), None) => pair(&names),
                    (Pattern::One(_), Some(_)) => None,
                };
            }
            [rest @ .., name, ":"] if element.is_none() => {
                let is_field = matches!(rest.last(), Some(&("{" | "," | "]"))) || (rest.is_empty() && whole);
                return if is_field && is_name(name) { known(name) } else { None };
            }
            [rest @ .., "=", "("] if element.is_none() => {
                element = Some(0);
                &before[..=rest.len()]
            }
            [.., ","] if element.is_none() => {
                let (start, commas) = tuple(before)?;
                element = Some(commas);
                &before[..start]
            }
            [rest @ .., "::", "new", "(", "||"] | [rest @ .., "::", "new", "(", "move", "||"]
                if rest.last().is_some_and(|word| LAZY.contains(word)) =>
            {
                without_path(&rest[..rest.len() - 1])
            }
            [rest @ .., owner, "::", function, "("] if TRANSPARENT.contains(&[owner, function]) => without_path(rest),
            [rest @ .., function, "("] if TRANSPARENT.contains(&["", function]) => without_path(rest),
            _ => return None,
        };
    }
}

/// Removes the start of a path, such as `std::sync::`.
fn without_path<'a, 'b>(mut tokens: &'a [&'b str]) -> &'a [&'b str] {
    while let [rest @ .., word, "::"] = tokens {
        if !is_name(word) && !matches!(*word, "crate" | "self" | "super") {
            break;
        }
        tokens = rest;
    }
    tokens
}

/// The statement or field at the end of the tokens, and whether the tokens contain its beginning.
fn statement<'a, 'b>(tokens: &'a [&'b str]) -> Option<(&'a [&'b str], bool)> {
    let mut depth = 0;
    for (index, token) in tokens.iter().enumerate().rev() {
        match *token {
            ";" | "{" | "}" | "(" | "[" if depth == 0 => return Some((&tokens[index + 1..], true)),
            ")" | "]" | "}" => depth += 1,
            "(" | "[" | "{" => depth -= 1,
            _ => {}
        }
    }
    (depth == 0).then_some((tokens, false))
}

/// The start of an open tuple to the right of an `=`, and the number of its complete elements.
fn tuple(tokens: &[&str]) -> Option<(usize, usize)> {
    let mut depth = 0;
    let mut commas = 0;
    for (index, token) in tokens.iter().enumerate().rev() {
        match *token {
            // A comma between these could separate the parameters of a type.
            "<" => return None,
            "," if depth == 0 => commas += 1,
            "(" if depth == 0 => return (index > 0 && tokens[index - 1] == "=").then_some((index, commas)),
            "[" | "{" | ";" if depth == 0 => return None,
            ")" | "]" | "}" => depth += 1,
            "(" | "[" | "{" => depth -= 1,
            _ => {}
        }
    }
    None
}

fn pattern<'a>(mut tokens: &[&'a str], bounded: bool) -> Option<Pattern<'a>> {
    while let ["#", "[", rest @ ..] = tokens {
        tokens = &rest[rest.iter().position(|token| *token == "]")? + 1..];
    }
    if let ["pub", rest @ ..] = tokens {
        tokens = match rest {
            ["(", inner @ ..] => &inner[inner.iter().position(|token| *token == ")")? + 1..],
            _ => rest,
        };
    }
    match tokens {
        ["let", "mut", rest @ ..]
        | ["let", rest @ ..]
        | ["static", "mut" | "ref", rest @ ..]
        | ["static" | "const", rest @ ..] => match rest {
            ["(", rest @ ..] => names(rest).map(Pattern::Tuple),
            [name] => Some(Pattern::One(name)),
            // An `=` in the type is from `dyn Iterator<Item = T>`, or this is not a type.
            [name, ":", kind @ ..] if !kind.contains(&"=") => Some(Pattern::One(name)),
            _ => None,
        },
        // `self.name = `, `name = `. If the beginning is missing, it could be `let (name, other) = `.
        [owner @ .., name] if bounded => {
            let is_path = owner.chunks(2).all(|pair| matches!(pair, [word, "."] if is_name(word) || *word == "self"));
            is_path.then_some(Pattern::One(name))
        }
        _ => None,
    }
}

/// The names in a tuple pattern after its `(`. `_` for an element without a name.
fn names<'a>(tokens: &[&'a str]) -> Option<Vec<&'a str>> {
    let end = tokens.iter().position(|token| *token == ")")?;
    if !matches!(tokens.get(end + 1), None | Some(&":")) {
        return None;
    }
    let elements = tokens[..end].strip_suffix(&[","]).unwrap_or(&tokens[..end]);
    elements
        .split(|token| *token == ",")
        .map(|element| match element {
            [name] | ["mut", name] if is_name(name) => Some(*name),
            _ => None,
        })
        .collect()
}

/// The name to display. `None` for `_`.
fn known(name: &str) -> Option<String> {
    (is_name(name) && name != "_").then(|| name.strip_prefix("r#").unwrap_or(name).to_owned())
}

/// The name of a channel, from the names of its two ends.
fn pair(names: &[&str]) -> Option<String> {
    let [first, second] = names else { return None };
    let ends = [first.trim_start_matches('_'), second.trim_start_matches('_')];
    let generic = ends.map(|end| matches!(end, "tx" | "rx" | "sender" | "receiver" | "send" | "recv" | "s" | "r"));
    match (ends.map(stem), generic) {
        _ if ends == ["", ""] => None,
        (_, [true, true]) => Some(ends.join("/")),
        ([Some(one), Some(other)], _) if one == other => known(one),
        // An end without a name, or with a word that fits every channel, gives no name.
        (_, [true, false]) if !ends[1].is_empty() => known(ends[1]),
        _ if ends[0].is_empty() => known(ends[1]),
        _ => known(ends[0]),
    }
}

fn stem(name: &str) -> Option<&str> {
    let suffixes = ["_tx", "_rx", "_sender", "_receiver", "_send", "_recv"];
    suffixes.iter().find_map(|suffix| name.strip_suffix(suffix)).filter(|stem| !stem.is_empty())
}

#[cfg(test)]
mod tests;
