//! Requests in MQTT 3.1.1, and the few kinds of answers of a broker.

use super::clients::{Answer, Asked, PATIENCE, on_threads};
use crate::process::Result;
use std::io::{BufReader, Error, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// The first bytes of the packets that a client sends.
const CONNECT: u8 = 0x10;
const PUBLISH: u8 = 0x30;
/// A publish that the broker acknowledges.
const PUBLISH_AT_LEAST_ONCE: u8 = 0x32;
const SUBSCRIBE: u8 = 0x82;
const UNSUBSCRIBE: u8 = 0xa2;
const PING: u8 = 0xc0;
/// Both sides send this packet.
const PUBACK: u8 = 0x40;

/// Causes each kind of answer once. An answer is a packet as text.
pub fn ask(address: SocketAddr) -> Result<Asked> {
    conversation(address).map_err(|error| format!("MQTT: {error}"))
}

fn conversation(address: SocketAddr) -> std::io::Result<Asked> {
    let mut asked = Asked::default();
    let mut note = |question: &str, packet: Packet| {
        asked.answers.push(Answer { question: question.to_owned(), answer: packet.to_string() });
    };
    let mut first = Client::connect(address, "first")?;
    note("connect", first.read()?);
    first.send(SUBSCRIBE, &[&[0, 1], &text("news/+")[..], &[1], &text("other"), &[0]].concat())?;
    note("subscribe to two topics", first.read()?);
    let mut second = Client::connect(address, "second")?;
    note("connect again", second.read()?);
    second.send(PUBLISH, &[&text("news/local")[..], b"all is well"].concat())?;
    note("a message to a subscriber", first.message()?);
    second.send(PUBLISH_AT_LEAST_ONCE, &[&text("news/world"), &[0, 9][..], b"still well"].concat())?;
    note("an acknowledged publish", second.read()?);
    note("an acknowledged message to a subscriber", first.message()?);
    // A retained message is for later subscribers.
    second.send(PUBLISH_AT_LEAST_ONCE | 1, &[&text("kept"), &[0, 10][..], b"for later"].concat())?;
    note("a retained publish", second.read()?);
    let mut third = Client::connect(address, "third")?;
    note("connect a third time", third.read()?);
    third.send(SUBSCRIBE, &[&[0, 2], &text("kept")[..], &[0]].concat())?;
    note("subscribe to a retained topic", third.read()?);
    note("the retained message", third.message()?);
    first.send(UNSUBSCRIBE, &[&[0, 3], &text("news/+")[..]].concat())?;
    note("unsubscribe", first.read()?);
    first.send(PING, &[])?;
    note("ping", first.read()?);
    Ok(asked)
}

/// Each connection publishes to a topic of its own, and waits for its own message and for the acknowledgement.
pub fn load(address: SocketAddr, time: Duration, meanwhile: impl FnOnce() -> Result) -> Result<u64> {
    let deadline = Instant::now() + time;
    let client = |connection: usize| {
        publish(address, connection, deadline).map_err(|error| format!("MQTT connection {connection}: {error}"))
    };
    on_threads(client, meanwhile)
}

fn publish(address: SocketAddr, connection: usize, deadline: Instant) -> std::io::Result<u64> {
    let mut client = Client::connect(address, &format!("load-{connection}"))?;
    client.read()?;
    let topic = text(&format!("load/{connection}"));
    client.send(SUBSCRIBE, &[&[0, 1], &topic[..], &[0]].concat())?;
    client.read()?;
    let mut count = 0;
    while Instant::now() < deadline {
        client.send(PUBLISH_AT_LEAST_ONCE, &[&topic, &[0, 1][..], &[b'x'; 100]].concat())?;
        let kinds = [client.read()?.kind & 0xf0, client.read()?.kind & 0xf0];
        if !kinds.contains(&PUBLISH) || !kinds.contains(&PUBACK) {
            return Err(Error::other(format!("packets of the kinds {kinds:x?} come after a publish")));
        }
        count += 1;
    }
    Ok(count)
}

/// A text, preceded by its length.
fn text(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).expect("topics are short");
    [&length.to_be_bytes(), text.as_bytes()].concat()
}

struct Client {
    stream: BufReader<TcpStream>,
}

/// A received packet.
struct Packet {
    kind: u8,
    payload: Vec<u8>,
}

impl std::fmt::Display for Packet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02x} {}", self.kind, self.payload.escape_ascii())
    }
}

impl Client {
    /// Connects with an ID and a clean session.
    fn connect(address: SocketAddr, id: &str) -> std::io::Result<Client> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut client = Client { stream: BufReader::new(stream) };
        client.send(CONNECT, &[&text("MQTT"), &[4, 2, 0, 60][..], &text(id)].concat())?;
        Ok(client)
    }

    fn send(&mut self, kind: u8, payload: &[u8]) -> std::io::Result<()> {
        let mut packet = vec![kind];
        let mut length = payload.len();
        // Seven bits in each byte, the lowest ones first.
        while length > 0x7f {
            packet.push((length & 0x7f) as u8 | 0x80);
            length >>= 7;
        }
        packet.push(length as u8);
        packet.extend(payload);
        self.stream.get_mut().write_all(&packet)
    }

    /// Reads a message, and acknowledges it if the broker expects this.
    fn message(&mut self) -> std::io::Result<Packet> {
        let packet = self.read()?;
        if packet.kind & 0x06 != 0
            && let Some((length, rest)) = packet.payload.split_first_chunk()
            && let Some(id) = rest.get(usize::from(u16::from_be_bytes(*length))..).and_then(|rest| rest.get(..2))
        {
            self.send(PUBACK, id)?;
        }
        Ok(packet)
    }

    fn read(&mut self) -> std::io::Result<Packet> {
        let kind = self.byte()?;
        let (mut length, mut shift) = (0, 0);
        loop {
            let byte = self.byte()?;
            length |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
            if shift > 21 {
                return Err(Error::other("a packet's length has more than four bytes"));
            }
        }
        let mut payload = vec![0; length];
        self.stream.read_exact(&mut payload)?;
        Ok(Packet { kind, payload })
    }

    fn byte(&mut self) -> std::io::Result<u8> {
        let mut byte = [0];
        self.stream.read_exact(&mut byte)?;
        Ok(byte[0])
    }
}
