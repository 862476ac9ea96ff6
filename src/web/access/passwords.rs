//! Whether a password is right, at a price that can be paid: bcrypt is slow by intent, so a password
//! that was right is remembered as a keyed hash, checks are done away from the threads that answer
//! and few at once, and wrong ones are counted.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ring::hmac;
use ring::rand::SystemRandom;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::config::Secret;

use super::throttle::Throttle;
use super::users::Users;

/// A password that nobody used for so long is forgotten.
const REMEMBERED: Duration = Duration::from_secs(600);

/// What came of a name and a password.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The user's name.
    Right(Arc<str>),
    Wrong,
    /// Too many wrong ones came before; how long to wait.
    Later(Duration),
}

/// Checks passwords; keeps none.
#[derive(Debug)]
pub(super) struct Passwords {
    key: hmac::Key,
    /// The last right password of each user; one a user, so that it cannot grow.
    right: Mutex<BTreeMap<Arc<str>, Remembered>>,
    throttle: Throttle,
    slots: Arc<Semaphore>,
}

#[derive(Debug)]
struct Remembered {
    mac: hmac::Tag,
    until: Instant,
}

impl Passwords {
    /// `None` where the system gives no random numbers.
    pub(super) fn new() -> Option<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Some(Self {
            key: hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()).ok()?,
            right: Mutex::default(),
            throttle: Throttle::default(),
            slots: Arc::new(Semaphore::new((cores / 2).clamp(1, 4))),
        })
    }

    pub(super) async fn check(
        &self,
        users: &Users,
        (name, password): (&str, &Secret),
        from: IpAddr,
    ) -> Verdict {
        let Some((known, hash)) = users.find(name) else { return Verdict::Wrong };
        if let Some(name) = known.filter(|name| self.remembers(name, hash, password)) {
            return Verdict::Right(Arc::clone(name));
        }
        // Never closed.
        let Ok(slot) = Arc::clone(&self.slots).acquire_owned().await else {
            return Verdict::Wrong;
        };
        // Of many that came at once the first has paid; so they are not counted before, either.
        if let Some(name) = known.filter(|name| self.remembers(name, hash, password)) {
            return Verdict::Right(Arc::clone(name));
        }
        if let Err(wait) = self.throttle.attempt(from, Instant::now()) {
            return Verdict::Later(wait);
        }
        tracing::debug!(user = known.map_or("unknown", |name| name), "a password is hashed");
        let (given, kept) = (password.clone(), hash.clone());
        let hashed = tokio::task::spawn_blocking(move || {
            // Held by whoever works: one who hangs up does not free it.
            (bcrypt::verify(given.expose(), kept.expose()).unwrap_or(false), slot)
        });
        // Freed once it is remembered: who waits for it need not pay again.
        let (right, _slot) = match hashed.await {
            Ok((right, slot)) => (right, Some(slot)),
            Err(_) => (false, None),
        };
        match known.filter(|_| right) {
            Some(name) => {
                self.throttle.give_back(from);
                self.remember(name, hash, password);
                Verdict::Right(Arc::clone(name))
            }
            None => {
                // A name that is not known may be a password in the wrong field.
                let user = known.map_or("unknown", |name| name);
                tracing::info!(user, %from, "a login failed");
                Verdict::Wrong
            }
        }
    }

    fn right(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Remembered>> {
        self.right.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bound to the hash, so that a password that is changed is not right any more.
    fn words(hash: &Secret, password: &Secret) -> Vec<u8> {
        [hash.expose().as_bytes(), b"\0", password.expose().as_bytes()].concat()
    }

    fn remembers(&self, name: &Arc<str>, hash: &Secret, password: &Secret) -> bool {
        let now = Instant::now();
        let mut right = self.right();
        let Some(known) = right.get_mut(name).filter(|known| known.until > now) else {
            return false;
        };
        // In constant time.
        let words = Self::words(hash, password);
        let is = hmac::verify(&self.key, &words, known.mac.as_ref()).is_ok();
        if is {
            known.until = now + REMEMBERED;
        }
        is
    }

    fn remember(&self, name: &Arc<str>, hash: &Secret, password: &Secret) {
        let now = Instant::now();
        let mac = hmac::sign(&self.key, &Self::words(hash, password));
        let mut right = self.right();
        // Whoever is no user any more is forgotten here, too.
        right.retain(|_, known| known.until > now);
        right.insert(Arc::clone(name), Remembered { mac, until: now + REMEMBERED });
    }
}
