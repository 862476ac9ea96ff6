//! What makes it doubtful that an order does what was meant.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::config::{oddity, pattern_of_whole};
use crate::watchdog::orders::{Given, clean};
use crate::watchdog::policy::Time;

use super::Order;

/// Whether a watchdog that is on runs with this journal, as far as the kernel tells: it holds a lock
/// beside it. Taking that lock to see whether it is free could keep one that starts just now from
/// starting.
fn is_running(journal: &Path) -> bool {
    let mut lock = journal.as_os_str().to_owned();
    lock.push(".lock");
    let Ok(file) = Path::new(&lock).metadata() else { return false };
    let inode = format!(":{}", file.ino());
    let locks = std::fs::read_to_string("/proc/locks").unwrap_or_default();
    // 1: FLOCK  ADVISORY  WRITE 4711 fd:01:1234567 0 EOF
    let of_line = |line: &str| line.split_ascii_whitespace().nth(5).map(str::to_owned);
    locks.lines().filter_map(of_line).any(|place| place.ends_with(&inode))
}

/// Said before the rest: who heeds the order?
pub(super) fn doubt(journal: &Path) -> Option<String> {
    let place = journal.display();
    if is_running(journal) {
        return None;
    }
    if journal.exists() {
        return Some(format!(
            "note: no watchdog that is on is seen to use {place} now; the order counts for one that \
             is started with it, or that runs in dry-run"
        ));
    }
    Some(format!(
        "DOUBTFUL: there is no journal {place}, so that perhaps no watchdog looks there: one that is \
         on has a journal, and only one in dry-run has none. If another place is meant, name it with \
         --watchdog.journal=FILE or --config.file=FILE"
    ))
}

/// A pattern that matches less than it seems to.
pub(super) fn odd_patterns(order: &Order) -> Vec<String> {
    let Order::Silence { connector, cluster, .. } = order else { return Vec::new() };
    let odd = |flag: &str, text: &str| oddity(text).map(|odd| format!("warning: {flag}: {odd}"));
    let cluster = cluster.as_deref().and_then(|cluster| odd("--cluster", cluster));
    odd("--connector", connector).into_iter().chain(cluster).collect()
}

/// The silence because of which what is acknowledged is left alone all the same.
pub(super) fn silenced(given: &Given, cluster: &str, connector: &str, now: Time) -> Option<String> {
    let matches = |pattern: &str, name: &str| {
        pattern_of_whole(pattern).is_ok_and(|pattern| pattern.is_match(name))
    };
    let silence = given.silences.iter().find(|silence| {
        (silence.from..silence.until).contains(&now)
            && silence.cluster.as_deref().is_none_or(|pattern| matches(pattern, cluster))
            && matches(&silence.connector, connector)
    });
    silence.map(|silence| clean(&silence.id))
}
