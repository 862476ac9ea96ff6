//! One line of the audit log: what is written, and how it reads.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::FailureClass;
use crate::watchdog::policy::Time;

use super::redact::redact;

/// A word or a sentence; nothing is copied where it is a constant.
pub type Words = Cow<'static, str>;

/// The longest text that is written, in bytes; names of connectors and clusters are written whole.
const MAX_TEXT: usize = 1000;

/// What happened.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum AuditEvent {
    /// A unit was seen FAILED.
    Failed,
    /// It is to be restarted.
    Decided,
    /// The restart was sent, and answered or not.
    Sent,
    /// Later polls told what became of a restart.
    Outcome,
    /// A unit is due and is not restarted; written once until the reason changes.
    Held,
    /// What held it is over.
    Released,
    /// Its attempts are used up; it is tried now and then.
    Parked,
    /// It is not tried any more.
    GivenUp,
    /// What was remembered of it is forgotten: it is well, gone, or was changed.
    Cleared,
    /// A person wants it to be tried afresh; `why` says whether anything was known of it.
    Acknowledged,
    /// It does not come out of RESTARTING.
    Stuck,
    /// It was restarted too often in a short time.
    Flapping,
    /// It runs again, and not by this watchdog.
    Foreign,
    /// Somebody else restarts this connector, so the watchdog does not.
    StoodDown,
    /// Many fail of one cause: only canaries go.
    BreakerOpened,
    /// A canary runs: the others follow in steps.
    BreakerProven,
    /// Those that followed failed again.
    BreakerReopened,
    /// All of them went.
    BreakerClosed,
    /// No canary helped: its units go on each for itself.
    BreakerExhausted,
    /// Restarts come to nothing: one at a time.
    CautionBegan,
    /// They help again.
    CautionEnded,
    /// Nothing is restarted in the whole cluster.
    HoldBegan,
    /// It is over.
    HoldEnded,
    /// An operator wants silence, until a time.
    Silenced,
    /// Nothing is sent any more.
    KillSwitchOn,
    /// Restarts may be sent again.
    KillSwitchOff,
    /// A dependency was asked whether it is back.
    Probe,
    /// A person had something done: what was called and answered, and who it was, is beside it.
    Ordered,
}

/// One event. What is absent is not written; a `task` that is absent beside a `connector` is the
/// connector's own instance, and without a `connector` the event is the whole cluster's.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, utoipa::ToSchema)]
pub struct AuditLine {
    /// When, since 1970; written as RFC 3339 with milliseconds, in UTC.
    #[serde(with = "moment")]
    #[schema(value_type = String, format = DateTime)]
    pub at: Time,
    /// The value of the label `connect_cluster`; `*` where an order is not for one cluster.
    pub cluster: Arc<str>,
    /// The connector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub connector: Option<Arc<str>>,
    /// The task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub task: Option<u32>,
    /// What happened.
    pub event: AuditEvent,
    /// Why, in a word such as `rebalance`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub why: Option<Words>,
    /// The class of the failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub failure_class: Option<FailureClass>,
    /// What failures of its kind have in common.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub signature: Option<Arc<str>>,
    /// The class name of the root cause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub exception: Option<Arc<str>>,
    /// [`trace_hash`] of the trace: the same for the same text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub trace_hash: Option<Words>,
    /// Which attempt it is, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub attempt: Option<u32>,
    /// How many attempts its class has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub attempts_most: Option<u32>,
    /// What is left of the connector's budget afterwards, in restarts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub connector_budget_left: Option<f64>,
    /// `off`, `dry-run` or `on`, as it holds for this unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub mode: Option<Words>,
    /// Whether it is only said and not done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub dry_run: Option<bool>,
    /// The call, such as `POST /connectors/x/tasks/0/restart`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub call: Option<Words>,
    /// The HTTP status of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub http_status: Option<u16>,
    /// What the answer means, or what was said in place of one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub answer: Option<Words>,
    /// What became of it: `recovered`, `failed`, `rejected`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub outcome: Option<Words>,
    /// Why it is restarted: `attempt`, `canary`, `release` or `probe`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub reason: Option<Words>,
    /// The user's rule that is for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub rule: Option<Words>,
    /// When it is tried next; written as `at` is.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "maybe_moment")]
    #[schema(value_type = String, format = DateTime, required = false)]
    pub next_attempt: Option<Time>,
    /// Who ordered it, where a person did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false)]
    pub by: Option<Words>,
}

impl AuditLine {
    /// A line of a cluster; the rest is filled in with `..`.
    pub fn new(at: Time, cluster: Arc<str>, event: AuditEvent) -> Self {
        Self {
            at,
            cluster,
            connector: None,
            task: None,
            event,
            why: None,
            failure_class: None,
            signature: None,
            exception: None,
            trace_hash: None,
            attempt: None,
            attempts_most: None,
            connector_budget_left: None,
            mode: None,
            dry_run: None,
            call: None,
            http_status: None,
            answer: None,
            outcome: None,
            reason: None,
            rule: None,
            next_attempt: None,
            by: None,
        }
    }

    /// The line as it may be shown: texts masked and shortened. What is a key to other data, such
    /// as a connector's name, stays as it is.
    pub(super) fn presentable(&self) -> Self {
        let mut line = self.clone();
        for text in [&mut line.signature, &mut line.exception].into_iter().flatten() {
            if let Some(other) = presentable(text) {
                *text = other.into();
            }
        }
        let texts = [
            &mut line.why,
            &mut line.call,
            &mut line.answer,
            &mut line.outcome,
            &mut line.reason,
            &mut line.rule,
            &mut line.by,
        ];
        for text in texts.into_iter().flatten() {
            if let Some(other) = presentable(text) {
                *text = other.into();
            }
        }
        line
    }
}

/// `None`: it is presentable as it is. Masked first: a cut might hide what tells a secret.
fn presentable(text: &str) -> Option<String> {
    let masked = redact(text);
    if masked.len() <= MAX_TEXT {
        return match masked {
            Cow::Borrowed(_) => None,
            Cow::Owned(masked) => Some(masked),
        };
    }
    Some(masked[..masked.floor_char_boundary(MAX_TEXT)].to_owned())
}

/// Sixteen hexadecimal digits (FNV-1a, 64 bits) that tell whether two traces are the same: they stay
/// the same from version to version, and the text cannot be had back from them.
pub fn trace_hash(trace: &str) -> String {
    let mix = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    format!("{:016x}", trace.bytes().fold(0xcbf2_9ce4_8422_2325, mix))
}

/// Since 1970 here, RFC 3339 outside.
mod moment {
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    use super::{LAST, Time};

    pub(super) fn text(time: Time) -> String {
        let time = UNIX_EPOCH + time.min(LAST);
        humantime::format_rfc3339_millis(time).to_string()
    }

    pub(super) fn read(text: &str) -> Result<Time, String> {
        let at: SystemTime = humantime::parse_rfc3339(text)
            .map_err(|_| format!("{text:?} is not a time such as 2026-11-24T07:34:23.197Z"))?;
        // A millisecond is what is written, so it is what is known.
        let since = at.duration_since(UNIX_EPOCH).map_err(|error| error.to_string())?;
        Ok(Duration::from_millis(since.as_millis().try_into().unwrap_or(u64::MAX)))
    }

    pub(super) fn serialize<S: Serializer>(time: &Time, to: S) -> Result<S::Ok, S::Error> {
        text(*time).serialize(to)
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<Time, D::Error> {
        read(&String::deserialize(from)?).map_err(D::Error::custom)
    }
}

mod maybe_moment {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    use super::{Time, moment};

    pub(super) fn serialize<S: Serializer>(time: &Option<Time>, to: S) -> Result<S::Ok, S::Error> {
        time.map(moment::text).serialize(to)
    }

    pub(super) fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<Option<Time>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        text.map(|text| moment::read(&text)).transpose().map_err(D::Error::custom)
    }
}

/// The end of the year 9999, the last that RFC 3339 can write.
const LAST: Duration = Duration::from_secs(253_402_300_799);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_reads_back_and_what_is_absent_is_not_there() {
        let at = Duration::from_millis(1_795_505_663_197);
        let bare = AuditLine::new(at, "c".into(), AuditEvent::HoldBegan);
        assert_eq!(
            serde_json::to_string(&bare).unwrap(),
            r#"{"at":"2026-11-24T07:34:23.197Z","cluster":"c","event":"hold_began"}"#
        );
        let full = AuditLine {
            connector: Some("x/y\n\"z\"".into()),
            task: Some(0),
            why: Some("due".into()),
            failure_class: Some(FailureClass::OffsetLost),
            signature: Some("a.B: # @db:5432".into()),
            exception: Some("a.B".into()),
            trace_hash: Some(trace_hash("a.B: 1").into()),
            attempt: Some(1),
            attempts_most: Some(6),
            connector_budget_left: Some(2.5),
            mode: Some("dry-run".into()),
            dry_run: Some(true),
            call: Some("POST /connectors/x%2Fy/tasks/0/restart".into()),
            http_status: Some(204),
            answer: Some("accepted".into()),
            outcome: Some("recovered".into()),
            reason: Some("canary".into()),
            rule: Some("mine".into()),
            next_attempt: Some(at + Duration::from_secs(60)),
            by: Some("ann".into()),
            ..AuditLine::new(at, "c".into(), AuditEvent::Sent)
        };
        let json = serde_json::to_value(&full).unwrap();
        assert_eq!(json.as_object().unwrap().len(), 23);
        assert_eq!(json["next_attempt"], "2026-11-24T07:35:23.197Z");
        assert_eq!(json["failure_class"], "OFFSET_LOST");
        for line in [bare, full] {
            let text = serde_json::to_string(&line).unwrap();
            assert!(!text.contains('\n'));
            assert_eq!(serde_json::from_str::<AuditLine>(&text).unwrap(), line);
        }
        let null = r#"{"at":"2026-11-24T07:34:23Z","cluster":"c","event":"held","task":null}"#;
        assert_eq!(serde_json::from_str::<AuditLine>(null).unwrap().task, None);
    }

    #[test]
    fn a_bad_time_is_said_and_none_panics() {
        let bad = r#"{"at":"yesterday","cluster":"c","event":"held"}"#;
        let error = serde_json::from_str::<AuditLine>(bad).unwrap_err().to_string();
        assert!(error.contains("\"yesterday\" is not a time"), "{error}");
        let far = AuditLine::new(Duration::MAX, "c".into(), AuditEvent::Held);
        assert!(serde_json::to_string(&far).unwrap().contains("9999-12-31T23:59:59.000Z"));
    }

    #[test]
    fn the_hash_is_the_published_one() {
        // http://www.isthe.com/chongo/tech/comp/fnv: FNV-1a of "" and "foobar".
        assert_eq!(trace_hash(""), "cbf29ce484222325");
        assert_eq!(trace_hash("foobar"), "85944171f73967e8");
    }
}
