//! `check`: what the configuration comes to, and with `--probe` what answers.

mod disk;
mod watchdog;

use std::io::Write;
use std::time::SystemTime;

use crate::config::Settings;
use crate::connect::ClusterClient;
use crate::connect::version::Version;
use crate::web::access::Access;

/// Writes a line a cluster and, with `probe`, a line a worker, then who may come in, what the watchdog
/// is told and what is odd; an error if a worker fails.
pub async fn check(
    settings: &Settings,
    clients: &[ClusterClient],
    access: &Access,
    probe: bool,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let mut failed = 0;
    for (cluster, client) in settings.clusters.iter().zip(clients) {
        writeln!(out, "cluster {:?}: {} worker URLs", cluster.name, client.workers().len())?;
        if !probe {
            continue;
        }
        for worker in client.workers() {
            match worker.server_info().await {
                Ok(info) => {
                    let known = Version::parse(&info.version);
                    let can = |yes: Option<bool>| if yes == Some(true) { "yes" } else { "no" };
                    writeln!(
                        out,
                        "  {}: Kafka Connect {}; expand: {}, /health: {}, restart with tasks: {}",
                        worker.base(),
                        info.version,
                        can(known.map(Version::knows_expand)),
                        can(known.map(Version::has_health)),
                        can(known.map(Version::restarts_with_tasks)),
                    )?;
                }
                Err(error) => {
                    failed += 1;
                    writeln!(out, "  {error}")?;
                }
            }
        }
    }
    writeln!(out, "{}", access.describe())?;
    watchdog::write(settings, SystemTime::now(), out)?;
    let on_disk = disk::oddities(settings);
    let warnings: Vec<_> = settings.warnings.iter().chain(&on_disk).collect();
    for warning in &warnings {
        writeln!(out, "warning: {warning}")?;
    }
    if failed > 0 {
        anyhow::bail!("{failed} workers do not answer as Kafka Connect does");
    }
    match warnings.len() {
        0 => writeln!(out, "the configuration is valid")?,
        1 => writeln!(out, "the configuration is valid, with a warning")?,
        count => writeln!(out, "the configuration is valid, with {count} warnings")?,
    }
    Ok(())
}
