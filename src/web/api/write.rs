//! What an administrator sends.

use bytes::Bytes;
use hyper::header::{CACHE_CONTROL, HeaderValue, LOCATION};
use hyper::{Request, StatusCode};
use serde::Serialize;

use super::super::actions::{Action, Actions, Done};
use super::super::routes::{Answer, reply};
use super::body::{EmptyBody, KillSwitchBody, RestartBody, SilenceBody, read};
use super::problem::Problem;
use super::resources::Write;

/// `names` are those in the path, decoded.
pub(super) async fn write(
    actions: &Actions,
    by: &str,
    endpoint: Write,
    names: &[String],
    request: &Request<Bytes>,
) -> Answer {
    let done = match action(endpoint, names, request) {
        Ok(action) => actions.act(by, action).await,
        Err(problem) => Err(problem),
    };
    match done {
        Ok(Done::Acted(outcome)) => json(outcome.status, &outcome),
        Ok(Done::Silenced(silence)) => {
            let mut answer = json(StatusCode::CREATED, &silence);
            if let Ok(place) = HeaderValue::from_str(&format!("silences/{}", silence.id)) {
                answer.headers_mut().insert(LOCATION, place);
            }
            answer
        }
        Ok(Done::Unsilenced(silence)) => json(StatusCode::OK, &silence),
        Ok(Done::Switched(switch)) => json(StatusCode::OK, &switch),
        Err(problem) => problem.answer(),
    }
}

fn json(status: StatusCode, value: &impl Serialize) -> Answer {
    let body = serde_json::to_string(value).unwrap_or_default() + "\n";
    let mut answer = reply(status, "application/json", body);
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

fn action(endpoint: Write, names: &[String], request: &Request<Bytes>) -> Result<Action, Problem> {
    if request.uri().query().is_some_and(|query| !query.is_empty()) {
        let said = "this call has no parameters; what is to be said goes into the body";
        return Err(Problem::new(StatusCode::BAD_REQUEST, said));
    }
    let name = |at: usize| names.get(at).cloned().unwrap_or_default();
    let (cluster, connector) = (name(0), name(1));
    let task = || {
        let text = name(2);
        let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|_| is_plain).ok_or_else(|| {
            Problem::new(StatusCode::NOT_FOUND, format!("no task {text:?}: tasks are numbers"))
        })
    };
    let nothing = || read::<EmptyBody>(request).map(drop);
    Ok(match endpoint {
        Write::Restart => {
            let RestartBody { include_tasks, only_failed } = read(request)?;
            Action::Restart { cluster, connector, include_tasks, only_failed }
        }
        Write::RestartTask => {
            nothing()?;
            Action::RestartTask { cluster, connector, task: task()? }
        }
        Write::Pause => {
            nothing()?;
            Action::Pause { cluster, connector }
        }
        Write::Resume => {
            nothing()?;
            Action::Resume { cluster, connector }
        }
        Write::Stop => {
            nothing()?;
            Action::Stop { cluster, connector }
        }
        Write::Acknowledge => {
            nothing()?;
            Action::Acknowledge { cluster, connector, task: None }
        }
        Write::AcknowledgeTask => {
            nothing()?;
            Action::Acknowledge { cluster, connector, task: Some(task()?) }
        }
        Write::Silence => {
            let body: SilenceBody = read(request)?;
            let time = body.time()?;
            let SilenceBody { cluster, connector, reason, .. } = body;
            Action::Silence { cluster, connector, time, reason }
        }
        Write::Unsilence => {
            nothing()?;
            Action::Unsilence { id: name(0) }
        }
        Write::TurnKillSwitch => {
            let KillSwitchBody { on, reason } = read(request)?;
            Action::KillSwitch { on, reason }
        }
    })
}
