//! Writes lines on a thread of its own: a disk may hang, and so may whoever reads a pipe, and nobody
//! waits for either.

use std::io::{self, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::AuditLine;
use super::file::LineFile;

/// So many lines may wait to be written; beyond, they are lost, and counted.
const MAX_WAITING: usize = 10_000;
/// A log that cannot be written is said once in so long.
const SAID_EVERY: Duration = Duration::from_secs(300);

/// Where lines go.
#[derive(Debug)]
pub(super) enum Sink {
    File(LineFile),
    Stdout,
}

/// Takes lines, and has them written.
#[derive(Debug)]
pub(super) struct Writer {
    queue: SyncSender<Job>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
enum Job {
    /// Makes sure that it can be written to.
    Prepare,
    Write(Arc<AuditLine>),
}

#[derive(Debug, Default)]
struct Shared {
    failures: AtomicU64,
    waiting: Mutex<usize>,
    one_less: Condvar,
    seldom: Mutex<Seldom>,
}

impl Writer {
    /// Starts it.
    pub(super) fn start(sink: Sink) -> Self {
        let (queue, jobs) = sync_channel(MAX_WAITING);
        let shared = Arc::new(Shared::default());
        let writer = Self { queue, shared: Arc::clone(&shared) };
        let work = move || run(sink, &jobs, &shared);
        match std::thread::Builder::new().name("audit".to_owned()).spawn(work) {
            Ok(_) => writer.push(Job::Prepare),
            Err(error) => writer.shared.failed(&error),
        }
        writer
    }

    /// Never waits.
    pub(super) fn write(&self, line: Arc<AuditLine>) {
        self.push(Job::Write(line));
    }

    fn push(&self, job: Job) {
        *lock(&self.shared.waiting) += 1;
        if let Err(error) = self.queue.try_send(job) {
            let said = match error {
                TrySendError::Full(_) => "whoever takes its lines does not keep up",
                TrySendError::Disconnected(_) => "there is no thread that writes it",
            };
            self.shared.done(Err(io::Error::other(said)));
        }
    }

    /// How often it could not be opened, rotated or written.
    pub(super) fn failures(&self) -> u64 {
        self.shared.failures.load(Ordering::Relaxed)
    }

    /// Waits until all is written, but no longer than this; whether it is.
    pub(super) fn flush(&self, limit: Duration) -> bool {
        let waiting = lock(&self.shared.waiting);
        let waited =
            self.shared.one_less.wait_timeout_while(waiting, limit, |waiting| *waiting > 0);
        *waited.unwrap_or_else(PoisonError::into_inner).0 == 0
    }
}

fn run(mut sink: Sink, jobs: &Receiver<Job>, shared: &Shared) {
    for job in jobs {
        shared.done(sink.work(&job));
    }
}

impl Shared {
    fn done(&self, result: io::Result<()>) {
        if let Err(error) = result {
            self.failed(&error);
        }
        *lock(&self.waiting) -= 1;
        self.one_less.notify_all();
    }

    fn failed(&self, error: &io::Error) {
        let audit_failures = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
        if lock(&self.seldom).is_due(Instant::now()) {
            tracing::error!(
                %error,
                audit_failures,
                "the audit log cannot be written as it should be; the watchdog goes on"
            );
        }
    }
}

impl Sink {
    fn work(&mut self, job: &Job) -> io::Result<()> {
        let line = match (job, &mut *self) {
            (Job::Prepare, Self::Stdout) => return Ok(()),
            (Job::Prepare, Self::File(file)) => return file.prepare(),
            (Job::Write(line), _) => line,
        };
        let mut bytes = serde_json::to_vec(&**line)?;
        bytes.push(b'\n');
        match self {
            Self::File(file) => file.write(&bytes),
            Self::Stdout => {
                let mut out = io::stdout().lock();
                out.write_all(&bytes).and_then(|()| out.flush())
            }
        }
    }
}

/// Lets through once in [`SAID_EVERY`].
#[derive(Debug, Default)]
struct Seldom(Option<Instant>);

impl Seldom {
    fn is_due(&mut self, now: Instant) -> bool {
        let due = self.0.is_none_or(|last| now.saturating_duration_since(last) >= SAID_EVERY);
        if due {
            self.0 = Some(now);
        }
        due
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::super::AuditEvent;
    use super::*;

    #[test]
    fn it_is_said_seldom() {
        let (mut seldom, start) = (Seldom::default(), Instant::now());
        let due =
            [0, 0, 299, 300, 301, 600].map(|at| seldom.is_due(start + Duration::from_secs(at)));
        assert_eq!(due, [true, false, false, true, false, true]);
    }

    /// As where the thread hangs in a write.
    #[test]
    fn what_nobody_takes_is_lost_and_counted_and_nobody_waits() {
        let (queue, jobs) = sync_channel(2);
        let writer = Writer { queue, shared: Arc::default() };
        let line = AuditLine::new(Duration::ZERO, "c".into(), AuditEvent::Failed);
        for _ in 0..5 {
            writer.write(Arc::new(line.clone()));
        }
        assert_eq!(writer.failures(), 3);
        assert!(!writer.flush(Duration::ZERO));
        drop(jobs);
        writer.write(Arc::new(line));
        assert_eq!(writer.failures(), 4);
    }
}
