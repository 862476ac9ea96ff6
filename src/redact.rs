//! What looks like a credential is masked before a text is written anywhere.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::{Captures, Regex, Replacer};

const MASK: &str = "***";

#[expect(clippy::unwrap_used, reason = "the patterns are constants, and tested")]
fn pattern(text: &str) -> Regex {
    Regex::new(text).unwrap()
}

/// From `://` to the last `@` of the word; what is masked of it is told by [`authority`].
static URL: LazyLock<Regex> = LazyLock::new(|| pattern(r#"://[^\s"'<>]*@"#));
/// `jdbc:oracle:thin:scott/tiger@//db:1521/x`, and `user/password@host` as SQL*Plus has it there.
static ORACLE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r#"(?i)(\bjdbc:oracle:[a-z0-9]+:)[^\s/@"']+/[^\s"']*@"#));
/// The rest of the line: schemes have parameters, in any order.
static AUTHORIZATION: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)\b((?:proxy-)?authorization\\*["']?\s*[:=]\s*|(?:set-)?cookie\\*["']?\s*:\s*)\S[^\r\n]*"#,
    )
});
/// Short words that are secrets in a query alone.
static QUERY: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)([?&;](?:pass|pw)=)[^\s&;]+"));
/// `name=value` and `"name": "value"`, quoted or bare, also inside a string of JSON.
static NAMED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r#"(?i)((?:passw(?:or)?d|pwd|passphrase|passcode|secret|token|credential|amz-signature"#,
        r#"|(?:api|access|account|private|shared|encryption|subscription)[ ._-]?(?:access[ ._-]?)?key"#,
        r#"|\bsig|jaas\.config)[a-z0-9._-]*)(\\*["']?\s*(?::=|=>|[:=])\s*)"#,
        r#"(\\+"[^"]*"|"(?:[^"\\]|\\.)*(?:"|$)|'(?:[^'\\]|\\.)*(?:'|$)|\{[^}\n]{0,100}\}|(?:[^\s&;,]|,\S)+)"#
    ))
});
/// `Bearer` and `Basic` without the header's name.
static SCHEME: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)\b((?:bearer|basic)\s+)([a-z0-9._~+/-]{6,}=*)"));
/// A password or a token that stands after its name with nothing between.
static BARE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r#"(?i)\b((?:password|passwd|passphrase|passcode|bearer)\s+)([^\s"'`,;:=()\[\]{}<>]+)"#)
});
/// Words that stand there and are none.
const NO_SECRETS: [&str; 62] = [
    "a",
    "access",
    "an",
    "and",
    "are",
    "as",
    "at",
    "auth",
    "authentication",
    "authorization",
    "based",
    "but",
    "by",
    "callback",
    "can",
    "cannot",
    "change",
    "check",
    "could",
    "did",
    "does",
    "expired",
    "failed",
    "field",
    "file",
    "for",
    "from",
    "grant",
    "has",
    "hash",
    "in",
    "incorrect",
    "invalid",
    "is",
    "may",
    "mismatch",
    "missing",
    "must",
    "needs",
    "no",
    "not",
    "of",
    "on",
    "or",
    "policy",
    "property",
    "protected",
    "provided",
    "rejected",
    "required",
    "reset",
    "scheme",
    "supplied",
    "that",
    "the",
    "to",
    "token",
    "tokens",
    "verification",
    "was",
    "with",
    "wrong",
];
/// What none of the others can be found without.
static ANY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        "(?i)://|jdbc:|pass|pwd|secret|token|credential|signature|key|sig|jaas|authorization|cookie|",
        "bearer|basic|eyj|akia|asia|gh[pousr]_|xox|private"
    ))
});
/// Tokens that are known by how they look: JSON web tokens, and keys of AWS, GitHub and Slack.
static SHAPED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*)?",
        r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bgh[pousr]_[A-Za-z0-9]{20,}|\bxox[a-z]-[A-Za-z0-9-]{10,}"
    ))
});
/// A key in PEM, also one that was cut off.
static PEM: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)")
});

/// The text with what looks like a credential replaced by `***`: user and password of a URL, values
/// whose name says that they are secret, `Authorization` and cookies, tokens and keys that are known
/// by their shape. In time linear in the text's length. In doubt more is masked, not less.
pub fn redact(text: &str) -> Cow<'_, str> {
    let mut all = Cow::Borrowed(text);
    if !ANY.is_match(text) {
        return all;
    }
    mask(&PEM, &mut all, MASK);
    mask(&AUTHORIZATION, &mut all, "${1}***");
    mask(&URL, &mut all, |found: &Captures<'_>| authority(&found[0]));
    mask(&ORACLE, &mut all, "${1}***@");
    mask(&NAMED, &mut all, named);
    mask(&QUERY, &mut all, "${1}***");
    mask(&SCHEME, &mut all, scheme);
    mask(&BARE, &mut all, bare);
    mask(&SHAPED, &mut all, MASK);
    all
}

fn mask(pattern: &Regex, text: &mut Cow<'_, str>, with: impl Replacer) {
    if let Cow::Owned(masked) = pattern.replace_all(text, with)
        && masked != *text
    {
        *text = masked.into();
    }
}

/// `found` is `://` up to an `@`. User and password end before the path, but not every password
/// is written as it should be; `host:1/a@` holds none.
fn authority(found: &str) -> String {
    let rest = &found[3..];
    let (before, after) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    if let Some(at) = before.rfind('@') {
        return format!("://{MASK}{}{after}", &before[at..]);
    }
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    match before.split_once(':') {
        Some((_, port)) if !is_port(port) => format!("://{MASK}@"),
        Some(_) | None => found.to_owned(),
    }
}

/// Quotes stay, so that JSON stays JSON; `InvalidTokenException: ` is no name of a value.
fn named(found: &Captures<'_>) -> String {
    let (name, is, value) = (&found[1], &found[2], &found[3]);
    let end = name.to_ascii_lowercase();
    if end.ends_with("exception") || end.ends_with("error") {
        return found[0].to_owned();
    }
    let after = value.trim_start_matches('\\');
    let quote =
        if after.starts_with(['"', '\'']) { &value[..=value.len() - after.len()] } else { "" };
    format!("{name}{is}{quote}{MASK}{quote}")
}

/// "password authentication failed" holds no password.
fn bare(found: &Captures<'_>) -> String {
    let word = found[2].trim_end_matches('.');
    let is_word = NO_SECRETS.iter().any(|known| known.eq_ignore_ascii_case(word));
    if is_word { found[0].to_owned() } else { format!("{}{MASK}", &found[1]) }
}

/// "Basic authentication failed" holds no credential.
fn scheme(found: &Captures<'_>) -> String {
    let is_word = found[2].bytes().skip(1).all(|b| b.is_ascii_lowercase());
    if is_word { found[0].to_owned() } else { format!("{}{MASK}", &found[1]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_masked_and_what_stands_around_them_stays() {
        for (text, masked) in [
            ("GET http://ann:s3cret@db:8083/x failed", "GET http://***@db:8083/x failed"),
            ("http://s3cret@db/x", "http://***@db/x"),
            ("mongodb://a:s3@cret@h1:1,h2:2/d?w=1", "mongodb://***@h1:1,h2:2/d?w=1"),
            ("amqp://a:s/3cret@db:1/v", "amqp://***@db:1/v"),
            ("redis://:s3cret@db:6379", "redis://***@db:6379"),
            ("jdbc:oracle:thin:scott/s3cret@//db:1521/x", "jdbc:oracle:thin:***@//db:1521/x"),
            (
                "jdbc:mysql://db/x?user=ann&password=s3cret&a=b",
                "jdbc:mysql://db/x?user=ann&password=***&a=b",
            ),
            (
                "jdbc:sqlserver://db:1;password={s3;cret};x=y",
                "jdbc:sqlserver://db:1;password=***;x=y",
            ),
            ("{connection.password=s3,cret, name=x}", "{connection.password=***, name=x}"),
            (r#"{"db.password" : "s3\"cret", "a": 1}"#, r#"{"db.password" : "***", "a": 1}"#),
            (r#"{\"apiKey\":\"s3cret\",\"a\":1}"#, r#"{\"apiKey\":\"***\",\"a\":1}"#),
            (
                "Login failed for user sa with password hunterpass, Bearer hunterbearerabc rejected",
                "Login failed for user sa with password ***, Bearer *** rejected",
            ),
            ("passphrase correcthorse given", "passphrase *** given"),
            ("Pwd: s3cret", "Pwd: ***"),
            ("password=\"s3 cret", "password=\"***\""),
            ("Invalid API key: sk-s3cret", "Invalid API key: ***"),
            ("refresh_token='s3 cret' x", "refresh_token='***' x"),
            ("aws.secret.access.key=s3cret x", "aws.secret.access.key=*** x"),
            ("AccountName=a;AccountKey=s3cret==;E=x", "AccountName=a;AccountKey=***;E=x"),
            ("SharedAccessKey=s3cret=", "SharedAccessKey=***"),
            (
                "https://b.example/c?sv=1&sig=s3cret%3D&se=2",
                "https://b.example/c?sv=1&sig=***&se=2",
            ),
            (
                "h?X-Amz-Credential=s3cret%2F1&X-Amz-Signature=s3cret",
                "h?X-Amz-Credential=***&X-Amz-Signature=***",
            ),
            (
                r#"PlainLoginModule required username="a" password="s3cret";"#,
                r#"PlainLoginModule required username="a" password="***";"#,
            ),
            ("sasl.jaas.config = 's3cret required'", "sasl.jaas.config = '***'"),
            (
                "a\nAuthorization: Digest username=\"x\", response=\"s3cret\"\nb",
                "a\nAuthorization: ***\nb",
            ),
            ("{Authorization=[Bearer s3cret]}", "{Authorization=***"),
            ("sent Bearer s3cret.x-y_z== to h", "sent Bearer *** to h"),
            ("basic czNjcmV0OnM=", "basic ***"),
            ("jwt eyJhbGciOiJI.eyJzdWIiOiI.s3cret_x bad", "jwt *** bad"),
            ("key AKIAIOSFODNN7EXAMPLE is not known", "key *** is not known"),
            (
                "x -----BEGIN RSA PRIVATE KEY-----\ns3cret\n-----END RSA PRIVATE KEY----- y",
                "x *** y",
            ),
            ("x -----BEGIN PRIVATE KEY-----\ns3cret", "x ***"),
        ] {
            assert_eq!(redact(text), masked);
            assert_eq!(redact(masked), masked, "twice");
        }
    }

    #[test]
    fn what_is_no_credential_is_not_touched() {
        for text in [
            "",
            "org.postgresql.util.PSQLException: FATAL: password authentication failed for user \"ann\"",
            "org.apache.kafka.common.errors.TopicAuthorizationException: Not authorized to access topics: [x]",
            "Basic authentication is not enabled, Basic Authentication neither",
            "mail ann@example.com about http://db:8083/x?to=ann@example.com and http://db/a@b",
            "java.net.ConnectException: Connection refused @db.example:5432",
            "com.fasterxml.jackson.core.JsonParseException: Unrecognized token 'abc': was expecting",
            "POST /connectors/tokens/tasks/0/restart",
            "a.ExpiredTokenException: The security token is expired, a.SecretError: x",
            "the password is wrong, no password provided, password for ann, bearer token expired",
            "Bearer authentication, and password. Then more",
            "signature is not valid, key=3, monkey=banana",
            "no such key: x, resume token not found",
        ] {
            assert!(
                matches!(redact(text), Cow::Borrowed(same) if same == text),
                "{}",
                redact(text)
            );
        }
    }

    /// One that is looked through again from each of its parts does not end in an hour.
    #[test]
    fn long_texts_are_read_once() {
        for (part, masked) in [
            ("password={ ", "password=*** "),
            ("password=\\\"x password=\\\"x ", "password=\\\"***\\\"x "),
            ("token=x ", "token=*** "),
            ("http://a@b ", "http://***@b "),
            ("://", "://"),
            ("://a:b", "://a:b"),
            ("jdbc:oracle:thin:a/b", "jdbc:oracle:thin:a/b"),
            ("eyJ", "eyJ"),
            ("\\", "\\"),
            ("é'\"{", "é'\"{"),
        ] {
            let text = part.repeat(200_000);
            assert!(redact(&text) == masked.repeat(200_000), "{part}");
        }
    }
}
