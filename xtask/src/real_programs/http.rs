//! Requests over HTTP.

use super::clients::{Answer, Asked, PATIENCE, on_threads};
use crate::process::Result;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use ureq::Agent;

/// One request. In its texts, `{NAME}` stands for a kept value, and `{n}` for a unique number of twelve digits.
pub struct Request {
    pub method: &'static str,
    pub path: &'static str,
    pub headers: &'static [(&'static str, &'static str)],
    pub body: &'static str,
    /// The name of a value to keep, and the field of the JSON answer that has it.
    pub keep: Option<(&'static str, &'static str)>,
    /// Whether it is also part of the load.
    pub load: bool,
}

/// A `GET` of the path, without other fields.
pub const fn get(path: &'static str) -> Request {
    Request { method: "GET", path, headers: &[], body: "", keep: None, load: false }
}

/// A `GET` of the path that is part of the load.
pub const fn get_often(path: &'static str) -> Request {
    Request { load: true, ..get(path) }
}

/// Maximum size of an answer's body that is compared as text, in bytes. Larger ones are compared by length and checksum.
const BODY: usize = 10_000;

/// Headers whose values differ in each answer.
const UNEQUAL: [&str; 2] = ["date", "x-request-id"];

/// Numbers for `{n}`.
static NUMBER: AtomicU64 = AtomicU64::new(0);

/// Sends each request once.
pub fn ask(requests: &[Request], address: SocketAddr) -> Result<Asked> {
    let agent = agent();
    let mut asked = Asked::default();
    for request in requests {
        let (status, headers, body) = send(&agent, request, address, &asked.kept)?;
        let body = String::from_utf8_lossy(&body).into_owned();
        if let Some((name, field)) = request.keep {
            let json: serde_json::Value = serde_json::from_str(&body).unwrap_or_default();
            let value = json[field].as_str();
            let value = value.ok_or(format!("{} {}: no `{field}` in {body}", request.method, request.path))?;
            asked.kept.insert(name, value.to_owned());
        }
        let mut answer = format!("{status}\n{headers}\n");
        match body.len() {
            0..BODY => answer.push_str(&body),
            length => answer.push_str(&format!("{length} bytes, checksum {:?}", sha256(&body))),
        }
        asked.answers.push(Answer { question: format!("{} {}", request.method, request.path), answer });
    }
    for answer in &mut asked.answers {
        answer.answer = equal(&answer.answer, address, &asked.kept);
    }
    Ok(asked)
}

/// Sends the requests of the load, again and again.
pub fn load(
    requests: &[Request],
    address: SocketAddr,
    asked: &Asked,
    time: Duration,
    meanwhile: impl FnOnce() -> Result,
) -> Result<u64> {
    let requests: Vec<&Request> = requests.iter().filter(|request| request.load).collect();
    let deadline = Instant::now() + time;
    let client = |connection: usize| {
        let agent = agent();
        let mut count = 0;
        for request in requests.iter().cycle().skip(connection % requests.len()) {
            if Instant::now() > deadline {
                break;
            }
            let (status, ..) = send(&agent, request, address, &asked.kept)?;
            if !(200..300).contains(&status) {
                return Err(format!("{} {}: status {status}", request.method, request.path));
            }
            count += 1;
        }
        Ok(count)
    };
    on_threads(client, meanwhile)
}

/// A client with one connection, which it keeps open.
fn agent() -> Agent {
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .allow_non_standard_methods(true)
        .user_agent("xtask")
        .timeout_global(Some(PATIENCE));
    config.build().new_agent()
}

/// Sends a request. Returns the status, the headers in the order of their names, and the body.
fn send(
    agent: &Agent,
    request: &Request,
    address: SocketAddr,
    kept: &BTreeMap<&'static str, String>,
) -> Result<(u16, String, Vec<u8>)> {
    let failed = |error: &dyn std::fmt::Display| format!("{} {}: {error}", request.method, request.path);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let filled = |text: &str| {
        let text = text.replace("{n}", &format!("{number:012}"));
        kept.iter().fold(text, |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
    };
    let mut builder = ureq::http::Request::builder().method(request.method);
    builder = builder.uri(format!("http://{address}{}", filled(request.path)));
    for (name, value) in request.headers {
        builder = builder.header(*name, filled(value));
    }
    let answer = match request.body {
        "" => agent.run(builder.body(()).map_err(|error| failed(&error))?),
        body => agent.run(builder.body(filled(body)).map_err(|error| failed(&error))?),
    };
    let mut answer = answer.map_err(|error| failed(&error))?;
    let mut headers: Vec<String> = answer
        .headers()
        .iter()
        .filter(|(name, _)| !UNEQUAL.contains(&name.as_str()))
        .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))
        .collect();
    headers.sort();
    let body = answer.body_mut().read_to_vec().map_err(|error| failed(&error))?;
    Ok((answer.status().as_u16(), headers.join("\n"), body))
}

/// Replaces each value that differs between runs by a placeholder.
fn equal(answer: &str, address: SocketAddr, kept: &BTreeMap<&'static str, String>) -> String {
    let answer = answer.replace(&address.to_string(), "{address}");
    kept.iter().fold(answer, |answer, (name, value)| answer.replace(value, &format!("{{{name}}}")))
}

fn sha256(text: &str) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_answers_of_two_runs_have_no_port_and_no_generated_id() {
        let kept = BTreeMap::from([("session", "u7Xk".to_owned())]);
        let address = "127.0.0.1:4123".parse().unwrap();
        let answer = equal("200\nhost: 127.0.0.1:4123\n{\"session\":\"u7Xk\"}", address, &kept);
        assert_eq!(answer, "200\nhost: {address}\n{\"session\":\"{session}\"}");
    }
}
