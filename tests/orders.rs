//! Orders for a watchdog, as an operator on the host gives them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test may panic"
)]

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use connect_warden::watchdog::orders::Orders;
use serde_json::{Value, json};
use tempfile::TempDir;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A folder with an empty journal, and what its operator does.
struct Host {
    folder: TempDir,
    journal: PathBuf,
}

struct Said {
    code: Option<i32>,
    out: String,
    error: String,
}

impl Host {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().join("state.journal");
        fs::write(&journal, "").unwrap();
        Self { folder, journal }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("state.journal.orders")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_connect-warden"));
        command.env_clear().env("USER", "ann").arg("watchdog").args(arguments);
        command
    }

    fn say(&self, arguments: &[&str]) -> Said {
        said(self.command(arguments).arg("--watchdog.journal").arg(&self.journal))
    }

    fn done(&self, arguments: &[&str]) -> String {
        let said = self.say(arguments);
        assert_eq!(said.code, Some(0), "{arguments:?}: {}{}", said.out, said.error);
        said.out
    }

    fn in_force(&self) -> Value {
        serde_json::from_str(&self.done(&["orders", "--output=json"])).unwrap()
    }

    fn orders(&self) -> Orders {
        Orders::beside(&self.journal)
    }
}

fn said(command: &mut Command) -> Said {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code(), out: text(output.stdout), error: text(output.stderr) }
}

/// The command that takes an order back, as it was told.
fn undo(out: &str) -> Vec<&str> {
    let line = out.lines().find_map(|line| line.strip_prefix("undo: connect-warden watchdog "));
    line.unwrap().split(' ').collect()
}

#[test]
fn a_stop_holds_until_it_is_taken_back_by_what_was_told() {
    let host = Host::new();
    assert_eq!(host.in_force()["stopped"], false);
    let out = host.done(&["stop", "--reason", "the database\nis\u{1b}[31m moved"]);
    let stop = host.orders().read().stop.clone().unwrap();
    assert!(stop.starts_with("stopped by ann since 2"), "{stop}");
    assert!(stop.ends_with("Z: the databaseis[31m moved"), "{stop}");
    assert!(out.contains(&stop), "{out}");
    assert_eq!(host.in_force()["stop"]["by"], "ann");
    assert_eq!(fs::metadata(host.file()).unwrap().permissions().mode() & 0o777, 0o600);
    let again = host.done(&["stop", "--by", "bob"]);
    assert!(again.contains(&format!("before that {stop}")), "{again}");
    assert_eq!(said(&mut host.command(&undo(&again))).code, Some(0));
    assert!(host.orders().read().stop.is_none());
    let nothing = host.say(&["go"]);
    assert_eq!(nothing.code, Some(1));
    assert!(nothing.error.contains("nothing is stopped"), "{}", nothing.error);
}

#[test]
fn a_silence_has_an_id_and_an_end_and_is_taken_back() {
    let host = Host::new();
    let out = host.done(&[
        "silence",
        "--connector=orders-.*",
        "--cluster=prod",
        "--for=2h",
        "--reason=moved",
        "--by=bob",
    ]);
    host.done(&["silence", "--connector=x", "--for=24h", "--reason=r"]);
    let silences = host.in_force()["silences"].clone();
    let id = silences[0]["id"].as_str().unwrap().to_owned();
    assert!(out.contains(&format!("\nsilence {id} is in force\n")), "{out}");
    assert_eq!((&silences[0]["by"], &silences[0]["reason"]), (&json!("bob"), &json!("moved")));
    let now = host.orders().read();
    let given = &now.given.silences[0];
    assert_eq!(given.until - given.from, Duration::from_secs(7200));
    let count = |cluster, at| now.silences_of(cluster, at).len();
    assert_eq!((count("prod", given.from), count("test", given.from)), (2, 1));
    assert_eq!((count("prod", given.until), count("prod", given.from + 2 * DAY)), (1, 0));
    let wrong = host.say(&["unsilence", "deadbeef"]);
    assert_eq!(wrong.code, Some(64));
    assert!(wrong.out.contains(&id) && wrong.error.contains("deadbeef"), "{}", wrong.out);
    assert_eq!(said(&mut host.command(&undo(&out))).code, Some(0));
    assert_eq!(host.in_force()["silences"].as_array().map(Vec::len), Some(1));
}

#[test]
fn what_is_acknowledged_is_told_with_whose_order_it_is() {
    let host = Host::new();
    host.done(&["acknowledge", "--cluster=prod", "--connector=a b/c", "--task=3"]);
    host.done(&["acknowledge", "--cluster=prod", "--connector=é"]);
    let now = host.orders().read();
    let last = now.given.acknowledged[1].at;
    let found = now.acknowledged_of("prod", last);
    let found: Vec<_> =
        found.iter().map(|(whom, by, _)| (&*whom.connector, whom.task, &**by)).collect();
    assert_eq!(found, [("a b/c", Some(3), "ann"), ("é", None, "ann")]);
    assert!(now.acknowledged_of("other", last).is_empty());
    let out = host.done(&["orders"]);
    assert!(out.contains("\"a b/c\" task 3 in cluster \"prod\", by ann"), "{out}");
}

#[test]
fn bad_orders_are_told_and_change_nothing() {
    let host = Host::new();
    let configuration = host.folder.path().join("warden.yaml");
    let (journal, yaml) = (host.journal.display().to_string(), configuration.display().to_string());
    let text = "clusters: [{name: prod, urls: ['http://h:1']}, {name: test, urls: ['http://h:2']}]";
    fs::write(&configuration, format!("{text}\nwatchdog: {{journal: '{journal}'}}\n")).unwrap();
    let silence = |more: &[&'static str]| [&["silence", "--reason=r"], more].concat();
    for (arguments, wanted) in [
        (silence(&["--connector=a", "--for=24h1s"]), "is not from 1s to 24h"),
        (silence(&["--connector=a", "--for=0s"]), "is not from 1s to 24h"),
        (silence(&["--connector=a", "--for=soon"]), "--for"),
        (silence(&["--connector=a"]), "--for"),
        (silence(&["--connector=(", "--for=1h"]), "\"(\" is not a regular expression"),
        (silence(&["--connector=", "--for=1h"]), "--connector: a pattern has 1 to"),
        (silence(&["--connector=a", "--cluster=[", "--for=1h"]), "--cluster: \"[\" is not"),
        (silence(&["--connector=a", "--cluster=pro", "--for=1h"]), "it has prod, test"),
        (vec!["silence", "--connector=a", "--for=1h"], "--reason"),
        (vec!["silence", "--connector=a", "--for=1h", "--reason=\n "], "--reason: say why"),
        (vec!["acknowledge", "--cluster=prod.*", "--connector=a"], "it has prod, test"),
        (vec!["acknowledge", "--cluster=prod", "--connector="], "--connector: a name has"),
        (vec!["acknowledge", "--cluster=prod", "--connector=a", "--task=-1"], "--task"),
        (vec!["pause"], "pause"),
        (vec![], "acknowledge"),
    ] {
        let said = said(host.command(&arguments).arg(format!("--config.file={yaml}")));
        assert_eq!(said.code, Some(64), "{arguments:?}: {}{}", said.out, said.error);
        assert!(said.error.contains(wanted), "{arguments:?}: {:?}", said.error);
        assert!(!host.file().exists(), "{arguments:?}");
    }
    let elsewhere = host.folder.path().join("no/journal").display().to_string();
    let nowhere = said(&mut host.command(&["stop", "--watchdog.journal", &elsewhere]));
    assert_eq!(nowhere.code, Some(64));
    assert!(nowhere.error.contains("--config.file=FILE"), "{}", nowhere.error);
}

#[test]
fn the_place_is_found_as_run_finds_it() {
    let host = Host::new();
    let yaml = host.folder.path().join("warden.yaml");
    fs::write(&yaml, format!("watchdog: {{journal: '{}'}}\n", host.journal.display())).unwrap();
    let state = host.folder.path().join("other");
    fs::create_dir(&state).unwrap();
    let program = env!("CARGO_BIN_EXE_connect-warden");
    let bare = |arguments: &[&str]| {
        let mut command = Command::new(program);
        command.env_clear().args(arguments);
        command
    };
    let in_file = format!("--config.file={}", yaml.display());
    let flag = format!("--watchdog.journal={}", host.journal.display());
    for command in [
        &mut bare(&["watchdog", "stop", &in_file]),
        &mut bare(&["watchdog", &in_file, "stop"]),
        &mut bare(&[&in_file, "watchdog", "stop"]),
        &mut bare(&[&flag, "watchdog", "stop"]),
        &mut bare(&["watchdog", "stop", &flag, "--config.file=/nowhere.yaml"]),
        bare(&["watchdog", "stop"]).env("CONNECT_WARDEN_CONFIG_FILE", &yaml),
        bare(&["watchdog", "stop"]).env("CONNECT_WARDEN_WATCHDOG_JOURNAL", &host.journal),
    ] {
        let said = said(command.env("STATE_DIRECTORY", &state));
        assert_eq!(said.code, Some(0), "{}", said.error);
        assert!(host.orders().read().stop.is_some(), "{command:?}");
        host.done(&["go"]);
    }
    let said = said(bare(&["watchdog", "stop"]).env("STATE_DIRECTORY", &state));
    assert!(said.out.starts_with("DOUBTFUL: there is no journal"), "{}", said.out);
    assert!(state.join("journal.orders").exists() && host.orders().read().stop.is_none());
}

#[test]
fn a_broken_file_is_a_stop_and_only_stop_and_go_put_it_aside() {
    for broken in ["", "{\"stop\": {\"by\"", "\u{1}\u{2}", "{\"silence\": []}"] {
        let host = Host::new();
        fs::write(host.file(), broken).unwrap();
        let told = host.in_force();
        assert_eq!((&told["stopped"], &told["stop"]), (&json!(true), &Value::Null));
        assert!(told["problem"].as_str().unwrap().contains("cannot be understood"), "{told}");
        for arguments in [
            &["silence", "--connector=a", "--for=1h", "--reason=r"][..],
            &["unsilence", "a"],
            &["acknowledge", "--cluster=c", "--connector=a"],
        ] {
            let said = host.say(arguments);
            assert_eq!(said.code, Some(1), "{arguments:?}");
            assert!(said.error.contains("`watchdog go"), "{}", said.error);
            assert_eq!(fs::read_to_string(host.file()).unwrap(), broken);
        }
        let out = host.done(&["stop"]);
        assert!(out.contains("state.journal.orders.broken"), "{out}");
        let aside = host.folder.path().join("state.journal.orders.broken");
        assert_eq!(fs::read_to_string(aside).unwrap(), broken);
        let told = host.in_force();
        assert_eq!((&told["problem"], &told["stop"]["by"]), (&Value::Null, &json!("ann")));
        fs::write(host.file(), broken).unwrap();
        assert!(host.done(&["go"]).contains("no longer stopped"));
        assert!(host.orders().read().stop.is_none());
    }
}

#[test]
fn many_writers_lose_nothing_and_a_reader_never_sees_half() {
    let host = Host::new();
    host.done(&["silence", "--connector=first", "--for=1h", "--reason=r"]);
    let (orders, ended) = (host.orders(), Arc::new(AtomicBool::new(false)));
    let told = Arc::clone(&ended);
    let reader = std::thread::spawn(move || {
        let mut counts = vec![orders.read().given.silences.len()];
        while !told.load(Ordering::Relaxed) {
            let now = orders.read();
            assert_eq!(now.problem, None);
            counts.push(now.given.silences.len());
        }
        counts
    });
    let start = |n: usize| -> Child {
        let connector = format!("--connector=c{n}");
        let mut command = host.command(&["silence", &connector, "--for=1h", "--reason=r"]);
        command.arg("--watchdog.journal").arg(&host.journal);
        command.stdout(Stdio::null()).spawn().unwrap()
    };
    let writers: Vec<Child> = (0..24).map(start).collect();
    for mut writer in writers {
        assert!(writer.wait().unwrap().success());
    }
    ended.store(true, Ordering::Relaxed);
    let counts = reader.join().unwrap();
    assert!(counts.is_sorted() && counts[0] == 1, "{counts:?}");
    let given = host.orders().read().given.clone();
    let mut names: Vec<_> = given.silences.iter().map(|s| s.connector.clone()).collect();
    let mut ids: Vec<_> = given.silences.iter().map(|s| s.id.clone()).collect();
    names.sort();
    ids.sort();
    ids.dedup();
    let mut wanted: Vec<_> = (0..24).map(|n| format!("c{n}")).collect();
    wanted.push("first".to_owned());
    wanted.sort();
    assert_eq!((names, ids.len()), (wanted, 25));
    let left: Vec<_> =
        fs::read_dir(host.folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left.len(), 3, "journal, orders and lock: {left:?}");
}

/// As root the journal is given to another user first, whom root's orders must be readable for.
#[test]
fn the_file_belongs_to_whom_the_journal_belongs_to() {
    let host = Host::new();
    let _ = chown(&host.journal, Some(65_534), Some(65_534));
    host.done(&["stop"]);
    let owner = |path: PathBuf| fs::metadata(path).unwrap().uid();
    let lock = host.folder.path().join("state.journal.orders.lock");
    assert_eq!(owner(host.file()), owner(host.journal.clone()));
    assert_eq!(owner(lock), owner(host.journal.clone()));
}

#[test]
fn a_stop_file_that_is_there_is_told_and_go_does_not_hide_it() {
    let host = Host::new();
    let yaml = host.folder.path().join("warden.yaml");
    let file = host.folder.path().join("STOP");
    let watchdog =
        format!("{{journal: '{}', stop_file: '{}'}}", host.journal.display(), file.display());
    fs::write(&yaml, format!("watchdog: {watchdog}\n")).unwrap();
    let configuration = format!("--config.file={}", yaml.display());
    let say = |arguments: &[&str]| said(host.command(arguments).arg(&configuration));
    let out = say(&["orders"]).out;
    assert!(out.contains("no order to stop") && out.contains("STOP is not there"), "{out}");
    assert!(out.contains("signal        cannot be seen"), "{out}");
    assert!(host.done(&["orders"]).contains("stop file     not looked for"));
    fs::write(&file, "").unwrap();
    let told: Value = serde_json::from_str(&say(&["orders", "--output=json"]).out).unwrap();
    assert_eq!(told["stopped"], true);
    assert!(told["stop_file"].as_str().unwrap().ends_with("STOP is there"), "{told}");
    say(&["stop"]);
    let go = say(&["go"]);
    assert_eq!(go.code, Some(0));
    assert!(go.out.contains("STILL STOPPED: ") && go.out.contains("STOP is there"), "{}", go.out);
    let again = say(&["go"]);
    assert!(again.error.contains("STOP is there"), "{}", again.error);
}

#[test]
fn what_makes_an_order_doubtful_is_said() {
    let host = Host::new();
    let silence =
        |connector| host.done(&["silence", "--for=1h", "--reason=r", "--connector", connector]);
    assert!(
        silence("orders-*").contains("warning: --connector: \"orders-*\" has a * that repeats")
    );
    assert!(silence("^x").contains("warning: --connector: \"^x\" begins with ^"));
    assert!(!silence("a.*").contains("warning"));
    let acknowledge =
        |connector| host.done(&["acknowledge", "--cluster=prod", "--connector", connector]);
    assert!(acknowledge("b").contains("afresh from the next poll on"));
    let silenced = acknowledge("abc");
    assert!(silenced.contains("afresh once the silence ") && !silenced.contains("next poll"));
    assert!(host.done(&["stop"]).starts_with("note: no watchdog that is on is seen"));
    let mut lock = host.journal.clone().into_os_string();
    lock.push(".lock");
    let lock = fs::File::create(lock).unwrap();
    lock.lock().unwrap();
    let out = host.done(&["stop"]);
    assert!(out.starts_with("stopped: nothing is restarted"), "{out}");
}
