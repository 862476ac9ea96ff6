//! `explain`: why a connector is FAILED or does nothing, of what kind that is, and what to do.

use std::io::Write;

use serde_json::{Value, json};

use crate::config::FailureClass;
use crate::connect::model::{InstanceStatus, State};

use super::Session;
use super::facts::{root_cause, word};
use super::failure::Failure;
use super::flags::{NamesOrAll, Output};
use super::mask;
use super::show::{Tone, plain};
use super::target::{Cluster, Connector};

/// Failures of one cause.
struct Group {
    /// `the connector`, `task 0`.
    units: Vec<String>,
    worker: String,
    class: FailureClass,
    cause: String,
    signature: String,
    host: Option<String>,
    rule: String,
    advice: String,
}

impl<C: Cluster, W: Write> Session<'_, C, W> {
    pub(super) async fn explain(&mut self, of: &NamesOrAll) -> Result<(), Failure> {
        let mut chosen = self.looked_at(of).await?;
        if of.names.is_empty() {
            chosen.retain(troubled);
            if chosen.is_empty() && self.spoken() {
                return self.screen.line("nothing is FAILED, and nothing else is odd");
            }
        }
        let mut all = Vec::new();
        for (at, connector) in chosen.iter().enumerate() {
            let groups = self.groups(connector);
            match self.screen.output() {
                Output::Table | Output::Wide => {
                    if at > 0 {
                        self.screen.line("")?;
                    }
                    self.one(connector, &groups)?;
                }
                Output::Name => {
                    self.screen.line(&plain(&format!("connector/{}", connector.name)))?;
                }
                Output::Json | Output::Yaml => all.push(data(connector, &groups)),
            }
        }
        if matches!(self.screen.output(), Output::Json | Output::Yaml) {
            return self.screen.data(&all.into());
        }
        Ok(())
    }

    fn spoken(&self) -> bool {
        matches!(self.screen.output(), Output::Table | Output::Wide)
    }

    fn groups(&self, connector: &Connector) -> Vec<Group> {
        let Some(status) = &connector.status else { return Vec::new() };
        let own = std::iter::once(("the connector".to_owned(), &status.connector));
        let tasks = status.tasks.iter().map(|task| (format!("task {}", task.id), &task.instance));
        let mut groups: Vec<Group> = Vec::new();
        for (unit, instance) in own.chain(tasks).filter(|(_, i)| i.state == State::Failed) {
            let group = self.group(unit, instance);
            match groups.iter_mut().find(|known| known.signature == group.signature) {
                Some(known) => known.units.extend(group.units),
                None => groups.push(group),
            }
        }
        groups
    }

    fn group(&self, unit: String, instance: &InstanceStatus) -> Group {
        let trace = instance.trace.as_deref().unwrap_or_default();
        let told = self.classifier.diagnose(trace);
        let hide = |text: &str| mask::text(text, self.flags.show_secrets).into_owned();
        Group {
            units: vec![unit],
            worker: instance.worker_id.clone(),
            class: told.failure_class,
            cause: root_cause(trace),
            signature: hide(&told.signature),
            host: told.host,
            rule: told.rule.to_owned(),
            advice: told.advice.to_owned(),
        }
    }

    fn one(&mut self, connector: &Connector, groups: &[Group]) -> Result<(), Failure> {
        let state = connector.state();
        let shown = self.screen.toned(&state, Tone::of(&state));
        let (running, expected) = (connector.running(), connector.expected());
        let name = plain(&connector.name);
        self.screen.line(&format!("{name}: {shown}, {running} of {expected} tasks RUNNING"))?;
        for group in groups {
            let units = group.units.join(", ");
            let failed = self.screen.toned("FAILED", Tone::Bad);
            let same = if group.units.len() > 1 { ", of one cause" } else { "" };
            self.screen.line(&format!("\n  {units} {failed}{same}"))?;
            let rule = if group.rule.is_empty() { "none fits" } else { &group.rule };
            for (what, text) in [
                ("class", format!("{}: {}", group.class.as_str(), meaning(group.class))),
                ("cause", group.cause.clone()),
                ("host", group.host.clone().unwrap_or_default()),
                ("worker", group.worker.clone()),
                ("signature", group.signature.clone()),
                ("rule", rule.to_owned()),
                ("look at", group.advice.clone()),
                ("do", what_to_do(&connector.name, group)),
            ] {
                if !text.is_empty() {
                    self.screen.line(&format!("    {what:<9}  {}", plain(&text)))?;
                }
            }
        }
        for remark in remarks(connector) {
            self.screen.line(&format!("\n  {}", plain(&remark)))?;
        }
        Ok(())
    }
}

fn data(connector: &Connector, groups: &[Group]) -> Value {
    let failures: Vec<Value> = groups
        .iter()
        .map(|group| {
            json!({
                "units": group.units, "worker_id": group.worker, "class": group.class.as_str(),
                "cause": group.cause, "signature": group.signature, "host": group.host,
                "rule": group.rule, "advice": group.advice,
                "do": what_to_do(&connector.name, group),
            })
        })
        .collect();
    json!({
        "name": connector.name, "state": connector.state(),
        "tasks_running": connector.running(), "tasks_expected": connector.expected(),
        "failures": failures, "remarks": remarks(connector),
    })
}

fn troubled(connector: &Connector) -> bool {
    let failed = connector.instances().any(|instance| instance.state == State::Failed);
    failed || odd(connector)
}

/// Whether something other than a failure keeps it from its work.
fn odd(connector: &Connector) -> bool {
    let asleep = |state| matches!(state, State::Paused | State::Stopped);
    let own = connector.status.as_ref().map(|status| status.connector.state);
    own.is_none_or(|own| !asleep(own) && !remarks(connector).is_empty())
}

/// What is odd beside failures.
fn remarks(connector: &Connector) -> Vec<String> {
    let Some(status) = &connector.status else {
        return vec!["It is configured, and was never started: look at the log of the leader, and whether a worker can load its class.".to_owned()];
    };
    let name = &connector.name;
    let mut all = Vec::new();
    let count = |state| status.tasks.iter().filter(|task| task.instance.state == state).count();
    match status.connector.state {
        State::Paused => all.push(format!("It is PAUSED: somebody paused it; `ctl resume {}` goes on.", quoted(name))),
        State::Stopped => all.push(format!("It is STOPPED: somebody stopped it; `ctl resume {}` goes on.", quoted(name))),
        State::Running if status.tasks.is_empty() && connector.expected() == 0 => all.push(
            "It is RUNNING without a task: it finds nothing to do, or its tasks cannot be made; look at the worker's log.".to_owned(),
        ),
        State::Running | State::Failed | State::Unassigned | State::Restarting | State::Unknown => {}
    }
    let unassigned =
        count(State::Unassigned) + usize::from(status.connector.state == State::Unassigned);
    if unassigned > 0 {
        all.push(format!("{unassigned} of its parts are UNASSIGNED: a worker left, and Connect moves them within scheduled.rebalance.max.delay.ms (5 minutes as a rule); a restart does not help."));
    }
    let missing = connector.expected().saturating_sub(status.tasks.len());
    if missing > 0 && status.connector.state != State::Stopped {
        all.push(format!("{missing} of its tasks are configured and were never started."));
    }
    all
}

const fn meaning(class: FailureClass) -> &'static str {
    match class {
        FailureClass::Transient => "time heals it",
        FailureClass::Unknown => "no rule knows it",
        FailureClass::Resource => "memory, disk, connections or a quota are used up",
        FailureClass::Auth => "a credential or a permission is refused",
        FailureClass::Data => "a record, or what it is written to, does not fit",
        FailureClass::OffsetLost => "where it was is gone",
        FailureClass::Install => "the connector, its plugin or the source is not set up right",
    }
}

/// The call that helps, and what has to be done before it.
fn what_to_do(name: &str, group: &Group) -> String {
    let restart = match (&group.units[..], group.units[0].strip_prefix("task ")) {
        ([_], Some(task)) => format!("ctl restart {}", quoted(&format!("{name}/{task}"))),
        _ => format!("ctl restart {} --failed", quoted(name)),
    };
    match group.class {
        FailureClass::Transient => format!("`{restart}`; again, should it be gone again"),
        FailureClass::Unknown => {
            format!("read the trace (`ctl describe connector {}`); then `{restart}`", quoted(name))
        }
        FailureClass::Resource => format!("make room, then `{restart}`"),
        FailureClass::Auth => {
            format!("have the credential or permission set right, then `{restart}`")
        }
        FailureClass::Data => format!(
            "a restart meets the same record: mend or skip it (errors.tolerance, a dead letter queue), then `{restart}`"
        ),
        FailureClass::OffsetLost => format!(
            "do not restart it blindly, which could hide a gap: find out what is missing, set the offsets or take a snapshot, then `{restart}`"
        ),
        FailureClass::Install => format!(
            "set up what is missing, or change the configuration (`ctl patch`), then `{restart}`"
        ),
    }
}

/// As a shell takes it.
pub(super) fn quoted(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | ':');
    if !name.is_empty() && name.chars().all(plain) {
        return name.to_owned();
    }
    format!("'{}'", name.replace('\'', r"'\''"))
}

/// The word for a state, as `wait` says what it was last.
pub(super) fn said(connector: &Connector) -> String {
    let mut text = connector.state();
    let tasks = connector.tasks();
    if tasks.is_empty() {
        text.push_str(", no task");
    }
    for task in tasks {
        text.push_str(&format!(", task {} {}", task.id, word(task.instance.state)));
    }
    text
}
