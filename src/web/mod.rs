//! What this process answers over HTTP.
//!
//! | path | answer |
//! |---|---|
//! | `/` | links, and each cluster in a line |
//! | `/metrics` | the metrics; the path is `--web.telemetry-path` |
//! | `/-/healthy` | 200 while the process lives |
//! | `/-/ready` | 200 once every cluster had its first poll, good or bad; before that 503 |
//! | `/api/v1/plan` | every unit that is not healthy, what the watchdog would do, when, and why not yet |
//! | `/api/v1/audit` | the last lines of the audit log, the newest first |
//! | `/health/{cluster}` | 200 or 503 with the reasons as JSON |
//! | `/health/{cluster}/worker/{worker_id}` | the same for one worker |
//! | `/login?to=PATH` | asks for a user and a password, then leads to that path |
//! | `/api/v1/session` | who asks, and in which role |
//!
//! Nothing here changes anything, and no answer waits for a cluster. [`access`] says who may ask.

pub mod access;
mod audit;
mod body;
mod connection;
mod guests;
mod health;
mod page;
mod plan;
mod routes;
mod server;
mod session;

pub use routes::App;
pub use server::{BindError, Server};
