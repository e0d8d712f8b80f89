//! Requests over gRPC: HTTP/2 from the crate h2, and handwritten encoding of the few messages of Arrow Flight SQL.

use super::clients::{Answer, Asked, PATIENCE, on_threads};
use crate::process::Result;
use h2::client::SendRequest;
use std::fmt::Write;
use std::io::Cursor;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use ureq::http::Request;

/// One call of Arrow's FlightService.
pub struct Call {
    pub method: &'static str,
    pub argument: Argument,
    pub authorization: &'static str,
    /// Whether it is also part of the load.
    pub load: bool,
}

/// The message of a call, around a command of Flight SQL without fields.
pub enum Argument {
    Empty,
    Ticket(&'static str),
    Descriptor(&'static str),
}

impl Argument {
    fn encoded(&self) -> Vec<u8> {
        // The first field is the name of the type. The second one, the value, is empty.
        let any =
            |command: &str| field(1, format!("type.googleapis.com/arrow.flight.protocol.sql.{command}").as_bytes());
        match self {
            Argument::Empty => Vec::new(),
            Argument::Ticket(command) => field(1, &any(command)),
            // The first field is the type `CMD`.
            Argument::Descriptor(command) => [&[0x08, 0x02], &field(2, &any(command))[..]].concat(),
        }
    }
}

/// A field of bytes in a message of protocol buffers.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let length = u8::try_from(bytes.len()).ok().filter(|length| *length < 0x80).expect("the messages here are short");
    [&[number << 3 | 2, length], bytes].concat()
}

/// Makes each call once.
pub fn ask(calls: &[Call], address: SocketAddr) -> Result<Asked> {
    run(async {
        let mut connection = connect(address).await?;
        let mut asked = Asked::default();
        for call in calls {
            let answer = send(&mut connection, call).await?.to_string();
            asked.answers.push(Answer { question: call.to_string(), answer });
        }
        Ok(asked)
    })
}

/// Makes the calls of the load, again and again.
pub fn load(calls: &[Call], address: SocketAddr, time: Duration, meanwhile: impl FnOnce() -> Result) -> Result<u64> {
    let calls: Vec<&Call> = calls.iter().filter(|call| call.load).collect();
    let deadline = Instant::now() + time;
    let client = |number: usize| {
        run(async {
            let mut connection = connect(address).await?;
            let (mut count, mut of_connection) = (0, 0);
            for call in calls.iter().cycle().skip(number % calls.len()) {
                if Instant::now() > deadline {
                    break;
                }
                let answer = match send(&mut connection, call).await {
                    // HTTP/2 servers close a connection after about a thousand calls that they answered before the whole
                    // request had arrived.
                    Err(_) if of_connection > 0 => {
                        (connection, of_connection) = (connect(address).await?, 0);
                        continue;
                    }
                    answer => answer?,
                };
                if answer.status != "0" {
                    return Err(format!("{call}: {answer}"));
                }
                count += 1;
                of_connection += 1;
            }
            Ok(count)
        })
    };
    on_threads(client, meanwhile)
}

impl std::fmt::Display for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.argument {
            Argument::Empty => f.write_str(self.method),
            Argument::Ticket(command) | Argument::Descriptor(command) => write!(f, "{} {command}", self.method),
        }
    }
}

/// The answer to a call.
struct Reply {
    /// `grpc-status`: `0` is success.
    status: String,
    /// `grpc-message`, and the bytes of all messages.
    words: String,
}

impl std::fmt::Display for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "status {} {}", self.status, self.words)
    }
}

type Connection = SendRequest<Cursor<Vec<u8>>>;

/// Runs a client on this thread.
fn run<T>(client: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| format!("no runtime: {error}"))?.block_on(client)
}

async fn connect(address: SocketAddr) -> Result<Connection> {
    let stream = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
    stream.set_nodelay(true).map_err(|error| error.to_string())?;
    let (sender, connection) =
        h2::client::Builder::new().handshake(stream).await.map_err(|error| format!("HTTP/2: {error}"))?;
    // A broken connection makes the next call fail.
    tokio::spawn(connection);
    Ok(sender)
}

async fn send(connection: &mut Connection, call: &Call) -> Result<Reply> {
    let reply = tokio::time::timeout(PATIENCE, exchange(connection, call)).await;
    match reply {
        Ok(Ok(reply)) => Ok(reply),
        Ok(Err(error)) => Err(format!("{call}: {error}")),
        Err(_) => Err(format!("{call}: no answer in {PATIENCE:?}")),
    }
}

async fn exchange(connection: &mut Connection, call: &Call) -> std::result::Result<Reply, h2::Error> {
    let request = Request::post(format!("http://localhost/arrow.flight.protocol.FlightService/{}", call.method))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("authorization", call.authorization)
        .body(())
        .expect("the parts of each call are valid");
    std::future::poll_fn(|context| connection.poll_ready(context)).await?;
    let (answer, mut body) = connection.send_request(request, false)?;
    let message = call.argument.encoded();
    let length = u32::try_from(message.len()).expect("the messages here are short");
    // The first byte means: not compressed.
    body.send_data(Cursor::new([&[0], &length.to_be_bytes()[..], &message].concat()), true)?;
    let (head, mut body) = answer.await?.into_parts();
    let mut words = String::new();
    while let Some(data) = body.data().await {
        let data = data?;
        body.flow_control().release_capacity(data.len())?;
        let _ = write!(words, "{}", data.escape_ascii());
    }
    // A call that fails at once has only trailers and no head.
    let trailers = body.trailers().await?.unwrap_or(head.headers);
    let text = |name: &str| trailers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    Ok(Reply { status: text("grpc-status"), words: format!("{} {words}", text("grpc-message")) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_is_wrapped_in_any_and_in_the_message_of_its_call() {
        let name = b"type.googleapis.com/arrow.flight.protocol.sql.X";
        let any = [&[0x0a, 47], &name[..]].concat();
        assert_eq!(Argument::Empty.encoded(), b"");
        assert_eq!(Argument::Ticket("X").encoded(), [&[0x0a, 49], &any[..]].concat());
        assert_eq!(Argument::Descriptor("X").encoded(), [&[0x08, 0x02, 0x12, 49], &any[..]].concat());
    }
}
