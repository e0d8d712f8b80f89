//! The lines of a stream that arrives in pieces.

/// Maximum size of a line, in bytes. A reader should accept lines of at least this size: r[stream.line-limit]
pub const LINE_LIMIT: usize = 16 << 20;

/// Size of the kept start of a longer line, in bytes.
const START_OF_TOO_LONG: usize = 1 << 10;

/// A line without its LF.
#[derive(Clone, Copy, Debug)]
pub enum Line<'b> {
    /// The whole line.
    Whole(&'b [u8]),
    /// A line of more than [`LINE_LIMIT`] bytes: its start, and its size.
    TooLong(&'b [u8], u64),
}

/// Divides a stream into lines.
#[derive(Debug, Default)]
pub struct Lines {
    /// The present line up to now, or its start if it is too long.
    begun: Vec<u8>,
    /// Number of its bytes up to now.
    length: u64,
}

impl Lines {
    /// Takes the next piece, and gives the lines that end in it to `each`.
    pub fn push<E>(&mut self, mut piece: &[u8], mut each: impl FnMut(Line<'_>) -> Result<(), E>) -> Result<(), E> {
        while let Some(end) = piece.iter().position(|byte| *byte == b'\n') {
            let (rest, next) = (&piece[..end], &piece[end + 1..]);
            if self.begun.is_empty() && rest.len() <= LINE_LIMIT {
                each(Line::Whole(rest))?;
            } else {
                self.begin(rest);
                let line = match self.length {
                    length if length > LINE_LIMIT as u64 => Line::TooLong(&self.begun, length),
                    _ => Line::Whole(&self.begun),
                };
                each(line)?;
                self.begun.clear();
                self.length = 0;
            }
            piece = next;
        }
        self.begin(piece);
        Ok(())
    }

    /// Whether a line has begun and not ended.
    pub fn in_line(&self) -> bool {
        self.length > 0
    }

    /// The start of the present line, if it is longer than [`LINE_LIMIT`].
    pub fn too_long(&self) -> Option<&[u8]> {
        (self.length > LINE_LIMIT as u64).then_some(&self.begun)
    }

    fn begin(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        if self.length <= LINE_LIMIT as u64 {
            self.begun.extend_from_slice(bytes);
        } else {
            let missing = START_OF_TOO_LONG.saturating_sub(self.begun.len()).min(bytes.len());
            self.begun.extend_from_slice(&bytes[..missing]);
            self.begun.truncate(START_OF_TOO_LONG);
            self.begun.shrink_to(START_OF_TOO_LONG);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&[u8]]) -> (Vec<String>, bool) {
        let mut lines = Lines::default();
        let mut found = Vec::new();
        for piece in pieces {
            let each = |line: Line<'_>| {
                found.push(match line {
                    Line::Whole(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
                    Line::TooLong(start, bytes) => format!("{} of {bytes}", start.len()),
                });
                Ok::<(), ()>(())
            };
            lines.push(piece, each).unwrap();
        }
        (found, lines.in_line())
    }

    #[test]
    fn pieces_end_anywhere() {
        let whole = b"a\n\nbc\r\nd";
        for first in 0..whole.len() {
            for second in first..whole.len() {
                let pieces = [&whole[..first], &whole[first..second], &whole[second..]];
                assert_eq!(lines(&pieces), (vec!["a".into(), "".into(), "bc\r".into()], true));
            }
        }
        assert_eq!(lines(&[b"a\n"]), (vec!["a".into()], false));
    }

    #[test]
    fn line_has_a_maximum_size() {
        let mut longest = vec![b'x'; LINE_LIMIT];
        longest.push(b'\n');
        assert_eq!(lines(&[&longest]).0[0].len(), LINE_LIMIT);
        let (start, rest) = longest.split_at(5);
        assert_eq!(lines(&[start, rest]).0[0].len(), LINE_LIMIT);
        for pieces in [[b"xx".as_slice(), &longest], [&longest[..LINE_LIMIT], b"xx\n"]] {
            assert_eq!(lines(&pieces), (vec![format!("1024 of {}", LINE_LIMIT + 2)], false));
        }
        assert_eq!(lines(&[b"x", &longest, b"y\n"]).0[1], "y", "the next line begins after its LF");
    }
}
