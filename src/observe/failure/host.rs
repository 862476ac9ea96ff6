//! The host that a trace is about.

use std::sync::LazyLock;

use regex::Regex;

#[expect(clippy::unwrap_used, reason = "the patterns are constants, and tested")]
fn pattern(text: &str) -> Regex {
    Regex::new(text).unwrap()
}

/// Where a message says that a host stands, the surest ways first.
static PLACES: LazyLock<[Regex; 4]> = LazyLock::new(|| {
    [
        // A URL, with or without credentials; `jdbc:oracle:thin:@host:1521`.
        pattern(r"(?i)(?:://(?:[^\s/@]*@)?|thin:@(?://)?)([a-z0-9][a-z0-9._-]*(?::[0-9]{2,5})?)\b"),
        // `host db, port 1433`, `(HOST=db)(PORT=1521)`, `host name 'mq(1414)'`.
        pattern(
            r"(?i)\bhost(?:[ _]?name)?[\s=:]+['\x22]?([a-z0-9][a-z0-9._-]*)['\x22]?(?:\W{1,3}(?:port\W{1,2})?([0-9]{2,5})\b)?",
        ),
        pattern(r"(?i)unknownhostexception: (?:failed to resolve )?['\x22]?([a-z0-9][a-z0-9._-]*)"),
        // `host:port`, also `host/10.0.0.1:port`.
        pattern(
            r"(?i)(?:^|[\s=\[('\x22/,@])([a-z0-9][a-z0-9._-]*)(?:/[0-9.]{7,15})?:([0-9]{2,5})(?:[^0-9a-z:.]|[.:]?$|[.:]\s)",
        ),
    ]
});

/// What stands before a `host:port` that has no dot.
static BEFORE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?:\b(?:to|at|from|server|servers|host|address|broker|node|endpoint|refused|failed|reset|with)|thin)\W{1,3}$",
    )
});

/// Ports that tell a host from a position.
const PORTS: [u16; 40] = [
    21, 22, 80, 389, 443, 1414, 1433, 1521, 1522, 2181, 3306, 3307, 5432, 5433, 5439, 5671, 5672,
    6379, 6380, 7687, 8020, 8080, 8081, 8083, 8086, 8088, 8123, 8443, 9000, 9042, 9083, 9092, 9093,
    9094, 9200, 9440, 27017, 30015, 50000, 61616,
];

/// Names that a message refers its reader to.
const READING: [&str; 12] = [
    "docs.",
    "doc.",
    "dev.mysql.com",
    "go.microsoft.com",
    "aka.ms",
    "github.com",
    "debezium.io",
    "help.",
    "support.",
    "www.",
    "kafka.apache.org",
    "cwiki.",
];

/// A host that these name is the worker's own.
const OF_WORKER: [&str; 3] = ["pg_hba.conf", "is not allowed to connect", "is blocked because"];

/// The host, with its port where that is said, in lower case; the deepest cause's that names one.
pub(super) fn host(causes: &[&str]) -> Option<String> {
    causes.iter().rev().find_map(|cause| {
        PLACES.iter().enumerate().find_map(|(place, p)| {
            p.captures_iter(cause).find_map(|found| {
                let name = found.get(1)?;
                let before = &cause[..name.start()];
                let port = found.get(2).map(|port| port.as_str());
                let loose = place == 3;
                if loose && !looks_like_one(name.as_str(), port, before) {
                    return None;
                }
                let name = name.as_str().trim_end_matches(['.', '-', '_']).to_ascii_lowercase();
                let bare = name.split(':').next().unwrap_or_default();
                let reading = READING.iter().any(|reading| bare.starts_with(reading));
                let word = place == 1 && port.is_none() && !bare.contains('.');
                let mine = place == 1 && OF_WORKER.iter().any(|words| cause.contains(words));
                let a_name = bare.contains(|c: char| c.is_ascii_alphabetic()) || is_address(bare);
                (!reading && !word && !mine && a_name).then(|| match port {
                    Some(port) => format!("{name}:{port}"),
                    None => name,
                })
            })
        })
    })
}

/// `Table.java:12`, `12:30` and `offset:42` are no hosts.
fn looks_like_one(name: &str, port: Option<&str>, before: &str) -> bool {
    let ending = name.rsplit('.').next().unwrap_or_default();
    let source = ["java", "scala", "kt", "py", "go", "json", "xml", "sql", "csv"].contains(&ending);
    let dotted = name.contains('.') && ending.bytes().all(|b| b.is_ascii_alphabetic());
    let known = port.and_then(|port| port.parse().ok()).is_some_and(|port| PORTS.contains(&port));
    let tail = &before[before.ceil_char_boundary(before.len().saturating_sub(24))..];
    is_address(name) || !source && (dotted || known || BEFORE.is_match(tail))
}

fn is_address(name: &str) -> bool {
    name.parse::<std::net::Ipv4Addr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_found_in_the_ways_they_are_told() {
        for (text, told) in [
            ("Connection to db.example:5432 refused.", "db.example:5432"),
            ("Connection to DB:5432 refused", "db:5432"),
            ("jdbc:postgresql://u:s3cret@db:5432/x?password=s3cret failed", "db:5432"),
            ("jdbc:oracle:thin:@ora-1:1521/XE", "ora-1:1521"),
            ("The TCP/IP connection to the host sql1, port 1433 has failed.", "sql1:1433"),
            ("(ADDRESS=(PROTOCOL=TCP)(HOST=ora)(PORT=1521))", "ora:1521"),
            ("with connection mode 'Client' and host name 'mq1(1414)'.", "mq1:1414"),
            (
                "java.net.UnknownHostException: kafka.example: Name or service not known",
                "kafka.example",
            ),
            ("Failed to connect to registry/10.0.0.7:8081", "registry:8081"),
            ("servers=[{address=mongo-0:27017, type=UNKNOWN", "mongo-0:27017"),
            ("GET https://api.example.com/v1/x\n401", "api.example.com"),
            ("connect to 10.1.2.3:9200: timed out", "10.1.2.3:9200"),
            ("on server rs0-01.xnbzo.mongodb.net:27017.", "rs0-01.xnbzo.mongodb.net:27017"),
        ] {
            assert_eq!(host(&[text]).as_deref(), Some(told), "{text}");
        }
        for text in [
            "failed at 12:30",
            "(JdbcSinkTask.java:74)",
            "partition orders:42 is gone",
            "offset:1234",
            "ORA-12541: no listener https://docs.oracle.com/error-help/db/ora-12541/",
            "arn:aws:iam::123456789012:role/x",
            "host is down",
            "FATAL: no pg_hba.conf entry for host \"10.1.2.3\", user \"dbz\"",
            "",
        ] {
            assert_eq!(host(&[text]), None, "{text}");
        }
        assert_eq!(host(&["to a:5432", "nothing"]).as_deref(), Some("a:5432"));
    }
}
