//! The command line of `ctl`: kcctl's and kubectl's words. Each verb's own is in `verbs`.

mod verbs;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use clap_complete::engine::ArgValueCompleter;

use super::complete;
pub use verbs::*;

/// What `ctl` does, and to which cluster.
#[derive(Args, Debug)]
#[command(arg_required_else_help = true)]
pub struct CtlFlags {
    /// What is done
    #[command(subcommand)]
    pub verb: Verb,
    /// To which cluster, and how it is written
    #[command(flatten)]
    pub global: Global,
}

/// Which cluster, and how it is written; taken before and after the verb.
#[derive(Args, Debug)]
#[command(next_help_heading = "Of every verb")]
pub struct Global {
    /// Base URL of a worker; repeat it for the other workers of the same cluster
    #[arg(
        id = "ctl_url",
        long = "connect.url",
        value_name = "URL",
        value_delimiter = ',',
        global = true
    )]
    pub urls: Vec<String>,
    /// A cluster of the contexts file [default: the current one]
    #[arg(id = "ctl_context", long = "context", value_name = "NAME", global = true,
        add = ArgValueCompleter::new(complete::contexts))]
    pub context: Option<String>,
    /// A warden's configuration that has the cluster
    #[arg(id = "ctl_file", long = "config.file", value_name = "FILE", global = true)]
    pub file: Option<PathBuf>,
    /// Which cluster of that configuration, where it has several
    #[arg(id = "ctl_cluster", long = "cluster", value_name = "NAME", global = true)]
    pub cluster: Option<String>,
    /// How it is written
    #[arg(
        id = "ctl_output",
        short = 'o',
        long = "output",
        value_name = "FORM",
        value_enum,
        default_value_t,
        global = true
    )]
    pub output: Output,
    /// Show what is masked in configurations and messages
    #[arg(id = "ctl_secrets", long = "show-secrets", global = true)]
    pub show_secrets: bool,
    /// No colours on a terminal; $NO_COLOR does the same
    #[arg(id = "ctl_no_color", long = "no-color", global = true)]
    pub no_color: bool,
    /// Do it without asking
    #[arg(id = "ctl_yes", short = 'y', long = "yes", global = true)]
    pub yes: bool,
    /// Time for one request; of `wait`: for all of it [default: 30s, wait: 60s]
    #[arg(id = "ctl_timeout", long = "timeout", value_name = "DURATION", value_parser = humantime::parse_duration, global = true)]
    pub timeout: Option<Duration>,
}

/// How it is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// Columns
    #[default]
    Table,
    /// More columns
    Wide,
    /// JSON, indented
    Json,
    /// YAML
    Yaml,
    /// Names alone, one a line, such as connector/orders
    Name,
}

/// What is done.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// List things, or print a configuration
    Get(GetFlags),
    /// Say everything there is about one thing
    Describe(DescribeFlags),
    /// Connectors and each of their tasks, with the cause of what is FAILED
    Status(NamesOrAll),
    /// Restart connectors or single tasks
    Restart(RestartFlags),
    /// Pause connectors: their tasks stay assigned and do nothing
    Pause(Names),
    /// Resume connectors that are paused or stopped
    Resume(Names),
    /// Stop connectors: their tasks are gone until they are resumed (3.5 and later)
    Stop(Names),
    /// Delete connectors
    Delete(Names),
    /// Create connectors from files; they must not be there
    Create(ApplyFlags),
    /// Create connectors from files, or give them the files' configuration
    Apply(ApplyFlags),
    /// Change some keys of a connector's configuration
    Patch(PatchFlags),
    /// Ask the plugin whether configurations are right
    Validate(FileFlags),
    /// Compare files with the running configuration; exit code 1 where they differ
    Diff(FileFlags),
    /// Say why connectors are FAILED, and what to do
    Explain(NamesOrAll),
    /// Read or change how far a connector got (3.5 and later)
    Offsets(OffsetsFlags),
    /// Which topics a connector used (2.5 and later)
    Topics(TopicsFlags),
    /// Read or change log levels (2.4 and later)
    Loggers(LoggersFlags),
    /// Wait until connectors are in a state; exit code 1 when the time is over
    Wait(WaitFlags),
    /// A live view of the whole screen
    Top(TopFlags),
    /// The contexts: clusters by name
    Config(ConfigFlags),
}
