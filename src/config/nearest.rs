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

#[cfg(test)]
mod tests {
    use super::nearest;

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
