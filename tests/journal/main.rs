//! The journal on a real file system: what is found in it, and what is said of it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test may panic"
)]

mod process;
#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use connect_warden::watchdog::journal::{Found, Journal, Store as _, StoreError, read_history};
use connect_warden::watchdog::policy::{Memory, Phase, Unit};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tempfile::TempDir;

const NOW: Duration = Duration::from_secs(1_800_000_000);
/// Written by the first version; its last records are a connector's that was forgotten.
const FORMAT_1: &str = include_str!("format-1");

/// The one place where a unit is made: as the first version wrote it, so that it is read still.
fn unit(attempts: u32) -> Unit {
    let line = FORMAT_1.lines().nth(1).unwrap();
    let record: serde_json::Value = serde_json::from_str(line.split_once(' ').unwrap().1).unwrap();
    let mut unit: Unit = serde_json::from_value(record["unit"]["unit"].clone()).unwrap();
    unit.attempts = attempts;
    unit
}

fn memory(attempts: u32) -> Memory {
    let mut memory = Memory::default();
    let of_connector = memory.connectors.entry("x/y".into()).or_default();
    of_connector.units.insert(Some(1), unit(attempts));
    memory
}

fn c() -> Arc<str> {
    "c".into()
}

fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    (folder, path)
}

fn journal(path: &Path) -> Journal {
    Journal::new(path, [c()])
}

fn attempts(journal: &mut Journal) -> u32 {
    let memory = journal.load(&c(), NOW).unwrap().memory;
    memory.connectors.get("x/y").map_or(0, |connector| connector.units[&Some(1)].attempts)
}

/// A line with a right checksum.
fn line(said: &str) -> String {
    format!("{:08x} {said}\n", crc32fast::hash(said.as_bytes()))
}

/// A journal with two writes, of one attempt and of two.
fn written(path: &Path) -> String {
    let mut journal = journal(path);
    journal.load(&c(), NOW).unwrap();
    for attempts in [1, 2] {
        let now = NOW + Duration::from_secs(attempts.into());
        journal.write(&c(), &memory(attempts), now).unwrap();
    }
    fs::read_to_string(path).unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn damage_is_told_from_a_crash_and_what_can_be_read_counts() {
    let (_folder, path) = place();
    let whole = written(&path);
    let middle = whole.lines().nth(2).unwrap();
    let cut_off =
        "its last line was cut off by a crash and counts for nothing; what stands before it counts";
    let half = &whole[..whole.len() - 30];
    let zeros = format!("{half}{}", "\0".repeat(30));
    let unknown = format!("{whole}{}", line("1800000000000 [{\"canary\":{}}]"));
    // What is in the file; what is lost; what is noted; the attempts that are remembered.
    type Case<'c> = (Vec<u8>, Option<&'c str>, Option<&'c str>, u32);
    let table: Vec<Case<'_>> = vec![
        (whole.clone().into(), None, None, 2),
        (half.into(), None, Some(cut_off), 1),
        (zeros.into(), None, Some(cut_off), 1),
        (format!("{whole}12345678").into(), None, Some(cut_off), 2),
        (b"".to_vec(), Some("the file is empty"), None, 0),
        (b"half a li".to_vec(), Some("line 1 is cut off"), None, 0),
        (
            whole.replacen(middle, "what is this\n", 1).into(),
            Some("line 3 is not a record of a journal"),
            None,
            2,
        ),
        (
            whole.replacen("\"attempts\":1", "\"attempts\":0", 1).into(),
            Some("line 3 has a wrong checksum"),
            None,
            2,
        ),
        (
            whole.replacen("\"attempts\":2", "\"attempts\":3", 1).into(),
            Some("line 4 has a wrong checksum"),
            None,
            1,
        ),
        (unknown.into(), Some("line 5 is of a kind that this version does not know"), None, 2),
        (
            [b"\xff\xfe\0\n", whole.as_bytes()].concat(),
            Some("line 1 is not a record of a journal"),
            None,
            2,
        ),
    ];
    assert_eq!(whole.lines().count(), 4, "format, lost, and a line a write: {whole}");
    for (bytes, lost, note, expected) in table {
        let (folder, path) = place();
        fs::write(&path, &bytes).unwrap();
        let mut opened = journal(&path);
        let (lost_because, note) = (lost.map(str::to_owned), note.map(str::to_owned));
        let found = Found { lost: lost_because, note, is_first: false };
        let text = String::from_utf8_lossy(&bytes);
        assert_eq!(opened.open(NOW).unwrap(), found, "{text}");
        assert_eq!(attempts(&mut opened), expected, "{text}");
        let kept = fs::read(folder.path().join("journal.broken")).ok();
        assert_eq!(kept, (lost.is_some() && !bytes.is_empty()).then_some(bytes));
        // It goes on from there, and is whole.
        opened.write(&c(), &memory(expected + 1), NOW).unwrap();
        drop(opened);
        let mut again = journal(&path);
        assert_eq!(again.open(NOW).unwrap(), Found::default());
        assert_eq!(attempts(&mut again), expected + 1);
    }
}

#[test]
fn a_loss_is_known_to_the_next_process_too_and_one_broken_file_is_kept() {
    let (folder, path) = place();
    let first = Found { is_first: true, ..Found::default() };
    assert_eq!(journal(&path).open(NOW / 3).unwrap(), first, "nothing is lost, and it is held");
    fs::remove_file(&path).unwrap();
    assert_eq!(journal(&path).open(NOW).unwrap().lost.as_deref(), Some("there was no journal"));
    let next = |now| journal(&path).load(&c(), now).unwrap().lost_at;
    assert_eq!(next(NOW + Duration::from_secs(9)), Some(NOW), "killed while it was held");
    assert_eq!(next(NOW / 2), Some(NOW / 2), "a clock that goes back holds no longer");
    for damage in ["one", "two"] {
        fs::write(&path, damage).unwrap();
        journal(&path).open(NOW * 2).unwrap();
        assert_eq!(names(folder.path()), ["journal", "journal.broken", "journal.lock"]);
        assert_eq!(fs::read_to_string(folder.path().join("journal.broken")).unwrap(), damage);
    }
    assert_eq!(next(NOW * 3), Some(NOW * 2));
}

#[test]
fn files_are_their_users_alone_and_a_link_stays_one() {
    let (folder, _) = place();
    let path = folder.path().join("a/b/journal");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    written(&path);
    assert_eq!([&path, path.parent().unwrap()].map(mode), [0o600, 0o700]);
    assert_eq!(mode(&path.with_extension("lock")), 0o600);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let mut opened = journal(&link);
    assert_eq!(attempts(&mut opened), 2);
    assert_eq!(mode(&path), 0o600);
    assert!(matches!(journal(&path).open(NOW), Err(StoreError::InUse(_))), "by its other name");
    drop(opened);
    fs::write(&path, "damage").unwrap();
    journal(&link).open(NOW).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(fs::read_to_string(&path).unwrap().contains("[\"lost\"]"));
}

#[test]
fn what_cannot_be_used_is_said_and_used_once_it_can() {
    let said = |path: &Path| {
        let error = journal(path).open(NOW).unwrap_err();
        (error.to_string().replace(&path.display().to_string(), "FILE"), error.may_pass())
    };
    let (folder, path) = place();
    fs::create_dir(&path).unwrap();
    assert_eq!(said(&path), ("the journal FILE cannot be opened: is a directory".into(), true));
    let below = folder.path().join("file/journal");
    fs::write(folder.path().join("file"), "").unwrap();
    let (message, may_pass) = said(&below);
    assert!(may_pass && message.starts_with("the journal FILE cannot be opened: "), "{message}");
    let socket = folder.path().join("socket");
    let _socket = UnixListener::bind(&socket).unwrap();
    assert_eq!(
        said(&socket).0,
        "the journal FILE cannot be opened: it is no file that a journal can be"
    );
    let (message, may_pass) = said(Path::new("/proc/connect-warden/journal"));
    assert!(may_pass && message.starts_with("the journal FILE cannot be opened: "), "{message}");

    let mut opened = journal(&path);
    assert!(opened.load(&c(), NOW).is_err());
    let refused = opened.write(&c(), &memory(1), NOW).unwrap_err();
    assert_eq!(refused.to_string(), "what the journal knows of cluster \"c\" was not read");
    fs::remove_dir(&path).unwrap();
    assert_eq!(opened.load(&c(), NOW).unwrap().lost_at, Some(NOW));
    opened.write(&c(), &memory(1), NOW).unwrap();
}

#[test]
fn other_formats() {
    let (_folder, path) = place();
    fs::write(&path, FORMAT_1).unwrap();
    let mut old = journal(&path);
    assert_eq!(old.open(NOW).unwrap(), Found::default());
    let memory = old.load(&c(), NOW).unwrap().memory;
    assert_eq!(memory.connectors.keys().map(|name| &**name).collect::<Vec<_>>(), ["x/y"]);
    assert_eq!(memory.connectors["x/y"].units[&Some(1)], unit(2));
    assert!(memory.budget.is_some() && memory.connectors["x/y"].budget.is_some());
    drop(old);
    assert_eq!(journal(&path).load(&c(), NOW).unwrap().memory, memory, "written anew");
    for header in ["{\"format\":9}", "1800000000000 [{\"format\":9}]"] {
        let text = line(header) + "something that nobody knows yet\n";
        fs::write(&path, &text).unwrap();
        let error = journal(&path).open(NOW).unwrap_err();
        let said = error.to_string().replace(&path.display().to_string(), "FILE");
        assert_eq!(
            said,
            "the journal FILE has format 9, and this version knows up to 2; use a later version, or move the file away"
        );
        assert!(!error.may_pass());
        assert_eq!(fs::read_to_string(&path).unwrap(), text, "left as it was");
    }
}

#[test]
fn one_process_has_it_and_one_that_lost_it_does_not_go_on_from_what_it_knew() {
    let (folder, path) = place();
    written(&path);
    let mut first = journal(&path);
    assert_eq!(attempts(&mut first), 2);
    let error = journal(&path).open(NOW).unwrap_err();
    assert!(
        error.to_string().ends_with(
            "is used by another process; two watchdogs must not act on the same clusters"
        )
    );
    assert!(!error.may_pass());
    // Moved away under it: written again, as a whole, with what follows.
    fs::rename(&path, folder.path().join("elsewhere")).unwrap();
    first.write(&c(), &memory(3), NOW).unwrap();
    assert!(matches!(journal(&path).open(NOW), Err(StoreError::InUse(_))));
    // With its folder; and here another process is quicker.
    fs::remove_dir_all(folder.path()).unwrap();
    let mut second = journal(&path);
    assert_eq!(attempts(&mut second), 0);
    second.write(&c(), &memory(7), NOW).unwrap();
    assert!(matches!(first.write(&c(), &memory(4), NOW), Err(StoreError::InUse(_))));
    drop(second);
    assert!(matches!(first.write(&c(), &memory(4), NOW), Err(StoreError::NotLoaded(_))));
    assert_eq!(attempts(&mut first), 7);
    first.write(&c(), &memory(8), NOW).unwrap();
    fs::remove_dir_all(folder.path()).unwrap();
    first.write(&c(), &memory(9), NOW).unwrap();
    drop(first);
    assert_eq!(attempts(&mut journal(&path)), 9);
}

#[test]
fn a_history_is_read_while_it_is_written_and_changes_nothing() {
    let (folder, path) = place();
    written(&path);
    let mut used = journal(&path);
    used.load(&c(), NOW).unwrap();
    used.write(&c(), &Memory::default(), NOW + Duration::from_millis(2500)).unwrap();
    let whole = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{whole}12345678 18")).unwrap();
    let read = || read_history(&mut fs::File::open(&path).unwrap());
    let events = read().unwrap();
    let told: Vec<_> = events
        .iter()
        .map(|event| {
            let phase = event.unit.as_ref().map(|unit| &unit.phase);
            assert!(matches!(phase, None | Some(Phase::BackingOff { .. })));
            let unit = event.unit.as_ref().map(|unit| (unit.attempts, &*unit.signature));
            (event.at - NOW, &*event.cluster, &*event.id.0, event.id.1, unit)
        })
        .collect();
    let at = Duration::from_millis;
    assert_eq!(
        told,
        [
            (at(1000), "c", "x/y", Some(1), Some((1, "db"))),
            (at(2000), "c", "x/y", Some(1), Some((2, "db"))),
            (at(2500), "c", "x/y", Some(1), None),
        ]
    );
    assert_eq!(names(folder.path()), ["journal", "journal.lock"]);
    let table = [
        (String::new(), "line 1: is missing: the file is empty"),
        (FORMAT_1.to_owned(), "line 1: has format 1, which says no times"),
        (line("1 [{\"format\":9}]"), "line 1: has format 9; this version knows up to 2"),
        (line("1 [\"lost\"]"), "line 1: does not say the format, as a journal's first does"),
        ("{\"status\": \"success\"}".to_owned(), "line 1: is cut off"),
        ("a b\n".to_owned(), "line 1: is not a record of a journal"),
        (whole.replacen("attempts", "Attempts", 1), "line 3: has a wrong checksum"),
    ];
    for (text, expected) in table {
        fs::write(&path, text).unwrap();
        let error = read().unwrap_err().to_string();
        assert_eq!(error, expected);
    }
}

/// Files cannot grow over the limit, whichever of the two is writing, as on a full disk.
#[test]
#[ignore = "run in a process of its own by the next one"]
fn in_a_process_whose_files_cannot_grow() {
    let (folder, path) = place();
    let mut journal = journal(&path);
    journal.load(&c(), NOW).unwrap();
    let (_, hard) = getrlimit(Resource::RLIMIT_FSIZE).unwrap();
    setrlimit(Resource::RLIMIT_FSIZE, 1000, hard).unwrap();
    let mut written = 0;
    let error = loop {
        match journal.write(&c(), &memory(written + 1), NOW) {
            Ok(()) => written += 1,
            Err(error) => break error,
        }
    };
    let said = error.to_string().replace(&path.display().to_string(), "FILE");
    assert_eq!(said, "the journal FILE cannot be written: File too large (os error 27)");
    assert!(written > 0 && error.may_pass());
    assert!(journal.write(&c(), &memory(written + 1), NOW).is_err());
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.ends_with('\n') && text.len() < 1000, "half a line is taken back: {text}");
    setrlimit(Resource::RLIMIT_FSIZE, hard, hard).unwrap();
    journal.write(&c(), &memory(written + 2), NOW).unwrap();
    drop(journal);
    assert_eq!(names(folder.path()), ["journal", "journal.lock"]);
    let mut again = self::journal(&path);
    assert_eq!(again.open(NOW).unwrap(), Found::default());
    assert_eq!(attempts(&mut again), written + 2);
}

#[test]
fn a_full_disk_refuses_a_write_whole_and_takes_the_next_once_there_is_room() {
    let this = std::env::current_exe().unwrap();
    let output = Command::new("sh")
        .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
        .arg(this)
        .args(["--ignored", "--exact", "in_a_process_whose_files_cannot_grow"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}
