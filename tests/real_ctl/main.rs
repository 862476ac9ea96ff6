//! `ctl` on real Kafka Connect workers, and on a terminal. Needs `.ci/parts connect` and tmux; run one
//! at a time: `cargo test --test real_ctl -- --ignored --test-threads=1`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test may panic"
)]

#[path = "../support/mod.rs"]
mod support;
mod terminal;

use std::process::{Command, Output};
use std::time::Duration;

use serde_json::Value;
use support::kafka::{Cluster, pause};

/// Somebody's shell before a real cluster.
struct Shell {
    cluster: Cluster,
    /// A rebalance is waited for by trying again, as a person would.
    patience: u32,
}

impl Shell {
    fn at(version: &str, workers: usize) -> Self {
        Self { cluster: Cluster::start(version, workers), patience: 60 }
    }

    fn once(&self, words: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_connect-warden"));
        command.env_clear().env("HOME", self.cluster.folder.path()).arg("ctl").args(words);
        command.arg(format!("--connect.url={}", self.cluster.urls().join(",")));
        command.output().unwrap()
    }

    fn say(&self, words: &[&str]) -> (Option<i32>, String, String) {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        for _ in 0..self.patience {
            let output = self.once(words);
            let error = text(output.stderr);
            if !error.contains("a rebalance is under way") {
                return (output.status.code(), text(output.stdout), error);
            }
            pause(Duration::from_millis(500));
        }
        panic!("{words:?}: the rebalance does not end");
    }

    fn done(&self, words: &[&str]) -> String {
        let (code, out, error) = self.say(words);
        assert_eq!(code, Some(0), "{words:?}: {out}{error}");
        out
    }

    fn json(&self, words: &[&str]) -> Value {
        serde_json::from_str(&self.done(&[words, &["-o", "json"]].concat())).unwrap()
    }

    /// It fails in these words.
    fn fails(&self, words: &[&str], wanted: &str) {
        let (code, out, error) = self.say(words);
        assert_eq!(code, Some(1), "{words:?}: {out}{error}");
        assert!(format!("{out}{error}").contains(wanted), "{words:?}: {out}{error}");
    }

    fn write(&self, name: &str, text: &str) -> String {
        let path = self.cluster.file(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn sink(&self, name: &str, folder: &str, tasks: u32) -> String {
        let class = "org.apache.kafka.connect.file.FileStreamSinkConnector";
        let out = self.cluster.file(folder);
        let text = format!(
            "name={name}\nconnector.class={class}\ntasks.max={tasks}\ntopics=lines\nfile={out}/out\n"
        );
        self.write(&format!("{name}.properties"), &text)
    }
}

/// What every version from 2.2 on has, on a connector that fails until its folder is there.
fn common(shell: &Shell) {
    let file = shell.sink("stuck", "missing", 1);
    assert!(shell.done(&["validate", "-f", &file]).contains("valid"));
    let bad = shell.write("bad.json", r#"{"name": "bad", "config": {"connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector", "tasks.max": "many", "topics": "lines"}}"#);
    shell.fails(&["validate", "-f", &bad], "many");
    assert!(shell.done(&["create", "-f", &file, "--dry-run"]).contains("would be created"));
    assert_eq!(shell.done(&["create", "-f", &file]), "connector/stuck created\n");
    shell.fails(&["create", "-f", &file], "already exists");
    let wait = |name: &str, state: &str| {
        shell.done(&["wait", name, "--for", state, "--timeout=90s"]);
    };
    wait("stuck", "failed");
    let told = shell.done(&["explain", "stuck"]);
    assert!(told.contains("task 0 FAILED") && told.contains("do         "), "{told}");
    assert!(shell.done(&["status"]).contains("FAILED"));
    assert_eq!(shell.json(&["get", "connectors"])[0]["tasks"][0]["state"], "FAILED");
    assert_eq!(shell.json(&["get", "tasks", "stuck"])[0]["connector"], "stuck");
    let described = shell.done(&["describe", "connector", "stuck"]);
    assert!(
        described.contains("trace of task 0") && described.contains("topics = lines"),
        "{described}"
    );
    assert!(shell.done(&["describe", "task", "stuck/0"]).contains("file = "));

    std::fs::create_dir(shell.cluster.file("missing")).unwrap();
    assert_eq!(
        shell.done(&["restart", "stuck", "--failed"]),
        "connector/stuck restarted: task 0\n"
    );
    wait("stuck", "running");
    assert!(shell.done(&["restart", "stuck", "--failed"]).contains("nothing of it is FAILED"));
    for words in [
        &["restart", "stuck"][..],
        &["restart", "stuck/0"],
        &["restart", "stuck", "--include-tasks"],
    ] {
        assert!(shell.done(words).contains("restarted"), "{words:?}");
        wait("stuck", "running");
    }
    shell.fails(&["restart", "stuck/9"], "Unknown task");

    let workers = shell.json(&["get", "workers"]);
    assert_eq!(workers.as_array().unwrap().len(), shell.cluster.workers.len(), "{workers}");
    let id = shell.cluster.workers[0].id();
    assert!(shell.done(&["describe", "worker", &id]).contains("version"));
    assert!(shell.done(&["get", "plugins"]).contains("FileStreamSinkConnector"));

    assert_eq!(shell.done(&["pause", "stuck"]), "connector/stuck paused\n");
    wait("stuck", "paused");
    assert_eq!(shell.done(&["resume", "stuck"]), "connector/stuck resumed\n");
    wait("stuck", "running");

    assert_eq!(shell.done(&["diff", "-f", &file]), "");
    assert_eq!(shell.done(&["apply", "-f", &file]), "connector/stuck unchanged\n");
    assert_eq!(shell.done(&["patch", "stuck", "-p", "note=one"]), "connector/stuck patched\n");
    shell.fails(&["diff", "-f", &file], "-note=one");
    assert!(shell.done(&["apply", "-f", &file, "--dry-run"]).contains("would be configured"));
    assert_eq!(shell.done(&["apply", "-f", &file]), "connector/stuck configured\n");
    assert_eq!(shell.done(&["diff", "-f", &file]), "");
    shell.done(&["patch", "stuck", "-p", "note=two"]);
    assert_eq!(shell.json(&["get", "config", "stuck"])["note"], "two");
    shell.done(&["patch", "stuck", "-p", "note-"]);
    assert_eq!(shell.json(&["get", "config", "stuck"])["note"], Value::Null);
    wait("stuck", "running");

    let odd = shell.sink("a b?é", "missing", 1);
    assert_eq!(shell.done(&["apply", "-f", &odd]), "connector/a b?é created\n");
    wait("a b?é", "running");
    assert!(shell.done(&["get", "connectors", "a*", "-o", "name"]).contains("connector/a b?é"));
    assert_eq!(shell.done(&["delete", "a b*", "--yes"]), "connector/a b?é deleted\n");
    wait("a b?é", "deleted");
    let (code, _, error) = shell.say(&["delete", "stuck"]);
    assert!(code == Some(64) && error.contains("--yes"), "{error}");
}

#[test]
#[ignore = "needs real workers"]
fn every_verb_on_4_3_0() {
    let shell = Shell::at("4.3.0", 2);
    common(&shell);
    let listed = shell.json(&["get", "plugins", "--all"]);
    assert!(listed.as_array().unwrap().iter().any(|plugin| plugin["type"] == "converter"));
    assert!(shell.done(&["describe", "plugin", "FileStreamSinkConnector"]).contains("  file ("));

    let logger = "org.apache.kafka.connect.runtime.Probe";
    assert_eq!(
        shell.done(&["loggers", "set", logger, "warn"]),
        format!("logger/{logger} set: {logger}\n")
    );
    assert_eq!(shell.json(&["loggers", "get", logger])[0]["level"], "WARN");
    let listed = shell.done(&["get", "loggers"]);
    assert!(listed.contains(logger), "{listed}");
    shell.done(&["loggers", "set", logger, "ERROR", "--scope=cluster"]);
    support::warden::eventually("the level arrives", Duration::from_secs(20), || {
        (shell.json(&["loggers", "get", logger])[0]["level"] == "ERROR").then_some(())
    });

    let source = shell.write("in", "one\ntwo\nthree\n");
    let reads = shell.write("reads.yaml", &format!(
        "name: reads\nconnector.class: org.apache.kafka.connect.file.FileStreamSourceConnector\ntasks.max: 1\ntopic: read\nfile: {source}\n"
    ));
    shell.done(&["apply", "-f", &reads]);
    let limit = Duration::from_secs(60);
    support::warden::eventually("it has offsets", limit, || {
        let offsets = shell.json(&["get", "offsets", "reads"]);
        (offsets["offsets"][0]["offset"]["position"] == 14).then_some(())
    });
    support::warden::eventually("it has topics", limit, || {
        (shell.done(&["get", "topics", "reads"]) == "TOPIC\nread\n").then_some(())
    });
    shell.fails(&["offsets", "reset", "reads", "-y"], "STOPPED");
    shell.done(&["stop", "reads", "--yes"]);
    shell.done(&["wait", "reads", "--for=stopped", "--timeout=60s"]);
    assert!(shell.done(&["explain", "reads"]).contains("It is STOPPED"));
    let offsets = shell.done(&["offsets", "get", "reads", "-o", "json"]).replace("14", "4");
    let offsets = shell.write("offsets.json", &offsets);
    shell.done(&["offsets", "alter", "reads", "-f", &offsets, "-y"]);
    assert_eq!(shell.json(&["offsets", "get", "reads"])["offsets"][0]["offset"]["position"], 4);
    shell.done(&["offsets", "reset", "reads", "-y"]);
    assert_eq!(shell.json(&["offsets", "get", "reads"])["offsets"], serde_json::json!([]));
    shell.done(&["topics", "reset", "reads", "-y"]);
    assert_eq!(shell.json(&["topics", "get", "reads"]), serde_json::json!([]));
    shell.done(&["resume", "reads"]);
    shell.done(&["wait", "reads", "stuck", "--for=running", "--timeout=60s"]);
    shell.cluster.broker.sigstop();
    let limit = Duration::from_secs(40);
    support::warden::eventually("the states are doubted", limit, || {
        let (code, out, error) = shell.say(&["status"]);
        assert!(code == Some(0) && out.contains("RUNNING"), "{error}");
        error.contains("states may be what was true before").then_some(())
    });
    shell.cluster.broker.sigcont();
    support::warden::eventually("they are believed", Duration::from_secs(90), || {
        shell.say(&["status"]).2.is_empty().then_some(())
    });
    shell.done(&["delete", "reads", "stuck", "-y"]);
    shell.done(&["wait", "reads", "stuck", "--for=deleted", "--timeout=60s"]);
}

#[test]
#[ignore = "needs real workers"]
fn the_verbs_that_2_2_2_has_and_those_it_lacks() {
    let shell = Shell::at("2.2.2", 1);
    common(&shell);
    for (words, since) in [
        (&["stop", "stuck", "-y"][..], "2.2.2, which cannot stop connectors; 3.5 and later can"),
        (&["get", "offsets", "stuck"], "3.5 and later can"),
        (&["offsets", "reset", "stuck", "-y"], "3.6 and later can"),
        (&["get", "topics", "stuck"], "2.5 and later can"),
        (&["get", "loggers"], "2.4 and later can"),
        (&["describe", "plugin", "FileStreamSinkConnector"], "3.2 and later can"),
    ] {
        shell.fails(words, since);
    }
    shell.done(&["delete", "stuck", "-y"]);
    shell.done(&["wait", "stuck", "--for=deleted", "--timeout=60s"]);
}
