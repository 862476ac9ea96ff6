//! The one place that sends: time-outs, a cap on bodies, no redirects, credentials, TLS.

use std::path::Path;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::{CONTENT_TYPE, LOCATION};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use url::Url;

use crate::config::{Auth, ConnectSettings, TlsSettings};

use super::error::ErrorKind;

/// Settings that no client can be built from.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A certificate or key cannot be read.
    #[error("cannot read {file}: {reason}; give a PEM file that this user may read")]
    File {
        /// Which file.
        file: String,
        /// Why not.
        reason: String,
    },
    /// TLS cannot be set up.
    #[error("cannot set up TLS to the workers: {0}")]
    Tls(String),
}

/// What came back.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) html: bool,
    pub(super) location: Option<String>,
    pub(super) body: Bytes,
}

/// Sends requests to the workers of one cluster.
#[derive(Clone, Debug)]
pub(super) struct Http {
    client: reqwest::Client,
    auth: Option<Auth>,
    timeout: Duration,
    max_body_bytes: usize,
}

impl Http {
    pub(super) fn new(settings: &ConnectSettings) -> Result<Self, BuildError> {
        // Fails only where a provider is there already, and then it is this one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("connect-warden/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(settings.connect_timeout)
            .pool_max_idle_per_host(8)
            .pool_idle_timeout(Duration::from_secs(60));
        if !settings.proxy_from_environment {
            builder = builder.no_proxy();
        }
        let client =
            tls(builder, &settings.tls)?.build().map_err(|error| BuildError::Tls(chain(&error)))?;
        Ok(Self {
            client,
            auth: settings.auth.clone(),
            timeout: settings.request_timeout,
            max_body_bytes: settings.max_body_bytes,
        })
    }

    /// The same connections, with other limits.
    pub(super) fn bounded(&self, timeout: Duration, max_body_bytes: usize) -> Self {
        Self { timeout, max_body_bytes: max_body_bytes.min(self.max_body_bytes), ..self.clone() }
    }

    /// The same, whose requests may take so long.
    pub(super) fn with_timeout(&self, timeout: Duration) -> Self {
        Self { timeout, ..self.clone() }
    }

    pub(super) async fn send(
        &self,
        method: Method,
        url: &Url,
        body: Option<&Value>,
        timeout: Option<Duration>,
    ) -> Result<Reply, ErrorKind> {
        let timeout = timeout.unwrap_or(self.timeout);
        let mut request = self.client.request(method, url.clone());
        request = match &self.auth {
            None => request,
            Some(Auth::Basic { username, password }) => {
                request.basic_auth(username, Some(password.expose()))
            }
            Some(Auth::Bearer(token)) => request.bearer_auth(token.expose()),
        };
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
        }
        tokio::time::timeout(timeout, self.read(request))
            .await
            .map_err(|_| ErrorKind::Timeout(timeout))?
    }

    async fn read(&self, request: reqwest::RequestBuilder) -> Result<Reply, ErrorKind> {
        let mut response = request.send().await.map_err(|error| kind(&error, self.timeout))?;
        let header = |name| {
            response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
        };
        let html = header(CONTENT_TYPE).starts_with("text/html");
        let location = Some(header(LOCATION).to_owned()).filter(|to| !to.is_empty());
        let status = response.status();
        let mut body = BytesMut::new();
        while let Some(chunk) =
            response.chunk().await.map_err(|error| kind(&error, self.timeout))?
        {
            if body.len() + chunk.len() > self.max_body_bytes {
                return Err(ErrorKind::TooLarge(self.max_body_bytes));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Reply { status, html, location, body: body.freeze() })
    }
}

fn tls(
    mut builder: reqwest::ClientBuilder,
    settings: &TlsSettings,
) -> Result<reqwest::ClientBuilder, BuildError> {
    let bad = |file: &Path, reason: &dyn std::error::Error| BuildError::File {
        file: file.display().to_string(),
        reason: chain(reason),
    };
    let read = |file: &Path| std::fs::read(file).map_err(|error| bad(file, &error));
    if let Some(file) = &settings.ca_file {
        let bundle = reqwest::Certificate::from_pem_bundle(&read(file)?)
            .map_err(|error| bad(file, &error))?;
        if bundle.is_empty() {
            return Err(BuildError::File {
                file: file.display().to_string(),
                reason: "it holds no certificate".to_owned(),
            });
        }
        builder = builder.tls_certs_only(bundle);
    }
    if let Some(file) = &settings.cert_file {
        let mut pem = read(file)?;
        let key = settings.key_file.as_deref().unwrap_or(file);
        pem.push(b'\n');
        pem.extend(read(key)?);
        let identity = reqwest::Identity::from_pem(&pem).map_err(|error| bad(key, &error))?;
        builder = builder.identity(identity);
    }
    if settings.insecure_skip_verify {
        builder = builder.tls_danger_accept_invalid_certs(true);
    }
    Ok(builder)
}

fn kind(error: &reqwest::Error, timeout: Duration) -> ErrorKind {
    let text = chain(error);
    if is_tls(error) {
        ErrorKind::Tls(text)
    } else if error.is_connect() {
        ErrorKind::Connect(text)
    } else if error.is_timeout() {
        ErrorKind::Timeout(timeout)
    } else {
        ErrorKind::Broken(text)
    }
}

/// Whether rustls is at the root of it; an alert of the other side may come with the first answer.
fn is_tls(error: &(dyn std::error::Error + 'static)) -> bool {
    if error.is::<rustls::Error>() {
        return true;
    }
    // The source of an `io::Error` is not what it wraps but that one's source.
    match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
        Some(inner) => is_tls(inner),
        None => error.source().is_some_and(is_tls),
    }
}

/// An error and its causes in one line, without what is said twice and without the URL.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let this = error.to_string();
        if !this.starts_with("error sending request") && !text.contains(&this) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&this);
        }
        next = error.source();
    }
    text
}
