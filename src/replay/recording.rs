//! What was recorded of one cluster, whatever it was recorded by.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::FailureClass;
use crate::connect::model::State;
use crate::watchdog::policy::{Time, UnitId};

/// Everything that was read; times are since 1970.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// By name.
    pub(super) clusters: BTreeMap<Arc<str>, Recording>,
    /// What a reader of the result has to know.
    pub(super) notes: Vec<String>,
}

/// One cluster.
#[derive(Debug, Default)]
pub(super) struct Recording {
    /// In order of time.
    pub(super) changes: Vec<Change>,
    /// Restarts that were really sent, or only said; `None`: it does not tell.
    pub(super) done: Option<Vec<Done>>,
    /// When no poll was answered.
    pub(super) unanswered: Vec<Window>,
    /// When no worker was proven able to serve.
    pub(super) not_fresh: Vec<Window>,
    /// When a rebalance was visible otherwise than in states.
    pub(super) rebalances: Vec<Window>,
    /// The first and the last moment of which something is known.
    pub(super) from: Time,
    pub(super) until: Time,
}

/// From when until when.
pub(super) type Window = (Time, Time);

/// What a unit is from a moment on.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) at: Time,
    pub(super) id: UnitId,
    pub(super) now: Now,
}

#[derive(Clone, Debug)]
pub(super) enum Now {
    In(Seen),
    /// It could not be read.
    Unread,
    /// There is no such unit.
    Gone,
}

#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) state: State,
    pub(super) worker: Arc<str>,
    /// Only of what is FAILED.
    pub(super) cause: Option<Cause>,
}

impl Seen {
    pub(super) fn of(state: State) -> Self {
        Self { state, worker: "".into(), cause: None }
    }
}

/// Why it is FAILED.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cause {
    pub(super) class: FailureClass,
    pub(super) signature: Arc<str>,
    pub(super) exception: Arc<str>,
}

impl Cause {
    /// Nothing is known: it must not seem to have something in common with others.
    pub(super) fn unknown(connector: &str) -> Self {
        let signature = format!("not recorded: {connector}").into();
        Self { class: FailureClass::Unknown, signature, exception: "".into() }
    }
}

/// A restart that was recorded.
#[derive(Clone, Debug)]
pub(super) struct Done {
    pub(super) at: Time,
    pub(super) connector: Arc<str>,
    /// `None`: it is not told which unit of the connector.
    pub(super) unit: Option<Option<u32>>,
    /// Only said: dry-run.
    pub(super) dry_run: bool,
}

impl Recording {
    /// Puts all in order and sets from when until when it goes.
    pub(super) fn settle(&mut self) {
        self.changes.sort_by_key(|change| change.at);
        if let Some(done) = &mut self.done {
            done.sort_by_key(|done| done.at);
        }
        let windows = [&self.unanswered, &self.not_fresh, &self.rebalances];
        let windows = windows.into_iter().flatten().flat_map(|(from, until)| [*from, *until]);
        let done = self.done.iter().flatten().map(|done| done.at);
        let times = self.changes.iter().map(|change| change.at).chain(windows).chain(done);
        let (mut from, mut until) = (Time::MAX, self.until);
        for at in times {
            (from, until) = (from.min(at), until.max(at));
        }
        (self.from, self.until) = (from.min(until), until);
    }
}

/// Names that come again and again are kept once.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeMap<Box<str>, Arc<str>>);

impl Names {
    pub(super) fn get(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.0.get(name) {
            return Arc::clone(known);
        }
        let new: Arc<str> = name.into();
        self.0.insert(name.into(), Arc::clone(&new));
        new
    }
}
