//! Snapshots of the reports.

use insight_conformance::{Checked, Json, Junit, Options, Sink, Strictness, Text, check, rules};

const DEADLOCK: &str = include_str!("../recordings/deadlock.ndjson");

/// A recording that breaks several rules.
fn broken() -> Vec<u8> {
    let mut lines: Vec<String> = DEADLOCK.lines().map(str::to_owned).collect();
    let line_of = |lines: &[String], text: &str| lines.iter().position(|line| line.contains(text)).unwrap();
    let lost = line_of(&lines, "\"edge.wait\"");
    lines.remove(lost);
    let word = line_of(&lines, "\"role\":\"receiver\"");
    lines[word] = lines[word].replace("receiver", "taker");
    let far = line_of(&lines, "\"problem.raised\"");
    lines[far] = lines[far].replacen("\"advice\":", "\"remedy\":", 1);
    let escape = line_of(&lines, "stream.heartbeat");
    lines[escape] = "\u{1b}[2J<b>\u{202e}& ]]> not a message".to_owned();
    let mut bytes = (lines.join("\n") + "\n").into_bytes();
    let last = bytes.len();
    bytes.extend(b"{\"seq\":70,\"type\":\"stream.heart");
    bytes[last - 4] = 0xfe;
    bytes
}

/// The text of the report that `report` makes.
fn report(stream: &[u8], options: Options, report: impl FnOnce(&mut Vec<u8>) -> Box<dyn Sink + '_>) -> String {
    let mut output = Vec::new();
    check(stream, options, report(&mut output).as_mut()).unwrap();
    String::from_utf8(output).unwrap()
}

#[test]
fn text() {
    insta::assert_snapshot!(report(&broken(), Options::default(), |output| Box::new(Text::new(output))));
}

#[test]
fn json() {
    let json = report(&broken(), Options::default(), |output| Box::new(Json::new(output, "broken.ndjson")));
    for line in json.lines() {
        assert!(serde_json::from_str::<serde_json::Value>(line).is_ok_and(|line| line.is_object()), "{line}");
    }
    insta::assert_snapshot!(json);
}

#[test]
fn junit() {
    let xml = report(&broken(), Options::default(), |output| Box::new(Junit::new(output, "broken.ndjson")));
    let checked = rules().iter().filter(|rule| rule.checked != Checked::Never).count();
    assert_eq!(xml.matches("<testcase ").count(), checked);
    // Rules without a failure are left out, so that a new rule does not change the snapshot.
    let xml = xml.replace(&format!("tests=\"{checked}\""), "tests=\"ALL\"");
    let mut cases: Vec<&str> = xml.split_inclusive("</testcase>\n").collect();
    cases.retain(|case| !case.contains("<testcase ") || case.contains("<failure") || case.contains("<testsuites "));
    insta::assert_snapshot!(cases.concat());
}

#[test]
fn junit_of_a_lenient_check_names_unchecked_rules() {
    let options = Options { strictness: Strictness::Lenient, ..Options::default() };
    let xml = report(DEADLOCK.as_bytes(), options, |output| Box::new(Junit::new(output, "deadlock.ndjson")));
    assert!(xml.contains("failures=\"0\"") && !xml.contains("<failure"), "{xml}");
    let strict = rules().iter().filter(|rule| rule.checked == Checked::Strict).count();
    assert_eq!(xml.matches("<skipped message=\"checked by --strict only\"").count(), strict, "{xml}");
    assert!(strict >= 2);
}

#[test]
fn findings_of_one_rule_are_printed_up_to_a_limit() {
    let mut stream = DEADLOCK.to_owned();
    (0..4_832).for_each(|_| stream.push_str("hello\n"));
    let check = |per_rule: u64| {
        let options = Options { per_rule, ..Options::default() };
        let text = report(stream.as_bytes(), options.clone(), |output| Box::new(Text::new(output)));
        let printed = text.matches("framing.message (MUST)").count();
        let summary = text
            .split_once("findings in")
            .map(|(before, after)| format!("{} findings in{after}", before.lines().last().unwrap_or_default().trim()));
        let xml = report(stream.as_bytes(), options, |output| Box::new(Junit::new(output, "long.ndjson")));
        (printed, summary.unwrap(), xml.contains("and 4812 more"))
    };
    let bounded = "4,832 findings in 4,900 lines (strict)\n  4,832  framing.message: 20 above and 4,812 more\n  --all prints all of \
                   them.\n";
    assert_eq!(check(20), (20, bounded.to_owned(), true));
    let all = "4,832 findings in 4,900 lines (strict)\n  4,832  framing.message\n";
    assert_eq!(check(u64::MAX), (4_832, all.to_owned(), false));
}
