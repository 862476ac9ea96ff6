//! What can be wrong with a worker's answers.

use std::time::Duration;

/// Something wrong with every answer of a worker.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Right, but late.
    Latency(Duration),
    /// Nothing comes, the connection stays.
    Hang,
    /// The connection is closed without an answer.
    Reset,
    /// The body ends before its `Content-Length`.
    HalfAnswer,
    /// Bytes that are not HTTP.
    Garbage,
    /// Jetty's 404 page, as of a worker that starts.
    Starting,
    /// A worker that still reads its topics: an empty list, and a health that says so.
    ReadingTopics,
    /// A status with a text.
    Status(u16, String),
    /// A redirect to this place.
    Redirect(String),
    /// A body of this many bytes.
    Flood(usize),
    /// One byte a second.
    Drip,
    /// 200 with this body as JSON.
    Body(Vec<u8>),
}
