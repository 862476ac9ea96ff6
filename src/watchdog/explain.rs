//! A unit's report in a sentence, for a person who has not read the rules.

use std::time::UNIX_EPOCH;

use crate::config::{FailureClass, WatchdogMode};
use crate::connect::name::addressable;

use super::policy::{Because, Hold, Reason, Time, UnitReport, Why};

/// RFC 3339 in whole seconds, as people and programs read it.
pub fn moment(since_1970: Time) -> String {
    humantime::format_rfc3339_seconds(UNIX_EPOCH + since_1970).to_string()
}

/// What was done about a unit, what is done next and when, or why nothing is.
pub fn sentence(unit: &UnitReport) -> String {
    let restarted = if unit.mode == WatchdogMode::On { "restarted" } else { "would be restarted" };
    let next = unit.next.map_or_else(String::new, |next| format!(" at {}", moment(next)));
    let done = match (unit.attempts, unit.mode) {
        (0, _) => String::new(),
        (1, WatchdogMode::On) => "one attempt did not help; ".to_owned(),
        (n, WatchdogMode::On) => format!("{n} attempts of {} did not help; ", unit.attempts_most),
        (n, _) => format!("{n} of {} attempts would have been made; ", unit.attempts_most),
    };
    let what = match unit.why {
        Why::Hold(hold) => format!("{done}nothing is restarted now: {}", hold_words(hold)),
        Why::Grace => "not restarted yet: it must be FAILED in two polls, and for a while".to_owned(),
        Why::BackOff => format!("{done}{restarted}{next}"),
        Why::Breaker => format!(
            "{done}many fail of one cause, or restarts come to nothing: one is tried first{next}, the others follow it"
        ),
        Why::Probe => format!("{done}its dependency does not answer; {restarted} when it does"),
        Why::Budget => format!("{done}due, but the budget of restarts is used up for now"),
        Why::Rule => {
            let rule = unit.rule.as_deref().unwrap_or_default();
            format!("left alone: the rule {rule:?} says off")
        }
        Why::Window => format!("{done}left alone: a maintenance window"),
        Why::Silence => format!("{done}left alone: silenced"),
        Why::Foreign => "left alone: somebody else restarts this connector".to_owned(),
        Why::Turn => format!("to be {restarted}: other restarts come before it"),
        Why::Verify => {
            let last = unit.last_restart.map_or_else(String::new, moment);
            format!("{restarted} at {last}; whether it helps is awaited")
        }
        Why::Stuck => "restarted, and since then neither RUNNING nor FAILED: that is not repeated; look at the worker's log".to_owned(),
        Why::Stable => "runs again, and is watched for a while".to_owned(),
        Why::Parked => format!("{done}parked: tried again{next}"),
        Why::GivenUp => given_up(unit, &done),
        Why::NotFailed => format!("{done}not FAILED at the moment"),
    };
    format!("FAILED since {}: {what}", moment(unit.first_failed))
}

fn given_up(unit: &UnitReport, done: &str) -> String {
    let never = unit.attempts_most == 0;
    if unit.attempts < unit.attempts_most && !addressable(&unit.connector, 4) {
        return format!(
            "{done}given up: workers of 4.0 and later take no path with this connector's name, so that \
             no call can restart it; restart the worker that has it, or create it anew under a name \
             without / % \\"
        );
    }
    match unit.class {
        FailureClass::OffsetLost if never => {
            "never restarted: its position is gone, and a restart could hide what was lost"
                .to_owned()
        }
        FailureClass::Install if never => {
            "never restarted: what is installed or configured has to be changed first".to_owned()
        }
        FailureClass::Transient
        | FailureClass::Unknown
        | FailureClass::Resource
        | FailureClass::Auth
        | FailureClass::Data
        | FailureClass::OffsetLost
        | FailureClass::Install => {
            format!("{done}given up: a person has to look at it, and then acknowledge it")
        }
    }
}

/// What a hold means.
pub const fn hold_words(hold: Hold) -> &'static str {
    match hold {
        Hold::Doubt => {
            "no watched cluster can be reached, which is more likely this program's trouble"
        }
        Hold::NoSnapshot => "the cluster could not be read",
        Hold::Stopped => "the kill switch is on",
        Hold::JournalLost => "what was done before is not known, or the journal cannot be written",
        Hold::NotFresh => "no worker is proven able to serve, so that the states may be old",
        Hold::Rebalance => "a rebalance is under way, or just was",
    }
}

/// Why a unit is restarted.
pub(super) const fn reason_words(reason: Reason) -> &'static str {
    match reason {
        Reason::Attempt => "an attempt of its own is due",
        Reason::Canary => "a canary: many fail of one cause, and one is tried first",
        Reason::Release => "a canary proved that it works again",
        Reason::Probe => "parked, and tried now and then",
    }
}

/// Why what was remembered of a unit is forgotten.
pub(super) const fn cleared_words(because: Because) -> &'static str {
    match because {
        Because::StableHealth => "it was healthy for long enough",
        Because::ConfigChanged => "the connector has another configuration",
        Because::Paused => "it was paused or stopped",
        Because::Deleted => "it is gone",
        Because::OtherFailure => "it fails in a way in which it did not fail before",
        Because::Acknowledged => "a person acknowledged it",
        Because::ModeChanged => "what was only said before is done from now on",
    }
}
