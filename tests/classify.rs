//! Real traces and the classes they belong to.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test may panic"
)]

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

#[test]
fn real_traces_are_told_apart() {
    let traces: Vec<Trace> = serde_saphyr::from_str(include_str!("traces.yaml")).unwrap();
    let classifier = Classifier::default();
    let mut wrong = Vec::new();
    for Trace { class, source, trace } in &traces {
        let told = classifier.diagnose(trace);
        if told.failure_class != *class {
            wrong.push(format!(
                "{class:?} told as {:?} by {:?}: {source}\n{trace}",
                told.failure_class, told.rule
            ));
        }
        let dangerous =
            matches!(class, FailureClass::OffsetLost | FailureClass::Install | FailureClass::Auth);
        let harmless = told.failure_class != FailureClass::Transient;
        assert!(harmless || !dangerous, "never restarted for {class:?}: {source}\n{trace}");
    }
    let right = 100 - 100 * wrong.len() / traces.len();
    println!("{} of {} are wrong:\n{}", wrong.len(), traces.len(), wrong.join("\n"));
    assert!(right >= 95, "{right} % are right");
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
        "java.net.ConnectException: Connection refused: db.example:# @db.example:5432"
    );
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
    assert!(code == Some(1) && told.contains("cannot read the trace from /nowhere"), "{told}");
    for trace in [&b""[..], b"\xff\xfe\x00", &vec![b'x'; 5 << 20]] {
        let (code, told) = classify(&[], trace);
        assert!(code == Some(0) && told.contains("UNKNOWN"), "{told}");
    }
}
