//! So many at once, and then one an interval.

use std::time::Duration;

use tokio::time::Instant;

/// The pace at which a bucket is filled, and how much it holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    pub(super) burst: u32,
    pub(super) interval: Duration,
}

impl Pace {
    /// Takes one out of a bucket that is full at this time if nothing more is taken; gives the new
    /// time, or how long to wait.
    pub(super) fn take(self, full_at: Option<Instant>, now: Instant) -> Result<Instant, Duration> {
        let full_at = full_at.unwrap_or(now).max(now);
        let next = full_at + self.interval;
        let most = self.interval.saturating_mul(self.burst);
        match next.duration_since(now).checked_sub(most) {
            None | Some(Duration::ZERO) => Ok(next),
            Some(wait) => Err(wait),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_and_then_one_an_interval() {
        let pace = Pace { burst: 2, interval: Duration::from_secs(1) };
        let start = Instant::now();
        let mut full_at = None;
        let mut take = |after: u64| {
            let taken = pace.take(full_at, start + Duration::from_millis(after));
            full_at = taken.ok().or(full_at);
            taken.err()
        };
        assert_eq!((take(0), take(0)), (None, None));
        assert_eq!(take(0), Some(Duration::from_secs(1)));
        assert_eq!(take(400), Some(Duration::from_millis(600)));
        assert_eq!((take(1_000), take(1_000).is_some()), (None, true));
        assert_eq!((take(9_000), take(9_000), take(9_000).is_some()), (None, None, true));
        let none = Pace { burst: 0, ..pace };
        assert!(none.take(None, start + Duration::from_secs(60)).is_err(), "nothing at all");
    }
}
