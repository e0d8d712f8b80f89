//! A server that misbehaves in many ways, against each client.

mod kinds;
pub mod streams;
mod wire;

use crate::attack::Setting;
use crate::attack::tools::{Expect, Tools, all, faults, is_json, run, verdict};
use crate::process::Result;
use kinds::{KINDS, Kind};
use std::process::Command;
use std::time::Duration;
use wire::Server;

/// Number of cases that run at the same time: of kinds that mainly wait, and of kinds that take processor time.
const LIGHT_AT_A_TIME: usize = 48;
const HEAVY_AT_A_TIME: usize = 2;
/// Time that `check` and `diagnose` read a live stream, in seconds: usually, a flood in a short run, and a large stream.
const FOR: &str = "3";
const FOR_A_FLOOD: &str = "1";
const FOR_A_LARGE_ONE: &str = "25";
/// Maximum time of a client. Its own limits are shorter: 3 s to connect, 5 s for the head, 10 s of silence and `FOR`, or 60 s
/// for a snapshot that keeps coming. The rest is for a busy machine.
const BOUND: Duration = Duration::from_secs(30);
const BOUND_OF_SNAPSHOT: Duration = Duration::from_secs(90);

/// A client and its arguments.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Client {
    Once,
    Json,
    Trace,
    Check,
    Diagnose,
}

const CLIENTS: [Client; 5] = [Client::Once, Client::Json, Client::Trace, Client::Check, Client::Diagnose];

impl Client {
    fn name(self) -> &'static str {
        match self {
            Client::Once => "consolation --once",
            Client::Json => "consolation --once --json",
            Client::Trace => "consolation --trace 1",
            Client::Check => "insight-conformance check",
            Client::Diagnose => "insight-conformance diagnose",
        }
    }

    fn command(self, tools: &Tools, address: &str, seconds: &str) -> Command {
        let url = format!("http://{address}/v1/stream");
        let (program, arguments) = match self {
            Client::Once => (&tools.consolation, vec![address, "--once"]),
            Client::Json => (&tools.consolation, vec![address, "--once", "--json"]),
            Client::Trace => (&tools.consolation, vec![address, "--trace", "1"]),
            Client::Check => (&tools.conformance, vec!["check", &url, "--for", seconds]),
            Client::Diagnose => (&tools.conformance, vec!["diagnose", &url, "--for", seconds]),
        };
        let mut command = Command::new(program);
        command.args(arguments);
        command
    }

    fn is_consolation(self) -> bool {
        matches!(self, Client::Once | Client::Json | Client::Trace)
    }

    /// The expectation of a kind. `None` if this client is not tried on it.
    fn expects(self, kind: &Kind) -> Option<Expect> {
        match self {
            Client::Once => kind.once,
            // JSON has a list of the tasks, and not the text of their number.
            Client::Json => kind.once.map(|expect| match expect {
                Expect::Ends(codes, words) if words.ends_with(" tasks") => Expect::Ends(codes, "\"tasks\": ["),
                expect => expect,
            }),
            Client::Trace => kind.trace,
            Client::Check => kind.check,
            Client::Diagnose => kind.diagnose,
        }
    }
}

/// Runs each client on each kind. Without `full`, kinds that take a minute are left out.
pub fn fake_server(setting: &Setting) -> Result<String> {
    let (tools, full) = (&setting.tools, setting.full);
    let (mut light, mut heavy) = (Vec::new(), Vec::new());
    for kind in KINDS {
        for client in CLIENTS {
            // For kinds that keep a core busy for a minute, JSON is left out: the client reads it as it reads for text.
            let reads_for_a_minute = kind.minute && client.is_consolation();
            if reads_for_a_minute && (!full || kind.heavy && client == Client::Json) {
                continue;
            }
            let Some(expect) = client.expects(kind) else { continue };
            if kind.heavy { &mut heavy } else { &mut light }.push((kind, client, expect));
        }
    }
    let one = |case: &(&Kind, Client, Expect)| case_faults(tools, case.0, case.1, case.2, full);
    let mut faults = all(&light, LIGHT_AT_A_TIME, one);
    faults.extend(all(&heavy, HEAVY_AT_A_TIME, one));
    verdict(light.len() + heavy.len(), &faults)
}

fn case_faults(tools: &Tools, kind: &Kind, client: Client, expect: Expect, full: bool) -> Vec<String> {
    let found = Server::start(kind.answer, kind.resets, full).map_err(|error| format!("cannot listen: {error}"));
    let found = found.and_then(|server| {
        let seconds = match (kind.heavy, kind.minute) {
            (true, true) if !full => FOR_A_FLOOD,
            (true, false) => FOR_A_LARGE_ONE,
            _ => FOR,
        };
        let bound = if kind.minute && client.is_consolation() { BOUND_OF_SNAPSHOT } else { BOUND };
        let run = run(&mut client.command(tools, &server.address.to_string(), seconds), bound)?;
        let mut found = faults(&run, expect);
        let printed = run.status.is_some_and(|status| matches!(status.code(), Some(0 | 3)));
        if client == Client::Json && printed && !is_json(&run.stdout) {
            found.push("stdout is not JSON".to_owned());
        }
        Ok(found)
    });
    let case = |fault| format!("fake_server: {}: {}: {fault} ({})", kind.name, client.name(), kind.about);
    found.unwrap_or_else(|error| vec![error]).into_iter().map(case).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_kind_has_a_name_and_a_client() {
        let names: BTreeSet<&str> = KINDS.iter().map(|kind| kind.name).collect();
        assert_eq!(names.len(), KINDS.len());
        for kind in KINDS {
            assert!(CLIENTS.iter().any(|client| client.expects(kind).is_some()), "{}", kind.name);
        }
    }
}
