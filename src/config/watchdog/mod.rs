//! `watchdog:` of the file, read with lines and checked, and what it comes to.

mod audit;
mod matching;
mod node;
mod numbers;
mod policy;
mod probe;
mod rules;
mod section;
mod shown;
mod silences;
mod window;
mod windows;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::watchdog::policy::Limits;

pub use audit::{AuditSettings, AuditTarget};
pub use matching::MatchSettings;
pub(super) use node::{Node, Problem};
pub use probe::{ProbeSettings, ProbeTarget};
pub use rules::RuleSettings;
pub(crate) use shown::differing;
pub use silences::SilenceSettings;
pub use window::{Window, is_open, next_change};
pub use windows::Schedule;

use section::Section;

/// What is done about failures.
#[derive(Clone, Debug)]
pub struct WatchdogSettings {
    /// Whether it acts; default `dry-run`.
    pub mode: WatchdogMode,
    /// Where what is done is kept; default in the state folder.
    pub journal: PathBuf,
    /// Nothing is done for so long where the journal was lost; default 2 min.
    pub journal_lost_hold: Duration,
    /// The answer to a restart is waited for so long; default 30 s.
    pub restart_timeout: Duration,
    /// While this file is there nothing is restarted.
    pub stop_file: Option<PathBuf>,
    /// Where decisions are written down; `None`: nowhere.
    pub audit: Option<AuditSettings>,
    /// The numbers of the policy.
    pub limits: Limits,
    /// When anything is done at all.
    pub schedule: Schedule,
    /// In order; the first that fits a unit wins.
    pub rules: Vec<RuleSettings>,
    /// What schedules name.
    pub windows: Vec<Window>,
    /// Who is left alone, and until when.
    pub silences: Vec<SilenceSettings>,
    /// Which dependencies are probed; `None`: none.
    pub probe: Option<ProbeSettings>,
}

/// Whether the watchdog acts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum WatchdogMode {
    /// It does not look.
    Off,
    /// It decides and says what it would do, and sends nothing.
    #[default]
    DryRun,
    /// It restarts what is stuck.
    On,
}

/// The modes, as they are written.
const MODES: [(&str, WatchdogMode); 3] = [
    (WatchdogMode::Off.as_str(), WatchdogMode::Off),
    (WatchdogMode::DryRun.as_str(), WatchdogMode::DryRun),
    (WatchdogMode::On.as_str(), WatchdogMode::On),
];

impl WatchdogMode {
    /// Every mode, in the order in which they are exported.
    pub const ALL: [Self; 3] = [Self::Off, Self::DryRun, Self::On];

    /// The word as it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::DryRun => "dry-run",
            Self::On => "on",
        }
    }
}

/// What the rest of the configuration, the flags and the clock say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Around<'a> {
    pub(super) mode: Option<WatchdogMode>,
    pub(super) journal: Option<&'a Path>,
    pub(super) audit: Option<&'a Path>,
    pub(super) clusters: &'a [&'a str],
    pub(super) poll_interval: Duration,
    pub(super) now: SystemTime,
}

/// Reads `watchdog:`; what is odd and not wrong is added to the warnings.
pub(super) fn read(
    node: &Node,
    around: Around<'_>,
    warnings: &mut Vec<Problem>,
) -> Result<WatchdogSettings, Problem> {
    let mut section = Section::new("watchdog", node.line, node)?;
    let in_file = section.word("mode", &MODES)?;
    let mode = around.mode.or(in_file).unwrap_or_default();
    let in_file = section.text("journal")?.map(|text| PathBuf::from(text.text));
    let journal = around.journal.map(Path::to_owned).or(in_file);
    let mut journal_lost_hold = Duration::from_secs(120);
    let (least, day) = (Duration::from_millis(10), Duration::from_secs(86_400));
    section.time("journal_lost_hold", least..=day, &mut journal_lost_hold)?;
    let mut restart_timeout = Duration::from_secs(30);
    section.time("restart_timeout", least..=Duration::from_secs(120), &mut restart_timeout)?;
    let stop_file = section.text("stop_file")?.map(|text| PathBuf::from(text.text));
    let audit = audit::read(&mut section, around.audit)?;

    let mut limits = Limits::default();
    numbers::of_a_unit(&mut section, &mut limits, warnings)?;
    numbers::of_all(&mut section, &mut limits, around.poll_interval)?;
    let probe = section.section("probe")?;
    let probe = section.has("probe").then(|| probe::read(probe, &mut limits)).transpose()?;

    let windows = windows::read(section.list("windows")?)?;
    let schedule = windows::schedule(&mut section, &windows)?;
    if windows::never_acts(&[&schedule], &windows) {
        return node::problem(
            section.line_of(&["hold_during", "act_during"]),
            "watchdog: hold_during and act_during leave no time at which it acts",
        );
    }
    let silences = silences::read(section.list("silences")?, around.now, warnings)?;
    let rules = rules::read(
        section.list("rules")?,
        &rules::Around {
            clusters: around.clusters,
            mode,
            limits: &limits,
            schedule: &schedule,
            windows: &windows,
        },
        warnings,
    )?;
    section.finish()?;
    warn_of_unused(&windows, &schedule, &rules, warnings);
    Ok(WatchdogSettings {
        mode,
        journal: journal.unwrap_or_else(default_journal),
        journal_lost_hold,
        restart_timeout,
        stop_file,
        audit,
        limits,
        schedule,
        rules,
        windows: windows.into_iter().map(|named| named.window).collect(),
        silences,
        probe,
    })
}

/// Where `watchdog:` says that the journal is, whatever else is in it.
pub(super) fn journal_in(node: &Node) -> Result<Option<PathBuf>, Problem> {
    let text = Section::new("watchdog", node.line, node)?.text("journal")?;
    Ok(text.map(|text| PathBuf::from(text.text)))
}

/// Where `watchdog:` says that the stop file is, whatever else is in it.
pub(super) fn stop_file_in(node: &Node) -> Result<Option<PathBuf>, Problem> {
    let text = Section::new("watchdog", node.line, node)?.text("stop_file")?;
    Ok(text.map(|text| PathBuf::from(text.text)))
}

fn warn_of_unused(
    windows: &[windows::Named],
    schedule: &Schedule,
    rules: &[RuleSettings],
    warnings: &mut Vec<Problem>,
) {
    let uses = |schedule: &Schedule, at| schedule.windows().any(|used| used == at);
    for (at, named) in windows.iter().enumerate() {
        if !uses(schedule, at) && !rules.iter().any(|rule| uses(&rule.schedule, at)) {
            let name = &named.window.name;
            let text = format!("watchdog.windows[{name}]: no hold_during or act_during names it");
            warnings.push(Problem { line: named.line, text });
        }
    }
}

/// `$STATE_DIRECTORY` (systemd), else the XDG state folder, else the working folder.
pub(super) fn default_journal() -> PathBuf {
    let folder = |variable: &str| std::env::var_os(variable).filter(|value| !value.is_empty());
    if let Some(state) = folder("STATE_DIRECTORY") {
        return PathBuf::from(state).join("journal");
    }
    let xdg = folder("XDG_STATE_HOME").map(PathBuf::from);
    let home = || folder("HOME").map(|home| PathBuf::from(home).join(".local/state"));
    xdg.or_else(home).unwrap_or_default().join("connect-warden/journal")
}
