//! What every exporter says of its own process.

use std::fmt::Error;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

/// Reads `/proc/self` when it is rendered; writes nothing where there is none.
#[derive(Debug)]
pub(super) struct ProcessCollector;

impl Collector for ProcessCollector {
    #[cfg(target_os = "linux")]
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let Ok(process) = procfs::process::Process::myself() else { return Ok(()) };
        let Ok(stat) = process.stat() else { return Ok(()) };
        #[expect(clippy::cast_precision_loss, reason = "Prometheus values are floats")]
        let ticks = |n: u64| n as f64 / procfs::ticks_per_second() as f64;
        let cpu = ConstCounter::new(ticks(stat.utime + stat.stime));
        cpu.encode(encoder.encode_descriptor(
            "process_cpu_seconds",
            "Processor time of this process.",
            None,
            MetricType::Counter,
        )?)?;
        let mut gauge = |name: &str, help: &str, value: f64| {
            let encoder = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            ConstGauge::new(value).encode(encoder)
        };
        #[expect(clippy::cast_precision_loss, reason = "Prometheus values are floats")]
        let resident = (stat.rss * procfs::page_size()) as f64;
        gauge("process_resident_memory_bytes", "Resident memory of this process.", resident)?;
        if let Ok(started) = boot_seconds() {
            let at = started + ticks(stat.starttime);
            gauge("process_start_time_seconds", "When this process started.", at)?;
        }
        if let Ok(open) = process.fd_count() {
            let open = u32::try_from(open).unwrap_or(u32::MAX);
            gauge("process_open_fds", "Open file descriptors.", open.into())?;
        }
        Ok(())
    }

    #[cfg(not(target_os = "linux"))]
    fn encode(&self, _: DescriptorEncoder<'_>) -> Result<(), Error> {
        Ok(())
    }
}

#[cfg(target_os = "linux")]
#[expect(clippy::cast_precision_loss, reason = "seconds since 1970 fit a float")]
fn boot_seconds() -> Result<f64, procfs::ProcError> {
    use procfs::CurrentSI as _;
    Ok(procfs::KernelStats::current()?.btime as f64)
}
