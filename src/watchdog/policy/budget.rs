//! Token buckets as data: what they hold follows from when they were last looked at.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A bucket that fills by `per` tokens in each `period`, up to `burst`.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
pub struct Bucket {
    tokens: f64,
    at: Duration,
}

impl Bucket {
    /// Full.
    pub fn full(burst: u32, now: Duration) -> Self {
        Self { tokens: burst.into(), at: now }
    }

    /// What it holds now. A clock that goes back adds nothing.
    pub fn left(&self, (burst, per): (u32, u32), period: Duration, now: Duration) -> f64 {
        let filled = now.saturating_sub(self.at).as_secs_f64() / period.as_secs_f64();
        (self.tokens + filled * f64::from(per)).min(burst.into())
    }

    /// When it holds one.
    pub(super) fn next(&self, (_, per): (u32, u32), period: Duration) -> Duration {
        let missing = (1.0 - self.tokens).max(0.0);
        self.at.saturating_add(period.mul_f64(missing / f64::from(per.max(1))))
    }

    /// A bucket that was kept while the wall clock went back.
    pub(super) fn restored(self, now: Duration) -> Self {
        Self { at: self.at.min(now), ..self }
    }

    /// Takes one, if there is one.
    pub fn take(&mut self, budget: (u32, u32), period: Duration, now: Duration) -> bool {
        let left = self.left(budget, period, now);
        if left < 1.0 {
            return false;
        }
        *self = Self { tokens: left - 1.0, at: now.max(self.at) };
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_and_then_the_rate() {
        let (minute, at) = (Duration::from_secs(60), Duration::from_secs);
        let mut bucket = Bucket::full(2, at(100));
        let mut take = |now| bucket.take((2, 6), minute, at(now));
        assert_eq!(
            [100, 100, 100, 109, 110, 111].map(&mut take),
            [true, true, false, false, true, false]
        );
        assert!(!take(0), "the clock went back");
        assert_eq!(bucket.next((2, 6), minute), at(120));
        let mut take = |now| bucket.take((2, 6), minute, at(now));
        assert_eq!([10_000, 10_000, 10_000].map(&mut take), [true, true, false]);
    }
}
