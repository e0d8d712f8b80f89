//! Programs that are not well, and programs that look like them and are: what is found, and when.

mod program;

mod locks;
mod rates;
mod recordings;
mod sizes;
mod workers;
