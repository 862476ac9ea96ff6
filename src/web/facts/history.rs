//! What states were seen, and from when to when.

use serde::Serialize;
use utoipa::ToSchema;

use crate::connect::model::State;
use crate::observe::history::Record;

use super::{Known, Moment};

/// The states that are remembered of a connector's own instance or of one task.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct UnitHistory {
    /// The task; null: the connector's own instance.
    pub task: Option<u32>,
    /// When it was first seen.
    pub first_seen: Moment,
    /// How often its state changed while it was watched; the states are only the last ones.
    pub changes: u64,
    /// The states, the oldest first, the present one last.
    pub spells: Vec<SpellFacts>,
}

/// A time in one state.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct SpellFacts {
    /// The state.
    pub state: State,
    /// From when on, as far as it was seen.
    pub from: Moment,
    /// Until when; null: still.
    pub until: Option<Moment>,
}

impl UnitHistory {
    fn of(task: Option<u32>, record: &Record) -> Self {
        let ends = record.spells().skip(1).map(|next| Some(next.from)).chain([None]);
        let spells = record.spells().zip(ends).map(|(spell, until)| SpellFacts {
            state: spell.state,
            from: spell.from.into(),
            until: until.map(Moment::from),
        });
        Self {
            task,
            first_seen: record.first_seen.into(),
            changes: record.changes,
            spells: spells.collect(),
        }
    }

    /// Of a connector: its own instance first, then its tasks by id; `None`: it is not known.
    pub fn all(known: &Known, connector: &str) -> Option<Vec<Self>> {
        let of_one = known.view.history.connectors.get(connector)?;
        let own = std::iter::once(Self::of(None, &of_one.connector));
        let tasks = of_one.tasks.iter().map(|(task, record)| Self::of(Some(*task), record));
        Some(own.chain(tasks).collect())
    }
}
