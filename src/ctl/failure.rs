//! What ends a verb other than well, in words: what was tried, on what, what came back, what to do.

use url::Url;

use crate::connect::error::{Conflict, Error, ErrorKind};
use crate::watchdog::audit::redact;

/// Bad usage (`EX_USAGE`).
pub(super) const USAGE: u8 = 64;

/// Why a verb did not do what it was told.
#[derive(Debug)]
pub(super) struct Failure {
    /// The exit code.
    pub(super) code: u8,
    /// What is told; empty where all was told already.
    pub(super) text: String,
    /// What came back from a worker.
    pub(super) kind: Option<ErrorKind>,
}

impl Failure {
    /// Bad input: nothing was done.
    pub(super) fn usage(text: impl Into<String>) -> Self {
        Self { code: USAGE, text: text.into(), kind: None }
    }

    /// It was tried, and did not work.
    pub(super) fn failed(text: impl Into<String>) -> Self {
        Self { code: 1, text: text.into(), kind: None }
    }

    /// It differs, or part of it failed, and that was told.
    pub(super) fn told() -> Self {
        Self::failed("")
    }

    pub(super) fn is_not_found(&self) -> bool {
        matches!(self.kind, Some(ErrorKind::NotFound(_)))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let advice = advice(&error.kind, error.method != "GET");
        let text = format!("{error}{advice}");
        Self { code: 1, text: redact(&text).into_owned(), kind: Some(error.kind) }
    }
}

impl From<crate::config::ConfigError> for Failure {
    fn from(error: crate::config::ConfigError) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        // A reader that had enough, such as `head`, is no failure to tell of.
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Self::told();
        }
        Self::failed(format!("cannot write the answer: {error}"))
    }
}

/// What to do about it, as the end of a sentence.
fn advice(kind: &ErrorKind, changes: bool) -> &'static str {
    match kind {
        ErrorKind::Connect(_) => "; is the worker up, and are host and port those of its REST API?",
        ErrorKind::Tls(_) => {
            "; see tls: of the context, or whether the worker speaks HTTPS on this port at all"
        }
        ErrorKind::Timeout(_) if changes => {
            "; the worker may still do it: look at `ctl status` before it is tried again"
        }
        ErrorKind::Timeout(_) => "; a longer --timeout waits longer",
        ErrorKind::Redirect(_) => {
            "; a proxy or a login page stands there: give the URL of a worker itself"
        }
        ErrorKind::Unauthorized { .. } => {
            "; give credentials: a context with basic_auth or bearer_token, or http://USER:PASSWORD@HOST:PORT"
        }
        ErrorKind::Conflict(Conflict::AlreadyExists, _) => {
            "; `ctl apply` changes one that is there already"
        }
        ErrorKind::Conflict(..) => {
            "; a rebalance is under way as a rule: try again in some seconds"
        }
        ErrorKind::Broken(_)
        | ErrorKind::TooLarge(_)
        | ErrorKind::Starting
        | ErrorKind::NotFound(_)
        | ErrorKind::Unsupported
        | ErrorKind::Status { .. }
        | ErrorKind::Shape(_)
        | ErrorKind::NotAddressable(_) => "",
    }
}

/// What the first call to a place says of it: whether it is Kafka Connect at all.
pub(super) fn at_first(error: Error) -> Failure {
    let url = error.url.clone();
    let what = match &error.kind {
        ErrorKind::Starting => "the worker is starting, or this is no Kafka Connect (404 page)",
        ErrorKind::Shape(what) if what == "an HTML page" => {
            "this is no Kafka Connect: an HTML page came back, such as a login page's"
        }
        ErrorKind::Shape(_) => "this is no Kafka Connect: what came back has no version",
        ErrorKind::NotFound(_) | ErrorKind::Unsupported => {
            "this is no Kafka Connect, or its path is missing in the URL: 404 came back"
        }
        ErrorKind::Broken(_) => "this is no Kafka Connect, or the connection was cut",
        ErrorKind::Connect(_)
        | ErrorKind::Tls(_)
        | ErrorKind::Timeout(_)
        | ErrorKind::TooLarge(_)
        | ErrorKind::Redirect(_)
        | ErrorKind::Unauthorized { .. }
        | ErrorKind::Conflict(..)
        | ErrorKind::Status { .. }
        | ErrorKind::NotAddressable(_) => return error.into(),
    };
    let mut failure = Failure::failed(format!("GET {url}: {what}; give the URL of a worker"));
    failure.kind = Some(error.kind);
    failure
}

/// Something that not every version has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Since {
    /// What it is, as a person says it.
    pub(super) what: &'static str,
    /// The first version that has it.
    pub(super) version: (u32, u32),
    /// Where Kafka decided it.
    pub(super) kip: &'static str,
}

impl Since {
    /// The words for a worker that lacks it.
    pub(super) fn lacks(self, at: &Url, version: &str) -> Failure {
        let Self { what, version: (major, minor), kip } = self;
        let mut failure = Failure::failed(format!(
            "{at} runs Kafka Connect {version}, which cannot {what}; {major}.{minor} and later can ({kip})"
        ));
        failure.kind = Some(ErrorKind::Unsupported);
        failure
    }
}

const fn since(what: &'static str, version: (u32, u32), kip: &'static str) -> Since {
    Since { what, version, kip }
}

pub(super) const STOP: Since = since("stop connectors", (3, 5), "KIP-875");
pub(super) const OFFSETS: Since = since("tell offsets", (3, 5), "KIP-875");
pub(super) const CHANGE_OFFSETS: Since = since("change offsets", (3, 6), "KIP-875");
pub(super) const TOPICS: Since = since("tell a connector's topics", (2, 5), "KIP-558");
pub(super) const LOGGERS: Since = since("tell or change log levels", (2, 4), "KIP-495");
pub(super) const ALL_LOGGERS: Since =
    since("change a log level on every worker at once", (3, 7), "KIP-976");
pub(super) const PLUGIN_CONFIG: Since =
    since("tell what a plugin can be configured with", (3, 2), "KIP-769");
pub(super) const ALL_PLUGINS: Since =
    since("list plugins that are no connectors", (3, 2), "KIP-769");
