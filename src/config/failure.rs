//! What failures are told apart by.

use std::collections::BTreeMap;

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

/// What a rule's word weighs against that of a rule that fits another cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strength {
    /// Before all others, wherever it stands: what rules of a user are.
    First,
    /// Nothing around it can say better.
    Firm,
    /// What rules are that are compiled in. A plain TRANSIENT gives way to an AUTH or INSTALL
    /// around it.
    Plain,
    /// What a name merely suggests: for want of better in all causes.
    Weak,
}

/// Whose error numbers are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum System {
    /// And MariaDB.
    Mysql,
    /// Microsoft's.
    Sqlserver,
    /// MongoDB.
    Mongodb,
    /// IBM's.
    Db2,
    /// ClickHouse.
    Clickhouse,
    /// Snowflake.
    Snowflake,
    /// The Schema Registry.
    Registry,
}

/// Error numbers, and whose they are.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    untagged,
    expecting = "codes are a list of numbers, or one for each system: mysql, sqlserver, mongodb, db2, clickhouse, snowflake, registry"
)]
pub enum ErrorCodes {
    /// Whoever's they are.
    Any(Vec<u32>),
    /// Only beside a sign of the system.
    Of(BTreeMap<System, Vec<u32>>),
}

impl Default for ErrorCodes {
    fn default() -> Self {
        Self::Any(Vec::new())
    }
}

impl ErrorCodes {
    /// Each number, and whose it must be.
    pub fn all(&self) -> Vec<(u32, Option<System>)> {
        match self {
            Self::Any(codes) => codes.iter().map(|code| (*code, None)).collect(),
            Self::Of(systems) => systems
                .iter()
                .flat_map(|(system, codes)| codes.iter().map(|code| (*code, Some(*system))))
                .collect(),
        }
    }
}

/// A class and what tells it; one sign is enough. Rules that are compiled in are written so, too.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailureRule {
    /// For the log and for `classify`.
    pub name: String,
    /// The class of the failure.
    pub class: FailureClass,
    /// How much its word weighs; a user's `first`, one that is compiled in `plain`.
    #[serde(default)]
    pub strength: Option<Strength>,
    /// Phrases, without regard to case; `*` stands for anything within a line.
    #[serde(default)]
    pub any: Vec<String>,
    /// Beginnings of an SQLSTATE.
    #[serde(default)]
    pub sqlstate: Vec<String>,
    /// Beginnings of an HTTP status.
    #[serde(default)]
    pub http: Vec<String>,
    /// Names of a gRPC status.
    #[serde(default)]
    pub grpc: Vec<String>,
    /// Error numbers of databases and services.
    #[serde(default)]
    pub codes: ErrorCodes,
    /// What a person should look at next.
    #[serde(default)]
    pub advice: String,
    /// Where it stands, such as `warden.yaml: line 3: failure_rules[mine]`.
    #[serde(skip)]
    pub place: String,
}
