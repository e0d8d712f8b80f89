//! The part of the Redis protocol that the load needs.

use std::io::{BufRead, BufReader, Error, ErrorKind, Result, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Maximum time until an answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection to a server.
pub struct Client {
    reader: BufReader<TcpStream>,
}

/// An answer of a server.
#[derive(Debug, PartialEq, Eq)]
pub enum Value {
    /// `+OK`
    Simple(String),
    /// `-ERR`
    Error(String),
    /// `:1`
    Integer(i64),
    /// `$5`, and five bytes.
    Bulk(Vec<u8>),
    /// `$-1`
    Null,
    /// `*2`, and two values.
    Array(Vec<Value>),
}

impl Value {
    pub fn simple(text: &str) -> Value {
        Value::Simple(text.to_owned())
    }

    pub fn bulk(text: &str) -> Value {
        Value::Bulk(text.as_bytes().to_owned())
    }
}

impl Client {
    pub fn connect(address: SocketAddr) -> Result<Client> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Client { reader: BufReader::new(stream) })
    }

    /// Sends a command, and reads the answer.
    pub fn ask(&mut self, words: &[&str]) -> Result<Value> {
        self.reader.get_mut().write_all(command(words).as_bytes())?;
        self.read()
    }

    /// Reads the server's next answer.
    pub fn read(&mut self) -> Result<Value> {
        value(&mut self.reader)
    }
}

fn command(words: &[&str]) -> String {
    let mut text = format!("*{}\r\n", words.len());
    words.iter().for_each(|word| text.push_str(&format!("${}\r\n{word}\r\n", word.len())));
    text
}

fn value(reader: &mut impl BufRead) -> Result<Value> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let wrong = || Error::new(ErrorKind::InvalidData, format!("`{}` is not an answer", line.trim_end()));
    let text = line.strip_suffix("\r\n").ok_or_else(wrong)?;
    let rest = text.get(1..).ok_or_else(wrong)?;
    let number = || rest.parse::<i64>().map_err(|_| wrong());
    Ok(match text.as_bytes()[0] {
        b'+' => Value::Simple(rest.to_owned()),
        b'-' => Value::Error(rest.to_owned()),
        b':' => Value::Integer(number()?),
        b'$' if rest == "-1" => Value::Null,
        b'$' => {
            let length = usize::try_from(number()?).map_err(|_| wrong())?;
            let mut bytes = vec![0; length + 2];
            reader.read_exact(&mut bytes)?;
            bytes.truncate(length);
            Value::Bulk(bytes)
        }
        b'*' => Value::Array((0..number()?).map(|_| value(reader)).collect::<Result<_>>()?),
        _ => return Err(wrong()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_is_written_and_answers_are_read() {
        assert_eq!(command(&["get", "a"]), "*2\r\n$3\r\nget\r\n$1\r\na\r\n");
        let check =
            |text: &str, expect: Option<Value>| assert_eq!(value(&mut text.as_bytes()).ok(), expect, "{text:?}");
        check("+OK\r\n", Some(Value::simple("OK")));
        check("-ERR no\r\n", Some(Value::Error("ERR no".to_owned())));
        check(":-7\r\n", Some(Value::Integer(-7)));
        check("$2\r\n\r\n\r\n", Some(Value::bulk("\r\n")));
        check("$-1\r\n", Some(Value::Null));
        check("*2\r\n:1\r\n$1\r\na\r\n", Some(Value::Array(vec![Value::Integer(1), Value::bulk("a")])));
        ["", "\r\n", "+OK", "$9\r\na\r\n", "?\r\n", "*1\r\n"].into_iter().for_each(|text| check(text, None));
    }
}
