//! `watchdog`: orders for a watchdog that runs on this host, by way of the file beside its journal.
//!
//! Each says what is in force afterwards and how it is taken back.

mod flags;
mod notes;
mod tell;

use std::io::Write;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail};

use crate::cli::Output;
use crate::config::{self, Flags};
use crate::watchdog::orders::{Broken, ChangeError, Changed, Given, OrderError, Orders, clean};
use crate::watchdog::policy::Time;

pub use flags::{Order, OrderFlags};
use tell::{InForce, StopFile, one_silence};

/// What the order names is not there: bad input, that only the file tells.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NoSuch(String);

/// An order whose place is known and whose form is right.
#[derive(Debug)]
pub struct Prepared<'f> {
    order: &'f Order,
    journal: PathBuf,
    orders: Orders,
    by: String,
    /// The stop file, where the configuration was named and has one.
    stop_file: StopFile,
    /// What is to be added to a command that takes the order back.
    same_place: String,
    now: Time,
}

impl<'f> Prepared<'f> {
    /// `outer` are the flags before `watchdog`, and the environment. An error is bad input.
    pub fn new(flags: &'f OrderFlags, outer: &Flags) -> anyhow::Result<Self> {
        let file = flags.file.as_ref().or(outer.file.as_ref());
        let flag = flags.journal.as_ref().or(outer.journal.as_ref());
        let journal = config::journal(flag.map(PathBuf::as_path), file.map(PathBuf::as_path))?;
        if !journal.parent().is_some_and(|folder| folder.as_os_str().is_empty() || folder.is_dir())
        {
            bail!(
                "there is no folder for the journal {}: name that of the watchdog with \
                 --watchdog.journal=FILE, or its configuration with --config.file=FILE",
                journal.display()
            );
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is wrong")?;
        let prepared = Self {
            order: &flags.order,
            orders: Orders::beside(&journal),
            journal,
            by: whose(flags.by.as_deref()),
            stop_file: match file {
                // One that is broken otherwise stops nobody from giving an order.
                Some(file) => config::stop_file(file).map_or(StopFile::NotKnown, StopFile::Named),
                None => StopFile::NotKnown,
            },
            same_place: [
                flag.map(|path| said("--watchdog.journal", path)),
                file.map(|path| said("--config.file", path)),
            ]
            .into_iter()
            .flatten()
            .collect(),
            now,
        };
        prepared.rehearse()?;
        if let Some(file) = file {
            has_cluster(&flags.order, file)?;
        }
        Ok(prepared)
    }

    /// What cannot be an order is bad input, whatever is in the file.
    fn rehearse(&self) -> Result<(), OrderError> {
        match self.apply(&mut Given::default()) {
            Err(error @ OrderError::Bad(_)) => Err(error),
            Err(OrderError::Nothing(_) | OrderError::Full(_)) | Ok(_) => Ok(()),
        }
    }

    /// Changes what is ordered; gives what there is to say of it.
    fn apply(&self, given: &mut Given) -> Result<String, OrderError> {
        let (by, now, place) = (&*self.by, self.now, &*self.same_place);
        match self.order {
            Order::Stop { reason } => {
                let before = given.stop(by, reason.as_deref().unwrap_or_default(), now);
                let before = before.map(|stop| format!("; before that {}", stop.sentence()));
                Ok(format!(
                    "stopped: nothing is restarted{}\nundo: connect-warden watchdog go{place}",
                    before.unwrap_or_default()
                ))
            }
            Order::Go => {
                let stop = given.go()?;
                Ok(self.gone(&stop.sentence()))
            }
            Order::Silence { connector, cluster, time, reason } => {
                let id = given.silence(cluster.as_deref(), connector, *time, reason, by, now)?;
                Ok(format!(
                    "silence {id} is in force\nundo: connect-warden watchdog unsilence {id}{place}"
                ))
            }
            Order::Unsilence { id } => {
                let silence = given.unsilence(id)?;
                Ok(format!(
                    "no longer in force: {}\nundo: give the silence again",
                    one_silence(&silence, now)
                ))
            }
            Order::Acknowledge { cluster, connector, task } => {
                given.acknowledge(cluster, connector, *task, by, now)?;
                let then = match notes::silenced(given, cluster, connector, now) {
                    Some(id) => format!("tried afresh once the silence {id} is over"),
                    None => "tried afresh from the next poll on".to_owned(),
                };
                Ok(format!(
                    "acknowledged: it is {then}, if the watchdog runs within ten minutes and \
                     knows it; its log says which\nundo: not possible; `silence` leaves it alone"
                ))
            }
            Order::Orders { .. } => Ok(String::new()),
        }
    }

    /// What is said once there is no order to stop.
    fn gone(&self, what: &str) -> String {
        let but = self.stop_file.stops().map_or_else(String::new, |because| {
            format!("\nSTILL STOPPED: {because}; remove it, too")
        });
        format!("no longer {what}{but}\nundo: connect-warden watchdog stop{}", self.same_place)
    }

    /// Gives the order, and says what is in force then.
    pub fn give(&self, out: &mut impl Write) -> anyhow::Result<()> {
        let file = self.orders.path();
        let before = self.orders.read();
        if let Order::Orders { output } = self.order {
            return self.tell(&before.given, before.problem.as_deref(), *output, out);
        }
        let (broken, mends) = match self.order {
            Order::Stop { .. } => (Broken::PutAside, false),
            Order::Go => (Broken::PutAside, before.problem.is_some()),
            Order::Silence { .. }
            | Order::Unsilence { .. }
            | Order::Acknowledge { .. }
            | Order::Orders { .. } => (Broken::Refuse, false),
        };
        let changed = self.orders.change(broken, self.now, |given| match self.apply(given) {
            // The file itself was the order to stop.
            Err(OrderError::Nothing(_)) if mends => Ok(self.gone("stopped")),
            other => other,
        });
        let changed = match changed {
            Ok(changed) => changed,
            Err(error) => return Err(self.refused(error, out)),
        };
        self.done(&changed, file, out)
    }

    fn done(
        &self,
        changed: &Changed<String>,
        file: &Path,
        out: &mut impl Write,
    ) -> anyhow::Result<()> {
        if let Some(doubt) = notes::doubt(&self.journal) {
            writeln!(out, "{doubt}")?;
        }
        writeln!(out, "{}", changed.value)?;
        for odd in notes::odd_patterns(self.order) {
            writeln!(out, "{odd}")?;
        }
        if let Some(aside) = &changed.put_aside {
            writeln!(
                out,
                "what was in {} could not be understood and no longer counts, silences in it \
                 neither; it is in {} now",
                file.display(),
                aside.display()
            )?;
        }
        self.tell(&changed.given, None, Output::Table, out)
    }

    fn refused(&self, error: ChangeError, out: &mut impl Write) -> anyhow::Error {
        let now = self.orders.read();
        let hint = match &error {
            ChangeError::Order(OrderError::Nothing(_)) => {
                let told = self.tell(&now.given, now.problem.as_deref(), Output::Table, out);
                let error = match self.order {
                    Order::Unsilence { .. } => anyhow::Error::new(NoSuch(error.to_string())),
                    Order::Go => match self.stop_file.stops() {
                        Some(because) => anyhow::anyhow!("{error} by an order, but {because}"),
                        None => error.into(),
                    },
                    Order::Stop { .. }
                    | Order::Silence { .. }
                    | Order::Acknowledge { .. }
                    | Order::Orders { .. } => error.into(),
                };
                return told.err().unwrap_or(error);
            }
            ChangeError::Broken(_) => {
                format!("; `watchdog go{}` puts the file aside and begins afresh", self.same_place)
            }
            ChangeError::Order(_)
            | ChangeError::Locked(_)
            | ChangeError::Owner { .. }
            | ChangeError::Write(..) => String::new(),
        };
        if hint.is_empty() { error.into() } else { anyhow::anyhow!("{error}{hint}") }
    }

    fn tell(
        &self,
        given: &Given,
        problem: Option<&str>,
        output: Output,
        out: &mut impl Write,
    ) -> anyhow::Result<()> {
        let file = self.orders.path();
        Ok(InForce { file, given, problem, stop_file: &self.stop_file, now: self.now }
            .tell(output, out)?)
    }
}

fn said(flag: &str, path: &Path) -> String {
    let path = path.display().to_string();
    let is_plain = path.chars().all(|c| c.is_alphanumeric() || "/._-+:@%".contains(c));
    let quoted = if is_plain { path } else { format!("'{}'", path.replace('\'', "'\\''")) };
    format!(" {flag}={quoted}")
}

fn whose(by: Option<&str>) -> String {
    let variable = |name: &str| std::env::var(name).ok();
    let id = || {
        let own = Path::new("/proc/self").metadata().ok();
        own.map_or_else(|| "somebody".to_owned(), |own| format!("uid {}", own.uid()))
    };
    [by.map(str::to_owned), variable("SUDO_USER"), variable("USER")]
        .into_iter()
        .flatten()
        .map(|name| clean(&name))
        .find(|name| !name.is_empty())
        .unwrap_or_else(id)
}

/// A cluster that the watchdog does not know is a slip of the pen.
fn has_cluster(order: &Order, file: &Path) -> anyhow::Result<()> {
    let (wanted, is_pattern) = match order {
        Order::Acknowledge { cluster, .. } => (cluster, false),
        Order::Silence { cluster: Some(cluster), .. } => (cluster, true),
        Order::Silence { cluster: None, .. }
        | Order::Stop { .. }
        | Order::Go
        | Order::Unsilence { .. }
        | Order::Orders { .. } => return Ok(()),
    };
    let names = config::cluster_names(file)?;
    let pattern = config::pattern_of_whole(wanted).ok().filter(|_| is_pattern);
    let is_there =
        |name: &String| pattern.as_ref().map_or(name == wanted, |pattern| pattern.is_match(name));
    if names.is_empty() || names.iter().any(is_there) {
        return Ok(());
    }
    bail!(
        "--cluster: {} has no cluster {:?}; it has {}",
        file.display(),
        clean(wanted),
        names.join(", ")
    )
}
