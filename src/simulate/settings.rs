//! The policy as a user has configured it, for what is only tried and never sent.

use std::path::Path;
use std::time::Duration;

use crate::config::{self, ConfigError, Flags, WatchdogMode, WatchdogSettings};
use crate::watchdog::policy::Policy;

/// What is tried.
#[derive(Clone, Debug)]
pub struct Tried {
    /// The rules and numbers for a cluster that no rule names.
    pub policy: Policy,
    /// From one poll to the next.
    pub interval: Duration,
    settings: Option<WatchdogSettings>,
}

/// As `run` has it.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(15);

impl Tried {
    /// The defaults, or those of a file; an interval that is given wins.
    pub fn read(file: Option<&Path>, interval: Option<Duration>) -> Result<Self, ConfigError> {
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
    policy.limits.longest_gap = policy.limits.longest_gap.max(interval * 3);
}
