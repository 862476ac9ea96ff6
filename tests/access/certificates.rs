//! Certificates of a test's own authorities, as PEM files in a folder.

use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, date_time_ymd,
};
use tempfile::TempDir;

/// An authority and the files that it made.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        Self { issuer: CertifiedIssuer::self_signed(params, key).unwrap() }
    }

    pub(crate) fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A certificate and its key.
    pub(crate) fn sign(&self, params: &CertificateParams) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }
}

/// What a certificate says.
pub(crate) fn of(common: &str, alternative: &[&str]) -> CertificateParams {
    let names: Vec<String> = alternative.iter().map(|&name| name.to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name.push(DnType::CommonName, common);
    params
}

/// The same, over since long ago.
pub(crate) fn expired(mut params: CertificateParams) -> CertificateParams {
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2021, 1, 1);
    params
}

/// A client that is its own authority, and says that it is one, as `openssl req -x509` makes them.
pub(crate) fn of_its_own(common: &str, alternative: &[&str]) -> (String, String) {
    let mut params = of(common, alternative);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let key = KeyPair::generate().unwrap();
    (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
}

/// The folder that the tests' files are in.
pub(crate) struct Folder(TempDir);

impl Folder {
    /// `ca.pem`, `server.*` for 127.0.0.1, `client.*` of the authority, `own.*` of nobody, and
    /// `other.key`.
    pub(crate) fn new() -> (Self, Authority) {
        let folder = Self(tempfile::tempdir().unwrap());
        let authority = Authority::new("authority");
        folder.write("ca.pem", &authority.pem());
        folder.pair("server", authority.sign(&of("server", &["127.0.0.1"])));
        folder.pair("client", authority.sign(&of("ops-client", &["ops.example.org"])));
        folder.pair("own", of_its_own("test3", &["test3"]));
        folder.write("other.key", &KeyPair::generate().unwrap().serialize_pem());
        (folder, authority)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn itself(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn pair(&self, name: &str, (certificate, key): (String, String)) {
        self.write(&format!("{name}.pem"), &certificate);
        self.write(&format!("{name}.key"), &key);
    }
}
