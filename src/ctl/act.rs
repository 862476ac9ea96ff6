//! What changes a cluster: several connectors one after the other; one that fails holds up none.

use std::io::{BufRead as _, IsTerminal as _, Write};

use serde_json::json;

use crate::connect::model::{PartitionOffset, State, TaskStatus};

use super::Session;
use super::failure::Failure;
use super::flags::{Names, Offsets, Output, RestartFlags, Topics};
use super::select;
use super::show::{View, plain};
use super::target::{Action, Cluster};

/// Where somebody is asked before it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asks {
    /// Always: something is lost.
    Always,
    /// Where a pattern found them.
    OfPatterns,
}

impl<C: Cluster, W: Write> Session<'_, C, W> {
    /// The same to each of these connectors.
    pub(super) async fn each(
        &mut self,
        verb: &str,
        of: &Names,
        asks: Asks,
        action: impl Fn(String) -> Action,
    ) -> Result<(), Failure> {
        let listed = self.cluster.names().await?;
        let chosen = select::choose(&listed, &of.names, of.regex)?;
        if asks == Asks::Always || chosen.by_pattern {
            self.ask(verb, &chosen.names)?;
        }
        let all = chosen.names.into_iter();
        self.act_on(all.map(|name| (format!("connector/{name}"), action(name))).collect()).await
    }

    /// Does them in turn and says what became of each; fails at the end if one did.
    pub(super) async fn act_on(&mut self, actions: Vec<(String, Action)>) -> Result<(), Failure> {
        let mut view = View::new(&["NAME", "OUTCOME"], "there is nothing to do");
        let mut failed = false;
        for (name, action) in actions {
            let (outcome, error) = match self.cluster.act(&action).await {
                Ok(outcome) => (outcome, None),
                Err(failure) => {
                    self.tell(&format!("{}: {}", plain(&name), failure.text));
                    failed = true;
                    ("failed".to_owned(), Some(failure.text))
                }
            };
            self.outcome(&mut view, &name, &outcome, error.as_deref())?;
        }
        self.outcomes(&view)?;
        if failed { Err(Failure::told()) } else { Ok(()) }
    }

    /// Says at once what became of one, or keeps it for [`Self::outcomes`].
    pub(super) fn outcome(
        &mut self,
        view: &mut View,
        name: &str,
        outcome: &str,
        error: Option<&str>,
    ) -> Result<(), Failure> {
        view.row(
            name,
            vec![name.into(), outcome.into()],
            json!({"name": name, "outcome": outcome, "error": error}),
        );
        let spoken = matches!(self.screen.output(), Output::Table | Output::Wide);
        if !spoken || error.is_some() {
            return Ok(());
        }
        self.screen.line(&format!("{} {outcome}", plain(name)))
    }

    /// What became of all, for programs.
    pub(super) fn outcomes(&mut self, view: &View) -> Result<(), Failure> {
        match self.screen.output() {
            Output::Table | Output::Wide => Ok(()),
            Output::Json | Output::Yaml | Output::Name => self.screen.view(view),
        }
    }

    /// Lists what will be touched and asks; without a terminal and `--yes` nothing is done.
    pub(super) fn ask(&self, verb: &str, names: &[String]) -> Result<(), Failure> {
        if self.flags.yes {
            return Ok(());
        }
        let count = names.len();
        let what = if count == 1 {
            "this connector".to_owned()
        } else {
            format!("these {count} connectors")
        };
        let mut question = format!("{verb} {what} of {}:\n", plain(self.cluster.place()));
        for name in names {
            question.push_str(&format!("  {}\n", plain(name)));
        }
        if !std::io::stdin().is_terminal() {
            return Err(Failure::usage(format!(
                "{question}nothing was done: there is no terminal to ask on; --yes does it without asking"
            )));
        }
        let mut terminal = std::io::stderr();
        let asked = write!(terminal, "{question}go on? [y/N] ").and_then(|()| terminal.flush());
        let mut answer = String::new();
        let read = asked.and_then(|()| std::io::stdin().lock().read_line(&mut answer));
        if read.is_ok() && matches!(answer.trim().to_lowercase().as_str(), "y" | "yes") {
            return Ok(());
        }
        Err(Failure::failed("nothing was done"))
    }

    pub(super) async fn restart(&mut self, flags: &RestartFlags) -> Result<(), Failure> {
        let listed = self.cluster.names().await?;
        let mut actions = Vec::new();
        let mut by_pattern = Vec::new();
        for typed in &flags.units {
            let task = if flags.regex { None } else { select::task(&listed, typed) };
            if let Some((name, task)) = task {
                actions.push((format!("task/{name}/{task}"), Action::RestartTask { name, task }));
                continue;
            }
            let chosen = select::choose(&listed, std::slice::from_ref(typed), flags.regex)?;
            for name in chosen.names {
                if chosen.by_pattern {
                    by_pattern.push(name.clone());
                }
                let action = match (flags.failed, flags.include_tasks) {
                    (false, false) => Action::Restart { name: name.clone() },
                    (only_failed, _) => Action::RestartAll { name: name.clone(), only_failed },
                };
                let name = format!("connector/{name}");
                if actions.iter().all(|(known, _)| *known != name) {
                    actions.push((name, action));
                }
            }
        }
        if !by_pattern.is_empty() {
            self.ask("restart", &by_pattern)?;
        }
        if flags.failed {
            actions = self.failed_tasks(actions).await?;
        }
        self.act_on(actions).await
    }

    /// With `--failed` a task that is not FAILED is left alone too.
    async fn failed_tasks(
        &mut self,
        actions: Vec<(String, Action)>,
    ) -> Result<Vec<(String, Action)>, Failure> {
        let mut kept = Vec::new();
        for (unit, action) in actions {
            if let Action::RestartTask { name, task } = &action {
                let connector = self.cluster.connector(name).await?;
                let failed = |t: &&TaskStatus| t.id == *task && t.instance.state == State::Failed;
                if connector.tasks().iter().find(failed).is_none() {
                    self.tell(&format!("{}: not FAILED, and left alone", plain(&unit)));
                    continue;
                }
            }
            kept.push((unit, action));
        }
        Ok(kept)
    }

    pub(super) async fn offsets(
        &mut self,
        what: &Offsets,
        to: Vec<PartitionOffset>,
    ) -> Result<(), Failure> {
        let (name, action) = match what {
            Offsets::Get(name) => return self.get_offsets(name).await,
            Offsets::Reset(name) => {
                let name = self.known(&name.name).await?;
                self.ask("reset the offsets of", std::slice::from_ref(&name))?;
                (name.clone(), Action::ResetOffsets { name })
            }
            Offsets::Alter { name, .. } => {
                let name = self.known(name).await?;
                self.ask("alter the offsets of", std::slice::from_ref(&name))?;
                (name.clone(), Action::AlterOffsets { name, to })
            }
        };
        self.act_on(vec![(format!("connector/{name}"), action)]).await
    }

    pub(super) async fn topics(&mut self, what: &Topics) -> Result<(), Failure> {
        let name = match what {
            Topics::Get(name) => return self.get_topics(name).await,
            Topics::Reset(name) => self.known(&name.name).await?,
        };
        self.ask("reset the topics of", std::slice::from_ref(&name))?;
        let action = Action::ResetTopics { name: name.clone() };
        self.act_on(vec![(format!("connector/{name}"), action)]).await
    }
}
