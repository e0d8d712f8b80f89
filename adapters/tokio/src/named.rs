//! What the program can give a name.

/// Lets `insight_probe::name` take `$type`, of which `$resource` is what insight sees.
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
