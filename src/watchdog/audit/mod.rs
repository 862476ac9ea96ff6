//! The audit log: what the watchdog saw, decided and did, a line of JSON each, in a file or on
//! standard output; the last lines are kept for `/api/v1/audit`.
//!
//! In, [`AuditLine`]s; out, lines without secrets. An audit log that cannot be written stops nothing:
//! it is counted, and said now and then.

mod file;
mod line;
mod writer;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::config::{AuditSettings, AuditTarget};

use file::LineFile;
pub use line::{AuditEvent, AuditLine, Words, trace_hash};
use writer::{Sink, Writer};

/// So many lines are kept in memory.
pub const MAX_RECENT: usize = 1000;
/// Of so many units it is remembered why they are held; beyond, a line may be written again.
const MAX_HELD: usize = 100_000;

/// An open audit log, for all clusters.
#[derive(Debug)]
pub struct Audit {
    /// Held while a line is handed over, so that lines stand in the ring as in the file.
    told: Mutex<Told>,
    writer: Option<Writer>,
}

#[derive(Debug, Default)]
struct Told {
    held: BTreeMap<UnitKey, Words>,
    recent: VecDeque<Arc<AuditLine>>,
}

/// Cluster, connector, task.
type UnitKey = (Arc<str>, Option<Arc<str>>, Option<u32>);

impl Audit {
    /// Opens it. Where that fails it is counted and said, and tried again with each line.
    pub fn open(settings: Option<&AuditSettings>) -> Self {
        let sink = settings.map(|settings| match &settings.target {
            AuditTarget::StandardOutput => Sink::Stdout,
            AuditTarget::File(path) => {
                Sink::File(LineFile::new(path.clone(), settings.max_bytes, settings.keep))
            }
        });
        Self { told: Mutex::default(), writer: sink.map(Writer::start) }
    }

    /// Has a line written, masked, and waits for nothing. A unit that is held for the reason that was
    /// written last is not written again.
    pub fn append(&self, line: &AuditLine) {
        let mut told = lock(&self.told);
        if !told.is_news(line) {
            return;
        }
        let line = Arc::new(line.presentable());
        if let Some(writer) = &self.writer {
            writer.write(Arc::clone(&line));
        }
        if told.recent.len() == MAX_RECENT {
            told.recent.pop_front();
        }
        told.recent.push_back(line);
    }

    /// Waits until all is written, but no longer than this; whether it is.
    pub fn flush(&self, limit: Duration) -> bool {
        self.writer.as_ref().is_none_or(|writer| writer.flush(limit))
    }

    /// The last lines, newest first, of this cluster and this connector where they are given; at
    /// most `limit`. Never waits for a disk.
    pub fn recent(
        &self,
        cluster: Option<&str>,
        connector: Option<&str>,
        limit: usize,
    ) -> Vec<Arc<AuditLine>> {
        let told = lock(&self.told);
        let fits = |line: &&Arc<AuditLine>| {
            cluster.is_none_or(|cluster| &*line.cluster == cluster)
                && connector.is_none_or(|connector| line.connector.as_deref() == Some(connector))
        };
        told.recent.iter().rev().filter(fits).take(limit).map(Arc::clone).collect()
    }

    /// How often it could not be opened, rotated or written.
    pub fn audit_failures(&self) -> u64 {
        self.writer.as_ref().map_or(0, Writer::failures)
    }
}

impl Told {
    fn is_news(&mut self, line: &AuditLine) -> bool {
        let unit = (Arc::clone(&line.cluster), line.connector.clone(), line.task);
        if line.event != AuditEvent::Held {
            self.held.remove(&unit);
            return true;
        }
        let why = line.why.clone().unwrap_or_default();
        if self.held.get(&unit) == Some(&why) {
            return false;
        }
        if self.held.len() >= MAX_HELD {
            self.held.clear();
        }
        self.held.insert(unit, why);
        true
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const SOON: Duration = Duration::from_secs(60);

    fn line(event: AuditEvent, connector: &str) -> AuditLine {
        let at = Duration::from_secs(1_795_505_663);
        AuditLine { connector: Some(connector.into()), ..AuditLine::new(at, "c".into(), event) }
    }

    fn to_file(path: &Path) -> Audit {
        let target = AuditTarget::File(path.to_owned());
        Audit::open(Some(&AuditSettings { target, max_bytes: 16 << 20, keep: 5 }))
    }

    fn written(path: &Path) -> Vec<AuditLine> {
        let text = std::fs::read_to_string(path).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn secrets_are_in_neither_the_file_nor_the_memory() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        let audit = to_file(&path);
        let secret = || Some(Words::from("http://a:s3cret@h/ password=s3cret"));
        audit.append(&AuditLine {
            signature: Some("x: token=s3cret @h:1".into()),
            exception: Some("Bearer s3cretS3CRET".into()),
            why: secret(),
            call: secret(),
            answer: Some(format!("{} password=s3cret", "é".repeat(3000)).into()),
            outcome: secret(),
            rule: secret(),
            by: secret(),
            ..line(AuditEvent::Sent, "x")
        });
        assert!(audit.flush(SOON));
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains("s3cret") && text.contains("token=*** @h:1"), "{text}");
        assert!(text.len() < 2000, "a long answer is cut: {}", text.len());
        let recent = audit.recent(None, None, 10);
        assert_eq!(written(&path), [(*recent[0]).clone()]);
    }

    #[test]
    fn lines_of_many_threads_are_whole_and_in_the_order_of_the_memory() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.log");
        let audit = to_file(&path);
        std::thread::scope(|scope| {
            for name in ["a", "b", "c", "d"] {
                let audit = &audit;
                scope.spawn(move || {
                    (0..50).for_each(|n| {
                        audit
                            .append(&AuditLine { task: Some(n), ..line(AuditEvent::Failed, name) });
                    });
                });
            }
        });
        assert!(audit.flush(SOON));
        let mut recent = audit.recent(None, None, MAX_RECENT);
        recent.reverse();
        let recent: Vec<_> = recent.iter().map(|line| (**line).clone()).collect();
        assert_eq!((recent.len(), audit.audit_failures()), (200, 0));
        assert_eq!(written(&path), recent);
    }

    #[test]
    fn the_memory_is_bounded_and_can_be_asked() {
        let audit = Audit::open(None);
        for n in 0..1500 {
            let name = if n % 2 == 0 { "even" } else { "odd" };
            audit.append(&AuditLine { task: Some(n), ..line(AuditEvent::Failed, name) });
        }
        audit.append(&AuditLine::new(Duration::ZERO, "other".into(), AuditEvent::HoldBegan));
        assert_eq!(lock(&audit.told).recent.len(), MAX_RECENT);
        let asked = |cluster, connector, limit| {
            let lines = audit.recent(cluster, connector, limit);
            lines.iter().map(|line| line.task).collect::<Vec<_>>()
        };
        assert_eq!(asked(None, None, 2), [None, Some(1499)]);
        assert_eq!(asked(Some("c"), Some("even"), 2), [Some(1498), Some(1496)]);
        assert_eq!(asked(Some("other"), None, 9), [None]);
        assert_eq!(asked(Some("c"), None, 5000).len(), MAX_RECENT - 1);
        assert!(asked(Some("other"), Some("even"), 9).is_empty());
    }

    #[test]
    fn that_a_unit_is_held_is_written_once_until_something_changes() {
        let audit = Audit::open(None);
        let held = |connector, task, why: &'static str| {
            let why = Some(Words::from(why));
            audit.append(&AuditLine { task, why, ..line(AuditEvent::Held, connector) });
            audit.recent(None, None, MAX_RECENT).len()
        };
        assert_eq!(held("x", None, "budget"), 1);
        assert_eq!(held("x", None, "budget"), 1);
        assert_eq!(held("x", Some(0), "budget"), 2, "another unit");
        assert_eq!(held("y", None, "budget"), 3);
        assert_eq!(held("x", None, "breaker"), 4);
        assert_eq!(held("x", None, "budget"), 5);
        audit.append(&line(AuditEvent::Released, "x"));
        assert_eq!(held("x", None, "budget"), 7);
        assert_eq!(held("x", Some(0), "budget"), 7);
    }

    #[test]
    fn a_log_that_cannot_be_written_is_counted_and_tried_again() {
        let folder = tempfile::tempdir().unwrap();
        // A file in the folder's place is as good as a folder without the right to write, and
        // holds for every user.
        let place = folder.path().join("place");
        std::fs::write(&place, "").unwrap();
        let path = place.join("audit.log");
        let audit = to_file(&path);
        assert!(audit.flush(SOON));
        assert_eq!(audit.audit_failures(), 1);
        audit.append(&line(AuditEvent::Failed, "x"));
        assert!(audit.flush(SOON));
        assert_eq!((audit.audit_failures(), audit.recent(None, None, 9).len()), (2, 1));
        std::fs::remove_file(&place).unwrap();
        audit.append(&line(AuditEvent::Decided, "x"));
        assert!(audit.flush(SOON));
        assert_eq!(audit.audit_failures(), 2);
        assert_eq!(written(&path)[0].event, AuditEvent::Decided);
    }
}
