//! What `top` shows, and what keys do to it; no terminal and no cluster in it.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use tokio::time::Instant;

use crate::connect::model::State;
use crate::observe::Classifier;

use super::super::facts::{Cause, word};
use super::super::show::plain;
use super::super::target::Connector;

/// What is listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Page {
    Connectors,
    Tasks,
}

/// By what it is sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    Worst,
    Name,
    State,
    Worker,
}

impl Sort {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Worst => "worst first",
            Self::Name => "name",
            Self::State => "state",
            Self::Worker => "worker",
        }
    }

    const fn next(self) -> Self {
        match self {
            Self::Worst => Self::Name,
            Self::Name => Self::State,
            Self::State => Self::Worker,
            Self::Worker => Self::Worst,
        }
    }
}

/// A line.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) state: String,
    pub(super) tasks: String,
    pub(super) worker: String,
    pub(super) cause: String,
    /// How bad it is: what is FAILED, then what is odd.
    weight: (usize, usize),
}

/// What a look at the cluster found, and why it may be old.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) all: Vec<Connector>,
    pub(super) doubt: Option<String>,
}

/// What to do after a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Go,
    Quit,
}

/// What is shown.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) place: String,
    pub(super) plain: bool,
    pub(super) page: Page,
    pub(super) sort: Sort,
    pub(super) reverse: bool,
    pub(super) filter: String,
    pub(super) typing: bool,
    pub(super) only_failed: bool,
    pub(super) selected: usize,
    /// When the cluster answered last.
    pub(super) at: Option<Instant>,
    pub(super) error: Option<String>,
    /// States and how many tasks are in each, for the head.
    pub(super) counts: Vec<(State, usize)>,
    pub(super) connectors: usize,
    pub(super) tasks: usize,
    rows: [Vec<Row>; 2],
}

impl Model {
    pub(super) fn new(place: &str, is_plain: bool) -> Self {
        Self {
            place: plain(place),
            plain: is_plain,
            page: Page::Connectors,
            sort: Sort::Worst,
            reverse: false,
            filter: String::new(),
            typing: false,
            only_failed: false,
            selected: 0,
            at: None,
            error: None,
            counts: Vec::new(),
            connectors: 0,
            tasks: 0,
            rows: [Vec::new(), Vec::new()],
        }
    }

    /// The cluster answered, or did not; what was known stays, with its age.
    pub(super) fn found(&mut self, found: Result<Found, String>, by: &Classifier, now: Instant) {
        let Found { all, doubt } = match found {
            Ok(found) => found,
            Err(error) => {
                self.error = Some(plain(&error));
                return;
            }
        };
        self.error = doubt.as_deref().map(plain);
        self.at = Some(now);
        self.connectors = all.len();
        self.tasks = all.iter().map(|connector| connector.tasks().len()).sum();
        let in_state = |state| {
            let tasks = all.iter().flat_map(Connector::tasks);
            (state, tasks.filter(|task| task.instance.state == state).count())
        };
        self.counts = State::OF_TASKS.map(in_state).into_iter().filter(|(_, n)| *n > 0).collect();
        self.rows = [
            all.iter().map(|connector| of_connector(connector, by)).collect(),
            all.iter().flat_map(|connector| of_tasks(connector, by)).collect(),
        ];
    }

    /// The lines in their order.
    pub(super) fn shown(&self) -> Vec<&Row> {
        let filter = self.filter.to_lowercase();
        let wanted = |row: &&Row| {
            let text = [&row.name, &row.state, &row.worker, &row.cause];
            (filter.is_empty() || text.iter().any(|text| text.to_lowercase().contains(&filter)))
                && (!self.only_failed || row.weight.0 > 0)
        };
        let rows = &self.rows[usize::from(self.page == Page::Tasks)];
        let mut rows: Vec<&Row> = rows.iter().filter(wanted).collect();
        // Each sort is stable over the names, which is how the cluster lists them.
        match self.sort {
            Sort::Worst => rows.sort_by_key(|row| std::cmp::Reverse(row.weight)),
            Sort::Name => rows.sort_by(|a, b| a.name.cmp(&b.name)),
            Sort::State => rows.sort_by(|a, b| a.state.cmp(&b.state)),
            Sort::Worker => rows.sort_by(|a, b| a.worker.cmp(&b.worker)),
        }
        if self.reverse {
            rows.reverse();
        }
        rows
    }

    pub(super) fn key(&mut self, key: KeyEvent) -> Next {
        if key.kind == KeyEventKind::Release {
            return Next::Go;
        }
        if key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL) {
            return Next::Quit;
        }
        let last = self.shown().len().saturating_sub(1);
        match (self.typing, key.code) {
            (true, KeyCode::Enter) => self.typing = false,
            (true, KeyCode::Esc) => {
                self.typing = false;
                self.filter.clear();
            }
            (true, KeyCode::Backspace) => drop(self.filter.pop()),
            (true, KeyCode::Char(c)) => self.filter.push(c),
            (false, KeyCode::Esc) if !self.filter.is_empty() => self.filter.clear(),
            (false, KeyCode::Char('q') | KeyCode::Esc) => return Next::Quit,
            (false, KeyCode::Char('/')) => self.typing = true,
            (false, KeyCode::Char('s')) => self.sort = self.sort.next(),
            (false, KeyCode::Char('r')) => self.reverse = !self.reverse,
            (false, KeyCode::Char('f')) => self.only_failed = !self.only_failed,
            (false, KeyCode::Tab) => {
                self.page = match self.page {
                    Page::Connectors => Page::Tasks,
                    Page::Tasks => Page::Connectors,
                };
                self.selected = 0;
            }
            (false, KeyCode::Down | KeyCode::Char('j')) => self.selected += 1,
            (false, KeyCode::Up | KeyCode::Char('k')) => {
                self.selected = self.selected.saturating_sub(1);
            }
            (false, KeyCode::PageDown) => self.selected += 10,
            (false, KeyCode::PageUp) => self.selected = self.selected.saturating_sub(10),
            (false, KeyCode::Home | KeyCode::Char('g')) => self.selected = 0,
            (false, KeyCode::End | KeyCode::Char('G')) => self.selected = last,
            _ => {}
        }
        self.selected = self.selected.min(self.shown().len().saturating_sub(1));
        Next::Go
    }
}

fn of_connector(connector: &Connector, by: &Classifier) -> Row {
    let causes: Vec<Cause> = connector.instances().filter_map(|i| Cause::of(i, by)).collect();
    let awake = |state| !matches!(state, State::Running | State::Failed);
    let odd = connector.instances().filter(|instance| awake(instance.state)).count();
    let missing = connector.expected().saturating_sub(connector.tasks().len());
    let cause = causes.first().map_or(String::new(), |c| format!("{}: {}", c.class, c.text));
    Row {
        name: plain(&connector.name),
        state: connector.state(),
        tasks: format!("{}/{}", connector.running(), connector.expected()),
        worker: plain(connector.worker()),
        cause: if cause.is_empty() { cause } else { plain(&cause) },
        weight: (causes.len(), odd + missing + usize::from(connector.status.is_none())),
    }
}

fn of_tasks<'c>(connector: &'c Connector, by: &'c Classifier) -> impl Iterator<Item = Row> + 'c {
    connector.tasks().iter().map(|task| {
        let cause = Cause::of(&task.instance, by);
        let text = cause.as_ref().map(|cause| plain(&format!("{}: {}", cause.class, cause.text)));
        let running = task.instance.state == State::Running;
        Row {
            name: plain(&format!("{}/{}", connector.name, task.id)),
            state: word(task.instance.state),
            tasks: String::new(),
            worker: plain(&task.instance.worker_id),
            weight: (usize::from(cause.is_some()), usize::from(!running)),
            cause: text.unwrap_or_default(),
        }
    })
}

#[cfg(test)]
pub(super) use tests::model as example;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::model::ConnectorStatus;

    fn connector(json: &str) -> Connector {
        let status: ConnectorStatus = serde_json::from_str(json).unwrap();
        Connector { name: status.name.clone(), status: Some(status), info: None }
    }

    pub(in super::super) fn model() -> Model {
        let mut model = Model::new("http://h:1/", true);
        let all = vec![
            connector(
                r#"{"name":"a","connector":{"state":"PAUSED","worker_id":"w2:1"},"tasks":[]}"#,
            ),
            connector(
                r#"{"name":"b","connector":{"state":"RUNNING","worker_id":"w1:1"},"tasks":[{"id":0,"state":"FAILED","worker_id":"w1:1","trace":"a.B: x\nCaused by: java.net.ConnectException: Connection refused"},{"id":1,"state":"RUNNING","worker_id":"w2:1"}]}"#,
            ),
            connector(
                r#"{"name":"c","connector":{"state":"RUNNING","worker_id":"w1:1"},"tasks":[{"id":0,"state":"RUNNING","worker_id":"w2:1"}]}"#,
            ),
        ];
        model.found(Ok(Found { all, doubt: None }), &Classifier::default(), Instant::now());
        model
    }

    fn press(model: &mut Model, keys: &str) -> Next {
        let code = |c| match c {
            '\t' => KeyCode::Tab,
            '\n' => KeyCode::Enter,
            '\x1b' => KeyCode::Esc,
            '\x08' => KeyCode::Backspace,
            c => KeyCode::Char(c),
        };
        let mut next = Next::Go;
        for c in keys.chars() {
            next = model.key(KeyEvent::new(code(c), KeyModifiers::NONE));
        }
        next
    }

    fn names(model: &Model) -> Vec<&str> {
        model.shown().iter().map(|row| &*row.name).collect()
    }

    #[test]
    fn what_is_worst_is_first_and_keys_sort_and_filter() {
        let mut model = model();
        assert_eq!(names(&model), ["b", "a", "c"]);
        for (keys, wanted) in [
            ("s", &["a", "b", "c"][..]),
            ("r", &["c", "b", "a"]),
            ("r/refused", &["b"]),
            ("\n\x1b", &["a", "b", "c"]),
            ("/w2\x08\x08q\x1b", &["a", "b", "c"]),
            ("f", &["b"]),
            ("f\t", &["b/0", "b/1", "c/0"]),
            ("ss", &["b/0", "b/1", "c/0"]),
        ] {
            assert_eq!(press(&mut model, keys), Next::Go, "{keys:?}");
            assert_eq!(names(&model), wanted, "{keys:?}");
        }
        press(&mut model, "jjjjj");
        assert_eq!(model.selected, 2);
        assert_eq!(press(&mut model, "q"), Next::Quit);
        let ctrl_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(model.key(ctrl_c), Next::Quit);
    }

    #[test]
    fn what_is_known_stays_when_the_cluster_is_gone() {
        let mut model = model();
        model.found(Err("GET x: no connection".to_owned()), &Classifier::default(), Instant::now());
        assert_eq!(names(&model).len(), 3);
        assert_eq!(model.error.as_deref(), Some("GET x: no connection"));
    }
}
