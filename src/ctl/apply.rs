//! `create`, `apply`, `patch` and `validate`: configurations from files into the cluster.

use std::io::Write;

use serde_json::{Value, json};

use crate::connect::error::ErrorKind;
use crate::connect::model::ConnectorConfig;
use crate::watchdog::audit::redact;

use super::Session;
use super::documents::Document;
use super::failure::Failure;
use super::mask;
use super::show::{Cell, Tone, View, plain};
use super::target::{Action, Cluster};

/// How a message begins that is about a configuration.
const WRONG: &str = "ConfigException: ";

/// Whether it is the configuration that made a worker answer so: before 3.9 what is wrong with all of
/// it fails the call, and in every version a class that is not there does.
fn is_verdict(status: u16, message: &str) -> bool {
    let trouble = ["timed out", "IO Error", "HTML page", "shutting down", "rebalance"];
    matches!(status, 400 | 500) && !trouble.iter().any(|trouble| message.contains(trouble))
}

/// A key, and what the plugin says is wrong with its value.
pub(super) type Problem = (String, String);

impl<C: Cluster, W: Write> Session<'_, C, W> {
    pub(super) async fn create(
        &mut self,
        documents: Vec<Document>,
        dry_run: bool,
    ) -> Result<(), Failure> {
        if dry_run {
            let listed = self.cluster.names().await?;
            return self
                .rehearse(&documents, |name, _| {
                    if listed.iter().any(|listed| listed == name) {
                        Err("exists already; `ctl apply` changes it".to_owned())
                    } else {
                        Ok("would be created")
                    }
                })
                .await;
        }
        let action = |Document { name, config, .. }| {
            (format!("connector/{name}"), Action::Create { name, config })
        };
        self.act_on(documents.into_iter().map(action).collect()).await
    }

    pub(super) async fn apply(
        &mut self,
        documents: Vec<Document>,
        dry_run: bool,
    ) -> Result<(), Failure> {
        let mut running = Vec::new();
        for document in &documents {
            running.push(self.running(&document.name).await?);
        }
        if dry_run {
            let mut running = running.iter();
            return self
                .rehearse(&documents, |_, config| {
                    Ok(match running.next().and_then(Option::as_ref) {
                        None => "would be created",
                        Some(running) if running == config => "would not be changed",
                        Some(_) => "would be configured",
                    })
                })
                .await;
        }
        let mut view = View::new(&["NAME", "OUTCOME"], "there is nothing to do");
        let mut failed = false;
        for (Document { name, config, .. }, running) in documents.into_iter().zip(running) {
            let shown = format!("connector/{name}");
            let outcome = match &running {
                Some(running) if *running == config => Ok("unchanged"),
                Some(_) => Ok("configured"),
                None => Ok("created"),
            };
            let outcome = match outcome {
                Ok("unchanged") => outcome,
                _ => self.cluster.act(&Action::Put { name, config }).await.and(outcome),
            };
            let (outcome, error) = match outcome {
                Ok(outcome) => (outcome, None),
                Err(failure) => {
                    self.tell(&format!("{}: {}", plain(&shown), failure.text));
                    failed = true;
                    ("failed", Some(failure.text))
                }
            };
            self.outcome(&mut view, &shown, outcome, error.as_deref())?;
        }
        self.outcomes(&view)?;
        if failed { Err(Failure::told()) } else { Ok(()) }
    }

    pub(super) async fn patch(&mut self, documents: Vec<Document>) -> Result<(), Failure> {
        let mut actions = Vec::new();
        for Document { name, config: changes, .. } in documents {
            let name = self.known(&name).await?;
            actions.push((format!("connector/{name}"), Action::Patch { name, changes }));
        }
        self.act_on(actions).await
    }

    /// The running configuration without `name`; `None` where there is no such connector.
    pub(super) async fn running(&self, name: &str) -> Result<Option<ConnectorConfig>, Failure> {
        match self.cluster.config(name).await {
            Ok(mut config) => {
                config.remove("name");
                Ok(Some(config))
            }
            Err(failure) if failure.is_not_found() => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// What the plugin finds wrong, key by key.
    async fn problems(&self, document: &Document) -> Result<(u64, Vec<Problem>), Failure> {
        let mut config = document.config.clone();
        config.insert("name".to_owned(), Some(document.name.clone()));
        let class = config.get("connector.class").cloned().flatten().unwrap_or_default();
        let told = match self.cluster.validate(&class, &config).await {
            Err(Failure { kind: Some(ErrorKind::Status { status, message }), .. })
                if is_verdict(status, &message) =>
            {
                let wrong = message.split_once(WRONG).map_or(&*message, |(_, wrong)| wrong);
                return Ok((1, vec![(String::new(), redact(wrong).into_owned())]));
            }
            told => told?,
        };
        let mut found = Vec::new();
        for value in told["configs"].as_array().into_iter().flatten().map(|c| &c["value"]) {
            let key = value["name"].as_str().unwrap_or_default();
            let errors = value["errors"].as_array().into_iter().flatten();
            found.extend(errors.filter_map(Value::as_str).map(|error| {
                // A message may quote the value.
                let secret = config.get(key).cloned().flatten().filter(|v| !v.is_empty());
                let hidden = secret.filter(|value| mask::shown(key, value) == mask::MASK);
                let error = match hidden {
                    Some(secret) if !self.flags.show_secrets => error.replace(&secret, mask::MASK),
                    Some(_) | None => error.to_owned(),
                };
                (key.to_owned(), mask::text(&error, self.flags.show_secrets).into_owned())
            }));
        }
        Ok((told["error_count"].as_u64().unwrap_or(found.len() as u64), found))
    }

    pub(super) async fn validate(&mut self, documents: &[Document]) -> Result<(), Failure> {
        self.rehearse(documents, |_, _| Ok("valid")).await
    }

    /// Asks the plugins, and says of each what would become of it, or what is wrong with it.
    async fn rehearse(
        &mut self,
        documents: &[Document],
        mut outcome: impl FnMut(&str, &ConnectorConfig) -> Result<&'static str, String>,
    ) -> Result<(), Failure> {
        let mut view = View::new(&["NAME", "KEY", "OUTCOME"], "there is nothing to do");
        let mut failed = false;
        for document in documents {
            let name = format!("connector/{}", document.name);
            let (count, mut problems) = self.problems(document).await?;
            let said = outcome(&document.name, &document.config);
            if let Err(problem) = &said {
                problems.push((String::new(), problem.clone()));
            } else if count > 0 && problems.is_empty() {
                problems.push((String::new(), format!("has {count} errors that are not told")));
            }
            failed |= !problems.is_empty();
            let word = if problems.is_empty() { said.unwrap_or_default() } else { "invalid" };
            let errors: Vec<Value> =
                problems.iter().map(|(key, error)| json!({"key": key, "error": error})).collect();
            let mut data = json!({"name": name, "outcome": word, "errors": errors});
            if problems.is_empty() {
                let cells = vec![(&*name).into(), "".into(), Cell::toned(word, Tone::Good)];
                view.row(&*name, cells, data.take());
            }
            for (key, error) in &problems {
                let cells =
                    vec![(&*name).into(), key.into(), Cell::toned(redact(error), Tone::Bad)];
                view.row(&*name, cells, data.take());
            }
        }
        self.screen.view(&view)?;
        if failed { Err(Failure::told()) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::is_verdict;

    #[test]
    fn a_workers_own_trouble_is_not_the_configurations() {
        for (status, message, wanted) in [
            (500, "Must configure one of topics or topics.regex", true),
            (500, "Failed to find any class that implements Connector", true),
            (400, "Included connector type A does not match request type B", true),
            (500, "Request timed out. The worker is currently starting up", false),
            (500, "IO Error trying to forward REST request: Connection refused", false),
            (400, "an HTML page", false),
            (503, "no", false),
        ] {
            assert_eq!(is_verdict(status, message), wanted, "{message}");
        }
    }
}
