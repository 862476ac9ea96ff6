//! The web configuration file as it is written, key by key as Prometheus' exporter-toolkit has them.
//! Strict: an unknown key is an error. Without `Debug`, since there are keys and hashes in it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_saphyr::Spanned;

use crate::config::yaml::problem_of_secrets;

use super::problem::AccessError;

/// A scalar; one that is empty or `null` counts as left out.
pub(super) type Text = Option<Spanned<String>>;

/// What stands behind a name.
pub(super) type Value = Spanned<Option<String>>;

/// The whole file.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct File {
    pub(super) tls_server_config: Option<Tls>,
    pub(super) http_server_config: Option<Http>,
    pub(super) basic_auth_users: Option<BTreeMap<String, Value>>,
    pub(super) rate_limit: Option<Rate>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Tls {
    pub(super) cert: Text,
    pub(super) key: Text,
    pub(super) client_ca: Text,
    pub(super) cert_file: Text,
    pub(super) key_file: Text,
    pub(super) client_auth_type: Text,
    pub(super) client_ca_file: Text,
    pub(super) cipher_suites: Option<Vec<Spanned<String>>>,
    pub(super) curve_preferences: Option<Vec<Spanned<String>>>,
    pub(super) min_version: Text,
    pub(super) max_version: Text,
    pub(super) prefer_server_cipher_suites: Option<bool>,
    pub(super) client_allowed_sans: Option<Vec<Spanned<String>>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Http {
    pub(super) http2: Option<bool>,
    pub(super) headers: Option<BTreeMap<String, Value>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Rate {
    pub(super) interval: Text,
    pub(super) burst: Option<Spanned<i64>>,
}

/// What is given and not empty.
pub(super) fn given(text: &Text) -> Option<&Spanned<String>> {
    text.as_ref().filter(|text| !text.value.is_empty())
}

/// A file that the configuration names, from the folder that the configuration is in.
pub(super) fn beside(folder: &Path, name: &Spanned<String>) -> PathBuf {
    folder.join(&name.value)
}

/// Reads the file; one with nothing in it is fine.
pub(super) fn read(path: &Path) -> Result<File, AccessError> {
    let bad = |problem: String| AccessError { place: path.display().to_string(), problem };
    let bytes = std::fs::read(path).map_err(|error| {
        bad(format!("cannot be read: {error}; --web.config.file wants a YAML file"))
    })?;
    let text = String::from_utf8(bytes)
        .map_err(|_| bad("is not text in UTF-8; a YAML file is wanted".to_owned()))?;
    let file: Option<File> =
        serde_saphyr::from_str(&text).map_err(|error| bad(problem_of_secrets(&error)))?;
    Ok(file.unwrap_or_default())
}
