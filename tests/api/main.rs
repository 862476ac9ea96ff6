//! `/api/v1` of the binary: what it answers, what an administrator can do with it, and that its
//! OpenAPI document and its page of documentation say so.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test may panic"
)]

#[path = "../support/mod.rs"]
mod support;

mod actions;
mod docs;
mod document;
mod lists;
mod live;
mod scene;
