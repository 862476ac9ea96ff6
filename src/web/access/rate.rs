//! `rate_limit`: how many requests are answered at all, as exporter-toolkit counts them.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::bucket::Pace;
use super::file::{Rate, given};
use super::problem::{Problem, line, wrong};

/// Of requests by anybody.
#[derive(Debug)]
pub(super) struct RateLimit {
    pace: Pace,
    full_at: Mutex<Option<Instant>>,
}

impl RateLimit {
    /// An interval of 0, or none, is no limit.
    pub(super) fn read(rate: &Rate, odd: &mut Vec<Problem>) -> Result<Option<Self>, Problem> {
        let burst = match &rate.burst {
            None => 0,
            Some(burst) => match u32::try_from(burst.value) {
                Ok(burst) => burst,
                Err(_) => return wrong(burst, "rate_limit.burst: is not a number of requests"),
            },
        };
        let Some(text) = given(&rate.interval) else { return Ok(None) };
        let interval = match go_duration(&text.value) {
            Some(interval) => interval,
            None => {
                return wrong(
                    text,
                    "rate_limit.interval: is not a duration such as 1s or 100ms; 0 is no limit",
                );
            }
        };
        if interval.is_zero() {
            return Ok(None);
        }
        if burst == 0 {
            let at = rate.burst.as_ref().map_or(line(text), line);
            let text = "rate_limit.burst: 0 lets no request through at all".to_owned();
            odd.push(Problem { line: at, text });
        }
        Ok(Some(Self { pace: Pace { burst, interval }, full_at: Mutex::default() }))
    }

    /// Takes one request, or says how long to wait for it.
    pub(super) fn take(&self, now: Instant) -> Result<(), Duration> {
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        *full_at = Some(self.pace.take(*full_at, now)?);
        Ok(())
    }
}

/// As Go writes durations: `1h30m`, `1.5s`, `100ms`; and a plain 0.
fn go_duration(text: &str) -> Option<Duration> {
    const UNITS: [(&str, f64); 7] = [
        ("ns", 1e-9),
        ("us", 1e-6),
        ("µs", 1e-6),
        ("ms", 1e-3),
        ("s", 1.0),
        ("m", 60.0),
        ("h", 3600.0),
    ];
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let number = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (digits, after) = rest.split_at(number);
        let unit = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (name, after) = after.split_at(unit);
        let (_, worth) = UNITS.iter().find(|(unit, _)| *unit == name)?;
        seconds += digits.parse::<f64>().ok()? * worth;
        rest = after;
    }
    // Go's longest is 292 years.
    (!text.is_empty() && seconds < 9e9).then(|| Duration::try_from_secs_f64(seconds).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        for (text, wanted) in [
            ("0", Some(0)),
            ("0s", Some(0)),
            ("1s", Some(1_000)),
            ("100ms", Some(100)),
            ("1.5s", Some(1_500)),
            ("1h2m", Some(3_720_000)),
            ("1", None),
            ("-1s", None),
            ("s", None),
            ("1 s", None),
            ("9999999h", None),
            ("1d", None),
            ("", None),
        ] {
            assert_eq!(go_duration(text), wanted.map(Duration::from_millis), "{text}");
        }
    }
}
