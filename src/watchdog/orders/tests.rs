use std::fs;
use std::time::Duration;

use super::file::MAX_ORDERS;
use super::*;
use crate::watchdog::policy::Time;

const HOUR: Duration = Duration::from_secs(3600);

/// 2026-11-24T12:00:00Z.
const NOON: Time = Duration::from_secs(1_795_521_600);

fn folder() -> (tempfile::TempDir, Orders) {
    let folder = tempfile::tempdir().unwrap();
    let orders = Orders::beside(&folder.path().join("journal"));
    (folder, orders)
}

fn put(orders: &Orders, text: &str) -> Arc<Now> {
    fs::write(orders.path(), text).unwrap();
    orders.read()
}

fn silence(from: &str, until: &str, connector: &str) -> String {
    format!(
        r#"{{"silences": [{{"id": "a", "connector": "{connector}", "from": "{from}", "until": "{until}", "by": "x", "at": "{from}", "reason": "y"}}]}}"#
    )
}

#[test]
fn what_is_missing_orders_nothing() {
    let (folder, orders) = folder();
    for orders in [&orders, &Orders::at(folder.path().join("no/such/folder"))] {
        let now = orders.read();
        assert_eq!((&now.stop, &now.problem, &now.given), (&None, &None, &Given::default()));
    }
}

#[test]
fn what_cannot_be_understood_stops_and_says_why() {
    let (folder, orders) = folder();
    let day = "2026-11-24T00:00:00Z";
    for (text, why) in [
        (String::new(), "EOF"),
        (r#"{"stop": {"by": "a", "at": "2026-"#.to_owned(), "EOF"),
        ("\u{0}\u{0}".to_owned(), "expected value"),
        (r#"{"stopp": null}"#.to_owned(), "unknown field `stopp`"),
        (r#"{"stop": {"by": "a", "at": "today"}}"#.to_owned(), "RFC 3339"),
        (r#"{} {}"#.to_owned(), "trailing"),
        (silence(day, "2026-11-25T00:00:01Z", "x"), "does not end within 24h"),
        (silence(day, day, "x"), "does not end within 24h"),
        (silence(day, "2026-11-24T01:00:00Z", "("), "is not a regular expression"),
        // A thousand of them would be a gigabyte.
        (silence(day, "2026-11-24T01:00:00Z", r"\\w{20}x"), "exceeds size limit"),
        (" ".repeat(1 << 20) + "{}", "over 1 MiB"),
    ] {
        let now = put(&orders, &text);
        assert!(now.stop.as_deref().is_some_and(|stop| stop.contains(why)), "{why}: {now:?}");
        assert_eq!(now.stop, now.problem);
        assert!(now.silences_of("c", NOON).is_empty());
    }
    let path = orders.path();
    fs::remove_file(path).unwrap();
    fs::create_dir(path).unwrap();
    assert!(orders.read().stop.as_deref().unwrap().contains("not a regular file"));
    fs::remove_dir(path).unwrap();
    std::os::unix::fs::symlink(folder.path().join("nowhere"), path).unwrap();
    assert!(orders.read().problem.is_some(), "a link that leads nowhere");
    fs::remove_file(path).unwrap();
    assert!(orders.read().stop.is_none());
}

#[test]
fn each_change_is_seen_even_where_the_metadata_look_the_same() {
    let (_folder, orders) = folder();
    let text = |by: &str| format!(r#"{{"stop": {{"by": "{by}", "at": "2026-11-24T00:00:00Z"}}}}"#);
    for round in 0..200 {
        let by = if round % 2 == 0 { "ann" } else { "bob" };
        let stop = put(&orders, &text(by)).stop.clone();
        assert_eq!(stop, Some(format!("stopped by {by} since 2026-11-24T00:00:00.000Z")));
    }
}

#[test]
fn what_has_long_been_the_same_is_not_read_again() {
    let (_folder, orders) = folder();
    put(&orders, "{}");
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let same = |at| Arc::ptr_eq(&orders.look(at), &orders.look(at + HOUR));
    assert!(!same(wall), "a change in the same tick may follow");
    assert!(same(wall + HOUR));
    assert!(put(&orders, "{").problem.is_some());
    fs::remove_file(orders.path()).unwrap();
    assert!(orders.look(wall + HOUR).problem.is_none());
}

#[test]
fn a_silence_is_for_whole_names_in_its_clusters_and_ends() {
    let (_folder, orders) = folder();
    let given = orders.change(Broken::Refuse, NOON, |given| {
        given.silence(None, "orders-.*", HOUR, "r", "ann", NOON)?;
        given.silence(Some("prod|test"), "x", 2 * HOUR, "r", "ann", NOON)
    });
    assert_eq!(given.unwrap().given.silences.len(), 2);
    let now = orders.read();
    let patterns = |cluster: &str, at| -> Vec<String> {
        let silences = now.silences_of(cluster, at);
        silences.iter().map(|s| s.selector.connectors[0].to_string()).collect()
    };
    assert_eq!(patterns("prod", NOON), ["^(?:orders-.*)$", "^(?:x)$"]);
    assert_eq!(patterns("production", NOON), ["^(?:orders-.*)$"]);
    assert_eq!(patterns("prod", NOON + HOUR), ["^(?:x)$"], "its end is not in it");
    assert_eq!(patterns("prod", NOON + 2 * HOUR), [""; 0]);
    let silence = &now.silences_of("prod", NOON)[0];
    assert_eq!((silence.from, silence.until), (NOON, NOON + HOUR));
    let matches = |name| silence.selector.connectors[0].is_match(name);
    assert!(matches("orders-1") && !matches("old-orders-1"));
    let later = orders.change(Broken::Refuse, NOON + HOUR, |_| Ok(())).unwrap();
    assert_eq!(later.given.silences.len(), 1, "what has ended is not kept");
}

#[test]
fn an_acknowledgement_counts_not_long_and_has_a_time_of_its_own() {
    let (_folder, orders) = folder();
    for task in [None, Some(3)] {
        let given =
            orders.change(Broken::Refuse, NOON, |g| g.acknowledge("c", "a", task, "ann", NOON));
        given.unwrap();
    }
    let now = orders.read();
    let soon = NOON + Duration::from_secs(1);
    let found = now.acknowledged_of("c", soon);
    let tasks: Vec<_> = found.iter().map(|(whom, by, _)| (whom.task, &**by)).collect();
    assert_eq!(tasks, [(None, "ann"), (Some(3), "ann")]);
    let [(_, _, first), (_, _, last)] = found[..] else { panic!("two are wanted") };
    assert!(last > first, "given in the same moment, and still told apart");
    assert_eq!(now.acknowledged_of("c", first).len(), 1, "the other is from the future");
    assert!(now.acknowledged_of("d", soon).is_empty(), "it is another cluster's");
    assert!(now.acknowledged_of("c", NOON - HOUR).is_empty(), "from the future");
    let ten = Duration::from_secs(600);
    assert_eq!(now.acknowledged_of("c", NOON + ten).len(), 2);
    assert!(now.acknowledged_of("c", last + ten + ten).is_empty());
    let kept = |at| orders.change(Broken::Refuse, at, |_| Ok(())).unwrap().given.acknowledged.len();
    assert_eq!((kept(NOON + 24 * HOUR), kept(NOON + 25 * HOUR)), (2, 0));
}

#[test]
fn there_is_an_end_to_what_is_taken_and_room_for_a_stop() {
    let (_folder, orders) = folder();
    let long = "é".repeat(500);
    let silence = |given: &mut Given| given.silence(None, &long, HOUR, &long, &long, NOON);
    let full = loop {
        let many = orders.change(Broken::Refuse, NOON, |given| {
            (0..100).try_for_each(|_| silence(given).map(drop))
        });
        if let Err(error) = many {
            break error.to_string();
        }
    };
    assert!(full.contains("too many orders for one file"), "{full}");
    let given = orders.change(Broken::Refuse, NOON, |given| Ok(given.stop(&long, &long, NOON)));
    assert!(given.is_ok() && orders.read().problem.is_none());
    let stop = orders.read().given.stop.clone().unwrap();
    assert_eq!((stop.by.chars().count(), stop.reason.chars().count()), (MAX_TEXT, MAX_TEXT));
    assert!(orders.change(Broken::Refuse, NOON, |given| given.go()).is_ok());
    let mut given = Given::default();
    let all = (0..=MAX_ORDERS).map(|_| given.silence(None, "a", HOUR, "r", "ann", NOON));
    assert!(matches!(all.last(), Some(Err(OrderError::Full(_)))));
    assert_eq!(given.silences.len(), MAX_ORDERS);
}

#[test]
fn what_a_person_wrote_cannot_break_a_line() {
    assert_eq!(clean(" a\u{1b}[31mb\nc\u{202e}d\u{7f} "), "a[31mbcd");
    let (_folder, orders) = folder();
    let now = put(
        &orders,
        r#"{"stop": {"by": "a\nb", "at": "2026-11-24T00:00:00+00:00", "reason": "x\u001by"}}"#,
    );
    assert_eq!(
        now.stop.as_deref(),
        Some("stopped by ab since 2026-11-24T00:00:00.000Z: xy"),
        "written by hand"
    );
}

#[test]
fn the_example_in_the_documentation_is_understood() {
    let text = include_str!("../../../docs/watchdog.md");
    let example = &text[text.find("    {\n      \"stop\"").unwrap()..];
    let example = &example[..example.find("\n    }\n").unwrap() + 7];
    let (_folder, orders) = folder();
    let now = put(&orders, example);
    assert_eq!(now.problem, None);
    assert_eq!((now.given.silences.len(), now.given.acknowledged.len()), (1, 1));
    assert!(now.stop.as_deref().unwrap().ends_with("the database is moved"));
}

#[test]
fn the_patterns_of_all_silences_have_a_size_together() {
    let folder = tempfile::tempdir().unwrap();
    let orders = Orders::at(folder.path().join("orders"));
    let many = |count: usize, pattern: &str| {
        let one = |id| {
            format!(
                r#"{{"id":"{id}","connector":"{pattern}","from":"2026-11-24T00:00:00Z",
                "until":"2026-11-24T01:00:00Z","by":"a","at":"2026-11-24T00:00:00Z","reason":"x"}}"#
            )
        };
        let all: Vec<_> = (0..count).map(one).collect();
        put(&orders, &format!(r#"{{"silences":[{}]}}"#, all.join(",")))
    };
    for pattern in [".*", "(orders|invoices|payments)-(eu|us)-.*", "[a-z0-9-]{1,40}"] {
        let now = many(1000, pattern);
        assert_eq!(now.problem, None, "{pattern}");
    }
    assert_eq!(many(100, r"\\w+-\\w+-\\w+").problem, None);
    let problem = many(1000, r"\\w+-\\w+-\\w+").problem.clone().unwrap();
    assert!(problem.contains("together take too much memory"), "{problem}");
}
