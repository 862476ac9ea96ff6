//! `silences:`: some units are left alone for a while, for a reason, and not for longer than a day.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

use crate::watchdog::policy::Silence;

use super::matching::{self, MatchSettings};
use super::node::{Node, Problem, problem};
use super::section::{Section, Text, written};

/// The longest silence.
const MOST: Duration = Duration::from_secs(24 * 3600);

/// Some units are left alone from then until then.
#[derive(Clone, Debug)]
pub struct SilenceSettings {
    /// Whom.
    pub matching: MatchSettings,
    /// From when.
    pub from: SystemTime,
    /// Until when; at most 24 h after `from`.
    pub until: SystemTime,
    /// Why, for whoever asks.
    pub reason: String,
}

impl SilenceSettings {
    /// For the policy; its times are since the beginning of 1970.
    pub(super) fn of_policy(&self) -> Silence {
        let since = |at: SystemTime| at.duration_since(UNIX_EPOCH).unwrap_or_default();
        Silence {
            selector: self.matching.selector.clone(),
            from: since(self.from),
            until: since(self.until),
        }
    }
}

/// Reads `silences:`; one that is over is warned of.
pub(super) fn read(
    nodes: &[Node],
    now: SystemTime,
    warnings: &mut Vec<Problem>,
) -> Result<Vec<SilenceSettings>, Problem> {
    let mut all = Vec::new();
    for (number, node) in nodes.iter().enumerate() {
        let path = format!("watchdog.silences[{}]", number + 1);
        let mut section = Section::new(path, node.line, node)?;
        let matching = matching::read(section.section("match")?, warnings)?;
        let from = section.needed("from", EXAMPLE)?;
        let from = time(&section, from, "from")?;
        let until = section.needed("until", EXAMPLE)?;
        let until = time(&section, until, "until")?;
        let reason = section.needed("reason", "'the database is moved'")?.text;
        match until.duration_since(from) {
            Ok(length) if length > MOST => {
                let length = written(length);
                return section.wrong("until", format!("is {length} after `from`; at most 1day"));
            }
            Ok(length) if !length.is_zero() => {}
            Ok(_) | Err(_) => return section.wrong("until", "is not after `from`"),
        }
        if until <= now {
            warnings.push(Problem {
                line: section.line_of(&["until"]),
                text: format!("{}: is over and does nothing; take it out", section.path),
            });
        }
        section.finish()?;
        all.push(SilenceSettings { matching, from, until, reason });
    }
    Ok(all)
}

const EXAMPLE: &str = "2027-01-31T22:00:00+01:00";

fn time(section: &Section<'_>, text: Text, key: &str) -> Result<SystemTime, Problem> {
    match text.text.parse::<Timestamp>() {
        Ok(time) => Ok(time.into()),
        Err(error) => problem(
            text.line,
            format!(
                "{}.{key}: {:?} is not a time such as {EXAMPLE} or 2027-01-31T21:00:00Z: {error}",
                section.path, text.text
            ),
        ),
    }
}
