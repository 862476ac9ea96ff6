//! Which values of a configuration are secrets, and what is shown in their place.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::model::ConnectorConfig;
use crate::redact::redact;

/// What stands in a secret's place.
pub const MASK: &str = "***";

#[expect(clippy::unwrap_used, reason = "the patterns are constants, and tested")]
static SECRET_KEY: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        concat!(
            r"(?i)passw(or)?d|passphrase|\bpwd\b|secret|token|credential|jaas|user\.info$",
            r"|(api|access|private|account|master|encryption|signing|shared|cipher[._-]?data)[._-]?keys?",
            r"|(^|[._-])(key|pass|pw|pwd[0-9]*|pin|auth|authorization|cookie|assertion|session|headers)$",
            r"|auth[._-]?value$|webhook[._-]?url$",
        ),
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

/// What a connector remembers of its source, as it may be shown: every text in it may be a URL, and
/// a key may say that it is a secret.
pub fn masked_value(mut value: Value) -> Value {
    fn walk(key: &str, value: &mut Value) {
        match value {
            Value::String(text) => {
                *text = shown(key, text).into_owned();
            }
            Value::Array(all) => all.iter_mut().for_each(|one| walk(key, one)),
            Value::Object(all) => all.iter_mut().for_each(|(key, one)| walk(key, one)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    walk("", &mut value);
    value
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
            ("http.headers.authorization", "Basic abc", MASK),
            ("connection.auth", "u:p", MASK),
            ("db.pass", "s3cret", MASK),
            ("database.pwd1", "s3cret", MASK),
            ("cipher_data_keys", "[{}]", MASK),
            ("masterKey", "s3cret", MASK),
            ("fs.azure.account.key.a.blob.example", "s3cret", MASK),
            ("sasl.oauthbearer.assertion", "s3cret", MASK),
            ("slack.webhook.url", "https://h/x", MASK),
            ("auth.method", "basic", "basic"),
            ("message.key.columns", "id", "id"),
            ("pk.mode", "record_key", "record_key"),
            ("connection.url", "jdbc:x://db/x?user=a&pass=s3cret", "jdbc:x://db/x?user=a&pass=***"),
            ("database.password", "", ""),
        ] {
            assert_eq!(shown(key, value), wanted, "{key}");
        }
        let offset =
            serde_json::json!({"ns": ["mongodb://ann:s3cret@h/db"], "password": "s3cret", "at": 5});
        assert_eq!(
            masked_value(offset),
            serde_json::json!({"ns": ["mongodb://***@h/db"], "password": MASK, "at": 5})
        );
        assert!(is_mask("a.password", "***") && !is_mask("a.password", "${a:b:c}"));
    }
}
