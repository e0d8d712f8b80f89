//! consolation

fn main() {}
