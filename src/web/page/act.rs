//! What an administrator does: a page that asks once and says what will be sent, and one that tells
//! what came of it.
//!
//! `GET /act?do=&cluster=&connector=&task=` asks, `POST /act` with the same as a form does it.

use std::time::Duration;

use bytes::Bytes;
use hyper::header::CONTENT_TYPE;
use hyper::{Request, StatusCode};
use maud::{Markup, html};
use mediatype::MediaType;
use url::form_urlencoded;

use super::super::access::FORM_TOKEN;
use super::super::actions::{Action, Done, Outcome};
use super::super::api::problem::Problem;
use super::super::routes::{Answer, App};
use super::layout::{Tab, whole};
use super::scene::Scene;
use super::times::when;
use super::viewer::Viewer;
use super::{Page, html as answer_html};

/// For how long a silence may be asked for here.
const SILENCES: [(&str, &str); 6] = [
    ("15m", "15 minutes"),
    ("1h", "1 hour"),
    ("4h", "4 hours"),
    ("8h", "8 hours"),
    ("12h", "12 hours"),
    ("24h", "24 hours"),
];

/// The fields of the query or of the form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Wanted {
    what: String,
    cluster: String,
    connector: String,
    task: Option<u32>,
    id: String,
    time: String,
    reason: String,
}

impl Wanted {
    fn read(text: &[u8]) -> Result<Self, String> {
        let mut wanted = Self::default();
        for (name, value) in form_urlencoded::parse(text) {
            let value = value.into_owned();
            match &*name {
                "do" => wanted.what = value,
                "cluster" => wanted.cluster = value,
                "connector" => wanted.connector = value,
                "task" if value.is_empty() => {}
                "task" => {
                    let task =
                        value.parse().map_err(|_| format!("{value:?} is not a task's number."))?;
                    wanted.task = Some(task);
                }
                "id" => wanted.id = value,
                "for" => wanted.time = value,
                "reason" => wanted.reason = value,
                // The form's token was looked at before.
                _ => {}
            }
        }
        Ok(wanted)
    }

    /// What it comes to, or why it makes no sense.
    fn action(&self) -> Result<Action, String> {
        let (cluster, connector) = (self.cluster.clone(), self.connector.clone());
        let restart = |include_tasks, only_failed| Action::Restart {
            cluster: self.cluster.clone(),
            connector: self.connector.clone(),
            include_tasks,
            only_failed,
        };
        Ok(match (&*self.what, self.task) {
            ("restart", None) => restart(false, false),
            ("restart_failed", None) => restart(true, true),
            ("restart_all", None) => restart(true, false),
            ("restart", Some(task)) => Action::RestartTask { cluster, connector, task },
            ("pause", _) => Action::Pause { cluster, connector },
            ("resume", _) => Action::Resume { cluster, connector },
            ("stop", _) => Action::Stop { cluster, connector },
            ("acknowledge", task) => Action::Acknowledge { cluster, connector, task },
            ("silence", _) => Action::Silence {
                cluster: Some(cluster).filter(|cluster| !cluster.is_empty()),
                connector,
                time: self.time()?,
                reason: self.reason.clone(),
            },
            ("unsilence", _) => Action::Unsilence { id: self.id.clone() },
            ("kill_switch_on", _) => Action::KillSwitch { on: true, reason: self.reason.clone() },
            ("kill_switch_off", _) => Action::KillSwitch { on: false, reason: String::new() },
            (other, _) => return Err(format!("There is nothing called {other:?} to be done.")),
        })
    }

    fn time(&self) -> Result<Duration, String> {
        let text = if self.time.is_empty() { "1h" } else { &self.time };
        humantime::parse_duration(text)
            .map_err(|_| format!("{text:?} is not a time such as 15m or 4h."))
    }

    /// What is to be done, as a question.
    fn title(&self) -> String {
        let Self { connector, cluster, .. } = self;
        match (&*self.what, self.task) {
            (_, Some(task)) if self.what == "restart" => {
                format!("Restart task {task} of {connector}?")
            }
            ("restart", _) => format!("Restart {connector} itself, without its tasks?"),
            ("restart_failed", _) => format!("Restart what is failed of {connector}?"),
            ("restart_all", _) => format!("Restart {connector} and all its tasks?"),
            ("pause", _) => format!("Pause {connector}?"),
            ("resume", _) => format!("Resume {connector}?"),
            ("stop", _) => format!("Stop {connector}? It has no tasks then."),
            ("acknowledge", Some(task)) => format!("Have task {task} of {connector} tried afresh?"),
            ("acknowledge", None) => format!("Have {connector} tried afresh?"),
            ("silence", _) => "Have the watchdog leave connectors alone for a while?".to_owned(),
            ("unsilence", _) => "Take the silence back?".to_owned(),
            ("kill_switch_on", _) => "Stop every restart, in all clusters?".to_owned(),
            ("kill_switch_off", _) => "Let the watchdog go on?".to_owned(),
            _ => format!("{cluster} {connector}"),
        }
    }

    /// The page from which it was wanted.
    fn back(&self, scene: &Scene) -> String {
        let of_all = ["silence", "unsilence", "kill_switch_on", "kill_switch_off"];
        if of_all.contains(&&*self.what) {
            scene.paths.to("/watchdog")
        } else {
            scene.paths.connector(&self.cluster, &self.connector)
        }
    }
}

/// A link to the page that asks; `task` where it is about one.
pub(super) fn link(
    scene: &Scene,
    what: &str,
    of: Option<(&str, &str)>,
    task: Option<u32>,
) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("do", what);
    if let Some((cluster, connector)) = of {
        query.append_pair("cluster", cluster).append_pair("connector", connector);
    }
    if let Some(task) = task {
        query.append_pair("task", &task.to_string());
    }
    scene.paths.to(&format!("/act?{}", query.finish()))
}

/// The page that asks.
pub(super) fn ask(scene: &Scene, query: &str) -> Page {
    if !scene.viewer.is_administrator {
        return only_administrators(scene);
    }
    let wanted = Wanted::read(query.as_bytes()).and_then(|wanted| Ok((wanted.action()?, wanted)));
    let (action, wanted) = match wanted {
        Ok(both) => both,
        Err(problem) => return refused(scene, StatusCode::BAD_REQUEST, &problem),
    };
    if let Some((cluster, connector, _)) = action.unit()
        && scene.cluster(cluster).and_then(|known| known.connector(connector)).is_none()
    {
        return super::lost::no_connector(scene, cluster, connector);
    }
    let main = html! {
        div.verdict { h1 { bdi { (wanted.title()) } } }
        form.form method="post" action=(scene.paths.to("/act")) {
            (what_is_sent(&action))
            (fields(&wanted))
            input type="hidden" name=(FORM_TOKEN) value=(scene.viewer.token.as_deref().unwrap_or_default());
            p.muted { "It is done once, and written into the audit log with your name, " b { bdi { (scene.viewer.name) } } "." }
            div.actions {
                button.go.danger[is_hard(&wanted.what)] type="submit" { "Do it" }
                a.button href=(wanted.back(scene)) { "Cancel" }
            }
        }
    };
    Page {
        status: StatusCode::OK,
        html: whole(scene, Tab::Other, &wanted.title(), &main),
        kept: false,
    }
}

fn is_hard(what: &str) -> bool {
    matches!(what, "stop" | "kill_switch_on" | "restart_all")
}

fn what_is_sent(action: &Action) -> Markup {
    html! {
        div.say {
            @match (action.call(), action.unit()) {
                (Some(call), Some((cluster, ..))) => {
                    p { "This is sent, once, to one worker of the cluster " b { bdi { (cluster) } } ":" }
                    p { code { bdi { (call.method) " " (call.path) } } }
                }
                _ => p { "Nothing is sent to Kafka Connect: it is an order for the watchdog." }
            }
        }
    }
}

/// What is known already is hidden; what is to be said is asked for.
fn fields(wanted: &Wanted) -> Markup {
    let is_silence = wanted.what == "silence";
    html! {
        input type="hidden" name="do" value=(wanted.what);
        @if !wanted.id.is_empty() { input type="hidden" name="id" value=(wanted.id); }
        @if is_silence {
            label { "Connectors: a pattern of whole names, such as orders-.*"
                input name="connector" required value=(wanted.connector) autocomplete="off" spellcheck="false"; }
            label { "Clusters: a pattern of whole names; empty: all"
                input name="cluster" value=(wanted.cluster) autocomplete="off" spellcheck="false"; }
            label { "For"
                select name="for" { @for (value, text) in SILENCES { option value=(value) selected[value == "1h"] { (text) } } } }
        } @else {
            input type="hidden" name="cluster" value=(wanted.cluster);
            input type="hidden" name="connector" value=(wanted.connector);
            @if let Some(task) = wanted.task { input type="hidden" name="task" value=(task); }
        }
        @if is_silence || wanted.what == "kill_switch_on" {
            label { "Why, for who comes after you"
                input name="reason" required[is_silence] value=(wanted.reason) autocomplete="off"; }
        }
    }
}

/// The token was asked for by the type: a body of another type, or of two, had none.
fn is_form(request: &Request<Bytes>) -> bool {
    let mut types = request.headers().get_all(CONTENT_TYPE).iter();
    let kind = types.next().and_then(|kind| MediaType::parse(kind.to_str().ok()?).ok());
    types.next().is_none()
        && kind
            .is_some_and(|kind| kind.ty == "application" && kind.subty == "x-www-form-urlencoded")
}

/// Does it; the caller has made sure that `by` is an administrator and that the form is ours.
pub(in crate::web) async fn act(app: &App, request: &Request<Bytes>, by: &str) -> Answer {
    let viewer = Viewer { name: by.to_owned(), is_administrator: true, ..Viewer::default() };
    let scene = Scene::of(app, viewer);
    if !is_form(request) {
        let problem = "a form is wanted: application/x-www-form-urlencoded";
        let page = refused(&scene, StatusCode::UNSUPPORTED_MEDIA_TYPE, problem);
        return answer_html(page.status, page.html.into(), false);
    }
    let wanted = Wanted::read(request.body()).and_then(|wanted| Ok((wanted.action()?, wanted)));
    let page = match wanted {
        Ok((action, wanted)) => match app.actions.act(by, action).await {
            Ok(done) => told(&scene, &wanted, &done),
            Err(problem) => problem_page(&scene, &wanted, &problem),
        },
        Err(problem) => refused(&scene, StatusCode::BAD_REQUEST, &problem),
    };
    answer_html(page.status, page.html.into(), false)
}

fn told(scene: &Scene, wanted: &Wanted, done: &Done) -> Page {
    let (status, what) = match done {
        Done::Acted(outcome) => (outcome.status, outcome_of(outcome)),
        Done::Silenced(silence) => (
            StatusCode::OK,
            html! {
                p.say.good { "The watchdog leaves " code { bdi { (silence.connector) } } " alone until "
                    (when(silence.until, scene.now)) "." }
            },
        ),
        Done::Unsilenced(silence) => (
            StatusCode::OK,
            html! {
                p.say.good { "The silence of " code { bdi { (silence.connector) } } " is taken back." }
            },
        ),
        Done::Switched(switch) => (
            StatusCode::OK,
            html! {
                p.say.good { @if switch.on { "The kill switch is on: nothing is restarted." }
                    @else { "The kill switch is off: the watchdog goes on." } }
            },
        ),
    };
    result(scene, wanted, status, &what)
}

fn outcome_of(outcome: &Outcome) -> Markup {
    let is_good = outcome.status.is_success();
    html! {
        div.say.good[is_good].bad[!is_good] {
            p { b { @if is_good { "Done: " } @else { "Not done as wanted: " } bdi { (outcome.answer) } } }
            @if !outcome.means.is_empty() { p { (super::overview::capital(&outcome.means)) "." } }
            @if let Some(call) = &outcome.call {
                p { "Sent " code { bdi { (call.method) " " (call.path) } } " to " code { bdi { (call.worker) } }
                    @if let Some(status) = outcome.http_status { ", which answered " (status) } "." }
            } @else { p { "The watchdog heeds it at its next look." } }
        }
    }
}

fn problem_page(scene: &Scene, wanted: &Wanted, problem: &Problem) -> Page {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let what = html! {
        @if let Some(outcome) = &problem.outcome { (outcome_of(outcome)) }
        @else {
            div.say.bad {
                p { b { "Not done. " } bdi { (super::overview::capital(&problem.detail)) } }
                @if !problem.choices.is_empty() {
                    p { "There are: " @for (at, choice) in problem.choices.iter().enumerate() {
                        @if at > 0 { ", " } code { bdi { (choice) } } } }
                }
            }
        }
    };
    result(scene, wanted, status, &what)
}

fn result(scene: &Scene, wanted: &Wanted, status: StatusCode, what: &Markup) -> Page {
    let title = wanted.title();
    let main = html! {
        div.verdict { h1 { bdi { (title.trim_end_matches('?')) } } }
        (what)
        p { a.button href=(wanted.back(scene)) { "Back" } }
    };
    Page { status, html: whole(scene, Tab::Other, "Outcome", &main), kept: false }
}

fn refused(scene: &Scene, status: StatusCode, problem: &str) -> Page {
    let main = html! {
        div.verdict { h1 { "This cannot be done" } }
        p.say.bad { bdi { (problem) } }
        p { a.button href=(scene.paths.to("/")) { "Overview" } }
    };
    Page { status, html: whole(scene, Tab::Other, "Not done", &main), kept: false }
}

fn only_administrators(scene: &Scene) -> Page {
    refused(
        scene,
        StatusCode::FORBIDDEN,
        "Only an administrator can change anything; web.administrators names them.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_says_what_is_to_be_done() {
        let read = |text: &str| Wanted::read(text.as_bytes()).and_then(|wanted| wanted.action());
        assert_eq!(
            read("do=restart&cluster=c&connector=a%2Fb&task=3"),
            Ok(Action::RestartTask { cluster: "c".into(), connector: "a/b".into(), task: 3 })
        );
        assert_eq!(
            read("do=silence&connector=x.*&cluster=&for=15m&reason=why"),
            Ok(Action::Silence {
                cluster: None,
                connector: "x.*".into(),
                time: Duration::from_secs(900),
                reason: "why".into(),
            })
        );
        for bad in ["do=explode", "", "do=restart&task=x", "do=silence&for=ever"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
