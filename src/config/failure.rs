//! What failures are told apart by.

use serde::{Deserialize, Serialize};

/// What kind of thing went wrong, and so what a restart can do about it.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Deserialize,
    Serialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FailureClass {
    /// Time heals it: the network, a broker, a database that restarts, throttling.
    Transient,
    /// No rule fits.
    #[default]
    Unknown,
    /// Memory, disk, connections or a quota are used up.
    Resource,
    /// A credential or a permission is refused.
    Auth,
    /// The record, or what it is written to, does not fit.
    Data,
    /// The stored offsets point to what is gone: a restart may hide a gap.
    OffsetLost,
    /// The connector, its plugin or the source is not set up right.
    Install,
}

impl FailureClass {
    /// Every class.
    pub const ALL: [Self; 7] = [
        Self::Transient,
        Self::Unknown,
        Self::Resource,
        Self::Auth,
        Self::Data,
        Self::OffsetLost,
        Self::Install,
    ];

    /// The word as it stands in labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transient => "TRANSIENT",
            Self::Unknown => "UNKNOWN",
            Self::Resource => "RESOURCE",
            Self::Auth => "AUTH",
            Self::Data => "DATA",
            Self::OffsetLost => "OFFSET_LOST",
            Self::Install => "INSTALL",
        }
    }
}

/// A class and what tells it; one sign is enough.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailureRule {
    /// For the log and for `classify`.
    pub name: String,
    /// The class of the failure.
    pub class: FailureClass,
    /// Phrases, without regard to case; `*` stands for anything within a line.
    #[serde(default)]
    pub any: Vec<String>,
    /// Beginnings of an SQLSTATE.
    #[serde(default)]
    pub sqlstate: Vec<String>,
    /// Beginnings of an HTTP status.
    #[serde(default)]
    pub http: Vec<String>,
    /// Error numbers of databases and services.
    #[serde(default)]
    pub codes: Vec<u32>,
    /// What a person should look at next.
    #[serde(default)]
    pub advice: String,
}
