//! The policy on the model, beside the rules of others.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test may panic"
)]

use std::process::Command;

use serde_json::Value;

fn simulate(arguments: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_connect-warden"))
        .args(["simulate", "--output=json"])
        .args(arguments)
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn mean(of: &Value) -> f64 {
    of["mean"].as_f64().unwrap()
}

fn is_near(found: f64, published: f64, part: f64) {
    assert!((found - published).abs() <= published * part, "{found} for {published}");
}

#[test]
fn the_rules_of_others_come_out_as_published() {
    for (policy, poison, flap, outage) in [
        ("strimzi", 29.0, 143.0, 1310.0),
        ("healer", 2879.0, 143.0, 71216.0),
        ("guardian", 7.0, 143.0, 1200.0),
        ("fixed", 144.0, 143.0, 2470.0),
    ] {
        let policy = format!("--policy={policy}");
        let of = |scenario: &str, runs: &str| {
            simulate(&[&format!("--scenario={scenario}"), &policy, &format!("--runs={runs}")])
        };
        is_near(mean(&of("poison", "1")["restarts"]), poison, 0.1);
        is_near(mean(&of("flap", "1")["restarts"]), flap, 0.1);
        is_near(mean(&of("outage", "10")["wasted_restarts"]), outage, 0.25);
    }
}

#[test]
fn the_policy_does_less_and_is_sooner_done() {
    let runs = |scenario: &str, runs: u64| {
        simulate(&[&format!("--scenario={scenario}"), &format!("--runs={runs}")])
    };
    let of = |scenario: &str| runs(scenario, 20);
    assert!(of("poison")["restarts"]["max"].as_f64().unwrap() <= 20.0);
    assert!(of("flap")["restarts"]["max"].as_f64().unwrap() <= 21.0);
    for told in [of("outage"), of("outage-5"), of("outage-50"), runs("trickle", 10)] {
        assert!(mean(&told["wasted_restarts"]) <= 24.0, "{told}");
        assert!(mean(&told["all_up_minutes"]) <= 5.0, "{told}");
    }
    let short = of("outage-short");
    assert!(mean(&short["wasted_restarts"]) <= 2.0, "{short}");
    assert!(mean(&short["all_up_minutes"]) <= 5.0, "{short}");
}

#[test]
fn a_probe_spares_canaries_and_finds_the_return_sooner() {
    let of = |scenario: &str, seed: &str| {
        let scenario = format!("--scenario={scenario}");
        simulate(&[&scenario, "--probe", "--runs=10", &format!("--seed={seed}")])
    };
    for (scenario, seed) in
        [("outage", "1"), ("outage-50", "1000"), ("outage-5", "5000"), ("trickle", "1")]
    {
        let told = of(scenario, seed);
        assert!(mean(&told["wasted_restarts"]) <= 3.0, "{told}");
        assert!(mean(&told["all_up_minutes"]) <= 3.5, "{told}");
    }
    // What has no address cannot be probed.
    assert_eq!(of("poison", "1"), simulate(&["--scenario=poison", "--runs=10"]));
}

#[test]
fn a_probe_that_is_answered_by_something_else_costs_no_more_than_none() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.yaml");
    let text = "name: mine\nduration: 6h\ncauses:\n  - {class: TRANSIENT, units: 30, down_at: 10m, \
                down_for: [2h, 2h], fails_after_start: 15s, host: 'db.example:5432', \
                accepts_while_down: true}\n";
    std::fs::write(&file, text).unwrap();
    let of = |more: &[&str]| {
        let file = file.display().to_string();
        simulate(&[&["--scenario", &file, "--runs=5"], more].concat())
    };
    assert_eq!(of(&["--probe"])["wasted_restarts"], of(&[])["wasted_restarts"]);
}

#[test]
fn nothing_is_restarted_while_workers_come_and_go() {
    for scenario in ["rolling-restart", "worker-crash"] {
        let told = simulate(&[&format!("--scenario={scenario}"), "--runs=20"]);
        assert_eq!(told["restarts"], serde_json::json!({"mean": 0.0, "max": 0.0}), "{told}");
    }
    let storm = simulate(&["--scenario=rebalance-storm"]);
    assert_eq!(mean(&storm["wasted_restarts"]), 0.0);
}

/// A scenario of one's own, with a probe and without.
fn with_and_without_a_probe(text: &str) -> [Value; 2] {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.yaml");
    std::fs::write(&file, text).unwrap();
    let file = file.display().to_string();
    [&["--probe"][..], &[]]
        .map(|more| simulate(&[&["--scenario", &file, "--runs=5"], more].concat()))
}

#[test]
fn a_probe_lets_nothing_through_while_workers_come_and_go() {
    for scenario in ["rolling-restart", "worker-crash", "rebalance-storm"] {
        let scenario = format!("--scenario={scenario}");
        let with = simulate(&[&scenario, "--probe", "--runs=5"]);
        assert_eq!(with, simulate(&[&scenario, "--runs=5"]));
    }
    // The dependency is back, and is told to be, long before the last rebalance is over: there is
    // one restart for each, and all of them come after it.
    let storm = "name: mine\nduration: 2h\nhealthy: 100\n\
        causes: [{class: TRANSIENT, units: 30, down_at: 10m, down_for: [1m, 2m], \
        fails_within: 20s, fails_after_start: 15s, host: 'db.example:5432'}]\n\
        rebalances: [{at: 9m, for: 50s}, {at: 10m, for: 50s}, {at: 11m, for: 50s}, \
        {at: 12m, for: 50s}, {at: 13m, for: 50s}, {at: 14m, for: 50s}, {at: 15m, for: 50s}]\n";
    for told in with_and_without_a_probe(storm) {
        assert_eq!(mean(&told["wasted_restarts"]), 0.0, "{told}");
        assert_eq!(mean(&told["restarts"]), 30.0, "{told}");
        // From its return, at 12 min at the latest, to the end of the last rebalance and its hold.
        assert!(mean(&told["all_up_minutes"]) >= 4.8, "{told}");
    }
}

#[test]
fn a_storm_of_poison_costs_no_more_with_a_probe_whatever_answers_it() {
    let storm = |accepts: bool| {
        format!(
            "name: mine\nduration: 24h\nhealthy: 70\ncauses: [{{class: TRANSIENT, units: 30, \
             down_at: 10m, fails_within: 1m, fails_after_start: 30s, host: 'db.example:5432', \
             accepts_while_down: {accepts}}}]\n"
        )
    };
    let [with, without] = with_and_without_a_probe(&storm(true));
    assert_eq!(with, without, "what answers is no reason to restart more");
    // Canaries alone, and no more than one each 5.5 min for 6 h and each 15 min after it.
    assert!(mean(&without["restarts"]) <= 65.0 + 72.0 + 3.0, "{without}");
    assert_eq!(mean(&without["peak_per_minute"]), 1.0);
    // Where nothing answers it is tried once an hour all the same.
    let [with, _] = with_and_without_a_probe(&storm(false));
    assert!((1.0..=25.0).contains(&mean(&with["restarts"])), "{with}");
}

#[test]
fn the_same_seed_tells_the_same_with_these_keys_and_no_others() {
    let once = || simulate(&["--scenario=mixed", "--seed=7", "--runs=2"]);
    let told = once();
    assert_eq!(told, once());
    let keys: Vec<_> = told.as_object().unwrap().keys().collect();
    let wanted = [
        "all_up_minutes",
        "peak_per_minute",
        "policy",
        "restarts",
        "runs",
        "scenario",
        "wasted_restarts",
    ];
    assert_eq!(keys, wanted);
    assert!(told["all_up_minutes"].is_null(), "one of them never comes up: {told}");
    let output = Command::new(env!("CARGO_BIN_EXE_connect-warden"))
        .args(["simulate", "--scenario=poison", "--runs=1", "--policy=warden,none"])
        .args(["--policy=fixed", "--output=json"])
        .output()
        .unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    let policies: Vec<_> = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["policy"].clone())
        .collect();
    assert_eq!(policies, ["warden", "none", "fixed"]);
}

#[test]
fn a_users_configuration_is_tried() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("warden.yaml");
    let text = "clusters: [{name: a, urls: ['http://127.0.0.1:1']}]\nwatchdog: {mode: 'off', backoff_base: 20m, backoff_cap: 1h}\n";
    std::fs::write(&file, text).unwrap();
    let config = format!("--config.file={}", file.display());
    let slow = simulate(&["--scenario=flap", "--runs=1", &config]);
    assert!(mean(&slow["restarts"]) > 0.0, "it is tried though it is off: {slow}");
    let table = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_connect-warden"));
        let output = command.arg("simulate").args(arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let told = table(&["--scenario=flap", "--runs=1", &config]);
    assert!(told.starts_with("note: the file says mode: off; it is tried as if it said on\n"));
    let windows = "windows: [{name: n, cron: '0 2 * * *', for: 1h}], hold_during: [n]";
    std::fs::write(&file, text.replace("mode: 'off'", windows)).unwrap();
    let told = table(&["--scenario=flap", "--runs=1", &config]);
    assert!(told.contains("note: a scenario has no date: windows and silences"), "{told}");
    assert!(slow != simulate(&["--scenario=flap", "--runs=1"]), "{slow}");
    std::fs::write(&file, text.replace("20m", "2h")).unwrap();
    let (code, error) = refused(&["--scenario=flap", &config]);
    assert_eq!(code, Some(64));
    assert!(error.contains("backoff_cap"), "{error}");
}

fn refused(arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_connect-warden"))
        .arg("simulate")
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.stdout.is_empty());
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_bad_scenario_is_told_with_its_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.yaml");
    let cause = |keys: &str| {
        format!(
            "name: x\nduration: 10h\ncauses:\n  - class: TRANSIENT\n    fails_after_start: 1s\n{keys}"
        )
    };
    let windows =
        |windows: &str| format!("name: x\nduration: 1h\nhealthy: 3\nrebalances:\n{windows}");
    let table = [
        (String::new(), "the file is empty"),
        ("name: x\nduration: 1h\nhealthy: 0\n".to_owned(), "line 1: it has 0 units"),
        ("name: x\nduration: 1h\nhealthy: 100001\n".to_owned(), "give 1 to 100000"),
        ("name: ''\nduration: 1h\nhealthy: 1\n".to_owned(), "line 1: name: is empty"),
        ("name: x\nduration: soon\nhealthy: 1\n".to_owned(), "line 2: duration: \"soon\""),
        ("name: x\nduration: 0s\nhealthy: 1\n".to_owned(), "line 2: duration: is 0"),
        ("name: x\nduration: 400days\nhealthy: 1\n".to_owned(), "line 2: duration: is over a"),
        (
            "name: x\nduration: 1h\nhealthy: -1\n".to_owned(),
            "line 3, column 10: \"-1\" is not a whole number of 0 or more",
        ),
        ("name: x\nname: y\n".to_owned(), "line 2, column 1: name: is given twice\n"),
        (cause("    units: 1\n    down_for: 1h\n"), "\"1h\" is not a list, such as"),
        ("name: x\nduration: 1h\nhelthy: 1\n".to_owned(), "line 3, column 1: unknown field"),
        ("name: x\nhealthy: 1\n".to_owned(), "duration"),
        (": [".to_owned(), "line 1"),
        (
            "name: x\nduration: 1h\ncauses: [{class: MAYBE, units: 1, fails_after_start: 1s}]\n"
                .to_owned(),
            "OFFSET_LOST",
        ),
        (cause("    units: 0\n"), "line 6: units: is 0"),
        (cause("    units: 1\n    down_at: 10h\n"), "line 7: down_at: is not before"),
        (cause("    units: 1\n    down_for: [2h]\n"), "line 7: down_for: give two"),
        (cause("    units: 1\n    down_for: [2h, 1h]\n"), "line 7: down_for: is not from less"),
        (cause("    units: 1\n    down_for: [0s, 1h]\n"), "line 7: down_for: is 0"),
        (cause("    units: 1\n    down_for: [2h, 10h]\n"), "line 7: down_for: it is not back"),
        (cause("    units: 1\n    host: db\n"), "line 7: host: \"db\" is not such as"),
        (cause("    units: 1\n    accepts_while_down: true\n"), "there is no host"),
        (windows("  - {at: 10m, for: 0s}\n"), "line 5: for: is 0"),
        (windows("  - {at: 2h, for: 1m}\n"), "line 5: at: is not before"),
        (windows("  - {at: 1m, for: 1m, units: 4}\n"), "line 5: units: 4 is not from 1 to the"),
        (
            windows("  - {at: 10m, for: 1m}\n  - {at: 9m, for: 2m}\n"),
            "line 5: rebalances: begins while the one of line 6 is under way",
        ),
    ];
    for (text, said) in table {
        std::fs::write(&file, &text).unwrap();
        let (code, error) = refused(&["--scenario", &file.display().to_string()]);
        assert_eq!(code, Some(64), "{error}");
        assert!(error.contains(said), "{error:?} does not say {said:?}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
    let (code, error) = refused(&["--poll.interval=1ms"]);
    assert!(code == Some(64) && error.contains("--poll.interval: is under 10ms"), "{error}");
    let (code, error) = refused(&["--scenario=nonsense"]);
    assert_eq!(code, Some(64));
    assert!(error.contains("two-dependencies"), "it says which there are: {error}");
    std::fs::write(&file, "name: mine\nduration: 1h\nhealthy: 3\n").unwrap();
    let told = simulate(&["--scenario", &file.display().to_string(), "--runs=1"]);
    assert_eq!((&told["scenario"], mean(&told["restarts"])), (&"mine".into(), 0.0));
}

#[test]
fn the_example_of_the_documents_runs() {
    let document = include_str!("../docs/watchdog.md");
    let from = document.find("    name: friday").unwrap();
    let example = document[from..].split("\n\n").next().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("friday.yaml");
    let lines = example.lines().map(|line| line.strip_prefix("    ").unwrap());
    std::fs::write(&file, lines.collect::<Vec<_>>().join("\n")).unwrap();
    let told = simulate(&["--scenario", &file.display().to_string(), "--runs=1"]);
    assert_eq!(told["scenario"], "friday");
    assert!(mean(&told["restarts"]) >= 40.0, "all that failed come up again: {told}");
}
