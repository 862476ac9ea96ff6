//! The process: parse, validate before anything is bound, build, run, drain; exit codes.
//!
//! | exit code | meaning |
//! |---|---|
//! | 0 | ended as told |
//! | 1 | it could not start or go on, such as a port in use |
//! | 64 | bad flags or configuration; nothing was bound |

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::{CommandFactory as _, Parser as _};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::check;
use crate::cli::{Cli, Command, DemoFlags};
use crate::config::{self, ClusterSettings, EXAMPLE, Flags, Settings};
use crate::connect::ClusterClient;
use crate::logging;
use crate::metrics::Exporter;
use crate::observe::watch::Watch;
use crate::sim;
use crate::web::{App, Server};

/// Bad flags or configuration (`EX_USAGE`).
const USAGE: u8 = 64;

/// The whole program.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS };
        }
    };
    let mut out = std::io::stdout().lock();
    match cli.command.unwrap_or_else(|| Command::Run(Box::new(cli.flags))) {
        Command::GenerateConfig => ended(out.write_all(EXAMPLE.as_bytes())),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "connect-warden", &mut out);
            ExitCode::SUCCESS
        }
        Command::Check(check) => with_settings(&check.flags, |settings, clients| {
            in_runtime(check::check(&settings, &clients, check.probe, &mut out))
        }),
        Command::Run(flags) => {
            logging::init(&cli.log);
            with_settings(&flags, |settings, clients| in_runtime(serve(settings, clients)))
        }
        Command::Demo(flags) => {
            logging::init(&cli.log);
            in_runtime(demo(flags))
        }
    }
}

fn ended(result: std::io::Result<()>) -> ExitCode {
    if result.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn with_settings(
    flags: &Flags,
    then: impl FnOnce(Settings, Vec<ClusterClient>) -> ExitCode,
) -> ExitCode {
    let settings = config::build(flags).map_err(anyhow::Error::from);
    match settings.and_then(|settings| clients(&settings).map(|clients| (settings, clients))) {
        Ok((settings, clients)) => then(settings, clients),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "connect-warden: {error:#}");
            ExitCode::from(USAGE)
        }
    }
}

/// A client for each cluster: reads the certificates, connects to nothing.
fn clients(settings: &Settings) -> anyhow::Result<Vec<ClusterClient>> {
    let client = |cluster: &ClusterSettings| {
        ClusterClient::new(&cluster.connect).with_context(|| format!("cluster {:?}", cluster.name))
    };
    settings.clusters.iter().map(client).collect()
}

fn in_runtime(work: impl Future<Output = anyhow::Result<()>>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let result = runtime.context("cannot start the runtime").and_then(|r| r.block_on(work));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "connect-warden: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn demo(flags: DemoFlags) -> anyhow::Result<()> {
    let clusters = sim::demo::start(flags.seed).await.context("cannot start the simulation")?;
    let mut settings = config::build(&Flags {
        urls: clusters.iter().flat_map(|(_, cluster)| cluster.urls()).collect(),
        listen: vec![flags.listen],
        interval: Some(flags.interval),
        ..Flags::default()
    })?;
    let template = settings.clusters.remove(0);
    for (name, cluster) in &clusters {
        let mut settings_of_one = template.clone();
        settings_of_one.name.clone_from(name);
        settings_of_one.connect.urls =
            cluster.urls().iter().map(|url| url.parse()).collect::<Result<_, _>>()?;
        settings.clusters.push(settings_of_one);
    }
    tracing::info!("these are simulated clusters; things fail in them on purpose");
    let clients = clients(&settings)?;
    serve(settings, clients).await
}

async fn serve(settings: Settings, clients: Vec<ClusterClient>) -> anyhow::Result<()> {
    let server = Server::bind(&settings.web).await?;
    for address in server.addresses() {
        let path = &settings.web.telemetry_path;
        let page = format!("http://{address}/");
        let metrics = format!("http://{address}{path}");
        tracing::info!(%address, page, metrics, "listening");
    }

    let stop = CancellationToken::new();
    let tracker = TaskTracker::new();
    let exporter = Arc::new(Exporter::new(settings.metrics.state_series));
    let count = settings.clusters.len();
    for (cluster, client) in settings.clusters.into_iter().zip(clients) {
        if cluster.connect.tls.insecure_skip_verify {
            tracing::warn!(
                cluster = cluster.name,
                "insecure_skip_verify: any certificate is accepted; whoever is between can read \
                 the credentials"
            );
        }
        let watch = Watch {
            cluster,
            poll: settings.poll.clone(),
            staleness: settings.metrics.staleness,
            client,
            one_of_many: count > 1,
        };
        let views = watch.start(&tracker, &stop);
        tracker.spawn(publish(views, Arc::clone(&exporter), stop.clone()));
    }
    let app = Arc::new(App::new(exporter, count, settings.web.telemetry_path));
    let serving = tokio::spawn(server.run(app, stop.clone()));

    told_to_end().await?;
    tracing::info!("ending: no more requests are taken");
    stop.cancel();
    tracker.close();
    let all = async {
        let _ = serving.await;
        tracker.wait().await;
    };
    if tokio::time::timeout(Duration::from_secs(10), all).await.is_err() {
        tracing::warn!("not everything ended within 10 s");
    }
    Ok(())
}

/// Renders each new view, away from the threads that answer.
async fn publish(
    mut views: tokio::sync::watch::Receiver<Arc<crate::observe::view::ClusterView>>,
    exporter: Arc<Exporter>,
    stop: CancellationToken,
) {
    loop {
        let view = Arc::clone(&views.borrow_and_update());
        let exporter = Arc::clone(&exporter);
        let rendered = tokio::task::spawn_blocking(move || exporter.publish(view));
        if rendered.await.is_err() {
            tracing::error!("rendering panicked");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            changed = views.changed() => if changed.is_err() { return },
        }
    }
}

async fn told_to_end() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot wait for SIGINT")?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
