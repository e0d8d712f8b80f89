//! Reads a stream of the insight protocol for every tool: the lines, their bounds, and the outcome.
//!
//! ```
//! use insight_reader::{Ending, Outcome, Reader, Refusal};
//!
//! let read = |bytes: &[u8]| {
//!     let (mut reader, mut lines) = (Reader::default(), 0);
//!     reader.push(bytes, |_| -> Result<(), Refusal> { Ok(lines += 1) })?;
//!     reader.end(&Ending::End).map(|outcome| (lines, outcome))
//! };
//! let heartbeat = "{\"seq\":1,\"type\":\"stream.heartbeat\",\"at_ns\":5}\n";
//! assert_eq!(read(heartbeat.as_bytes()), Ok((1, Outcome::Complete)));
//! assert_eq!(read(heartbeat[..20].as_bytes()), Err(Refusal::NoLine));
//! let cut = format!("{heartbeat}{{\"seq\":2");
//! assert_eq!(read(cut.as_bytes()), Ok((1, Outcome::Cut { line: 2, why: None })));
//! assert!(matches!(read(b"%PDF\n"), Err(Refusal::NotAStream { .. })));
//! ```
//!
//! All tools use [`Reader`], so they give the same answer for the same bytes: an [`Outcome`], or a [`Refusal`] if the bytes
//! are not a stream. With the feature `source`, `Source` opens files, compressed files and connections. Text of a stream goes
//! to a screen or a file only through [`visible`] or [`json`].
//!
//! Limits bound the memory that a stream can take: [`LINE_LIMIT`] for a line, [`Bounds`] for facts and names, and a multiple of
//! its size for the text of a compressed file.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod bounds;
mod lines;
mod outcome;
mod reader;
#[cfg(feature = "source")]
mod source;
mod status;
mod text;

pub use bounds::{Bounds, NAME_LIMIT, NAMES_LIMIT, PROBLEMS_LIMIT, THINGS_LIMIT};
pub use insight_model::is_hidden;
pub use lines::{LINE_LIMIT, Line, Lines};
pub use outcome::{Ending, Outcome, Refusal};
pub use reader::Reader;
#[cfg(feature = "source")]
pub use source::{DEFAULT_PORT, Opened, Source, open_file, why, words_of_refusal};
pub use status::exit_status;
pub use text::{JsonWriter, json, visible};
