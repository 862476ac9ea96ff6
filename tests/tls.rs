//! TLS to the workers: who is trusted, who is let in, and what is said when not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test may panic"
)]

mod support;

use std::time::Duration;

use connect_warden::sim::{SimCluster, SimConfig};
use support::tls::Certificates;
use support::warden::{Warden, eventually};

const UP: &str = "kafka_connect_up{connect_cluster=\"default\"}";
const SOON: Duration = Duration::from_secs(10);

/// The binary with this `tls:` of its only cluster.
fn warden(url: &str, tls: &str) -> Warden {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("warden.yaml");
    let yaml = format!(
        "clusters: [{{name: default, urls: ['{url}'], tls: {{{tls}}}}}]\npoll: {{interval: 1s}}\n"
    );
    std::fs::write(&file, yaml).unwrap();
    Warden::start([format!("--config.file={}", file.display())])
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_and_a_client_certificate_of_its_own() {
    let cluster =
        SimCluster::start(SimConfig { workers: 1, ..SimConfig::default() }).await.unwrap();
    cluster.create("a", &[("tasks.max", "1")]);
    let certificates = Certificates::new();
    let url = certificates.front(cluster.worker_id(0).parse().unwrap()).await;
    let ca = format!("ca_file: {}", certificates.path("ca.pem").display());
    let client = format!(
        "cert_file: {}, key_file: {}",
        certificates.path("client.pem").display(),
        certificates.path("client.key").display()
    );

    let good = warden(&url, &format!("{ca}, {client}"));
    good.wait(UP, Some(1.0), SOON);
    let careless = warden(&url, &format!("insecure_skip_verify: true, {client}"));
    careless.wait(UP, Some(1.0), SOON);
    assert!(careless.log().contains("any certificate is accepted"), "{}", careless.log());

    let refused = "connect_warden_poll_failures_total{connect_cluster=\"default\",reason=\"tls\"}";
    for (tls, said) in [(client.as_str(), "UnknownIssuer"), (ca.as_str(), "ertificate")] {
        let bad = warden(&url, tls);
        eventually("it is refused", SOON, || (bad.value(refused)? >= 1.0).then_some(()));
        assert_eq!(bad.value(UP), Some(0.0));
        assert!(bad.log().contains(said), "{}", bad.log());
    }
}

#[test]
fn a_bad_certificate_file_is_told_before_anything_is_bound() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "no certificate here\n").unwrap();
    let certificates = Certificates::new();
    let certificate = certificates.path("client.pem");
    for (tls, said) in [
        (format!("ca_file: {}", empty.display()), "holds no certificate"),
        ("ca_file: /nowhere/ca.pem".to_owned(), "cannot read /nowhere/ca.pem"),
        (format!("cert_file: {}", certificate.display()), "client.pem"),
        (format!("key_file: {}", certificate.display()), "cert_file"),
    ] {
        let file = folder.path().join("warden.yaml");
        let yaml =
            format!("clusters: [{{name: a, urls: ['https://127.0.0.1:1'], tls: {{{tls}}}}}]\n");
        std::fs::write(&file, yaml).unwrap();
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_connect-warden"))
            .arg(format!("--config.file={}", file.display()))
            .output()
            .unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(64), "{error}");
        assert!(error.contains(said) && !error.contains("listening"), "{error}");
    }
}
