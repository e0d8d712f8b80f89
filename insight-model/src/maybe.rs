use insight_protocol::MAX_NUMBER;

/// A number of the protocol, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Maybe(u64);

impl Maybe {
    pub(crate) fn of(number: Option<u64>) -> Maybe {
        Maybe(number.map_or(u64::MAX, |number| number.min(MAX_NUMBER)))
    }

    pub(crate) fn number(self) -> Option<u64> {
        (self.0 != u64::MAX).then_some(self.0)
    }
}
