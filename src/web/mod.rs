//! What this process answers over HTTP.
//!
//! | path | answer |
//! |---|---|
//! | `/` | the pages for people; [`page`] has the list |
//! | `/metrics` | the metrics; the path is `--web.telemetry-path` |
//! | `/-/healthy` | 200 while the process lives |
//! | `/-/ready` | 200 once every cluster had its first poll, good or bad; before that 503 |
//! | `/api/v1/...` | what is known as JSON, a stream of what changes, and orders; `api` has the list |
//! | `/health/{cluster}` | 200 or 503 with the reasons as JSON |
//! | `/health/{cluster}/worker/{worker_id}` | the same for one worker |
//! | `/login?to=PATH` | asks for a user and a password, then leads to that path |
//! | `/api/v1/session` | who asks, and in which role |
//!
//! Only `api` changes anything, and only for an administrator; [`access`] says who is one. No answer
//! waits for a cluster but those that say so: the details of one connector, and what an administrator
//! sends.

pub mod access;
pub mod actions;
mod api;
mod body;
mod connection;
mod content;
pub mod details;
pub mod facts;
mod guests;
mod health;
mod page;
mod paths;
mod routes;
mod server;
mod session;

pub use routes::{App, Clients};
pub use server::{BindError, Server};
