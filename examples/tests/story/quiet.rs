//! A service that works has no problem, at any time.

use crate::http::{agent, ask, get};
use crate::program::{BARBARA, Program};
use crate::stream::Stream;
use std::thread;

const THREADS: usize = 8;
const REQUESTS_EACH: usize = 250;

#[test]
fn two_thousand_requests_and_no_problem() {
    let program = Program::start(BARBARA);
    let stream = Stream::attach(&program.insight()).complete();
    let url = format!("http://{}/orders", program.service());
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                // One connection, kept.
                let agent = agent();
                for _ in 0..REQUESTS_EACH {
                    assert_eq!(ask(&agent, &url).as_deref(), Ok("total 16\n"));
                }
            });
        }
    });
    // Long enough for what was stuck then to be called so. The numbers of the messages are checked as they come.
    stream.told(stream.read(|seen| seen.model.now_ns) + 1_000_000_000);
    stream.read(|seen| {
        assert_eq!(seen.raised(), []);
        assert!(seen.model.gaps.is_empty(), "{:?}", seen.model.gaps);
        let requests = (THREADS * REQUESTS_EACH) as u64;
        assert!(seen.model.ended >= requests, "each request has a task: {} ended", seen.model.ended);
    });
    assert_eq!(get(&format!("http://{}/v1/problems", program.insight())), r#"{"problems":[]}"#);
}
