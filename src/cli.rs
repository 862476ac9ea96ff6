//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::config::{Flags, StateSeries, WatchdogMode};
use crate::ctl::CtlFlags;
use crate::order::OrderFlags;
use crate::replay::Format;
use crate::simulate::PolicyName;

/// Watches Kafka Connect clusters over their REST API and exports what is true of them.
#[derive(Debug, Parser)]
#[command(name = "connect-warden", version, about, max_term_width = 100)]
#[command(subcommand_negates_reqs = true, args_conflicts_with_subcommands = false)]
pub struct Cli {
    /// What to do; `run` where nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// What `run` does.
    #[command(flatten)]
    pub flags: Flags,
    /// How it is logged.
    #[command(flatten)]
    pub log: LogFlags,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Watch clusters and serve their metrics (the default)
    Run(Box<Flags>),
    /// The same on simulated clusters in which things fail
    Demo(DemoFlags),
    /// Read the configuration and say what is wrong with it
    Check(Box<CheckFlags>),
    /// Say what a failed task's stack trace comes to, and what to look at next
    Classify(ClassifyFlags),
    /// Run the restart policy, or the rules of others, against a model of a fleet that fails
    Simulate(SimulateFlags),
    /// Give orders to a watchdog on this host: stop, leave connectors alone, try one afresh
    Watchdog(OrderFlags),
    /// A cluster in the shell: list, restart, apply, explain, wait, watch
    Ctl(Box<CtlFlags>),
    /// Run a recorded history through the restart policy: what would it have done?
    Replay(ReplayFlags),
    /// Write a complete, commented configuration file to standard output
    GenerateConfig,
    /// Write completions for a shell to standard output
    Completions {
        /// Which shell
        shell: Shell,
    },
}

/// What `demo` does.
#[derive(Args, Debug)]
pub struct DemoFlags {
    /// Address to listen on; port 0 takes a free one
    #[arg(
        long = "web.listen-address",
        env = "CONNECT_WARDEN_WEB_LISTEN_ADDRESS",
        default_value = "127.0.0.1:9783"
    )]
    pub listen: String,
    /// From the start of one poll of a cluster to the start of the next
    #[arg(long = "poll.interval", env = "CONNECT_WARDEN_POLL_INTERVAL", default_value = "2s", value_parser = humantime::parse_duration)]
    pub interval: Duration,
    /// Whether what is stuck is restarted
    #[arg(long = "watchdog.mode", value_enum, default_value_t)]
    pub mode: WatchdogMode,
    /// All states with 0 and 1, or only the current one [default: full]
    #[arg(long = "metrics.state-series", value_enum)]
    pub state_series: Option<StateSeries>,
    /// What happens is made from this number
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// What `check` does.
#[derive(Args, Debug)]
pub struct CheckFlags {
    /// Ask the clusters too: what answers, which version, what it may do
    #[arg(long)]
    pub probe: bool,
    /// The configuration to check
    #[command(flatten)]
    pub flags: Flags,
}

/// What `classify` does.
#[derive(Args, Debug)]
pub struct ClassifyFlags {
    /// The trace; standard input where there is none or `-`
    pub trace: Option<PathBuf>,
    /// A YAML file whose failure_rules come first
    #[arg(long = "config.file", value_name = "FILE", env = "CONNECT_WARDEN_CONFIG_FILE")]
    pub file: Option<PathBuf>,
    /// How it is written
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}

/// What `simulate` does.
#[derive(Args, Debug)]
pub struct SimulateFlags {
    /// poison, flap, outage (-5, -50, -1000, -short, -long), trickle, two-dependencies, mixed,
    /// rolling-restart, worker-crash, rebalance-storm, or a YAML file
    #[arg(long, default_value = "outage")]
    pub scenario: String,
    /// Whose rules; repeatable
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [PolicyName::Warden])]
    pub policy: Vec<PolicyName>,
    /// What fails can be probed, and is before a canary
    #[arg(long)]
    pub probe: bool,
    /// This program's rules as this YAML file has them, in place of the defaults
    #[arg(long = "config.file", value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// What is random is made from this number; each run has the next one
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// How many runs
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub runs: u64,
    /// How often this program looks [default: the file's, or 15s]
    #[arg(long = "poll.interval", value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub interval: Option<Duration>,
    /// How it is written
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}

/// What `replay` does.
#[derive(Args, Debug)]
pub struct ReplayFlags {
    /// Journals, audit logs or answers of Prometheus to range queries, all of one kind; - is
    /// standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// By what it was recorded [default: told by the file]
    #[arg(long = "format", id = "replay-format", value_enum)]
    pub recorded_by: Option<Format>,
    /// The rules as this YAML file has them, in place of the defaults
    #[arg(long = "config.file", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// From one poll to the next [default: the file's, or 15s]
    #[arg(long = "poll.interval", value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub interval: Option<Duration>,
    /// How many units there were, where the record names only those that failed
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = units)]
    pub units: usize,
    /// What is random is made from this number
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// How it is written
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}

fn units(text: &str) -> Result<usize, String> {
    let found = text.parse().ok().filter(|units| *units <= 1_000_000);
    found.ok_or_else(|| "a number up to 1000000 is wanted".to_owned())
}

/// How a command writes what it found.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum Output {
    /// For people
    #[default]
    Table,
    /// For programs
    Json,
}

/// How it is logged, on standard error.
#[derive(Args, Clone, Debug)]
pub struct LogFlags {
    /// Least level that is logged: error, warn, info, debug or trace
    #[arg(
        long = "log.level",
        env = "CONNECT_WARDEN_LOG_LEVEL",
        default_value = "info",
        global = true
    )]
    pub level: tracing::Level,
    /// Form of a log line
    #[arg(
        long = "log.format",
        env = "CONNECT_WARDEN_LOG_FORMAT",
        value_enum,
        default_value_t,
        global = true
    )]
    pub format: LogFormat,
}

/// Form of a log line.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum LogFormat {
    /// key=value
    #[default]
    Logfmt,
    /// One JSON object a line
    Json,
}
