//! What the tests from outside share.
#![allow(dead_code, reason = "each test program uses a part of it")]
#![allow(missing_docs, unreachable_pub, clippy::disallowed_methods)]

pub mod kafka;
pub mod proxy;
pub mod records;
pub mod scene;
pub mod tls;
pub mod warden;
