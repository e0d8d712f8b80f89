//! Facts that the layer takes from spans: the binding's own, spans in the form of tokio's, and tokio's beside the facade.

mod binding;
mod common;
mod spans_by_hand;
#[cfg(tokio_unstable)]
mod with_the_facade;
