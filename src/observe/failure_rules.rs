//! The words by which failures are told apart: first rule that fits wins, within one cause.
//!
//! What a restart can make worse (`OFFSET_LOST`) stands first, what it can heal (`TRANSIENT`)
//! before what a wrapper's name only suggests (`DATA`): a `DataException` can be a refused
//! connection to the Schema Registry.

/// A class and the words that tell it; one of them is enough.
#[derive(Debug)]
pub struct Rule {
    /// The class of the failure.
    pub class: &'static str,
    /// Looked for in the exception's name and message, with regard to case.
    pub any: &'static [&'static str],
}

/// In the order in which they are tried.
pub const RULES: &[Rule] = &[
    Rule {
        class: "OFFSET_LOST",
        any: &[
            "no longer available on the server",
            "Could not find first log file name in binary log",
            "history topic or its content is fully or partially missing",
            "schema history topic is missing",
            "ResumeToken not found",
            "resume token was not found",
            "resume point may no longer be in the oplog",
            "ChangeStreamHistoryLost",
            "requested WAL segment",
            "\" does not exist",
            "OffsetOutOfRangeException",
        ],
    },
    Rule {
        class: "INSTALL",
        any: &[
            "NoClassDefFoundError",
            "ClassNotFoundException",
            "NoSuchMethodError",
            "UnsupportedClassVersionError",
            "ConfigException",
            "Failed to find any class that implements",
        ],
    },
    Rule {
        class: "AUTH",
        any: &[
            "AuthorizationException",
            "SaslAuthenticationException",
            "Access Denied",
            "AccessDenied",
            "Access denied",
            "password authentication failed",
            "ORA-01017",
            "SQLSTATE=28",
            "SQLState: 28",
            "401 Unauthorized",
            "403 Forbidden",
            "error code: 401",
            "error code: 403",
        ],
    },
    Rule {
        class: "RESOURCE",
        any: &[
            "OutOfMemoryError",
            "No space left on device",
            "SQLSTATE=53",
            "too many connections",
        ],
    },
    Rule {
        class: "TRANSIENT",
        any: &[
            "Connection refused",
            "Connection reset",
            "connection attempt failed",
            "Broken pipe",
            "UnknownHostException",
            "NoRouteToHostException",
            "SocketTimeoutException",
            "TimeoutException",
            "timed out",
            "DisconnectException",
            "NotLeaderOrFollowerException",
            "LeaderNotAvailableException",
            "CommitFailedException",
            "UnknownMemberIdException",
            "RebalanceInProgressException",
            "deadlock",
            "Deadlock",
            "Lock wait timeout exceeded",
            "is active for PID",
            "SQLSTATE=08",
            "SQLSTATE=40",
            "SQLSTATE=57P",
            "ORA-03113",
            "ORA-03135",
            "ORA-12541",
            "ORA-12543",
            "SlowDown",
            "Too Many Requests",
            "Service Unavailable",
            "Bad Gateway",
            "UNAVAILABLE",
        ],
    },
    Rule {
        class: "DATA",
        any: &[
            "DataException",
            "SerializationException",
            "JsonParseException",
            "RecordTooLargeException",
            "mapper_parsing_exception",
            "Unknown magic byte",
            "SQLSTATE=22",
            "SQLSTATE=23",
            "SQLSTATE=42",
        ],
    },
];
