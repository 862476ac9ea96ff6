//! What an administrator may do.

use std::time::Duration;

use crate::connect::WorkerClient;
use crate::connect::error::Error;
use crate::connect::name::encode;

/// One action. Clusters and connectors are named as they are, not encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Restart a connector; without `include_tasks` only its own instance.
    Restart {
        /// In this cluster.
        cluster: String,
        /// This one.
        connector: String,
        /// Its tasks too (3.1.1 and later).
        include_tasks: bool,
        /// Only what is FAILED (3.1.1 and later).
        only_failed: bool,
    },
    /// Restart one task.
    RestartTask {
        /// In this cluster.
        cluster: String,
        /// Of this connector.
        connector: String,
        /// This one.
        task: u32,
    },
    /// Pause a connector.
    Pause {
        /// In this cluster.
        cluster: String,
        /// This one.
        connector: String,
    },
    /// Resume a connector that is paused or stopped.
    Resume {
        /// In this cluster.
        cluster: String,
        /// This one.
        connector: String,
    },
    /// Stop a connector (3.5 and later): it has no tasks then.
    Stop {
        /// In this cluster.
        cluster: String,
        /// This one.
        connector: String,
    },
    /// Have the watchdog try a unit afresh.
    Acknowledge {
        /// In this cluster.
        cluster: String,
        /// Of this connector.
        connector: String,
        /// This task; `None`: all of it.
        task: Option<u32>,
    },
    /// Have the watchdog leave some connectors alone for a while.
    Silence {
        /// A pattern of whole names of clusters; `None`: in every cluster.
        cluster: Option<String>,
        /// A pattern of whole names.
        connector: String,
        /// From now on.
        time: Duration,
        /// Why.
        reason: String,
    },
    /// Take a silence back.
    Unsilence {
        /// The silence's id.
        id: String,
    },
    /// Have the watchdog restart nothing at all, or let it go on.
    KillSwitch {
        /// Whether it is to be on.
        on: bool,
        /// Why; may be empty.
        reason: String,
    },
}

/// A call of Connect's REST API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The HTTP method.
    pub method: &'static str,
    /// The path, with its query, as it is sent.
    pub path: String,
}

impl Action {
    /// The word for it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Restart { .. } => "restart",
            Self::RestartTask { .. } => "restart_task",
            Self::Pause { .. } => "pause",
            Self::Resume { .. } => "resume",
            Self::Stop { .. } => "stop",
            Self::Acknowledge { .. } => "acknowledge",
            Self::Silence { .. } => "silence",
            Self::Unsilence { .. } => "unsilence",
            Self::KillSwitch { .. } => "kill_switch",
        }
    }

    /// Cluster, connector and task, where it is about one connector.
    pub fn unit(&self) -> Option<(&str, &str, Option<u32>)> {
        match self {
            Self::Restart { cluster, connector, .. }
            | Self::Pause { cluster, connector }
            | Self::Resume { cluster, connector }
            | Self::Stop { cluster, connector } => Some((cluster, connector, None)),
            Self::RestartTask { cluster, connector, task } => {
                Some((cluster, connector, Some(*task)))
            }
            Self::Acknowledge { cluster, connector, task } => Some((cluster, connector, *task)),
            Self::Silence { .. } | Self::Unsilence { .. } | Self::KillSwitch { .. } => None,
        }
    }

    /// What will be sent to Connect; `None`: nothing, it is an order for the watchdog.
    pub fn call(&self) -> Option<Call> {
        let of = |connector: &str, rest: &str| format!("/connectors/{}/{rest}", encode(connector));
        let (method, path) = match self {
            Self::Restart { connector, include_tasks: false, only_failed: false, .. } => {
                ("POST", of(connector, "restart"))
            }
            Self::Restart { connector, include_tasks, only_failed, .. } => {
                let rest = format!("restart?includeTasks={include_tasks}&onlyFailed={only_failed}");
                ("POST", of(connector, &rest))
            }
            Self::RestartTask { connector, task, .. } => {
                ("POST", of(connector, &format!("tasks/{task}/restart")))
            }
            Self::Pause { connector, .. } => ("PUT", of(connector, "pause")),
            Self::Resume { connector, .. } => ("PUT", of(connector, "resume")),
            Self::Stop { connector, .. } => ("PUT", of(connector, "stop")),
            Self::Acknowledge { .. }
            | Self::Silence { .. }
            | Self::Unsilence { .. }
            | Self::KillSwitch { .. } => return None,
        };
        Some(Call { method, path })
    }

    /// Sends it, once; gives the status that tells that it was taken. `None`: there is nothing to
    /// send.
    pub(super) async fn send(&self, worker: &WorkerClient) -> Option<Result<u16, Error>> {
        let sent = match self {
            Self::Restart { connector, include_tasks: false, only_failed: false, .. } => {
                worker.restart(connector).await.map(|()| 204)
            }
            Self::Restart { connector, include_tasks, only_failed, .. } => {
                worker.restart_planned(connector, *include_tasks, *only_failed).await.map(|_| 202)
            }
            Self::RestartTask { connector, task, .. } => {
                worker.restart_task(connector, *task).await.map(|()| 204)
            }
            Self::Pause { connector, .. } => worker.pause(connector).await.map(|()| 202),
            Self::Resume { connector, .. } => worker.resume(connector).await.map(|()| 202),
            Self::Stop { connector, .. } => worker.stop(connector).await.map(|()| 204),
            Self::Acknowledge { .. }
            | Self::Silence { .. }
            | Self::Unsilence { .. }
            | Self::KillSwitch { .. } => return None,
        };
        Some(sent)
    }
}
