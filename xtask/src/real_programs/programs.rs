//! The programs and their requests.

use super::clients::Clients;
use super::grpc::{Argument, Call};
use super::http::{Request, get, get_often};

/// A published program, and the ways to build, start and test it.
///
/// In its texts, `{port}` stands for the port that it listens on, `{files}` for a folder with files to serve, and `{home}` for
/// an empty folder of its own, in which it starts.
pub struct RealProgram {
    pub name: &'static str,
    /// Name and version of the package.
    pub package: (&'static str, &'static str),
    /// The libraries for which it is an example, with the versions in its own Cargo.lock.
    pub shows: &'static str,
    /// `--bin` or `--example`, and the name of the target.
    pub target: (&'static str, &'static str),
    /// Arguments of cargo that choose features.
    pub features: &'static [&'static str],
    /// Entries of its Cargo.lock that present compilers refuse, and their replacements.
    pub moved: &'static [(&'static str, &'static str)],
    /// The only port that it can listen on.
    pub fixed_port: Option<u16>,
    pub arguments: &'static [&'static str],
    pub environment: &'static [(&'static str, &'static str)],
    /// Files that are in `{home}` at its start.
    pub files: &'static [(&'static str, &'static str)],
    pub clients: Clients,
}

/// All programs.
pub static PROGRAMS: [&RealProgram; 7] =
    [&ATUIN_SERVER, &MINISERVE, &DUFS, &FLIGHT_SQL, &RUMQTTD, &TRILLIUM_ASYNC_STD, &TRILLIUM];

/// Synchronizes shell histories.
static ATUIN_SERVER: RealProgram = RealProgram {
    name: "atuin-server",
    package: ("atuin-server", "18.24.4"),
    shows: "axum 0.8, sqlx 0.9 (SQLite), tokio 1.54",
    target: ("--bin", "atuin-server"),
    features: &[],
    moved: &[],
    fixed_port: None,
    arguments: &["start", "--host", "127.0.0.1", "--port", "{port}"],
    environment: &[
        ("ATUIN_CONFIG_DIR", "{home}"),
        ("ATUIN_OPEN_REGISTRATION", "true"),
        ("ATUIN_DB_URI", "sqlite://{home}/atuin.db"),
    ],
    files: &[],
    clients: Clients::Http(&[
        get_often("/"),
        get("/healthz"),
        Request {
            method: "POST",
            headers: &[("content-type", "application/json")],
            body: r#"{"username":"ada","email":"ada@example.com","password":"difference engine"}"#,
            keep: Some(("session", "session")),
            ..get("/register")
        },
        get("/user/ada"),
        get("/user/nobody"),
        Request {
            method: "POST",
            headers: &[("content-type", "application/json")],
            body: r#"{"username":"ada","password":"wrong"}"#,
            ..get("/login")
        },
        Request { headers: SESSION, ..get_often("/api/v0/me") },
        Request {
            method: "POST",
            headers: &[("content-type", "application/json"), ("authorization", "Token {session}")],
            body: r#"[{"id":"01890000-0000-7000-8000-0000000000b0","idx":0,"host":{"id":"01890000-0000-7000-8000-0000000000a0","name":""},"version":"v0","tag":"history","timestamp":1700000000000000000,"data":{"data":"a command","content_encryption_key":"a key"}}]"#,
            ..get("/api/v0/record")
        },
        Request { headers: SESSION, ..get("/api/v0/record") },
        Request {
            headers: SESSION,
            ..get_often("/api/v0/record/next?host=01890000-0000-7000-8000-0000000000a0&tag=history&start=0&count=100")
        },
        // Each request adds a row.
        Request {
            method: "POST",
            headers: &[("content-type", "application/json"), ("authorization", "Token {session}")],
            body: r#"[{"id":"01890000-0000-7000-8001-{n}","idx":0,"host":{"id":"01890000-0000-7000-8000-{n}","name":""},"version":"v0","tag":"load","timestamp":1700000000000000000,"data":{"data":"a command","content_encryption_key":"a key"}}]"#,
            ..get_often("/api/v0/record")
        },
        Request { headers: &[("authorization", "Token none")], ..get("/api/v0/me") },
        get("/nowhere"),
    ]),
};

const SESSION: &[(&str, &str)] = &[("authorization", "Token {session}")];

/// Serves files.
static MINISERVE: RealProgram = RealProgram {
    name: "miniserve",
    package: ("miniserve", "0.35.0"),
    shows: "actix-web 4.13, tokio 1.51",
    target: ("--bin", "miniserve"),
    features: &[],
    moved: &[],
    fixed_port: None,
    arguments: &["--interfaces", "127.0.0.1", "--port", "{port}", "{files}"],
    environment: &[],
    files: &[],
    clients: Clients::Http(&[
        get_often("/"),
        get_often("/small.txt"),
        get_often("/large.txt"),
        get("/folder/deep/page.html"),
        get("/folder/"),
        Request { headers: &[("range", "bytes=10-40")], ..get("/large.txt") },
        Request { method: "HEAD", ..get("/small.txt") },
        Request { method: "DELETE", ..get("/small.txt") },
        get("/nowhere"),
    ]),
};

/// Serves files, and WebDAV.
static DUFS: RealProgram = RealProgram {
    name: "dufs",
    package: ("dufs", "0.47.0"),
    shows: "hyper 1.12, tokio 1.53",
    target: ("--bin", "dufs"),
    features: &[],
    moved: &[],
    fixed_port: None,
    arguments: &[
        "--bind",
        "127.0.0.1",
        "--port",
        "{port}",
        "--allow-search",
        "--allow-archive",
        "--allow-hash",
        "{files}",
    ],
    environment: &[],
    files: &[],
    clients: Clients::Http(&[
        get_often("/"),
        get_often("/small.txt"),
        get_often("/large.txt"),
        get("/folder/deep/page.html"),
        get("/?json"),
        get("/?q=small&json"),
        get("/small.txt?hash"),
        Request { headers: &[("range", "bytes=10-40")], ..get("/large.txt") },
        Request { method: "HEAD", ..get("/small.txt") },
        Request { method: "OPTIONS", ..get("/") },
        Request { method: "PROPFIND", ..get("/folder") },
        Request { method: "PUT", body: "not allowed", ..get("/new.txt") },
        get("/nowhere"),
    ]),
};

/// Arrow's example of a Flight SQL server.
static FLIGHT_SQL: RealProgram = RealProgram {
    name: "flight-sql",
    package: ("arrow-flight", "60.1.0"),
    shows: "tonic 0.14, tokio 1.53",
    target: ("--example", "flight_sql_server"),
    features: &["--features", "flight-sql,tls-ring"],
    moved: &[],
    fixed_port: Some(50051),
    arguments: &[],
    environment: &[],
    files: &[],
    clients: Clients::Grpc(&[
        Call {
            method: "Handshake",
            argument: Argument::Empty,
            authorization: "Basic YWRtaW46cGFzc3dvcmQ=",
            load: true,
        },
        Call { method: "Handshake", argument: Argument::Empty, authorization: "Basic YWRtaW46d3Jvbmc=", load: false },
        Call {
            method: "GetFlightInfo",
            argument: Argument::Descriptor("CommandGetTables"),
            authorization: TOKEN,
            load: true,
        },
        Call {
            method: "GetFlightInfo",
            argument: Argument::Descriptor("CommandGetCatalogs"),
            authorization: TOKEN,
            load: false,
        },
        Call {
            method: "GetFlightInfo",
            argument: Argument::Descriptor("CommandStatementQuery"),
            authorization: TOKEN,
            load: false,
        },
        Call { method: "DoGet", argument: Argument::Ticket("CommandGetSqlInfo"), authorization: TOKEN, load: true },
        Call { method: "DoGet", argument: Argument::Ticket("CommandGetTables"), authorization: TOKEN, load: true },
        Call { method: "DoGet", argument: Argument::Ticket("CommandGetCatalogs"), authorization: TOKEN, load: true },
        Call { method: "DoGet", argument: Argument::Ticket("CommandGetTableTypes"), authorization: TOKEN, load: false },
        Call { method: "ListActions", argument: Argument::Empty, authorization: TOKEN, load: false },
        Call { method: "NoSuchMethod", argument: Argument::Empty, authorization: TOKEN, load: false },
    ]),
};

/// The only token that the example accepts.
const TOKEN: &str = "Bearer uuid_token";

/// A broker for MQTT.
static RUMQTTD: RealProgram = RealProgram {
    name: "rumqttd",
    package: ("rumqttd", "0.20.0"),
    shows: "MQTT, flume 0.11, tokio 1.36",
    target: ("--bin", "rumqttd"),
    features: &[],
    // Newer compilers refuse the lifetimes in metrics 0.22.1.
    moved: &[("metrics", "0.22.4")],
    fixed_port: None,
    arguments: &["--config", "{home}/rumqttd.toml", "--quiet"],
    environment: &[],
    files: &[(
        "rumqttd.toml",
        "id = 0\n\n[router]\nid = 0\nmax_connections = 10010\nmax_outgoing_packet_count = 200\n\
         max_segment_size = 104857600\nmax_segment_count = 10\n\n\
         [v4.1]\nname = \"v4-1\"\nlisten = \"127.0.0.1:{port}\"\nnext_connection_delay_ms = 1\n\n\
         [v4.1.connections]\nconnection_timeout_ms = 60000\nmax_payload_size = 20480\nmax_inflight_count = 100\n\
         dynamic_filters = true\n",
    )],
    clients: Clients::Mqtt,
};

/// trillium's example on async-std. Each request spawns a task, which sleeps for 10 ms.
static TRILLIUM_ASYNC_STD: RealProgram = RealProgram {
    name: "trillium-async-std",
    package: ("trillium-async-std", "0.6.3"),
    shows: "async-std 1.13",
    target: ("--example", "async-std"),
    features: &[],
    moved: &[],
    fixed_port: None,
    arguments: &[],
    environment: &[("HOST", "127.0.0.1"), ("PORT", "{port}")],
    files: &[],
    clients: Clients::Http(&[
        get_often("/"),
        Request { method: "POST", body: "a body", ..get("/any/path") },
        Request { method: "HEAD", ..get("/") },
    ]),
};

/// Serves files on smol's executor.
static TRILLIUM: RealProgram = RealProgram {
    name: "trillium",
    package: ("trillium-cli", "0.12.2"),
    shows: "smol: async-executor 1.14, async-io 2",
    target: ("--bin", "trillium"),
    features: &["--no-default-features", "--features", "serve"],
    moved: &[],
    fixed_port: None,
    arguments: &["serve", "--host", "127.0.0.1", "--port", "{port}", "--directory-listing", "{files}"],
    environment: &[],
    files: &[],
    clients: Clients::Http(&[
        get_often("/small.txt"),
        get_often("/large.txt"),
        get_often("/folder/deep/page.html"),
        get("/"),
        Request { method: "HEAD", ..get("/small.txt") },
        Request { headers: &[("range", "bytes=10-40")], ..get("/large.txt") },
        get("/nowhere"),
    ]),
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_program_has_its_own_name_and_a_load() {
        for (at, program) in PROGRAMS.iter().enumerate() {
            assert!(PROGRAMS[..at].iter().all(|before| before.name != program.name), "{}", program.name);
            let has_load = match &program.clients {
                Clients::Http(requests) => requests.iter().any(|request| request.load),
                Clients::Grpc(calls) => calls.iter().any(|call| call.load),
                Clients::Mqtt => true,
            };
            assert!(has_load, "{}", program.name);
        }
    }
}
