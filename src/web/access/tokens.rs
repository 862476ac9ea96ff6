//! The tokens that forms carry: made for one visitor, good for an hour, and good once.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use ring::rand::{SecureRandom as _, SystemRandom};
use tokio::time::Instant;

use super::roles::Visitor;

/// A form that was loaded before then has to be loaded again.
const GOOD_FOR: Duration = Duration::from_secs(3600);
/// So many that were used are remembered; beyond, no form is taken until the hour of some is over.
const MOST: usize = 10_000;

const NONCE: usize = 16;
const STAMP: usize = 8;

/// Why a form is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// There is none, or it is none of this process for this visitor.
    #[error(
        "the form is not one that was made for you since this process started; load the page again"
    )]
    Unknown,
    /// It is older than an hour.
    #[error("the form is older than an hour; load the page again")]
    Expired,
    /// It was used before.
    #[error("the form was sent before and counts once; load the page again")]
    Used,
    /// Too many were used within the hour.
    #[error("too many forms were sent within the hour; use the API, which needs none, or wait")]
    TooMany,
}

/// Makes tokens and takes them back, with a key that dies with the process.
#[derive(Debug)]
pub struct Tokens {
    key: hmac::Key,
    random: SystemRandom,
    start: Instant,
    /// The nonces of those that were used, until they would have expired.
    used: Mutex<BTreeMap<[u8; NONCE], Instant>>,
}

impl Tokens {
    /// `None` where the system gives no random numbers.
    pub(super) fn new() -> Option<Self> {
        let random = SystemRandom::new();
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &random).ok()?;
        Some(Self { key, random, start: Instant::now(), used: Mutex::default() })
    }

    /// A token for a form that this visitor may send; empty, and so never taken, where the system
    /// gives no random numbers.
    pub fn issue(&self, visitor: &Visitor, now: Instant) -> String {
        let mut nonce = [0; NONCE];
        if self.random.fill(&mut nonce).is_err() {
            return String::new();
        }
        let stamp = u64::try_from(now.duration_since(self.start).as_millis()).unwrap_or(u64::MAX);
        let mac = hmac::sign(&self.key, &words(&stamp.to_be_bytes(), &nonce, visitor));
        URL_SAFE_NO_PAD.encode([&stamp.to_be_bytes()[..], &nonce, mac.as_ref()].concat())
    }

    /// Takes a token back; it is good for this once.
    pub fn redeem(&self, visitor: &Visitor, token: &str, now: Instant) -> Result<(), TokenError> {
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| TokenError::Unknown)?;
        let (stamp, rest) = bytes.split_first_chunk::<STAMP>().ok_or(TokenError::Unknown)?;
        let (nonce, mac) = rest.split_first_chunk::<NONCE>().ok_or(TokenError::Unknown)?;
        // In constant time.
        hmac::verify(&self.key, &words(stamp, nonce, visitor), mac)
            .map_err(|_| TokenError::Unknown)?;
        let issued = self.start + Duration::from_millis(u64::from_be_bytes(*stamp));
        let until = issued + GOOD_FOR;
        if until <= now {
            return Err(TokenError::Expired);
        }
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.contains_key(nonce) {
            return Err(TokenError::Used);
        }
        if used.len() >= MOST {
            used.retain(|_, until| *until > now);
        }
        if used.len() >= MOST {
            return Err(TokenError::TooMany);
        }
        used.insert(*nonce, until);
        Ok(())
    }
}

/// What is signed: both numbers have one length, so that no two visitors' words are the same.
fn words(stamp: &[u8; STAMP], nonce: &[u8; NONCE], visitor: &Visitor) -> Vec<u8> {
    let role = visitor.role.as_str().as_bytes();
    [&stamp[..], &nonce[..], role, b"\0", visitor.name.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::super::roles::Role;
    use super::*;

    fn visitor(name: &str, role: Role) -> Visitor {
        Visitor { name: name.into(), role }
    }

    #[test]
    fn a_token_is_good_once_for_its_visitor_and_for_an_hour() {
        let (tokens, now) = (Tokens::new().unwrap(), Instant::now());
        let alice = visitor("alice", Role::Administrator);
        let token = tokens.issue(&alice, now);
        let others = [visitor("bob", Role::Administrator), visitor("alice", Role::Reader)];
        for other in others {
            assert_eq!(tokens.redeem(&other, &token, now), Err(TokenError::Unknown));
        }
        assert_eq!(tokens.redeem(&alice, &token, now), Ok(()));
        assert_eq!(tokens.redeem(&alice, &token, now), Err(TokenError::Used));
        let nearly = now + GOOD_FOR - Duration::from_millis(1);
        let late = tokens.issue(&alice, now);
        assert_ne!(late, token);
        assert_eq!(tokens.redeem(&alice, &late, now + GOOD_FOR), Err(TokenError::Expired));
        assert_eq!(tokens.redeem(&alice, &late, nearly), Ok(()));
        let other_process = Tokens::new().unwrap().issue(&alice, now);
        assert_eq!(tokens.redeem(&alice, &other_process, now), Err(TokenError::Unknown));
    }

    #[test]
    fn what_is_not_a_token_is_not_taken() {
        let (tokens, now) = (Tokens::new().unwrap(), Instant::now());
        let alice = visitor("alice", Role::Administrator);
        let token = tokens.issue(&alice, now);
        let mut bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
        for at in 0..bytes.len() {
            bytes[at] ^= 1;
            let forged = URL_SAFE_NO_PAD.encode(&bytes);
            assert_eq!(tokens.redeem(&alice, &forged, now), Err(TokenError::Unknown), "{at}");
            bytes[at] ^= 1;
        }
        for text in ["", "x", &token[..token.len() - 4], &format!("{token}AAAA")] {
            assert_eq!(tokens.redeem(&alice, text, now), Err(TokenError::Unknown), "{text}");
        }
        assert_eq!(tokens.redeem(&alice, &token, now), Ok(()));
    }

    #[test]
    fn what_was_used_is_never_forgotten_within_its_hour() {
        let (tokens, now) = (Tokens::new().unwrap(), Instant::now());
        let alice = visitor("alice", Role::Administrator);
        let first = tokens.issue(&alice, now);
        assert_eq!(tokens.redeem(&alice, &first, now), Ok(()));
        for _ in 1..MOST {
            let token = tokens.issue(&alice, now);
            assert_eq!(tokens.redeem(&alice, &token, now), Ok(()));
        }
        let token = tokens.issue(&alice, now);
        assert_eq!(tokens.redeem(&alice, &token, now), Err(TokenError::TooMany));
        assert_eq!(tokens.redeem(&alice, &first, now), Err(TokenError::Used));
        let later = now + GOOD_FOR;
        let token = tokens.issue(&alice, later);
        assert_eq!(tokens.redeem(&alice, &token, later), Ok(()));
        assert_eq!(tokens.used.lock().unwrap().len(), 1);
    }
}
