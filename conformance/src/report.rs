//! The forms of a report.

mod json;
mod junit;
mod text;

pub use json::Json;
pub use junit::Junit;
pub use text::Text;
