//! The formats of a report.

mod json;
#[cfg(feature = "cli")]
mod junit;
mod text;

pub use json::Json;
#[cfg(feature = "cli")]
pub use junit::Junit;
pub use text::Text;
#[cfg(feature = "adapter")]
pub(crate) use text::context_text;
