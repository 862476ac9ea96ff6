//! `diff`: files beside the running configuration, as `diff -u` writes it.

use std::collections::BTreeSet;
use std::io::Write;

use serde_json::{Value, json};
use similar::{ChangeTag, TextDiff};

use crate::connect::model::ConnectorConfig;

use super::Session;
use super::documents::Document;
use super::failure::Failure;
use super::flags::Output;
use super::mask;
use super::show::{Tone, plain};
use super::target::Cluster;

/// One key on both sides, as it may be shown; `None` where it is not there.
struct Line {
    key: String,
    running: Option<String>,
    file: Option<String>,
}

impl<C: Cluster, W: Write> Session<'_, C, W> {
    /// Fails where something differs.
    pub(super) async fn diff(&mut self, documents: &[Document]) -> Result<(), Failure> {
        let mut all = Vec::new();
        let mut differs = false;
        for document in documents {
            let running = self.running(&document.name).await?;
            let lines = lines(
                running.as_ref().unwrap_or(&ConnectorConfig::new()),
                &document.config,
                self.flags.show_secrets,
            );
            let changed: Vec<&Line> =
                lines.iter().filter(|line| line.running != line.file).collect();
            differs |= !changed.is_empty();
            match self.screen.output() {
                Output::Table | Output::Wide if !changed.is_empty() => {
                    self.unified(document, running.is_some(), &lines)?;
                }
                Output::Name if !changed.is_empty() => {
                    self.screen.line(&plain(&format!("connector/{}", document.name)))?;
                }
                Output::Table | Output::Wide | Output::Name => {}
                Output::Json | Output::Yaml => {
                    let changes: Vec<Value> = changed
                        .iter()
                        .map(|l| json!({"key": l.key, "running": l.running, "file": l.file}))
                        .collect();
                    all.push(json!({
                        "name": document.name, "exists": running.is_some(), "changes": changes
                    }));
                }
            }
        }
        if matches!(self.screen.output(), Output::Json | Output::Yaml) {
            self.screen.data(&all.into())?;
        }
        if differs { Err(Failure::told()) } else { Ok(()) }
    }

    fn unified(
        &mut self,
        document: &Document,
        exists: bool,
        lines: &[Line],
    ) -> Result<(), Failure> {
        let side = |of: fn(&Line) -> &Option<String>| -> String {
            let all = lines.iter().filter_map(|line| {
                let value = of(line).as_ref()?;
                let value = if value.is_empty() { String::new() } else { plain(value) };
                Some(format!("{}={value}\n", plain(&line.key)))
            });
            all.collect()
        };
        let (running, file) = (side(|line| &line.running), side(|line| &line.file));
        let name = plain(&document.name);
        let running_name = if exists { format!("running/{name}") } else { "/dev/null".to_owned() };
        let bad = |text: &str| self.screen.toned(text, Tone::Bad);
        let good = |text: &str| self.screen.toned(text, Tone::Good);
        let mut text = vec![
            bad(&format!("--- {running_name}")),
            good(&format!("+++ {}", plain(&document.source))),
        ];
        let diff = TextDiff::from_lines(&running, &file);
        for hunk in diff.unified_diff().context_radius(3).iter_hunks() {
            text.push(self.screen.toned(hunk.header().to_string().trim_end(), Tone::Odd));
            for change in hunk.iter_changes() {
                let line = change.value().trim_end_matches('\n');
                text.push(match change.tag() {
                    ChangeTag::Delete => bad(&format!("-{line}")),
                    ChangeTag::Insert => good(&format!("+{line}")),
                    ChangeTag::Equal => format!(" {line}"),
                });
            }
        }
        text.iter().try_for_each(|line| self.screen.line(line))
    }
}

/// Both sides, masked: of two secrets it is told that they differ, and not how.
fn lines(running: &ConnectorConfig, file: &ConnectorConfig, show_secrets: bool) -> Vec<Line> {
    let keys: BTreeSet<&String> = running.keys().chain(file.keys()).collect();
    let shown = |key: &str, value: Option<&String>| {
        let value = value?;
        Some(if show_secrets { value.clone() } else { mask::shown(key, value).into_owned() })
    };
    let line = |key: &String| {
        let raw = |side: &'_ ConnectorConfig| side.get(key).cloned().flatten();
        let (before, after) = (raw(running), raw(file));
        let mut line = Line {
            running: shown(key, before.as_ref()),
            file: shown(key, after.as_ref()),
            key: key.clone(),
        };
        if before != after && line.running == line.file {
            for (side, of) in [(&mut line.running, "running"), (&mut line.file, "file")] {
                if let Some(value) = side {
                    value.push_str(&format!(" (another one, {of})"));
                }
            }
        }
        line
    };
    keys.into_iter().map(line).collect()
}
