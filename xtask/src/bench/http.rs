//! Load on an HTTP server, by wrk.

use crate::process::{Result, apt_get_install};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

const CONNECTIONS: &str = "32";

/// Starts a server and sends it requests for some seconds. Returns the requests per second and the latencies.
pub fn load(mut server: Command, seconds: u64) -> Result<String> {
    wrk()?;
    server.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = server.spawn().map_err(|error| format!("cannot start the server: {error}"))?;
    // The server prints a line or two, and then serves.
    let mut lines = BufReader::new(child.stdout.take().expect("its stdout is piped")).lines();
    let url = lines.find_map(|line| line.ok()?.strip_prefix("serving ").map(str::to_owned));
    let printed = url.ok_or("the server ended before it served".to_owned()).and_then(|url| {
        // The first requests are not measured: they open the connections, and fill pools.
        requests(&url, 1)?;
        requests(&url, seconds)
    });
    // Both fail only if the server has already ended.
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
    // wrk has no option that only prints: without arguments it prints its usage, and fails.
    let is_there = || Command::new("wrk").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if is_there() || (apt_get_install(&["wrk"]) && is_there()) {
        return Ok(());
    }
    Err("wrk sends the requests, and is missing: install it, such as by `apt-get install wrk`".to_owned())
}

/// The output of wrk as a line of a measured program.
fn figures(printed: &str) -> Result<String> {
    let after = |start: &str| printed.lines().find_map(|line| line.trim().strip_prefix(start)).map(str::trim);
    let figures = || {
        let requests: f64 = after("Requests/sec:")?.parse().ok()?;
        Some(format!("measured requests_s={requests} p50_us={} p99_us={}", us(after("50%")?)?, us(after("99%")?)?))
    };
    let failed = after("Socket errors:").or(after("Non-2xx or 3xx responses:"));
    match failed {
        Some(errors) => Err(format!("wrk had errors: {errors}")),
        None => figures().ok_or(format!("wrk printed no figures: {}", printed.trim())),
    }
}

/// A time of wrk's output, in microseconds.
fn us(text: &str) -> Option<f64> {
    let units = [("us", 1.0), ("ms", 1e3), ("s", 1e6)];
    units.into_iter().find_map(|(unit, factor)| Some(text.strip_suffix(unit)?.parse::<f64>().ok()? * factor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_of_wrk_becomes_a_line_of_figures() {
        let check = |printed: &str, expect: std::result::Result<&str, &str>| {
            let figures = figures(printed);
            assert_eq!(figures.as_deref().map_err(String::as_str), expect);
        };
        let output = "Running 3s test @ http://127.0.0.1:1\n  Latency Distribution\n     50%  301.00us\n     99%    1.25ms\n\
                    Requests/sec: 105123.40\nTransfer/sec:     12.3MB\n";
        check(output, Ok("measured requests_s=105123.4 p50_us=301 p99_us=1250"));
        let errors = "  Socket errors: connect 0, read 3, write 0, timeout 0\n";
        check(&format!("{errors}{output}"), Err("wrk had errors: connect 0, read 3, write 0, timeout 0"));
        check("unable to connect", Err("wrk printed no figures: unable to connect"));
    }
}
