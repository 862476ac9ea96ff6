//! What the shell completes while somebody types: names of connectors and of contexts.
//!
//! `source <(COMPLETE=bash connect-warden)` turns it on. The cluster is the one that the words typed
//! so far name; where it does not answer in a second, nothing is completed.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::time::Duration;

use clap_complete::engine::CompletionCandidate;

use crate::config::{Contexts, Flags};

use super::direct::Direct;
use super::flags::{Global, Output};
use super::place;
use super::target::Cluster as _;

/// Nobody waits longer for a completion.
const LIMIT: Duration = Duration::from_secs(1);

/// The connectors that begin so.
pub fn connectors(begun: &OsStr) -> Vec<CompletionCandidate> {
    begins_so(begun, names().unwrap_or_default())
}

/// The contexts that begin so.
pub fn contexts(begun: &OsStr) -> Vec<CompletionCandidate> {
    let contexts = Contexts::read(&Contexts::place()).ok();
    let names = contexts.map(|c| c.all().map(|(name, _)| name.to_owned()).collect());
    begins_so(begun, names.unwrap_or_default())
}

fn begins_so(begun: &OsStr, names: Vec<String>) -> Vec<CompletionCandidate> {
    let begun = begun.to_string_lossy();
    let names = names.into_iter().filter(|name| name.starts_with(&*begun));
    names.map(CompletionCandidate::new).collect()
}

fn names() -> Option<Vec<String>> {
    let words: Vec<String> = std::env::args().skip_while(|word| word != "--").skip(1).collect();
    let (global, outer) = typed(&words);
    let place = place::find(&global, &outer).ok()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
    runtime.block_on(async {
        let names = async { Direct::connect(&place.connect, None).await.ok()?.names().await.ok() };
        tokio::time::timeout(LIMIT, names).await.ok().flatten()
    })
}

/// The flags that name a cluster, of a command line that is not finished.
fn typed(words: &[String]) -> (Global, Flags) {
    let all = |flag: &str| -> Vec<String> {
        let mut found = Vec::new();
        for (at, word) in words.iter().enumerate() {
            match word.strip_prefix(flag) {
                Some("") => found.extend(words.get(at + 1).cloned()),
                Some(rest) => found.extend(rest.strip_prefix('=').map(str::to_owned)),
                None => {}
            }
        }
        found
    };
    let urls = |texts: Vec<String>| -> Vec<String> {
        texts.iter().flat_map(|text| text.split(',')).map(str::to_owned).collect()
    };
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let global = Global {
        urls: urls(all("--connect.url")),
        context: all("--context").pop(),
        file: all("--config.file").pop().map(PathBuf::from),
        cluster: all("--cluster").pop(),
        output: Output::Table,
        show_secrets: false,
        no_color: true,
        yes: false,
        timeout: Some(LIMIT),
    };
    let outer = Flags {
        urls: urls(variable("CONNECT_WARDEN_CONNECT_URL").into_iter().collect()),
        file: variable("CONNECT_WARDEN_CONFIG_FILE").map(PathBuf::from),
        ..Flags::default()
    };
    (global, outer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cluster_is_read_from_what_is_typed() {
        let words = ["connect-warden", "ctl", "--connect.url=a,b", "--connect.url", "c", "get"];
        let words: Vec<String> = words.into_iter().map(str::to_owned).collect();
        assert_eq!(typed(&words).0.urls, ["a", "b", "c"]);
        let words: Vec<String> = ["--context", "prod"].into_iter().map(str::to_owned).collect();
        assert_eq!(typed(&words).0.context.as_deref(), Some("prod"));
    }
}
