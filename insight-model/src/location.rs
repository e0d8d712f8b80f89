use insight_protocol::{LocationId, SourceLine, SourceLocation};

/// A place in the source, with its text if the producer found it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// Its id in the stream.
    pub id: LocationId,
    /// File, line and column.
    pub place: SourceLocation,
    /// The result of the producer's search for the line's text; `None` if it did not search.
    pub source: Option<SourceLine>,
}
