//! What is said after each verb.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use clap_complete::engine::ArgValueCompleter;

use super::super::complete;

/// Connectors, at least one.
#[derive(Args, Debug)]
pub struct Names {
    /// Names, or patterns with * and ?
    #[arg(required = true, value_name = "CONNECTOR", add = ArgValueCompleter::new(complete::connectors))]
    pub names: Vec<String>,
    /// They are regular expressions of whole names
    #[arg(short = 'e', long)]
    pub regex: bool,
}

/// Connectors; all where none is named.
#[derive(Args, Debug)]
pub struct NamesOrAll {
    /// Names, or patterns with * and ? [default: all]
    #[arg(value_name = "CONNECTOR", add = ArgValueCompleter::new(complete::connectors))]
    pub names: Vec<String>,
    /// They are regular expressions of whole names
    #[arg(short = 'e', long)]
    pub regex: bool,
}

/// One connector.
#[derive(Args, Debug)]
pub struct Name {
    /// Its name
    #[arg(value_name = "CONNECTOR", add = ArgValueCompleter::new(complete::connectors))]
    pub name: String,
}

/// What `get` lists.
#[derive(Args, Debug)]
pub struct GetFlags {
    /// What
    #[command(subcommand)]
    pub what: Resource,
}

/// What can be listed.
#[derive(Debug, Subcommand)]
pub enum Resource {
    /// Connectors with their state
    #[command(visible_alias = "connector")]
    Connectors(NamesOrAll),
    /// Tasks with their state
    #[command(visible_alias = "task")]
    Tasks(NamesOrAll),
    /// Workers, those at the URLs and those that statuses name
    #[command(visible_alias = "worker")]
    Workers,
    /// Plugins of the worker that is asked
    #[command(visible_alias = "plugin")]
    Plugins {
        /// Converters, transformations and the like too (3.2 and later)
        #[arg(long)]
        all: bool,
    },
    /// Loggers of the worker that is asked (2.4 and later)
    #[command(visible_alias = "logger")]
    Loggers,
    /// Topics that a connector used (2.5 and later)
    #[command(visible_alias = "topic")]
    Topics(Name),
    /// How far a connector got (3.5 and later)
    #[command(visible_alias = "offset")]
    Offsets(Name),
    /// A connector's configuration
    Config(Name),
}

/// What `describe` tells of.
#[derive(Args, Debug)]
pub struct DescribeFlags {
    /// What
    #[command(subcommand)]
    pub what: Described,
}

/// What can be described.
#[derive(Debug, Subcommand)]
pub enum Described {
    /// A connector: state, tasks, configuration, topics
    Connector(Names),
    /// A task: state, configuration, trace
    Task {
        /// CONNECTOR/TASK, such as orders/0
        #[arg(value_name = "CONNECTOR/TASK")]
        task: String,
    },
    /// A worker: version, health, what runs on it
    Worker {
        /// As `get workers` lists it, such as connect-1:8083
        #[arg(value_name = "WORKER")]
        worker: String,
    },
    /// A plugin: what can be configured (3.2 and later)
    Plugin {
        /// Its class, or the end of it
        #[arg(value_name = "CLASS")]
        class: String,
    },
}

/// What `restart` restarts.
#[derive(Args, Debug)]
pub struct RestartFlags {
    /// Names, patterns with * and ?, or single tasks as CONNECTOR/TASK
    #[arg(required = true, value_name = "CONNECTOR[/TASK]", add = ArgValueCompleter::new(complete::connectors))]
    pub units: Vec<String>,
    /// They are regular expressions of whole names of connectors
    #[arg(short = 'e', long)]
    pub regex: bool,
    /// Only what is FAILED: the connector's own instance and its tasks
    #[arg(long)]
    pub failed: bool,
    /// The tasks too; without it a connector's own instance alone is restarted
    #[arg(long)]
    pub include_tasks: bool,
}

/// Where configurations are read from.
#[derive(Args, Debug)]
pub struct FileFlags {
    /// JSON, YAML or properties; - is standard input
    #[arg(short = 'f', long = "filename", required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The connector's name, where the file has none
    #[arg(long, value_name = "CONNECTOR")]
    pub name: Option<String>,
}

/// What `create` and `apply` read.
#[derive(Args, Debug)]
pub struct ApplyFlags {
    /// The files
    #[command(flatten)]
    pub from: FileFlags,
    /// Only ask the plugin whether it is right, and say what would be done
    #[arg(long)]
    pub dry_run: bool,
}

/// What `patch` changes.
#[derive(Args, Debug)]
#[command(group = clap::ArgGroup::new("changes").required(true).multiple(true))]
pub struct PatchFlags {
    /// The connector
    #[arg(value_name = "CONNECTOR", add = ArgValueCompleter::new(complete::connectors))]
    pub name: String,
    /// KEY=VALUE sets a key, KEY- removes it
    #[arg(short, long, num_args = 1.., value_name = "KEY=VALUE|KEY-", group = "changes")]
    pub patch: Vec<String>,
    /// Keys and values as JSON, YAML or properties, where null removes a key; - is standard input
    #[arg(short = 'f', long = "filename", value_name = "FILE", group = "changes")]
    pub file: Option<PathBuf>,
}

/// What is done with offsets.
#[derive(Args, Debug)]
pub struct OffsetsFlags {
    /// What
    #[command(subcommand)]
    pub what: Offsets,
}

/// What can be done with offsets.
#[derive(Debug, Subcommand)]
pub enum Offsets {
    /// How far it got
    Get(Name),
    /// Forget how far it got; the connector must be stopped (3.6 and later)
    Reset(Name),
    /// Set how far it got; the connector must be stopped (3.6 and later)
    Alter {
        /// The connector
        #[arg(value_name = "CONNECTOR", add = ArgValueCompleter::new(complete::connectors))]
        name: String,
        /// JSON or YAML as `offsets get --output=json` writes it; - is standard input
        #[arg(short = 'f', long = "filename", value_name = "FILE")]
        file: PathBuf,
    },
}

/// What is done with topics.
#[derive(Args, Debug)]
pub struct TopicsFlags {
    /// What
    #[command(subcommand)]
    pub what: Topics,
}

/// What can be done with topics.
#[derive(Debug, Subcommand)]
pub enum Topics {
    /// Which topics it used
    Get(Name),
    /// Forget which topics it used
    Reset(Name),
}

/// What is done with log levels.
#[derive(Args, Debug)]
pub struct LoggersFlags {
    /// What
    #[command(subcommand)]
    pub what: Loggers,
}

/// What can be done with log levels.
#[derive(Debug, Subcommand)]
pub enum Loggers {
    /// The levels
    Get {
        /// One logger [default: all]
        logger: Option<String>,
    },
    /// Set a level
    Set {
        /// Such as root, or org.apache.kafka.connect
        logger: String,
        /// TRACE, DEBUG, INFO, WARN, ERROR, FATAL or OFF
        #[arg(id = "logger_level", value_name = "LEVEL", ignore_case = true,
            value_parser = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL", "OFF"])]
        to: String,
        /// Of the worker that is asked, or of all (3.7 and later)
        #[arg(long, value_enum, default_value_t)]
        scope: Scope,
    },
}

/// Whose log level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Scope {
    /// The worker that is asked
    #[default]
    Worker,
    /// Every worker
    Cluster,
}

/// What `wait` waits for.
#[derive(Args, Debug)]
pub struct WaitFlags {
    /// The connectors
    #[command(flatten)]
    pub of: Names,
    /// Running and paused are of the connector and all its tasks; failed is of any of them
    #[arg(id = "wait_for", long = "for", value_enum, value_name = "STATE")]
    pub wanted: Wanted,
}

/// What can be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Wanted {
    /// The connector and all its tasks are RUNNING
    Running,
    /// The connector is STOPPED and has no task
    Stopped,
    /// The connector and all its tasks are PAUSED
    Paused,
    /// The connector or a task is FAILED
    Failed,
    /// The connector is not listed
    Deleted,
}

/// How `top` looks.
#[derive(Args, Debug)]
pub struct TopFlags {
    /// From one look at the cluster to the next
    #[arg(id = "top_interval", long = "interval", default_value = "2s", value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub interval: Duration,
}

/// What is done with contexts.
#[derive(Args, Debug)]
pub struct ConfigFlags {
    /// What
    #[command(subcommand)]
    pub what: ContextVerb,
}

/// What can be done with contexts.
#[derive(Debug, Subcommand)]
pub enum ContextVerb {
    /// List them
    GetContexts,
    /// The one that is meant where nothing is said
    CurrentContext,
    /// Make one the current one
    UseContext {
        /// Its name
        #[arg(add = ArgValueCompleter::new(complete::contexts))]
        name: String,
    },
    /// Add or replace one; --connect.url says where it is
    SetContext(SetContextFlags),
    /// Remove one
    DeleteContext {
        /// Its name
        #[arg(add = ArgValueCompleter::new(complete::contexts))]
        name: String,
    },
}

/// What `set-context` writes.
#[derive(Args, Debug)]
pub struct SetContextFlags {
    /// Its name
    pub name: String,
    /// The user, for basic authentication
    #[arg(long, value_name = "NAME")]
    pub username: Option<String>,
    /// A file with the user's password
    #[arg(long = "password.file", value_name = "FILE", requires = "username")]
    pub password_file: Option<String>,
    /// A variable of the environment with the user's password
    #[arg(long = "password.env", value_name = "VARIABLE", requires = "username")]
    pub password_env: Option<String>,
    /// A file with a bearer token
    #[arg(long = "bearer-token.file", value_name = "FILE")]
    pub token_file: Option<String>,
    /// A variable of the environment with a bearer token
    #[arg(long = "bearer-token.env", value_name = "VARIABLE")]
    pub token_env: Option<String>,
    /// PEM file of the authorities to trust in place of the system's
    #[arg(long = "tls.ca-file", value_name = "FILE")]
    pub ca_file: Option<String>,
    /// PEM file of the client certificate
    #[arg(long = "tls.cert-file", value_name = "FILE")]
    pub cert_file: Option<String>,
    /// PEM file of the client certificate's key
    #[arg(long = "tls.key-file", value_name = "FILE")]
    pub key_file: Option<String>,
}
