//! What the settings come to for one cluster, as the policy has it.

use std::sync::Arc;
use std::time::SystemTime;

use crate::watchdog::policy::{Policy, Rule, Silence};

use super::{ProbeTarget, RuleSettings, WatchdogMode, WatchdogSettings};

impl WatchdogSettings {
    /// The policy for a cluster, in this mode: the rules that are for it, in order.
    pub fn policy_of(&self, cluster: &str, mode: WatchdogMode) -> Policy {
        let rule = |rule: &RuleSettings| Rule {
            name: rule.name.as_str().into(),
            selector: rule.matching.selector.clone(),
            mode: rule.mode.unwrap_or(mode),
            limits: rule.limits.clone(),
        };
        let targets = self.probe.iter().flat_map(|probe| &probe.targets);
        Policy {
            limits: self.limits.clone(),
            mode,
            rules: self.rules_of(cluster).map(rule).collect(),
            probe_targets: targets.map(ProbeTarget::address).map(Arc::from).collect(),
        }
    }

    /// The silences for a cluster; their times are since the beginning of 1970.
    pub fn silences_of(&self, cluster: &str) -> Vec<Silence> {
        let of_cluster = self.silences.iter().filter(|s| s.matching.fits_cluster(cluster));
        of_cluster.map(super::SilenceSettings::of_policy).collect()
    }

    /// Whether windows keep each rule of [`Self::policy_of`] from acting, in the same order, and
    /// last whether they keep what no rule fits.
    pub fn shut(&self, cluster: &str, wall_clock: SystemTime) -> Vec<bool> {
        let all = self.schedule.is_shut(&self.windows, wall_clock);
        self.rules_of(cluster)
            .map(|rule| all || rule.schedule.is_shut(&self.windows, wall_clock))
            .chain([all])
            .collect()
    }

    fn rules_of<'s>(&'s self, cluster: &str) -> impl Iterator<Item = &'s RuleSettings> {
        self.rules.iter().filter(move |rule| rule.matching.fits_cluster(cluster))
    }
}
