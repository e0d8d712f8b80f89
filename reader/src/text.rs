use insight_model::is_hidden;
use std::borrow::Cow;
use std::fmt::Write;
use std::io;

/// A text of the stream for people: each hidden character appears as `\u{1b}`.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut visible = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_hidden(character) {
            visible.extend(character.escape_unicode());
        } else {
            visible.push(character);
        }
    }
    Cow::Owned(visible)
}

/// JSON text with each hidden character escaped as `\u001b`, which has the same meaning. JSON allows such characters only in
/// strings. White space between tokens is not changed.
pub fn json(text: &str) -> Cow<'_, str> {
    let escaped = |character: char| is_hidden(character) && !matches!(character, '\n' | '\r' | '\t');
    if !text.contains(escaped) {
        return Cow::Borrowed(text);
    }
    let mut json = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if escaped(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _ = write!(json, "\\u{unit:04x}");
            }
        } else {
            json.push(character);
        }
    }
    Cow::Owned(json)
}

/// Writes JSON like [`json`]. Each write must have whole characters, as the writes of serde_json have.
#[derive(Debug)]
pub struct JsonWriter<W>(pub W);

impl<W: io::Write> io::Write for JsonWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = std::str::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        self.0.write_all(json(text).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One character of each kind: C0, DEL, C1, soft hyphen, bidirectional, zero width, mark, tag.
    const HIDDEN: &str = "\x1b\x7f\u{9b}\u{ad}\u{202e}\u{2066}\u{200b}\u{feff}\u{e0041}";

    #[test]
    fn hidden_characters_are_shown_and_others_stay() {
        assert_eq!(visible("naïve 名前 ❤\u{fe0f}"), "naïve 名前 ❤\u{fe0f}");
        assert_eq!(
            visible(&format!("a{HIDDEN}b")),
            r"a\u{1b}\u{7f}\u{9b}\u{ad}\u{202e}\u{2066}\u{200b}\u{feff}\u{e0041}b"
        );
    }

    #[test]
    fn json_keeps_its_meaning_without_hidden_characters() {
        let text = format!("naïve \"{HIDDEN}\" \\ 名前\t");
        let by_serde = serde_json::to_string_pretty(&[&text]).unwrap();
        let ours = json(&by_serde);
        assert!(!ours.replace('\n', "").contains(is_hidden), "{ours}");
        assert_eq!(serde_json::from_str::<[String; 1]>(&ours).unwrap()[0], text);
        let mut written = JsonWriter(Vec::new());
        serde_json::to_writer_pretty(&mut written, &[&text]).unwrap();
        assert_eq!(written.0, ours.as_bytes());
    }
}
