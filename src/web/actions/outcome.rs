//! What was sent to Kafka Connect for an administrator, what it answered, and what that means.

use hyper::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::connect::error::{Error, ErrorKind};
use crate::watchdog::policy::Answer;
use crate::watchdog::said::Said;

use super::action::{Action, Call};

/// What came of an action.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Outcome {
    /// Such as `restart_task`.
    pub action: &'static str,
    /// The cluster's name.
    pub cluster: String,
    /// The connector's name.
    pub connector: String,
    /// The task; null: the connector.
    pub task: Option<u32>,
    /// Who wanted it.
    pub by: String,
    /// What was sent; null: it is an order for the watchdog, and nothing is sent.
    pub call: Option<SentCall>,
    /// The HTTP status of Connect's answer; null: there was none.
    pub http_status: Option<u16>,
    /// `accepted`, `conflict`, `refused`, `gone`, or `not_known` where it may have been done.
    pub result: &'static str,
    /// What Connect said, or what was found in place of an answer.
    pub answer: String,
    /// What that means, and what to do next.
    pub means: String,
    /// The status that this is told with.
    #[serde(skip)]
    pub(in super::super) status: StatusCode,
}

/// A call of Connect's REST API.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SentCall {
    /// The HTTP method.
    pub method: &'static str,
    /// The path, with its query.
    pub path: String,
    /// The worker that was asked, as it is configured.
    pub worker: String,
}

impl SentCall {
    pub(super) fn new(call: Call, worker: String) -> Self {
        Self { method: call.method, path: call.path, worker }
    }
}

/// What is told of a call, beside the call.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) status: StatusCode,
    pub(super) http_status: Option<u16>,
    pub(super) said: Said,
    pub(super) answer: String,
    pub(super) means: String,
}

impl Told {
    pub(super) fn taken(action: &Action, status: u16) -> Self {
        let means = match action {
            Action::RestartTask { .. } | Action::Restart { .. } => {
                "it is started afresh; the next polls tell whether it runs"
            }
            Action::Pause { .. } => {
                "it pauses as soon as its workers have heard of it; what is FAILED stays FAILED, \
                 and the watchdog leaves a paused connector alone"
            }
            Action::Resume { .. } => {
                "it goes on as soon as its workers have heard of it; what is FAILED stays FAILED \
                 until it is restarted"
            }
            Action::Stop { .. } => {
                "its tasks are ended as soon as its workers have heard of it; resume starts it again"
            }
            Action::Acknowledge { .. }
            | Action::Silence { .. }
            | Action::Unsilence { .. }
            | Action::KillSwitch { .. } => "",
        };
        // Restarts by the plain forms are begun when 204 comes; the others are only noted.
        let at_once = status == 204 && !matches!(action, Action::Stop { .. });
        Self {
            status: if at_once { StatusCode::OK } else { StatusCode::ACCEPTED },
            http_status: Some(status),
            said: Said::Accepted,
            answer: "accepted".to_owned(),
            means: means.to_owned(),
        }
    }

    pub(super) fn failed(error: &Error) -> Self {
        let said = Said::of_post(&error.kind);
        let timed_out = matches!(error.kind, ErrorKind::Timeout(_));
        let (status, means) = match said.answer() {
            Answer::Gone => (StatusCode::NOT_FOUND, "it is not there by now; nothing was done"),
            Answer::Impossible => (
                StatusCode::NOT_IMPLEMENTED,
                "not done: workers of 4.0 and later take no path with this connector's name",
            ),
            Answer::Conflict => (
                StatusCode::CONFLICT,
                "not done: Connect refuses it for the moment, mostly since a rebalance is under \
                 way or no worker has it; try again in a minute",
            ),
            Answer::NotKnown if matches!(error.kind, ErrorKind::Unsupported) => (
                StatusCode::NOT_IMPLEMENTED,
                "the worker does not have this form of the call; a plain restart of the connector \
                 may have been done in its place, and of no task",
            ),
            Answer::NotKnown => (
                if timed_out { StatusCode::GATEWAY_TIMEOUT } else { StatusCode::BAD_GATEWAY },
                "nobody knows whether it was done; look at the state before you send it again",
            ),
            Answer::Refused | Answer::NotSent | Answer::NotFailed | Answer::Accepted => (
                StatusCode::BAD_GATEWAY,
                "not done: the worker could not be reached, or turned it away",
            ),
        };
        Self {
            status,
            http_status: error.kind.status(),
            said,
            answer: error.kind.to_string(),
            means: means.to_owned(),
        }
    }
}
