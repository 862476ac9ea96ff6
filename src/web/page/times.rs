//! Times as people read them: in UTC with the age beside it; the script puts them into the
//! viewer's zone and lets the ages go on.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use maud::{Markup, html};

use super::super::facts::Moment;

/// `15:03:20 UTC`, with the day where it is another one.
fn clock(moment: Moment, now: SystemTime) -> String {
    let (text, today) = (moment.to_string(), Moment::from(now).to_string());
    match (text.get(..10), text.get(11..19), today.get(..10)) {
        (Some(day), Some(time), Some(today)) if day == today => format!("{time} UTC"),
        (Some(day), Some(time), _) => format!("{day} {time} UTC"),
        _ => text,
    }
}

/// `12 s`, `5 min`, `3 h 20 min`, `4 days`.
pub(super) fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..172_800 if seconds % 3600 < 60 => format!("{} h", seconds / 3600),
        3600..172_800 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// `3 min ago`, or `in 12 s`.
pub(super) fn distance(moment: Moment, now: SystemTime) -> String {
    let at = UNIX_EPOCH + Duration::from_secs(moment.unix_seconds());
    match (now.duration_since(at), at.duration_since(now)) {
        (Ok(ago), _) => format!("{} ago", span(ago)),
        (Err(_), Ok(ahead)) => format!("in {}", span(ahead + Duration::from_millis(999))),
        (Err(_), Err(_)) => "now".to_owned(),
    }
}

/// A time with its age.
pub(super) fn when(moment: Moment, now: SystemTime) -> Markup {
    html! {
        time datetime=(moment) { (clock(moment, now)) } " "
        small.ago { (distance(moment, now)) }
    }
}

/// A time without its age.
pub(super) fn at(moment: Moment, now: SystemTime) -> Markup {
    html! { time datetime=(moment) { (clock(moment, now)) } }
}

/// Only the age; the time is its title.
pub(super) fn age(moment: Moment, now: SystemTime) -> Markup {
    html! { time.age datetime=(moment) title=(clock(moment, now)) { (distance(moment, now)) } }
}

/// A sentence in which times stand as RFC 3339.
pub(super) fn prose(text: &str, now: SystemTime) -> Markup {
    let mut rest = text;
    html! {
        @while let Some((before, moment, after)) = next_moment(rest) {
            (before) (when(moment, now))
            ({ rest = after; "" })
        }
        (rest)
    }
}

const FORM: &str = "0000-00-00T00:00:00Z";

/// The first time in a text, and what is before and after it.
fn next_moment(text: &str) -> Option<(&str, Moment, &str)> {
    let is_form = |at: usize| {
        text.as_bytes().get(at..at + FORM.len()).is_some_and(|bytes| {
            bytes.iter().zip(FORM.bytes()).all(|(byte, form)| match form {
                b'0' => byte.is_ascii_digit(),
                form => *byte == form,
            })
        })
    };
    let at = (0..text.len()).find(|at| text.as_bytes()[*at].is_ascii_digit() && is_form(*at))?;
    let end = at + FORM.len();
    let moment = humantime::parse_rfc3339(text.get(at..end)?).ok()?;
    Some((&text[..at], moment.into(), &text[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(seconds: u64) -> Moment {
        Duration::from_secs(seconds).into()
    }

    #[test]
    fn ages_are_short_and_go_both_ways() {
        let now = UNIX_EPOCH + Duration::from_secs(1_000_000);
        for (seconds, words) in [
            (999_988, "12 s ago"),
            (999_700, "5 min ago"),
            (988_000, "3 h 20 min ago"),
            (996_390, "1 h ago"),
            (650_000, "4 days ago"),
            (1_000_027, "in 27 s"),
            (1_000_000, "0 s ago"),
        ] {
            assert_eq!(distance(moment(seconds), now), words);
        }
    }

    #[test]
    fn times_in_a_sentence_are_found_and_the_rest_is_escaped() {
        let now = UNIX_EPOCH + Duration::from_secs(1_000_000);
        let told = prose("<b> since 1970-01-12T13:46:30Z: next at 1970-01-12T13:47:00Z, é", now);
        assert_eq!(
            told.into_string(),
            "&lt;b&gt; since <time datetime=\"1970-01-12T13:46:30Z\">13:46:30 UTC</time> \
             <small class=\"ago\">10 s ago</small>: next at <time datetime=\"1970-01-12T13:47:00Z\">\
             13:47:00 UTC</time> <small class=\"ago\">in 20 s</small>, é"
        );
        assert_eq!(
            prose("é 1970-99-12T13:46:30Z 1", now).into_string(),
            "é 1970-99-12T13:46:30Z 1"
        );
    }
}
