//! The process: parse, validate before anything is bound, build, run, drain; exit codes.
//!
//! | exit code | meaning |
//! |---|---|
//! | 0 | ended as told |
//! | 1 | it could not start or go on, such as a port in use; of `ctl`: it failed, differs, took too long |
//! | 64 | bad flags or configuration; nothing was bound |

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::{CommandFactory as _, Parser as _};
use clap_complete::CompleteEnv;

use crate::check;
use crate::classify::{Trace, classify};
use crate::cli::{Cli, Command};
use crate::config::{self, EXAMPLE, Flags, Settings};
use crate::ctl;
use crate::logging;
use crate::observe::Classifier;
use crate::order::{NoSuch, Prepared};
use crate::replay::command::Replay;
use crate::serve::{Parts, serve};
use crate::sim;
use crate::simulate::command::Simulation;

/// Bad flags or configuration (`EX_USAGE`).
const USAGE: u8 = 64;

/// What blocks when all else has ended has this long.
const LAST_BLOCKING: Duration = Duration::from_secs(1);

/// The whole program.
pub fn main() -> ExitCode {
    // What a shell asks for while somebody types; nothing may be written before it.
    CompleteEnv::with_factory(Cli::command).complete();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS };
        }
    };
    // Not locked: the audit log may be written to it too, by other threads.
    let mut out = std::io::stdout();
    let outer = cli.flags.clone();
    match cli.command.unwrap_or_else(|| Command::Run(Box::new(cli.flags))) {
        Command::GenerateConfig => finish(written(&mut out, EXAMPLE.as_bytes())),
        Command::Completions { shell } => {
            // Into memory it cannot fail, which it would do with a panic.
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "connect-warden", &mut script);
            finish(written(&mut out, &script))
        }
        Command::Check(check) => with_settings(&check.flags, |settings, parts| {
            in_runtime(check::check(
                &settings,
                &parts.clients,
                &parts.access,
                check.probe,
                &mut out,
            ))
        }),
        Command::Classify(flags) => {
            let rules = flags.file.as_deref().map_or(Ok(Vec::new()), config::failure_rules);
            match rules.map_err(anyhow::Error::from).and_then(|rules| Ok(Classifier::new(&rules)?))
            {
                Ok(classifier) => match Trace::read(flags.trace.as_deref()) {
                    Ok(trace) => finish(classify(&classifier, &trace, flags.output, &mut out)),
                    Err(error) => usage(&error),
                },
                Err(error) => usage(&error),
            }
        }
        Command::Simulate(flags) => match Simulation::new(&flags) {
            Ok(simulation) => finish(simulation.run(&mut out)),
            Err(error) => usage(&error),
        },
        Command::Watchdog(flags) => match Prepared::new(&flags, &outer) {
            Ok(order) => match order.give(&mut out) {
                Err(error) if error.is::<NoSuch>() => usage(&error),
                given => finish(given),
            },
            Err(error) => usage(&error),
        },
        Command::Ctl(flags) => ctl::main(&flags, &outer, &mut out),
        Command::Replay(flags) => match Replay::new(&flags) {
            Ok(replay) => finish(replay.run(&mut out)),
            Err(error) => usage(&error),
        },
        Command::Run(flags) => {
            logging::init(&cli.log);
            with_settings(&flags, |settings, parts| in_runtime(serve(settings, parts)))
        }
        Command::Demo(flags) => {
            logging::init(&cli.log);
            let settings = config::build(&Flags {
                // Of the simulated clusters, once they are there.
                urls: vec!["http://127.0.0.1:8083".to_owned()],
                listen: vec![flags.listen],
                interval: Some(flags.interval),
                watchdog_mode: Some(flags.mode),
                state_series: flags.state_series,
                ..Flags::default()
            });
            match settings {
                Ok(settings) => in_runtime(demo(settings, flags.seed)),
                Err(error) => usage(&error.into()),
            }
        }
    }
}

fn written(out: &mut impl std::io::Write, text: &[u8]) -> anyhow::Result<()> {
    let done = out.write_all(text).and_then(|()| out.flush());
    done.context("cannot write to standard output")
}

fn with_settings(flags: &Flags, then: impl FnOnce(Settings, Parts) -> ExitCode) -> ExitCode {
    let settings = config::build(flags).map_err(anyhow::Error::from);
    match settings.and_then(|mut settings| Ok((Parts::new(&mut settings)?, settings))) {
        Ok((parts, settings)) => then(settings, parts),
        Err(error) => usage(&error),
    }
}

fn usage(error: &anyhow::Error) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "connect-warden: {error:#}");
    ExitCode::from(USAGE)
}

fn in_runtime(work: impl Future<Output = anyhow::Result<()>>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    finish(runtime.context("cannot start the runtime").and_then(|runtime| {
        let result = runtime.block_on(work);
        // What blocks cannot be told to end, and a disk that hangs would be waited for for ever.
        runtime.shutdown_timeout(LAST_BLOCKING);
        result
    }))
}

fn finish(result: anyhow::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "connect-warden: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn demo(mut settings: Settings, seed: u64) -> anyhow::Result<()> {
    let clusters = sim::demo::start(seed).await.context("cannot start the simulation")?;
    let state = tempfile::tempdir().context("cannot make a folder for the journal")?;
    settings.watchdog.journal = state.path().join("journal");
    let template = settings.clusters.remove(0);
    for (name, cluster) in &clusters {
        let mut settings_of_one = template.clone();
        settings_of_one.name.clone_from(name);
        settings_of_one.connect.urls =
            cluster.urls().iter().map(|url| url.parse()).collect::<Result<_, _>>()?;
        settings.clusters.push(settings_of_one);
    }
    settings.watchdog.limits = sim::demo::limits();
    settings.watchdog.journal_lost_hold = Duration::from_secs(10);
    tracing::info!(
        journal = %settings.watchdog.journal.display(),
        "these are simulated clusters; things fail in them on purpose, and the watchdog's waits are about a tenth of the usual; give it orders with connect-warden watchdog, and the journal's place"
    );
    let parts = Parts::new(&mut settings)?;
    serve(settings, parts).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_blocks_for_ever_is_not_waited_for() {
        let (blocks, released) = std::sync::mpsc::channel::<()>();
        let (ended, code) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let code = in_runtime(async {
                tokio::task::spawn_blocking(move || released.recv());
                Ok(())
            });
            let _ = ended.send(code);
        });
        let code = code.recv_timeout(Duration::from_secs(120));
        drop(blocks);
        assert!(code.is_ok(), "it ends while something blocks");
    }
}
