//! What is wrong with a YAML file, in words that a user can use.

use super::nearest::did_you_mean;

/// Where, what is wrong, and what would have been right.
pub(crate) fn problem(text: &str, error: &serde_saphyr::Error) -> String {
    let message = message(error);
    let message = message.as_str();
    let Some(at) = error.location() else { return format!("{message}{}", nearest(message)) };
    let (line, column) = (at.line(), at.column());
    let found = found(text, line, column);
    let said = plain(message, found).unwrap_or_else(|| message.to_owned());
    format!("line {line}, column {column}: {said}{}", nearest(message))
}

/// The same of a file that holds secrets: nothing that was found in it is repeated.
pub(crate) fn problem_of_secrets(error: &serde_saphyr::Error) -> String {
    let message = message(error);
    let place = error
        .location()
        .map_or_else(String::new, |at| format!("line {}, column {}: ", at.line(), at.column()));
    format!("{place}{message}{}", nearest(&message))
}

fn message(error: &serde_saphyr::Error) -> String {
    let message = error.without_snippet().to_string();
    let message = message.lines().next().unwrap_or_default();
    message.split(" at line ").next().unwrap_or_default().to_owned()
}

/// What stands at a place, up to the end of the value.
fn found(text: &str, line: u64, column: u64) -> &str {
    let index = |from_one: u64| usize::try_from(from_one.saturating_sub(1)).unwrap_or(usize::MAX);
    let line = text.lines().nth(index(line)).unwrap_or_default();
    let at = line.char_indices().nth(index(column)).map_or(line.len(), |(at, _)| at);
    let rest = &line[at..];
    rest.split([',', '}', ']', '#']).next().unwrap_or_default().trim()
}

/// The library speaks of its own parts.
fn plain(message: &str, found: &str) -> Option<String> {
    let wanted = match message {
        "invalid u64" | "invalid u32" | "invalid usize" => "a whole number of 0 or more",
        "expected sequence start" => "a list, such as [a, b]",
        "expected mapping start" => "a map of keys",
        "expected string scalar" => "a text",
        _ if message.starts_with("invalid boolean") => "true or false",
        _ => {
            let twice = message.strip_prefix("duplicate mapping key: ")?;
            let key = twice.split(',').next().unwrap_or_default();
            return Some(format!("{key}: is given twice"));
        }
    };
    Some(match found.chars().next() {
        Some('[') => format!("a list is not {wanted}"),
        Some('{') => format!("a map is not {wanted}"),
        _ => format!("{found:?} is not {wanted}"),
    })
}

/// "did you mean" for an unknown key or word, from the valid ones that the message lists.
fn nearest(message: &str) -> String {
    let unknown = ["unknown field", "unknown variant"];
    let Some((_, rest)) = unknown.iter().find_map(|what| message.split_once(what)) else {
        return String::new();
    };
    let mut words = rest.split([' ', ',', '`']).filter(|word| !word.is_empty());
    let Some(unknown) = words.next() else { return String::new() };
    did_you_mean(unknown, words.filter(|word| !matches!(*word, "expected" | "one" | "of" | "or")))
}
