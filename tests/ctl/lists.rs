//! What is listed, in each form.

use serde_json::{Value, json};

use crate::shell::{FILE_SINK, REFUSED, Shell, golden, said};

/// Every list in every form; one file a list.
#[tokio::test(flavor = "multi_thread")]
async fn every_list_in_every_form() {
    let shell = Shell::with_three("4.3.0").await;
    shell.cluster.create("naïve\u{1b}[31m", &[("connector.class", FILE_SINK)]);
    for (name, words) in [
        ("connectors", &["get", "connectors"][..]),
        ("tasks", &["get", "tasks", "orders*"]),
        ("workers", &["get", "workers"]),
        ("plugins", &["get", "plugins", "--all"]),
        ("loggers", &["get", "loggers"]),
        ("topics", &["get", "topics", "orders"]),
        ("offsets", &["get", "offsets", "orders"]),
        ("config", &["get", "config", "orders"]),
        ("status", &["status"]),
        ("connector", &["describe", "connector", "orders"]),
        ("task", &["describe", "task", "orders/1"]),
        ("plugin", &["describe", "plugin", "FileStreamSinkConnector"]),
        ("explain", &["explain", "orders", "x y"]),
    ] {
        let mut all = String::new();
        for form in ["table", "wide", "json", "yaml", "name"] {
            let said = shell.say(&[words, &["-o", form]].concat());
            assert_eq!(said.code, Some(0), "{words:?} {form}: {}", said.error);
            all.push_str(&format!(
                "$ ctl {} -o {form}\n{}{}",
                words.join(" "),
                said.out,
                said.error
            ));
            assert!(!said.out.contains('\u{1b}'), "{words:?} {form}: {}", said.out);
            assert!(!said.out.contains("s3cret"), "{words:?} {form}: {}", said.out);
            match form {
                "json" => drop(serde_json::from_str::<Value>(&said.out).unwrap()),
                "yaml" => drop(serde_saphyr::from_str::<Value>(&said.out).unwrap()),
                _ => {}
            }
        }
        golden(&format!("{name}.txt"), &shell.steady(&all));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn json_and_yaml_say_the_same() {
    let shell = Shell::with_three("4.3.0").await;
    let worker = shell.cluster.worker_id(0);
    for words in [
        &["get", "connectors"][..],
        &["get", "workers"],
        &["get", "config", "orders"],
        &["status"],
        &["describe", "connector", "*"],
        &["describe", "worker", &worker],
    ] {
        let of = |form| shell.done(&[words, &["-o", form]].concat());
        let json: Value = serde_json::from_str(&of("json")).unwrap();
        let yaml: Value = serde_saphyr::from_str(&of("yaml")).unwrap();
        assert_eq!(json, yaml, "{words:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_is_described_and_one_that_is_none_of_the_urls_is_listed() {
    let shell = Shell::with_three("4.3.0").await;
    let (here, elsewhere) = (shell.cluster.worker_id(0), shell.cluster.worker_id(1));
    let listed: Value =
        serde_json::from_str(&shell.done(&["get", "workers", "--output=json"])).unwrap();
    let of = |id: &str| listed.as_array().unwrap().iter().find(|w| w["worker_id"] == id).cloned();
    assert_eq!(of(&here).unwrap()["health"], "healthy");
    assert_eq!(of(&elsewhere).unwrap()["health"], Value::Null);
    let count =
        |of: &str| listed.as_array().unwrap().iter().map(|w| w[of].as_u64().unwrap()).sum::<u64>();
    assert_eq!((count("connectors"), count("tasks"), count("failed")), (3, 4, 1));
    let told = shell.done(&["describe", "worker", &elsewhere]);
    assert!(told.contains("not asked: it is none of the URLs"), "{told}");
    assert!(shell.done(&["describe", "worker", &here]).contains("health     healthy"));
    let yaml = format!(
        "clusters: [{{name: one, urls: ['{}'], dial_workers: ['127.*']}}]\n",
        shell.cluster.urls()[0]
    );
    let file = format!("--config.file={}", shell.file("warden.yaml", &yaml));
    for words in [&["describe", "worker", &elsewhere, &file][..], &["get", "workers", &file]] {
        let asked = said(&mut shell.bare(words));
        assert_eq!(asked.code, Some(0), "{}", asked.error);
        assert!(!asked.out.contains("not asked") && asked.out.contains("healthy"), "{}", asked.out);
    }
    let none = shell.say(&["describe", "worker", "127.0.0.1:1"]);
    assert!(none.code == Some(1) && none.error.contains("there is no worker"), "{none:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_shown_to_who_asks_for_them() {
    let shell = Shell::with_three("4.3.0").await;
    for words in [
        &["get", "config", "orders"][..],
        &["describe", "connector", "orders"],
        &["describe", "task", "orders/0"],
    ] {
        let masked = shell.done(words);
        assert!(masked.contains("***") && masked.contains("${env:TOKEN}"), "{masked}");
        assert!(!masked.contains("s3cret"), "{masked}");
        let shown = shell.done(&[words, &["--show-secrets"]].concat());
        assert!(shown.contains("s3cret") && !shown.contains("***"), "{shown}");
    }
    shell.cluster.fail_task("orders", 0, "a.B: no login at http://ann:s3cret@db/", false);
    for words in [&["status"][..], &["explain", "orders"], &["describe", "connector", "orders"]] {
        let told = shell.done(words);
        assert!(told.contains("http://***@db/") && !told.contains("s3cret"), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn old_workers_and_one_that_cannot_be_described() {
    for version in ["0.11.0.3", "2.2.2", "3.2.3"] {
        let shell = Shell::with_three(version).await;
        shell.cluster.forget_status("orders-2");
        shell.cluster.poison("x y");
        let said = shell.say(&["get", "connectors", "-o", "json"]);
        assert_eq!(said.code, Some(0), "{version}: {}", said.error);
        let all: Value = serde_json::from_str(&said.out).unwrap();
        let states: Vec<_> = all
            .as_array()
            .unwrap()
            .iter()
            .map(|c| (c["name"].clone(), c["state"].clone()))
            .collect();
        let wanted = [("orders", "RUNNING"), ("orders-2", "NONE"), ("x y", "NONE")];
        assert_eq!(states, wanted.map(|(name, state)| (json!(name), json!(state))), "{version}");
        assert_eq!(all[0]["tasks"][1]["failure"]["class"], "TRANSIENT");
    }
}

/// 4.x answers 400 to each path with such a name; `expand` alone has it.
#[tokio::test(flavor = "multi_thread")]
async fn names_that_no_path_can_hold_are_told_of() {
    let shell = Shell::at("4.3.0").await;
    shell.cluster.create("a/b%c", &[("connector.class", FILE_SINK), ("tasks.max", "1")]);
    shell.cluster.fail_task("a/b%c", 0, REFUSED, false);
    for words in [
        &["get", "connectors", "a/b%c"][..],
        &["status", "a/b%c"],
        &["describe", "connector", "a/b%c"],
        &["explain", "a/b%c"],
        &["get", "config", "a/b%c"],
    ] {
        assert!(shell.done(words).contains("RUNNING") || words[1] == "config", "{words:?}");
    }
    let said = shell.say(&["restart", "a/b%c"]);
    assert_eq!(said.code, Some(1));
    assert!(said.error.contains("cannot be written in a path"), "{}", said.error);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_there_is_said_and_is_no_error() {
    let shell = Shell::at("4.3.0").await;
    let said = shell.say(&["get", "connectors"]);
    assert_eq!((said.code, &*said.out, &*said.error), (Some(0), "", "there is no connector\n"));
    assert_eq!(shell.done(&["get", "connectors", "-o", "json"]), "[]\n");
    assert_eq!(shell.done(&["explain"]), "nothing is FAILED, and nothing else is odd\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn explain_finds_what_is_wrong_by_itself_and_groups_one_cause() {
    let shell = Shell::with_three("4.3.0").await;
    shell.cluster.fail_task("orders", 0, REFUSED, false);
    shell.cluster.forget_status("orders-2");
    let told = shell.done(&["explain"]);
    assert!(told.contains("task 0, task 1 FAILED, of one cause"), "{told}");
    assert!(told.contains("`ctl restart orders --failed`"), "{told}");
    assert!(told.contains("orders-2: NONE") && told.contains("was never started"), "{told}");
    assert!(!told.contains("x y"), "paused on purpose: {told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_users_rules_count_where_a_wardens_configuration_names_the_cluster() {
    let shell = Shell::with_three("4.3.0").await;
    let yaml = format!(
        "clusters:\n- {{name: one, urls: ['{}']}}\n- {{name: other, urls: ['http://127.0.0.1:1']}}\n\
         failure_rules: [{{name: mine, class: RESOURCE, any: [connection refused], advice: ask me}}]\n",
        shell.cluster.urls()[0]
    );
    let file = format!("--config.file={}", shell.file("warden.yaml", &yaml));
    let said = said(&mut shell.bare(&["explain", "orders", &file, "--cluster=one"]));
    assert_eq!(said.code, Some(0), "{}", said.error);
    assert!(said.out.contains("RESOURCE") && said.out.contains("ask me"), "{}", said.out);
}

/// Statuses come from a worker's memory: all of them look well.
#[tokio::test(flavor = "multi_thread")]
async fn states_that_may_be_old_are_told_as_such() {
    for version in ["4.3.0", "3.2.3"] {
        let shell = Shell::with_three(version).await;
        assert_eq!(shell.say(&["status"]).error, "");
        shell.cluster.freeze_kafka(true);
        for words in [
            &["status"][..],
            &["get", "connectors"],
            &["get", "tasks", "orders"],
            &["explain", "orders"],
        ] {
            let said = shell.say(words);
            assert_eq!(said.code, Some(0), "{version} {words:?}: {said:?}");
            assert!(said.out.contains("RUNNING"), "{version} {words:?}: {said:?}");
            assert!(
                said.error.contains("states may be what was true before: 127.0.0.1:"),
                "{said:?}"
            );
        }
        let said = shell.say(&["describe", "connector", "orders"]);
        assert_eq!(said.code, Some(0), "{said:?}");
        assert!(said.error.contains("the configuration could not be read"), "{said:?}");
    }
}
