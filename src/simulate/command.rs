//! `connect-warden simulate`.

use std::io::Write;
use std::sync::Arc;

use clap::ValueEnum as _;

use crate::cli::{Output, SimulateFlags};

use super::run::{Counted, PolicyName, Result as Counts, simulate};
use super::scenario::Scenario;
use super::settings::Tried;

/// What was asked for, read and found right.
#[derive(Debug)]
pub struct Simulation {
    scenario: Scenario,
    tried: Tried,
    policies: Vec<PolicyName>,
    seed: u64,
    runs: u64,
    output: Output,
}

impl Simulation {
    /// Reads the scenario and the configuration; an error is the user's.
    pub fn new(flags: &SimulateFlags) -> anyhow::Result<Self> {
        let scenario = Scenario::named(&flags.scenario)
            .map_err(|error| anyhow::anyhow!("--scenario: {error}"))?;
        let mut tried = Tried::read(flags.file.as_deref(), flags.interval)?;
        if flags.probe {
            let hosts = scenario.causes.iter().filter_map(|cause| cause.host.as_deref());
            tried.policy.probe_targets.extend(hosts.map(Arc::from));
        }
        Ok(Self {
            scenario,
            tried,
            policies: flags.policy.clone(),
            seed: flags.seed,
            runs: flags.runs,
            output: flags.output,
        })
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = self.tried.notes();
        if self.tried.has_times() {
            notes.push(
                "a scenario has no date: windows and silences of the file are not applied; replay \
                 applies them to what was recorded"
                    .to_owned(),
            );
        }
        notes
    }

    /// Runs it under each policy and writes a line for each.
    pub fn run(&self, out: &mut impl Write) -> anyhow::Result<()> {
        // The table is for people; what reads JSON must not find anything else.
        for note in self.notes() {
            match self.output {
                Output::Table => writeln!(out, "note: {note}")?,
                Output::Json => writeln!(std::io::stderr(), "note: {note}")?,
            }
        }
        if matches!(self.output, Output::Table) {
            let columns = ["policy", "restarts", "wasted", "all up (min)", "peak/min"];
            let [policy, restarts, wasted, up, peak] = columns;
            writeln!(out, "{}, {} runs; mean (most)", self.scenario.name, self.runs)?;
            writeln!(out, "{policy:<10}{restarts:>20}{wasted:>20}{up:>18}{peak:>16}")?;
        }
        for policy in &self.policies {
            let counts = simulate(&self.scenario, *policy, &self.tried, self.seed, self.runs);
            match self.output {
                Output::Json => writeln!(out, "{}", serde_json::to_string(&counts)?)?,
                Output::Table => row(out, &counts)?,
            }
        }
        Ok(())
    }
}

fn row(out: &mut impl Write, counts: &Counts) -> std::io::Result<()> {
    let cell = |counted: Counted| format!("{} ({})", counted.mean, counted.max);
    let name = counts.policy.to_possible_value();
    writeln!(
        out,
        "{:<10}{:>20}{:>20}{:>18}{:>16}",
        name.map_or(String::new(), |name| name.get_name().to_owned()),
        cell(counts.restarts),
        cell(counts.wasted_restarts),
        counts.all_up_minutes.map_or_else(|| "-".to_owned(), cell),
        cell(counts.peak_per_minute)
    )
}
