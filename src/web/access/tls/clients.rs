//! Which client certificates are let in.
//!
//! rustls knows two of Go's five policies: a certificate of a known authority, demanded or not. The
//! two that take any certificate are here, and so are two habits of Go: a certificate that is itself
//! in the list of authorities is trusted, and the names that a certificate must have one of.

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore,
    SignatureScheme,
};

use crate::config::did_you_mean;

use super::super::file::{Tls, beside, given};
use super::super::problem::{Problem, line, wrong};
use super::names::{Names, is_of_a_client_now};
use super::pair::pem_of;

/// Go's names of the policies; the last is an old name of another.
const POLICIES: [(&str, Policy); 6] = [
    ("NoClientCert", Policy::None),
    ("RequestClientCert", Policy::Any { demanded: false }),
    ("RequireAnyClientCert", Policy::Any { demanded: true }),
    ("VerifyClientCertIfGiven", Policy::Verified { demanded: false }),
    ("RequireAndVerifyClientCert", Policy::Verified { demanded: true }),
    ("RequireClientCert", Policy::Any { demanded: true }),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Policy {
    None,
    Any { demanded: bool },
    Verified { demanded: bool },
}

/// The policy of `client_auth_type`; `None`: no certificate is asked for.
pub(super) fn clients(
    tls: &Tls,
    folder: &Path,
    provider: &Arc<CryptoProvider>,
    odd: &mut Vec<Problem>,
) -> Result<Option<Clients>, Problem> {
    let policy = match given(&tls.client_auth_type) {
        None => Policy::None,
        Some(text) => match POLICIES.iter().find(|(name, _)| *name == text.value) {
            Some((_, policy)) => *policy,
            None => {
                let names = || POLICIES[..5].iter().map(|(name, _)| *name);
                let known = names().collect::<Vec<_>>().join(", ");
                let meant = did_you_mean(&text.value, names());
                let word = &text.value;
                return wrong(
                    text,
                    format!(
                        "tls_server_config.client_auth_type: no policy {word:?}, known are {known}{meant}"
                    ),
                );
            }
        },
    };
    let authorities = authorities(tls, folder)?;
    let allowed = tls.client_allowed_sans.as_deref();
    let (demanded, proof) = match policy {
        Policy::None => {
            if let Some(at) = given(&tls.client_ca_file).or_else(|| given(&tls.client_ca)) {
                return wrong(
                    at,
                    "tls_server_config: a client CA and no client_auth_type; say \
                     RequireAndVerifyClientCert or VerifyClientCertIfGiven",
                );
            }
            if let Some(name) = allowed.and_then(<[_]>::first) {
                let text = "tls_server_config.client_allowed_sans: counts for nothing without a \
                            client_auth_type that asks for certificates";
                odd.push(Problem { line: line(name), text: text.to_owned() });
            }
            return Ok(None);
        }
        Policy::Any { demanded } => {
            if let Some(text) = given(&tls.client_auth_type) {
                let problem = format!(
                    "tls_server_config.client_auth_type: {} takes any certificate, also one that \
                     its owner has made; it proves nothing, and nobody is known by it",
                    text.value
                );
                odd.push(Problem { line: line(text), text: problem });
            }
            (demanded, Proof::None)
        }
        Policy::Verified { demanded } => {
            let of_system = authorities.is_none();
            if let (true, Some(text)) = (of_system, given(&tls.client_auth_type)) {
                let problem = "tls_server_config: no client_ca_file, so that the system's \
                               authorities count: whoever has a certificate of one of them is let \
                               in, and nobody is known by it"
                    .to_owned();
                odd.push(Problem { line: line(text), text: problem });
            }
            let pinned =
                authorities.unwrap_or_else(|| rustls_native_certs::load_native_certs().certs);
            let by = verifier(&pinned, of_system, provider);
            (demanded, Proof::Authority { by, pinned, of_system })
        }
    };
    Ok(Some(Clients {
        demanded,
        proof,
        allowed: allowed.map(|names| names.iter().map(|name| name.value.clone()).collect()),
        algorithms: provider.signature_verification_algorithms,
    }))
}

/// The certificates of `client_ca_file`, else `client_ca`.
fn authorities(tls: &Tls, folder: &Path) -> Result<Option<Vec<CertificateDer<'static>>>, Problem> {
    let (file, inline) = (given(&tls.client_ca_file), given(&tls.client_ca));
    let Some(at) = file.or(inline) else { return Ok(None) };
    let key = if file.is_some() { "client_ca_file" } else { "client_ca" };
    let pem = pem_of(key, file.map(|name| (name, beside(folder, name))), at)?;
    let bad = |text: String| wrong(at, format!("tls_server_config.{key}: {text}"));
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.expose().as_bytes()).collect();
    match all {
        Ok(all) if all.is_empty() => match given(&tls.client_auth_type) {
            // That it has no policy is worse, and told.
            None => Ok(Some(all)),
            Some(_) => bad("holds no certificate in PEM".to_owned()),
        },
        Ok(all) => Ok(Some(all)),
        Err(error) => bad(format!("is not PEM: {error}")),
    }
}

/// `None` where there is no authority that could be believed.
fn verifier(
    authorities: &[CertificateDer<'static>],
    of_system: bool,
    provider: &Arc<CryptoProvider>,
) -> Option<Arc<dyn ClientCertVerifier>> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(authorities.iter().cloned());
    let builder =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
    // The names of all public authorities would be 15 KB in each handshake.
    let builder = if of_system { builder.clear_root_hint_subjects() } else { builder };
    builder.build().ok()
}

/// Decides at each handshake.
#[derive(Debug)]
pub(super) struct Clients {
    demanded: bool,
    proof: Proof,
    allowed: Option<Vec<String>>,
    algorithms: WebPkiSupportedAlgorithms,
}

#[derive(Debug)]
enum Proof {
    /// Any certificate will do.
    None,
    Authority {
        by: Option<Arc<dyn ClientCertVerifier>>,
        pinned: Vec<CertificateDer<'static>>,
        of_system: bool,
    },
}

impl Clients {
    /// Whether a certificate says who somebody is.
    pub(super) fn are_known(&self) -> bool {
        matches!(self.proof, Proof::Authority { of_system: false, .. })
    }

    fn prove(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        let Proof::Authority { by, pinned, of_system } = &self.proof else { return Ok(()) };
        // Made by its owner for this very server; webpki would refuse one that is marked as an
        // authority.
        if !of_system && pinned.contains(certificate) && is_of_a_client_now(certificate, now) {
            return Ok(());
        }
        let by = by.as_ref().ok_or(Error::InvalidCertificate(CertificateError::UnknownIssuer))?;
        by.verify_client_cert(certificate, between, now).map(|_| ())
    }
}

impl ClientCertVerifier for Clients {
    fn client_auth_mandatory(&self) -> bool {
        self.demanded
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        match &self.proof {
            Proof::Authority { by: Some(by), .. } => by.root_hint_subjects(),
            Proof::Authority { by: None, .. } | Proof::None => &[],
        }
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.prove(certificate, between, now)?;
        if let Some(allowed) = &self.allowed {
            let names = Names::of(certificate).alternative;
            if !names.iter().any(|name| allowed.contains(name)) {
                let refused = CertificateError::ApplicationVerificationFailure;
                return Err(Error::InvalidCertificate(refused));
            }
        }
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
