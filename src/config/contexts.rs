//! The contexts of `ctl`: clusters by name, and which one is meant where nothing is said.
//!
//! `current: NAME` and `contexts:`, whose entries have the keys of `clusters:` in a warden's file.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::build::{ConfigError, bad, chosen};
use super::file::{Cluster, parse_as};
use super::{ConnectSettings, at_urls};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    current: Option<String>,
    contexts: Vec<Cluster>,
}

/// A contexts file that was read; one that is not there has no contexts.
#[derive(Debug)]
pub struct Contexts {
    path: PathBuf,
    text: String,
    file: File,
}

/// What `set-context` says of a context; what is left out is not in the file.
#[derive(Debug, Default)]
pub struct NewContext {
    /// Base URLs of its workers, without credentials.
    pub urls: Vec<String>,
    /// User, and where the password is: `file` or `env`, and which.
    pub basic_auth: Option<(String, &'static str, String)>,
    /// Where the token is: `file` or `env`, and which.
    pub bearer_token: Option<(&'static str, String)>,
    /// `ca_file`, `cert_file`, `key_file` where they are given.
    pub tls: Vec<(&'static str, String)>,
}

impl Contexts {
    /// `$CONNECT_WARDEN_CONTEXTS`, else `connect-warden/contexts.yaml` in the user's folder of
    /// configurations.
    pub fn place() -> PathBuf {
        let set = |variable: &str| std::env::var_os(variable).filter(|value| !value.is_empty());
        if let Some(path) = set("CONNECT_WARDEN_CONTEXTS") {
            return path.into();
        }
        let xdg = set("XDG_CONFIG_HOME").map(PathBuf::from);
        let home = || set("HOME").map(|home| PathBuf::from(home).join(".config"));
        xdg.or_else(home).unwrap_or_default().join("connect-warden/contexts.yaml")
    }

    /// Reads the file; it may be missing.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let place = path.display().to_string();
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return bad(place, format!("cannot be read: {error}")),
        };
        let file = if text.trim().is_empty() {
            File::default()
        } else {
            parse_as(&text).or_else(|problem| bad(place, problem))?
        };
        Ok(Self { path: path.to_owned(), text, file })
    }

    /// Which one is meant where nothing is said.
    pub fn current(&self) -> Option<&str> {
        self.file.current.as_deref()
    }

    /// Names and URLs, as they stand in the file.
    pub fn all(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.file.contexts.iter().map(|context| (&*context.name, &*context.urls))
    }

    /// How the context of this name is reached; only its secrets are read.
    pub fn settings(self, name: &str, timeout: Duration) -> Result<ConnectSettings, ConfigError> {
        let place = self.path.display().to_string();
        Ok(chosen(self.file.contexts, Some(name), &place, timeout)?.1)
    }

    /// Makes this context the current one, and writes the file.
    pub fn choose(&self, name: &str) -> Result<(), ConfigError> {
        self.known(name)?;
        let mut file = self.raw()?;
        file["current"] = name.into();
        self.write(&file)
    }

    /// Adds or replaces a context, and writes the file; the first one becomes the current one.
    pub fn set(&self, name: &str, new: &NewContext) -> Result<(), ConfigError> {
        if name.trim().is_empty() {
            return bad("set-context", "a context needs a name");
        }
        at_urls(&new.urls, Duration::from_secs(1))?;
        let secret = |url: &Url| !url.username().is_empty() || url.password().is_some();
        if new.urls.iter().filter_map(|url| url.parse().ok()).any(|url| secret(&url)) {
            return bad(
                "--connect.url",
                "has credentials, which would stand in the file; give --username and --password.file or --password.env",
            );
        }
        let mut entry = json!({"name": name, "urls": new.urls});
        if let Some((username, from, place)) = &new.basic_auth {
            entry["basic_auth"] = json!({"username": username, "password": {*from: place}});
        }
        if let Some((from, place)) = &new.bearer_token {
            entry["bearer_token"] = json!({*from: place});
        }
        for (key, file) in &new.tls {
            entry["tls"][*key] = file.as_str().into();
        }
        let mut file = self.raw()?;
        let mut contexts = file["contexts"].as_array().cloned().unwrap_or_default();
        match contexts.iter_mut().find(|context| context["name"] == name) {
            Some(context) => *context = entry,
            None => contexts.push(entry),
        }
        file["contexts"] = contexts.into();
        if self.current().is_none() {
            file["current"] = name.into();
        }
        self.write(&file)
    }

    /// Removes a context, and writes the file.
    pub fn remove(&self, name: &str) -> Result<(), ConfigError> {
        self.known(name)?;
        let mut file = self.raw()?;
        if let Some(contexts) = file["contexts"].as_array_mut() {
            contexts.retain(|context| context["name"] != name);
        }
        if let Some(file) = file.as_object_mut().filter(|_| self.current() == Some(name)) {
            file.remove("current");
        }
        self.write(&file)
    }

    fn known(&self, name: &str) -> Result<(), ConfigError> {
        let names: Vec<&str> = self.all().map(|(name, _)| name).collect();
        if names.contains(&name) {
            return Ok(());
        }
        let near = super::did_you_mean(name, names.iter().copied());
        let there = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        let place = self.path.display().to_string();
        bad(place, format!("has no context {name:?}; there is {there}{near}"))
    }

    fn raw(&self) -> Result<Value, ConfigError> {
        if self.text.trim().is_empty() {
            return Ok(json!({}));
        }
        parse_as(&self.text).or_else(|problem| bad(self.path.display().to_string(), problem))
    }

    /// Whole or not at all, and for its owner alone.
    fn write(&self, file: &Value) -> Result<(), ConfigError> {
        let text = serde_saphyr::to_string(file).map_err(|error| error.to_string());
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        let written = text.and_then(|text| {
            let put = || {
                std::fs::create_dir_all(folder)?;
                let mut beside = tempfile::NamedTempFile::new_in(folder)?;
                beside.write_all(text.as_bytes())?;
                beside.as_file().sync_all()?;
                beside.persist(&self.path)?;
                Ok::<_, std::io::Error>(())
            };
            put().map_err(|error| error.to_string())
        });
        written.or_else(|error| {
            bad(self.path.display().to_string(), format!("cannot be written: {error}"))
        })
    }
}
