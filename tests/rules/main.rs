//! The alerts, as promtool, and as a real Prometheus and Alertmanager understand them. `.ci/rules`
//! installs what they need.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    unreachable_pub,
    reason = "a test may panic"
)]

mod alertmanager;
mod cases;
mod dashboards;
mod files;
mod live;
mod promtool;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeSet;

use cases::{Case, Variant};
use promtool::Promtool;

fn all_cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for file in ["clusters.yaml", "units.yaml", "warden.yaml"] {
        let path = files::root().join("tests/rules/cases").join(file);
        cases.extend(cases::read(&path));
    }
    cases
}

#[test]
#[ignore = "needs promtool"]
fn promtool_has_nothing_to_say_of_the_rules() {
    for promtool in Promtool::all() {
        promtool.check_rules(&files::rules());
    }
}

/// Each case in both modes of state series, with one and with two replicas, always beside another
/// cluster that is healthy: the same alerts in the same minutes.
#[test]
#[ignore = "needs promtool"]
fn each_alert_fires_when_it_should_and_at_no_other_time() {
    let healthy = cases::read_series(&files::root().join("tests/rules/cases/healthy.yaml"));
    let cases = all_cases();
    let tests = |variant| {
        let each = cases.iter().map(|case| case.test(variant, &healthy, true));
        each.chain([cases::nothing_fires(variant, &healthy)]).collect::<Vec<_>>()
    };
    let [debian, newest] = Promtool::all();
    for variant in Variant::ALL {
        newest.test_rules(&files::rules(), &tests(variant));
    }
    // The older one is slow: what fires will do.
    let firing = cases.iter().filter(|case| case.fires.is_some());
    let tests: Vec<_> = firing.map(|c| c.test(Variant::ALL[0], &healthy, false)).collect();
    debian.test_rules(&files::rules(), &tests);
}

/// A case that never fires shows nothing alone, and one that fires says what a person reads.
#[test]
fn each_alert_has_a_case_in_which_it_fires_and_says_so() {
    let cases = all_cases();
    let firing: BTreeSet<_> =
        cases.iter().filter(|case| case.fires.is_some()).map(|case| case.alert.as_str()).collect();
    let saying: BTreeSet<_> =
        cases.iter().filter(|case| case.says.is_some()).map(|case| case.alert.as_str()).collect();
    let alerts = files::alerts();
    let names: BTreeSet<_> = alerts.iter().map(|alert| alert.alert.as_str()).collect();
    assert_eq!(firing, names);
    assert_eq!(saying, names);
}

#[test]
fn each_alert_has_what_a_person_needs() {
    let alerts = files::alerts();
    assert!(alerts.len() > 30);
    let names: BTreeSet<_> = alerts.iter().map(|alert| &alert.alert).collect();
    assert_eq!(names.len(), alerts.len(), "a name stands for one alert");
    for alert in alerts {
        let name = &alert.alert;
        assert!(
            name.starts_with("KafkaConnect") || name.starts_with("ConnectWarden"),
            "{name} has one of two first words"
        );
        let severity = alert.labels["severity"].as_str();
        assert!(matches!(severity, "critical" | "warning" | "info"), "{name}: {severity}");
        assert!(!alert.wait.is_empty() && !alert.keep_firing_for.is_empty(), "{name}");
        let keys: Vec<_> = alert.annotations.keys().map(String::as_str).collect();
        assert_eq!(keys, ["description", "runbook_url", "summary"], "{name}");
        let page = format!("docs/runbooks/{name}.md");
        assert!(alert.annotations["runbook_url"].ends_with(&page), "{name}");
        let text = std::fs::read_to_string(files::root().join(&page))
            .unwrap_or_else(|error| panic!("{page}: {error}"));
        for part in ["## Meaning", "## See it", "## Do", "## What the watchdog does by itself"] {
            assert!(text.contains(part), "{page} has no {part:?}");
        }
        assert!(text.contains(severity), "{page} does not say that it is {severity}");
        let index = std::fs::read_to_string(files::root().join("docs/alerts.md")).unwrap();
        assert!(index.contains(&format!("runbooks/{name}.md")), "docs/alerts.md leaves {name} out");
    }
}

#[test]
fn each_page_is_of_an_alert() {
    let names: BTreeSet<_> = files::alerts().into_iter().map(|alert| alert.alert).collect();
    for entry in std::fs::read_dir(files::root().join("docs/runbooks")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(names.contains(name.trim_end_matches(".md")), "{name} is of no alert");
    }
}
