//! Secrets in configurations are masked before they are shown, unless they are asked for.

use std::borrow::Cow;

use serde_json::Value;

pub(super) use crate::connect::masking::{MASK, is_mask, shown};
use crate::connect::masking::{masked, masked_value};
use crate::connect::model::{ConnectorConfig, PartitionOffset};
use crate::redact::redact;

/// The configuration as it may be shown.
pub(super) fn config(config: &ConnectorConfig, show_secrets: bool) -> ConnectorConfig {
    if show_secrets { config.clone() } else { masked(config) }
}

/// The same as data.
pub(super) fn data(of: &ConnectorConfig, show_secrets: bool) -> Value {
    serde_json::json!(config(of, show_secrets))
}

/// How far a connector got, as it may be shown.
pub(super) fn offsets(all: Vec<PartitionOffset>, show_secrets: bool) -> Vec<PartitionOffset> {
    if show_secrets {
        return all;
    }
    let one = |of: PartitionOffset| PartitionOffset {
        partition: masked_value(of.partition),
        offset: masked_value(of.offset),
    };
    all.into_iter().map(one).collect()
}

/// A trace or a message as it may be shown.
pub(super) fn text(text: &str, show_secrets: bool) -> Cow<'_, str> {
    if show_secrets { text.into() } else { redact(text) }
}
