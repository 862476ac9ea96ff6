//! What a journal says, all of it in memory; and what has to be said for it to say something else.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::policy::{ConnectorMemory, Memory, Time};
use super::record::{FORMAT, OfCluster, OfConnector, Record, line};

/// Everything a journal says.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) clusters: BTreeMap<Arc<str>, Kept>,
    pub(super) lost_at: Option<Time>,
}

/// One cluster.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) memory: Memory,
    /// When it was last written.
    at: Time,
    pub(super) not_configured_since: Option<Time>,
}

impl Known {
    pub(super) fn apply(&mut self, at: Time, record: Record) {
        match record {
            Record::Format(_) => {}
            Record::Lost => self.lost_at = Some(at),
            Record::Unit { cluster, id: (connector, task), unit } => {
                let memory = self.memory(cluster, at);
                memory.connectors.entry(connector).or_default().units.insert(task, unit);
            }
            Record::Forget { cluster, id: (connector, task) } => {
                self.connector(cluster, connector, at, |memory| {
                    memory.units.remove(&task);
                });
            }
            Record::Connector { cluster, connector, now } => {
                self.connector(cluster, connector, at, |memory| now.put(memory));
            }
            Record::Cluster { cluster, now } => now.put(self.memory(cluster, at)),
            Record::Budget { cluster, connector: None, left } => {
                self.memory(cluster, at).budget = Some(left);
            }
            Record::Budget { cluster, connector: Some(connector), left } => {
                self.connector(cluster, connector, at, |memory| memory.budget = Some(left));
            }
            Record::Breaker { cluster, signature, breaker } => {
                self.memory(cluster, at).breakers.insert(signature, breaker);
            }
            Record::Close { cluster, signature } => {
                self.memory(cluster, at).breakers.remove(&signature);
            }
            Record::Configured { cluster, is } => {
                let kept = self.clusters.entry(cluster).or_default();
                kept.not_configured_since = (!is).then_some(at);
            }
            Record::Drop { cluster } => {
                self.clusters.remove(&cluster);
            }
        }
    }

    fn memory(&mut self, cluster: Arc<str>, at: Time) -> &mut Memory {
        let kept = self.clusters.entry(cluster).or_default();
        kept.at = at;
        &mut kept.memory
    }

    /// A connector of which nothing is left is not kept, or names would pile up.
    fn connector(
        &mut self,
        cluster: Arc<str>,
        connector: Arc<str>,
        at: Time,
        change: impl FnOnce(&mut ConnectorMemory),
    ) {
        let connectors = &mut self.memory(cluster, at).connectors;
        let memory = connectors.entry(Arc::clone(&connector)).or_default();
        change(memory);
        if *memory == ConnectorMemory::default() {
            connectors.remove(&connector);
        }
    }

    /// All of it as the text of a new journal. A cluster's lines have the time at which that was
    /// last written, since then it was so.
    pub(super) fn text(&self) -> std::io::Result<Vec<u8>> {
        let mut text = Vec::new();
        let at = self.lost_at.unwrap_or_default();
        line(&mut text, at, &[Record::Format(FORMAT)])?;
        if self.lost_at.is_some() {
            line(&mut text, at, &[Record::Lost])?;
        }
        for (cluster, kept) in &self.clusters {
            for record in changes(cluster, &Memory::default(), &kept.memory) {
                line(&mut text, kept.at, &[record])?;
            }
            if let Some(since) = kept.not_configured_since {
                let record = Record::Configured { cluster: Arc::clone(cluster), is: false };
                line(&mut text, since, &[record])?;
            }
        }
        Ok(text)
    }
}

/// What has to be said for `before` to become `after`.
pub(super) fn changes(cluster: &Arc<str>, before: &Memory, after: &Memory) -> Vec<Record> {
    let of = || Arc::clone(cluster);
    let mut all = Vec::new();
    let nothing = ConnectorMemory::default();
    differing(&before.connectors, &after.connectors, |connector, before, after| {
        let (before, after) = (before.unwrap_or(&nothing), after.unwrap_or(&nothing));
        differing(&before.units, &after.units, |task, _, now| {
            let (cluster, id) = (of(), (Arc::clone(connector), *task));
            all.push(match now {
                Some(unit) => Record::Unit { cluster, id, unit: unit.clone() },
                None => Record::Forget { cluster, id },
            });
        });
        let now = OfConnector::of(after);
        if now != OfConnector::of(before) {
            all.push(Record::Connector { cluster: of(), connector: Arc::clone(connector), now });
        }
    });
    let now = OfCluster::of(after);
    if now != OfCluster::of(before) {
        all.push(Record::Cluster { cluster: of(), now });
    }
    differing(&before.breakers, &after.breakers, |signature, _, now| {
        let (cluster, signature) = (of(), Arc::clone(signature));
        all.push(match now {
            Some(breaker) => Record::Breaker { cluster, signature, breaker: breaker.clone() },
            None => Record::Close { cluster, signature },
        });
    });
    all
}

/// Calls `tell` for every key whose values differ, in order; it costs one comparison a key.
fn differing<'m, K: Ord, V: PartialEq>(
    before: &'m BTreeMap<K, V>,
    after: &'m BTreeMap<K, V>,
    mut tell: impl FnMut(&'m K, Option<&'m V>, Option<&'m V>),
) {
    let (mut old, mut new) = (before.iter().peekable(), after.iter().peekable());
    loop {
        let gone = match (old.peek(), new.peek()) {
            (None, None) => return,
            (Some((was, _)), Some((is, _))) => was.cmp(is),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
        };
        let was = if gone.is_le() { old.next() } else { None };
        let is = if gone.is_ge() { new.next() } else { None };
        let Some((key, _)) = was.or(is) else { return };
        let (was, is) = (was.map(|(_, value)| value), is.map(|(_, value)| value));
        if was != is {
            tell(key, was, is);
        }
    }
}
