//! Every number of the policy.

use std::time::Duration;

use crate::config::FailureClass;

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const fn minutes(minutes: u64) -> Duration {
    seconds(minutes * 60)
}

const fn hours(hours: u64) -> Duration {
    minutes(hours * 60)
}

/// Attempts that a unit has, by the class of its failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempts {
    /// TRANSIENT.
    pub transient: u32,
    /// UNKNOWN.
    pub unknown: u32,
    /// RESOURCE.
    pub resource: u32,
    /// AUTH.
    pub auth: u32,
    /// DATA.
    pub data: u32,
    /// OFFSET_LOST: a restart may hide a gap, so that more than 0 is for those who know why.
    pub offset_lost: u32,
    /// INSTALL.
    pub install: u32,
}

impl Attempts {
    /// Of one class.
    pub const fn of(self, class: FailureClass) -> u32 {
        match class {
            FailureClass::Transient => self.transient,
            FailureClass::Unknown => self.unknown,
            FailureClass::Resource => self.resource,
            FailureClass::Auth => self.auth,
            FailureClass::Data => self.data,
            FailureClass::OffsetLost => self.offset_lost,
            FailureClass::Install => self.install,
        }
    }
}

/// The numbers of the policy, with its defaults. A rule of the user's may have its own for what is
/// about one unit; what is about a connector, a cluster or a breaker is the same for all.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// FAILED in this many valid snapshots in a row.
    pub sightings: u32,
    /// And for at least this long.
    pub grace: Duration,
    /// Nothing is done for this long after a rebalance was last visible.
    pub rebalance_hold: Duration,
    /// But a rebalance that does not end holds no longer than this.
    pub rebalance_most: Duration,
    /// The first attempt comes at random within this.
    pub first_jitter: Duration,
    /// The wait after the first attempt that failed; doubled by each further one.
    pub backoff_base: Duration,
    /// The longest wait.
    pub backoff_cap: Duration,
    /// Attempts by class.
    pub attempts: Attempts,
    /// The least time between two attempts of class AUTH.
    pub auth_spacing: Duration,
    /// The first attempt of class DATA comes after this.
    pub data_delay: Duration,
    /// After a restart that was refused, such as by a rebalance.
    pub refused_wait: Duration,
    /// FAILED right after a restart may be the old status for this long.
    pub stale_status: Duration,
    /// RUNNING in every valid poll for this long is recovered.
    pub verify: Duration,
    /// Neither RUNNING nor FAILED for this long after a restart is stuck: said, not repeated.
    pub stuck: Duration,
    /// What is not verified by then, such as one whose offsets stand still, is not going to be.
    pub verify_most: Duration,
    /// A unit that was not read for longer than this was not observed meanwhile.
    pub longest_gap: Duration,
    /// A recovered unit is forgotten after so long of observed health, or twice its last wait.
    pub stable: Duration,
    /// So many restarts ...
    pub flapping: usize,
    /// ... within this are flapping: the unit is parked.
    pub flapping_window: Duration,
    /// But where offsets moved between them it goes on, this far apart.
    pub flapping_spacing: Duration,
    /// A parked unit is tried this often ...
    pub probe_often: Duration,
    /// ... for this long ...
    pub probe_often_until: Duration,
    /// ... then this often ...
    pub probe_seldom: Duration,
    /// ... until it is given up.
    pub probe_until: Duration,
    /// Restarts of one connector: at once, and an hour.
    pub connector_budget: (u32, u32),
    /// Restarts of one cluster: at once, and a minute.
    pub cluster_budget: (u32, u32),
    /// Restarts of all clusters together: at once, and a minute.
    pub process_budget: (u32, u32),
    /// Calls of one cluster under way at once; of one connector it is one.
    pub in_flight: usize,
    /// So many FAILED to RUNNING within `foreign_window` that were not this program's doing ...
    pub foreign_restarts: usize,
    /// ... are somebody else's: the connector is left to them ...
    pub foreign_window: Duration,
    /// ... until so long after the last of them.
    pub stand_down: Duration,
    /// Of so many restarts ...
    pub ineffective_of: usize,
    /// ... this part failing opens the breakers of all that fails.
    pub ineffective_part: f64,
    /// So many calls in a row that were refused or not answered: one at a time, as far apart as
    /// canaries, until one is taken.
    pub refused_in_a_row: u32,
    /// Units that newly failed within `storm_window` open the breaker: at least so many ...
    pub storm_units: usize,
    /// ... and at least this part of all.
    pub storm_part: f64,
    /// How long a failure is new.
    pub storm_window: Duration,
    /// Connectors that fail with one signature open its breaker.
    pub signature_connectors: usize,
    /// The first canary of an open breaker comes after this; then each of these after the one
    /// before, the last again and again.
    pub canary_waits: [Duration; 4],
    /// An outage older than this is tried at `canary_old_wait`.
    pub canary_old: Duration,
    /// Between canaries of an old outage.
    pub canary_old_wait: Duration,
    /// A canary that is RUNNING in each poll for so long after its restart is proof.
    pub canary_watch: Duration,
    /// So many are released at once after a proof.
    pub release_first: u32,
    /// And so many times as many with each `release_step`.
    pub release_factor: u32,
    /// Between two releases: long enough to see those before fail.
    pub release_step: Duration,
    /// This part of the released failing opens the breaker again.
    pub release_failing: f64,
    /// From one probe of a dependency to the next.
    pub probe_interval: Duration,
    /// A dependency that no probe reaches is tried by a canary all the same after this.
    pub probe_distrust: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            sightings: 2,
            grace: seconds(30),
            rebalance_hold: seconds(60),
            rebalance_most: minutes(10),
            first_jitter: seconds(10),
            backoff_base: minutes(1),
            backoff_cap: minutes(30),
            attempts: Attempts {
                transient: 6,
                unknown: 4,
                resource: 2,
                auth: 2,
                data: 1,
                offset_lost: 0,
                install: 0,
            },
            auth_spacing: minutes(15),
            data_delay: minutes(5),
            refused_wait: seconds(30),
            stale_status: seconds(60),
            verify: seconds(120),
            stuck: minutes(5),
            verify_most: minutes(10),
            longest_gap: seconds(45),
            stable: minutes(15),
            flapping: 6,
            flapping_window: hours(6),
            flapping_spacing: minutes(15),
            probe_often: hours(1),
            probe_often_until: hours(12),
            probe_seldom: hours(3),
            probe_until: hours(72),
            connector_budget: (3, 6),
            cluster_budget: (10, 6),
            process_budget: (30, 30),
            in_flight: 3,
            foreign_restarts: 2,
            foreign_window: hours(1),
            stand_down: hours(6),
            ineffective_of: 10,
            ineffective_part: 0.5,
            refused_in_a_row: 3,
            storm_units: 5,
            storm_part: 0.3,
            storm_window: minutes(5),
            signature_connectors: 3,
            canary_waits: [seconds(60), minutes(2), minutes(4), seconds(330)],
            canary_old: hours(6),
            canary_old_wait: minutes(15),
            canary_watch: seconds(60),
            release_first: 20,
            release_factor: 4,
            release_step: seconds(15),
            release_failing: 0.2,
            probe_interval: seconds(30),
            probe_distrust: hours(1),
        }
    }
}
