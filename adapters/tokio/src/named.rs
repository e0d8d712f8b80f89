//! Types that a program can name.

/// Lets `insight_probe::name` take `$type`, whose resource is `$resource`.
macro_rules! named {
    ([$($generics:tt)*] $type:ty, $self:ident => $resource:expr) => {
        impl<$($generics)*> insight_probe::AsResource for $type {
            fn cell(&$self) -> Option<&std::sync::Arc<insight_probe::ResourceCell>> {
                insight_probe::AsResource::cell($resource)
            }
        }
    };
}

pub(crate) use named;
