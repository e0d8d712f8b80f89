//! The way to tokio's own types, and back.

/// `out`: lets `$facade` give up tokio's own. `in`: makes it of tokio's own.
macro_rules! border {
    (out [$($generics:tt)*] $facade:ty => $real:ty, $self:ident => $out:expr) => {
        impl<$($generics)*> $facade {
            /// tokio's own, for what asks for one: what it is used for from then on is not seen.
            pub fn into_inner($self) -> $real {
                $out
            }
        }

        border!(from [$($generics)*] $facade => $real, facade => facade.into_inner());
    };
    (in [$($generics:tt)*] $real:ty => $facade:ty, $inner:ident => $in:expr) => {
        border!(from [$($generics)*] $real => $facade, $inner => $in);
    };
    // Where `into_inner` is a method of tokio's with another meaning.
    (from [$($generics:tt)*] $from:ty => $to:ty, $value:ident => $change:expr) => {
        impl<$($generics)*> From<$from> for $to {
            #[track_caller]
            fn from($value: $from) -> $to {
                $change
            }
        }
    };
}

pub(crate) use border;
