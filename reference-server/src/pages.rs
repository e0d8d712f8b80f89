//! The documentation, complete without a network. `cargo xtask docs` makes the pages from docs/*.md.

use crate::http::Reply;

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// A page around its title, its navigation and its text.
const FRAME: &str = include_str!("pages/frame.html");
/// Positions in [`FRAME`].
const TITLE: &str = "<title></title>";
const NAVIGATION: &str = "<nav></nav>";
const MAIN: &str = "<main></main>";

/// The search, which runs in the browser.
const SEARCH: &str = include_str!("pages/search.js");

/// Stands in pages for the port of the server, as in `consolation 127.0.0.1:@PORT@`.
const PORT: &str = "@PORT@";

const PAGES: &[Page] = &include!("../docs/pages.rs");

/// A page of the documentation.
struct Page {
    name: &'static str,
    /// Escaped.
    title: &'static str,
    /// The text, without the frame.
    html: &'static str,
}

impl Page {
    fn in_frame(&self) -> String {
        let mut navigation = "<nav>\n<div>\n<ul>\n".to_owned();
        for page in PAGES {
            let current = if page.name == self.name { " aria-current=\"page\"" } else { "" };
            let href = if page.name == "index" { "./" } else { page.name };
            navigation += &format!("<li><a href=\"{href}\"{current}>{}</a></li>\n", page.title);
        }
        navigation += "</ul>\n</div>\n</nav>";
        let frame = FRAME.replacen(TITLE, &format!("<title>{} · insight</title>", self.title), 1);
        let frame = frame.replacen(NAVIGATION, &navigation, 1);
        frame.replacen(MAIN, &format!("<main>\n{}</main>", self.html), 1)
    }
}

/// The text of all pages, as a script that gives it to the search. The browser extracts the sections, so the program contains each
/// page only once.
fn all_pages() -> String {
    let pages: Vec<[&str; 3]> = PAGES.iter().map(|page| [page.name, page.title, page.html]).collect();
    format!("insightPages({});\n", serde_json::to_string(&pages).unwrap_or_default())
}

const FRONT: &str = r#"<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<title>insight</title>
<style>body { font: 16px/1.5 sans-serif; max-width: 44em; margin: 2em auto; padding: 0 1em } dt { margin-top: .5em }</style>
<h1>insight</h1>
<p>This program shows the waits of its tasks. The terminal client is consolation: <code>consolation --port @PORT@</code>.</p>
<dl>
<dt><a href="/v1/problems">/v1/problems</a><dd>The open problems, as JSON.
<dt><a href="/v1/snapshot">/v1/snapshot</a><dd>All tasks, resources and edges: one JSON object a line.
<dt><a href="/v1/stream">/v1/stream</a><dd>The same, and then each change, until one side ends it.
<dt>/v1/tasks/<em>ID</em>/trace<dd>The line where that task waits, as JSON.
<dt><a href="/v1/graph.dot">/v1/graph.dot</a><dd>The current graph, for Graphviz.
<dt><a href="/docs/">/docs/</a><dd>The documentation of the views and problems.
</dl>
</html>
"#;

/// The page at `path`, if there is one, as a server with this port sends it.
pub(crate) fn page(path: &str, port: u16) -> Option<Reply> {
    let reply = |content_type, text: &str| Reply::ok(content_type, text.replace(PORT, &port.to_string()));
    if path == "/" {
        return Some(reply(HTML, FRONT));
    }
    let name = path.strip_prefix("/docs")?;
    if name.is_empty() {
        let reply = Reply::text("308 Permanent Redirect", "/docs/");
        // The links of the page are relative to this path.
        return Some(Reply { headers: "Location: /docs/\r\n", ..reply });
    }
    let name = name.strip_prefix('/')?;
    match name {
        "search.js" => return Some(reply(SCRIPT, SEARCH)),
        "pages.js" => return Some(reply(SCRIPT, &all_pages())),
        _ => {}
    }
    let name = name.strip_suffix(".html").or_else(|| name.strip_suffix(".md")).unwrap_or(name);
    let name = if name.is_empty() { "index" } else { name };
    let page = PAGES.iter().find(|page| page.name == name)?;
    Some(reply(HTML, &page.in_frame()))
}

/// The reply to a request for an unknown path.
pub(crate) fn not_found() -> Reply {
    let text = "no such path; there are /, /v1/stream, /v1/snapshot, /v1/problems, /v1/tasks/ID/trace, /v1/graph.dot and /docs/";
    Reply::text("404 Not Found", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(path: &str) -> Option<String> {
        page(path, 4321).map(|reply| reply.body)
    }

    #[test]
    fn path_leads_to_its_page_or_to_none() {
        let check = |path: &str, expect: &str| assert_eq!(body(path).as_deref(), Some(expect), "{path}");
        let of = |page: &Page| page.in_frame().replace(PORT, "4321");
        let index = of(&PAGES[0]);
        check("/", &FRONT.replace(PORT, "4321"));
        check("/docs/", &index);
        check("/docs/index.md", &index);
        for page in PAGES {
            for suffix in ["", ".html", ".md"] {
                check(&format!("/docs/{}{suffix}", page.name), &of(page));
            }
        }
        check("/docs", "/docs/\n");
        check("/docs/search.js", SEARCH);
        for path in [
            "/docs/nothing",
            "/docs/../deadlock",
            "/docsdeadlock",
            "/docs//deadlock",
            "",
            "/DOCS/",
            "deadlock",
            "/search.js",
        ] {
            assert_eq!(body(path), None, "{path}");
        }
    }

    #[test]
    fn each_page_is_marked_as_current_in_its_navigation() {
        for position in [TITLE, NAVIGATION, MAIN] {
            assert_eq!(FRAME.matches(position).count(), 1, "{position}");
        }
        for page in PAGES {
            let html = page.in_frame();
            assert!(html.contains(&format!("<title>{} · insight</title>", page.title)), "{}", page.name);
            let (href, title) = (if page.name == "index" { "./" } else { page.name }, page.title);
            let own = format!("<li><a href=\"{href}\" aria-current=\"page\">{title}</a></li>\n");
            assert_eq!((html.matches(&own).count(), html.matches("aria-current=\"page\"").count()), (1, 1), "{own}");
            assert_eq!(html.matches("<li><a href=").count() - page.html.matches("<li><a href=").count(), PAGES.len());
        }
    }

    #[test]
    fn commands_in_pages_have_the_port_of_the_server() {
        let index = body("/docs/").unwrap();
        assert!(index.contains("consolation 127.0.0.1:4321"), "{index}");
        assert!(body("/").unwrap().contains("consolation --port 4321"));
        for path in PAGES.iter().map(|page| format!("/docs/{}", page.name)).chain(["/docs/pages.js".to_owned()]) {
            let text = body(&path).unwrap();
            assert!(!text.contains(PORT) && !text.contains("1:8080") && !text.contains("localhost:8080"), "{path}");
        }
    }

    /// The header allows scripts of the server only, and docs/security.md promises this.
    #[test]
    fn pages_have_no_script_but_the_search_and_load_nothing_from_elsewhere() {
        let paths = PAGES.iter().map(|page| format!("/docs/{}", page.name)).chain(["/".to_owned()]);
        for path in paths {
            let html = body(&path).unwrap();
            let scripts: Vec<&str> = html.split("<script").skip(1).collect();
            let expect = if path == "/" { vec![] } else { vec![" src=\"search.js\" defer></script>"] };
            let actual: Vec<&str> = scripts.iter().map(|it| it.lines().next().unwrap()).collect();
            assert_eq!(actual, expect, "{path}");
            for part in [
                "<img",
                "<iframe",
                "<link",
                "<object",
                "<embed",
                "<form",
                " onclick",
                " onload",
                " style=",
                "javascript:",
                "@import",
            ] {
                assert!(!html.contains(part), "{path} has {part}");
            }
        }
        for part in
            ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "fetch(", "http:", "https:"]
        {
            assert!(!SEARCH.contains(part), "search.js has {part}");
        }
    }

    #[test]
    fn the_search_gets_the_text_of_each_page() {
        let script = body("/docs/pages.js").unwrap();
        let json = script.strip_prefix("insightPages(").and_then(|it| it.strip_suffix(");\n")).unwrap();
        let pages: Vec<[String; 3]> = serde_json::from_str(json).unwrap();
        assert_eq!(pages.len(), PAGES.len());
        for (actual, page) in pages.iter().zip(PAGES) {
            assert_eq!(*actual, [page.name, page.title, &page.html.replace(PORT, "4321")]);
        }
    }
}
