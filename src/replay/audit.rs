//! An audit log: what the watchdog saw, decided and did, a line of JSON each. Only what tells of
//! states is looked at, and keys that are not known here are passed over.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{BufRead, Read as _};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::config::FailureClass;
use crate::connect::model::State;
use crate::watchdog::policy::{Limits, Time, UnitId};

use super::lines::{each_line, of_json};
use super::recording::{Cause, Change, Done, Names, Now, Record, Recording, Seen};

#[derive(Deserialize)]
struct Line<'l> {
    at: Cow<'l, str>,
    cluster: Option<Cow<'l, str>>,
    connector: Option<Cow<'l, str>>,
    task: Option<u32>,
    event: Cow<'l, str>,
    why: Option<Cow<'l, str>>,
    failure_class: Option<FailureClass>,
    signature: Option<Cow<'l, str>>,
    exception: Option<Cow<'l, str>>,
    dry_run: Option<bool>,
    answer: Option<Cow<'l, str>>,
    outcome: Option<Cow<'l, str>>,
}

/// What `/api/v1/audit` answers, the newest line first.
#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    lines: Vec<Line<'a>>,
}

/// No answer of this program is longer: it has a thousand lines at most.
const MAX_ANSWER: u64 = 64 << 20;

/// Takes in logs, in any order.
#[derive(Debug, Default)]
pub(super) struct AuditReader {
    clusters: BTreeMap<Arc<str>, OfCluster>,
    names: Names,
    lines: usize,
    /// How many logs ended in the middle of a line.
    cut: usize,
}

#[derive(Debug, Default)]
struct OfCluster {
    said: Vec<Said>,
    /// Who was FAILED, why and when, in the last line of it: what is said again is not kept.
    failed: BTreeMap<UnitId, (Time, Option<Cause>)>,
    until: Time,
    holds: Vec<(Time, Arc<str>, bool)>,
}

/// What a line comes to for one unit.
#[derive(Debug)]
struct Said {
    at: Time,
    id: UnitId,
    what: What,
}

#[derive(Debug)]
enum What {
    /// It is FAILED.
    Failed(Option<Cause>),
    /// A restart was sent, or with `true` only said.
    Restarted(bool),
    /// It runs, and has since the restart.
    Recovered,
    /// It runs, and has for long.
    LongRunning,
    In(State),
    Gone,
}

impl AuditReader {
    pub(super) fn read(&mut self, file: &mut dyn BufRead) -> Result<(), String> {
        let begins = file.fill_buf().map_err(|error| format!("cannot be read: {error}"))?;
        let begins = begins.trim_ascii_start().strip_prefix(b"{").unwrap_or_default();
        if begins.trim_ascii_start().starts_with(b"\"lines\"") {
            return self.answer(file);
        }
        each_line(file, |_, line| {
            if line.trim_ascii().is_empty() {
                return Ok(());
            }
            // It may be in use, or have been copied while it was.
            let is_cut = !line.ends_with(b"\n")
                && serde_json::from_slice::<IgnoredAny>(line).is_err_and(|error| error.is_eof());
            if is_cut {
                self.cut += 1;
                return Ok(());
            }
            let text = std::str::from_utf8(line).map_err(|_| "is not text in UTF-8".to_owned())?;
            let line: Line<'_> = serde_json::from_str(text).map_err(|error| of_json(&error))?;
            self.lines += 1;
            self.line(&line)
        })
    }

    fn answer(&mut self, file: &mut dyn BufRead) -> Result<(), String> {
        let mut text = String::new();
        let read = file.take(MAX_ANSWER).read_to_string(&mut text);
        read.map_err(|error| format!("cannot be read: {error}"))?;
        let answer: Answer<'_> = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        for (number, line) in answer.lines.iter().enumerate() {
            self.lines += 1;
            self.line(line).map_err(|problem| format!("lines[{number}]: {problem}"))?;
        }
        Ok(())
    }

    fn line(&mut self, line: &Line<'_>) -> Result<(), String> {
        let at = time(&line.at)?;
        let cluster = self.names.get(line.cluster.as_deref().unwrap_or("default"));
        let Some(connector) = line.connector.as_deref().map(|name| self.names.get(name)) else {
            if let ("hold_began" | "hold_ended", Some(why)) = (&*line.event, line.why.as_deref()) {
                let why = self.names.get(why);
                let holds = &mut self.clusters.entry(cluster).or_default().holds;
                holds.push((at, why, line.event == "hold_began"));
            }
            return Ok(());
        };
        let Some(what) = self.what(line, &connector) else { return Ok(()) };
        let said = Said { at, id: (connector, line.task), what };
        self.clusters.entry(cluster).or_default().keep(said);
        Ok(())
    }

    fn what(&mut self, line: &Line<'_>, connector: &str) -> Option<What> {
        let mut cause = || {
            let class = line.failure_class?;
            let signature = match line.signature.as_deref() {
                Some(signature) if !signature.is_empty() => self.names.get(signature),
                Some(_) | None => Cause::unknown(connector).signature,
            };
            let exception = self.names.get(line.exception.as_deref().unwrap_or_default());
            Some(Cause { class, signature, exception })
        };
        Some(match (&*line.event, line.why.as_deref(), line.outcome.as_deref()) {
            ("failed" | "held" | "parked" | "given_up", ..) => What::Failed(cause()),
            ("decided", ..) if line.dry_run == Some(true) => What::Restarted(true),
            ("sent", ..) if line.answer.as_deref().is_some_and(may_be_done) => {
                What::Restarted(false)
            }
            ("outcome", _, Some("recovered")) => What::Recovered,
            ("outcome", _, Some("failed")) => What::Failed(cause()),
            ("outcome", _, Some("unverified")) | ("foreign", ..) => What::In(State::Running),
            ("stuck", ..) => What::In(State::Restarting),
            ("cleared", Some("stable_health"), _) => What::LongRunning,
            ("cleared", Some("paused"), _) => What::In(State::Paused),
            ("cleared", Some("deleted"), _) => What::Gone,
            _ => return None,
        })
    }

    pub(super) fn finish(self) -> Result<Record, String> {
        if self.clusters.is_empty() {
            return Err(format!("of {} lines none tells of a connector", self.lines));
        }
        let mut record = Record::default();
        if self.cut > 0 {
            let note =
                "the last line is cut off, and left out: the file was written to at the time";
            record.notes.push(note.to_owned());
        }
        for (name, cluster) in self.clusters {
            record.clusters.insert(name, cluster.recording());
        }
        record.notes.push(
            "an audit log names only units that failed; of how many there were see --units"
                .to_owned(),
        );
        Ok(record)
    }
}

/// Whether a restart that came to this may have been done; `not_known` is an older log's word.
fn may_be_done(answer: &str) -> bool {
    use crate::watchdog::{policy::Answer, said};
    let said = said::Said::read(answer).map(said::Said::answer);
    answer == "not_known" || matches!(said, Some(Answer::Accepted | Answer::NotKnown))
}

fn time(text: &str) -> Result<Time, String> {
    let wrong = || format!("at: {text:?} is not a time in UTC such as 2026-11-24T07:34:23.197Z");
    let at = humantime::parse_rfc3339(text).map_err(|_| wrong())?;
    at.duration_since(UNIX_EPOCH).map_err(|_| wrong())
}

impl OfCluster {
    fn keep(&mut self, said: Said) {
        // A log says to the end what it knows.
        self.until = self.until.max(said.at);
        match &said.what {
            What::Failed(cause) => {
                let last = self.failed.insert(said.id.clone(), (said.at, cause.clone()));
                if last.is_some_and(|(at, last)| at <= said.at && last == *cause) {
                    return;
                }
            }
            What::Restarted(_) => {}
            What::Recovered | What::LongRunning | What::In(_) | What::Gone => {
                self.failed.remove(&said.id);
            }
        }
        self.said.push(said);
    }

    fn recording(mut self) -> Recording {
        self.said.sort_by_key(|said| said.at);
        let mut recording =
            Recording { done: Some(Vec::new()), until: self.until, ..Recording::default() };
        let mut units: BTreeMap<UnitId, OfUnit> = BTreeMap::new();
        for said in self.said {
            let unit = units.entry(said.id.clone()).or_default();
            if let What::Restarted(dry_run) = said.what {
                unit.restarted = Some(said.at);
                let (connector, task) = said.id;
                let done = Done { at: said.at, connector, unit: Some(task), dry_run };
                recording.done.get_or_insert_default().push(done);
            } else if let Some((at, now)) = unit.learn(&said) {
                recording.changes.push(Change { at, id: said.id, now });
            }
        }
        self.holds.sort_by_key(|(at, ..)| *at);
        let mut open: BTreeMap<Arc<str>, Time> = BTreeMap::new();
        for (at, why, began) in self.holds {
            recording.until = recording.until.max(at);
            if began {
                open.insert(why, at);
            } else if let Some(from) = open.remove(&why) {
                recording.hold(&why, from, at);
            }
        }
        for (why, from) in open {
            recording.hold(&why, from, recording.until);
        }
        recording.settle();
        recording
    }
}

impl Recording {
    /// What held the watchdog back would hold it back again, where it was the cluster's doing.
    fn hold(&mut self, why: &str, from: Time, until: Time) {
        match why {
            "rebalance" => {
                // It was visible until so long before.
                let last = until.saturating_sub(Limits::default().rebalance_hold).max(from);
                self.rebalances.push((from, last));
            }
            "not_fresh" => self.not_fresh.push((from, until)),
            "no_snapshot" | "doubt" => self.unanswered.push((from, until)),
            _ => {}
        }
    }
}

/// What is known of one unit by now.
#[derive(Debug, Default)]
struct OfUnit {
    failed: Option<(Time, Cause)>,
    restarted: Option<Time>,
}

impl OfUnit {
    /// What it is from when on, where that is new.
    fn learn(&mut self, said: &Said) -> Option<(Time, Now)> {
        let before = self.failed.as_ref().map(|(at, _)| *at);
        // The restart that helped, if one was sent since it failed.
        let helped = self.restarted.filter(|at| before.is_some_and(|failed| *at >= failed));
        let running = Now::In(Seen::of(State::Running));
        match &said.what {
            What::Restarted(_) => None,
            What::Failed(cause) => {
                let known = self.failed.as_ref().map(|(_, cause)| cause.clone());
                let cause = cause
                    .clone()
                    .or_else(|| known.clone())
                    .unwrap_or_else(|| Cause::unknown(&said.id.0));
                if known.as_ref() == Some(&cause) {
                    return None;
                }
                self.failed = Some((before.unwrap_or(said.at), cause.clone()));
                let seen = Seen { cause: Some(cause), ..Seen::of(State::Failed) };
                Some((said.at, Now::In(seen)))
            }
            What::Recovered => {
                self.failed = None;
                Some((helped.map_or(said.at, just_after), running))
            }
            What::LongRunning => {
                let failed = self.failed.take()?.0;
                let stable = said.at.saturating_sub(Limits::default().stable);
                Some((stable.max(just_after(failed)), running))
            }
            What::In(state) => {
                self.failed = None;
                Some((said.at, Now::In(Seen::of(*state))))
            }
            What::Gone => {
                self.failed = None;
                Some((said.at, Now::Gone))
            }
        }
    }
}

fn just_after(at: Time) -> Time {
    at + Duration::from_millis(1)
}
