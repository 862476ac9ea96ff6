//! Configurations from files.

use crate::shell::{FILE_SINK, Shell, golden, said_with};

fn json(name: &str, topics: &str) -> String {
    format!(
        r#"{{"name": "{name}", "config": {{"connector.class": "{FILE_SINK}", "tasks.max": 1, "topics": "{topics}"}}}}"#
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_of_a_file_comes_to_the_same() {
    let shell = Shell::at("4.3.0").await;
    let plain = format!("connector.class: {FILE_SINK}\ntasks.max: 1\ntopics: t\nexact: 1.10\n");
    let properties = format!(
        "# a comment\nname=a\nconnector.class = {FILE_SINK}\ntasks.max=1\ntopics:t\nexact=1.10\nlong=a\\\n  b\n"
    );
    for (name, text) in [
        ("a.json", json("a", "t").replace("\"tasks.max\"", "\"exact\": \"1.10\", \"tasks.max\"")),
        (
            "a.json",
            format!(
                r#"{{"name": "a", "connector.class": "{FILE_SINK}", "tasks.max": "1", "topics": "t", "exact": "1.10"}}"#
            ),
        ),
        ("a.yaml", format!("name: a\n{plain}")),
        ("a.yml", format!("name: a\nconfig:\n  {}", plain.trim_end().replace('\n', "\n  "))),
        ("a.properties", properties.clone()),
        ("noending", properties),
        ("noending", format!("name: a\n{plain}")),
        ("noending", json("a", "t").replace("\"tasks.max\"", "\"exact\": \"1.10\", \"tasks.max\"")),
    ] {
        let file = shell.file(name, &text);
        assert_eq!(shell.done(&["create", "-f", &file]), "connector/a created\n", "{text}");
        let config = shell.done(&["get", "config", "a", "-o", "json"]);
        let config: serde_json::Value = serde_json::from_str(&config).unwrap();
        assert_eq!(config["exact"], "1.10", "{text}");
        assert_eq!((&config["tasks.max"], &config["topics"]), (&"1".into(), &"t".into()));
        // What is read can be applied, and changes nothing.
        let file = shell.file("b.yaml", &shell.done(&["get", "config", "a", "-o", "yaml"]));
        assert_eq!(shell.done(&["apply", "-f", &file]), "connector/a unchanged\n");
        shell.done(&["delete", "a", "-y"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_in_a_file_and_several_files() {
    let shell = Shell::at("4.3.0").await;
    let list = shell.file("list.json", &format!("[{}, {}]", json("a", "t"), json("b", "t")));
    let stream = shell.file("stream.json", &format!("{}\n{}", json("c", "t"), json("d", "t")));
    let yaml = |name: &str| format!("name: {name}\nconnector.class: {FILE_SINK}\ntopics: t\n");
    let docs = shell.file("docs.yaml", &format!("---\n{}---\n{}", yaml("e"), yaml("f")));
    let told = shell.done(&["apply", "-f", &list, "-f", &stream, "-f", &docs]);
    let all = ["a", "b", "c", "d", "e", "f"];
    assert_eq!(told, all.map(|name| format!("connector/{name} created\n")).concat());
    let exists = shell.say(&["create", "-f", &list]);
    assert_eq!(exists.code, Some(1));
    assert!(
        exists.error.contains("already exists") && exists.error.contains("`ctl apply`"),
        "{exists:?}"
    );
    let change = shell.file("a.json", &json("a", "u"));
    assert_eq!(shell.done(&["apply", "-f", &change]), "connector/a configured\n");
    let mut command = shell.bare(&["apply", "-f", "-", "--name=z"]);
    let piped =
        said_with(command.arg(shell.url()), &format!("connector.class={FILE_SINK}\ntopics=t\n"));
    assert_eq!((piped.code, &*piped.out), (Some(0), "connector/z created\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_and_validate_ask_the_plugin_and_change_nothing() {
    let shell = Shell::with_three("4.3.0").await;
    let good = shell.file("good.json", &json("new", "t"));
    let bad = shell.file("bad.json", &json("new2", "t").replace("topics", "topic"));
    let there = shell.file("there.json", &json("orders-2", "t"));
    assert_eq!(
        shell.done(&["validate", "-f", &good]),
        "NAME            KEY   OUTCOME\nconnector/new   -     valid\n"
    );
    let dry = shell.done(&["apply", "-f", &good, "-f", &there, "--dry-run"]);
    assert!(dry.contains("would be created") && dry.contains("would be configured"), "{dry}");
    assert!(shell.done(&["create", "-f", &good, "--dry-run"]).contains("would be created"));
    let exists = shell.say(&["create", "-f", &there, "--dry-run"]);
    assert!(exists.code == Some(1) && exists.out.contains("exists already"), "{exists:?}");
    for words in [&["validate", "-f", &bad][..], &["apply", "--dry-run", "-f", &bad]] {
        let said = shell.say(words);
        assert_eq!(said.code, Some(1), "{words:?}");
        assert!(
            said.out.contains("topics   Must configure one of topics or topics.regex"),
            "{}",
            said.out
        );
        let told = shell.say(&[words, &["-o", "json"]].concat());
        let told: serde_json::Value = serde_json::from_str(&told.out).unwrap();
        assert_eq!(
            (&told[0]["outcome"], &told[0]["errors"][0]["key"]),
            (&"invalid".into(), &"topics".into())
        );
    }
    let sent = shell.changes();
    assert!(sent.iter().all(|request| request.ends_with("/config/validate")), "{sent:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_differs_is_told_and_secrets_are_not() {
    let shell = Shell::with_three("4.3.0").await;
    let file = |text: &str| {
        shell
            .file("orders.properties", &format!("name=orders\nconnector.class={FILE_SINK}\n{text}"))
    };
    let same =
        file("tasks.max=2\ntopics=orders\ndatabase.password=s3cret\napi.token=${env:TOKEN}\n");
    assert_eq!(shell.done(&["diff", "-f", &same]), "");
    let other = file("tasks.max=3\ntopics=orders\ndatabase.password=n3w\nnew.key=\n");
    let said = shell.say(&["diff", "-f", &other]);
    assert_eq!((said.code, &*said.error), (Some(1), ""));
    golden("diff.txt", &said.out.replace(&other, "orders.properties"));
    assert!(!said.out.contains("s3cret") && !said.out.contains("n3w"), "{}", said.out);
    let shown = shell.say(&["diff", "-f", &other, "--show-secrets"]);
    assert!(
        shown.out.contains("-database.password=s3cret\n")
            && shown.out.contains("+database.password=n3w\n")
    );
    let told = shell.say(&["diff", "-f", &other, "-o", "json"]);
    let told: serde_json::Value = serde_json::from_str(&told.out).unwrap();
    assert_eq!(told[0]["changes"].as_array().unwrap().len(), 4, "{told}");
    assert_eq!(shell.say(&["diff", "-f", &other, "-o", "name"]).out, "connector/orders\n");
    let absent = shell.file("absent.json", &json("absent", "t"));
    let said = shell.say(&["diff", "-f", &absent]);
    assert!(said.code == Some(1) && said.out.starts_with("--- /dev/null\n"), "{}", said.out);
    assert_eq!(shell.changes(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mask_is_never_taken_for_the_secret() {
    let shell = Shell::with_three("4.3.0").await;
    let masked = shell.file("a.json", &shell.done(&["get", "config", "orders", "-o", "json"]));
    for words in [
        &["apply", "-f", &masked][..],
        &["create", "-f", &masked],
        &["diff", "-f", &masked],
        &["patch", "orders", "-f", &masked],
        &["patch", "orders", "-p", "database.password=***"],
    ] {
        let said = shell.say(words);
        assert_eq!(said.code, Some(64), "{words:?}: {said:?}");
        assert!(said.error.contains("database.password holds ***"), "{}", said.error);
    }
    let shown = shell.done(&["get", "config", "orders", "-o", "json", "--show-secrets"]);
    let shown = shell.file("b.json", &shown);
    assert_eq!(shell.done(&["apply", "-f", &shown]), "connector/orders unchanged\n");
    assert_eq!(shell.changes(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patch_from_a_file_removes_what_is_null() {
    let shell = Shell::with_three("4.3.0").await;
    for (name, text) in [
        ("p.json", r#"{"topics": "new", "api.token": null, "tasks.max": 3}"#),
        ("p.yaml", "topics: newer\ndatabase.password: null\n"),
        ("p.properties", "topics=newest\n"),
    ] {
        let file = shell.file(name, text);
        shell.done(&["patch", "orders", "-f", &file, "-p", "note=a=b"]);
    }
    let config = shell.done(&["get", "config", "orders", "-o", "json"]);
    let config: serde_json::Value = serde_json::from_str(&config).unwrap();
    assert_eq!(
        config,
        serde_json::json!({
            "connector.class": FILE_SINK, "name": "orders", "note": "a=b", "tasks.max": "3",
            "topics": "newest"
        })
    );
}

/// Before 3.9 the call itself fails; what is wrong is told all the same.
#[tokio::test(flavor = "multi_thread")]
async fn an_old_worker_finds_the_same_wrong() {
    for version in ["2.2.2", "3.2.3"] {
        let shell = Shell::at(version).await;
        let bad = shell.file("bad.json", &json("new", "t").replace("topics", "topic"));
        let said = shell.say(&["validate", "-f", &bad]);
        assert_eq!((said.code, &*said.error), (Some(1), ""));
        assert!(said.out.contains(" -     Must configure one of topics"), "{}", said.out);
    }
}
