//! The watchdog's part of the configuration: what is refused or warned of, with its line, and what
//! `check` says it comes to.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test may panic"
)]

use std::process::Command;

const CASES: &str = include_str!("config/bad.txt");
const BEFORE: &str = "clusters: [{name: orders, urls: ['http://127.0.0.1:1']}]\nwatchdog:\n";

/// What `check` ends with and says of a file, which is called FILE.
fn check(text: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("warden.yaml");
    let here = folder.path().display().to_string();
    std::fs::write(&path, text.replace("HERE", &here)).unwrap();
    let path = path.display().to_string();
    let output = Command::new(env!("CARGO_BIN_EXE_connect-warden"))
        .args(["check", &format!("--config.file={path}")])
        .args(arguments)
        .env("STATE_DIRECTORY", folder.path().join("state"))
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    (output.status.code(), said.replace(&path, "FILE").replace(&here, ""))
}

fn warnings(said: &str) -> Vec<&str> {
    said.lines().filter_map(|line| line.strip_prefix("warning: FILE: ")).collect()
}

#[test]
fn whatever_is_wrong_is_told_with_its_line_and_what_is_valid() {
    let mut tried = 0;
    for case in CASES.split("----\n").skip(1) {
        let (text, wanted) = case.split_once("=> ").unwrap();
        let (code, said) = check(&format!("{BEFORE}{text}"), &[]);
        assert_eq!(said, format!("connect-warden: FILE: {wanted}"), "{text}");
        assert_eq!(code, Some(64), "{text}");
        tried += 1;
    }
    assert!(tried > 100, "{tried}");
}

#[test]
fn there_are_at_most_a_hundred_targets() {
    let targets = |count| -> String {
        let all = (0..count).map(|n| format!("{{host: h{n}, port: 1}}, "));
        format!("{BEFORE}  probe: {{targets: [{}]}}\n", all.collect::<String>())
    };
    let (code, said) = check(&targets(100), &[]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = check(&targets(101), &[]);
    assert_eq!(code, Some(64));
    assert_eq!(
        said,
        "connect-warden: FILE: line 3: watchdog.probe.targets: 101 targets are not from 1 to 100\n"
    );
}

#[test]
fn what_is_odd_is_warned_of_and_taken() {
    for (text, wanted) in [
        (
            "  rules: [{name: a, match: {connectors: ['orders*']}}]\n",
            "line 3: watchdog.rules[a].match.connectors: \"orders*\" has a * that repeats the 's' \
             before it; write .* for anything",
        ),
        (
            "  rules:\n    - name: a\n      match:\n        connectors:\n          - ok.*\n          - ^foo\n",
            "line 8: watchdog.rules[a].match.connectors: \"^foo\" begins with ^, but a pattern is \
             always of a whole name: it matches no more than \"foo\" does; was \"foo.*\" meant?",
        ),
        (
            "  rules: [{name: a, match: {clusters: ['orders$']}}]\n",
            "line 3: watchdog.rules[a].match.clusters: \"orders$\" ends with $, but a pattern is \
             always of a whole name: it matches no more than \"orders\" does; was \".*orders\" meant?",
        ),
        (
            "  rules: [{name: a, match: {connectors: [a]}, mode: on}]\n",
            "line 3: watchdog.rules[a].mode: on is more than watchdog.mode, dry-run, and comes to \
             dry-run",
        ),
        (
            "  windows: [{name: night, cron: '0 22 * * *', for: 8h}]\n",
            "line 3: watchdog.windows[night]: no hold_during or act_during names it",
        ),
        (
            "  silences:\n    - from: 2026-01-01T00:00:00Z\n      until: 2026-01-01T01:00:00Z\n      reason: x\n",
            "line 5: watchdog.silences[1]: is over and does nothing; take it out",
        ),
    ] {
        let (code, said) = check(&format!("{BEFORE}{text}"), &[]);
        assert_eq!(code, Some(0), "{said}");
        assert_eq!(warnings(&said), [wanted]);
        assert!(said.ends_with("the configuration is valid, with a warning\n"), "{said}");
    }
}

/// What the disk has to say of it counts as a warning, too.
#[test]
fn what_cannot_be_written_and_a_stop_file_are_told() {
    for (text, wanted) in [
        ("  stop_file: HERE/STOP\n", ""),
        (
            "  stop_file: HERE/warden.yaml\n",
            "FILE is there: nothing is restarted until it is removed",
        ),
        ("  stop_file: HERE/no/STOP\n", "/no is no folder, so that nobody can put the file there"),
        ("  mode: on\n  journal: HERE\n", "watchdog.journal:  is a folder; name a file in it"),
        ("  mode: on\n  journal: HERE/warden.yaml/x\n", "cannot be written by this user: "),
        (
            "  audit: HERE/warden.yaml/x\n",
            "watchdog.audit: FILE/x cannot be written by this user: ",
        ),
        (
            "  attempts: {OFFSET_LOST: 1}\n",
            "FILE: line 3: watchdog.attempts.OFFSET_LOST: a restart without its position may hide a \
             gap in the data",
        ),
    ] {
        let (code, said) = check(&format!("{BEFORE}{text}"), &[]);
        assert_eq!(code, Some(0), "{said}");
        let warning = said.lines().find(|line| line.starts_with("warning: "));
        assert_eq!(warning.is_some(), !wanted.is_empty(), "{said}");
        assert!(warning.is_none_or(|warning| warning.contains(wanted)), "{said}");
        assert_eq!(said.ends_with("with a warning\n"), !wanted.is_empty(), "{said}");
        assert_eq!(
            said.contains("  stop file: /"),
            text.contains("stop_file") && !text.contains("yaml"),
            "{said}"
        );
    }
}

#[test]
fn the_flag_for_the_mode_counts_for_rules_too() {
    let text = format!("{BEFORE}  rules: [{{name: a, match: {{connectors: [a]}}, mode: on}}]\n");
    let (code, said) = check(&text, &["--watchdog.mode=on", "--watchdog.audit=-"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(warnings(&said).is_empty(), "{said}");
    assert!(said.contains("rule 1, a: connector a: on\n"), "{said}");
    assert!(said.contains("audit: standard output\n"), "{said}");
}

#[test]
fn patterns_of_clusters_are_warned_of_too_and_empty_lists_are_none() {
    let text = "clusters:
  - name: a
    urls: ['http://127.0.0.1:1']
    include: []
    exclude: ['tmp-*']
watchdog:
  rules: [{name: r, match: {connectors: [], types: []}}]
";
    let (code, said) = check(text, &[]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(
        warnings(&said),
        [
            "line 5: exclude: \"tmp-*\" has a * that repeats the '-' before it; write .* for anything"
        ]
    );
    assert!(said.contains("rule 1, r: everything: dry-run\n"), "{said}");
}

#[test]
fn check_says_what_it_comes_to() {
    let text = format!(
        "{BEFORE}  mode: on
  grace: 1m
  audit: HERE/log/audit
  hold_during: [never-again]
  windows:
    - {{name: never-again, cron: '0 0 29 2 *', for: 1h}}
    - {{name: office, cron: '0 8 * * MON-FRI', time_zone: Europe/Berlin, for: 10h}}
  rules:
    - name: careful
      match: {{connectors: ['a.*', b], types: [sink], failure_classes: [DATA, AUTH]}}
      mode: dry-run
      attempts: {{DATA: 3}}
      act_during: [office]
    - name: rest
  probe: {{targets: [{{host: DB, port: 5432}}, {{host: '::1', port: 443, tls: true}}]}}
"
    );
    let (code, said) = check(&text, &[]);
    assert_eq!(code, Some(0), "{said}");
    for wanted in [
        "watchdog: on, not during never-again\n",
        "  journal: /state/journal\n",
        "  audit: /log/audit\n",
        "  numbers other than the defaults: grace 1m\n",
        "  rule 1, careful: connector a.* or b; type sink; failure class DATA or AUTH: dry-run, only \
         during office, attempts.DATA 3\n",
        "  rule 2, rest: everything: on\n",
        "  window never-again: 0 0 29 2 * in UTC, for 1h: ",
        "  window office: 0 8 * * 1-5 in Europe/Berlin, for 10h: ",
        "  probes each 30s, for 3s: db:5432, [::1]:443 (TLS)\n",
        "the configuration is valid\n",
    ] {
        assert!(said.contains(wanted), "{said}\ndoes not say {wanted:?}");
    }
    let leap_day = said.lines().find(|line| line.contains("never-again: 0 0")).unwrap();
    assert!(leap_day.contains("-02-29T0"), "{leap_day}");
}
