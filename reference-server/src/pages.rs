//! The documentation, complete without a network. `cargo xtask docs` makes the pages from docs/*.md.

use crate::http::Reply;

const HTML: &str = "text/html; charset=utf-8";

const PAGES: &[(&str, &str)] = &[
    ("index", include_str!("../docs/index.html")),
    ("task-list", include_str!("../docs/task-list.html")),
    ("task", include_str!("../docs/task.html")),
    ("resource", include_str!("../docs/resource.html")),
    ("problem", include_str!("../docs/problem.html")),
    ("coverage", include_str!("../docs/coverage.html")),
    ("channel-full", include_str!("../docs/channel-full.html")),
    ("deadlock", include_str!("../docs/deadlock.html")),
    ("self-deadlock", include_str!("../docs/self-deadlock.html")),
    ("channel-cycle", include_str!("../docs/channel-cycle.html")),
    ("lock-across-join", include_str!("../docs/lock-across-join.html")),
    ("read-behind-writer", include_str!("../docs/read-behind-writer.html")),
    ("futurelock", include_str!("../docs/futurelock.html")),
    ("forgotten-party", include_str!("../docs/forgotten-party.html")),
    ("lost-wakeup", include_str!("../docs/lost-wakeup.html")),
    ("worker-blocked", include_str!("../docs/worker-blocked.html")),
    ("runtime-blocked", include_str!("../docs/runtime-blocked.html")),
    ("blocking-pool-exhausted", include_str!("../docs/blocking-pool-exhausted.html")),
    ("never-yields", include_str!("../docs/never-yields.html")),
    ("spins", include_str!("../docs/spins.html")),
    ("waker-storm", include_str!("../docs/waker-storm.html")),
    ("task-leak", include_str!("../docs/task-leak.html")),
    ("lock-held-long", include_str!("../docs/lock-held-long.html")),
    ("large-future", include_str!("../docs/large-future.html")),
    ("write-an-adapter", include_str!("../docs/write-an-adapter.html")),
];

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
        // So that what the page links to is relative to it.
        return Some(Reply { headers: "Location: /docs/\r\n", ..reply });
    }
    let name = name.strip_prefix('/')?;
    let name = name.strip_suffix(".html").or_else(|| name.strip_suffix(".md")).unwrap_or(name);
    let name = if name.is_empty() { "index" } else { name };
    let (_, text) = PAGES.iter().find(|(page, _)| *page == name)?;
    Some(Reply::ok(HTML, (*text).to_owned()))
}

/// What a path that is not there is answered with.
pub(crate) fn not_found() -> Reply {
    let text = "no such path; there are /, /v1/stream, /v1/snapshot, /v1/problems, /v1/tasks/ID/trace, /v1/graph.dot and /docs/";
    Reply::text("404 Not Found", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table() {
        let check = |path: &str, expect: Option<&str>| {
            let reply = page(path);
            assert_eq!(reply.as_ref().map(|reply| reply.body.as_str()), expect, "{path}");
        };
        let text = |name: &str| PAGES.iter().find(|(page, _)| *page == name).map(|(_, text)| *text);
        check("/", Some(FRONT));
        check("/docs/", text("index"));
        check("/docs/index.md", text("index"));
        for (name, text) in PAGES {
            for suffix in ["", ".html", ".md"] {
                check(&format!("/docs/{name}{suffix}"), Some(*text));
            }
        }
        check("/docs", Some("/docs/\n"));
        for path in ["/docs/nothing", "/docs/../deadlock", "/docsdeadlock", "/docs//deadlock", "", "/DOCS/", "deadlock"]
        {
            check(path, None);
        }
    }
}
