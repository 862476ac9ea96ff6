//! `wait`: until connectors are in a state, or the time is over.

use std::io::Write;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::connect::model::State;

use super::Session;
use super::explain::said;
use super::failure::Failure;
use super::flags::{WaitFlags, Wanted};
use super::select;
use super::show::{View, plain};
use super::target::{Cluster, Connector};

/// Where no --timeout is given.
const LIMIT: Duration = Duration::from_secs(60);
/// From one look to the next.
const PAUSE: Duration = Duration::from_millis(500);

impl<C: Cluster, W: Write> Session<'_, C, W> {
    pub(super) async fn wait(&mut self, flags: &WaitFlags) -> Result<(), Failure> {
        let limit = self.flags.timeout.unwrap_or(LIMIT);
        let end = Instant::now() + limit;
        let of = &flags.of;
        let listed = self.cluster.names().await?;
        let mut left = match (flags.wanted, select::choose(&listed, &of.names, of.regex)) {
            (_, Ok(chosen)) => chosen.names,
            // What is to be deleted may be gone, and what is to run may be on its way.
            (_, Err(failure)) if failure.code == 1 && !of.regex => of.names.clone(),
            (_, Err(failure)) => return Err(failure),
        };
        let mut view = View::new(&["NAME", "OUTCOME"], "there is nothing to wait for");
        let mut last = vec![String::from("not looked at yet"); left.len()];
        loop {
            let mut at = 0;
            while at < left.len() {
                let looked = tokio::time::timeout_at(end, self.look(&left[at], flags.wanted)).await;
                match looked {
                    Ok(Ok((true, _))) => {
                        let name = format!("connector/{}", left.remove(at));
                        last.remove(at);
                        self.outcome(&mut view, &name, flags.wanted.word(), None)?;
                    }
                    Ok(Ok((false, now))) => {
                        last[at] = now;
                        at += 1;
                    }
                    Ok(Err(failure)) => {
                        last[at] = failure.text;
                        at += 1;
                        let _ = tokio::time::timeout_at(end, self.cluster.again()).await;
                    }
                    Err(_) => at += 1,
                }
            }
            if left.is_empty() {
                return self.outcomes(&view);
            }
            if Instant::now() + PAUSE >= end {
                break;
            }
            sleep(PAUSE).await;
        }
        let limit = humantime::format_duration(limit);
        for (name, last) in left.iter().zip(&last) {
            let name = format!("connector/{name}");
            let problem =
                format!("not {} within {limit}; last: {}", flags.wanted.word(), plain(last));
            self.tell(&format!("{}: {problem}", plain(&name)));
            self.outcome(&mut view, &name, "timed out", Some(&problem))?;
        }
        self.outcomes(&view)?;
        Err(Failure::told())
    }

    /// Whether it is as wanted, and how it is.
    async fn look(&self, name: &str, wanted: Wanted) -> Result<(bool, String), Failure> {
        let listed = self.cluster.names().await?;
        if !listed.iter().any(|listed| listed == name) {
            return Ok((wanted == Wanted::Deleted, "not listed".to_owned()));
        }
        if wanted == Wanted::Deleted {
            return Ok((false, "still listed".to_owned()));
        }
        match self.cluster.connector(name).await {
            Ok(connector) => Ok((wanted.is(&connector), said(&connector))),
            Err(failure) if failure.is_not_found() => Ok((false, "not listed".to_owned())),
            Err(failure) => Err(failure),
        }
    }
}

impl Wanted {
    const fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Stopped => "stopped",
            Self::Paused => "paused",
            Self::Failed => "failed",
            Self::Deleted => "deleted",
        }
    }

    fn is(self, connector: &Connector) -> bool {
        let Some(status) = &connector.status else { return false };
        let all = |state| connector.instances().all(|instance| instance.state == state);
        let tasks = status.tasks.len();
        match self {
            Self::Running => all(State::Running) && tasks >= connector.expected(),
            Self::Paused => all(State::Paused) && tasks >= connector.expected(),
            Self::Stopped => status.connector.state == State::Stopped && tasks == 0,
            Self::Failed => connector.instances().any(|i| i.state == State::Failed),
            Self::Deleted => false,
        }
    }
}
