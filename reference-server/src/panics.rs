/// The facts of a panic that clients get; for [`Builder::panics`](crate::Builder::panics).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Panics {
    /// That a task panicked.
    #[default]
    Off,
    /// Also the message of the panic, which may contain data of the program's users.
    Message,
}

impl Panics {
    /// Whether the messages are recorded.
    pub(crate) fn are_recorded(self) -> bool {
        self == Panics::Message
    }
}
