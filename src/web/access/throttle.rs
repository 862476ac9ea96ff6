//! How many wrong passwords are borne, from one address and from all.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::bucket::Pace;

/// Ten at once from one address, and then ten a minute.
const OF_ONE: Pace = Pace { burst: 10, interval: Duration::from_secs(6) };
/// Fifty at once from everywhere, and then a hundred a minute: what is paid for hashes at most.
const OF_ALL: Pace = Pace { burst: 50, interval: Duration::from_millis(600) };
/// So many addresses are remembered; beyond, the one that is forgiven soonest is forgotten.
const MOST: usize = 1024;

/// Counts attempts before they are made; one that succeeds is given back.
#[derive(Debug, Default)]
pub(super) struct Throttle(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    all: Option<Instant>,
    of_one: BTreeMap<IpAddr, Instant>,
}

impl Throttle {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets one attempt be made, or says when the next one may.
    pub(super) fn attempt(&self, from: IpAddr, now: Instant) -> Result<(), Duration> {
        let from = place(from);
        let mut counts = self.counts();
        let one = OF_ONE.take(counts.of_one.get(&from).copied(), now)?;
        let all = OF_ALL.take(counts.all, now)?;
        counts.all = Some(all);
        if counts.of_one.len() >= MOST && !counts.of_one.contains_key(&from) {
            counts.of_one.retain(|_, full_at| *full_at > now);
            if counts.of_one.len() >= MOST {
                let soonest = counts.of_one.iter().min_by_key(|(_, full_at)| **full_at);
                if let Some(place) = soonest.map(|(place, _)| *place) {
                    counts.of_one.remove(&place);
                }
            }
        }
        counts.of_one.insert(from, one);
        Ok(())
    }

    /// The attempt succeeded.
    pub(super) fn give_back(&self, from: IpAddr) {
        let mut counts = self.counts();
        counts.all = counts.all.and_then(|full_at| full_at.checked_sub(OF_ALL.interval));
        if let Some(full_at) = counts.of_one.get_mut(&place(from))
            && let Some(before) = full_at.checked_sub(OF_ONE.interval)
        {
            *full_at = before;
        }
    }
}

/// One who has an IPv6 address has a network of them.
fn place(from: IpAddr) -> IpAddr {
    match from.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn one_address_is_held_back_and_others_are_not() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for _ in 0..10 {
            assert_eq!(throttle.attempt(address(1), now), Ok(()));
        }
        assert_eq!(throttle.attempt(address(1), now), Err(Duration::from_secs(6)));
        let mapped = IpAddr::from([0, 0, 0, 0, 0, 0xffff, 0xc000, 0x0201]);
        assert!(throttle.attempt(mapped, now).is_err(), "the same address, written otherwise");
        assert_eq!(throttle.attempt(address(2), now), Ok(()));
        assert_eq!(throttle.attempt(address(1), now + Duration::from_secs(6)), Ok(()));
    }

    #[test]
    fn a_network_is_one_place() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        let v6 = |network, host| IpAddr::from([0x2001, 0xdb8, 0, network, 0, 0, 0, host]);
        for host in 0..10 {
            assert_eq!(throttle.attempt(v6(1, host), now), Ok(()));
        }
        assert!(throttle.attempt(v6(1, 99), now).is_err());
        assert_eq!(throttle.attempt(v6(2, 99), now), Ok(()));
    }

    #[test]
    fn many_addresses_are_held_back_together() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for from in 0..50 {
            assert_eq!(throttle.attempt(address(from), now), Ok(()));
        }
        assert_eq!(throttle.attempt(address(200), now), Err(Duration::from_millis(600)));
    }

    #[test]
    fn what_succeeds_is_not_counted() {
        let (throttle, now) = (Throttle::default(), Instant::now());
        for _ in 0..1000 {
            assert_eq!(throttle.attempt(address(1), now), Ok(()));
            throttle.give_back(address(1));
        }
    }

    #[test]
    fn the_memory_is_bounded() {
        let (throttle, start) = (Throttle::default(), Instant::now());
        for n in 0..5000_u32 {
            let now = start + Duration::from_millis(600) * n;
            let _ = throttle.attempt(IpAddr::from(n.to_be_bytes()), now);
        }
        let known = throttle.counts().of_one.len();
        assert!(known <= MOST, "{known}");
        for n in 0..2000_u32 {
            throttle.counts().all = None;
            throttle.attempt(IpAddr::from(n.to_be_bytes()), start).unwrap();
        }
        assert_eq!(throttle.counts().of_one.len(), MOST);
    }
}
