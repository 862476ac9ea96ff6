//! Go's names of versions, cipher suites and curves, and what they are here.

use rustls::crypto::ring::cipher_suite as ring;
use rustls::crypto::ring::kx_group;
use rustls::crypto::{CryptoProvider, SupportedKxGroup};
use rustls::version::{TLS12, TLS13};
use rustls::{CipherSuite, SupportedCipherSuite, SupportedProtocolVersion};
use serde_saphyr::Spanned;

use crate::config::did_you_mean;

use super::super::file::{Text, Tls, given};
use super::super::problem::{Problem, line, wrong};

/// Those of TLS 1.2, by Go's names.
const SUITES_12: [(&str, SupportedCipherSuite); 6] = [
    ("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", ring::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256),
    ("TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", ring::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384),
    ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", ring::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256),
    ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", ring::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384),
    (
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        ring::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
    (
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        ring::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ),
];

/// Those of TLS 1.3, which are always on, as in Go.
const SUITES_13: [(&str, SupportedCipherSuite); 3] = [
    ("TLS_AES_128_GCM_SHA256", ring::TLS13_AES_128_GCM_SHA256),
    ("TLS_AES_256_GCM_SHA384", ring::TLS13_AES_256_GCM_SHA384),
    ("TLS_CHACHA20_POLY1305_SHA256", ring::TLS13_CHACHA20_POLY1305_SHA256),
];

const CURVES: [(&str, &dyn SupportedKxGroup); 3] = [
    ("X25519", kx_group::X25519),
    ("CurveP256", kx_group::SECP256R1),
    ("CurveP384", kx_group::SECP384R1),
];

/// HTTP/2 demands one of these where TLS 1.2 is spoken (RFC 9113, 9.2.2).
const OF_HTTP_2: [CipherSuite; 2] = [
    CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
];

/// What is spoken, in the order of preference.
pub(super) struct Spoken {
    pub(super) provider: CryptoProvider,
    pub(super) versions: Vec<&'static SupportedProtocolVersion>,
}

pub(super) fn spoken(tls: &Tls, http2: bool) -> Result<Spoken, Problem> {
    let provider = CryptoProvider {
        cipher_suites: suites(tls, http2)?,
        kx_groups: curves(tls)?,
        ..rustls::crypto::ring::default_provider()
    };
    let mut versions = versions(tls)?;
    let has = |version: &'static SupportedProtocolVersion| {
        provider.cipher_suites.iter().any(|suite| suite.version() == version)
    };
    versions.retain(|version| has(version));
    match (versions.is_empty(), tls.cipher_suites.as_ref().and_then(|all| all.first())) {
        (true, Some(first)) => wrong(
            first,
            "tls_server_config.cipher_suites: none of them is of TLS 1.2, the only version that is \
             left; name one that is",
        ),
        (true, None) | (false, _) => Ok(Spoken { provider, versions }),
    }
}

fn suites(tls: &Tls, http2: bool) -> Result<Vec<SupportedCipherSuite>, Problem> {
    let mut all: Vec<_> = SUITES_13.iter().map(|(_, suite)| *suite).collect();
    // As rustls orders them where nobody has another wish.
    all.sort_by_key(|suite| suite.suite() != CipherSuite::TLS13_AES_256_GCM_SHA384);
    let listed = tls.cipher_suites.as_deref().unwrap_or_default();
    let Some(first) = listed.first() else {
        return Ok(rustls::crypto::ring::DEFAULT_CIPHER_SUITES.to_vec());
    };
    for name in listed {
        let found = |(known, _): &&(&str, SupportedCipherSuite)| *known == name.value;
        match SUITES_12.iter().find(found) {
            Some((_, suite)) if !all.contains(suite) => all.push(*suite),
            Some(_) => {}
            None if SUITES_13.iter().any(|suite| found(&suite)) => {}
            None => {
                let names = || SUITES_12.iter().chain(&SUITES_13).map(|(name, _)| *name);
                return unknown("cipher_suites", "cipher suite", name, names());
            }
        }
    }
    let enough = all.iter().any(|suite| OF_HTTP_2.contains(&suite.suite()));
    if http2 && !enough && least(&tls.min_version)? == Version::Tls12 {
        return wrong(
            first,
            "tls_server_config.cipher_suites: HTTP/2 demands \
             TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 or TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256; add \
             one, or say http_server_config.http2: false",
        );
    }
    Ok(all)
}

fn curves(tls: &Tls) -> Result<Vec<&'static dyn SupportedKxGroup>, Problem> {
    let listed = tls.curve_preferences.as_deref().unwrap_or_default();
    if listed.is_empty() {
        return Ok(CURVES.iter().map(|(_, curve)| *curve).collect());
    }
    let mut all = Vec::new();
    for name in listed {
        match CURVES.iter().find(|(known, _)| *known == name.value) {
            Some((_, curve)) => all.push(*curve),
            None => {
                let names = CURVES.iter().map(|(name, _)| *name);
                return unknown("curve_preferences", "curve", name, names);
            }
        }
    }
    Ok(all)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Version {
    Tls12,
    Tls13,
}

fn versions(tls: &Tls) -> Result<Vec<&'static SupportedProtocolVersion>, Problem> {
    let (least, most) = (least(&tls.min_version)?, most(&tls.max_version)?);
    let both = [(Version::Tls13, &TLS13), (Version::Tls12, &TLS12)];
    let spoken = both.into_iter().filter(|(version, _)| (least..=most).contains(version));
    let spoken: Vec<_> = spoken.map(|(_, version)| version).collect();
    match &tls.max_version {
        Some(at) if spoken.is_empty() => {
            wrong(at, "tls_server_config.max_version: is under min_version")
        }
        _ => Ok(spoken),
    }
}

fn least(text: &Text) -> Result<Version, Problem> {
    given(text).map_or(Ok(Version::Tls12), |text| version("min_version", text))
}

fn most(text: &Text) -> Result<Version, Problem> {
    given(text).map_or(Ok(Version::Tls13), |text| version("max_version", text))
}

fn version(key: &str, text: &Spanned<String>) -> Result<Version, Problem> {
    match text.value.as_str() {
        "TLS12" => Ok(Version::Tls12),
        "TLS13" => Ok(Version::Tls13),
        old @ ("TLS10" | "TLS11") => wrong(
            text,
            format!(
                "tls_server_config.{key}: {old} is not spoken here, since RFC 8996 has done away with it; \
                 known are TLS12, TLS13"
            ),
        ),
        _ => unknown(key, "version", text, ["TLS12", "TLS13"].into_iter()),
    }
}

fn unknown<T>(
    key: &str,
    what: &str,
    text: &Spanned<String>,
    known: impl Iterator<Item = &'static str> + Clone,
) -> Result<T, Problem> {
    let meant = did_you_mean(&text.value, known.clone());
    let known = known.collect::<Vec<_>>().join(", ");
    Err(Problem {
        line: line(text),
        text: format!(
            "tls_server_config.{key}: no {what} {:?} here, known are {known}{meant}",
            text.value
        ),
    })
}
