//! The policy as a user has configured it, for what is only tried and never sent.

use std::path::Path;
use std::time::Duration;

use crate::config::{self, ConfigError, Flags, WatchdogMode, WatchdogSettings};
use crate::watchdog::policy::{Limits, Policy};

/// What is tried.
#[derive(Clone, Debug)]
pub struct Tried {
    /// The rules and numbers.
    pub policy: Policy,
    /// From one poll to the next.
    pub interval: Duration,
}

impl Tried {
    /// The defaults, or those of a file; an interval that is given wins.
    pub fn read(file: Option<&Path>, interval: Option<Duration>) -> Result<Self, ConfigError> {
        let Some(file) = file else {
            let interval = interval.unwrap_or(DEFAULT_INTERVAL);
            return Ok(Self { policy: Policy::default(), interval });
        };
        let flags = Flags { file: Some(file.to_owned()), ..Flags::default() };
        let settings = config::build(&flags)?;
        Ok(Self {
            policy: policy(&settings.watchdog),
            interval: interval.unwrap_or(settings.poll.interval),
        })
    }
}

/// As `run` has it.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(15);

/// Whatever the mode of the file, it is tried as if it were on: dry-run decides the same.
fn policy(settings: &WatchdogSettings) -> Policy {
    Policy {
        mode: WatchdogMode::On,
        limits: Limits {
            grace: settings.grace,
            first_jitter: settings.first_jitter,
            backoff_base: settings.backoff_base,
            backoff_cap: settings.backoff_cap,
            verify: settings.verify,
            stale_status: settings.stale_status,
            ..Limits::default()
        },
        ..Policy::default()
    }
}
