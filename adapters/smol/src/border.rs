//! Conversions between the facade's types and smol's own.

/// `out`: converts `$facade` to smol's own type. `in`: makes `$facade` of smol's own.
macro_rules! border {
    (out [$($generics:tt)*] $facade:ty => $real:ty, $self:ident => $out:expr) => {
        impl<$($generics)*> $facade {
            /// The smol type inside, for code that asks for one. We do not observe its use from then on.
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
