//! The way to async-executor's own types, and back.

/// `out`: lets `$facade` give up async-executor's own. `in`: makes it of async-executor's own.
macro_rules! border {
    (out [$($generics:tt)*] $facade:ty => $real:ty, $self:ident => $out:expr) => {
        impl<$($generics)*> $facade {
            /// async-executor's own, for a crate that wants it. Its uses from then on are not observed.
            pub fn into_inner($self) -> $real {
                $out
            }
        }

        impl<$($generics)*> From<$facade> for $real {
            fn from(facade: $facade) -> $real {
                facade.into_inner()
            }
        }
    };
    (in [$($generics:tt)*] $real:ty => $facade:ty, $inner:ident => $in:expr) => {
        impl<$($generics)*> From<$real> for $facade {
            #[track_caller]
            fn from($inner: $real) -> $facade {
                $in
            }
        }
    };
}

pub(crate) use border;
