//! The binary as somebody types it, and clusters to type at.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use connect_warden::sim::{SimCluster, SimConfig};
use tempfile::TempDir;

pub(crate) const FILE_SINK: &str = "org.apache.kafka.connect.file.FileStreamSinkConnector";
pub(crate) const REFUSED: &str = "org.apache.kafka.connect.errors.ConnectException: Exiting WorkerSinkTask due to unrecoverable exception.\n\tat org.apache.kafka.connect.runtime.WorkerSinkTask.deliverMessages(WorkerSinkTask.java:636)\nCaused by: java.net.ConnectException: Connection refused: db.example:5432";

/// What was said, and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) error: String,
}

/// Somebody's shell before a cluster, with a home of its own.
pub(crate) struct Shell {
    pub(crate) cluster: SimCluster,
    pub(crate) home: TempDir,
}

impl Shell {
    pub(crate) async fn at(version: &str) -> Self {
        let config = SimConfig { version: version.to_owned(), workers: 2, ..SimConfig::default() };
        let cluster = SimCluster::start(config).await.unwrap();
        Self { cluster, home: tempfile::tempdir().unwrap() }
    }

    /// Three connectors, of which `orders` has a FAILED task and `x y` is paused.
    pub(crate) async fn with_three(version: &str) -> Self {
        let shell = Self::at(version).await;
        let cluster = &shell.cluster;
        cluster.create(
            "orders",
            &[
                ("connector.class", FILE_SINK),
                ("tasks.max", "2"),
                ("topics", "orders"),
                ("database.password", "s3cret"),
                ("api.token", "${env:TOKEN}"),
            ],
        );
        cluster.create("orders-2", &[("connector.class", FILE_SINK), ("tasks.max", "1")]);
        cluster.create("x y", &[("connector.class", FILE_SINK), ("tasks.max", "1")]);
        cluster.fail_task("orders", 1, REFUSED, false);
        cluster.set_state("x y", None, "PAUSED", None);
        cluster.set_state("x y", Some(0), "PAUSED", None);
        cluster.take_requests();
        shell
    }

    pub(crate) fn url(&self) -> String {
        format!("--connect.url={}", self.cluster.urls()[0])
    }

    /// A command with nothing of this machine's in its environment.
    pub(crate) fn bare(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_connect-warden"));
        command.env_clear().env("HOME", self.home.path()).arg("ctl").args(words);
        command.current_dir(self.home.path()).stdin(Stdio::null());
        command
    }

    /// Types it at the cluster.
    pub(crate) fn say(&self, words: &[&str]) -> Said {
        said(self.bare(words).arg(self.url()))
    }

    /// The same, and it must end well; gives what was written.
    pub(crate) fn done(&self, words: &[&str]) -> String {
        let said = self.say(words);
        assert_eq!(said.code, Some(0), "{words:?}: {}{}", said.out, said.error);
        said.out
    }

    /// What is written with the ports of the workers made the same everywhere.
    pub(crate) fn steady(&self, text: &str) -> String {
        let text = text.replace(&self.cluster.worker_id(0), "127.0.0.1:18083");
        text.replace(&self.cluster.worker_id(1), "127.0.0.1:18084")
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.home.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    /// What was asked of the cluster that may change it.
    pub(crate) fn changes(&self) -> Vec<String> {
        let all = self.cluster.take_requests();
        all.into_iter().filter(|request| !request.starts_with("GET ")).collect()
    }
}

pub(crate) fn said(command: &mut Command) -> Said {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code(), out: text(output.stdout), error: text(output.stderr) }
}

/// The same with something on standard input.
pub(crate) fn said_with(command: &mut Command, input: &str) -> Said {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It may refuse its arguments before it has read everything.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code(), out: text(output.stdout), error: text(output.stderr) }
}

/// Compares with a file in `golden`; `CONNECT_WARDEN_BLESS=1` writes it.
pub(crate) fn golden(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ctl/golden").join(name);
    if std::env::var_os("CONNECT_WARDEN_BLESS").is_some() {
        std::fs::write(&path, found).unwrap();
    }
    let wanted = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == wanted,
        "{name} differs (CONNECT_WARDEN_BLESS=1 takes it):\n--- wanted\n{wanted}\n--- found\n{found}"
    );
}
