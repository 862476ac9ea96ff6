//! From a stack trace to the class of the failure and the root cause's exception.
//!
//! Connect wraps: the first line of a trace nearly always says only which thread ended. The
//! deepest cause decides, then the ones around it, outward. `Suppressed:` is a side show and is
//! looked at last. The rules are in [`super::failure_rules`].

use super::failure_rules::{RULES, Rule};

/// What a trace comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Diagnosis<'t> {
    /// Such as `TRANSIENT`; `UNKNOWN` where no rule fits.
    pub class: &'static str,
    /// The class name of the root cause, such as `java.net.ConnectException`; at most
    /// [`MAX_EXCEPTION`] bytes; `unknown` where the trace has none.
    pub exception: &'t str,
}

/// The longest exception name that is kept, in bytes.
pub const MAX_EXCEPTION: usize = 120;
/// A trace with more causes than this has them looked at from the deepest; the rest is ignored.
const MAX_CAUSES: usize = 64;

/// Reads a trace; in time linear in its length.
pub fn diagnose(trace: &str) -> Diagnosis<'_> {
    let causes = causes(trace);
    let exception = causes.iter().rev().find_map(|cause| deepest_class(cause)).unwrap_or("unknown");
    let class = causes
        .iter()
        .rev()
        .find_map(|cause| RULES.iter().find(|rule| fits(rule, cause)))
        .map_or("UNKNOWN", |rule| rule.class);
    Diagnosis { class, exception }
}

fn fits(rule: &Rule, cause: &str) -> bool {
    rule.any.iter().any(|needle| cause.contains(needle))
}

/// The first line and each `Caused by:`, outermost first, with the lines of their messages.
fn causes(trace: &str) -> Vec<&str> {
    let mut starts = vec![0];
    let mut at = 0;
    for line in trace.split_inclusive('\n') {
        if line.starts_with("Caused by: ") {
            starts.push(at);
        }
        at += line.len();
    }
    let ends = starts.iter().skip(1).copied().chain([trace.len()]);
    let all: Vec<&str> =
        starts.iter().zip(ends).map(|(from, to)| message(&trace[*from..to])).collect();
    all[all.len().saturating_sub(MAX_CAUSES)..].to_vec()
}

/// A cause without its frames.
fn message(cause: &str) -> &str {
    let end = ["\n\tat ", "\n    at ", "\n\t..."].iter().filter_map(|mark| cause.find(mark)).min();
    let text = &cause[..end.unwrap_or(cause.len())];
    text.strip_prefix("Caused by: ").unwrap_or(text).trim()
}

/// The last class name in `a.B: c.D: message`: some connectors put the cause into the message.
fn deepest_class(cause: &str) -> Option<&str> {
    let mut found = None;
    let mut rest = cause;
    loop {
        let end = rest.find([':', '\n', ' ']).unwrap_or(rest.len());
        let word = &rest[..end];
        if !is_class(word) {
            return found;
        }
        found = Some(word);
        match rest[end..].strip_prefix(": ") {
            Some(next) => rest = next,
            None => return found,
        }
    }
}

fn is_class(word: &str) -> bool {
    let simple = word.rsplit('.').next().unwrap_or(word);
    word.len() <= MAX_EXCEPTION
        && simple.starts_with(|c: char| c.is_ascii_uppercase())
        && (word.contains('.') || word.ends_with("Exception") || word.ends_with("Error"))
        && word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'$'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXIT: &str = "org.apache.kafka.connect.errors.ConnectException: Exiting WorkerSinkTask due to unrecoverable exception.\n\tat a.b(C.java:1)\nCaused by: ";

    #[test]
    fn the_deepest_cause_decides() {
        let table = [
            (
                "TRANSIENT",
                "ConnectException: org.postgresql.util.PSQLException: The connection attempt failed.",
            ),
            (
                "TRANSIENT",
                "ConnectException: com.ibm.db2.jcc.am.DisconnectNonTransientConnectionException: x Connection refused. ERRORCODE=-4499, SQLSTATE=08001",
            ),
            (
                "TRANSIENT",
                "SQLServerException: Transaction (Process ID 175) was deadlocked on lock resources with another process and has been chosen as the deadlock victim",
            ),
            (
                "TRANSIENT",
                "DataException: Failed to serialize Avro data:\n\tat x\nCaused by: org.apache.kafka.common.errors.SerializationException: Error serializing Avro message\n\tat y\nCaused by: java.net.ConnectException: Connection refused",
            ),
            (
                "TRANSIENT",
                "CommitFailedException: Commit cannot be completed. Specified group generation id is not valid.",
            ),
            ("TRANSIENT", "PSQLException: ERROR: replication slot \"dbz\" is active for PID 77"),
            ("UNKNOWN", "IllegalStateException: No current assignment for partition t-0"),
            (
                "AUTH",
                "BigQueryConnectException: Some write threads encountered unrecoverable errors\nCaused by: com.google.BigQueryException: Access Denied: Table a:b.c",
            ),
            (
                "AUTH",
                "GroupAuthorizationException: Not authorized to access group: connect-filestream-sink",
            ),
            (
                "DATA",
                "ConnectException: Bulk request failed: [{\"type\":\"mapper_parsing_exception\"",
            ),
            (
                "DATA",
                "DataException: Converting byte[] to Kafka Connect data failed due to serialization error\nCaused by: org.apache.kafka.common.errors.SerializationException: com.fasterxml.jackson.core.JsonParseException: Unrecognized token",
            ),
            (
                "DATA",
                "RecordTooLargeException: The request included a message larger than the max message size the server will accept.",
            ),
            ("RESOURCE", "java.lang.OutOfMemoryError: Java heap space"),
            (
                "INSTALL",
                "java.lang.NoClassDefFoundError: Could not initialize class io.confluent.connect.jdbc.source.JdbcSourceConnectorConfig",
            ),
            (
                "OFFSET_LOST",
                "ConnectException: The connector is trying to read binlog starting at GTIDs x, but this is no longer available on the server.",
            ),
            (
                "OFFSET_LOST",
                "ConnectException: ResumeToken not found. Cannot create a change stream cursor",
            ),
            (
                "OFFSET_LOST",
                "DebeziumException: Failed to start replication stream at LSN{0/1}\nCaused by: org.postgresql.util.PSQLException: ERROR: replication slot \"dbz\" does not exist",
            ),
            (
                "OFFSET_LOST",
                "DebeziumException: The db history topic or its content is fully or partially missing.",
            ),
        ];
        for (class, cause) in table {
            assert_eq!(
                diagnose(&format!("{EXIT}{cause}\n\tat d.e(F.java:2)")).class,
                class,
                "{cause}"
            );
            assert_eq!(diagnose(cause).class, class, "{cause}");
        }
    }

    #[test]
    fn the_exception_is_the_root_causes() {
        let trace = format!(
            "{EXIT}a.DataException: x\nCaused by: java.net.ConnectException: Connection refused\n\t... 3 more"
        );
        assert_eq!(diagnose(&trace).exception, "java.net.ConnectException");
        assert_eq!(
            diagnose("a.B: org.postgresql.util.PSQLException: no").exception,
            "org.postgresql.util.PSQLException"
        );
        assert_eq!(diagnose("").exception, "unknown");
        assert_eq!(diagnose("\u{0}\u{1}binary").exception, "unknown");
    }

    #[test]
    fn ten_thousand_causes_are_read() {
        let trace = "a.B: x\nCaused by: ".repeat(10_000) + "java.lang.OutOfMemoryError: y";
        assert_eq!(diagnose(&trace).class, "RESOURCE");
    }
}
