//! Connector configurations from files: JSON, YAML and properties; one or several in a file.
//!
//! A document is `name` and `config`, as `POST /connectors` takes it, or a plain configuration that
//! has `name` as one of its keys. Values become texts; a number in YAML stays as it is written.

mod parse;

use std::path::Path;

use serde::Deserialize;

use crate::connect::model::{ConnectorConfig, PartitionOffset};

use super::failure::Failure;
use super::flags::{FileFlags, PatchFlags};
use super::mask;
use parse::{configurations, text, yaml_error};

/// A connector as a file has it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Document {
    /// Which file, for messages.
    pub(super) source: String,
    /// The connector.
    pub(super) name: String,
    /// Its configuration without `name`; of a patch, `None` removes a key.
    pub(super) config: ConnectorConfig,
}

/// Everything in the files; an error is bad input.
pub(super) fn read(from: &FileFlags) -> Result<Vec<Document>, Failure> {
    let mut all: Vec<Document> = Vec::new();
    for file in &from.files {
        let source = source(file);
        let texts = configurations(file, &source)?;
        if texts.is_empty() {
            return Err(bad(&source, "holds no configuration"));
        }
        if texts.len() > 1 && from.name.is_some() {
            return Err(bad(&source, "holds several configurations: --name is for one"));
        }
        for (at, (name, mut config)) in texts.into_iter().enumerate() {
            let inner = config.remove("name").flatten();
            let name = from.name.clone().or(name).or(inner).map(|name| name.trim().to_owned());
            let Some(name) = name.filter(|name| !name.is_empty()) else {
                let which = at + 1;
                return Err(bad(
                    &source,
                    format!(
                        "configuration {which} has no `name`; add it, or give --name=CONNECTOR"
                    ),
                ));
            };
            let at = format!("{source}: {name}");
            if let Some((key, _)) = config.iter().find(|(_, value)| value.is_none()) {
                return Err(bad(&at, format!("{key} is null; a text is wanted")));
            }
            if config.get("connector.class").cloned().flatten().is_none_or(|class| class.is_empty())
            {
                return Err(bad(&at, "has no connector.class"));
            }
            masked(&at, &config)?;
            if all.iter().any(|known| known.name == name) {
                return Err(bad(&at, "this connector stands twice in what is given"));
            }
            all.push(Document { source: source.clone(), name, config });
        }
    }
    Ok(all)
}

/// The changes that `patch` is told.
pub(super) fn patch(flags: &PatchFlags) -> Result<Document, Failure> {
    let mut config = ConnectorConfig::new();
    let mut from = "--patch".to_owned();
    if let Some(file) = &flags.file {
        from = source(file);
        let mut all = configurations(file, &from)?;
        let Some((_, changes)) = all.pop().filter(|_| all.is_empty()) else {
            return Err(bad(&from, "one set of keys and values is wanted"));
        };
        config = changes;
        config.remove("name");
    }
    for change in &flags.patch {
        let (key, value) = match (change.split_once('='), change.strip_suffix('-')) {
            (Some((key, value)), _) => (key, Some(value.to_owned())),
            (None, Some(key)) => (key, None),
            (None, None) => {
                return Err(Failure::usage(format!(
                    "--patch: {change:?} is neither KEY=VALUE nor KEY-"
                )));
            }
        };
        if key.trim().is_empty() || key == "name" {
            return Err(Failure::usage(format!("--patch: {key:?} cannot be changed")));
        }
        config.insert(key.to_owned(), value);
    }
    if config.is_empty() {
        return Err(bad(&from, "changes nothing"));
    }
    masked(&from, &config)?;
    Ok(Document { source: from, name: flags.name.clone(), config })
}

/// Offsets, as `GET /connectors/{name}/offsets` has them.
pub(super) fn offsets(file: &Path) -> Result<Vec<PartitionOffset>, Failure> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Offsets {
        offsets: Vec<PartitionOffset>,
    }
    let source = source(file);
    let text = text(file, &source)?;
    // JSON is YAML too.
    let read = serde_saphyr::from_str::<Offsets>(&text);
    let read = read.map_err(|error| bad(&source, yaml_error(&error)))?;
    if read.offsets.is_empty() {
        return Err(bad(&source, "has no offsets"));
    }
    Ok(read.offsets)
}

/// The mask that this program writes is not the secret.
fn masked(at: &str, config: &ConnectorConfig) -> Result<(), Failure> {
    let is_mask = |(key, value): &(&String, &Option<String>)| {
        value.as_ref().is_some_and(|value| mask::is_mask(key, value))
    };
    match config.iter().find(is_mask) {
        Some((key, _)) => Err(bad(
            at,
            format!(
                "{key} holds {}, which stands for a secret that was not shown; write the secret or a \
                 reference such as ${{file:/path:key}}, or read it with --show-secrets",
                mask::MASK
            ),
        )),
        None => Ok(()),
    }
}

fn bad(at: &str, problem: impl AsRef<str>) -> Failure {
    Failure::usage(format!("{at}: {}", problem.as_ref()))
}

fn source(file: &Path) -> String {
    if file == Path::new("-") { "standard input".to_owned() } else { file.display().to_string() }
}
