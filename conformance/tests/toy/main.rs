//! The executor and the adapter of docs/write-an-adapter.md; adapters that are odd and correct; and broken adapters.

#![allow(missing_docs)]

mod adapter;
mod executor;
mod mutants;
mod odd;
mod outcomes;
mod pool;
mod resources;

const PAGE: &str = include_str!("../../../docs/write-an-adapter.md");

/// The Rust code of the page, by blocks. Each block includes the blank line before the next one.
fn code() -> Vec<&'static str> {
    let blocks = PAGE.split("```rust\n").skip(1);
    blocks.map(|block| block.split("```").next().expect("a split has a first part")).collect()
}

#[test]
fn page_has_the_tested_code() {
    let blocks = code();
    let (executor, adapter) = blocks.split_first().expect("the page has code");
    assert_eq!(*executor, include_str!("executor.rs"));
    assert_eq!(adapter.join("\n"), include_str!("adapter.rs"));
}

#[test]
fn adapter_has_less_than_a_hundred_lines() {
    assert!(include_str!("adapter.rs").lines().count() < 100);
}
