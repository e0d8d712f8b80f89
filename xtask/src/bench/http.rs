//! The load on an HTTP server: wrk's.

use crate::process::{Result, apt_get_install};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

const CONNECTIONS: &str = "32";

/// Starts a server, sends it requests for so long, and says how many it answered in a second, and how late.
pub fn load(mut server: Command, seconds: u64) -> Result<String> {
    wrk()?;
    server.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = server.spawn().map_err(|error| format!("cannot start the server: {error}"))?;
    // It prints a line or two, and then serves.
    let mut lines = BufReader::new(child.stdout.take().expect("its stdout is piped")).lines();
    let url = lines.find_map(|line| line.ok()?.strip_prefix("serving ").map(str::to_owned));
    let printed = url.ok_or("the server ended before it served".to_owned()).and_then(|url| {
        // The first requests open the connections, and grow what grows.
        requests(&url, 1)?;
        requests(&url, seconds)
    });
    // Both fail only when it has ended already.
    let _ = child.kill();
    let _ = child.wait();
    figures(&printed?)
}

fn requests(url: &str, seconds: u64) -> Result<String> {
    let duration = format!("{seconds}s");
    let output = Command::new("wrk")
        .args(["--threads", "1", "--connections", CONNECTIONS, "--latency", "--duration", &duration, url])
        .output()
        .map_err(|error| format!("cannot start wrk: {error}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn wrk() -> Result {
    // It knows no option that only succeeds: without arguments it says how it is used, and fails.
    let is_there = || Command::new("wrk").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if is_there() || (apt_get_install(&["wrk"]) && is_there()) {
        return Ok(());
    }
    Err("the requests are wrk's, which is missing: install it, such as by `apt-get install wrk`".to_owned())
}

/// What wrk says, as a measured program would.
fn figures(printed: &str) -> Result<String> {
    let after = |start: &str| printed.lines().find_map(|line| line.trim().strip_prefix(start)).map(str::trim);
    let figures = || {
        let requests: f64 = after("Requests/sec:")?.parse().ok()?;
        Some(format!("measured requests_s={requests} p50_us={} p99_us={}", us(after("50%")?)?, us(after("99%")?)?))
    };
    let failed = after("Socket errors:").or(after("Non-2xx or 3xx responses:"));
    match failed {
        Some(errors) => Err(format!("wrk had errors: {errors}")),
        None => figures().ok_or(format!("wrk said no figures: {}", printed.trim())),
    }
}

/// A time as wrk writes it, in microseconds.
fn us(text: &str) -> Option<f64> {
    let units = [("us", 1.0), ("ms", 1e3), ("s", 1e6)];
    units.into_iter().find_map(|(unit, factor)| Some(text.strip_suffix(unit)?.parse::<f64>().ok()? * factor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_wrk_says() {
        let check = |printed: &str, expect: std::result::Result<&str, &str>| {
            let figures = figures(printed);
            assert_eq!(figures.as_deref().map_err(String::as_str), expect);
        };
        let said = "Running 3s test @ http://127.0.0.1:1\n  Latency Distribution\n     50%  301.00us\n     99%    1.25ms\n\
                    Requests/sec: 105123.40\nTransfer/sec:     12.3MB\n";
        check(said, Ok("measured requests_s=105123.4 p50_us=301 p99_us=1250"));
        let errors = "  Socket errors: connect 0, read 3, write 0, timeout 0\n";
        check(&format!("{errors}{said}"), Err("wrk had errors: connect 0, read 3, write 0, timeout 0"));
        check("unable to connect", Err("wrk said no figures: unable to connect"));
    }
}
