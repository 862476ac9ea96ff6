//! What needs a terminal: `top`, questions and colours, in tmux.

use std::cell::Cell;
use std::process::Command;
use std::time::Duration;

use connect_warden::sim::{SimCluster, SimConfig};
use tempfile::TempDir;

use crate::support::warden::eventually;

const SOON: Duration = Duration::from_secs(30);
const REFUSED: &str = "a.B: x\nCaused by: java.net.ConnectException: Connection refused";

/// A terminal of its own; ended when dropped.
struct Terminal {
    folder: TempDir,
    runs: Cell<u32>,
}

impl Terminal {
    fn open() -> Self {
        let terminal = Self { folder: tempfile::tempdir().unwrap(), runs: Cell::new(0) };
        terminal.tmux(&["-f", "/dev/null", "new-session", "-d", "-x", "120", "-y", "16", "sh"]);
        // The prompt is ready when it answers.
        terminal.keys(&["PS1='> '; echo ready-$((1+1))", "Enter"]);
        terminal.shows("ready-2");
        terminal
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("tmux");
        command.env("HOME", self.folder.path()).env_remove("TMUX").arg("-S");
        command.arg(self.folder.path().join("socket")).args(arguments);
        let output = command.output().expect("tmux is installed: apt-get install tmux");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "tmux {arguments:?}: {error}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn keys(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys"], keys].concat());
    }

    fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p"])
    }

    fn shows(&self, text: &str) -> String {
        eventually(&format!("{text:?} is on the screen"), SOON, || {
            let screen = self.screen();
            screen.contains(text).then_some(screen)
        })
    }

    fn shows_not(&self, text: &str) {
        eventually(&format!("{text:?} is not on the screen"), SOON, || {
            (!self.screen().contains(text)).then_some(())
        });
    }

    fn run(&self, cluster: &SimCluster, words: &str) {
        let program = env!("CARGO_BIN_EXE_connect-warden");
        let url = cluster.urls().join(",");
        self.runs.set(self.runs.get() + 1);
        let end = format!("echo run-{}-code-$?", self.runs.get());
        self.keys(&[&format!("clear; {program} ctl --connect.url={url} {words}; {end}"), "Enter"]);
    }

    /// The screen after the last run, which ended with this code.
    fn ended(&self, code: u32) -> String {
        self.shows(&format!("run-{}-code-{code}", self.runs.get()))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("the screen:\n{}", self.screen());
        }
        self.tmux(&["kill-server"]);
    }
}

async fn cluster() -> SimCluster {
    let cluster =
        SimCluster::start(SimConfig { workers: 2, ..SimConfig::default() }).await.unwrap();
    for name in ["audit", "orders", "zeta"] {
        cluster.create(name, &[("connector.class", "org.example.Sink"), ("tasks.max", "2")]);
    }
    cluster
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs tmux"]
async fn top_is_live_sorts_filters_and_leaves_the_terminal_as_it_was() {
    let (cluster, terminal) = (cluster().await, Terminal::open());
    terminal.run(&cluster, "top --interval=200ms");
    let screen = terminal.shows("3 connectors, 6 tasks  6 RUNNING");
    let line = |screen: &str, name: &str| screen.lines().position(|line| line.starts_with(name));
    assert!(line(&screen, "audit") < line(&screen, "zeta"), "{screen}");

    cluster.fail_task("zeta", 1, REFUSED, true);
    let screen = terminal.shows("1 FAILED");
    assert!(
        screen.contains("TRANSIENT: java.net.ConnectException: Connection refused"),
        "{screen}"
    );
    assert!(line(&screen, "zeta") < line(&screen, "audit"), "what is worst is first: {screen}");
    terminal.keys(&["s"]);
    let screen = terminal.shows("s sort: name");
    assert!(line(&screen, "audit") < line(&screen, "zeta"), "{screen}");
    terminal.keys(&["f"]);
    terminal.shows_not("audit");
    terminal.keys(&["f", "Tab"]);
    terminal.shows("orders/1");
    terminal.keys(&["/", "zet", "Enter"]);
    terminal.shows_not("orders/1");
    assert!(terminal.screen().contains("filter: zet"));
    terminal.keys(&["Escape"]);
    terminal.shows("orders/1");
    terminal.tmux(&["resize-window", "-x", "60", "-y", "10"]);
    terminal.shows("audit/0");
    terminal.tmux(&["resize-window", "-x", "120", "-y", "16"]);

    cluster.kill_worker(0);
    terminal.shows("6 tasks");
    cluster.kill_worker(1);
    let screen = terminal.shows("no connection");
    assert!(screen.contains("zeta/1"), "what was known stays: {screen}");
    cluster.start_worker(0).await.unwrap();
    terminal.shows_not("no connection");
    terminal.keys(&["q"]);
    let screen = terminal.ended(0);
    assert!(!screen.contains("zeta/1"), "the screen is the shell's again: {screen}");
    terminal.keys(&["echo typed", "Enter"]);
    terminal.shows("\ntyped\n");
    terminal.run(&cluster, "top");
    terminal.shows("3 connectors");
    terminal.keys(&["C-c"]);
    terminal.ended(0);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs tmux"]
async fn a_question_is_asked_and_only_a_yes_is_a_yes() {
    let (cluster, terminal) = (cluster().await, Terminal::open());
    for answer in ["", "n", "yess"] {
        terminal.run(&cluster, "delete 'a*' orders");
        let screen = terminal.shows("go on? [y/N]");
        assert!(screen.contains("  audit\n  orders\n"), "{screen}");
        terminal.keys(&[answer, "Enter"]);
        let screen = terminal.ended(1);
        assert!(screen.contains("nothing was done"), "{screen}");
    }
    let deletes =
        |asked: Vec<String>| asked.into_iter().filter(|r| r.starts_with("DELETE")).count();
    assert_eq!(deletes(cluster.take_requests()), 0);
    terminal.run(&cluster, "delete 'a*' orders");
    terminal.shows("go on? [y/N]");
    terminal.keys(&["y", "Enter"]);
    let screen = terminal.ended(0);
    assert!(screen.contains("connector/audit deleted\nconnector/orders deleted"), "{screen}");
    assert_eq!(deletes(cluster.take_requests()), 2);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs tmux"]
async fn colours_are_for_terminals_that_want_them() {
    let (cluster, terminal) = (cluster().await, Terminal::open());
    cluster.fail_task("zeta", 1, REFUSED, true);
    let red = || terminal.tmux(&["capture-pane", "-p", "-e"]).contains("\u{1b}[31mFAILED");
    terminal.run(&cluster, "status");
    terminal.ended(0);
    assert!(red());
    for words in ["status --no-color", "status | cat"] {
        terminal.run(&cluster, words);
        terminal.ended(0);
        assert!(!red(), "{words}");
    }
    terminal.keys(&["export NO_COLOR=1", "Enter"]);
    terminal.run(&cluster, "status");
    terminal.ended(0);
    assert!(!red());
}
