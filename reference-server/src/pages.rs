//! The documentation, complete without a network. `cargo xtask docs` makes the pages from docs/*.md.

use crate::http::Reply;

const HTML: &str = "text/html; charset=utf-8";

/// The position of the navigation in a page.
const NAVIGATION: &str = "<nav></nav>";

const PAGES: &[Page] = &include!("../docs/pages.rs");

/// A page of the documentation, without its navigation.
struct Page {
    name: &'static str,
    /// Escaped.
    title: &'static str,
    html: &'static str,
}

impl Page {
    fn with_navigation(&self) -> String {
        let mut navigation = "<nav>\n<ul>\n".to_owned();
        for page in PAGES {
            let current = if page.name == self.name { " aria-current=\"page\"" } else { "" };
            let href = if page.name == "index" { "./" } else { page.name };
            navigation += &format!("<li><a href=\"{href}\"{current}>{}</a></li>\n", page.title);
        }
        self.html.replacen(NAVIGATION, &(navigation + "</ul>\n</nav>"), 1)
    }
}

const FRONT: &str = r#"<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<title>insight</title>
<style>body { font: 16px/1.5 sans-serif; max-width: 44em; margin: 2em auto; padding: 0 1em } dt { margin-top: .5em }</style>
<h1>insight</h1>
<p>This program shows what its tasks wait for. The terminal client is <code>consolation</code>; it takes this address's
port: <code>consolation --port PORT</code>.</p>
<dl>
<dt><a href="/v1/problems">/v1/problems</a><dd>The problems that stand, as JSON.
<dt><a href="/v1/snapshot">/v1/snapshot</a><dd>All tasks, resources and what waits for what, now: one JSON object a line.
<dt><a href="/v1/stream">/v1/stream</a><dd>The same, and then what happens, until one side ends it.
<dt>/v1/tasks/<em>ID</em>/trace<dd>Where that task waits, down to the line, as JSON.
<dt><a href="/v1/graph.dot">/v1/graph.dot</a><dd>The graph of now, for Graphviz.
<dt><a href="/docs/">/docs/</a><dd>What the views and problems mean.
</dl>
</html>
"#;

/// The page at `path`, if there is one.
pub(crate) fn page(path: &str) -> Option<Reply> {
    if path == "/" {
        return Some(Reply::ok(HTML, FRONT.to_owned()));
    }
    let name = path.strip_prefix("/docs")?;
    if name.is_empty() {
        let reply = Reply::text("308 Permanent Redirect", "/docs/");
        // The links of the page are relative to this path.
        return Some(Reply { headers: "Location: /docs/\r\n", ..reply });
    }
    let name = name.strip_prefix('/')?;
    let name = name.strip_suffix(".html").or_else(|| name.strip_suffix(".md")).unwrap_or(name);
    let name = if name.is_empty() { "index" } else { name };
    let page = PAGES.iter().find(|page| page.name == name)?;
    Some(Reply::ok(HTML, page.with_navigation()))
}

/// The reply to a request for an unknown path.
pub(crate) fn not_found() -> Reply {
    let text = "no such path; there are /, /v1/stream, /v1/snapshot, /v1/problems, /v1/tasks/ID/trace, /v1/graph.dot and /docs/";
    Reply::text("404 Not Found", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_leads_to_its_page_or_to_none() {
        let check = |path: &str, expect: Option<&str>| {
            let reply = page(path);
            assert_eq!(reply.as_ref().map(|reply| reply.body.as_str()), expect, "{path}");
        };
        let index = PAGES[0].with_navigation();
        check("/", Some(FRONT));
        check("/docs/", Some(&index));
        check("/docs/index.md", Some(&index));
        for page in PAGES {
            for suffix in ["", ".html", ".md"] {
                check(&format!("/docs/{}{suffix}", page.name), Some(&page.with_navigation()));
            }
        }
        check("/docs", Some("/docs/\n"));
        for path in ["/docs/nothing", "/docs/../deadlock", "/docsdeadlock", "/docs//deadlock", "", "/DOCS/", "deadlock"]
        {
            check(path, None);
        }
    }

    #[test]
    fn each_page_is_marked_as_current_in_its_navigation() {
        for page in PAGES {
            assert_eq!(page.html.matches(NAVIGATION).count(), 1, "{}", page.name);
            let html = page.with_navigation();
            let (href, title) = (if page.name == "index" { "./" } else { page.name }, page.title);
            let own = format!("<li><a href=\"{href}\" aria-current=\"page\">{title}</a></li>\n");
            assert_eq!((html.matches(&own).count(), html.matches("aria-current=\"page\"").count()), (1, 1), "{own}");
            assert_eq!(html.matches("<li><a href=").count() - page.html.matches("<li><a href=").count(), PAGES.len());
        }
    }
}
