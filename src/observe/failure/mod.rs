//! From a stack trace to the class of the failure, its rule, its signature and the root cause's
//! exception.
//!
//! Connect wraps: the first line of a trace nearly always says only which thread ended. The
//! deepest cause that a rule knows decides, with three exceptions. A lost offset counts wherever
//! it stands: a restart could hide the gap. A connection that was cut, or a time-out, does not
//! outweigh a refusal or a wrong set-up told around it: the other side hangs up on whom it refuses;
//! only where nobody answered at all does it (`firm`). What a class's name merely suggests is for
//! want of better in all causes (`weak`). `Suppressed:` is a side show and is looked at last. The
//! rules are in `rules/`.

mod chain;
mod codes;
mod host;
mod rules;
mod signature;

use crate::config::{FailureClass, FailureRule, Strength};

use chain::Chain;
use codes::Systems;
pub use rules::RuleError;
use rules::{Fits, Match, Rules};

/// The longest exception name that is kept, in bytes.
const MAX_EXCEPTION: usize = 120;

/// What a trace comes to.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Diagnosis<'t> {
    /// The class of the failure.
    pub failure_class: FailureClass,
    /// The class name of the root cause, such as `java.net.ConnectException`, bounded; `unknown`
    /// where the trace has none.
    pub exception: &'t str,
    /// The same for failures of one origin: the root cause without numbers, names and secrets, and
    /// the host.
    pub signature: String,
    /// The cause that decided, in the trace's own words; empty where the trace is.
    #[serde(skip)]
    pub cause: &'t str,
    /// What could not be reached, or refused: `host` or `host:port` in lower case, where the trace
    /// names one.
    pub host: Option<String>,
    /// The rule that fits; empty where none does.
    pub rule: &'t str,
    /// What a person should look at next.
    pub advice: &'t str,
}

/// Tells failures apart; by default with the rules that are compiled in.
#[derive(Debug)]
pub struct Classifier {
    rules: Rules,
}

impl Default for Classifier {
    #[expect(clippy::expect_used, reason = "the rules are a constant, and tested")]
    fn default() -> Self {
        Self::new(&[]).expect("the rules that are compiled in are right")
    }
}

impl Classifier {
    /// The user's rules come first.
    pub fn new(of_user: &[FailureRule]) -> Result<Self, RuleError> {
        Ok(Self { rules: Rules::new(of_user)? })
    }

    /// Reads a trace; in time linear in its length.
    pub fn diagnose<'t>(&'t self, trace: &'t str) -> Diagnosis<'t> {
        let chain = Chain::read(trace);
        let systems = Systems::read(trace);
        let fits = |causes: &[&'t str]| -> Vec<_> {
            causes.iter().rev().map(|cause| (*cause, self.rules.fits(cause, systems))).collect()
        };
        let found = decide(&fits(&chain.causes)).or_else(|| decide(&fits(&chain.suppressed)));
        let root = chain.causes.last().copied().unwrap_or_default();
        let exception =
            chain.causes.iter().rev().find_map(|cause| deepest_class(cause)).unwrap_or("unknown");
        let host = host::host(&chain.causes).or_else(|| host::host(&chain.suppressed));
        let text = match found {
            Some((cause, Match { at: Some(at), .. })) => &cause[at..],
            Some((cause, Match { at: None, .. })) => message(cause),
            None => message(root),
        };
        let signature = signature::signature(exception, text, host.as_deref());
        let cause = found.map_or(root, |(cause, _)| cause);
        let (failure_class, rule, advice) = match found {
            Some((_, Match { rule, .. })) => (rule.class, &*rule.name, &*rule.advice),
            None if trace.trim().is_empty() => (
                FailureClass::Unknown,
                "",
                "The trace is empty. The worker's log at the time of the failure has the cause.",
            ),
            None => (
                FailureClass::Unknown,
                "",
                "No rule fits. Read the trace; a rule of your own (failure_rules) can name it.",
            ),
        };
        Diagnosis { failure_class, exception, signature, cause, host, rule, advice }
    }
}

/// The rule that speaks, of those that fit the causes, the deepest first.
fn decide<'t, 'r>(causes: &[(&'t str, Fits<'r>)]) -> Option<(&'t str, Match<'r>)> {
    let strong = || causes.iter().filter_map(|(cause, fits)| Some((*cause, fits.strong?)));
    let user = causes.iter().find_map(|(cause, fits)| Some((*cause, fits.user?)));
    let lost = || strong().find(|(_, told)| told.rule.class == FailureClass::OffsetLost);
    let deepest = || {
        let told = strong().next()?;
        let yields =
            told.1.rule.class == FailureClass::Transient && told.1.rule.strength != Strength::Firm;
        let refused = |class| matches!(class, FailureClass::Auth | FailureClass::Install);
        let around = || strong().find(|(_, around)| refused(around.rule.class));
        yields.then(around).flatten().or(Some(told))
    };
    let weak = || causes.iter().filter_map(|(cause, fits)| Some((*cause, fits.weak?)));
    // What says nothing of the cause leaves it to those around.
    let named = || weak().find(|(_, told)| told.rule.class != FailureClass::Unknown);
    let weak = || named().or_else(|| weak().next());
    user.or_else(lost).or_else(deepest).or_else(weak)
}

/// A cause without the class names before its message.
fn message(cause: &str) -> &str {
    let mut rest = cause;
    while let Some((_, message)) = rest.split_once(": ").filter(|(word, _)| is_class(word)) {
        rest = message;
    }
    if is_class(rest) { "" } else { rest }
}

/// The last class name in `a.B: c.D: message`, or before a later line's message: some connectors
/// put the causes into the message. A class that could not be found is no failure's, and neither is
/// one that a message ends with.
fn deepest_class(cause: &str) -> Option<&str> {
    let of_line = |line| {
        let mut found = None;
        let mut rest: &str = line;
        loop {
            let end = rest.find([':', ' ', ';', '\\']).unwrap_or(rest.len());
            let word = &rest[..end];
            let is_named = |found: &str| {
                ["ClassNotFoundException", "NoClassDefFoundError"]
                    .iter()
                    .any(|e| found.ends_with(e))
                    || !rest[end..].starts_with([':', ';']) && !is_failure(word)
            };
            if !is_class(word) || found.is_some_and(is_named) {
                return found;
            }
            found = Some(word);
            match rest[end..].strip_prefix(": ").or_else(|| rest[end..].strip_prefix("; ")) {
                Some(next) => rest = next,
                None => return found,
            }
        }
    };
    let named = |word: &&str| word.contains('.');
    cause.lines().rev().filter_map(of_line).find(named).or_else(|| of_line(cause))
}

fn is_failure(class: &str) -> bool {
    ["Exception", "Error", "Throwable", "Failure"].iter().any(|end| class.ends_with(end))
}

fn is_class(word: &str) -> bool {
    let simple = word.rsplit('.').next().unwrap_or(word);
    word.len() <= MAX_EXCEPTION
        && !matches!(word, "Error" | "Exception")
        && simple.starts_with(|c: char| c.is_ascii_uppercase())
        && (word.contains('.') || word.ends_with("Exception") || word.ends_with("Error"))
        && word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'$'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ErrorCodes;

    /// Where the deepest words alone would mislead, and where those around would.
    const TRAPS: &[(&str, FailureClass)] = &[
        // The other side hangs up on whom it refuses...
        ("a.SslAuthenticationException: x\nCaused by: java.io.EOFException", FailureClass::Auth),
        (
            "a.SSLHandshakeException: x\nCaused by: java.net.SocketException: Connection reset",
            FailureClass::Auth,
        ),
        (
            "a.B: CDC is not enabled\nCaused by: java.net.SocketTimeoutException: Read timed out",
            FailureClass::Install,
        ),
        // ...but whoever does not answer refuses nobody.
        (
            "a.LoginException: no token\nCaused by: java.net.ConnectException: Connection refused",
            FailureClass::Transient,
        ),
        (
            "a.LoginException: no token\nCaused by: x: 503 Service Unavailable",
            FailureClass::Transient,
        ),
        // A wrapper's name says little; what it quotes, more.
        (
            "a.ConfigException: x\nCaused by: java.net.SocketTimeoutException: Read timed out",
            FailureClass::Transient,
        ),
        (
            "a.ConfigException: Invalid value x: Connection refused for configuration Couldn't open",
            FailureClass::Transient,
        ),
        (
            "a.ConfigException: Invalid value 5 for configuration request.timeout.ms",
            FailureClass::Install,
        ),
        ("a.DataException: x\nCaused by: java.lang.NullPointerException", FailureClass::Data),
        ("a.B: x\nCaused by: java.lang.NullPointerException: schema of", FailureClass::Unknown),
        // Clouds refuse with 403 what they only slow down.
        ("a.B: 403 Forbidden { \"reason\" : \"rateLimitExceeded\" }", FailureClass::Transient),
        ("a.B: 403 Forbidden { \"reason\" : \"quotaExceeded\" }", FailureClass::Resource),
        ("a.B: User temporarily locked. Try again later", FailureClass::Auth),
        // One number is many vendors'.
        ("com.mysql.X: x Error code: 1236", FailureClass::OffsetLost),
        ("com.microsoft.sqlserver.X: x Error code: 1236", FailureClass::Unknown),
    ];

    #[test]
    fn the_exception_is_the_root_causes() {
        let classifier = Classifier::default();
        let exception = |trace: &str| classifier.diagnose(trace).exception.to_owned();
        let trace = "o.E: Exiting\n\tat a.b(C.java:1)\nCaused by: a.DataException: x\nCaused by: java.net.ConnectException: Connection refused\n\t... 3 more";
        assert_eq!(exception(trace), "java.net.ConnectException");
        assert_eq!(
            exception("a.B: org.postgresql.util.PSQLException: no"),
            "org.postgresql.util.PSQLException"
        );
        for trace in [
            "java.lang.ClassNotFoundException: com.foo.Bar",
            "java.lang.ClassNotFoundException: com.foo.Bar: more",
            "a.ConnectException: java.lang.ClassNotFoundException: com.foo.BarException",
            "a.B: x\nCaused by: java.lang.ClassNotFoundException: com.foo.Bar\n\tat y.z(Q.java:1)",
        ] {
            assert_eq!(exception(trace), "java.lang.ClassNotFoundException", "{trace}");
        }
        assert_eq!(exception("a.BException: no instance of c.D"), "a.BException");
        assert_eq!(exception("a.BException: c.D"), "a.BException");
        assert_eq!(exception("a.BException: c.DException"), "c.DException");
        assert_eq!(exception(""), "unknown");
        assert_eq!(exception("\u{0}\u{1}binary"), "unknown");
    }

    #[test]
    fn the_deepest_cause_decides_but_for_a_lost_offset() {
        let classifier = Classifier::default();
        let told = |trace: &str| classifier.diagnose(trace).failure_class;
        let refused = "\nCaused by: java.net.ConnectException: Connection refused";
        assert_eq!(told(&format!("a.DataException: x{refused}")), FailureClass::Transient);
        let lost = format!("a.DebeziumException: The db history topic was read{refused}");
        assert_eq!(told(&lost), FailureClass::Transient, "other words");
        let lost = format!(
            "a.B: The db history topic or its content is fully or partially missing.{refused}"
        );
        assert_eq!(told(&lost), FailureClass::OffsetLost);
        for (trace, class) in TRAPS {
            assert_eq!(told(trace), *class, "{trace}");
        }
        let side = "a.B: x\n\tat y\n\tSuppressed: java.net.ConnectException: Connection refused";
        assert_eq!(told(side), FailureClass::Transient, "a side show, for want of better");
    }

    #[test]
    fn a_users_rule_wins() {
        let rule = FailureRule {
            name: "mine".to_owned(),
            class: FailureClass::Data,
            any: vec!["connection * Refused".to_owned()],
            strength: None,
            sqlstate: vec![],
            http: vec![],
            grpc: vec![],
            codes: ErrorCodes::default(),
            advice: "ask me".to_owned(),
            place: "FILE: line 1".to_owned(),
        };
        let classifier = Classifier::new(std::slice::from_ref(&rule)).unwrap();
        let told = classifier.diagnose("a.B: Connection was refused by h");
        assert_eq!(
            (told.failure_class, told.rule, told.advice),
            (FailureClass::Data, "mine", "ask me")
        );
        assert!(
            Classifier::new(&[FailureRule { any: vec!["*".to_owned()], ..rule.clone() }]).is_err()
        );
        assert!(Classifier::new(&[FailureRule { any: vec![], ..rule }]).is_err());
    }

    #[test]
    fn a_users_rule_has_the_grammar_of_those_that_are_built_in() {
        let told = |rule: &str, trace: &str| {
            let rule: FailureRule =
                serde_saphyr::from_str(&format!("name: mine\nclass: TRANSIENT\n{rule}")).unwrap();
            let classifier = Classifier::new(&[rule]).unwrap();
            let told = classifier.diagnose(trace);
            (told.failure_class, told.rule == "mine")
        };
        let mine = (FailureClass::Transient, true);
        let refused = "org.apache.kafka.common.errors.SaslAuthenticationException: Authentication failed\nCaused by: x.Y: widget broke";
        let others = (FailureClass::Auth, false);
        for (strength, wanted) in
            [("first", mine), ("firm", mine), ("plain", others), ("weak", others)]
        {
            let rule = format!("strength: {strength}\nany: [widget broke]");
            assert_eq!(told(&rule, refused), wanted, "{strength}");
        }
        assert_eq!(told("any: [widget broke]", refused), mine, "a user's is the first");
        let grpc = "io.grpc.StatusRuntimeException: PERMISSION_DENIED: no";
        assert_eq!(told("grpc: [PERMISSION_DENIED]", grpc), mine);
        assert_eq!(told("grpc: [UNAVAILABLE]", grpc), others);
        let code = "com.mysql.cj.X: error code 7007";
        assert_eq!(told("codes: {mysql: [7007]}", code), mine);
        assert_eq!(told("codes: [7007]", code), mine);
        assert!(!told("codes: {db2: [7007]}", code).1);
        for (wrong, says) in [
            ("codes: {oracle: [1]}", "mysql, sqlserver, mongodb"),
            ("strength: strong\nany: [x]", "firm"),
            ("grpc: [UNAVAILABEL]", "known are CANCELLED"),
        ] {
            let rule = serde_saphyr::from_str(&format!("name: a\nclass: DATA\n{wrong}"))
                .map_err(|error| error.to_string())
                .and_then(|rule| Classifier::new(&[rule]).map_err(|error| error.to_string()));
            let said = rule.unwrap_err();
            assert!(said.contains(says), "{wrong}: {said}");
        }
    }

    #[test]
    fn huge_traces_are_read() {
        let classifier = Classifier::default();
        let told = |trace: &str| classifier.diagnose(trace).failure_class;
        let many = "a.B: x\nCaused by: ".repeat(10_000) + "java.lang.OutOfMemoryError: y";
        assert_eq!(told(&many), FailureClass::Resource);
        assert_eq!(told(&"x".repeat(5 << 20)), FailureClass::Unknown);
        assert_eq!(told(&"'".repeat(5 << 20)), FailureClass::Unknown);
        assert_eq!(told(&"Caused by: mysql ".repeat(300_000)), FailureClass::Unknown);
        assert_eq!(told(&"replication slot ".repeat(300_000)), FailureClass::Unknown);
    }
}
