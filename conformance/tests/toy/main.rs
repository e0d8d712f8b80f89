//! The executor and the adapter of docs/write-an-adapter.md, and adapters that are wrong.

#![allow(missing_docs)]

mod adapter;
mod executor;
mod mutants;

const PAGE: &str = include_str!("../../../docs/write-an-adapter.md");

/// The blocks of code of the page that are Rust, each with the blank line between it and the next.
fn code() -> Vec<&'static str> {
    let blocks = PAGE.split("```rust\n").skip(1);
    blocks.map(|block| block.split("```").next().expect("a split has a first part")).collect()
}

#[test]
fn the_page_is_the_code_that_is_tested() {
    let blocks = code();
    let (executor, adapter) = blocks.split_first().expect("the page has code");
    assert_eq!(*executor, include_str!("executor.rs"));
    assert_eq!(adapter.join("\n"), include_str!("adapter.rs"));
}

#[test]
fn the_adapter_is_less_than_a_hundred_lines() {
    assert!(include_str!("adapter.rs").lines().count() < 100);
}
