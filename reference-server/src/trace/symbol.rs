//! The names of functions in a short, readable form.

/// Maximum length of a name, in characters.
const MAX_NAME: usize = 160;

/// `barbara::serve` of `barbara::serve::{{closure}}`, `barbara::Pool::run` of `<barbara::Pool<u8>>::run::<i32>`,
/// `<Pool as Work>::run` of `<barbara::Pool as barbara::Work>::run`.
///
/// The body of an async function, a block and a closure get the name of the function that contains them.
pub(crate) fn readable(name: &str) -> String {
    let name = without_braces(name);
    let name = match bracketed(&name) {
        None => plain(&name),
        Some((inside, rest)) => match top_level_as(inside) {
            Some((of, as_trait)) => format!("<{} as {}>{}", short(of), short(as_trait), plain(rest)),
            None => format!("{}{}", plain(inside), plain(rest)),
        },
    };
    match name.char_indices().nth(MAX_NAME) {
        Some((at, _)) => format!("{}…", &name[..at]),
        None => name,
    }
}

/// The crate that contains the function, or the type of the method.
pub(crate) fn root(name: &str) -> Option<&str> {
    let name = name.trim_start_matches(|character| "<&*([ ".contains(character));
    let name = ["mut ", "dyn ", "const "].iter().fold(name, |name, word| name.trim_start_matches(word));
    let end = name.find(|character: char| !(character.is_alphanumeric() || character == '_')).unwrap_or(name.len());
    (end > 0 && name[end..].starts_with("::")).then(|| &name[..end])
}

/// Without `::{{closure}}`, `::{closure#0}`, `::{async_fn_env#0}` and the like.
fn without_braces(name: &str) -> String {
    let mut out = String::new();
    let mut rest = name;
    while let Some(at) = rest.find("::{") {
        out.push_str(&rest[..at]);
        let mut depth = 0;
        let end = rest[at + 2..].find(|character| {
            depth += match character {
                '{' => 1,
                '}' => -1,
                _ => 0,
            };
            depth == 0
        });
        match end {
            Some(end) => rest = &rest[at + 2 + end + 1..],
            None => return out,
        }
    }
    out + rest
}

/// The position of the `>` that ends the `<` at the start.
pub(crate) fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_i32;
    let mut before = ' ';
    for (at, character) in text.char_indices() {
        depth += match character {
            '<' => 1,
            '>' if before != '-' => -1,
            _ => 0,
        };
        if depth == 0 {
            return Some(at);
        }
        before = character;
    }
    None
}

/// The two sides of the ` as ` outside of nested brackets.
fn top_level_as(text: &str) -> Option<(&str, &str)> {
    text.match_indices(" as ")
        .find(|(at, _)| {
            let before = text[..*at].replace("->", "");
            before.matches('<').count() == before.matches('>').count()
        })
        .map(|(at, word)| (&text[..at], &text[at + word.len()..]))
}

/// The text in the brackets at the start, and the rest.
fn bracketed(name: &str) -> Option<(&str, &str)> {
    name.strip_prefix('<')?;
    let end = closing(name)?;
    Some((&name[1..end], &name[end + 1..]))
}

/// The type, the trait and the method of `<Type as Trait>::method`.
pub(crate) fn implementation(name: &str) -> Option<(&str, &str, &str)> {
    let (inside, rest) = bracketed(name)?;
    let (of, as_trait) = top_level_as(inside)?;
    let method = rest.strip_prefix("::")?.split("::").next()?;
    Some((of, as_trait, method))
}

/// Removes all `<...>`.
pub(crate) fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut depth = 0_i32;
    let mut before = ' ';
    for character in text.chars() {
        match character {
            '<' => depth += 1,
            '>' if before != '-' => depth -= 1,
            _ if depth == 0 => out.push(character),
            _ => {}
        }
        before = character;
    }
    out.replace("::::", "::").trim_end_matches("::").to_owned()
}

/// The last part of a path.
fn short(text: &str) -> String {
    let plain = plain(text);
    plain.rsplit("::").next().unwrap_or(&plain).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shortened() {
        let check = |name: &str, expect: &str, crate_name: &str| {
            assert_eq!(readable(name), expect, "{name}");
            assert_eq!(root(name).unwrap_or("-"), crate_name, "{name}");
        };
        check("barbara::handler::{{closure}}", "barbara::handler", "barbara");
        check("barbara::handler::{{closure}}::{{closure}}", "barbara::handler", "barbara");
        check("barbara::handler::{closure#0}::<u8>", "barbara::handler", "barbara");
        check("barbara::handler::{async_fn_env#0}", "barbara::handler", "barbara");
        check("barbara::run::<app::Pool, [u8; 4]>", "barbara::run", "barbara");
        check("<barbara::Pool<u8>>::run::{closure#0}", "barbara::Pool::run", "barbara");
        check("tokio::sync::mpsc::bounded::Receiver<T>::recv", "tokio::sync::mpsc::bounded::Receiver::recv", "tokio");
        check("<barbara::Pool as barbara::Work>::run::{{closure}}", "<Pool as Work>::run", "barbara");
        check("<fn(u8) -> a::B<C> as a::D<E>>::f", "<B as D>::f", "-");
        check("<&mut F as core::future::future::Future>::poll", "<&mut F as Future>::poll", "-");
        check("<<a::B as c::D>::E as c::F>::g", "<E as F>::g", "a");
        check("main", "main", "-");
        check("", "", "-");
        check("a::{", "a", "a");
        assert_eq!(readable(&format!("a::{}", "é".repeat(300))).chars().count(), MAX_NAME + 1);
    }
}
