//! The lines of a journal: `CRC AT JSON`. `CRC` is CRC-32 of what follows its blank, in eight hex
//! digits; `AT` milliseconds since 1970; `JSON` the records of one write, so that a write is there
//! wholly or not at all. In format 1 there was no `AT`, and one record a line.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::super::policy::{
    Breaker, Bucket, Caution, ConnectorMemory, Memory, Rebalance, Time, Unit, UnitId,
};

pub(super) const FORMAT: u32 = 2;

/// What became of something; each stands for itself, and the last one about a thing counts.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Record {
    Format(u32),
    /// From here on what was done before is not known, or not wholly.
    Lost,
    Unit {
        cluster: Arc<str>,
        id: UnitId,
        unit: Unit,
    },
    Forget {
        cluster: Arc<str>,
        id: UnitId,
    },
    Connector {
        cluster: Arc<str>,
        connector: Arc<str>,
        now: OfConnector,
    },
    Cluster {
        cluster: Arc<str>,
        now: OfCluster,
    },
    Breaker {
        cluster: Arc<str>,
        signature: Arc<str>,
        breaker: Breaker,
    },
    Close {
        cluster: Arc<str>,
        signature: Arc<str>,
    },
    /// Whether the cluster is one that this process was told to watch.
    Configured {
        cluster: Arc<str>,
        is: bool,
    },
    Drop {
        cluster: Arc<str>,
    },
    /// Only read: what format 1 has instead of `Connector` and `Cluster`.
    Budget {
        cluster: Arc<str>,
        connector: Option<Arc<str>>,
        left: Bucket,
    },
}

/// What is kept of a connector beside its units.
#[derive(Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct OfConnector {
    #[serde(skip_serializing_if = "Option::is_none")]
    budget: Option<Bucket>,
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<u64>,
    #[serde(skip_serializing_if = "VecDeque::is_empty")]
    foreign: VecDeque<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stood_down_until: Option<Time>,
}

impl OfConnector {
    pub(super) fn of(memory: &ConnectorMemory) -> Self {
        Self {
            budget: memory.budget,
            config: memory.config,
            foreign: memory.foreign.clone(),
            stood_down_until: memory.stood_down_until,
        }
    }

    pub(super) fn put(self, memory: &mut ConnectorMemory) {
        memory.budget = self.budget;
        memory.config = self.config;
        memory.foreign = self.foreign;
        memory.stood_down_until = self.stood_down_until;
    }
}

/// What is kept of a cluster beside its connectors and breakers.
#[derive(Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct OfCluster {
    #[serde(skip_serializing_if = "Option::is_none")]
    budget: Option<Bucket>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rebalance: Option<Rebalance>,
    #[serde(skip_serializing_if = "Option::is_none")]
    caution: Option<Caution>,
    #[serde(skip_serializing_if = "VecDeque::is_empty")]
    verified: VecDeque<bool>,
    #[serde(skip_serializing_if = "is_zero")]
    refused: u32,
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    heeded: BTreeSet<Time>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    tried_auth: BTreeMap<Arc<str>, Time>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl OfCluster {
    pub(super) fn of(memory: &Memory) -> Self {
        Self {
            budget: memory.budget,
            rebalance: memory.rebalance,
            caution: memory.caution,
            verified: memory.verified.clone(),
            refused: memory.refused,
            heeded: memory.heeded.clone(),
            tried_auth: memory.tried_auth.clone(),
        }
    }

    pub(super) fn put(self, memory: &mut Memory) {
        memory.budget = self.budget;
        memory.rebalance = self.rebalance;
        memory.caution = self.caution;
        memory.verified = self.verified;
        memory.refused = self.refused;
        memory.heeded = self.heeded;
        memory.tried_auth = self.tried_auth;
    }
}

/// Adds a line to a text.
pub(super) fn line(text: &mut Vec<u8>, at: Time, records: &[Record]) -> std::io::Result<()> {
    let start = text.len();
    // The sum comes last, into its place: a write of a whole cluster is megabytes, and not copied.
    write!(text, "{:08x} ", 0)?;
    let said = text.len();
    write!(text, "{} ", at.as_millis())?;
    serde_json::to_writer(&mut *text, records)?;
    let sum = format!("{:08x}", crc32fast::hash(&text[said..]));
    text[start..start + sum.len()].copy_from_slice(sum.as_bytes());
    text.push(b'\n');
    Ok(())
}

/// What is on one line.
#[derive(Debug)]
pub(super) struct Line {
    /// When it was written, which format 1 does not say.
    pub(super) at: Option<Time>,
    pub(super) records: Vec<Record>,
}

/// What is wrong with a line, to be put after "line N".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// It was being written when the machine or the process stopped.
    CutOff,
    NotARecord,
    Checksum,
    Unknown,
}

impl Broken {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::CutOff => "is cut off",
            Self::NotARecord => "is not a record of a journal",
            Self::Checksum => "has a wrong checksum",
            Self::Unknown => "is of a kind that this version does not know",
        }
    }
}

/// Reads a journal's lines; each with where it ends.
pub(super) fn lines(bytes: &[u8]) -> impl Iterator<Item = (usize, Result<Line, Broken>)> {
    let mut end = 0;
    bytes.split_inclusive(|byte| *byte == b'\n').map(move |line| {
        end += line.len();
        let read = read(line).map_err(|broken| {
            // A block that never reached the disk reads as zeros, which JSON does not have.
            let torn = line.last() != Some(&b'\n') || line.contains(&0);
            if torn && end == bytes.len() { Broken::CutOff } else { broken }
        });
        (end, read)
    })
}

fn read(line: &[u8]) -> Result<Line, Broken> {
    let line = std::str::from_utf8(line).map_err(|_| Broken::NotARecord)?;
    let (sum, said) =
        line.split_once(' ').filter(|(sum, _)| sum.len() == 8).ok_or(Broken::NotARecord)?;
    let right = u32::from_str_radix(sum, 16).map_err(|_| Broken::NotARecord)?;
    let said = said.strip_suffix('\n').ok_or(Broken::NotARecord)?;
    if right != crc32fast::hash(said.as_bytes()) {
        return Err(Broken::Checksum);
    }
    if said.starts_with('{') {
        let record = serde_json::from_str(said).map_err(|_| Broken::Unknown)?;
        return Ok(Line { at: None, records: vec![record] });
    }
    let (at, json) = said.split_once(' ').ok_or(Broken::Unknown)?;
    let at = at.parse().map(Duration::from_millis).map_err(|_| Broken::Unknown)?;
    let records = serde_json::from_str(json).map_err(|_| Broken::Unknown)?;
    Ok(Line { at: Some(at), records })
}
