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
    let acts = unit.mode == WatchdogMode::On;
    let restarted = if acts { "will be restarted" } else { "would be restarted" };
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
        Why::Breaker => format!("{done}{}", behind(unit, &next)),
        Why::Probe => format!("{done}its dependency does not answer; {restarted} when it does"),
        Why::Budget => format!(
            "{done}due, but the budget of restarts is used up for now (its connector has {:.1} left); {restarted}{next} at the soonest",
            unit.connector_budget_left
        ),
        Why::Rule => {
            let rule = unit.rule.as_deref().unwrap_or_default();
            format!("left alone: the rule {rule:?} says off")
        }
        Why::Window => format!("{done}left alone: a maintenance window"),
        Why::Silence => format!("{done}left alone: silenced"),
        Why::Foreign => "left alone: somebody else restarts this connector".to_owned(),
        Why::Turn => "to be restarted: other restarts come before it".to_owned(),
        Why::Verify => {
            let last = unit.last_restart.map_or_else(String::new, moment);
            if acts {
                format!("restarted at {last}; whether it helps is awaited")
            } else {
                format!("would have been restarted at {last}; nothing was sent, and what becomes of it is watched")
            }
        }
        Why::Stuck => "restarted, and since then neither RUNNING nor FAILED: that is not repeated; look at the worker's log".to_owned(),
        Why::Stable => "runs again, and is watched for a while".to_owned(),
        Why::Parked => format!("{done}parked: tried again{next}"),
        Why::GivenUp => given_up(unit, &done),
        Why::NotFailed => format!("{done}not FAILED at the moment"),
    };
    let since = moment(unit.first_failed);
    match (unit.why, unit.recovered) {
        (Why::Stable, Some(until)) => {
            format!("was FAILED from {since} to {}: {what}", moment(until))
        }
        (Why::Stable, None) => format!("was FAILED from {since}: {what}"),
        _ => format!("FAILED since {since}: {what}"),
    }
}

/// Whom a unit waits for that a breaker, or caution, holds back.
fn behind(unit: &UnitReport, next: &str) -> String {
    let Some(behind) = &unit.behind else {
        return match unit.class {
            FailureClass::Auth => format!(
                "another unit tries the same credentials, or restarts came to nothing lately: one at a time{next}"
            ),
            FailureClass::Transient
            | FailureClass::Unknown
            | FailureClass::Resource
            | FailureClass::Data
            | FailureClass::OffsetLost
            | FailureClass::Install => format!(
                "the last restarts came to nothing, or were refused: one at a time is made{next}"
            ),
        };
    };
    let (units, cause) = (behind.units, &unit.signature);
    let fail = if units == 1 { "unit fails" } else { "units fail" };
    let who = match &behind.canary {
        Some((connector, Some(task))) => {
            format!(
                "task {task} of {connector} was restarted first, as a canary, and the others follow if it runs"
            )
        }
        Some((connector, None)) => {
            format!(
                "{connector} was restarted first, as a canary, and the others follow if it runs"
            )
        }
        None if behind.releasing => {
            format!("a canary proved that it works again, and the others follow in steps{next}")
        }
        None => format!("one is tried first, as a canary{next}, and the others follow if it runs"),
    };
    format!("{units} {fail} of one cause ({cause}): {who}")
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
    if unit.attempts == 0 && !never {
        return "given up with all that fail of this cause: canaries were tried for them in vain, as \
                often as the class allows; a person has to look at it, and then acknowledge it"
            .to_owned();
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::super::policy::Behind;
    use super::*;

    fn unit(why: Why, mode: WatchdogMode) -> UnitReport {
        let at = |minute: u64| Duration::from_secs(1_795_521_600 + minute * 60);
        UnitReport {
            connector: "orders".into(),
            task: Some(0),
            phase: "backing_off",
            class: FailureClass::Transient,
            signature: "a.B: refused @db:5432".into(),
            first_failed: at(0),
            attempts: 1,
            attempts_most: 6,
            connector_budget_left: 0.25,
            behind: None,
            last_restart: Some(at(1)),
            recovered: None,
            next: Some(at(5)),
            why,
            mode,
            rule: None,
        }
    }

    #[test]
    fn what_is_to_come_is_told_as_such_and_what_was_only_said_too() {
        use WatchdogMode::{DryRun, On};
        for (why, mode, wanted) in [
            (
                Why::BackOff,
                On,
                "one attempt did not help; will be restarted at 2026-11-24T12:05:00Z",
            ),
            (Why::BackOff, DryRun, "would be restarted at 2026-11-24T12:05:00Z"),
            (Why::Verify, On, "Z: restarted at 2026-11-24T12:01:00Z; whether it helps is awaited"),
            (Why::Turn, On, "Z: to be restarted: other restarts come before it"),
            (Why::Verify, DryRun, "would have been restarted at 2026-11-24T12:01:00Z; nothing was"),
            (
                Why::Budget,
                On,
                "(its connector has 0.2 left); will be restarted at 2026-11-24T12:05",
            ),
            (Why::Breaker, On, "the last restarts came to nothing, or were refused: one at a time"),
        ] {
            let told = sentence(&unit(why, mode));
            assert!(told.starts_with("FAILED since 2026-11-24T12:00:00Z: "), "{told}");
            assert!(told.contains(wanted), "{told}");
        }
        let recovered = Some(Duration::from_secs(1_795_521_780));
        let told = sentence(&UnitReport { recovered, ..unit(Why::Stable, On) });
        let wanted = "was FAILED from 2026-11-24T12:00:00Z to 2026-11-24T12:03:00Z: runs again";
        assert!(told.starts_with(wanted), "{told}");
    }

    #[test]
    fn behind_a_breaker_the_cause_how_many_and_the_canary_are_named() {
        let of = |canary, releasing| {
            let behind = Some(Arc::new(Behind { units: 4, canary, releasing }));
            sentence(&UnitReport { behind, ..unit(Why::Breaker, WatchdogMode::On) })
        };
        let cause = "4 units fail of one cause (a.B: refused @db:5432): ";
        for (told, wanted) in [
            (of(None, false), "one is tried first, as a canary at 2026-11-24T12:05:00Z"),
            (
                of(Some(("x".into(), Some(2))), false),
                "task 2 of x was restarted first, as a canary",
            ),
            (of(Some(("x".into(), None)), false), "x was restarted first, as a canary"),
            (of(None, true), "a canary proved that it works again, and the others follow in steps"),
        ] {
            assert!(told.contains(&format!("{cause}{wanted}")), "{told}");
        }
        let auth = UnitReport {
            class: FailureClass::Auth,
            attempts: 0,
            attempts_most: 2,
            ..unit(Why::GivenUp, WatchdogMode::On)
        };
        assert!(sentence(&auth).contains("given up with all that fail of this cause: canaries"));
    }
}
