//! The file's form, and what may stand in it.
//!
//! Times are RFC 3339 in UTC; patterns match whole names; what may be left out may be `null` too.

use std::time::Duration;

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use super::text::{as_time, clean, rfc3339};
use crate::watchdog::policy::Time;

/// A silence ends, at the latest, so long after it began.
pub(super) const MAX_SILENCE: Duration = Duration::from_secs(24 * 3600);
/// At most so many silences, and as many acknowledgements.
pub(super) const MAX_ORDERS: usize = 1_000;
/// Names and patterns have at most so many bytes.
const MAX_NAME: usize = 1_000;
/// So long an acknowledgement counts: one that nobody heeded by then is not meant for now.
pub(super) const ACKNOWLEDGED_FOR: Duration = Duration::from_secs(600);
const DAY: Duration = Duration::from_secs(24 * 3600);
const MINUTE: Duration = Duration::from_secs(60);

/// An order that cannot be given, or one that there is none of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// What was given cannot be an order.
    #[error("{0}")]
    Bad(String),
    /// There is nothing to take back.
    #[error("{0}")]
    Nothing(String),
    /// The file has no room for it.
    #[error("{0}")]
    Full(String),
}

/// The file: every order that was given and not taken back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Given {
    /// While it is there nothing is restarted.
    pub stop: Option<Stop>,
    /// Who is left alone, and until when.
    pub silences: Vec<Silenced>,
    /// Whom to try afresh; the times only grow.
    pub acknowledged: Vec<Acknowledgement>,
}

/// An order to restart nothing at all.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Stop {
    /// Whose order.
    pub by: String,
    /// Since when.
    #[serde(with = "rfc3339")]
    pub at: Time,
    /// Why; may be empty.
    #[serde(default)]
    pub reason: String,
}

/// An order to leave some connectors alone.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Silenced {
    /// To take it back by.
    pub id: String,
    /// Matches a cluster's whole name; `None`: in every cluster.
    #[serde(default)]
    pub cluster: Option<String>,
    /// Matches a connector's whole name.
    pub connector: String,
    /// From when.
    #[serde(with = "rfc3339")]
    pub from: Time,
    /// Until when; at most 24 h after that.
    #[serde(with = "rfc3339")]
    pub until: Time,
    /// Whose order.
    pub by: String,
    /// When it was given.
    #[serde(with = "rfc3339")]
    pub at: Time,
    /// Why.
    pub reason: String,
}

/// An order to forget what was tried.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Acknowledgement {
    /// In this cluster.
    pub cluster: String,
    /// Of this connector.
    pub connector: String,
    /// Of this task; `None`: of all of it.
    #[serde(default)]
    pub task: Option<u32>,
    /// Whose order.
    pub by: String,
    /// When it was given.
    #[serde(with = "rfc3339")]
    pub at: Time,
}

/// What one pattern may take, in bytes: most take little, and it is seen by trying.
const SIZES: [usize; 3] = [16 << 10, 64 << 10, 256 << 10];
/// What all of them may take.
pub(super) const ALL_SIZES: usize = 32 << 20;

/// A pattern for whole names.
pub(super) fn pattern(key: &str, text: &str) -> Result<Regex, String> {
    sized_pattern(key, text).map(|(pattern, _)| pattern)
}

/// The same, and how much it takes at most.
pub(super) fn sized_pattern(key: &str, text: &str) -> Result<(Regex, usize), String> {
    if text.is_empty() || text.len() > MAX_NAME {
        return Err(format!("{key}: a pattern has 1 to {MAX_NAME} bytes; `.*` matches every name"));
    }
    let whole = format!("^(?:{text})$");
    let mut last = String::new();
    for size in SIZES {
        let build =
            |text: &str| RegexBuilder::new(text).size_limit(size).dfa_size_limit(size).build();
        // Alone first: `a)|(?:` is none, and would fit everything in the brackets.
        match build(text).and_then(|_| build(&whole)) {
            Ok(pattern) => return Ok((pattern, size)),
            Err(error) => last = error.to_string(),
        }
    }
    let said = last.lines().last().unwrap_or_default();
    Err(format!("{key}: {:?} is not a regular expression: {}", clean(text), clean(said)))
}

impl Stop {
    /// Whose it is, since when and why, as one sentence.
    pub fn sentence(&self) -> String {
        let (by, reason) = (clean(&self.by), clean(&self.reason));
        let why = if reason.is_empty() { String::new() } else { format!(": {reason}") };
        format!("stopped by {by} since {}{why}", as_time(self.at))
    }
}

impl Given {
    /// Whether every order can be one; what is wrong with the first that cannot.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.silences.len() > MAX_ORDERS || self.acknowledged.len() > MAX_ORDERS {
            return Err(format!("there are more than {MAX_ORDERS} silences or acknowledgements"));
        }
        for silence in &self.silences {
            if silence.until <= silence.from || silence.until - silence.from > MAX_SILENCE {
                let id = clean(&silence.id);
                return Err(format!("the silence {id:?} does not end within 24h after it begins"));
            }
        }
        Ok(())
    }

    /// Without what no longer counts.
    pub(super) fn prune(&mut self, now: Time) {
        self.silences.retain(|silence| silence.until > now);
        // One from the future was given before the clock was put back.
        self.acknowledged.retain(|order| {
            now.saturating_sub(order.at) <= DAY && order.at.saturating_sub(now) <= MINUTE
        });
    }

    /// Stops it; gives the order that this one is in place of.
    pub fn stop(&mut self, by: &str, reason: &str, now: Time) -> Option<Stop> {
        self.stop.replace(Stop { by: clean(by), at: now, reason: clean(reason) })
    }

    /// Takes that back.
    pub fn go(&mut self) -> Result<Stop, OrderError> {
        self.stop.take().ok_or_else(|| OrderError::Nothing("nothing is stopped".to_owned()))
    }

    /// Leaves connectors alone for a while, from now on; gives the silence's id.
    pub fn silence(
        &mut self,
        cluster: Option<&str>,
        connector: &str,
        time: Duration,
        reason: &str,
        by: &str,
        now: Time,
    ) -> Result<String, OrderError> {
        let reason = clean(reason);
        let problem = cluster.map_or(Ok(()), |cluster| pattern("--cluster", cluster).map(drop));
        problem.and_then(|()| pattern("--connector", connector)).map_err(OrderError::Bad)?;
        if time < Duration::from_secs(1) || time > MAX_SILENCE {
            return Err(OrderError::Bad(format!(
                "--for: {} is not from 1s to 24h; a silence has an end, and can be given again",
                humantime::format_duration(time)
            )));
        }
        if reason.is_empty() {
            return Err(OrderError::Bad("--reason: say why, for who comes after you".to_owned()));
        }
        if self.silences.len() >= MAX_ORDERS {
            let full = format!("there are {MAX_ORDERS} silences, the most that is taken");
            return Err(OrderError::Full(full));
        }
        let mut id = || format!("{:08x}", fastrand::u32(..));
        let is_taken = |id: &String| self.silences.iter().any(|silence| silence.id == *id);
        let id = std::iter::repeat_with(&mut id).find(|id| !is_taken(id)).unwrap_or_default();
        self.silences.push(Silenced {
            id: id.clone(),
            cluster: cluster.map(str::to_owned),
            connector: connector.to_owned(),
            from: now,
            until: now + time,
            by: clean(by),
            at: now,
            reason,
        });
        Ok(id)
    }

    /// Takes a silence back.
    pub fn unsilence(&mut self, id: &str) -> Result<Silenced, OrderError> {
        let at = self.silences.iter().position(|silence| silence.id == id);
        at.map(|at| self.silences.remove(at)).ok_or_else(|| {
            OrderError::Nothing(format!("no silence that is in force has the id {:?}", clean(id)))
        })
    }

    /// Has a connector, or one task, tried afresh.
    pub fn acknowledge(
        &mut self,
        cluster: &str,
        connector: &str,
        task: Option<u32>,
        by: &str,
        now: Time,
    ) -> Result<(), OrderError> {
        for (key, name) in [("--cluster", cluster), ("--connector", connector)] {
            if name.is_empty() || name.len() > MAX_NAME {
                let problem = format!("{key}: a name has 1 to {MAX_NAME} bytes");
                return Err(OrderError::Bad(problem));
            }
        }
        if self.acknowledged.len() >= MAX_ORDERS {
            let full =
                format!("{MAX_ORDERS} were acknowledged within a day, the most that is taken");
            return Err(OrderError::Full(full));
        }
        // Who heeds them remembers the last by its time: none may be as old as one before it. The
        // file has milliseconds.
        let last = self.acknowledged.iter().map(|order| order.at).max();
        let at = last.map_or(now, |last| now.max(last + Duration::from_millis(1)));
        self.acknowledged.push(Acknowledgement {
            cluster: cluster.to_owned(),
            connector: connector.to_owned(),
            task,
            by: clean(by),
            at,
        });
        Ok(())
    }
}
