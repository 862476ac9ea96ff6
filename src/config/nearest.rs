//! "did you mean".

/// The valid word that is meant most likely, if any is near.
pub(super) fn nearest<'w>(
    unknown: &str,
    valid: impl IntoIterator<Item = &'w str>,
) -> Option<&'w str> {
    let lower = unknown.to_lowercase();
    let distance = |word: &str| strsim::damerau_levenshtein(&lower, &word.to_lowercase());
    // More than half of the letters are no slip.
    let near = |distance: usize, word: &str| {
        distance <= 3 && distance * 2 <= word.chars().count().max(lower.chars().count())
    };
    let valid: Vec<&str> = valid.into_iter().collect();
    let nearest = valid.iter().map(|word| (distance(word), *word)).min_by_key(|(least, _)| *least);
    let slip = nearest.filter(|(distance, word)| near(*distance, word)).map(|(_, word)| word);
    // `zone` for `time_zone`.
    let part = |word: &&&str| lower.len() > 2 && word.to_lowercase().contains(&lower);
    slip.or_else(|| valid.iter().find(part).copied())
}

/// The end of a message about an unknown word: `; did you mean ...?`, or nothing.
pub(crate) fn did_you_mean<'w>(unknown: &str, valid: impl IntoIterator<Item = &'w str>) -> String {
    nearest(unknown, valid).map_or_else(String::new, |word| format!("; did you mean `{word}`?"))
}

/// The longest name that is compared: the time grows with its length.
const COMPARED: usize = 300;

/// The names that are meant most likely, at most `most` of them, the nearest first.
pub(crate) fn near<'n>(
    unknown: &str,
    all: impl IntoIterator<Item = &'n str>,
    most: usize,
) -> Vec<&'n str> {
    let lower = unknown.to_lowercase();
    let length = lower.chars().count();
    if length == 0 || length > COMPARED {
        return Vec::new();
    }
    let far = |name: &str| {
        let name = name.to_lowercase();
        let longer = name.chars().count().max(length);
        // A part of a name is nearer than any slip that takes a third of its letters.
        if length > 2 && name.contains(&lower) {
            return Some(longer - length);
        }
        let distance = strsim::damerau_levenshtein(&lower, &name);
        (distance * 3 <= longer).then_some(distance * 2)
    };
    let mut near: Vec<_> = all.into_iter().filter_map(|name| Some((far(name)?, name))).collect();
    near.sort_unstable();
    near.into_iter().take(most).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::{near, nearest};

    #[test]
    fn near_names_come_with_the_nearest_first() {
        let all = ["orders-sink", "orders-source", "payments-sink", "x"];
        assert_eq!(near("orders-snik", all, 3), ["orders-sink"]);
        assert_eq!(near("ORDERS", all, 3), ["orders-sink", "orders-source"]);
        assert_eq!(near("sink", all, 1), ["orders-sink"]);
        assert_eq!(near("entirely-else", all, 3), [""; 0]);
        assert_eq!(near(&"x".repeat(100_000), all, 3), [""; 0]);
    }

    #[test]
    fn the_nearest_word_is_told_and_a_far_one_is_not() {
        let valid = ["poll", "metrics", "web", "time_zone"];
        for (unknown, wanted) in [
            ("pol", Some("poll")),
            ("METRIC", Some("metrics")),
            ("wbe", Some("web")),
            ("zone", Some("time_zone")),
            ("a", None),
            ("something", None),
        ] {
            assert_eq!(nearest(unknown, valid), wanted, "{unknown}");
        }
    }
}
