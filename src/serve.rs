//! Runs what the settings say: watches every cluster, serves what is known, until it is told to end.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, bail};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::config::{ClusterSettings, ProbeTarget, Settings, WatchdogMode, WatchdogSettings};
use crate::connect::ClusterClient;
use crate::metrics::Exporter;
use crate::observe::Classifier;
use crate::observe::view::ClusterView;
use crate::observe::watch::Watch;
use crate::tasks::{Panics, Tasks, blocking};
use crate::watchdog::audit::Audit;
use crate::watchdog::engine::Engine;
use crate::watchdog::journal::{Journal, Store};
use crate::watchdog::office::{KillSwitch, Office, ProcessBudget, Reach};
use crate::watchdog::orders::Orders;
use crate::watchdog::probe::Prober;
use crate::watchdog::view::WatchdogView;
use crate::web::access::Access;
use crate::web::{App, Clients, Server};

/// What is built from the settings before anything is bound: reads certificates, connects to
/// nothing. What is odd about them is added to the warnings.
pub(crate) struct Parts {
    pub(crate) clients: Vec<ClusterClient>,
    classifier: Classifier,
    pub(crate) access: Arc<Access>,
}

impl Parts {
    pub(crate) fn new(settings: &mut Settings) -> anyhow::Result<Self> {
        let client = |cluster: &ClusterSettings| {
            ClusterClient::new(&cluster.connect)
                .with_context(|| format!("cluster {:?}", cluster.name))
        };
        let clients = settings.clusters.iter().map(client).collect::<Result<_, _>>()?;
        let (access, odd) = Access::load(
            &settings.web.access,
            settings.web.external_origin.iter().cloned().collect(),
        )?;
        settings.warnings.extend(odd);
        Ok(Self {
            clients,
            classifier: Classifier::new(&settings.failure_rules)?,
            access: Arc::new(access),
        })
    }
}

pub(crate) async fn serve(settings: Settings, parts: Parts) -> anyhow::Result<()> {
    let Parts { clients, classifier, access } = parts;
    for warning in &settings.warnings {
        tracing::warn!("{warning}");
    }
    let office = Arc::new(open_office(&settings).await?);
    let server = Server::bind(&settings.web).await?;
    for address in server.addresses() {
        let path = &settings.web.telemetry_path;
        let scheme = access.scheme();
        let prefix = settings.web.route_prefix.trim_end_matches('/');
        let page = format!("{scheme}://{address}{prefix}/");
        let metrics = format!("{scheme}://{address}{prefix}{path}");
        tracing::info!(%address, page, metrics, "listening");
    }
    let stop = CancellationToken::new();
    let (tasks, mut panics) = Tasks::new();
    let exporter = Arc::new(Exporter::new(settings.metrics.state_series, Arc::clone(&office)));
    let start = Start {
        one_of_many: settings.clusters.len() > 1,
        classifier: Arc::new(classifier),
        watchdog: Arc::new(settings.watchdog),
        office: Arc::clone(&office),
        exporter: Arc::clone(&exporter),
        tasks: tasks.clone(),
        stop: stop.clone(),
    };
    let mut all = Clients::new();
    for (cluster, client) in settings.clusters.into_iter().zip(clients) {
        let client = Arc::new(client);
        all.insert(cluster.name.as_str().into(), Arc::clone(&client));
        let poll = settings.poll.clone();
        start.cluster(cluster, client, poll, settings.metrics.staleness);
    }
    let app = App::new(exporter, Arc::clone(&office), all, access, &settings.web, stop.clone());
    tasks.spawn("the HTTP server", server.run(Arc::new(app), stop.clone()));

    let told = told_to_end(&office.kill_switch, &mut panics).await;
    tracing::info!("ending: no more requests are taken");
    stop.cancel();
    if tokio::time::timeout(Duration::from_secs(10), tasks.ended()).await.is_err() {
        tracing::warn!("not everything ended within 10 s");
    }
    told
}

/// What the loops of each cluster are started with.
struct Start {
    one_of_many: bool,
    classifier: Arc<Classifier>,
    watchdog: Arc<WatchdogSettings>,
    office: Arc<Office>,
    exporter: Arc<Exporter>,
    tasks: Tasks,
    stop: CancellationToken,
}

impl Start {
    fn cluster(
        &self,
        cluster: ClusterSettings,
        client: Arc<ClusterClient>,
        poll: crate::config::PollSettings,
        staleness: Duration,
    ) {
        if cluster.connect.tls.insecure_skip_verify {
            tracing::warn!(
                cluster = cluster.name,
                "insecure_skip_verify: any certificate is accepted; whoever is between can read \
                 the credentials"
            );
        }
        let what = |what: &str| format!("{what} of cluster {:?}", cluster.name);
        let (watchdog, its_page, page) =
            (what("the watchdog"), what("what is told of the watchdog"), what("what is told"));
        let policy = self.watchdog.policy_of(&cluster.name, self.watchdog.mode);
        let name: Arc<str> = cluster.name.as_str().into();
        let watch = Watch {
            cluster,
            poll,
            staleness,
            client: Arc::clone(&client),
            classifier: Arc::clone(&self.classifier),
            one_of_many: self.one_of_many,
        };
        let views = watch.start(&self.tasks, &self.stop);
        if self.watchdog.mode == WatchdogMode::Off {
            self.exporter.publish_watchdog_off(name);
        } else {
            let (settings, office) = (Arc::clone(&self.watchdog), Arc::clone(&self.office));
            let classifier = Arc::clone(&self.classifier);
            let engine = Engine { client, policy, settings, office, classifier };
            let (publish, published) = watch::channel(Arc::default());
            self.tasks.spawn(watchdog, engine.run(views.clone(), publish, self.stop.clone()));
            self.tasks.spawn(its_page, publish_watchdog(published, Arc::clone(&self.exporter)));
        }
        self.tasks.spawn(page, publish(views, Arc::clone(&self.exporter), self.stop.clone()));
    }
}

/// What the watchdogs of all clusters share.
async fn open_office(settings: &Settings) -> anyhow::Result<Office> {
    let watchdog = &settings.watchdog;
    let names = || settings.clusters.iter().map(|cluster| cluster.name.as_str().into());
    let orders = Arc::new(Orders::beside(&watchdog.journal));
    let store: Option<Arc<Mutex<dyn Store>>> = match watchdog.mode {
        WatchdogMode::On => Some(Arc::new(Mutex::new(
            open_journal(Journal::new(&watchdog.journal, names())).await?,
        ))),
        WatchdogMode::Off | WatchdogMode::DryRun => None,
    };
    let prober = watchdog.probe.as_ref().map(|probe| {
        let targets = probe.targets.iter().map(ProbeTarget::to_target).collect();
        Arc::new(Prober::new(targets, probe.timeout))
    });
    Ok(Office {
        store,
        journal_lost_hold: watchdog.journal_lost_hold,
        kill_switch: Arc::new(KillSwitch::new(watchdog.stop_file.clone(), orders)),
        budget: ProcessBudget::new(watchdog.limits.process_budget),
        reach: Reach::of(names()),
        prober,
        audit: Arc::new(Audit::open(watchdog.audit.as_ref())),
    })
}

/// One that cannot be used now is no reason to end: the watchdog is held until it can.
async fn open_journal(mut journal: Journal) -> anyhow::Result<Journal> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let (journal, opened) = tokio::task::spawn_blocking(move || {
        let opened = journal.open(now);
        (journal, opened)
    })
    .await?;
    match opened {
        Ok(_) => {}
        Err(error) if error.may_pass() => {
            tracing::error!(%error, "nothing is restarted until the journal can be used");
        }
        Err(error) => return Err(error.into()),
    }
    Ok(journal)
}

/// Renders what a watchdog found, until it ends.
async fn publish_watchdog(mut views: watch::Receiver<Arc<WatchdogView>>, exporter: Arc<Exporter>) {
    while views.changed().await.is_ok() {
        let view = Arc::clone(&views.borrow_and_update());
        let exporter = Arc::clone(&exporter);
        blocking(move || exporter.publish_watchdog(view)).await;
    }
}

/// Renders each new view, away from the threads that answer.
async fn publish(
    mut views: watch::Receiver<Arc<ClusterView>>,
    exporter: Arc<Exporter>,
    stop: CancellationToken,
) {
    loop {
        let view = Arc::clone(&views.borrow_and_update());
        let exporter = Arc::clone(&exporter);
        blocking(move || exporter.publish(view)).await;
        tokio::select! {
            () = stop.cancelled() => return,
            changed = views.changed() => if changed.is_err() { return },
        }
    }
}

/// SIGTERM and SIGINT end, and so does a task that panicked, which is an error; SIGUSR1 turns the kill
/// switch on, SIGUSR2 off.
async fn told_to_end(kill_switch: &KillSwitch, panics: &mut Panics) -> anyhow::Result<()> {
    let on = |kind, name| signal(kind).with_context(|| format!("cannot wait for {name}"));
    let mut terminate = on(SignalKind::terminate(), "SIGTERM")?;
    let mut interrupt = on(SignalKind::interrupt(), "SIGINT")?;
    let mut stop = on(SignalKind::user_defined1(), "SIGUSR1")?;
    let mut go = on(SignalKind::user_defined2(), "SIGUSR2")?;
    loop {
        tokio::select! {
            _ = terminate.recv() => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            _ = stop.recv() => kill_switch.turn(true),
            _ = go.recv() => kill_switch.turn(false),
            what = panics.next() => bail!(
                "{what} panicked, which is a defect of this program: please report it with the log"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_watchdog_that_panics_ends_the_process_and_is_named() {
        let (tasks, mut panics) = Tasks::new();
        let orders = tempfile::tempdir().unwrap();
        let kill_switch = KillSwitch::new(None, Arc::new(Orders::at(orders.path().join("orders"))));
        tasks.spawn("the watchdog of cluster \"a\"", async { panic!("on purpose") });
        let error = told_to_end(&kill_switch, &mut panics).await.unwrap_err();
        assert!(error.to_string().starts_with("the watchdog of cluster \"a\" panicked"), "{error}");
    }
}
