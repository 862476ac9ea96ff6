//! The command line of `watchdog`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use crate::cli::Output;

/// What `watchdog` does, and to which one. Who is asked for the journal here was asked for it by
/// `run` too: its flags and its environment count where these are left out.
#[derive(Args, Debug)]
pub struct OrderFlags {
    /// The order
    #[command(subcommand)]
    pub order: Order,
    /// The journal of the watchdog that is meant; orders are beside it [default: as for run]
    #[arg(id = "order_journal", long = "watchdog.journal", value_name = "FILE", global = true)]
    pub journal: Option<PathBuf>,
    /// The YAML file of the watchdog that is meant
    #[arg(id = "order_config", long = "config.file", value_name = "FILE", global = true)]
    pub file: Option<PathBuf>,
    /// Whose order it is [default: $SUDO_USER, else $USER, else the user's id]
    #[arg(long, value_name = "NAME", global = true)]
    pub by: Option<String>,
}

/// The orders.
#[derive(Debug, Subcommand)]
pub enum Order {
    /// Restart nothing at all, from now on until `go`
    Stop {
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Take `stop` back
    Go,
    /// Leave some connectors alone for a while
    Silence {
        /// A regular expression that matches the whole names of connectors
        #[arg(long, value_name = "PATTERN")]
        connector: String,
        /// The same for clusters [default: all]
        #[arg(long, value_name = "PATTERN")]
        cluster: Option<String>,
        /// For how long, such as 2h or 1h 30m; at most 24h
        #[arg(long = "for", value_name = "DURATION", value_parser = humantime::parse_duration)]
        time: Duration,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Take a silence back
    Unsilence {
        /// As `silence` and `orders` say it
        id: String,
    },
    /// Forget what was tried with a unit, such as one that was given up: it is tried afresh
    Acknowledge {
        /// The cluster's name
        #[arg(long, value_name = "NAME")]
        cluster: String,
        /// The connector's name
        #[arg(long, value_name = "NAME")]
        connector: String,
        /// The task; all of the connector where it is left out
        #[arg(long, value_name = "N")]
        task: Option<u32>,
    },
    /// Say which orders are in force
    Orders {
        /// How it is written
        #[arg(long, value_enum, default_value_t)]
        output: Output,
    },
}
