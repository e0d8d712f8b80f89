//! The address to listen on, from the environment or else from the code.

use crate::{Error, environment};
use std::ffi::OsStr;
use std::net::{Ipv4Addr, SocketAddr};

const NOT_AN_ADDRESS: &str =
    "not an address; write a port such as 8080, an address such as 127.0.0.1:0 or [::1]:8080, or off";
const NOT_LOOPBACK: &str = "not a loopback address, and insight shows the program to whoever can connect; \
                            write a port such as 8080, or an address such as 127.0.0.1:8080 or [::1]:8080";

/// The address to listen on. `None` if listening is off.
pub(crate) fn listen_address(
    environment: Option<&OsStr>,
    code: Option<&str>,
    default: SocketAddr,
) -> Result<Option<SocketAddr>, Error> {
    match (environment.map(OsStr::to_string_lossy), code) {
        (Some(text), _) => parse(environment::LISTEN, text.trim()),
        (None, Some(text)) => parse("listen", text.trim()),
        (None, None) => Ok(Some(default)),
    }
}

fn parse(setting: &'static str, text: &str) -> Result<Option<SocketAddr>, Error> {
    let wrong = |reason| Error::Misconfigured { setting, value: text.to_owned(), reason };
    if text.eq_ignore_ascii_case("off") {
        return Ok(None);
    }
    // Rust parses `+80` as a number, but it is not a port.
    let port = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?;
    let address = match text.rsplit_once(':') {
        None => port(text).map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port))),
        // Not resolved by DNS, since a resolver could return any address.
        Some((host, after)) if host.eq_ignore_ascii_case("localhost") => {
            port(after).map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
        }
        Some(_) => text.parse().ok(),
    };
    let address = address.ok_or_else(|| wrong(NOT_AN_ADDRESS))?;
    if address.ip().is_loopback() { Ok(Some(address)) } else { Err(wrong(NOT_LOOPBACK)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn environment_wins_over_the_code_and_bad_values_are_refused() {
        let default = ([127, 0, 0, 1], 7000).into();
        let check = |environment: Option<&str>, code: &str, expect: &str| {
            let code = Some(code).filter(|code| !code.is_empty());
            let actual = match listen_address(environment.map(OsStr::new), code, default) {
                Ok(Some(address)) => address.to_string(),
                Ok(None) => "off".to_owned(),
                Err(error) => error.to_string().split(';').next().unwrap_or_default().to_owned(),
            };
            assert_eq!(actual, expect, "{environment:?} {code:?}");
        };
        check(None, "127.0.0.1:8080", "127.0.0.1:8080");
        check(None, "8080", "127.0.0.1:8080");
        check(None, "off", "off");
        check(None, "", "127.0.0.1:7000");
        check(Some("9000"), "", "127.0.0.1:9000");
        check(Some("127.0.0.1:0"), "8080", "127.0.0.1:0");
        check(Some(" 9000 "), "8080", "127.0.0.1:9000");
        check(Some("0"), "8080", "127.0.0.1:0");
        check(Some("localhost:9000"), "8080", "127.0.0.1:9000");
        check(Some("LOCALHOST:9000"), "8080", "127.0.0.1:9000");
        check(Some("127.1.2.3:9000"), "8080", "127.1.2.3:9000");
        check(Some("[::1]:0"), "8080", "[::1]:0");
        check(Some("off"), "8080", "off");
        check(Some("OFF"), "8080", "off");
        check(Some("9000"), "nonsense", "127.0.0.1:9000");
        let wrong = |value: &str| format!("INSIGHT_LISTEN is {value:?}: not an address");
        for value in [
            "808O",
            "65536",
            "-1",
            "+80",
            "127.0.0.1",
            "127.0.0.1:",
            ":8080",
            "localhost",
            "localhost:+80",
            "::1",
            "on",
            "http://127.0.0.1:80",
            "example.com:80",
            "1\n2",
            "99999999999999999999",
        ] {
            check(Some(value), "8080", &wrong(value));
        }
        for value in ["0.0.0.0:8080", "192.168.0.1:0", "[::]:8080", "[::ffff:127.0.0.1]:80"] {
            let expect = format!(
                "INSIGHT_LISTEN is {value:?}: not a loopback address, and insight shows the program to whoever can connect"
            );
            check(Some(value), "8080", &expect);
        }
        check(None, "808O", "listen is \"808O\": not an address");
    }

    #[cfg(unix)]
    #[test]
    fn value_that_is_not_unicode_is_refused() {
        use std::os::unix::ffi::OsStrExt;
        let default = ([127, 0, 0, 1], 7000).into();
        let error = listen_address(Some(OsStr::from_bytes(b"\xff80")), None, default).unwrap_err();
        assert!(error.to_string().starts_with("INSIGHT_LISTEN is \"\u{fffd}80\": not an address"), "{error}");
    }
}
