//! The server's certificate and its key, from files or from the configuration itself.

use std::path::{Path, PathBuf};

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_saphyr::Spanned;

use crate::config::Secret;

use super::super::file::{Text, Tls, beside, given};
use super::super::problem::{Problem, wrong};

/// What a server shows. The key is not shown.
pub(super) struct Pair {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
}

/// `line` is where what is missing is told.
pub(super) fn pair(tls: &Tls, folder: &Path, line: u64) -> Result<Pair, Problem> {
    let missing = |what: &str| Problem {
        line,
        text: format!("tls_server_config: has neither {what} nor {what}_file; give one of them"),
    };
    let cert = source("cert", &tls.cert, &tls.cert_file, folder)?.ok_or_else(|| missing("cert"))?;
    let key = source("key", &tls.key, &tls.key_file, folder)?.ok_or_else(|| missing("key"))?;
    let chain: Result<Vec<_>, _> =
        CertificateDer::pem_slice_iter(cert.pem.expose().as_bytes()).collect();
    let chain = match chain {
        Ok(chain) if !chain.is_empty() => chain,
        Ok(_) => return cert.wrong("holds no certificate in PEM"),
        Err(error) => return cert.wrong(&format!("is not PEM: {error}")),
    };
    match PrivateKeyDer::from_pem_slice(key.pem.expose().as_bytes()) {
        Ok(key) => Ok(Pair { chain, key }),
        // What the error says of a key's text is not passed on.
        Err(_) => key.wrong("holds no private key in PEM that can be read"),
    }
}

/// The line on which the certificate or the key is named.
pub(super) fn place(tls: &Tls) -> Option<&Spanned<String>> {
    [&tls.key_file, &tls.key, &tls.cert_file, &tls.cert].into_iter().find_map(given)
}

/// A text in PEM, and where it is from.
struct Source<'t> {
    key: String,
    pem: Secret,
    at: &'t Spanned<String>,
}

impl Source<'_> {
    fn wrong<T>(&self, text: &str) -> Result<T, Problem> {
        wrong(self.at, format!("tls_server_config.{}: {text}", self.key))
    }
}

/// A file wins, as in exporter-toolkit.
fn source<'t>(
    what: &str,
    inline: &'t Text,
    file: &'t Text,
    folder: &Path,
) -> Result<Option<Source<'t>>, Problem> {
    let (file, inline) = (given(file), given(inline));
    let Some(at) = file.or(inline) else { return Ok(None) };
    let key = if file.is_some() { format!("{what}_file") } else { what.to_owned() };
    let pem = pem_of(&key, file.map(|name| (name, beside(folder, name))), at)?;
    Ok(Some(Source { key, pem, at }))
}

/// The file's text, else the one that is written inline.
pub(super) fn pem_of(
    key: &str,
    file: Option<(&Spanned<String>, PathBuf)>,
    inline: &Spanned<String>,
) -> Result<Secret, Problem> {
    let Some((at, path)) = file else { return Ok(Secret::new(inline.value.clone())) };
    match std::fs::read(&path) {
        Ok(bytes) => Ok(Secret::new(String::from_utf8_lossy(&bytes))),
        Err(error) => {
            let file = path.display();
            wrong(at, format!("tls_server_config.{key}: cannot read {file}: {error}"))
        }
    }
}
