//! One reading of the web configuration and of all the files that it names.

use std::path::{Path, PathBuf};

use hyper::header::{HeaderName, HeaderValue};

use super::file;
use super::headers::headers;
use super::problem::{AccessError, Problem};
use super::rate::RateLimit;
use super::tls::{ServerTls, files, server_tls};
use super::users::Users;

/// Checked and ready to be used. Whatever is in force comes from one of these, so that a certificate
/// never meets the key of another reading.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    pub(super) tls: Option<ServerTls>,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) users: Users,
    pub(super) rate: Option<RateLimit>,
}

/// What is odd about it and not wrong, each with its line.
pub(super) type Oddities = Vec<String>;

impl Loaded {
    pub(super) fn read(path: &Path) -> Result<(Self, Oddities), AccessError> {
        let file = file::read(path)?;
        let place = |line: u64| format!("{}: line {line}", path.display());
        let mut odd = Vec::new();
        let loaded = Self::of(&file, path, &mut odd)
            .map_err(|Problem { line, text }| AccessError { place: place(line), problem: text })?;
        let odd = odd.into_iter().map(|Problem { line, text }| format!("{}: {text}", place(line)));
        Ok((loaded, odd.collect()))
    }

    fn of(file: &file::File, path: &Path, odd: &mut Vec<Problem>) -> Result<Self, Problem> {
        let http = file.http_server_config.as_ref();
        let http2 = http.and_then(|http| http.http2).unwrap_or(true);
        let tls = match &file.tls_server_config {
            Some(tls) => server_tls(tls, http2, folder(path), odd)?,
            None => None,
        };
        let rate = file.rate_limit.as_ref();
        Ok(Self {
            tls,
            headers: http.map(headers).transpose()?.unwrap_or_default(),
            users: Users::read(file)?,
            rate: rate.map(|rate| RateLimit::read(rate, odd)).transpose()?.flatten(),
        })
    }
}

/// The files whose change is a reason to read again.
pub(super) fn watched(path: &Path) -> Vec<PathBuf> {
    let mut all = vec![path.to_owned()];
    if let Ok(file) = file::read(path) {
        let tls = file.tls_server_config.as_ref();
        all.extend(tls.map(|tls| files(tls, folder(path))).unwrap_or_default());
    }
    all
}

fn folder(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}
