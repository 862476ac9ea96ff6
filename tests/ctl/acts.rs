//! What changes a cluster: what is sent, who is asked, what is said.

use crate::shell::{FILE_SINK, REFUSED, Shell, said, said_with};

#[tokio::test(flavor = "multi_thread")]
async fn each_verb_sends_its_call_and_says_what_became_of_it() {
    let shell = Shell::with_three("4.3.0").await;
    for (words, sent, told) in [
        (&["pause", "orders"][..], "PUT /connectors/orders/pause", "connector/orders paused\n"),
        (&["resume", "x y"], "PUT /connectors/x%20y/resume", "connector/x y resumed\n"),
        (
            &["restart", "orders"],
            "POST /connectors/orders/restart",
            "connector/orders restarted, without its tasks\n",
        ),
        (
            &["restart", "orders/1"],
            "POST /connectors/orders/tasks/1/restart",
            "task/orders/1 restarted\n",
        ),
        (
            &["restart", "orders-2", "--include-tasks"],
            "POST /connectors/orders-2/restart?includeTasks=true&onlyFailed=false",
            "connector/orders-2 restarted: the connector, task 0\n",
        ),
        (
            &["restart", "orders", "--failed"],
            "POST /connectors/orders/restart?includeTasks=true&onlyFailed=true",
            "connector/orders nothing of it is FAILED\n",
        ),
        (
            &["patch", "orders", "-p", "topics=a,b", "api.token-"],
            "PATCH /connectors/orders/config",
            "connector/orders patched\n",
        ),
        (&["stop", "orders", "-y"], "PUT /connectors/orders/stop", "connector/orders stopped\n"),
        (
            &["offsets", "reset", "orders", "-y"],
            "DELETE /connectors/orders/offsets",
            "connector/orders offsets reset\n",
        ),
        (
            &["topics", "reset", "orders", "--yes"],
            "PUT /connectors/orders/topics/reset",
            "connector/orders topics reset\n",
        ),
        (
            &["loggers", "set", "root", "debug"],
            "PUT /admin/loggers/root",
            "logger/root set: root\n",
        ),
        (
            &["loggers", "set", "root", "WARN", "--scope=cluster"],
            "PUT /admin/loggers/root?scope=cluster",
            "logger/root set on every worker\n",
        ),
        (&["delete", "orders", "--yes"], "DELETE /connectors/orders", "connector/orders deleted\n"),
    ] {
        assert_eq!(shell.done(words), told, "{words:?}");
        assert_eq!(shell.changes(), [sent], "{words:?}");
    }
    assert_eq!(
        shell.done(&["loggers", "get", "root"]),
        "LOGGER   LEVEL   LAST MODIFIED\nroot     WARN    -\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_failed_is_restarted() {
    let shell = Shell::with_three("4.3.0").await;
    shell.cluster.fail_task("orders-2", 0, REFUSED, false);
    let said = shell.say(&["restart", "orders/0", "orders/1", "--failed"]);
    assert_eq!(said.code, Some(0));
    assert!(said.error.contains("task/orders/0: not FAILED, and left alone"), "{}", said.error);
    assert_eq!(shell.changes(), ["POST /connectors/orders/tasks/1/restart"]);
    let told = shell.done(&["restart", "*", "--failed", "--yes"]);
    assert_eq!(
        told,
        "connector/orders nothing of it is FAILED\nconnector/orders-2 restarted: task 0\nconnector/x y nothing of it is FAILED\n"
    );
    assert_eq!(shell.cluster.task_state("orders-2", 0).as_deref(), Some("RUNNING"));
}

/// The form of KIP-745 touches no task before 3.0, and starts tasks twice in 3.1.0.
#[tokio::test(flavor = "multi_thread")]
async fn where_the_call_is_not_safe_each_is_restarted_by_its_own() {
    for version in ["2.2.2", "3.1.0"] {
        let shell = Shell::with_three(version).await;
        assert_eq!(
            shell.done(&["restart", "orders", "--failed"]),
            "connector/orders restarted: task 1\n"
        );
        assert_eq!(shell.changes(), ["POST /connectors/orders/tasks/1/restart"]);
        shell.done(&["restart", "orders", "--include-tasks"]);
        assert_eq!(
            shell.changes(),
            [
                "POST /connectors/orders/restart",
                "POST /connectors/orders/tasks/0/restart",
                "POST /connectors/orders/tasks/1/restart"
            ]
        );
        let told = shell.done(&["patch", "orders", "-p", "topics=b"]);
        assert_eq!(told, "connector/orders patched\n");
        assert_eq!(shell.changes(), ["PUT /connectors/orders/config"]);
        let config = shell.done(&["get", "config", "orders", "-o", "json"]);
        assert!(config.contains("\"topics\": \"b\"") && config.contains("tasks.max"), "{config}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_touched_without_a_yes() {
    let shell = Shell::with_three("4.3.0").await;
    let offsets = shell.file("offsets.json", r#"{"offsets": [{"partition": {}, "offset": null}]}"#);
    for words in [
        &["delete", "orders", "x y"][..],
        &["delete", "*"],
        &["stop", "orders"],
        &["offsets", "reset", "orders"],
        &["offsets", "alter", "orders", "-f", &offsets],
        &["topics", "reset", "orders"],
        &["pause", "order*"],
        &["resume", "-e", "orders(-2)?"],
        &["restart", "order?"],
        &["restart", "*", "--failed"],
    ] {
        let said = shell.say(words);
        assert_eq!(said.code, Some(64), "{words:?}: {said:?}");
        assert!(said.error.contains("  orders\n"), "{words:?}: {}", said.error);
        assert!(said.error.contains("--yes does it without asking"), "{}", said.error);
        // An answer that comes down a pipe is nobody's.
        let piped = said_with(shell.bare(words).arg(shell.url()), "y\n");
        assert_eq!(piped.code, Some(64), "{words:?}");
        assert_eq!(shell.changes(), Vec::<String>::new(), "{words:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_fails_holds_up_no_other() {
    let shell = Shell::with_three("4.3.0").await;
    shell.cluster.create("p/q", &[("connector.class", FILE_SINK)]);
    let said = shell.say(&["pause", "orders", "p/q", "x y"]);
    assert_eq!(said.code, Some(1));
    assert_eq!(said.out, "connector/orders paused\nconnector/x y paused\n");
    assert!(said.error.contains("connector/p/q: PUT http"), "{}", said.error);
    let said = shell.say(&["pause", "orders", "p/q", "-o", "json"]);
    let told: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(told[0]["outcome"], "paused");
    assert_eq!(told[1]["outcome"], "failed");
    assert!(told[1]["error"].as_str().unwrap().contains("cannot be written in a path"));
    assert_eq!(
        shell.done(&["pause", "x y", "orders", "-o", "name"]),
        "connector/x y\nconnector/orders\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_not_there_stops_all_before_anything_is_sent() {
    let shell = Shell::with_three("4.3.0").await;
    for (words, wanted) in [
        (
            &["delete", "x y", "ordes", "--yes"][..],
            "there is no connector \"ordes\"; did you mean `orders`?",
        ),
        (&["pause", "zzz"], "`ctl get connectors` lists them"),
        (&["pause", "zzz*"], "no connector matches \"zzz*\""),
        (&["restart", "orders/x"], "there is no connector \"orders/x\""),
        (&["patch", "ordes", "-p", "a=b"], "did you mean `orders`?"),
        (&["offsets", "reset", "ordes", "-y"], "did you mean `orders`?"),
        (&["get", "config", "ordes"], "did you mean `orders`?"),
        (&["get", "topics", "ordes"], "did you mean `orders`?"),
        (&["describe", "connector", "ordes"], "did you mean `orders`?"),
        (&["describe", "task", "ordes/0"], "did you mean `orders`?"),
        (&["describe", "task", "orders/7"], "\"orders\" has no task 7; it has 2 tasks"),
        (
            &["describe", "plugin", "FileStreamSinkConector"],
            "did you mean `FileStreamSinkConnector`?",
        ),
        (&["explain", "ordes"], "did you mean `orders`?"),
    ] {
        let said = shell.say(words);
        assert_eq!(said.code, Some(1), "{words:?}: {said:?}");
        assert!(said.error.contains(wanted), "{words:?}: {}", said.error);
    }
    assert_eq!(shell.changes(), Vec::<String>::new());
    let gone = shell.say(&["restart", "orders/7"]);
    assert!(gone.code == Some(1) && gone.error.contains("Unknown task: orders-7"), "{gone:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn offsets_that_were_read_can_be_altered_and_written() {
    let shell = Shell::with_three("4.3.0").await;
    let running = shell.say(&["offsets", "reset", "orders", "-y"]);
    assert!(
        running.code == Some(1) && running.error.contains("must be in the STOPPED state"),
        "{running:?}"
    );
    shell.done(&["stop", "orders", "-y"]);
    for form in ["json", "yaml"] {
        let file = shell.file("offsets", &shell.done(&["offsets", "get", "orders", "-o", form]));
        let told = shell.done(&["offsets", "alter", "orders", "-f", &file, "-y"]);
        assert_eq!(told, "connector/orders offsets altered\n");
    }
    let input = shell.done(&["get", "offsets", "orders", "-o", "json"]);
    let mut command = shell.bare(&["offsets", "alter", "orders", "-f", "-", "-y"]);
    assert_eq!(said_with(command.arg(shell.url()), &input).code, Some(0));
    let file = shell.file("bad", "{\"offsets\": [{\"partition\": 1}]}");
    let bad = said(shell.bare(&["offsets", "alter", "orders", "-f", &file, "-y"]).arg(shell.url()));
    assert!(bad.code == Some(64) && bad.error.contains("offset"), "{bad:?}");
}
