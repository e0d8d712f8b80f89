//! The operations of a journal, and their results.

/// Makes the calls from their list.
macro_rules! calls {
    ($($(#[doc = $doc:literal])+ $call:ident,)+) => {
        /// An operation of a journal, whether it can wait or not.
        #[repr(u8)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Call {
            $($(#[doc = $doc])+ $call,)+
        }

        impl Call {
            const ALL: &[Call] = &[$(Call::$call),+];

            pub(crate) fn protocol(self) -> insight_protocol::Call {
                match self {
                    $(Call::$call => insight_protocol::Call::$call,)+
                }
            }
        }
    };
}

calls! {
    /// Sends a message, or sets a watched value.
    Send,
    /// Reserves places for messages.
    Reserve,
    /// Receives a message.
    Recv,
    /// Waits until a channel is closed.
    Closed,
    /// Locks.
    Lock,
    /// Locks to read.
    Read,
    /// Locks to write.
    Write,
    /// Acquires permits.
    Acquire,
    /// Waits to be notified.
    Notified,
    /// Waits until a watched value changes.
    Changed,
    /// Makes a value that is set once, or waits until another task has made it.
    Init,
    /// Waits at a barrier, or for a value that is set once.
    Wait,
    /// Waits for the end of a task.
    Join,
    /// Sleeps.
    Sleep,
    /// Notifies a number of waiting tasks that is not observed.
    Notify,
    /// Notifies one task.
    NotifyOne,
    /// Notifies all waiting tasks.
    NotifyWaiters,
    /// Closes a channel or a semaphore.
    Close,
    /// Adds permits.
    AddPermits,
    /// Removes permits that no task holds.
    ForgetPermits,
    /// Sets a value that is set once.
    Set,
}

impl Call {
    pub(crate) fn from_byte(byte: u8) -> Call {
        Call::ALL[usize::from(byte)]
    }
}

/// The result of an operation.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallOutcome {
    /// It has done its work.
    Succeeded = 1,
    /// It would have had to wait, and must not.
    Unavailable = 2,
    /// The channel or the semaphore is closed.
    Closed = 3,
    /// It has ended with another error.
    Failed = 4,
}

impl CallOutcome {
    pub(crate) fn from_byte(byte: u8) -> Option<CallOutcome> {
        match byte {
            1 => Some(CallOutcome::Succeeded),
            2 => Some(CallOutcome::Unavailable),
            3 => Some(CallOutcome::Closed),
            4 => Some(CallOutcome::Failed),
            _ => None,
        }
    }

    pub(crate) fn protocol(self) -> insight_protocol::OperationOutcome {
        match self {
            CallOutcome::Succeeded => insight_protocol::OperationOutcome::Succeeded,
            CallOutcome::Unavailable => insight_protocol::OperationOutcome::Unavailable,
            CallOutcome::Closed => insight_protocol::OperationOutcome::Closed,
            CallOutcome::Failed => insight_protocol::OperationOutcome::Failed,
        }
    }
}
