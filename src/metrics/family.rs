//! Writes families and their samples through prometheus-client's encoder.

use std::fmt::Error;
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, MetricEncoder};
use prometheus_client::metrics::MetricType;

use crate::observe::view::Histogram;

/// Writes the samples of one family.
pub(super) struct Family<'e> {
    pub(super) encoder: MetricEncoder<'e>,
}

impl Family<'_> {
    pub(super) fn gauge<const N: usize>(
        &mut self,
        labels: [(&str, &str); N],
        value: u64,
    ) -> Result<(), Error> {
        // No labels are no braces.
        if N == 0 {
            return self.encoder.encode_gauge(&value);
        }
        self.encoder.encode_family(&labels)?.encode_gauge(&value)
    }

    pub(super) fn seconds<const N: usize>(
        &mut self,
        labels: [(&str, &str); N],
        at: SystemTime,
    ) -> Result<(), Error> {
        let seconds = at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        self.encoder.encode_family(&labels)?.encode_gauge(&seconds)
    }

    /// Of the whole process.
    pub(super) fn only_counter(&mut self, value: u64) -> Result<(), Error> {
        self.encoder.encode_counter::<[(&str, &str); 0], u64, u64>(&value, None)
    }

    pub(super) fn counter(
        &mut self,
        labels: &impl EncodeLabelSet,
        value: u64,
    ) -> Result<(), Error> {
        self.encoder
            .encode_family(labels)?
            .encode_counter::<[(&str, &str); 0], u64, u64>(&value, None)
    }

    pub(super) fn histogram(
        &mut self,
        labels: &impl EncodeLabelSet,
        histogram: &Histogram,
    ) -> Result<(), Error> {
        let bounds = histogram.bounds.iter().copied().chain([f64::INFINITY]);
        let buckets: Vec<_> = bounds.zip(histogram.buckets.iter().copied()).collect();
        let count = histogram.buckets.iter().sum();
        self.encoder.encode_family(labels)?.encode_histogram::<[(&str, &str); 0]>(
            histogram.sum,
            count,
            &buckets,
            None,
        )
    }

    pub(super) fn info<const N: usize>(&mut self, labels: [(&str, &str); N]) -> Result<(), Error> {
        self.encoder.encode_info(&labels)
    }
}

pub(super) struct Families<'e> {
    pub(super) encoder: DescriptorEncoder<'e>,
}

impl Families<'_> {
    pub(super) fn write(
        &mut self,
        name: &str,
        help: &str,
        kind: MetricType,
        samples: impl FnOnce(&mut Family<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let encoder = self.encoder.encode_descriptor(name, help, None, kind)?;
        samples(&mut Family { encoder })
    }

    pub(super) fn gauge(
        &mut self,
        name: &str,
        help: &str,
        samples: impl FnOnce(&mut Family<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.write(name, help, MetricType::Gauge, samples)
    }
}
