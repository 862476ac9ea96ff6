//! What is agreed on in TLS: versions, cipher suites, curves, and in whose order.

use std::sync::Arc;

use rustls::crypto::ring::{cipher_suite as suite, default_provider, kx_group};
use rustls::crypto::{CryptoProvider, SupportedKxGroup};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{
    CipherSuite, ClientConfig, NamedGroup, RootCertStore, SupportedCipherSuite,
    SupportedProtocolVersion,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::certificates::Folder;
use super::scene::Scene;

const ALL: &[&SupportedProtocolVersion] = rustls::ALL_VERSIONS;
const TLS12: &[&SupportedProtocolVersion] = &[&rustls::version::TLS12];
const AES_128: SupportedCipherSuite = suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256;
const AES_256: SupportedCipherSuite = suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384;
const CHACHA: SupportedCipherSuite = suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256;

/// The suite and the curve, if there is an agreement, and the answer to a request.
async fn agreed(
    folder: &Folder,
    port: u16,
    versions: &[&'static SupportedProtocolVersion],
    suites: &[SupportedCipherSuite],
    curves: &[&'static dyn SupportedKxGroup],
    protocols: &[&str],
) -> Option<(CipherSuite, NamedGroup)> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(folder.path("ca.pem")).unwrap()).unwrap();
    let mut provider = CryptoProvider { kx_groups: curves.to_vec(), ..default_provider() };
    if !suites.is_empty() {
        provider.cipher_suites = suites.to_vec();
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.ok()?;
    let request = b"GET /-/healthy HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    stream.write_all(request).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let (_, connection) = stream.get_ref();
    let curve = connection.negotiated_key_exchange_group().unwrap().name();
    Some((connection.negotiated_cipher_suite().unwrap().suite(), curve))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_file_says_is_what_is_spoken() {
    let (folder, _) = Folder::new();
    let x25519: &[&'static dyn SupportedKxGroup] = &[kx_group::X25519];
    let p256: &[&'static dyn SupportedKxGroup] = &[kx_group::SECP256R1];
    let p384: &[&'static dyn SupportedKxGroup] = &[kx_group::SECP384R1];
    let is = |suite: SupportedCipherSuite, curve| Some((suite.suite(), curve));
    let tls13 = Some((CipherSuite::TLS13_AES_256_GCM_SHA384, NamedGroup::X25519));
    let old = "  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]\n";
    for (tls, cases) in [
        (
            "",
            vec![
                (ALL, &[][..], x25519, tls13),
                (TLS12, &[AES_128], p384, is(AES_128, NamedGroup::secp384r1)),
                (TLS12, &[CHACHA], p256, is(CHACHA, NamedGroup::secp256r1)),
            ],
        ),
        // In the server's order; TLS 1.3 is on all the same, as in Go.
        (
            old,
            vec![
                (TLS12, &[AES_128, AES_256], x25519, is(AES_256, NamedGroup::X25519)),
                (TLS12, &[AES_128], x25519, is(AES_128, NamedGroup::X25519)),
                (TLS12, &[CHACHA], x25519, None),
                (ALL, &[], x25519, tls13),
            ],
        ),
        (
            &format!("{old}  prefer_server_cipher_suites: false\n"),
            vec![(TLS12, &[AES_128, AES_256], x25519, is(AES_128, NamedGroup::X25519))],
        ),
        ("  min_version: TLS13\n", vec![(TLS12, &[], x25519, None), (ALL, &[], x25519, tls13)]),
        (
            "  max_version: TLS12\n",
            vec![(
                ALL,
                &[AES_128, suite::TLS13_AES_128_GCM_SHA256],
                x25519,
                is(AES_128, NamedGroup::X25519),
            )],
        ),
        (
            "  curve_preferences: [CurveP384]\n",
            vec![
                (TLS12, &[AES_128], p384, is(AES_128, NamedGroup::secp384r1)),
                (ALL, &[], p256, None),
            ],
        ),
    ] {
        let web_file =
            format!("tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n{tls}");
        let scene = Scene::start(&folder, "", Some(&web_file)).await;
        for (number, (versions, suites, curves, wanted)) in cases.into_iter().enumerate() {
            let port = scene.warden.port;
            let found = agreed(&folder, port, versions, suites, curves, &[]).await;
            assert_eq!(found, wanted, "{number} of {tls:?}");
        }
        let both = agreed(
            &folder,
            scene.warden.port,
            ALL,
            &[],
            rustls::crypto::ring::ALL_KX_GROUPS,
            &["h2", "http/1.1"],
        );
        assert!(both.await.is_some(), "{tls:?}");
        let only = agreed(
            &folder,
            scene.warden.port,
            ALL,
            &[],
            rustls::crypto::ring::ALL_KX_GROUPS,
            &["h2"],
        );
        assert_eq!(only.await, None, "HTTP/2 is not spoken");
    }
}
