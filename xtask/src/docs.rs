//! `cargo xtask docs`: renders docs/*.md to the pages that the server embeds and serves at `/docs/<name>`. It also writes
//! the rules of SPEC.md as the table of the conformance checker, and the lists of the kinds of problems.

use crate::process::{Result, read, root};
use crate::{kinds, links, markdown, spec};
use regex::Regex;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const OUTPUT: &str = "reference-server/docs";
/// The list of the pages, as the server includes it.
const LIST: &str = "reference-server/docs/pages.rs";
/// The files with a generated part: the lists of the kinds, or of the cases.
const WITH_KINDS: [&str; 4] = ["SPEC.md", "docs/index.md", "docs/glossary.md", "docs/write-an-adapter.md"];
const RULES: &str = "conformance/src/rules.rs";
/// Documents with links that are not served.
const OTHER_DOCUMENTS: [&str; 10] = [
    "README.md",
    "SPEC.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "cargo-insight/README.md",
    "conformance/README.md",
    "conformance/hangs/README.md",
    "schema/README.md",
];

/// Addresses of the documents, with the default port. The server puts its own port in the place of `@PORT@`.
const ADDRESSES: [(&str, &str); 3] =
    [("127.0.0.1:8080", "127.0.0.1:@PORT@"), ("localhost:8080", "localhost:@PORT@"), ("--port 8080", "--port @PORT@")];

/// The names of the pages, in the order of their navigation. The first one is `/docs/` itself.
fn pages() -> Vec<String> {
    let views = ["index", "task-list", "task", "resource", "problem", "proven", "ended", "coverage", "glossary"];
    let problems = insight_model::problem::ALL.iter().map(|about| about.page());
    let others = ["options", "limits", "write-an-adapter", "security", "platforms"];
    views.map(str::to_owned).into_iter().chain(problems).chain(others.map(str::to_owned)).collect()
}

/// Renders the pages, and writes the table of the rules and the lists of the kinds.
pub fn write() -> Result {
    for path in WITH_KINDS {
        put(Path::new(path), &kinds::filled(path)?)?;
    }
    let folder = root().join(OUTPUT);
    std::fs::create_dir_all(&folder).map_err(|error| format!("cannot make {OUTPUT}: {error}"))?;
    for name in pages() {
        put(&output(&name), &render(&name)?)?;
    }
    put(Path::new(LIST), &list()?)?;
    put(Path::new(RULES), &spec::rules_table()?)
}

fn put(path: &Path, text: &str) -> Result {
    std::fs::write(root().join(path), text).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

/// Checks that generated files are up to date, links lead somewhere, and the examples of SPEC.md are messages.
pub fn check() -> Result {
    let mut findings = stale()?;
    let mut pages: Vec<PathBuf> = OTHER_DOCUMENTS.map(PathBuf::from).to_vec();
    pages.extend(self::pages().iter().map(|name| source(name)));
    findings.extend(links::findings(&pages)?);
    findings.extend(missing_terms()?);
    findings.extend(spec::findings()?);
    for finding in &findings {
        eprintln!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        1 => Err("correct the document that is named above".to_owned()),
        n => Err(format!("correct the {n} errors in documents that are named above")),
    }
}

/// The generated files that are not up to date.
fn stale() -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for name in pages() {
        let expected = render(&name)?;
        if read(&output(&name)).ok().as_ref() != Some(&expected) {
            findings.push(format!(
                "{} is not rendered from the present docs/{name}.md: run `cargo xtask docs`",
                output(&name).display()
            ));
        }
    }
    if read(Path::new(LIST)).ok().as_ref() != Some(&list()?) {
        findings.push(format!("{LIST} is not the list of the pages: run `cargo xtask docs`"));
    }
    for path in WITH_KINDS {
        if read(Path::new(path))? != kinds::filled(path)? {
            findings.push(format!("{path} does not have the kinds of insight-model: run `cargo xtask docs`"));
        }
    }
    if read(Path::new(RULES)).ok().as_ref() != Some(&spec::rules_table()?) {
        findings
            .push(format!("{RULES} does not have the rules of SPEC.md and requirements.toml: run `cargo xtask docs`"));
    }
    Ok(findings)
}

/// The headings and columns of consolation's views that the glossary lacks.
fn missing_terms() -> Result<Vec<String>> {
    const VIEWS: &str = "reference-client/src/views";
    const GLOSSARY: &str = "docs/glossary.md";
    // A term may stand at the end of a line.
    let glossary = read(Path::new(GLOSSARY))?.split_whitespace().collect::<Vec<_>>().join(" ");
    let literal = Regex::new(r#""([A-Z][A-Z%]+(?: [A-Z]+)*)(?:[",:]| \()"#).expect("a constant expression");
    let mut terms = BTreeSet::new();
    let failed = |error| format!("cannot read {VIEWS}: {error}");
    for entry in std::fs::read_dir(root().join(VIEWS)).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        // The headings of the help stand over sentences.
        if name != "help.rs" {
            let text = read(&Path::new(VIEWS).join(name))?;
            terms.extend(literal.captures_iter(&text).map(|found| found[1].to_owned()));
        }
    }
    let missing = terms.iter().filter(|term| !glossary.contains(&format!("`{term}`")));
    Ok(missing.map(|term| format!("{GLOSSARY} does not explain `{term}`, which consolation shows")).collect())
}

fn source(name: &str) -> PathBuf {
    Path::new("docs").join(name).with_extension("md")
}

fn output(name: &str) -> PathBuf {
    Path::new(OUTPUT).join(name).with_extension("html")
}

fn render(name: &str) -> Result<String> {
    let text = read(&source(name))?;
    let page = markdown::read(&text);
    if let Some(link) = page.links.iter().find(|link| !served(link)) {
        // A reader of the served page does not have the repository.
        return Err(format!(
            "docs/{name}.md links to `{link}`, which the server does not serve: link to a page of docs/"
        ));
    }
    Ok(ADDRESSES.iter().fold(page.html(href), |html, (default, placeholder)| html.replace(default, placeholder)))
}

/// The pages in the order of the navigation. The server adds the navigation, so a new page changes no other.
fn list() -> Result<String> {
    let mut list = "// Made by `cargo xtask docs`.\n[\n".to_owned();
    for name in pages() {
        let title = escape(&markdown::read(&read(&source(&name))?).title);
        list += &format!("    Page {{ name: {name:?}, title: {title:?}, html: include_str!(\"{name}.html\") }},\n");
    }
    Ok(list + "]\n")
}

/// `channel-full.md#why` is served at `channel-full#why`, and `index.md` at the folder itself.
fn href(link: &str) -> String {
    let (file, anchor) = link.split_once('#').map_or((link, String::new()), |(file, a)| (file, format!("#{a}")));
    match file.strip_suffix(".md") {
        Some("index") => format!("./{anchor}"),
        Some(name) if pages().iter().any(|page| page == name) => format!("{name}{anchor}"),
        _ => link.to_owned(),
    }
}

/// Whether a link also works on the served page.
fn served(link: &str) -> bool {
    link.starts_with('#') || link.starts_with("http://") || link.starts_with("https://") || href(link) != link
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_up_to_date() {
        check().unwrap();
    }

    #[test]
    fn link_to_a_page_becomes_its_served_path() {
        let check = |link: &str, expect: &str| assert_eq!(href(link), expect);
        check("channel-full.md", "channel-full");
        check("deadlock.md#lock-order", "deadlock#lock-order");
        check("index.md", "./");
        check("#here", "#here");
        check("https://example.com/a.md", "https://example.com/a.md");
    }
}
