//! HTTP requests.

use std::io::Read;
use std::sync::mpsc::{self, Receiver};
use std::thread;

/// An agent that keeps its connections open, accepts every status, and has no timeout.
pub fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().proxy(None).http_status_as_error(false).build().new_agent()
}

/// The body of an answer that must have the status 200.
pub fn get(url: &str) -> String {
    ask(&agent(), url).unwrap_or_else(|error| panic!("GET {url}: {error}"))
}

/// Requests on a thread of its own. The receiver stays empty if no answer comes.
pub fn get_later(url: String) -> Receiver<Result<String, String>> {
    let (reply, replies) = mpsc::channel();
    thread::spawn(move || {
        let _ = reply.send(ask(&agent(), &url));
    });
    replies
}

pub fn ask(agent: &ureq::Agent, url: &str) -> Result<String, String> {
    let response = agent.get(url).call().map_err(|error| error.to_string())?;
    let status = response.status();
    let mut text = String::new();
    response.into_body().into_reader().read_to_string(&mut text).map_err(|error| error.to_string())?;
    if status == 200 { Ok(text) } else { Err(format!("{status} {text}")) }
}
