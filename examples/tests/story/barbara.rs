//! The main story: a request hangs, and three keys lead to its cause.

use crate::files::place;
use crate::http::{get, get_later};
use crate::program::{BARBARA, Program};
use crate::screen::{ENTER, ESC, Screen};
use crate::stream::{self, Stream};
use crate::watched::PATIENCE;
use insight_protocol::Operation;
use std::sync::mpsc::Receiver;

/// Barbara's service with a request that it does not answer.
pub struct Hang {
    pub program: Program,
    pub insight: String,
    pub service: String,
    pub answer: Receiver<Result<String, String>>,
}

impl Hang {
    pub fn begin() -> Hang {
        Hang::of(Program::start(BARBARA))
    }

    pub fn of(program: Program) -> Hang {
        let (insight, service) = (program.insight(), program.service());
        let answer = get_later(format!("http://{service}/prototype"));
        program.line_after("barbara: prototype handler entered");
        Hang { program, insight, service, answer }
    }

    /// Calls the endpoint that Barbara forgot, so that the request is answered.
    pub fn end(&self) {
        assert_eq!(get(&format!("http://{}/warm", self.service)), "warm\n");
        let answer = self.answer.recv_timeout(PATIENCE).expect("the hang is over");
        assert_eq!(answer.as_deref(), Ok("10 orders handled\n"));
    }
}

/// The place of the await that hangs, and its text.
pub fn blocked() -> (String, &'static str) {
    let text = "chan.send(value).await";
    (place("examples/barbara.rs", text), text)
}

/// Waits until the task list shows the blocked writer in its first row.
pub fn shows_writer_first(screen: &Screen) {
    screen.until("write_orders in the first row", |frame| {
        let rows = frame.rows();
        let titles = rows.iter().position(|row| row.contains("NAME") && row.contains("WAITS FOR"))?;
        let first = rows.get(titles + 1)?;
        (first.contains("write_orders") && first.contains("`prototype_channel`")).then_some(())
    });
}

#[test]
fn three_keys_from_the_hang_to_its_cause() {
    let hang = Hang::begin();
    let mut screen = Screen::open(&hang.insight, 120, 40);
    shows_writer_first(&screen);

    screen.press(ENTER);
    let (blocked_at, text) = blocked();
    screen.until("the cause, and the reason in white on dark red", |frame| {
        let cause = ["`prototype_channel`: waiting on channel capacity", &format!("at {blocked_at}:"), text];
        let shown = frame.text();
        let all = cause.iter().all(|wanted| shown.contains(wanted));
        let background = frame.background("waiting on channel capacity");
        (all && background == Some(vt100::Color::Idx(52))).then_some(())
    });
    assert!(screen.keys() <= 3, "{} keys", screen.keys());

    screen.press(ENTER);
    screen.shows(&[
        "channel `prototype_channel`",
        "capacity 2, length 2 (full)",
        "TASKS THAT CAN RECEIVE",
        "read_orders",
    ]);
    screen.press(ENTER);
    let waits_at = place("examples/barbara.rs", "warm_cache.recv().await");
    screen.shows(&[
        "read_orders  task  idle for ",
        "`cache_is_warm`: waiting for a message",
        &format!("at {waits_at}:"),
        "warm_cache.recv().await;",
    ]);
    assert_eq!(screen.keys(), 3);

    screen.press("?");
    screen.shows(&["┌ Help ", "A task"]);
    let page = format!("http://{}/docs/task", hang.insight);
    screen.press("G");
    screen.shows(&["MORE", &page]);
    assert!(get(&page).contains("<html"), "the link leads to a page");
    screen.press(ESC);
    screen.hides("┌ Help ");

    screen.press(ESC);
    screen.shows(&["TASKS THAT CAN RECEIVE"]);
    screen.press(ESC);
    screen.shows(&["WAITS FOR", text]);
    screen.press(ESC);
    shows_writer_first(&screen);

    // The message that the reader waits for can still come, so insight cannot prove a problem.
    assert_eq!(get(&format!("http://{}/v1/problems", hang.insight)), r#"{"problems":[]}"#);
    screen.press("P");
    screen.shows(&["No problem was found."]);
    screen.quit();
}

#[test]
fn the_tasks_disappear_when_the_hang_is_over() {
    let hang = Hang::begin();
    let screen = Screen::open(&hang.insight, 120, 40);
    shows_writer_first(&screen);
    hang.end();
    screen.until("the tasks to go", |frame| {
        let text = frame.text();
        (text.contains("main") && !text.contains("write_orders") && !text.contains("read_orders")).then_some(())
    });
}

/// A client sees the same blocked task, no matter when it connects.
#[test]
fn clients_that_connect_before_during_and_after_see_the_same() {
    let program = Program::start(BARBARA);
    let before = Stream::attach(&program.insight()).complete();
    let hang = Hang::of(program);
    let during = Stream::attach(&hang.insight);
    // The writer also waits before the hang, but only for short times.
    const LONG_NS: u64 = 1_000_000_000;
    let blocked = |stream: &Stream| {
        stream.until("the blocked writer", |received| {
            let edge = stream::wait(&received.model, "write_orders", &Operation::Send)?;
            if received.model.told_ns < edge.since_ns + LONG_NS {
                return None;
            }
            let place = edge.location.as_ref()?.place.to_string();
            Some((edge.task, edge.resource, edge.since_ns, place, received.model.header.clone()?.session))
        })
    };
    let expect = blocked(&before);
    assert_eq!(blocked(&during), expect);
    let after = Stream::attach(&hang.insight);
    assert_eq!(blocked(&after), expect);

    hang.end();
    for stream in [&before, &during, &after] {
        stream.until("the writer to end", |received| {
            stream::task(&received.model, "write_orders").is_none().then_some(())
        });
    }
    let late = Stream::attach(&hang.insight).complete();
    late.read(|received| {
        assert_eq!(stream::task(&received.model, "write_orders"), None);
        assert_eq!(stream::task(&received.model, "read_orders"), None);
    });
}
