//! Checks that the relative links of the project's pages lead somewhere.

use crate::markdown;
use crate::process::{Result, read, root};
use std::path::{Path, PathBuf};

/// The broken links of the given pages (paths from the root), one line each.
pub fn findings(pages: &[PathBuf]) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for path in pages {
        let text = read(path)?;
        let page = markdown::read(&text);
        for link in &page.links {
            if let Err(reason) = resolve(path, &page.anchors, link) {
                findings.push(format!("{}: the link `{link}` is broken: {reason}", path.display()));
            }
        }
    }
    Ok(findings)
}

fn resolve(page: &Path, own_anchors: &[String], link: &str) -> Result {
    if link.starts_with("http://") || link.starts_with("https://") || link.starts_with("mailto:") {
        return Ok(());
    }
    let (file, anchor) = link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor)));
    let has = |anchors: &[String]| match anchor {
        Some(anchor) if !anchors.iter().any(|known| known == anchor) => Err(format!("no heading `#{anchor}`")),
        _ => Ok(()),
    };
    if file.is_empty() {
        return has(own_anchors);
    }
    let target = page.parent().unwrap_or(Path::new("")).join(file);
    if !root().join(&target).exists() {
        return Err(format!("there is no `{}`", target.display()));
    }
    match anchor {
        Some(_) => has(&markdown::read(&read(&target)?).anchors),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_link_is_reported() {
        let check = |link: &str, expect: Result| {
            let actual = resolve(Path::new("docs/deadlock.md"), &["here".to_owned()], link);
            assert_eq!(actual, expect, "{link}");
        };
        check("#here", Ok(()));
        check("#there", Err("no heading `#there`".to_owned()));
        check("../README.md", Ok(()));
        check("channel-full.md", Ok(()));
        check("channel-full.md#there", Err("no heading `#there`".to_owned()));
        check("nothing.md", Err("there is no `docs/nothing.md`".to_owned()));
        check("https://example.com/", Ok(()));
    }
}
