//! What can go wrong between this program and a worker.

use std::time::Duration;

/// A call that gave no usable answer: on what, what came back.
#[derive(Debug, thiserror::Error)]
#[error("{method} {url}: {kind}")]
pub struct Error {
    /// The HTTP method.
    pub method: &'static str,
    /// The URL without credentials.
    pub url: String,
    /// What came back.
    pub kind: ErrorKind,
}

/// What came back in place of an answer.
#[derive(Debug, thiserror::Error)]
pub enum ErrorKind {
    /// No connection could be made.
    #[error("no connection: {0}")]
    Connect(String),
    /// The TLS handshake failed.
    #[error("TLS handshake failed: {0}")]
    Tls(String),
    /// No whole answer in time.
    #[error("no answer within {}", humantime::format_duration(*.0))]
    Timeout(Duration),
    /// The connection broke before the answer was whole.
    #[error("the answer broke off: {0}")]
    Broken(String),
    /// The answer is longer than is read.
    #[error("the answer is longer than {0} bytes")]
    TooLarge(usize),
    /// 3xx: never followed.
    #[error("redirect to {0}, which is not followed")]
    Redirect(String),
    /// 401 or 403 from the worker or something before it.
    #[error("{status}: not allowed: {message}")]
    Unauthorized {
        /// The HTTP status.
        status: u16,
        /// The body, shortened.
        message: String,
    },
    /// 404 in HTML: the worker's resources are not there yet.
    #[error("the worker is starting (404 page)")]
    Starting,
    /// 404: no such connector, task or status.
    #[error("not found: {0}")]
    NotFound(String),
    /// 404 or 405 for a path that this version does not have.
    #[error("this worker's version does not have the call")]
    Unsupported,
    /// 409, told apart by its message.
    #[error("409 {0}")]
    Conflict(Conflict, String),
    /// Any other status that is not a success.
    #[error("HTTP {status}: {message}")]
    Status {
        /// The HTTP status.
        status: u16,
        /// The message or body, shortened.
        message: String,
    },
    /// 2xx, but not JSON, or JSON of another shape.
    #[error("not what this call answers: {0}")]
    Shape(String),
    /// A 4.x worker refuses every path that holds this name (Jetty 12, RFC 3986 URIs only).
    #[error("the name {0:?} cannot be written in a path that a worker of 4.0 or later accepts")]
    NotAddressable(String),
}

/// Why a worker says 409.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// A rebalance is pending: "stale configuration".
    StaleConfiguration,
    /// "no known leader URL": a rebalance, or a task that nobody owns.
    NoLeader,
    /// "conflicting operation": not resolved in two hops.
    ConflictingOperation,
    /// A connector of that name is there already.
    AlreadyExists,
    /// Another message.
    Other,
}

impl std::fmt::Display for Conflict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::StaleConfiguration => "rebalance pending",
            Self::NoLeader => "no leader or no owner known",
            Self::ConflictingOperation => "conflicting operation",
            Self::AlreadyExists => "already exists",
            Self::Other => "conflict",
        })
    }
}

impl ErrorKind {
    /// The word for the label `reason`.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Connect(_) => "connect",
            Self::Tls(_) => "tls",
            Self::Timeout(_) => "timeout",
            Self::Broken(_) => "broken",
            Self::TooLarge(_) => "too_large",
            Self::Redirect(_) => "redirect",
            Self::Unauthorized { .. } => "unauthorized",
            Self::Starting => "starting",
            Self::NotFound(_) => "not_found",
            Self::Unsupported => "unsupported",
            Self::Conflict(..) => "conflict",
            Self::Status { .. } => "http_status",
            Self::Shape(_) => "shape",
            Self::NotAddressable(_) => "not_addressable",
        }
    }

    /// The HTTP status that came back, where one did and it is known.
    pub const fn status(&self) -> Option<u16> {
        match self {
            Self::Unauthorized { status, .. } | Self::Status { status, .. } => Some(*status),
            Self::Starting | Self::NotFound(_) => Some(404),
            Self::Conflict(..) => Some(409),
            Self::Connect(_)
            | Self::Tls(_)
            | Self::Timeout(_)
            | Self::Broken(_)
            | Self::TooLarge(_)
            | Self::Redirect(_)
            | Self::Unsupported
            | Self::Shape(_)
            | Self::NotAddressable(_) => None,
        }
    }

    /// Whether nothing that could be read came back.
    pub const fn is_silence(&self) -> bool {
        matches!(self, Self::Connect(_) | Self::Tls(_) | Self::Timeout(_) | Self::Broken(_))
    }

    /// Whether another worker of the same cluster may answer in place of this one.
    pub const fn worth_another_worker(&self) -> bool {
        !matches!(self, Self::NotFound(_) | Self::Unsupported | Self::NotAddressable(_))
    }
}
