//! A watchdog with short times before one cluster, real or simulated, and scenes that both play.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::proxy::{Doing, Proxy, is_restart, is_status};
use super::warden::{Warden, audited, eventually, story};

/// What is set under `watchdog:` where a scene says nothing else.
const USUAL: &[(&str, &str)] = &[
    ("mode", "'on'"),
    ("journal_lost_hold", "10ms"),
    ("grace", "200ms"),
    ("first_jitter", "0s"),
    ("backoff_base", "400ms"),
    ("backoff_cap", "400ms"),
    ("verify", "1s"),
    ("stale_status", "1s"),
    ("rebalance_hold", "300ms"),
    (
        "budgets",
        "{connector: {at_once: 100, an_hour: 1000}, cluster: {at_once: 100, a_minute: 1000}, process: {at_once: 100, a_minute: 1000}}",
    ),
    // Not what most scenes are about.
    ("flapping", "{restarts: 1000}"),
    ("breaker", "{ineffective_of: 1000, refused_in_a_row: 100}"),
];

/// A configuration file for one cluster in a folder, with the journal and the audit log beside it.
pub fn configure(folder: &Path, urls: &[String], poll: &str, more: &[(&str, &str)]) -> String {
    let place = |name: &str| format!("'{}'", folder.join(name).display());
    let places =
        [("journal", place("journal")), ("stop_file", place("stop")), ("audit", place("audit"))];
    let mut keys: BTreeMap<&str, &str> = USUAL.iter().copied().collect();
    keys.extend(places.iter().map(|(key, value)| (*key, value.as_str())));
    keys.extend(more.iter().copied());
    let keys: String = keys.iter().map(|(key, value)| format!("  {key}: {value}\n")).collect();
    let urls = urls.join("', '");
    let yaml =
        format!("clusters: [{{name: default, urls: ['{urls}']}}]\npoll: {poll}\nwatchdog:\n{keys}");
    let file = folder.join("warden.yaml");
    std::fs::write(&file, yaml).unwrap();
    file.display().to_string()
}

/// Where [`configure`] has the audit log.
pub fn audit(folder: &Path) -> String {
    folder.join("audit").display().to_string()
}

/// A poll that is slow enough for a call to be held within its time-out.
pub const SLOW_POLL: &str = "{interval: 2s, worker_interval: 500ms}";
/// What the scenes below need.
pub const SLOW_NUMBERS: &[(&str, &str)] =
    &[("stale_status", "1s"), ("backoff_base", "4s"), ("backoff_cap", "4s"), ("verify", "2s")];
/// The least time between two attempts with them, but for what passes between an intent and its call.
const LEAST: Duration = Duration::from_millis(2500);

/// Where a watchdog is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Killed {
    /// What it means to do is durable, and was not sent.
    BeforeThePost,
    /// The worker has it, and its answer did not arrive.
    BeforeTheAnswer,
}

/// Task 0 of `connector` fails at each start. A watchdog is killed in its first attempt; the next
/// one on the same journal must count it once, and not send the next sooner than it may.
pub fn killed(
    at: Killed,
    proxy: &Proxy,
    connector: &str,
    start: impl Fn() -> Warden,
    limit: Duration,
) {
    let before = proxy.posts().len();
    match at {
        Killed::BeforeThePost => {
            proxy.do_from_now("GET", is_status, Doing::HoldRequest);
        }
        Killed::BeforeTheAnswer => {
            proxy.do_from_now("POST", is_restart, Doing::HoldAnswer);
        }
    }
    let first = start();
    eventually("its call is held", limit, || (proxy.held() == 1).then_some(()));
    let begun = proxy.seen().last().unwrap().at;
    first.die();
    proxy.pass();
    let sent = usize::from(at == Killed::BeforeTheAnswer);
    assert_eq!(proxy.posts().len() - before, sent, "{at:?}");
    let second = start();
    assert!(second.log().contains("what was done before is known"), "{}", second.log());
    let unit = (connector, Some(0));
    let known = eventually("it remembers", limit, || second.unit(connector, Some(0)));
    assert_eq!(known["attempts"], 1, "{at:?}: {known}");
    second.wait_unit(unit, "attempts", 2, limit);
    eventually("it is sent", limit, || (proxy.posts().len() > before + sent).then_some(()));
    let posts = proxy.posts();
    assert_eq!(posts.len() - before, sent + 1, "{at:?}");
    let waited = posts.last().unwrap().at - begun;
    assert!(waited >= LEAST, "{at:?}: {waited:?}");
    drop(second);
}

/// Told to end while the worker takes its time to answer: the restart is finished, and recorded.
pub fn ended_while_a_restart_is_under_way(
    proxy: &Proxy,
    connector: &str,
    folder: &Path,
    start: impl Fn() -> Warden,
    limit: Duration,
) {
    let before = proxy.posts().len();
    proxy.do_from_now("POST", is_restart, Doing::DelayAnswer(Duration::from_millis(1500)));
    let first = start();
    eventually("it is sent", limit, || (proxy.posts().len() > before).then_some(()));
    assert_eq!(first.end(), Some(0));
    proxy.pass();
    assert_eq!(proxy.posts().last().unwrap().status, Some(204));
    let told = story(&audited(&audit(folder), connector));
    assert_eq!(told.last().map(String::as_str), Some("sent accepted"), "{told:?}");
    let second = start();
    let known = eventually("it remembers", limit, || second.unit(connector, Some(0)));
    assert_eq!(known["attempts"], 1, "{known}");
    assert_eq!(proxy.posts().len() - before, 1);
}
