//! How much something matters to the person on call.

use serde::Serialize;
use utoipa::ToSchema;

/// How much it matters, the worst last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// All is well, or as somebody wanted it.
    #[default]
    Fine,
    /// Something is wrong, and the watchdog or time is on it.
    Warning,
    /// A person has to do something.
    Critical,
}

impl Severity {
    /// Every word, the worst last.
    pub const WORDS: [&'static str; 3] = ["fine", "warning", "critical"];

    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}
