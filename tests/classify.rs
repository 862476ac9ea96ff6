//! Real traces and the classes they belong to.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use std::io::Write as _;
use std::process::{Command, Stdio};

use connect_warden::config::FailureClass;
use connect_warden::observe::Classifier;

#[derive(serde::Deserialize)]
struct Trace {
    class: FailureClass,
    source: String,
    trace: String,
}

/// Those told as another class than a person would, and why they stay so.
const TOLERATED: [(&str, &str); 5] = [
    ("Remote host terminated the handshake", "a refused certificate looks the same"),
    ("cannot be cast to class com.google.api", "two loaders of one plugin look the same"),
    ("Sftp directory for 'input.path'", "it may come yet"),
    ("Duplicate key 1_7_1088159216.dbf", "the words are a table's"),
    ("Internal EE Error", "the connector itself calls it worth a retry"),
];

fn traces() -> Vec<Trace> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/traces");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let read = |file: &std::path::PathBuf| -> Vec<Trace> {
        serde_saphyr::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
    };
    files.iter().flat_map(read).collect()
}

const fn never_restarted(class: FailureClass) -> bool {
    matches!(class, FailureClass::OffsetLost | FailureClass::Install | FailureClass::Auth)
}

#[test]
fn real_traces_are_told_apart() {
    let (traces, classifier) = (traces(), Classifier::default());
    let mut wrong = Vec::new();
    for Trace { class, source, trace } in &traces {
        let told = classifier.diagnose(trace);
        let harmful = told.failure_class == FailureClass::Transient && never_restarted(*class);
        let tolerated = !harmful && TOLERATED.iter().any(|(text, _)| trace.contains(text));
        if told.failure_class != *class && !tolerated {
            wrong.push(format!(
                "{class:?} told as {:?} by {:?}: {source}\n{trace}",
                told.failure_class, told.rule
            ));
        }
    }
    assert!(traces.len() >= 400, "{} traces", traces.len());
    assert!(TOLERATED.len() * 100 <= traces.len() * 3, "97 % are right");
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// A trace as it is passed on: in one line, escaped, behind a log's prefix, with DOS line ends.
#[test]
fn a_trace_is_told_alike_however_it_was_passed_on() {
    let classifier = Classifier::default();
    let mut differ = Vec::new();
    for Trace { source, trace, .. } in &traces() {
        let told = classifier.diagnose(trace).failure_class;
        let trace = trace.trim_end();
        for passed_on in [
            trace.replace('\n', "\\n").replace('\t', "\\t"),
            trace.replace('\n', " ").replace('\t', ""),
            trace.replace('\n', "\r\n"),
            format!("connect | {}", trace.replace('\n', "\nconnect | ")),
        ] {
            let again = classifier.diagnose(&passed_on);
            if again.failure_class != told {
                differ.push(format!(
                    "{source}: {told:?}, then {:?} by {}\n{passed_on}",
                    again.failure_class, again.rule
                ));
            }
        }
    }
    assert!(differ.is_empty(), "{} differ:\n{}", differ.len(), differ.join("\n"));
}

/// What varies from one connector to the next: names, topics, positions, times.
fn vary(trace: &str, of: usize) -> String {
    let names = ["orders", "eu_invoices-2", "CRM.Customers"];
    trace
        .replace("{name}", names[of % 3])
        .replace("{number}", &(of * 7919 + 3).to_string())
        .replace("{time}", &format!("2026-03-{:02} 11:{:02}:07", of % 28 + 1, of % 60))
}

#[test]
fn one_failure_has_one_signature_and_two_dependencies_have_two() {
    let classifier = Classifier::default();
    let told = |trace: &str| {
        let told = classifier.diagnose(trace);
        (told.signature, told.host)
    };
    for (trace, host) in [
        (
            "o.E: Exiting\nCaused by: org.postgresql.util.PSQLException: Connection to {host}:5432 refused. Check that the hostname and port are correct",
            ":5432",
        ),
        (
            "o.E: connector {name} task {number}\nCaused by: java.net.UnknownHostException: {host}: Name or service not known",
            "",
        ),
        (
            "o.E: Topic {name}-{number} at {time}\nCaused by: com.mongodb.MongoTimeoutException: Timed out after {number} ms while waiting to connect. Client view of cluster state is {type=UNKNOWN, servers=[{address={host}:27017, type=UNKNOWN}]",
            ":27017",
        ),
        (
            "o.E: Batch of {number} for table {name} failed\nCaused by: java.sql.SQLRecoverableException: IO Error: The Network Adapter could not establish the connection (HOST={host})(PORT=1521)",
            ":1521",
        ),
        (
            "com.microsoft.sqlserver.jdbc.SQLServerException: The TCP/IP connection to the host {host}, port 1433 has failed. Error: {time}",
            ":1433",
        ),
        (
            "o.E: Failed for topic {name} partition {number}\nCaused by: java.net.ConnectException: Failed to connect to {host}/10.0.0.7:8081",
            ":8081",
        ),
        (
            "o.E: x\nCaused by: org.elasticsearch.client.ResponseException: method [POST], host [https://{host}:9200], URI [/{name}/_bulk?timeout={number}ms], status line [HTTP/1.1 503 Service Unavailable]",
            ":9200",
        ),
        (
            "com.ibm.msg.client.jms.X: JMSWMQ0018: Failed to connect to queue manager '{name}' with connection mode 'Client' and host name '{host}(1414)'.",
            ":1414",
        ),
        (
            "o.E: Table {name} row {number}\nCaused by: com.mysql.cj.X: Communications link failure to jdbc:mysql://u{number}:pw@{host}:3306/{name}",
            ":3306",
        ),
        (
            "o.E: Error\nCaused by: com.mongodb.MongoSocketReadException: Prematurely reached end of stream on server {host}:27017 cursor {number}",
            ":27017",
        ),
    ] {
        let of = |at: usize, on: &str| told(&vary(trace, at).replace("{host}", on));
        let first = of(0, "db-1.eu.example");
        assert_eq!(first.1.as_deref(), Some(&*format!("db-1.eu.example{host}")), "{trace}");
        for at in 0..200 {
            assert_eq!(of(at, "db-1.eu.example"), first, "{trace}");
        }
        assert_ne!(of(0, "db-2.eu.example").0, first.0, "{trace}");
        assert_ne!(of(0, "other").0, first.0, "{trace}");
        let shown = format!("{} {}", first.0, first.1.unwrap());
        assert!(!shown.contains("pw") && !shown.contains("orders"), "{shown}");
    }
    for trace in [
        "org.apache.kafka.common.errors.TimeoutException: Topic {name} not present in metadata after {number} ms.",
        "org.apache.kafka.common.errors.TopicAuthorizationException: Not authorized to access topics: [{name}, b{number}]",
        "org.apache.kafka.common.errors.GroupAuthorizationException: Not authorized to access group: connect-{name}",
        "org.postgresql.util.PSQLException: ERROR: relation \"{name}\" does not exist\n  Position: {number}",
        "o.E: java.sql.BatchUpdateException: Batch entry {number} INSERT INTO \"{name}\" VALUES ('{time}',{number}) was aborted: ERROR: duplicate key value violates unique constraint \"{name}_pk\"",
        "io.debezium.DebeziumException: The connector is trying to read binlog starting at binlog file '{name}.{number}', pos={number}, but this is no longer available on the server.",
        "org.apache.kafka.connect.errors.DataException: Failed to deserialize data for topic {name} to Avro: \nCaused by: org.apache.kafka.common.errors.SerializationException: Error retrieving Avro value schema for id {number}\nCaused by: x.RestClientException: Schema {number} not found; error code: 40403",
        "com.example.Odd: record at /data/{name}/{number}.json of table {name} went {time}",
        "org.apache.kafka.common.errors.TimeoutException: Expiring {number} record(s) for {name}-{number}:120004 ms has passed since batch creation",
        "com.google.cloud.bigquery.BigQueryException: Not found: Table p:{name}.t{number}",
    ] {
        let first = told(&vary(trace, 0));
        for at in 0..200 {
            assert_eq!(told(&vary(trace, at)), first, "{trace}");
        }
        assert_eq!(first.1, None, "{trace}");
    }
}

/// Whatever becomes of a trace on its way, it comes to something, and to something bounded.
#[test]
fn no_input_is_too_odd() {
    let (traces, classifier) = (traces(), Classifier::default());
    let mut random = fastrand::Rng::with_seed(5);
    for _ in 0..3_000 {
        let mut bytes = traces[random.usize(..traces.len())].trace.clone().into_bytes();
        for _ in 0..random.usize(1..12) {
            let at = random.usize(..bytes.len().max(1)).min(bytes.len());
            match random.u8(..5) {
                0 => bytes.truncate(at),
                1 => bytes.insert(at, random.u8(..)),
                2 => bytes.extend_from_within(at..),
                3 => {
                    let other = &traces[random.usize(..traces.len())].trace;
                    bytes.splice(at..at, other.bytes());
                }
                _ => bytes.splice(at..at, "é\u{0}: Caused by: \\n\tat ".bytes()).for_each(drop),
            }
        }
        bytes.truncate(200_000);
        let trace = String::from_utf8_lossy(&bytes);
        let told = classifier.diagnose(&trace);
        assert!(told.signature.len() < 600 && told.exception.len() <= 120, "{trace}");
        assert!(!told.advice.is_empty());
        assert_eq!(told, classifier.diagnose(&trace));
    }
}

fn classify(arguments: &[&str], trace: &[u8]) -> (Option<i32>, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_connect-warden"))
        .arg("classify")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may refuse its arguments before it has read everything.
    let _ = child.stdin.take().unwrap().write_all(trace);
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
}

/// What `curl .../connectors/NAME/status` gives.
#[test]
fn a_status_is_read_for_the_traces_in_it() {
    let status = br#"{"name":"a","connector":{"state":"RUNNING","worker_id":"w:1"},"tasks":[
        {"id":0,"state":"RUNNING","worker_id":"w:1"},
        {"id":1,"state":"FAILED","worker_id":"w:1","trace":"a.B: x\n\tat c.d(E.java:1)\nCaused by: java.net.ConnectException: Connection refused (Connection refused)"},
        {"id":2,"state":"FAILED","worker_id":"w:1","trace":"org.x.SerializationException: Unknown magic byte!"}
    ],"type":"sink"}"#;
    let (code, told) = classify(&["--output=json"], status);
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(code, Some(0));
    let all: Vec<_> =
        told.as_array().unwrap().iter().map(|t| (&t["of"], &t["signature"])).collect();
    assert_eq!(all[0].0, "task 1");
    assert_eq!(all[0].1, "java.net.ConnectException: Connection refused");
    assert_eq!(all[1].1, "org.x.SerializationException: Unknown magic byte!");
    let (_, table) = classify(&[], status);
    assert!(table.contains("task 2\nfailure_class  DATA\n"), "{table}");
    let well = br#"{"name":"a","connector":{"state":"RUNNING"},"tasks":[]}"#;
    let (code, told) = classify(&[], well);
    assert!(code == Some(64) && told.contains("nothing in it is FAILED"), "{told}");
    // What only begins so is a trace like any other.
    assert_eq!(classify(&[], b"{\"error\": \"Connection refused\"}").0, Some(0));
}

#[test]
fn the_command_reads_a_file_or_standard_input() {
    let trace =
        b"a.B: x\nCaused by: java.net.ConnectException: Connection refused: db.example:5432";
    let (code, told) = classify(&["--output=json"], trace);
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!(code, Some(0));
    assert_eq!(told["failure_class"], "TRANSIENT");
    assert_eq!(told["exception"], "java.net.ConnectException");
    assert_eq!(
        told["signature"],
        "java.net.ConnectException: Connection refused: # @db.example:5432"
    );
    assert_eq!(told["host"], "db.example:5432");
    assert_eq!(told["rule"], "network");
    assert!(told["advice"].as_str().unwrap().contains("cannot be reached"));

    let folder = tempfile::tempdir().unwrap();
    let (file, rules) = (folder.path().join("trace"), folder.path().join("warden.yaml"));
    std::fs::write(&file, trace).unwrap();
    std::fs::write(
        &rules,
        "failure_rules: [{name: mine, class: RESOURCE, any: [connection refused]}]\n",
    )
    .unwrap();
    let with_rules = format!("--config.file={}", rules.display());
    let (code, told) = classify(&[&file.display().to_string(), &with_rules], b"");
    assert!(code == Some(0) && told.contains("failure_class  RESOURCE\n"), "{told}");

    std::fs::write(&rules, "failure_rules: [{name: mine, class: MAYBE, any: [x]}]\n").unwrap();
    let (code, told) = classify(&[&with_rules], b"");
    assert!(code == Some(64) && told.contains("OFFSET_LOST"), "{told}");
    std::fs::write(&rules, "failure_rules: [{name: mine, class: DATA}]\n").unwrap();
    let (code, told) = classify(&[&with_rules], b"");
    assert!(code == Some(64) && told.contains("mine") && told.contains("fits nothing"), "{told}");
    let (code, told) = classify(&["/nowhere"], b"");
    assert!(code == Some(64) && told.contains("cannot read the trace from /nowhere"), "{told}");
    std::fs::write(&rules, "failure_rules:\n- name: a\n  class: DATA\n  any: [x]\n- name: mine\n  class: DATA\n  any: ['*']\n").unwrap();
    let (code, told) = classify(&[&with_rules], b"x");
    assert!(
        code == Some(64)
            && told.contains("warden.yaml: line 5: failure_rules[mine].any: \"*\" fits everything"),
        "{told}"
    );
    std::fs::write(&rules, "failure_rules: [{name: mine, class: DATA, any: [x]}]\n").unwrap();
    assert!(classify(&[&with_rules], b"x").1.contains("advice         the rule has none"));
    let (code, told) = classify(&[&folder.path().display().to_string()], b"");
    assert!(code == Some(64) && told.contains("cannot read the trace"), "{told}");
    let (_, told) = classify(&[], b" \n");
    assert!(told.contains("UNKNOWN") && told.contains("The trace is empty."), "{told}");
    for trace in [&b""[..], b"\xff\xfe\x00", &vec![b'x'; 5 << 20]] {
        let (code, told) = classify(&[], trace);
        assert!(code == Some(0) && told.contains("UNKNOWN"), "{told}");
    }
}
