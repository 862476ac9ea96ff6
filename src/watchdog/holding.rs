//! Why nothing is restarted in a cluster, in words.

use crate::observe::view::ClusterView;

use super::explain::hold_words;
use super::policy::Hold;
use super::view::{JournalView, WatchdogView};

/// Whether no worker was asked long enough yet for a proof that it serves.
pub(super) fn is_first_wait(hold: Hold, view: &ClusterView) -> bool {
    hold == Hold::NotFresh && view.fresh.is_none()
}

/// Why nothing is restarted, in words.
pub(super) fn hold_because(hold: Hold, view: &ClusterView, told: &WatchdogView) -> String {
    let JournalView { broken, lost, is_first, .. } = told.journal;
    let words = match hold {
        Hold::NotFresh if is_first_wait(hold, view) => {
            "waiting for the first proof that a worker can serve"
        }
        Hold::JournalLost if broken => "the journal cannot be written",
        Hold::JournalLost if lost && is_first => {
            "the first start with this journal: others may have restarted something just now"
        }
        Hold::JournalLost if lost => "what was done before is not known",
        Hold::Doubt
        | Hold::NoSnapshot
        | Hold::Stopped
        | Hold::JournalLost
        | Hold::NotFresh
        | Hold::Rebalance => hold_words(hold),
    };
    let detail = match hold {
        Hold::Stopped => told.stopped_because.as_deref(),
        Hold::NotFresh => view.not_fresh_because.as_deref(),
        Hold::NoSnapshot => view.poll.failure.as_ref().map(|(_, message)| message.as_str()),
        Hold::Doubt | Hold::JournalLost | Hold::Rebalance => None,
    };
    let detail = detail.filter(|detail| !detail.is_empty());
    detail.map_or_else(|| words.to_owned(), |detail| format!("{words}: {detail}"))
}
