//! The rows of a whole program: many tasks, many spawns, requests. On tokio only.

pub mod client;
pub mod http;
pub mod parked;
pub mod spawns;
