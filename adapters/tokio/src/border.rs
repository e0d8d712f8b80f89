//! Conversions between the facade's types and tokio's own.

/// `out`: converts `$facade` to tokio's own type. `in`: makes `$facade` of tokio's own.
macro_rules! border {
    (out [$($generics:tt)*] $facade:ty => $real:ty, $self:ident => $out:expr) => {
        impl<$($generics)*> $facade {
            /// The tokio type inside, for code that asks for one. We do not observe its use from then on.
            pub fn into_inner($self) -> $real {
                $out
            }
        }

        border!(from [$($generics)*] $facade => $real, facade => facade.into_inner());
    };
    (in [$($generics:tt)*] $real:ty => $facade:ty, $inner:ident => $in:expr) => {
        border!(from [$($generics)*] $real => $facade, $inner => $in);
    };
    // tokio has a method `into_inner` with another meaning.
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
