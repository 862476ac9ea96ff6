//! Who has a password.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr as _;
use std::sync::Arc;

use bcrypt::HashParts;

use crate::config::Secret;

use super::file::File;
use super::problem::{Problem, line};

/// The users and the hashes of their passwords.
#[derive(Default)]
pub(super) struct Users {
    hashes: BTreeMap<Arc<str>, Secret>,
    /// Of nobody's password; as dear as the dearest of the others.
    stand_in: Option<Secret>,
}

impl Users {
    pub(super) fn read(file: &File) -> Result<Self, Problem> {
        let mut hashes = BTreeMap::new();
        let mut dearest = 0;
        for (name, hash) in file.basic_auth_users.iter().flatten() {
            let at = line(hash);
            let bad = |text: &str| {
                let text = format!("basic_auth_users.{name}: {text}");
                Err(Problem { line: at, text })
            };
            // RFC 7617: the password begins after the first colon.
            if name.is_empty() || name.contains(':') {
                return bad("a name is not empty and has no colon; nobody could log in with it");
            }
            let hash = hash.value.as_deref().unwrap_or_default();
            match HashParts::from_str(hash).map(|parts| parts.get_cost()) {
                Ok(cost) if (4..=31).contains(&cost) => dearest = dearest.max(cost),
                _ => {
                    return bad(
                        "is not a bcrypt hash, such as `htpasswd -nBC 10 ''` writes after the colon",
                    );
                }
            }
            hashes.insert(Arc::from(name.as_str()), Secret::new(hash));
        }
        let stand_in = (dearest > 0).then(|| Secret::new(stand_in(dearest)));
        Ok(Self { hashes, stand_in })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.hashes.keys().map(AsRef::as_ref)
    }

    /// The name as it is kept, and the hash; of nobody, no name and a hash of nobody's password.
    pub(super) fn find(&self, name: &str) -> Option<(Option<&Arc<str>>, &Secret)> {
        match self.hashes.get_key_value(name) {
            Some((name, hash)) => Some((Some(name), hash)),
            None => self.stand_in.as_ref().map(|hash| (None, hash)),
        }
    }
}

/// Takes as long to check as a hash of this cost: whoever tries names does not learn which there are.
fn stand_in(cost: u32) -> String {
    format!("$2b${cost:02}${}", ".".repeat(53))
}

impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stand_in_is_a_hash_that_can_be_checked() {
        assert_eq!(bcrypt::verify("x", &stand_in(4)).ok(), Some(false));
        assert_eq!(HashParts::from_str(&stand_in(12)).unwrap().get_cost(), 12);
    }
}
