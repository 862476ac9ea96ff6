//! Which values of a configuration are secrets, and what is shown in their place.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

use super::model::ConnectorConfig;
use crate::redact::redact;

/// What stands in a secret's place.
pub const MASK: &str = "***";

#[expect(clippy::unwrap_used, reason = "the patterns are constants, and tested")]
static SECRET_KEY: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?i)passw(or)?d|passphrase|\bpwd\b|secret|token|credential|jaas|api[._-]?key|access[._-]?key|private[._-]?key|(^|[._-])key$|auth\.user\.info|user\.info$",
    )
    .unwrap()
});
/// `${provider:path:key}` of a configuration provider (KIP-297): it says where the secret is.
#[expect(clippy::unwrap_used, reason = "the patterns are constants, and tested")]
static REFERENCE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\$\{[^}]*\}").unwrap());

/// The value as it may be shown.
pub fn shown<'v>(key: &str, value: &'v str) -> Cow<'v, str> {
    let rest = REFERENCE.replace_all(value, "");
    let is_secret = if SECRET_KEY.is_match(key) {
        !rest.trim().is_empty()
    } else {
        // What is left of the references says whether there is a secret in the text beside them.
        return if redact(&rest) == rest { value.into() } else { redact(value) };
    };
    if is_secret { MASK.into() } else { value.into() }
}

/// Whether a value is a mask that somebody took for the secret.
pub fn is_mask(key: &str, value: &str) -> bool {
    value == MASK && SECRET_KEY.is_match(key) || value.contains("=***") || value.contains("://***@")
}

/// The configuration as it may be shown.
pub fn masked(config: &ConnectorConfig) -> ConnectorConfig {
    let one = |(key, value): (&String, &Option<String>)| {
        (key.clone(), value.as_ref().map(|value| shown(key, value).into_owned()))
    };
    config.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_and_where_they_are_is_not() {
        for (key, value, wanted) in [
            ("database.password", "s3cret", MASK),
            (
                "connection.password",
                "${file:/run/db.properties:password}",
                "${file:/run/db.properties:password}",
            ),
            ("connection.password", "x${env:DB}", MASK),
            ("sasl.jaas.config", "a required password=\"s3cret\";", MASK),
            ("producer.override.sasl.jaas.config", "${vault:a:b}", "${vault:a:b}"),
            ("aws.secret.access.key", "s3cret", MASK),
            ("aws.access.key.id", "AKIA", MASK),
            ("github.token", "s3cret", MASK),
            ("ssl.keystore.key", "s3cret", MASK),
            ("ssl.key.password", "s3cret", MASK),
            ("gcp.credentials.json", "s3cret", MASK),
            ("basic.auth.user.info", "a:s3cret", MASK),
            ("connection.url", "jdbc:mysql://ann:s3cret@db/x", "jdbc:mysql://***@db/x"),
            (
                "connection.url",
                "jdbc:mysql://db/x?password=${env:P}",
                "jdbc:mysql://db/x?password=${env:P}",
            ),
            (
                "connection.url",
                "jdbc:mysql://db/x?password=s3cret",
                "jdbc:mysql://db/x?password=***",
            ),
            (
                "key.converter",
                "org.apache.kafka.connect.storage.StringConverter",
                "org.apache.kafka.connect.storage.StringConverter",
            ),
            ("key.converter.schemas.enable", "false", "false"),
            ("ssl.keystore.location", "/x", "/x"),
            ("tasks.max", "3", "3"),
            ("database.password", "", ""),
        ] {
            assert_eq!(shown(key, value), wanted, "{key}");
        }
        assert!(is_mask("a.password", "***") && !is_mask("a.password", "${a:b:c}"));
    }
}
