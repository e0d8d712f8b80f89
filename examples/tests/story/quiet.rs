//! A service that works never has a problem.

use crate::http::{agent, ask, get};
use crate::program::{BARBARA, Program};
use crate::stream::Stream;
use std::thread;

const THREADS: usize = 8;
const REQUESTS_EACH: usize = 250;

#[test]
fn two_thousand_requests_raise_no_problem() {
    let program = Program::start(BARBARA);
    let stream = Stream::attach(&program.insight()).complete();
    let url = format!("http://{}/orders", program.service());
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                // Each thread keeps its connection open.
                let agent = agent();
                for _ in 0..REQUESTS_EACH {
                    assert_eq!(ask(&agent, &url).as_deref(), Ok("total 16\n"));
                }
            });
        }
    });
    // A task that was stuck by now would be reported in this time. The stream checks the messages' numbers.
    stream.wait_until_covered(stream.read(|received| received.model.now_ns) + 1_000_000_000);
    stream.read(|received| {
        assert_eq!(received.raised(), []);
        assert!(received.model.gaps.is_empty(), "{:?}", received.model.gaps);
        let requests = (THREADS * REQUESTS_EACH) as u64;
        assert!(received.model.ended >= requests, "each request has a task: {} ended", received.model.ended);
    });
    assert_eq!(get(&format!("http://{}/v1/problems", program.insight())), r#"{"problems":[]}"#);
}
