//! Certificates of a test's own authority, and a TLS front for a server that has none.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// Of the Java stores.
pub const STORE_PASSWORD: &str = "changeit";

/// An authority, a server of it at 127.0.0.1 and a client of it, as PEM files.
pub struct Certificates {
    folder: TempDir,
}

impl Certificates {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority =
            CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let write =
            |name: &str, pem: String| std::fs::write(folder.path().join(name), pem).unwrap();
        write("ca.pem", authority.pem());
        for (name, subject) in [("server", "127.0.0.1"), ("client", "warden")] {
            let key = KeyPair::generate().unwrap();
            let params = CertificateParams::new([subject.to_owned()]).unwrap();
            let certificate = params.signed_by(&key, &authority).unwrap();
            write(&format!("{name}.pem"), certificate.pem());
            write(&format!("{name}.key"), key.serialize_pem());
        }
        Self { folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Java's stores for a worker that trusts the authority and shows a certificate of its own,
    /// which is put into `worker.pem`: Kafka Connect's REST server takes no PEM stores.
    pub fn java_stores(&self) -> (PathBuf, PathBuf) {
        let (key, trust) = (self.path("key.p12"), self.path("trust.p12"));
        let keytool = |store: &Path, arguments: &[&str], file: Option<PathBuf>| {
            let mut keytool = Command::new("keytool");
            keytool.args(arguments).arg("-keystore").arg(store);
            keytool.args(["-storetype", "PKCS12", "-storepass", STORE_PASSWORD, "-noprompt"]);
            let output = keytool.args(file.iter().flat_map(|f| [Path::new("-file"), f])).output();
            let output = output.expect("keytool can be started");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        };
        let pair = ["-genkeypair", "-alias", "worker", "-keyalg", "EC", "-dname", "CN=worker"];
        keytool(&key, &[&pair[..], &["-ext", "SAN=ip:127.0.0.1"]].concat(), None);
        let export = ["-exportcert", "-rfc", "-alias", "worker"];
        keytool(&key, &export, Some(self.path("worker.pem")));
        keytool(&trust, &["-importcert", "-alias", "ca"], Some(self.path("ca.pem")));
        (key, trust)
    }

    /// TLS in front of `to` that wants the authority's client certificates; the URL.
    pub async fn front(&self, to: SocketAddr) -> String {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut roots = RootCertStore::empty();
        roots.add(certificate(&self.path("ca.pem"))).unwrap();
        let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).build().unwrap();
        let key = PrivateKeyDer::from_pem_file(self.path("server.key")).unwrap();
        let config = ServerConfig::builder()
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![certificate(&self.path("server.pem"))], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(mut inside) = acceptor.accept(stream).await else { return };
                    let Ok(mut outside) = TcpStream::connect(to).await else { return };
                    let _ = tokio::io::copy_bidirectional(&mut inside, &mut outside).await;
                });
            }
        });
        url
    }
}

fn certificate(file: &Path) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(file).unwrap()
}
