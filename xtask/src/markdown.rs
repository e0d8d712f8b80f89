//! Markdown as the project's pages use it: headings with anchors, and links.

use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, html};

/// A page that was read.
pub struct Page<'a> {
    events: Vec<Event<'a>>,
    /// The text of the first heading.
    pub title: String,
    /// The anchor of each heading, as GitHub makes it.
    pub anchors: Vec<String>,
    /// The target of each link and image.
    pub links: Vec<String>,
}

/// Reads a page.
pub fn read(text: &str) -> Page<'_> {
    let mut events: Vec<Event> =
        Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH).collect();
    let mut titles = Vec::new();
    let mut anchors: Vec<String> = Vec::new();
    let mut links = Vec::new();
    let mut heading = None;
    for index in 0..events.len() {
        match &events[index] {
            Event::Start(Tag::Heading { .. }) => heading = Some((index, String::new())),
            Event::Text(text) | Event::Code(text) => {
                if let Some((_, title)) = &mut heading {
                    title.push_str(text);
                }
            }
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => links.push(dest_url.to_string()),
            Event::End(TagEnd::Heading(_)) => {
                let (start, title) = heading.take().expect("a heading begins before it ends");
                let anchor = unused(&anchors, slug(&title));
                if let Event::Start(Tag::Heading { id, .. }) = &mut events[start] {
                    *id = Some(CowStr::from(anchor.clone()));
                }
                titles.push(title);
                anchors.push(anchor);
            }
            _ => {}
        }
    }
    Page { events, title: titles.into_iter().next().unwrap_or_default(), anchors, links }
}

impl Page<'_> {
    /// The page as HTML. `target` returns the target of each link.
    pub fn html(self, target: impl Fn(&str) -> String) -> String {
        let events = self.events.into_iter().map(|event| match event {
            Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
                Event::Start(Tag::Link { link_type, dest_url: target(&dest_url).into(), title, id })
            }
            other => other,
        });
        let mut out = String::new();
        html::push_html(&mut out, events);
        out
    }
}

/// GitHub's anchor of a heading: lower case, spaces to hyphens, no punctuation.
fn slug(title: &str) -> String {
    let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).flat_map(char::to_lowercase).collect()
}

/// The anchor of a heading. GitHub adds a number if an earlier heading has the same anchor.
fn unused(anchors: &[String], slug: String) -> String {
    if !anchors.contains(&slug) {
        return slug;
    }
    (1..).map(|n| format!("{slug}-{n}")).find(|slug| !anchors.contains(slug)).expect("there is no end of numbers")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_get_anchors_and_links_are_found() {
        let page = read("# The `wait` edge: why?\n\nSee [this](a.md#b) and ![that](c.svg).\n\n## Same\n\n## Same\n");
        assert_eq!(page.title, "The wait edge: why?");
        assert_eq!(page.anchors, ["the-wait-edge-why", "same", "same-1"]);
        assert_eq!(page.links, ["a.md#b", "c.svg"]);
        let html = page.html(|target| target.replace(".md", ""));
        assert!(html.contains("<h1 id=\"the-wait-edge-why\">"), "{html}");
        assert!(html.contains("<a href=\"a#b\">this</a>"), "{html}");
    }
}
