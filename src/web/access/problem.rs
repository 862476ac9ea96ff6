//! What is wrong with the web configuration, and where.

use serde_saphyr::Spanned;

/// Bad input: which file and line, what is wrong, what is valid. Values are never in it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct AccessError {
    pub(super) place: String,
    pub(super) problem: String,
}

/// What is wrong or odd, on which line of the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) line: u64,
    pub(super) text: String,
}

/// A [`Problem`] with a value of the file, as an error.
pub(super) fn wrong<T, V>(at: &Spanned<V>, text: impl Into<String>) -> Result<T, Problem> {
    Err(Problem { line: line(at), text: text.into() })
}

pub(super) fn line<V>(at: &Spanned<V>) -> u64 {
    at.referenced.line()
}
