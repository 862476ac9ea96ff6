//! What became of one call, in more words than the policy needs: for the log, the audit log and the
//! plan.

use crate::connect::error::ErrorKind;

use super::policy::Answer;

/// What became of a restart that was to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// It was taken.
    Accepted,
    /// 409.
    Rebalance,
    /// 404.
    Gone,
    /// 401 or 403.
    NoRights,
    /// No connection, or no TLS.
    NoConnection,
    /// The worker's resources are not there yet.
    Starting,
    /// 503.
    Unavailable,
    /// 3xx.
    Redirected,
    /// Any other 4xx.
    Rejected,
    /// No answer in time.
    TimedOut,
    /// The connection broke before the answer was whole.
    BrokenOff,
    /// Any other 5xx.
    ServerError,
    /// An answer that is none of this call's.
    NotUnderstood,
    /// The worker's version has another call.
    Unsupported,
    /// No path can name it.
    NotAddressable,
    /// Right before, the unit was not FAILED.
    NotFailed,
    /// Right before, its status could not be read.
    StatusNotRead,
    /// This program did not want to any more.
    NotSent,
    /// The call panicked.
    Panicked,
}

impl Said {
    const ALL: [Self; 19] = [
        Self::Accepted,
        Self::Rebalance,
        Self::Gone,
        Self::NoRights,
        Self::NoConnection,
        Self::Starting,
        Self::Unavailable,
        Self::Redirected,
        Self::Rejected,
        Self::TimedOut,
        Self::BrokenOff,
        Self::ServerError,
        Self::NotUnderstood,
        Self::Unsupported,
        Self::NotAddressable,
        Self::NotFailed,
        Self::StatusNotRead,
        Self::NotSent,
        Self::Panicked,
    ];

    /// What a POST came to that was not taken.
    pub(super) const fn of_post(kind: &ErrorKind) -> Self {
        match kind {
            ErrorKind::NotFound(_) => Self::Gone,
            ErrorKind::NotAddressable(_) => Self::NotAddressable,
            ErrorKind::Conflict(..) => Self::Rebalance,
            ErrorKind::Connect(_) | ErrorKind::Tls(_) => Self::NoConnection,
            ErrorKind::Unauthorized { .. } => Self::NoRights,
            ErrorKind::Starting => Self::Starting,
            ErrorKind::Redirect(_) => Self::Redirected,
            ErrorKind::Status { status: 503, .. } => Self::Unavailable,
            ErrorKind::Status { status: 400..=499, .. } => Self::Rejected,
            ErrorKind::Status { .. } => Self::ServerError,
            ErrorKind::Timeout(_) => Self::TimedOut,
            ErrorKind::Broken(_) => Self::BrokenOff,
            ErrorKind::TooLarge(_) | ErrorKind::Shape(_) => Self::NotUnderstood,
            // Such as 204 to KIP-745's form: the connector was restarted, and no task.
            ErrorKind::Unsupported => Self::Unsupported,
        }
    }

    /// What it comes to that the status could not be read right before: nothing was sent.
    pub(super) const fn of_status(kind: &ErrorKind) -> Self {
        match Self::of_post(kind) {
            same @ (Self::Gone | Self::NotAddressable | Self::NoRights | Self::NoConnection) => {
                same
            }
            Self::Accepted
            | Self::Rebalance
            | Self::Starting
            | Self::Unavailable
            | Self::Redirected
            | Self::Rejected
            | Self::TimedOut
            | Self::BrokenOff
            | Self::ServerError
            | Self::NotUnderstood
            | Self::Unsupported
            | Self::NotFailed
            | Self::StatusNotRead
            | Self::NotSent
            | Self::Panicked => Self::StatusNotRead,
        }
    }

    /// What the policy makes of it: what may have been done counts.
    pub const fn answer(self) -> Answer {
        match self {
            Self::Accepted => Answer::Accepted,
            Self::Rebalance => Answer::Conflict,
            Self::Gone => Answer::Gone,
            Self::NotAddressable => Answer::Impossible,
            // Never sent, or turned away before it could do anything.
            Self::NoRights
            | Self::NoConnection
            | Self::Starting
            | Self::Unavailable
            | Self::Redirected
            | Self::Rejected
            | Self::StatusNotRead => Answer::Refused,
            Self::TimedOut
            | Self::BrokenOff
            | Self::ServerError
            | Self::NotUnderstood
            | Self::Unsupported
            | Self::Panicked => Answer::NotKnown,
            Self::NotFailed => Answer::NotFailed,
            Self::NotSent => Answer::NotSent,
        }
    }

    /// The word for the audit log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Rebalance => "rebalance",
            Self::Gone => "gone",
            Self::NoRights => "no_rights",
            Self::NoConnection => "no_connection",
            Self::Starting => "starting",
            Self::Unavailable => "unavailable",
            Self::Redirected => "redirected",
            Self::Rejected => "rejected",
            Self::TimedOut => "timed_out",
            Self::BrokenOff => "broken_off",
            Self::ServerError => "server_error",
            Self::NotUnderstood => "not_understood",
            Self::Unsupported => "unsupported",
            Self::NotAddressable => "not_addressable",
            Self::NotFailed => "not_failed",
            Self::StatusNotRead => "status_not_read",
            Self::NotSent => "not_sent",
            Self::Panicked => "panicked",
        }
    }

    /// What was meant by [`Self::as_str`].
    pub fn read(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|said| said.as_str() == word)
    }

    /// For a person.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Accepted => "restart sent",
            Self::Rebalance => {
                "restart refused: a rebalance is under way, or nobody has it now (409); tried again"
            }
            Self::Gone => "no restart: the worker knows no such connector or task (404)",
            Self::NoRights => {
                "restart refused: no rights (401 or 403); see to the credentials of this program"
            }
            Self::NoConnection => "restart not sent: no connection to the worker; tried again",
            Self::Starting => "restart refused: the worker is starting; tried again",
            Self::Unavailable => {
                "restart refused: the worker, or what is before it, is not ready (503); tried again"
            }
            Self::Redirected => {
                "restart refused: redirected, which is not followed; give the worker's own URL"
            }
            Self::Rejected => "restart refused: the worker, or what is before it, rejects the call",
            Self::TimedOut => {
                "no answer to the restart in time: whether it was done is not known, and it counts"
            }
            Self::BrokenOff => {
                "the answer to the restart broke off: whether it was done is not known, and it counts"
            }
            Self::ServerError => {
                "the worker failed in the restart (5xx): whether it was done is not known, and it counts"
            }
            Self::NotUnderstood => {
                "the answer to the restart is none: whether it was done is not known, and it counts"
            }
            Self::Unsupported => {
                "the worker is too old for this restart: the connector may have been restarted, and no task was"
            }
            Self::NotAddressable => {
                "no restart, now or later: workers of 4.0 and later take no path with this connector's name"
            }
            Self::NotFailed => "no restart: not FAILED any more right before it",
            Self::StatusNotRead => {
                "restart not sent: the status could not be read right before it; tried again"
            }
            Self::NotSent => "restart not sent: something speaks against it by now",
            Self::Panicked => {
                "the restart panicked, a defect of this program: whether it was done is not known, and it counts"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use super::*;
    use crate::connect::error::Conflict;

    #[test]
    fn what_may_have_been_done_counts() {
        let status = |status| ErrorKind::Status { status, message: String::new() };
        let no = String::new;
        for (kind, said, answer) in [
            (ErrorKind::Conflict(Conflict::NoLeader, no()), Said::Rebalance, Answer::Conflict),
            (ErrorKind::Connect(no()), Said::NoConnection, Answer::Refused),
            (ErrorKind::Tls(no()), Said::NoConnection, Answer::Refused),
            (
                ErrorKind::Unauthorized { status: 403, message: no() },
                Said::NoRights,
                Answer::Refused,
            ),
            (ErrorKind::Starting, Said::Starting, Answer::Refused),
            (ErrorKind::NotFound(no()), Said::Gone, Answer::Gone),
            (ErrorKind::NotAddressable(no()), Said::NotAddressable, Answer::Impossible),
            (ErrorKind::Timeout(Duration::ZERO), Said::TimedOut, Answer::NotKnown),
            (ErrorKind::Broken(no()), Said::BrokenOff, Answer::NotKnown),
            (ErrorKind::Shape(no()), Said::NotUnderstood, Answer::NotKnown),
            (ErrorKind::Unsupported, Said::Unsupported, Answer::NotKnown),
            (status(500), Said::ServerError, Answer::NotKnown),
            (status(503), Said::Unavailable, Answer::Refused),
            (status(400), Said::Rejected, Answer::Refused),
        ] {
            assert_eq!((Said::of_post(&kind), said.answer()), (said, answer), "{kind}");
            // Nothing was sent.
            let before = Said::of_status(&kind).answer();
            let counts = matches!(before, Answer::Accepted | Answer::NotKnown);
            assert!(!counts, "{kind}");
        }
    }

    #[test]
    fn each_has_a_word_and_words_of_its_own() {
        let of = |say: fn(Said) -> &'static str| Said::ALL.into_iter().map(say).collect();
        let (words, sentences): (BTreeSet<_>, BTreeSet<_>) = (of(Said::as_str), of(Said::words));
        assert_eq!((words.len(), sentences.len()), (Said::ALL.len(), Said::ALL.len()));
        assert!(Said::ALL.into_iter().all(|said| Said::read(said.as_str()) == Some(said)));
    }
}
