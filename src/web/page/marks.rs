//! How a state looks: a mark with a shape of its own, and always the word beside it or for those who
//! do not see it.

use maud::{Markup, html};

use crate::config::FailureClass;
use crate::connect::model::State;

use super::super::facts::{ConnectorFacts, Severity, TaskFacts};

/// One of five, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mark {
    /// Runs.
    Well,
    /// Paused or stopped, as somebody wanted it.
    Idle,
    /// Not FAILED, and not right.
    Odd,
    /// FAILED, and the watchdog is on it.
    Watched,
    /// FAILED, and a person is wanted.
    Critical,
}

impl Mark {
    /// Every mark, the worst first, with what it means.
    pub(super) const LEGEND: [(Self, &'static str); 5] = [
        (Self::Critical, "failed, a person is wanted"),
        (Self::Watched, "failed, the watchdog is on it"),
        (Self::Odd, "not failed, and not right"),
        (Self::Idle, "paused or stopped"),
        (Self::Well, "running"),
    ];

    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::Well => "r",
            Self::Idle => "p",
            Self::Odd => "o",
            Self::Watched => "w",
            Self::Critical => "c",
        }
    }

    pub(super) const fn of(state: State, severity: Severity) -> Self {
        match (state, severity) {
            (State::Failed, Severity::Critical) => Self::Critical,
            (State::Failed, Severity::Warning | Severity::Fine) => Self::Watched,
            (State::Paused | State::Stopped, _) => Self::Idle,
            (_, Severity::Warning | Severity::Critical) => Self::Odd,
            (_, Severity::Fine) => Self::Well,
        }
    }

    pub(super) const fn of_task(task: &TaskFacts) -> Self {
        Self::of(task.state, task.severity)
    }

    /// The worst of a connector's own instance, its tasks and what is odd about it.
    pub(super) fn of_connector(connector: &ConnectorFacts) -> Self {
        let tasks = connector.tasks.iter().map(Self::of_task).max();
        let own = match connector.state {
            State::Failed if connector.severity == Severity::Critical => Self::Critical,
            State::Failed => Self::Watched,
            State::Paused | State::Stopped => Self::Idle,
            State::Running | State::Unassigned | State::Restarting | State::Unknown => {
                if connector.severity == Severity::Fine { Self::Well } else { Self::Odd }
            }
        };
        tasks.map_or(own, |tasks| tasks.max(own))
    }
}

/// The mark alone; what it means stands beside it.
pub(super) fn mark(mark: Mark) -> Markup {
    html! { i class={ "s " (mark.class()) } aria-hidden="true" {} }
}

/// The mark of a severity.
pub(super) fn severity(of: Severity) -> Markup {
    mark(match of {
        Severity::Fine => Mark::Well,
        Severity::Warning => Mark::Odd,
        Severity::Critical => Mark::Critical,
    })
}

/// A state with its mark.
pub(super) fn state(of: State, severity: Severity) -> Markup {
    html! { span.nb { (mark(Mark::of(of, severity))) " " (of.as_str()) } }
}

/// A failure's class.
pub(super) fn class(of: FailureClass) -> Markup {
    html! { span.chip title=(meaning(of)) { (of.as_str()) } }
}

/// What a class of failures means, in a few words.
pub(super) const fn meaning(class: FailureClass) -> &'static str {
    match class {
        FailureClass::Transient => "time heals it",
        FailureClass::Unknown => "no rule fits",
        FailureClass::Resource => "memory, disk, connections or a quota are used up",
        FailureClass::Auth => "a credential or a permission is refused",
        FailureClass::Data => "the record, or what it is written to, does not fit",
        FailureClass::OffsetLost => "the stored offsets point to what is gone",
        FailureClass::Install => "the connector, its plugin or the source is not set up right",
    }
}

/// `one task`, `3 tasks`.
pub(super) fn count(n: usize, one: &str, many: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{} {many}", thousands(n)) }
}

/// `2,000`.
pub(super) fn thousands(n: usize) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(count(1, "task", "tasks"), "1 task");
        assert_eq!(count(0, "task", "tasks"), "0 tasks");
        assert_eq!(count(1_234_567, "task", "tasks"), "1,234,567 tasks");
        assert_eq!(thousands(2000), "2,000");
        assert_eq!(thousands(999), "999");
    }
}
