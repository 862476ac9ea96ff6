//! What is in force, for people and for programs.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::cli::Output;
use crate::watchdog::office::KillSwitch;
use crate::watchdog::orders::{Acknowledgement, Given, Orders, Silenced, as_time, clean};
use crate::watchdog::policy::Time;

/// An acknowledgement is heeded at the next poll; after this it is no news.
const NEWS: Duration = Duration::from_secs(600);

/// What is known of the `stop_file`, which stops as an order does.
#[derive(Debug)]
pub(super) enum StopFile {
    /// No configuration was named.
    NotKnown,
    /// As the configuration has it.
    Named(Option<PathBuf>),
}

impl StopFile {
    /// Why nothing is restarted because of it.
    pub(super) fn stops(&self) -> Option<String> {
        match self {
            Self::NotKnown | Self::Named(None) => None,
            Self::Named(file @ Some(_)) => {
                KillSwitch::new(file.clone(), Arc::new(Orders::none())).stopped_by_the_file()
            }
        }
    }
}

/// What is in the file, or why that is not known.
pub(super) struct InForce<'g> {
    pub(super) file: &'g Path,
    pub(super) given: &'g Given,
    pub(super) problem: Option<&'g str>,
    pub(super) stop_file: &'g StopFile,
    pub(super) now: Time,
}

impl InForce<'_> {
    fn silences(&self) -> impl Iterator<Item = &Silenced> {
        self.given.silences.iter().filter(|silence| silence.until > self.now)
    }

    fn acknowledged(&self) -> impl Iterator<Item = &Acknowledgement> {
        let is_new = |order: &&Acknowledgement| self.now.saturating_sub(order.at) <= NEWS;
        self.given.acknowledged.iter().filter(is_new)
    }

    pub(super) fn tell(&self, output: Output, out: &mut impl Write) -> std::io::Result<()> {
        match output {
            Output::Table => self.table(out),
            Output::Json => {
                let all = json!({
                    "file": self.file.display().to_string(),
                    "stopped": self.given.stop.is_some()
                        || self.problem.is_some()
                        || self.stop_file.stops().is_some(),
                    "stop_file": self.stop_file.stops(),
                    "problem": self.problem,
                    "stop": self.given.stop,
                    "silences": self.silences().collect::<Vec<_>>(),
                    "acknowledged": self.acknowledged().collect::<Vec<_>>(),
                });
                writeln!(out, "{all:#}")
            }
        }
    }

    fn table(&self, out: &mut impl Write) -> std::io::Result<()> {
        writeln!(out, "in force, by {}:", self.file.display())?;
        match (&self.given.stop, self.problem) {
            (_, Some(problem)) => writeln!(out, "  stop          {problem}")?,
            (Some(stop), None) => writeln!(out, "  stop          {}", stop.sentence())?,
            (None, None) => writeln!(out, "  no order to stop")?,
        }
        match (self.stop_file, self.stop_file.stops()) {
            (_, Some(because)) => {
                writeln!(
                    out,
                    "  stop file     {because}: nothing is restarted until it is removed"
                )?;
            }
            (StopFile::Named(Some(file)), None) => {
                writeln!(out, "  stop file     {} is not there", file.display())?;
            }
            (StopFile::Named(None), None) => {}
            (StopFile::NotKnown, None) => {
                writeln!(out, "  stop file     not looked for: name the watchdog's --config.file")?;
            }
        }
        writeln!(
            out,
            "  signal        cannot be seen from here: connect_warden_kill_switch and \
             /api/v1/plan say whether one stopped it"
        )?;
        for silence in self.silences() {
            writeln!(out, "  silence       {}", one_silence(silence, self.now))?;
        }
        for order in self.acknowledged() {
            let (by, at) = (clean(&order.by), as_time(order.at));
            writeln!(out, "  acknowledged  {}, by {by} at {at}", unit(order))?;
        }
        Ok(())
    }
}

/// One silence on a line.
pub(super) fn one_silence(silence: &Silenced, now: Time) -> String {
    let left = Duration::from_secs(silence.until.saturating_sub(now).as_secs());
    let cluster = silence.cluster.as_deref().map_or("any cluster".to_owned(), |cluster| {
        format!("clusters that match {:?}", clean(cluster))
    });
    format!(
        "{}: connectors that match {:?} in {cluster}, until {} (for {}), by {}: {}",
        clean(&silence.id),
        clean(&silence.connector),
        as_time(silence.until),
        humantime::format_duration(left),
        clean(&silence.by),
        clean(&silence.reason)
    )
}

fn unit(order: &Acknowledgement) -> String {
    let task = order.task.map_or(String::new(), |task| format!(" task {task}"));
    format!("{:?}{task} in cluster {:?}", clean(&order.connector), clean(&order.cluster))
}
