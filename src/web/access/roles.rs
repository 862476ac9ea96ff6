//! Who somebody is, and what that is good for.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::config::{AccessSettings, Anonymous};

use super::loaded::Loaded;
use super::problem::AccessError;
use super::tls::Names;

/// What somebody may do; each may what the one before may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Has shown neither a password nor a certificate that counts.
    Anonymous,
    /// May see everything.
    Reader,
    /// May change things.
    Administrator,
}

impl Role {
    /// The word as it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::Reader => "reader",
            Self::Administrator => "administrator",
        }
    }
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visitor {
    /// A user's name, `cn=NAME` or `san=NAME` of a certificate, or `anonymous`. For the audit log.
    pub name: Arc<str>,
    /// What they may do.
    pub role: Role,
}

impl Visitor {
    /// Nobody who is known.
    pub fn anonymous() -> Self {
        Self { name: "anonymous".into(), role: Role::Anonymous }
    }
}

/// Who is an administrator, and what is open to strangers.
#[derive(Clone, Debug)]
pub(super) struct Roles {
    administrators: BTreeSet<String>,
    anonymous: Option<Anonymous>,
}

const COMMON_NAME: &str = "cn=";
const ALTERNATIVE_NAME: &str = "san=";

impl Roles {
    pub(super) fn new(settings: &AccessSettings) -> Self {
        let names = settings.administrators.iter().map(|named| named.name.clone());
        Self { administrators: names.collect(), anonymous: settings.anonymous }
    }

    /// Refuses an administrator who can never come in, and a door that is shut for everybody.
    pub(super) fn check(settings: &AccessSettings, loaded: &Loaded) -> Result<(), AccessError> {
        let (users, certificates) = (&loaded.users, knows_certificates(loaded));
        for named in &settings.administrators {
            let bad = |problem: String| Err(AccessError { place: named.place.clone(), problem });
            let name = named.name.as_str();
            if settings.config_file.is_none() {
                return bad(format!(
                    "{name:?} cannot log in; give a --web.config.file with basic_auth_users, or \
                     with client certificates"
                ));
            }
            let of_certificate = [COMMON_NAME, ALTERNATIVE_NAME];
            if let Some(bare) = of_certificate.iter().find_map(|prefix| name.strip_prefix(prefix)) {
                if bare.is_empty() {
                    return bad(format!("{name:?} has no name after the ="));
                }
                if !certificates {
                    return bad(format!(
                        "{name:?} can show no certificate that counts; in the web configuration \
                         name a client_ca_file and the client_auth_type \
                         RequireAndVerifyClientCert or VerifyClientCertIfGiven"
                    ));
                }
            } else if users.find(name).and_then(|(known, _)| known).is_none() {
                let known = users.names().collect::<Vec<_>>().join(", ");
                let known = if known.is_empty() { "none".to_owned() } else { known };
                let meant = crate::config::did_you_mean(name, users.names());
                return bad(format!(
                    "{name:?} is no user of basic_auth_users, known are {known}{meant}; a client \
                     certificate is written cn=NAME or san=NAME"
                ));
            }
        }
        let shut = matches!(settings.anonymous, Some(Anonymous::Nothing | Anonymous::Metrics));
        if shut && users.is_empty() && !certificates {
            return Err(AccessError {
                place: "web.anonymous".to_owned(),
                problem: "shuts out everybody, since nobody can log in; give a --web.config.file \
                          with basic_auth_users, or with client certificates"
                    .to_owned(),
            });
        }
        Ok(())
    }

    /// The administrators who are no users (any more).
    pub(super) fn strangers(&self, loaded: &Loaded) -> Vec<String> {
        let of_certificate = |name: &str| {
            [COMMON_NAME, ALTERNATIVE_NAME].iter().any(|prefix| name.starts_with(prefix))
        };
        let known = |name: &str| loaded.users.find(name).is_some_and(|(known, _)| known.is_some());
        let strange = self.administrators.iter().filter(|n| !of_certificate(n) && !known(n));
        strange.map(|name| format!("web.administrators: {name:?} is no user any more")).collect()
    }

    /// Whether there can be an administrator at all.
    pub(super) fn has_administrators(&self) -> bool {
        !self.administrators.is_empty()
    }

    pub(super) fn administrators(&self) -> impl Iterator<Item = &str> {
        self.administrators.iter().map(String::as_str)
    }

    /// What is open to whoever is not known.
    pub(super) fn open(&self, loaded: &Loaded) -> Anonymous {
        let usual = if loaded.users.is_empty() { Anonymous::Read } else { Anonymous::Nothing };
        self.anonymous.unwrap_or(usual)
    }

    /// Somebody whose password was right.
    pub(super) fn user(&self, name: &Arc<str>) -> Visitor {
        let prefixed = [COMMON_NAME, ALTERNATIVE_NAME].iter().any(|p| name.starts_with(p));
        let role = if !prefixed && self.administrators.contains(&**name) {
            Role::Administrator
        } else {
            Role::Reader
        };
        Visitor { name: Arc::clone(name), role }
    }

    /// Somebody whose certificate was verified. Where there are users, a certificate alone counts
    /// only if it is named: it may be there to be shown together with a password.
    pub(super) fn certificate(&self, names: &Names, loaded: &Loaded) -> Option<Visitor> {
        let common = names.common.iter().map(|name| format!("{COMMON_NAME}{name}"));
        let alternative = names.alternative.iter().map(|name| format!("{ALTERNATIVE_NAME}{name}"));
        let all: Vec<String> = common.chain(alternative).collect();
        let visitor = |name: &str, role| Visitor { name: name.into(), role };
        match all.iter().find(|name| self.administrators.contains(*name)) {
            Some(name) => Some(visitor(name, Role::Administrator)),
            None if !loaded.users.is_empty() => None,
            None => {
                let name = all.first().map_or("a certificate without a name", String::as_str);
                Some(visitor(name, Role::Reader))
            }
        }
    }
}

fn knows_certificates(loaded: &Loaded) -> bool {
    loaded.tls.as_ref().is_some_and(|tls| tls.clients_are_known)
}
