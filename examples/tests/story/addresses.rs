//! Addresses that are taken, wrong, or another's: each has a clear outcome, and the service answers all the same.

use crate::consolation::plain;
use crate::http::get;
use crate::program::{BARBARA, Program, command};
use crate::screen::Screen;

/// What barbara says of insight when it is told to listen there; her service answers.
fn says(listen: &str) -> String {
    let program = Program::run(command(BARBARA).env("INSIGHT_LISTEN", listen));
    assert_eq!(get(&format!("http://{}/orders", program.service())), "total 16\n");
    let said = program.said();
    let insight: Vec<&String> = said.iter().filter(|line| !line.starts_with("barbara: ")).collect();
    assert_eq!(insight.len(), 1, "one line: {said:#?}");
    insight[0].clone()
}

#[test]
fn a_port_in_use() {
    let first = Program::start(BARBARA);
    let address = first.insight();
    let line = says(&address);
    let expect = format!("insight: cannot listen on {address}: address in use by another program; set INSIGHT_LISTEN=");
    assert!(line.starts_with(&expect), "{line}");
    // The first one is undisturbed.
    let (text, status) = plain(&[&address, "--once"]);
    assert!(text.contains(&format!("  pid {} · ", first.pid())), "{text}");
    assert_eq!(status, Some(0));
}

#[test]
fn a_wrong_address() {
    let check = |listen: &str, expect: &str| {
        let line = says(listen);
        assert!(line.starts_with(expect), "{line}");
        assert!(line.ends_with("The program runs on without insight."), "{line}");
    };
    check("nonsense", "insight: INSIGHT_LISTEN is \"nonsense\": not an address; write a port such as 8080");
    check("0.0.0.0:9999", "insight: INSIGHT_LISTEN is \"0.0.0.0:9999\": not a loopback address");
    check("127.0.0.1:99999", "insight: INSIGHT_LISTEN is \"127.0.0.1:99999\": not an address");
}

/// The service's own port, where insight does not listen.
#[test]
fn another_port() {
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
