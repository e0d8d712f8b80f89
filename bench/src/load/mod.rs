//! The rows of a whole program on tokio: many tasks, many spawns, requests.

pub mod client;
pub mod http;
pub mod parked;
pub mod spawns;
