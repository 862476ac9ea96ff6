//! Who comes in and who may do what: the web configuration, TLS, passwords, certificates, forms.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test may panic"
)]

#[path = "../support/mod.rs"]
mod support;

mod certificates;
mod files;
mod forms;
mod negotiation;
mod passwords;
mod rotation;
mod scene;
mod who;
