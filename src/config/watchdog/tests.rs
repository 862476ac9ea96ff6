//! What a `watchdog:` comes to.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::*;
use crate::config::example::tests::all_of_it;
use crate::config::{EXAMPLE, FailureClass, file};
use crate::connect::model::ConnectorType;

fn at(text: &str) -> SystemTime {
    text.parse::<jiff::Timestamp>().unwrap().into()
}

fn read_at(text: &str, now: SystemTime) -> Result<(WatchdogSettings, Vec<String>), String> {
    read_node(&serde_saphyr::from_str_with_options(text, file::options()).unwrap(), now)
}

fn read_node(node: &Node, now: SystemTime) -> Result<(WatchdogSettings, Vec<String>), String> {
    let around = Around {
        mode: None,
        journal: None,
        audit: None,
        clusters: &["orders", "billing"],
        poll_interval: Duration::from_secs(20),
        now,
    };
    let mut warnings = Vec::new();
    let told = |problem: &Problem| format!("{}: {}", problem.line, problem.text);
    let settings = read(node, around, &mut warnings).map_err(|problem| told(&problem))?;
    Ok((settings, warnings.iter().map(told).collect()))
}

fn settings(text: &str) -> WatchdogSettings {
    let (settings, warnings) = read_at(text, UNIX_EPOCH).unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    settings
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

#[test]
fn nothing_is_the_default_and_a_gap_is_three_polls() {
    let settings = settings("{}");
    assert_eq!(settings.mode, WatchdogMode::DryRun);
    let wanted = Limits { longest_gap: seconds(60), ..Limits::default() };
    assert_eq!(settings.limits, wanted);
    assert!(settings.audit.is_none() && settings.probe.is_none() && settings.rules.is_empty());
}

/// A value for a key that is not its default.
fn other_than_default(key: &str) -> (&'static str, String) {
    let value = match key {
        "canary.waits" => "[2s, 3s, 4s, 5s]",
        "breaker.storm_part" | "breaker.ineffective_part" | "release.failing" => "0.25",
        // Ordered with others: a bit more than the default.
        "backoff_cap" | "verify_most" | "parked.often" | "canary.old_wait" => "31m",
        "flapping.window" => "7h",
        "parked.often_until" => "13h",
        "parked.seldom" => "4h",
        "parked.until" => "73h",
        "longest_gap" | "stable" | "rebalance_most" => "17m",
        "probe.distrust" => "2h",
        key if key.starts_with("attempts.") => "9",
        key if key.starts_with("budgets.") => "7",
        "sightings"
        | "flapping.restarts"
        | "foreign.restarts"
        | "breaker.storm_units"
        | "breaker.signature_connectors"
        | "breaker.ineffective_of"
        | "breaker.refused_in_a_row"
        | "release.first"
        | "release.factor" => "7",
        _ => "100s",
    };
    let shown = match key {
        "canary.waits" | "breaker.storm_part" | "breaker.ineffective_part" | "release.failing" => {
            value.to_owned()
        }
        _ => humantime::parse_duration(value)
            .map_or(value.to_owned(), |time| humantime::format_duration(time).to_string()),
    };
    (value, shown)
}

#[test]
fn every_number_has_a_key_of_its_own() {
    let usual = settings("{}").limits;
    let keys = shown::keys();
    assert_eq!(keys.len(), 57);
    for key in keys {
        let (value, shown) = other_than_default(key);
        let mut text = String::new();
        for (depth, part) in key.split('.').enumerate() {
            text.push_str(&format!("{}{part}:", if depth > 0 { " {" } else { "" }));
        }
        text.push_str(&format!(" {value}{}", "}".repeat(key.split('.').count() - 1)));
        if key.starts_with("probe.") {
            text = text.replace('}', ", targets: [{host: db, port: 1}]}");
        }
        assert_eq!(
            differing(&read_at(&text, UNIX_EPOCH).unwrap().0.limits, &usual),
            [format!("{key} {shown}")],
            "{text}"
        );
    }
}

#[test]
fn a_rule_has_its_own_numbers_and_those_of_all() {
    let settings = settings(
        "grace: 40s\nverify: 90s\nrules:\n  - name: a\n    match: {connectors: [a]}\n    grace: 5s\n    attempts: {DATA: 3}\n",
    );
    let [rule] = &settings.rules[..] else { panic!("{:?}", settings.rules) };
    assert_eq!(differing(&rule.limits, &settings.limits), ["grace 5s", "attempts.DATA 3"]);
    assert_eq!(rule.limits.verify, seconds(90));
}

#[test]
fn the_policy_of_a_cluster_has_its_rules_in_order() {
    let settings = settings(
        "mode: on
rules:
  - {name: first, match: {clusters: [billing], connectors: ['a.*']}, mode: off}
  - {name: second, match: {connectors: [b], types: [sink], failure_classes: [DATA]}, mode: dry-run}
  - name: rest
probe: {targets: [{host: DB.Example, port: 5432}, {host: '::1', port: 1, tls: true}]}
",
    );
    let names = |cluster| -> Vec<String> {
        let policy = settings.policy_of(cluster, WatchdogMode::On);
        policy.rules.iter().map(|rule| rule.name.to_string()).collect()
    };
    assert_eq!(names("billing"), ["first", "second", "rest"]);
    assert_eq!(names("orders"), ["second", "rest"]);

    let policy = settings.policy_of("billing", WatchdogMode::DryRun);
    let modes: Vec<_> = policy.rules.iter().map(|rule| rule.mode).collect();
    assert_eq!(modes, [WatchdogMode::Off, WatchdogMode::DryRun, WatchdogMode::DryRun]);
    let second = &policy.rules[1].selector;
    assert_eq!(second.types, [ConnectorType::Sink]);
    assert_eq!(second.failure_classes, [FailureClass::Data]);
    assert!(second.connectors[0].is_match("b") && !second.connectors[0].is_match("b2"));
    let targets: Vec<&str> = policy.probe_targets.iter().map(AsRef::as_ref).collect();
    assert_eq!(targets, ["db.example:5432", "[::1]:1"]);
}

const WINDOWS: &str = "
windows:
  - {name: night, cron: '0 22 * * *', for: 8h}
  - {name: noon, cron: '0 12 * * *', for: 1h}
";

#[test]
fn windows_shut_rules_and_what_no_rule_fits() {
    let settings = settings(&format!(
        "{WINDOWS}hold_during: [noon]
rules:
  - {{name: of-billing, match: {{clusters: [billing]}}, act_during: [night]}}
  - {{name: not-at-night, match: {{connectors: [x]}}, hold_during: [night]}}
",
    ));
    for (time, billing, orders) in [
        ("2026-06-01T23:00:00Z", vec![false, true, false], vec![true, false]),
        ("2026-06-01T12:30:00Z", vec![true, true, true], vec![true, true]),
        ("2026-06-01T15:00:00Z", vec![true, false, false], vec![false, false]),
    ] {
        assert_eq!(settings.shut("billing", at(time)), billing, "{time}");
        assert_eq!(settings.shut("orders", at(time)), orders, "{time}");
        let rules = settings.policy_of("orders", WatchdogMode::On).rules.len();
        assert_eq!(settings.shut("orders", at(time)).len(), rules + 1);
    }
}

#[test]
fn silences_are_for_their_clusters() {
    let now = at("2026-06-01T09:00:00Z");
    let (settings, warnings) = read_at(
        "silences:
  - match: {clusters: [billing], connectors: ['a.*']}
    from: 2026-06-01T10:00:00+02:00
    until: 2026-06-01T10:00:00Z
    reason: the database is moved
  - {from: '2026-05-01T10:00:00Z', until: '2026-05-01T11:00:00Z', reason: long ago}
",
        now,
    )
    .unwrap();
    assert_eq!(warnings, ["6: watchdog.silences[2]: is over and does nothing; take it out"]);
    let [billing, _] = &settings.silences_of("billing")[..] else { panic!() };
    assert_eq!(billing.from, at("2026-06-01T08:00:00Z").duration_since(UNIX_EPOCH).unwrap());
    assert_eq!(billing.until - billing.from, seconds(7200));
    assert_eq!(settings.silences_of("orders").len(), 1);
}

#[test]
fn a_rule_that_leaves_something_to_later_ones_is_taken() {
    for rules in [
        "[{name: a, match: {connectors: [x]}}, {name: b, match: {connectors: ['x.*']}}]",
        "[{name: a, match: {types: [sink]}}, {name: b, match: {failure_classes: [DATA]}}]",
        "[{name: a, match: {clusters: [orders]}}, {name: b, match: {connectors: [x]}}]",
        "[{name: a, match: {types: [sink], connectors: [x]}}, {name: b, match: {connectors: [x]}}]",
        "[{name: a, match: {types: [sink]}}, {name: b, match: {types: [source]}}, {name: c}]",
    ] {
        assert_eq!(settings(&format!("rules: {rules}")).rules[1].name, "b");
    }
}

#[test]
fn a_rule_that_leaves_nothing_is_refused() {
    for (rules, winners) in [
        (
            "[{name: a, match: {connectors: ['x.*']}}, {name: b, match: {connectors: [xy]}}]",
            "a (line 1)",
        ),
        (
            "[{name: a, match: {connectors: ['.*']}}, {name: b, match: {types: [sink]}}]",
            "a (line 1)",
        ),
        (
            "[{name: a, match: {connectors: [x, y]}}, {name: b, match: {connectors: [y], types: [sink]}}]",
            "a (line 1)",
        ),
        (
            "[{name: a, match: {types: [sink]}},\n {name: a2, match: {types: [source, unknown]}},\n {name: b, match: {connectors: [x]}}]",
            "a (line 1), a2 (line 2)",
        ),
        (
            "[{name: a, match: {clusters: ['o.*']}}, {name: c, match: {clusters: [billing]}}, {name: b}]",
            "a (line 1), c (line 1)",
        ),
    ] {
        let told = read_at(&format!("rules: {rules}"), UNIX_EPOCH).unwrap_err();
        let wanted = format!(
            "watchdog.rules[b]: can never win: all that it matches is taken before by {winners}"
        );
        assert!(told.ends_with(&wanted), "{told}");
    }
}

#[test]
fn the_example_is_the_defaults_with_everything_shown() {
    let example = file::parse(EXAMPLE).unwrap();
    let (settings, warnings) = read_node(&example.watchdog, UNIX_EPOCH).unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    let usual = Limits { longest_gap: seconds(45), ..Limits::default() };
    assert_eq!(settings.limits, usual);

    let all = file::parse(&all_of_it()).unwrap();
    let (all, warnings) = read_node(&all.watchdog, UNIX_EPOCH).unwrap();
    assert!(warnings.is_empty(), "{warnings:?}");
    assert_eq!(all.limits, usual);
    assert_eq!(all.probe.map(|probe| (probe.targets.len(), probe.timeout)), Some((2, seconds(3))));
    let audit = all.audit.unwrap();
    assert_eq!((audit.max_bytes, audit.keep), (64 << 20, 4));
    assert_eq!((all.silences.len(), all.rules.len(), all.windows.len()), (1, 2, 2));
    let shown = all_of_it();
    for key in shown::keys() {
        let last = key.rsplit('.').next().unwrap();
        assert!(shown.contains(&format!("{last}: ")), "{key} is not shown");
    }
}

#[test]
fn what_comes_on_a_leap_day_alone_comes() {
    let leap = "windows: [{name: leap, cron: '0 3 29 2 *', for: 4h}]";
    let during = [("act_during", "2027-06-01T04:00:00Z"), ("hold_during", "2028-02-29T04:00:00Z")];
    for (key, shut) in during {
        for place in [format!("{key}: [leap]"), format!("rules: [{{name: a, {key}: [leap]}}]")] {
            let settings = settings(&format!("{leap}\n{place}"));
            assert!(settings.shut("orders", at(shut))[0], "{place}");
        }
    }
    let other = "{name: other, cron: '0 2 29 2 *', for: 10h}";
    let never = format!(
        "windows: [{{name: leap, cron: '0 3 29 2 *', for: 4h}}, {other}]\n\
         act_during: [leap]\nhold_during: [other]"
    );
    let said = read_at(&never, UNIX_EPOCH).unwrap_err();
    assert!(said.contains("leave no time at which it acts"), "{said}");
}
