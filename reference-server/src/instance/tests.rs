//! Each test has a separate state, and a producer that sends the messages from the test.

use super::*;
use crate::testing::{Folder, Script};
use crate::{Detail, Panics};
use insight_protocol::Message;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::Sender;
use std::time::Duration;

const PID: u32 = 7;
const PLACE: ThisProcess = ThisProcess { pid: PID, folder: None };

fn environment(variables: &[(&str, &str)]) -> Environment {
    let value = |name: &str| variables.iter().find(|(it, _)| *it == name).map(|(_, value)| OsString::from(value));
    Environment {
        listen: value("LISTEN"),
        record: value("RECORD"),
        process: value("PROCESS"),
        children: value("CHILDREN"),
        panics: value("PANICS"),
        awaits: value("AWAITS"),
        detail: value("DETAIL"),
    }
}

fn never(_: RecorderConfig) -> Result<Script, Error> {
    panic!("recording was turned on")
}

/// A start that also starts a recorder if insight is on.
fn start(state: &mut State, builder: Builder, cause: Cause, variables: &[(&str, &str)]) -> Result<Insight, Error> {
    state.start(builder, cause, &environment(variables), &PLACE, |_| Ok(Script::new().0))
}

/// An instance that the program's first runtime started. With the default options it reports no problem.
fn started(variables: &[(&str, &str)]) -> (State, Insight, Sender<Vec<Message>>) {
    let (mut state, (script, feed)) = (State::default(), Script::new());
    let builder = Builder::default().settle(Duration::MAX);
    let insight = state.start(builder, Cause::Runtime, &environment(variables), &PLACE, |_| Ok(script)).unwrap();
    (state, insight, feed)
}

/// Sends a GET request, and returns the whole reply.
fn get(insight: Insight, path: &str) -> String {
    let mut stream = TcpStream::connect(insight.address().unwrap()).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    reply
}

/// A free port that the system does not choose for port 0.
fn port() -> u16 {
    let first = 10_000 + (std::process::id() % 10_000) as u16;
    (first..).find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok()).unwrap()
}

#[test]
fn failed_start_leaves_nothing_behind() {
    let mut state = State::default();
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let mut start = |builder: Builder, variables: &[(&str, &str)]| {
        state.start(builder, Cause::Code, &environment(variables), &PLACE, never)
    };
    let error = start(Builder::default().listen_port(port), &[]).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "cannot listen on 127.0.0.1:{port}: address in use by another program; set \
             INSIGHT_LISTEN=127.0.0.1:0 (any free port) or insight::init!(listen_port => ...)"
        )
    );
    let mut listen = |listen: &str| start(Builder::default().listen("127.0.0.1:0"), &[("LISTEN", listen)]);
    assert_eq!(listen("off").unwrap(), Insight::OFF);
    assert!(matches!(listen("808O"), Err(Error::Misconfigured { .. })));
    assert!(matches!(listen("0.0.0.0:0"), Err(Error::Misconfigured { .. })));
    let error = start(Builder::default().listen("127.0.0.1:0"), &[("AWAITS", "yes")]).unwrap_err().to_string();
    assert!(error.starts_with("INSIGHT_AWAITS is \"yes\": "), "{error}");
    let nowhere = Builder::default().listen("off").record_to("/nowhere/run.ndjson");
    let error = start(nowhere, &[]).unwrap_err().to_string();
    assert!(error.starts_with("cannot record to \"/nowhere/run.ndjson\": "), "{error}");
    assert_eq!(error.lines().count(), 1);

    let listen = || Builder::default().listen("127.0.0.1:0");
    let insight = self::start(&mut state, listen(), Cause::Code, &[]).unwrap();
    assert!(insight.address().is_some_and(|address| address.port() != 0));
    let again = state.start(listen(), Cause::Code, &environment(&[]), &PLACE, never);
    assert!(matches!(again, Err(Error::AlreadyStarted)));
    let runtime = state.start(Builder::default(), Cause::Runtime, &environment(&[]), &PLACE, never).unwrap();
    assert_eq!(runtime, insight, "the runtime changes nothing");
}

#[test]
fn each_role_listens_where_its_user_expects_it() {
    let check = |cause: Cause, code: Option<&str>, variables: &[(&str, &str)], expect: &str| {
        let environment = environment(variables);
        let role = environment.role(PID).unwrap();
        let actual = wanted(code, cause, &environment, role).unwrap();
        let actual = actual.map_or("off".to_owned(), |address| address.to_string());
        assert_eq!(actual, expect, "{cause:?} {code:?} {variables:?}");
    };
    let (own, parent, children) = (("PROCESS", "7"), ("PROCESS", "8"), ("CHILDREN", "on"));
    check(Cause::Runtime, None, &[], "127.0.0.1:0");
    check(Cause::Runtime, None, &[own], "127.0.0.1:0");
    check(Cause::Runtime, None, &[own, ("LISTEN", "9000")], "127.0.0.1:9000");
    check(Cause::Runtime, None, &[("LISTEN", "off")], "off");
    check(Cause::Runtime, None, &[parent, children], "127.0.0.1:0");
    check(Cause::Runtime, None, &[parent, children, ("LISTEN", "[::1]:9000")], "[::1]:0");
    check(Cause::Code, None, &[], "127.0.0.1:8080");
    check(Cause::Code, None, &[own], "127.0.0.1:0");
    check(Cause::Code, Some("9000"), &[own], "127.0.0.1:9000");
    check(Cause::Code, Some("9000"), &[own, ("LISTEN", "off")], "off");
    check(Cause::Code, Some("9000"), &[parent, children], "127.0.0.1:0");
    check(Cause::Code, Some("off"), &[own], "off");
}

#[test]
fn child_is_not_observed_by_default() {
    for (cause, builder) in [(Cause::Runtime, Builder::default()), (Cause::Code, Builder::default().listen(0))] {
        let environment = environment(&[("PROCESS", "8"), ("LISTEN", "0"), ("RECORD", "run.ndjson")]);
        let insight = State::default().start(builder, cause, &environment, &PLACE, never).unwrap();
        assert_eq!(insight, Insight::OFF);
    }
}

#[test]
fn runtime_does_not_start_insight_after_the_code_turned_it_off() {
    let mut state = State::default();
    assert_eq!(start(&mut state, Builder::default().listen("off"), Cause::Code, &[]).unwrap(), Insight::OFF);
    let insight = state.start(Builder::default(), Cause::Runtime, &environment(&[]), &PLACE, never).unwrap();
    assert_eq!(insight, Insight::OFF);
    assert!(start(&mut state, Builder::default().listen(0), Cause::Code, &[]).unwrap().address().is_some());
}

#[test]
fn options_of_the_code_apply_to_the_instance_that_the_runtime_started() {
    let folder = Folder::new("options");
    let file = folder.0.join("run.ndjson");
    let (mut state, first, feed) = started(&[]);
    let wanted = port();
    let builder = Builder::default()
        .listen_port(wanted)
        .interval(Duration::from_millis(20))
        .settle(Duration::from_millis(1))
        .detail(Detail::Polls)
        .max_bytes(1 << 20)
        .record_to(&file);
    let insight = start(&mut state, builder, Cause::Code, &[]).unwrap();
    assert_eq!((insight.address().unwrap().port(), insight.records()), (wanted, true));
    for each in [first, insight] {
        let snapshot = get(each, "/v1/snapshot");
        assert!(snapshot.contains(r#""detail":"polls","interval_ms":20"#), "{snapshot}");
    }
    feed.send(crate::tests::stuck()).unwrap();
    let mut stream = BufReader::new(TcpStream::connect(insight.address().unwrap()).unwrap());
    stream.get_mut().write_all(b"GET /v1/stream HTTP/1.0\r\nHost: localhost\r\n\r\n").unwrap();
    assert!(stream.lines().map_while(Result::ok).any(|line| line.contains("problem.raised")));
    while !std::fs::read_to_string(&file).unwrap().starts_with(r#"{"seq":1,"type":"stream.header""#) {
        std::thread::yield_now();
    }

    let again = start(&mut state, Builder::default(), Cause::Code, &[]);
    assert!(matches!(again, Err(Error::AlreadyStarted)), "it is the second call of the code");
}

#[test]
fn recorder_gets_the_option_for_panics() {
    let check = |builder: Builder, variable: &[(&str, &str)], expect: bool| {
        let mut recorded = None;
        let mut record = |config: RecorderConfig| {
            recorded = Some(config.panic_messages);
            Ok(Script::new().0)
        };
        let builder = builder.listen("127.0.0.1:0");
        let mut state = State::default();
        state.start(builder, Cause::Code, &environment(variable), &PLACE, &mut record).unwrap();
        assert_eq!(recorded, Some(expect), "{variable:?}");
    };
    check(Builder::default(), &[], false);
    check(Builder::default().panics(Panics::Message), &[], true);
    check(Builder::default(), &[("PANICS", "message")], true);
    check(Builder::default().panics(Panics::Message), &[("PANICS", "off")], false);

    let mut state = State::default();
    let builder = || Builder::default().listen("127.0.0.1:0");
    let wrong = state.start(builder(), Cause::Code, &environment(&[("PANICS", "all")]), &PLACE, never);
    assert_eq!(
        wrong.unwrap_err().to_string(),
        "INSIGHT_PANICS is \"all\": write message to send the messages of panics to clients, or off"
    );
    assert!(start(&mut state, builder(), Cause::Code, &[]).is_ok(), "a next call may");
}

#[test]
fn options_that_are_not_set_change_nothing() {
    let (mut state, first, _feed) = started(&[("LISTEN", "0")]);
    // 8080 is only the default, and the environment takes precedence over 9.
    for builder in [Builder::default(), Builder::default().listen(9)] {
        state.instance.as_mut().unwrap().cause = Cause::Runtime;
        assert_eq!(start(&mut state, builder, Cause::Code, &[("LISTEN", "0")]).unwrap(), first);
    }
    let (mut state, first, _feed) = started(&[]);
    for builder in [Builder::default(), Builder::default().listen("127.0.0.1:0"), Builder::default().listen("off")] {
        state.instance.as_mut().unwrap().cause = Cause::Runtime;
        assert_eq!(start(&mut state, builder, Cause::Code, &[]).unwrap(), first);
    }
}

#[test]
fn option_that_cannot_be_applied_changes_nothing() {
    let (mut state, first, _feed) = started(&[]);
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let builder = Builder::default().listen_port(port).detail(Detail::Polls);
    assert!(matches!(start(&mut state, builder, Cause::Code, &[]), Err(Error::AddressInUse { .. })));
    assert!(get(first, "/v1/snapshot").contains(r#""detail":"structure""#));
    assert_eq!(start(&mut state, Builder::default(), Cause::Code, &[]).unwrap(), first, "a next call may");
}

#[test]
fn an_open_stream_keeps_its_interval_and_detail() {
    let (mut state, first, _feed) = started(&[]);
    let mut stream = BufReader::new(TcpStream::connect(first.address().unwrap()).unwrap());
    stream.get_mut().write_all(b"GET /v1/stream HTTP/1.0\r\nHost: localhost\r\n\r\n").unwrap();
    let header = stream.by_ref().lines().map_while(Result::ok).find(|line| line.contains("stream.header"));
    assert!(header.unwrap().contains(r#""detail":"structure","interval_ms":100"#));
    let (reply, answer) = mpsc::sync_channel(1);
    let builder = Builder::default().interval(Duration::from_millis(20)).detail(Detail::Polls);
    let commands = state.instance.as_ref().unwrap().service.commands.clone();
    commands.send(Command::Configure(Box::new(builder.options()), reply)).unwrap();
    assert_eq!(answer.recv().unwrap(), ["interval", "detail"]);
    let same = Builder::default().interval(Duration::from_millis(100)).detail(Detail::Structure);
    let (reply, answer) = mpsc::sync_channel(1);
    commands.send(Command::Configure(Box::new(same.options()), reply)).unwrap();
    assert_eq!(answer.recv().unwrap(), [""; 0]);
    assert_eq!(start(&mut state, builder, Cause::Code, &[]).unwrap(), first);
    assert!(get(first, "/v1/snapshot").contains(r#""detail":"structure","interval_ms":100"#));
}
