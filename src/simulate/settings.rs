//! The policy as a user has configured it, for what is only tried and never sent.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use crate::config::{self, ConfigError, Flags, WatchdogMode, WatchdogSettings};
use crate::watchdog::policy::{Policy, Silence, Time};

/// What is tried.
#[derive(Clone, Debug)]
pub struct Tried {
    /// The rules and numbers for a cluster that no rule names.
    pub policy: Policy,
    /// From one poll to the next.
    pub interval: Duration,
    settings: Option<WatchdogSettings>,
}

/// The least that `run` takes, too.
const LEAST_INTERVAL: Duration = Duration::from_millis(10);
/// As `run` has it.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(15);

impl Tried {
    /// The defaults, or those of a file; an interval that is given wins.
    pub fn read(file: Option<&Path>, interval: Option<Duration>) -> Result<Self, ConfigError> {
        if interval.is_some_and(|interval| interval < LEAST_INTERVAL) {
            return Err(ConfigError::new(
                "--poll.interval",
                "is under 10ms, the least that is taken",
            ));
        }
        let Some(file) = file else {
            let interval = interval.unwrap_or(DEFAULT_INTERVAL);
            return Ok(Self::new(Policy::default(), interval, None));
        };
        let flags = Flags { file: Some(file.to_owned()), ..Flags::default() };
        let settings = config::build(&flags)?;
        let interval = interval.unwrap_or(settings.poll.interval);
        let policy = settings.watchdog.policy_of("", WatchdogMode::On);
        Ok(Self::new(policy, interval, Some(settings.watchdog)))
    }

    /// Who is left alone in a cluster at a time since 1970, and whether windows keep its rules from
    /// acting, as [`WatchdogSettings::shut`] says it.
    pub fn held_at(&self, cluster: &str, wall: Time) -> (Vec<Arc<Silence>>, Vec<bool>) {
        let Some(settings) = &self.settings else { return (Vec::new(), Vec::new()) };
        let silences = settings.silences_of(cluster).into_iter();
        let in_force = silences.filter(|silence| silence.is_in_force(wall)).map(Arc::new);
        (in_force.collect(), settings.shut(cluster, UNIX_EPOCH + wall))
    }

    /// Whether the file has anything for certain times.
    pub fn has_times(&self) -> bool {
        let settings = self.settings.as_ref();
        settings.is_some_and(|s| !s.windows.is_empty() || !s.silences.is_empty())
    }

    /// What has to be known of the file beside what it comes to.
    pub fn notes(&self) -> Vec<String> {
        let mode = self.settings.as_ref().map(|settings| settings.mode);
        let mode = mode.filter(|mode| *mode != WatchdogMode::On);
        let note = |mode: WatchdogMode| {
            format!("the file says mode: {}; it is tried as if it said on", mode.as_str())
        };
        mode.map(note).into_iter().collect()
    }

    fn new(mut policy: Policy, interval: Duration, settings: Option<WatchdogSettings>) -> Self {
        heed(&mut policy, interval);
        Self { policy, interval, settings }
    }

    /// The rules and numbers for a cluster. Whatever the mode of the file, it is tried as if it were
    /// on: dry-run decides the same.
    pub fn policy_of(&self, cluster: &str) -> Policy {
        let Some(settings) = &self.settings else { return self.policy.clone() };
        let mut policy = settings.policy_of(cluster, WatchdogMode::On);
        heed(&mut policy, self.interval);
        policy
    }
}

/// A gap is what is longer than a few polls, however far apart those are.
fn heed(policy: &mut Policy, interval: Duration) {
    policy.limits.longest_gap = policy.limits.longest_gap.max(interval.saturating_mul(3));
}
