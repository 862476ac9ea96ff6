//! `tls_server_config`: from Go's words to what rustls takes.

mod clients;
mod names;
mod pair;
mod suites;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;

use super::file::{Tls, beside, given};
use super::problem::{Problem, line};

pub(in crate::web) use names::Names;

/// TLS as it is spoken to clients.
#[derive(Clone, Debug)]
pub(super) struct ServerTls {
    pub(super) config: Arc<ServerConfig>,
    /// Whether a client's certificate says who it is: it is of an authority that was named.
    pub(super) clients_are_known: bool,
}

/// `None` where the file has no certificate and wants none of clients, as in exporter-toolkit.
pub(super) fn server_tls(
    tls: &Tls,
    http2: bool,
    folder: &Path,
    odd: &mut Vec<Problem>,
) -> Result<Option<ServerTls>, Problem> {
    let switches = [
        &tls.cert_file,
        &tls.cert,
        &tls.key_file,
        &tls.key,
        &tls.client_ca_file,
        &tls.client_ca,
        &tls.client_auth_type,
    ];
    let first = switches.into_iter().find_map(given);
    // Unknown words are told even where they count for nothing.
    let spoken = suites::spoken(tls, http2 && first.is_some())?;
    let Some(first) = first else { return Ok(None) };
    let pair = pair::pair(tls, folder, line(first))?;
    let provider = Arc::new(spoken.provider);
    let clients = clients::clients(tls, folder, &provider, odd)?;
    let clients_are_known = clients.as_ref().is_some_and(clients::Clients::are_known);
    let at = line(pair::place(tls).unwrap_or(first));
    let bad = |error: rustls::Error| Problem {
        line: at,
        text: format!("tls_server_config: the certificate and the key cannot be used: {error}"),
    };
    let builder = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&spoken.versions)
        .map_err(bad)?;
    let builder = match clients {
        Some(clients) => builder.with_client_cert_verifier(Arc::new(clients)),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_single_cert(pair.chain, pair.key).map_err(bad)?;
    config.ignore_client_order = tls.prefer_server_cipher_suites.unwrap_or(true);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Some(ServerTls { config: Arc::new(config), clients_are_known }))
}

/// The files that are read besides the configuration.
pub(super) fn files(tls: &Tls, folder: &Path) -> Vec<PathBuf> {
    let files = [&tls.cert_file, &tls.key_file, &tls.client_ca_file].into_iter();
    files.filter_map(given).map(|name| beside(folder, name)).collect()
}
