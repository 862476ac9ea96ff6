//! Logs on standard error.

use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::cli::{LogFlags, LogFormat};

/// Sets up logging for the process.
pub fn init(flags: &LogFlags) {
    let registry = tracing_subscriber::registry();
    // What libraries say is of interest only where something goes wrong in them.
    let filter = tracing_subscriber::filter::Targets::new()
        .with_default(LevelFilter::WARN)
        // A certificate that is not trusted is told by the poll that it fails.
        .with_target("rustls_platform_verifier", LevelFilter::OFF)
        .with_target("connect_warden", flags.level);
    match flags.format {
        LogFormat::Logfmt => {
            let layer =
                tracing_logfmt::builder().with_target(false).layer().with_writer(std::io::stderr);
            registry.with(filter).with(layer).init();
        }
        LogFormat::Json => {
            let layer = tracing_subscriber::fmt::layer().json().flatten_event(true);
            registry.with(filter).with(layer.with_writer(std::io::stderr)).init();
        }
    }
}
