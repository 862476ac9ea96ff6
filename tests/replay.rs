//! Recorded nights run through the policy: what it would have done, and what is said of bad files.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test may panic"
)]

mod support;

use std::path::Path;
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

use connect_warden::sim::{SimCluster, SimConfig};
use serde_json::{Value, json};
use support::kafka::get;
use support::records::{BEGAN, answer, audit, failure, line, series, task, unit};
use support::warden::{Warden, eventually};
use tempfile::TempDir;

fn run(files: &[&Path], arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_connect-warden"))
        .arg("replay")
        .args(arguments)
        .args(files)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// What is told of one file with this content.
fn replay(content: &str, arguments: &[&str]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let file = write(&folder, "record", content);
    let (code, out, error) = run(&[&file], &[&["--output=json"], arguments].concat());
    assert_eq!(code, Some(0), "{error}");
    serde_json::from_str(&out).unwrap()
}

fn write(folder: &TempDir, name: &str, content: &str) -> std::path::PathBuf {
    let file = folder.path().join(name);
    std::fs::write(&file, content).unwrap();
    file
}

/// Seconds from the beginning at which a unit would have been restarted.
fn restarts(unit: &Value) -> Vec<u64> {
    let at = |decision: &Value| {
        let at = humantime::parse_rfc3339(decision["at"].as_str().unwrap()).unwrap();
        at.duration_since(UNIX_EPOCH).unwrap().as_secs() - BEGAN
    };
    unit["decisions"].as_array().unwrap().iter().map(at).collect()
}

#[test]
fn an_outage_is_met_with_canaries_whichever_form_its_series_have() {
    let outage = |full: bool, step: u64| {
        let mut all = Vec::new();
        for number in 0..8 {
            let name = format!("c{number}");
            all.extend(task(&name, step, (10, 100), 240, full));
            all.push(failure(&name, "TRANSIENT", step, (10, 100)));
        }
        replay(&answer(&all), &[])
    };
    let told = outage(true, 15);
    let without_files = |mut told: Value| {
        told["files"].take();
        told
    };
    assert_eq!(without_files(told.clone()), without_files(outage(false, 15)));
    let cluster = &told["clusters"][0];
    assert_eq!(cluster["cluster"], "orders");
    let totals = &cluster["totals"];
    assert_eq!((&totals["units_failed"], &totals["attempts"]), (&8.into(), &0.into()), "{totals}");
    let canaries = totals["canaries"].as_u64().unwrap();
    assert!((15..=20).contains(&canaries), "{totals}");
    assert_eq!(totals["restarts"], canaries, "the record ends it for all at once");
    assert_eq!(totals["peak_per_minute"], 1);
    let unit = &cluster["units"][0];
    assert_eq!(unit["failures"][0]["failure_class"], "TRANSIENT");
    assert_eq!(unit["failures"][0]["at"], "2026-11-24T06:10:00Z");
    assert_eq!(unit["failures"][0]["until"], "2026-11-24T07:40:00Z");
    assert_eq!(unit["held"][0]["by"], "breaker");
    assert_eq!(cluster["recorded"]["restarts"], Value::Null, "it does not tell");
    // A sample a minute: the policy polls as often as ever, and what is recovered is forgotten.
    let slow = outage(true, 60);
    assert_eq!(slow["clusters"][0]["units"][0]["phase"], Value::Null, "{slow}");
    assert_eq!(slow["clusters"][0]["totals"]["attempts"], 0);
}

#[test]
fn each_class_has_its_own_night() {
    let night = |class: &str| {
        let mut all = task("a", 15, (10, 600), 600, false);
        all.extend(task("b", 15, (600, 600), 600, false));
        all.push(failure("a", class, 15, (10, 600)));
        replay(&answer(&all), &[])["clusters"][0].clone()
    };
    for (class, attempts, phase) in [
        ("OFFSET_LOST", 0, "given_up"),
        ("INSTALL", 0, "given_up"),
        ("DATA", 1, "given_up"),
        ("AUTH", 2, "given_up"),
        ("UNKNOWN", 4, "parked"),
        ("TRANSIENT", 6, "parked"),
    ] {
        let told = night(class);
        let unit = &told["units"][0];
        assert_eq!(told["totals"]["attempts"], attempts, "{class}");
        assert_eq!(unit["phase"], phase, "{class}: {unit}");
        assert_eq!(told["totals"]["given_up"].as_u64().unwrap(), u64::from(phase == "given_up"));
        let at = restarts(unit);
        assert!(at.first().is_none_or(|at| *at >= 10 * 60 + 30), "{class}: {at:?}");
        for (number, decision) in unit["decisions"].as_array().unwrap().iter().enumerate() {
            if decision["reason"] == "attempt" {
                assert_eq!(decision["attempt"], number + 1);
            } else {
                assert_eq!(
                    (&decision["reason"], &decision["attempt"]),
                    (&"probe".into(), &Value::Null)
                );
            }
            assert_eq!(decision["outcome"], "failed");
        }
    }
    let data = restarts(&night("DATA")["units"][0]);
    assert!(data[0] >= 15 * 60 + 30, "DATA waits five minutes: {data:?}");
}

#[test]
fn without_classes_every_failure_is_its_own_and_that_is_said() {
    let all: Vec<_> = (0..3)
        .flat_map(|number| task(&format!("c{number}"), 15, (10, 20), 60, true))
        .chain((3..40).flat_map(|number| task(&format!("c{number}"), 15, (60, 60), 60, false)))
        .collect();
    let told = replay(&answer(&all), &[]);
    assert!(told["notes"].to_string().contains("every failure is taken for UNKNOWN"), "{told}");
    let cluster = &told["clusters"][0];
    assert_eq!(cluster["units_recorded"], 40);
    assert!(cluster["totals"]["attempts"].as_u64().unwrap() >= 3, "{cluster}");
    assert_eq!(cluster["totals"]["canaries"], 0);
}

#[test]
fn nothing_is_decided_while_nothing_was_recorded_or_kafka_was_gone() {
    let failed = json!({"connector": "a", "task": "0", "worker_id": "w:1", "state": "failed"});
    let states = series("kafka_connect_task_state", &failed, 15, &[(0, 3, 1), (60, 90, 1)]);
    let of_cluster = |metric: &str, from, until| {
        series(metric, &json!({}), 15, &[(0, from, 1), (from, until, 0), (until, 90, 1)])
    };
    let told = replay(&answer(std::slice::from_ref(&states)), &[]);
    let at = restarts(&told["clusters"][0]["units"][0]);
    assert!(!at.is_empty() && !at.iter().any(|at| (180..3600).contains(at)), "{at:?}");
    for metric in ["kafka_connect_up", "kafka_connect_status_fresh"] {
        let told = replay(&answer(&[states.clone(), of_cluster(metric, 0, 80)]), &[]);
        let at = restarts(&told["clusters"][0]["units"][0]);
        assert!(!at.is_empty() && at.iter().all(|at| *at >= 80 * 60), "{metric}: {at:?}");
    }
    // A rebalance holds too, and for a minute after it.
    let moved = json!({"connector": "b", "task": "0", "worker_id": "w:1", "state": "unassigned"});
    let moved = series("kafka_connect_task_state", &moved, 15, &[(0, 8, 1)]);
    let told = replay(&answer(&[states, moved]), &[]);
    let at = restarts(&told["clusters"][0]["units"][0]);
    assert!(at.iter().all(|at| *at >= 3600), "it was unassigned until there was nothing: {at:?}");
    assert_eq!(told["clusters"][0]["units"][0]["held"][0]["by"], "rebalance");
}

#[test]
fn answers_in_parts_and_promtools_form_are_taken_and_counted_restarts_are_compared() {
    let folder = tempfile::tempdir().unwrap();
    let states = write(&folder, "states.json", &answer(&task("a", 15, (10, 40), 60, true)));
    let classes = json!([failure("a", "TRANSIENT", 15, (10, 40))]).to_string();
    let classes = write(&folder, "classes.json", &classes);
    let labels = json!({"connector": "a", "scope": "task", "failure_class": "TRANSIENT"});
    let metric = "connect_warden_restart_attempts_total";
    let counted = series(metric, &labels, 15, &[(0, 12, 0), (12, 14, 1), (14, 20, 3), (20, 60, 1)]);
    let counted = write(&folder, "counted.json", &answer(&[counted]));
    let (code, out, error) = run(&[&states, &classes, &counted], &["--output=json"]);
    assert_eq!(code, Some(0), "{error}");
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(told["clusters"][0]["units"][0]["failures"][0]["failure_class"], "TRANSIENT");
    assert_eq!(told["clusters"][0]["recorded"]["restarts"], 4, "one that counts anew counts");
}

#[test]
fn a_connector_that_is_deleted_is_not_tried_and_one_that_comes_back_is_not_forgotten() {
    let failed = |name: &str, spans: &[(u64, u64, u8)]| {
        let labels = json!({"connector": name, "task": "0", "worker_id": "w:1", "state": "failed"});
        series("kafka_connect_task_state", &labels, 15, spans)
    };
    let class = |name: &str| failure(name, "DATA", 15, (0, 300));
    let told = replay(
        &answer(&[
            failed("back", &[(0, 30, 1), (32, 300, 1)]),
            failed("deleted", &[(0, 4, 1)]),
            failed("stays", &[(0, 300, 1)]),
            class("back"),
            class("deleted"),
            class("stays"),
        ]),
        &[],
    );
    let units = told["clusters"][0]["units"].as_array().unwrap();
    let of = |name: &str| units.iter().find(|unit| unit["connector"] == name).unwrap();
    assert_eq!(restarts(of("deleted")).len(), 0);
    assert_eq!(of("deleted")["phase"], Value::Null);
    assert!(restarts(of("back")).len() <= 2, "{}", of("back"));
    assert_eq!(of("back")["failures"].as_array().unwrap().len(), 2);
}

#[test]
fn an_audit_log_tells_what_was_and_what_was_done() {
    let class = ",\"failure_class\":\"TRANSIENT\",\"signature\":\"refused @db:5432\"";
    let log = [
        audit("01:00:00.000", "failed", class),
        audit("01:00:31.500", "decided", &format!("{class},\"dry_run\":false,\"unheard_of\":[1]")),
        audit("01:00:31.600", "sent", ",\"answer\":\"accepted\",\"http_status\":204"),
        audit("01:01:40.000", "outcome", &format!("{class},\"outcome\":\"failed\"")),
        "{\"at\":\"2026-11-24T01:02:00Z\",\"cluster\":\"orders\",\"event\":\"hold_began\",\"why\":\"not_fresh\"}\n".to_owned(),
        "{\"at\":\"2026-11-24T01:10:00Z\",\"cluster\":\"orders\",\"event\":\"hold_ended\",\"why\":\"not_fresh\"}\n".to_owned(),
        audit("01:11:00.000", "sent", ",\"answer\":\"accepted\""),
        audit("01:11:30.000", "some_new_event", ""),
        audit("01:13:15.000", "outcome", ",\"outcome\":\"recovered\""),
        audit("01:26:15.000", "cleared", ",\"why\":\"stable_health\""),
    ]
    .concat();
    let told = replay(&log, &[]);
    assert_eq!(told["format"], "audit");
    let cluster = &told["clusters"][0];
    let unit = &cluster["units"][0];
    assert_eq!(unit["failures"].as_array().unwrap().len(), 1, "{unit}");
    assert_eq!(unit["failures"][0]["until"], "2026-11-24T01:11:00Z", "since the one that helped");
    assert_eq!(unit["failures"][0]["signature"], "refused @db:5432");
    assert_eq!(unit["recorded_restarts"], json!(["2026-11-24T01:00:31Z", "2026-11-24T01:11:00Z"]));
    assert_eq!(
        (&cluster["recorded"]["restarts"], &cluster["recorded"]["ended"]),
        (&2.into(), &1.into())
    );
    let decided = unit["decisions"].as_array().unwrap();
    assert!(!decided.is_empty());
    for decision in decided {
        let at = decision["at"].as_str().unwrap();
        assert!(!("2026-11-24T01:02:00Z".."2026-11-24T01:10:00Z").contains(&at), "{unit}");
    }
    assert_eq!(unit["phase"], Value::Null, "it is well in the end: {unit}");
    // The same as dry-run wrote it: nothing was sent, and somebody else ended it.
    let log = [
        audit("01:00:00.000", "failed", class),
        audit("01:00:31.500", "decided", &format!("{class},\"dry_run\":true")),
        audit("01:30:00.000", "foreign", class),
        audit("02:00:00.000", "failed", class),
        audit("02:10:00.000", "cleared", ",\"why\":\"deleted\""),
    ];
    let told = replay(&log.concat(), &["--units=50"]);
    let cluster = &told["clusters"][0];
    let recorded = &cluster["recorded"];
    assert_eq!((&recorded["restarts"], &recorded["restarts_only_said"]), (&0.into(), &1.into()));
    assert_eq!(cluster["units"][0]["failures"][0]["until"], "2026-11-24T01:30:00Z");
    assert_eq!(cluster["units"][0]["failures"][1]["until"], "2026-11-24T02:10:00Z");
}

/// What may have been done is a restart; `not_known` is how older logs say it.
#[test]
fn the_answer_says_whether_there_was_a_restart() {
    let class = ",\"failure_class\":\"TRANSIENT\",\"signature\":\"refused @db:5432\"";
    for (answer, restarts) in [
        ("accepted", 1),
        ("timed_out", 1),
        ("server_error", 1),
        ("not_known", 1),
        ("rebalance", 0),
        ("no_rights", 0),
        ("not_sent", 0),
        ("not_addressable", 0),
    ] {
        let log = [
            audit("01:00:00.000", "failed", class),
            audit("01:00:31.600", "sent", &format!(",\"answer\":\"{answer}\"")),
            audit("01:20:00.000", "held", class),
        ];
        let told = replay(&log.concat(), &[]);
        assert_eq!(told["clusters"][0]["recorded"]["restarts"], restarts, "{answer}");
    }
}

#[test]
fn a_journal_tells_what_was_and_what_was_done() {
    let time = |at: u64| json!({"secs": BEGAN + at, "nanos": 0});
    let waits = json!({"BackingOff": {"next": time(100)}});
    let verifies = json!({"Verifying": {"since": time(1000), "moved": true, "running": time(1015), "reason": "Attempt"}});
    let mut journal = [
        line(0, &json!([{"format": 2}])),
        unit(90, true, &[], &waits),
        unit(105, true, &[105], &waits),
        line(110, &json!([{"connector": {"cluster": "orders", "connector": "a", "now": {}}}])),
        unit(1000, true, &[105, 1000], &waits),
        unit(1020, false, &[105, 1000], &verifies),
        line(2000, &json!([{"forget": {"cluster": "orders", "id": ["a", 3]}}])),
    ]
    .concat();
    // It is being written.
    journal.push_str("0badc0de 17955");
    let told = replay(&journal, &[]);
    assert_eq!(told["format"], "journal");
    let cluster = &told["clusters"][0];
    assert_eq!(cluster["recorded"]["restarts"], 2);
    let unit = &cluster["units"][0];
    assert_eq!((&unit["connector"], &unit["task"]), (&"a".into(), &3.into()));
    assert_eq!(unit["failures"][0]["at"], "2026-11-24T06:01:00Z");
    assert_eq!(unit["failures"][0]["until"], "2026-11-24T06:16:55Z");
    assert_eq!(cluster["totals"]["attempts"], 2, "{cluster}");
}

#[test]
fn a_users_configuration_decides_and_the_table_reads() {
    let folder = tempfile::tempdir().unwrap();
    let mut all = task("a", 15, (10, 120), 120, false);
    all.push(failure("a", "TRANSIENT", 15, (10, 120)));
    let record = write(&folder, "record", &answer(&all));
    let config = write(
        &folder,
        "warden.yaml",
        "clusters: [{name: a, urls: ['http://127.0.0.1:1']}]\nwatchdog: {mode: 'off', grace: 30m}\n",
    );
    let config = format!("--config.file={}", config.display());
    let told = |arguments: &[&str]| {
        let (code, out, error) = run(&[&record], arguments);
        assert_eq!(code, Some(0), "{error}");
        out
    };
    let with: Value = serde_json::from_str(&told(&["--output=json", &config])).unwrap();
    let at = restarts(&with["clusters"][0]["units"][0]);
    assert!(at[0] >= 40 * 60, "its grace is half an hour: {at:?}");
    let notes = with["notes"].to_string();
    assert!(notes.contains("the file says mode: off; it is tried as if it said on"), "{notes}");
    // It fails at 06:10, and the window that holds it is open until 06:30.
    let window = "windows: [{name: n, cron: '0 6 * * *', for: 30m}], hold_during: [n]";
    let silence =
        "silences: [{from: 2026-11-24T05:00:00Z, until: 2026-11-24T06:40:00Z, reason: r}]";
    for (held, by, minute) in [(window, "window", 30), (silence, "silence", 40)] {
        let text = "clusters: [{name: a, urls: ['http://127.0.0.1:1']}]\nwatchdog:";
        let config = write(&folder, "held.yaml", &format!("{text} {{{held}}}\n"));
        let config = format!("--config.file={}", config.display());
        let held: Value = serde_json::from_str(&told(&["--output=json", &config])).unwrap();
        let unit = &held["clusters"][0]["units"][0];
        assert_eq!(restarts(unit)[0] / 60, minute, "{unit}");
        assert_eq!(unit["held"][0]["by"], by, "{unit}");
    }
    let table = told(&[]);
    for text in [
        "note: what was recorded does not react",
        "cluster orders, 2026-11-24T06:00:00Z to 2026-11-24T07:59:45Z, 1 units recorded",
        "  a task 0; in the end ",
        "2026-11-24T06:10:00Z  FAILED to the end, TRANSIENT",
        "would restart (task), attempt 1 of 6; then failed",
        "as recorded: restarts are not recorded; FAILED 1 times, of which 0 ended",
    ] {
        assert!(table.contains(text), "{text:?} is not in\n{table}");
    }
    assert_eq!(told(&["--seed=3"]), told(&["--seed=3"]));
}

#[test]
fn an_audit_log_is_taken_as_the_api_gives_it_and_with_its_last_line_cut_off() {
    let lines = [
        audit("06:00:00", "failed", ",\"failure_class\":\"TRANSIENT\",\"signature\":\"x\""),
        audit("06:30:00", "outcome", ",\"outcome\":\"recovered\""),
    ];
    let whole = replay(&lines.concat(), &[]);
    let parsed: Vec<Value> =
        lines.iter().rev().map(|line| serde_json::from_str(line).unwrap()).collect();
    let api = replay(&format!("{:#}\n", json!({"lines": parsed})), &[]);
    assert_eq!(api["clusters"], whole["clusters"]);
    let cut = replay(&format!("{}{}", lines.concat(), &lines[0][..40]), &[]);
    assert_eq!(cut["clusters"], whole["clusters"]);
    assert!(cut["notes"].to_string().contains("the last line is cut off"), "{}", cut["notes"]);
}

#[test]
fn a_bad_record_is_told_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let ok = audit("01:00:00Z", "failed", "").replace("00ZZ", "00Z");
    let matrix = |series: &str| {
        format!(
            "{{\"status\":\"success\",\"data\":{{\"resultType\":\"matrix\",\"result\":[{series}]}}}}"
        )
    };
    let state = |labels: &str, values: &str| {
        matrix(&format!(
            "{{\"metric\":{{\"__name__\":\"kafka_connect_task_state\"{labels}}},\"values\":{values}}}"
        ))
    };
    let labels = ",\"connector\":\"a\",\"task\":\"0\",\"state\":\"failed\"";
    let first = line(0, &json!([{"format": 2}]));
    let table = [
        ("", String::new(), "begins neither as a journal"),
        ("", "hello\n".to_owned(), "say which it is with --format"),
        ("", "{\"at\": 5}\n".to_owned(), "line 1: column"),
        ("", format!("{ok}{{\"at\":\n"), "line 2: column"),
        ("", format!("{ok}{}", ok.replace("2026", "26")), "line 2: at: \"26-11-24"),
        ("", format!("{ok}\u{0}\n"), "line 2: column 1"),
        ("--format=audit", "x".repeat((1 << 20) + 2), "line 1: is over"),
        ("", "{\"at\":\"2026-11-24T01:00:00Z\",\"event\":\"held\"}".to_owned(), "none tells of a"),
        ("--format=journal", ok.clone(), "line 1: is not a record of a journal"),
        (
            "",
            format!("{first}{}", first.replace("format", "farmot")),
            "line 2: has a wrong checksum",
        ),
        ("", line(0, &json!([{"format": 9}])), "line 1: has format 9"),
        (
            "",
            format!("{:08x} {{}}\n", crc32fast::hash(b"{}")),
            "line 1: has format 1, which says no",
        ),
        ("", first.clone(), "tells of no unit"),
        ("--format=prometheus", ok.clone(), "$.data: is missing"),
        ("", "{\"status\":\"success\",".to_owned(), "line 1, column"),
        (
            "",
            "{\"status\":\"error\",\"errorType\":\"bad_data\",\"error\":\"parse error\"}"
                .to_owned(),
            "$.status: Prometheus answered with an error: parse error",
        ),
        ("", "{\"status\":\"success\"}".to_owned(), "$.data: is missing"),
        ("", matrix("").replace("matrix", "vector"), "$.data.resultType: is \"vector\""),
        ("", matrix(""), "there is no series of kafka_connect_task_state"),
        ("", state(",\"task\":\"0\"", "[]"), "$.data.result[0].metric: has no label \"connector\""),
        ("", state(&labels.replace('0', "x"), "[]"), "$.data.result[0].metric.task: \"x\""),
        ("", state(labels, "[[1,\"1\"],[2,\"7\"]]"), "$.data.result[0].values[1]: 7 is neither"),
        ("", state(labels, "[[2,\"1\"],[1,\"1\"]]"), "values[1]: is not later"),
        ("", state(labels, "[[-1,\"1\"]]"), "values[0]: -1 is not a time"),
        ("", state(labels, "[[1,\"one\"]]"), "\"one\" is no number"),
        ("", state(labels, "[[1,\"0\"]]"), "that is ever 1"),
        (
            "",
            state(&format!("{labels},\"failure_class\":\"MAYBE\""), "[]")
                .replace("_state", "_failure"),
            "metric.failure_class: unknown variant `MAYBE`",
        ),
    ];
    for (format, content, said) in table {
        let file = write(&folder, "record", &content);
        let arguments: Vec<_> = Some(format).filter(|f| !f.is_empty()).into_iter().collect();
        let (code, out, error) = run(&[&file], &arguments);
        assert_eq!((code, out.as_str()), (Some(64), ""), "{said}: {error}");
        assert!(error.contains(said), "{error:?} does not say {said:?}");
        assert!(error.contains(&file.display().to_string()), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
    let (code, _, error) = run(&[Path::new("/nowhere/record")], &[]);
    assert_eq!(code, Some(64));
    assert!(error.contains("/nowhere/record"), "{error}");
    let (one, other) = (write(&folder, "one", &ok), write(&folder, "other", &matrix("")));
    let (code, _, error) = run(&[&one, &other], &[]);
    assert_eq!(code, Some(64));
    assert!(error.contains("is of another format"), "{error}");
}

/// What the program exports is what it reads: its own metrics, as Prometheus would have kept them.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_exported_can_be_replayed() {
    let cluster =
        SimCluster::start(SimConfig { workers: 1, ..SimConfig::default() }).await.unwrap();
    cluster.create("a b", &[("tasks.max", "2")]);
    cluster.create("c", &[("tasks.max", "1")]);
    let trace = "a.B: x\nCaused by: java.lang.OutOfMemoryError: Java heap space";
    let url = cluster.urls()[0].clone();
    let warden =
        Warden::start([format!("--connect.url={url}"), "--poll.interval=100ms".to_owned()]);
    let metrics = |state: &str| {
        let wanted =
            format!("task=\"1\",worker_id=\"{}\",state=\"{state}\"}} 1", cluster.worker_id(0));
        eventually(&format!("it is {state}"), Duration::from_secs(10), || {
            let (_, text) = get(warden.port, "/metrics", Duration::from_secs(5))?;
            text.contains(&wanted).then_some(text)
        })
    };
    let before = metrics("running");
    cluster.fail_task("a b", 1, trace, true);
    let after = metrics("failed");
    let label = regex::Regex::new(r#"(\w+)="([^"]*)""#).unwrap();
    let mut all = Vec::new();
    for (from, until, text) in [(0, 10, &before), (10, 120, &after)] {
        for line in text.lines().filter(|line| line.starts_with("kafka_connect_")) {
            let (metric, rest) = line.split_once('{').unwrap();
            let (labels, value) = rest.rsplit_once("} ").unwrap();
            let Ok(value) = value.parse() else { continue };
            let labels = label.captures_iter(labels);
            let labels = labels.map(|found| (found[1].to_owned(), found[2].into()));
            let labels = Value::Object(labels.collect());
            all.push(series(metric, &labels, 15, &[(from, until, value)]));
        }
    }
    let told = replay(&answer(&all), &[]);
    let default = told["clusters"].as_array().unwrap().iter().find(|c| c["cluster"] == "default");
    let default = default.unwrap();
    assert_eq!(default["units_recorded"], 5);
    let units = default["units"].as_array().unwrap();
    assert_eq!(units.len(), 1, "{default}");
    assert_eq!((&units[0]["connector"], &units[0]["task"]), (&"a b".into(), &1.into()));
    assert_eq!(units[0]["failures"][0]["failure_class"], "RESOURCE");
    assert_eq!(units[0]["failures"][0]["at"], "2026-11-24T06:10:00Z");
    assert_eq!((restarts(&units[0]).len(), &units[0]["phase"]), (2, &"given_up".into()));
}
