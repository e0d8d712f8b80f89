//! Addresses that are taken, wrong, or of another service: each gives a clear message, and the service answers anyway.

use crate::consolation::plain;
use crate::http::get;
use crate::program::{BARBARA, Program, command};
use crate::screen::Screen;

/// The line that insight prints in barbara when `INSIGHT_LISTEN` has this value. Her service answers anyway.
fn line_of_insight(listen: &str) -> String {
    let program = Program::run(command(BARBARA).env("INSIGHT_LISTEN", listen));
    assert_eq!(get(&format!("http://{}/orders", program.service())), "total 16\n");
    let lines = program.lines();
    let insight: Vec<&String> = lines.iter().filter(|line| !line.starts_with("barbara: ")).collect();
    assert_eq!(insight.len(), 1, "one line: {lines:#?}");
    insight[0].clone()
}

#[test]
fn a_port_in_use_leaves_both_programs_running() {
    let first = Program::start(BARBARA);
    let address = first.insight();
    let line = line_of_insight(&address);
    let expect = format!("insight: cannot listen on {address}: address in use by another program; set INSIGHT_LISTEN=");
    assert!(line.starts_with(&expect), "{line}");
    // The first program still answers.
    let (text, status) = plain(&[&address, "--once"]);
    assert!(text.contains(&format!("  pid {} · ", first.pid())), "{text}");
    assert_eq!(status, Some(0));
}

#[test]
fn a_wrong_address_leaves_the_program_running() {
    let check = |listen: &str, expect: &str| {
        let line = line_of_insight(listen);
        assert!(line.starts_with(expect), "{line}");
        assert!(line.ends_with("The program runs on without insight."), "{line}");
    };
    check("nonsense", "insight: INSIGHT_LISTEN is \"nonsense\": not an address; write a port such as 8080");
    check("0.0.0.0:9999", "insight: INSIGHT_LISTEN is \"0.0.0.0:9999\": not a loopback address");
    check("127.0.0.1:99999", "insight: INSIGHT_LISTEN is \"127.0.0.1:99999\": not an address");
}

/// consolation is given the port of the service itself, where insight does not listen.
#[test]
fn a_port_of_another_service_is_reported() {
    let program = Program::start(BARBARA);
    let service = program.service();
    let screen = Screen::open(&service, 120, 40);
    let expect = format!("{service} answers, but does not speak insight");
    screen.shows(&[&expect, "Yours prints its address on stderr"]);
    screen.quit();
    let (text, status) = plain(&[&service, "--once"]);
    assert!(text.contains("it answers, but does not speak insight"), "{text}");
    assert_eq!(status, Some(1));
    assert_eq!(get(&format!("http://{service}/orders")), "total 16\n");
}
