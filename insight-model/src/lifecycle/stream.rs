//! Lines, numbers, the header, the heartbeat and definitions.

use super::Checker;
use insight_protocol::*;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

impl Checker {
    // r[framing.message], r[malformed.known-type] and others: the decoder names the rule.
    pub(super) fn undecodable(&mut self, error: &DecodeError) {
        self.find(error.rule(), "a line that decodes".to_owned(), error.to_string());
        // It counts as one message, even if its number is wrong.
        self.seq = self.seq.map(|seq| seq + 1);
        self.has_message = true;
    }

    // r[stream.seq.plus-one]
    pub(super) fn numbered(&mut self, seq: u64) {
        let expected = self.seq.map_or(1, |last| last + 1);
        self.expect(seq == expected, "stream.seq.plus-one", format_args!("seq {expected}"), || format!("seq {seq}"));
        self.seq = Some(seq);
    }

    // r[extension.listed]
    pub(super) fn extension(&mut self, type_name: &str) {
        let extensions = self.header.as_ref().map_or(&[][..], |header| &header.extensions);
        let prefix =
            |extension: &String| type_name.strip_prefix(extension.as_str()).is_some_and(|rest| rest.starts_with('.'));
        let listed = type_name.matches('.').count() < 2 || extensions.iter().any(prefix);
        self.expect(listed, "extension.listed", "a type whose prefix is in `extensions`", || type_name.to_owned());
    }

    pub(super) fn stream_header(&mut self, header: &StreamHeader) {
        // r[header.once]
        self.expect(self.header.is_none(), "header.once", "one stream.header", || "another one".to_owned());
        // r[version.digits]
        let digits = |part: &str| {
            !part.is_empty()
                && part.bytes().all(|byte| byte.is_ascii_digit())
                && (part == "0" || !part.starts_with('0'))
        };
        let version = header.protocol.split_once('.');
        let well_formed = version.is_some_and(|(major, minor)| digits(major) && digits(minor));
        self.expect(well_formed, "version.digits", "two decimal numbers and a dot", || header.protocol.clone());
        // r[extension.name]
        for extension in &header.extensions {
            let labels = extension.split('.').filter(|label| !label.is_empty()).count();
            self.expect(labels >= 2, "extension.name", "a reverse-DNS name", || extension.clone());
        }
        self.header = Some(header.clone());
    }

    pub(super) fn stream_heartbeat(&mut self, heartbeat: &StreamHeartbeat) {
        let (last, now) = (self.heartbeat_ns, heartbeat.at_ns);
        // r[heartbeat.forward]
        self.expect(now >= last, "heartbeat.forward", format_args!("at_ns of at least {last}"), || now.to_string());
        self.heartbeat_ns = now;
        self.sample += 1;
        self.polls_may_follow.clear();
        self.expect_no_waits_of_ended_tasks();
    }

    pub(super) fn stream_coverage(&mut self, coverage: &StreamCoverage) {
        self.had_coverage = true;
        // r[coverage.packages.bounded]
        let packages = coverage.packages.as_deref().unwrap_or_default();
        self.expect(
            packages.len() <= MAX_PACKAGES,
            "coverage.packages.bounded",
            format_args!("{MAX_PACKAGES} packages at most"),
            || packages.len().to_string(),
        );
        let first = packages.windows(2).all(|pair| pair[0].covered <= pair[1].covered);
        self.expect(first, "coverage.packages.bounded", "the packages that are not covered first", || {
            "one after a package that is covered".to_owned()
        });
    }

    pub(super) fn define_string(&mut self, string: &DefineString) {
        // r[define.dropped]
        let dropped = self.dropped_strings.contains(string.id.0);
        self.expect(!dropped, "define.dropped", "an id that was not dropped", || format!("string {} again", string.id));
        let text = hash(&string.text);
        let before = self.strings.insert(string.id, text);
        // r[define.once]
        let same = before.is_none_or(|before| before == text);
        self.expect(same, "define.once", "one text for each id", || {
            format!("string {} again, as {:?}", string.id, string.text)
        });
    }

    pub(super) fn define_dropped(&mut self, dropped: &DefineDropped) {
        for id in &dropped.strings {
            // r[define.dropped]
            let known = self.strings.remove(id).is_some();
            self.expect(known, "define.dropped", "a string that was defined", || format!("string {id}"));
            self.dropped_strings.insert(id.0);
        }
    }

    pub(super) fn define_location(&mut self, location: &DefineLocation) {
        let DefineLocation { id: _, file, line, column, source, .. } = location;
        let source = source.as_ref().map(|source| (source.status.as_str(), &source.text));
        let place = hash((file, line, column, source));
        let before = self.locations.insert(location.id, place);
        // r[define.once]
        let same = before.is_none_or(|before| before == place);
        self.expect(same, "define.once", "one location for each id", || {
            format!("location {} again, as another one", location.id)
        });
        // r[location.missing.no-text]
        let text_of_nothing = location
            .source
            .as_ref()
            .is_some_and(|source| source.status == SourceStatus::Missing && source.text.is_some());
        self.expect(!text_of_nothing, "location.missing.no-text", "no text of a missing line", || "a text".to_owned());
    }

    /// The rule that a reference to something unknown breaks. In a snapshot, an earlier definition does not count.
    pub(super) fn unless_in_snapshot(&self, rule: &'static str) -> &'static str {
        if self.snapshot.is_some() { "snapshot.self-contained" } else { rule }
    }

    // r[define.before-use], r[snapshot.self-contained]
    pub(super) fn named(&mut self, string: Option<StringId>, location: Option<LocationId>) {
        let rule = self.unless_in_snapshot("define.before-use");
        if let Some(id) = string {
            let known = self.strings.contains_key(&id);
            self.expect(known, rule, "a string that was defined", || format!("string {id}"));
        }
        if let Some(id) = location {
            let known = self.locations.contains_key(&id);
            self.expect(known, rule, "a location that was defined", || format!("location {id}"));
        }
    }
}

fn hash(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
