//! Orders for the watchdog: they go into the file that `connect-warden watchdog` writes too.

use std::sync::Arc;

use crate::config::pattern_of_whole;
use crate::watchdog::audit::{AuditEvent, AuditLine};
use crate::watchdog::office::Office;
use crate::watchdog::orders::{Broken, ChangeError, Given, OrderError};
use hyper::StatusCode;

use super::super::api::ask::now;
use super::super::api::problem::Problem;
use super::super::facts::{KillSwitchFacts, SilenceFacts};
use super::{Action, Actions, Done, Outcome};

/// In the audit log, where an order is not for one cluster.
const EVERY_CLUSTER: &str = "*";

impl Actions {
    pub(super) async fn order(&self, by: &str, action: Action) -> Result<Done, Problem> {
        if let Action::Silence { cluster: Some(pattern), .. } = &action {
            self.matches_a_cluster(pattern)?;
        }
        let (office, by_whom, wanted) = (Arc::clone(&self.office), by.to_owned(), action.clone());
        let written = tokio::task::spawn_blocking(move || give(&office, &by_whom, &wanted)).await;
        let done = written.map_err(|_| {
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "writing the order broke off")
        })??;
        self.audit(vec![self.line(by, &action, &done)]).await;
        for cluster in self.clients.keys() {
            let is_for = match (&action, action.unit()) {
                (_, Some((name, ..))) => name == &**cluster,
                (Action::Silence { cluster: Some(pattern), .. }, None) => {
                    pattern_of_whole(pattern).is_ok_and(|pattern| pattern.is_match(cluster))
                }
                (_, None) => true,
            };
            if is_for {
                self.exporter.touch(cluster);
            }
        }
        if let Done::Switched(now) = &done
            && !is_as_wanted(&action, now)
        {
            let because = now.because.as_deref().unwrap_or_default();
            let said = format!(
                "the order to stop is taken back, and it is still on, which only who did that can \
                 change: {because}"
            );
            return Err(Problem::new(StatusCode::CONFLICT, said));
        }
        Ok(done)
    }

    fn matches_a_cluster(&self, pattern: &str) -> Result<(), Problem> {
        let Ok(compiled) = pattern_of_whole(pattern) else { return Ok(()) };
        if self.clients.keys().any(|name| compiled.is_match(name)) {
            return Ok(());
        }
        let names = self.clients.keys().map(|name| &**name);
        let said = format!("cluster: no watched cluster's whole name matches {pattern:?}");
        Err(Problem::field("cluster", said).choices(names))
    }

    fn line(&self, by: &str, action: &Action, done: &Done) -> AuditLine {
        let line = |cluster: Option<&str>, event| {
            let known = cluster.and_then(|cluster| self.clients.get_key_value(cluster));
            let cluster = known.map_or_else(|| EVERY_CLUSTER.into(), |(name, _)| Arc::clone(name));
            let by = Some(by.to_owned().into());
            AuditLine { by, ..AuditLine::new(now(), cluster, event) }
        };
        let silenced = |silence: &SilenceFacts, event, what: &str| AuditLine {
            connector: Some(silence.connector.as_str().into()),
            why: Some(silence.reason.clone().into()),
            answer: Some(format!("{what} {} until {}", silence.id, silence.until).into()),
            ..line(silence.cluster.as_deref(), event)
        };
        match done {
            Done::Silenced(silence) => silenced(silence, AuditEvent::Silenced, "silence"),
            Done::Unsilenced(silence) => {
                silenced(silence, AuditEvent::Ordered, "took back silence")
            }
            Done::Switched(_) => {
                let Action::KillSwitch { on, reason } = action else {
                    return line(None, AuditEvent::Ordered);
                };
                let event = if *on { AuditEvent::KillSwitchOn } else { AuditEvent::KillSwitchOff };
                let why = Some(reason.clone().into()).filter(|_| !reason.is_empty());
                AuditLine { why, ..line(None, event) }
            }
            Done::Acted(outcome) => AuditLine {
                connector: Some(outcome.connector.as_str().into()),
                task: outcome.task,
                answer: Some("acknowledged".into()),
                ..line(Some(&outcome.cluster), AuditEvent::Ordered)
            },
        }
    }
}

fn is_as_wanted(action: &Action, now: &KillSwitchFacts) -> bool {
    match action {
        Action::KillSwitch { on, .. } => now.on == *on,
        Action::Restart { .. }
        | Action::RestartTask { .. }
        | Action::Pause { .. }
        | Action::Resume { .. }
        | Action::Stop { .. }
        | Action::Acknowledge { .. }
        | Action::Silence { .. }
        | Action::Unsilence { .. } => true,
    }
}

/// Waits for the disk, and for who else writes.
fn give(office: &Office, by: &str, action: &Action) -> Result<Done, Problem> {
    let now = now();
    let change = |broken, change: &dyn Fn(&mut Given) -> Result<String, OrderError>| {
        office
            .kill_switch
            .orders()
            .change(broken, now, |given| change(given))
            .map_err(|error| problem(&error))
    };
    let find = |given: &Given, id: &str| {
        given.silences.iter().find(|silence| silence.id == id).map(SilenceFacts::from)
    };
    match action {
        Action::Acknowledge { cluster, connector, task } => {
            change(Broken::Refuse, &|given| {
                given.acknowledge(cluster, connector, *task, by, now).map(|()| String::new())
            })?;
            Ok(Done::Acted(Box::new(acknowledged(by, cluster, connector, *task))))
        }
        Action::Silence { cluster, connector, time, reason } => {
            let changed = change(Broken::Refuse, &|given| {
                given.silence(cluster.as_deref(), connector, *time, reason, by, now)
            })?;
            find(&changed.given, &changed.value).map(Done::Silenced).ok_or_else(lost)
        }
        Action::Unsilence { id } => {
            let before = office.kill_switch.orders().read();
            change(Broken::Refuse, &|given| given.unsilence(id).map(|silence| silence.id))?;
            find(&before.given, id).map(Done::Unsilenced).ok_or_else(lost)
        }
        Action::KillSwitch { on, reason } => {
            // What cannot be understood is an order to stop: to take that back is to begin afresh.
            change(Broken::PutAside, &|given| {
                if *on {
                    given.stop(by, reason, now);
                } else {
                    // None to take back: it is as it was wanted, unless something else holds it.
                    let _ = given.go();
                }
                Ok(String::new())
            })?;
            Ok(Done::Switched(KillSwitchFacts::of(
                &office.kill_switch,
                &office.kill_switch.orders().read(),
            )))
        }
        Action::Restart { .. }
        | Action::RestartTask { .. }
        | Action::Pause { .. }
        | Action::Resume { .. }
        | Action::Stop { .. } => Err(lost()),
    }
}

fn lost() -> Problem {
    let said = "the order is written, and cannot be found again; look at what is in force";
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, said)
}

fn acknowledged(by: &str, cluster: &str, connector: &str, task: Option<u32>) -> Outcome {
    Outcome {
        action: "acknowledge",
        cluster: cluster.to_owned(),
        connector: connector.to_owned(),
        task,
        by: by.to_owned(),
        call: None,
        http_status: None,
        result: "accepted",
        answer: "noted for the watchdog".to_owned(),
        means: "what is FAILED there is tried afresh from the next poll on, where the watchdog is \
                on and runs within ten minutes"
            .to_owned(),
        status: StatusCode::ACCEPTED,
    }
}

/// The messages name the flags of the command that gives the same orders.
const FIELDS: [(&str, &str); 4] = [
    ("--cluster: ", "cluster"),
    ("--connector: ", "connector"),
    ("--for: ", "duration"),
    ("--reason: ", "reason"),
];

fn problem(error: &ChangeError) -> Problem {
    match error {
        ChangeError::Order(OrderError::Bad(said)) => {
            let field =
                FIELDS.iter().find_map(|(flag, field)| Some((field, said.strip_prefix(flag)?)));
            match field {
                Some((field, said)) => Problem::field(field, format!("{field}: {said}")),
                None => Problem::new(StatusCode::BAD_REQUEST, said),
            }
        }
        ChangeError::Order(OrderError::Nothing(said)) => Problem::new(StatusCode::NOT_FOUND, said),
        ChangeError::Order(OrderError::Full(said)) => Problem::new(StatusCode::CONFLICT, said),
        ChangeError::Broken(said) => Problem::new(
            StatusCode::CONFLICT,
            format!("{said}; to turn the kill switch off puts the file aside and begins afresh"),
        ),
        ChangeError::Locked(_) => Problem::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
        ChangeError::Owner { source, .. } | ChangeError::Write(_, source) => {
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}: {source}"))
        }
    }
}
