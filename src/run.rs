//! The process: parse, validate before anything is bound, build, run, drain; exit codes.
//!
//! | exit code | meaning |
//! |---|---|
//! | 0 | ended as told |
//! | 1 | it could not start or go on, such as a port in use |
//! | 64 | bad flags or configuration; nothing was bound |

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context as _;
use clap::{CommandFactory as _, Parser as _, ValueEnum as _};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::check;
use crate::classify::classify;
use crate::cli::{Cli, Command, DemoFlags, Output, SimulateFlags};
use crate::config::{
    self, ClusterSettings, EXAMPLE, Flags, Settings, WatchdogMode, WatchdogSettings,
};
use crate::connect::ClusterClient;
use crate::logging;
use crate::metrics::Exporter;
use crate::observe::Classifier;
use crate::observe::watch::Watch;
use crate::sim;
use crate::simulate::{Counted, Scenario, simulate};
use crate::watchdog::engine::Engine;
use crate::watchdog::journal::Journal;
use crate::watchdog::policy::{Limits, Policy};
use crate::watchdog::view::WatchdogView;
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
        Command::Check(check) => with_settings(&check.flags, |settings, parts| {
            in_runtime(check::check(&settings, &parts.clients, check.probe, &mut out))
        }),
        Command::Classify(flags) => {
            let rules = flags.file.as_deref().map_or(Ok(Vec::new()), config::failure_rules);
            match rules.map_err(anyhow::Error::from).and_then(|rules| Ok(Classifier::new(&rules)?))
            {
                Ok(classifier) => {
                    finish(classify(&classifier, flags.trace.as_deref(), flags.output, &mut out))
                }
                Err(error) => usage(&error),
            }
        }
        Command::Simulate(flags) => match Scenario::named(&flags.scenario) {
            Ok(scenario) => finish(run_simulation(&scenario, &flags, &mut out)),
            Err(error) => usage(&anyhow::anyhow!("--scenario: {error}")),
        },
        Command::Run(flags) => {
            logging::init(&cli.log);
            with_settings(&flags, |settings, parts| in_runtime(serve(settings, parts)))
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

fn with_settings(flags: &Flags, then: impl FnOnce(Settings, Parts) -> ExitCode) -> ExitCode {
    let settings = config::build(flags).map_err(anyhow::Error::from);
    match settings.and_then(|settings| Ok((Parts::new(&settings)?, settings))) {
        Ok((parts, settings)) => then(settings, parts),
        Err(error) => usage(&error),
    }
}

fn usage(error: &anyhow::Error) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "connect-warden: {error:#}");
    ExitCode::from(USAGE)
}

/// What is built from the settings before anything is bound: reads certificates, connects to
/// nothing.
struct Parts {
    clients: Vec<ClusterClient>,
    classifier: Classifier,
}

impl Parts {
    fn new(settings: &Settings) -> anyhow::Result<Self> {
        let client = |cluster: &ClusterSettings| {
            ClusterClient::new(&cluster.connect)
                .with_context(|| format!("cluster {:?}", cluster.name))
        };
        Ok(Self {
            clients: settings.clusters.iter().map(client).collect::<Result<_, _>>()?,
            classifier: Classifier::new(&settings.failure_rules)?,
        })
    }
}

fn in_runtime(work: impl Future<Output = anyhow::Result<()>>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    finish(runtime.context("cannot start the runtime").and_then(|r| r.block_on(work)))
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

fn run_simulation(
    scenario: &Scenario,
    flags: &SimulateFlags,
    out: &mut impl std::io::Write,
) -> anyhow::Result<()> {
    if matches!(flags.output, Output::Table) {
        let columns = ["policy", "restarts", "wasted", "all up (min)", "peak/min"];
        let [policy, restarts, wasted, up, peak] = columns;
        writeln!(out, "{}, {} runs; mean (most)", scenario.name, flags.runs)?;
        writeln!(out, "{policy:<10}{restarts:>20}{wasted:>20}{up:>18}{peak:>16}")?;
    }
    for policy in &flags.policy {
        let result =
            simulate(scenario, *policy, &Policy::default(), flags.interval, flags.seed, flags.runs);
        match flags.output {
            Output::Json => writeln!(out, "{}", serde_json::to_string(&result)?)?,
            Output::Table => {
                let cell = |counted: Counted| format!("{} ({})", counted.mean, counted.max);
                let up = result.all_up_minutes.map_or_else(|| "-".to_owned(), cell);
                writeln!(
                    out,
                    "{:<10}{:>20}{:>20}{up:>18}{:>16}",
                    policy.to_possible_value().map_or(String::new(), |v| v.get_name().to_owned()),
                    cell(result.restarts),
                    cell(result.wasted_restarts),
                    cell(result.peak_per_minute)
                )?;
            }
        }
    }
    Ok(())
}

async fn demo(flags: DemoFlags) -> anyhow::Result<()> {
    let clusters = sim::demo::start(flags.seed).await.context("cannot start the simulation")?;
    let state = tempfile::tempdir().context("cannot make a folder for the journal")?;
    let mut settings = config::build(&Flags {
        urls: clusters.iter().flat_map(|(_, cluster)| cluster.urls()).collect(),
        listen: vec![flags.listen],
        interval: Some(flags.interval),
        watchdog_mode: Some(flags.mode),
        journal: Some(state.path().join("journal")),
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
    let parts = Parts::new(&settings)?;
    serve(settings, parts).await
}

async fn serve(settings: Settings, parts: Parts) -> anyhow::Result<()> {
    let Parts { clients, classifier } = parts;
    let journal = open_journal(&settings.watchdog).await?;
    let server = Server::bind(&settings.web).await?;
    for address in server.addresses() {
        let path = &settings.web.telemetry_path;
        let page = format!("http://{address}/");
        let metrics = format!("http://{address}{path}");
        tracing::info!(%address, page, metrics, "listening");
    }

    let stop = CancellationToken::new();
    let tracker = TaskTracker::new();
    let classifier = Arc::new(classifier);
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
        let client = Arc::new(client);
        let watch = Watch {
            cluster,
            poll: settings.poll.clone(),
            staleness: settings.metrics.staleness,
            client: Arc::clone(&client),
            classifier: Arc::clone(&classifier),
            one_of_many: count > 1,
        };
        let views = watch.start(&tracker, &stop);
        if settings.watchdog.mode != WatchdogMode::Off {
            let engine = journal.engine(client, &settings.watchdog);
            let (publish, published) = tokio::sync::watch::channel(Arc::default());
            tracker.spawn(engine.run(views.clone(), publish));
            tracker.spawn(publish_watchdog(published, Arc::clone(&exporter)));
        }
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

/// The journal, where one is needed.
struct Kept {
    journal: Option<Arc<Mutex<Journal>>>,
    lost: bool,
}

async fn open_journal(settings: &WatchdogSettings) -> anyhow::Result<Kept> {
    if settings.mode != WatchdogMode::On {
        return Ok(Kept { journal: None, lost: false });
    }
    let path = settings.journal.clone();
    let opened = tokio::task::spawn_blocking(move || Journal::open(&path)).await??;
    let file = settings.journal.display();
    match &opened.lost {
        None => tracing::info!(journal = %file, "what was done before is known"),
        Some(because) => tracing::warn!(
            journal = %file,
            because,
            hold = %humantime::format_duration(settings.journal_lost_hold),
            "what was done before is not known: nothing is restarted at first"
        ),
    }
    let lost = opened.lost.is_some();
    Ok(Kept { journal: Some(Arc::new(Mutex::new(opened.journal))), lost })
}

impl Kept {
    fn engine(&self, client: Arc<ClusterClient>, settings: &WatchdogSettings) -> Engine {
        Engine {
            client,
            journal: self.journal.clone(),
            journal_lost_for: if self.lost { settings.journal_lost_hold } else { Duration::ZERO },
            mode: settings.mode,
            stop_file: settings.stop_file.clone(),
            policy: Policy {
                mode: settings.mode,
                limits: Limits {
                    grace: settings.grace,
                    first_jitter: settings.first_jitter,
                    backoff_base: settings.backoff_base,
                    backoff_cap: settings.backoff_cap,
                    verify: settings.verify,
                    stale_status: settings.stale_status,
                    ..Limits::default()
                },
                ..Policy::default()
            },
        }
    }
}

/// Renders what a watchdog found, until it ends.
async fn publish_watchdog(
    mut views: tokio::sync::watch::Receiver<Arc<WatchdogView>>,
    exporter: Arc<Exporter>,
) {
    while views.changed().await.is_ok() {
        let view = Arc::clone(&views.borrow_and_update());
        let exporter = Arc::clone(&exporter);
        let _ = tokio::task::spawn_blocking(move || exporter.publish_watchdog(view)).await;
    }
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
