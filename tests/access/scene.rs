//! The binary with a web configuration, and somebody who asks it.

use std::time::Duration;

use connect_warden::sim::{SimCluster, SimConfig};
use reqwest::{Certificate, Client, Identity, Method, RequestBuilder, Response};

use super::certificates::Folder;
use super::support::warden::Warden;

pub(crate) const SOON: Duration = Duration::from_secs(20);

pub(crate) const ALICE: Option<(&str, &str)> = Some(("alice", "alice's own word"));
pub(crate) const BOB: Option<(&str, &str)> = Some(("bob", "bob's own word"));
pub(crate) const WRONG: Option<(&str, &str)> = Some(("bob", "alice's own word"));
pub(crate) const STRANGER: Option<(&str, &str)> = Some(("eve", "alice's own word"));

/// bcrypt at its cheapest, so that tests are not about it.
pub(crate) fn hash(password: &str) -> String {
    bcrypt::hash(password, 4).unwrap()
}

/// `basic_auth_users` with alice and bob.
pub(crate) fn users() -> String {
    let line = |user: Option<(&str, &str)>| {
        user.map(|(name, word)| format!("  {name}: {}\n", hash(word))).unwrap()
    };
    format!("basic_auth_users:\n{}{}", line(ALICE), line(BOB))
}

/// A running warden of a simulated cluster.
pub(crate) struct Scene {
    pub(crate) warden: Warden,
    _cluster: SimCluster,
    scheme: &'static str,
}

impl Scene {
    /// `web` stands under `web:` of the configuration, `web_file` in the web configuration.
    pub(crate) async fn start(folder: &Folder, web: &str, web_file: Option<&str>) -> Self {
        let config = SimConfig { workers: 1, ..SimConfig::default() };
        let cluster = SimCluster::start(config).await.unwrap();
        let mut text = format!(
            "clusters: [{{name: default, urls: ['{}']}}]\npoll: {{interval: 1s}}\nweb:\n  \
             max_connections: 512\n{web}",
            cluster.urls()[0]
        );
        if let Some(web_file) = web_file {
            let path = folder.write("web.yml", web_file);
            text.push_str(&format!("  config_file: {}\n", path.display()));
        }
        let file = folder.write("warden.yaml", &text);
        let warden = Warden::start([
            format!("--config.file={}", file.display()),
            "--log.level=trace".to_owned(),
        ]);
        let tls = web_file.is_some_and(|text| text.contains("tls_server_config"));
        let scheme = if tls { "https" } else { "http" };
        Self { warden, _cluster: cluster, scheme }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}://127.0.0.1:{}{path}", self.scheme, self.warden.port)
    }

    /// Asks once; `None` where there is no answer.
    pub(crate) async fn ask(
        &self,
        who: &Client,
        method: &str,
        path: &str,
        user: Option<(&str, &str)>,
    ) -> Option<Response> {
        self.request(who, method, path, user).send().await.ok()
    }

    pub(crate) fn request(
        &self,
        who: &Client,
        method: &str,
        path: &str,
        user: Option<(&str, &str)>,
    ) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = who.request(method, self.url(path));
        match user {
            Some((name, word)) => request.basic_auth(name, Some(word)),
            None => request,
        }
    }

    pub(crate) async fn status(
        &self,
        who: &Client,
        method: &str,
        path: &str,
        user: Option<(&str, &str)>,
    ) -> Option<u16> {
        Some(self.ask(who, method, path, user).await?.status().as_u16())
    }
}

/// Somebody who trusts `ca.pem`, and shows this certificate and key; a new connection each time.
pub(crate) fn client(folder: &Folder, certificate: Option<&(String, String)>) -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let ca = std::fs::read(folder.path("ca.pem")).unwrap();
    let mut builder = Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .pool_max_idle_per_host(0)
        .timeout(SOON)
        .tls_certs_only([Certificate::from_pem(&ca).unwrap()]);
    if let Some((pem, key)) = certificate {
        builder = builder.identity(Identity::from_pem(format!("{pem}{key}").as_bytes()).unwrap());
    }
    builder.build().unwrap()
}

/// A certificate and its key, by the name of their files.
pub(crate) fn pair(folder: &Folder, name: &str) -> (String, String) {
    let read = |end: &str| std::fs::read_to_string(folder.path(&format!("{name}.{end}"))).unwrap();
    (read("pem"), read("key"))
}
