//! Who a certificate is of.

use std::net::{Ipv4Addr, Ipv6Addr};

use rustls::pki_types::UnixTime;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer as _;
use x509_parser::time::ASN1Time;

/// The names in a certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::web) struct Names {
    /// The common name.
    pub(in crate::web) common: Option<String>,
    /// The alternative names: DNS, e-mail, IP address and URI.
    pub(in crate::web) alternative: Vec<String>,
}

impl Names {
    /// None of what cannot be read.
    pub(in crate::web) fn of(der: &[u8]) -> Self {
        let Some(certificate) = parse(der) else { return Self::default() };
        let common = certificate.subject().iter_common_name().next();
        let alternative = certificate.subject_alternative_name().ok().flatten();
        let alternative = alternative.iter().flat_map(|names| &names.value.general_names);
        Self {
            common: common.and_then(|name| name.as_str().ok()).map(str::to_owned),
            alternative: alternative.filter_map(text).collect(),
        }
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "as exporter-toolkit: these four kinds")]
fn text(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) | GeneralName::RFC822Name(name) | GeneralName::URI(name) => {
            Some((*name).to_owned())
        }
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes).ok().map(|b| Ipv4Addr::from(b).to_string()),
            16 => <[u8; 16]>::try_from(*bytes).ok().map(|b| Ipv6Addr::from(b).to_string()),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a certificate is valid now, and may be shown by a client.
pub(super) fn is_of_a_client_now(der: &[u8], now: UnixTime) -> bool {
    let Some(certificate) = parse(der) else { return false };
    let now = i64::try_from(now.as_secs()).ok().and_then(|now| ASN1Time::from_timestamp(now).ok());
    let in_time = now.is_some_and(|now| certificate.validity().is_valid_at(now));
    let usage = certificate.extended_key_usage();
    in_time
        && usage
            .is_ok_and(|usage| usage.is_none_or(|usage| usage.value.client_auth || usage.value.any))
}

fn parse(der: &[u8]) -> Option<X509Certificate<'_>> {
    X509Certificate::from_der(der).ok().map(|(_, certificate)| certificate)
}
