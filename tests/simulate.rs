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
    let of = |scenario: &str| simulate(&[&format!("--scenario={scenario}"), "--runs=20"]);
    assert!(of("poison")["restarts"]["max"].as_f64().unwrap() <= 20.0);
    assert!(of("flap")["restarts"]["max"].as_f64().unwrap() <= 21.0);
    for scenario in ["outage", "outage-5", "outage-50", "trickle"] {
        let told = of(scenario);
        assert!(mean(&told["wasted_restarts"]) <= 24.0, "{told}");
        assert!(mean(&told["all_up_minutes"]) <= 5.0, "{told}");
    }
    assert_eq!(mean(&of("rolling-restart")["restarts"]), 0.0);
    assert_eq!(mean(&of("rebalance-storm")["wasted_restarts"]), 0.0);
}

#[test]
fn the_same_seed_tells_the_same_and_a_bad_scenario_is_told() {
    let once = || simulate(&["--scenario=mixed", "--seed=7", "--runs=2"]);
    assert_eq!(once(), once());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mine.yaml");
    let table = [
        ("name: x\nduration: 1h\nhealthy: 0\n", "has 0 units"),
        ("name: x\nduration: soon\nhealthy: 1\n", "is not a duration such as 15s"),
        ("name: x\nduration: 1h\nhelthy: 1\n", "helthy"),
        (
            "name: x\nduration: 1h\ncauses: [{class: MAYBE, units: 1, fails_after_start: 1s}]\n",
            "OFFSET_LOST",
        ),
    ];
    for (text, said) in table {
        std::fs::write(&file, text).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_connect-warden"))
            .args(["simulate", "--scenario"])
            .arg(&file)
            .output()
            .unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(64), "{error}");
        assert!(error.contains(said), "{error}");
    }
    std::fs::write(&file, "name: mine\nduration: 1h\nhealthy: 3\n").unwrap();
    let told = simulate(&["--scenario", &file.display().to_string(), "--runs=1"]);
    assert_eq!((&told["scenario"], mean(&told["restarts"])), (&"mine".into(), 0.0));
}
