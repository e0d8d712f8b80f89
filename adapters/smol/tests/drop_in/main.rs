//! Programs use the facade as they use smol.

extern crate insight_smol as smol;

mod api;
mod auto_traits;
