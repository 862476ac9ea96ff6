//! Bad usage and bad places: each in its own words, and never with exit code 0.

use std::time::Duration;

use connect_warden::sim::Fault;

use crate::shell::{FILE_SINK, Shell, said, said_with};

#[tokio::test(flavor = "multi_thread")]
async fn bad_usage_is_told_and_reaches_no_cluster() {
    let shell = Shell::with_three("4.3.0").await;
    let good = shell.file("good.yaml", &format!("name: a\nconnector.class: {FILE_SINK}\n"));
    let file = |name: &str, text: &str| shell.file(name, text);
    let warden = file(
        "warden.yaml",
        "clusters: [{name: prod, urls: ['http://127.0.0.1:1']}, {name: test, urls: ['http://127.0.0.1:1']}]\n",
    );
    let warden = format!("--config.file={warden}");
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let folders = std::cell::Cell::new(0);
    let apply = |name: &str, text: &str| {
        folders.set(folders.get() + 1);
        std::fs::create_dir(shell.home.path().join(folders.get().to_string())).unwrap();
        let file = file(&format!("{}/{name}", folders.get()), text);
        words(&["apply", "-f", &file, "--connect.url=http://127.0.0.1:1"])
    };
    for (words, wanted) in [
        (words(&[]), "Usage: connect-warden ctl"),
        (words(&["get"]), "Usage: connect-warden ctl get"),
        (words(&["frob"]), "unrecognized subcommand 'frob'"),
        (words(&["get", "conectors"]), "'connectors'"),
        (words(&["get", "connectors"]), "no cluster is named: give --connect.url"),
        (words(&["get", "connectors", "--context=prod"]), "there is none"),
        (
            words(&["get", "connectors", "--output=xml"]),
            "[possible values: table, wide, json, yaml, name]",
        ),
        (words(&["get", "connectors", "--connect.url=localhost:8083"]), "write http://HOST:8083"),
        (
            words(&["get", "connectors", "--connect.url=nowhere"]),
            "is not a URL such as http://HOST:8083",
        ),
        (
            words(&["get", "connectors", "--connect.url=http://h:1", "--context=x"]),
            "--connect.url and --context each name a cluster",
        ),
        (
            words(&["get", "connectors", "--cluster=x", "--connect.url=http://h:1"]),
            "--cluster names a cluster of a --config.file",
        ),
        (words(&["get", "connectors", "--timeout=soon"]), "--timeout"),
        (
            words(&["get", "connectors", "--config.file=/nowhere.yaml"]),
            "/nowhere.yaml: cannot be read",
        ),
        (words(&["get", "connectors", &warden]), "say --cluster=NAME, one of prod, test"),
        (words(&["get", "connectors", &warden, "--cluster=pod"]), "did you mean `prod`?"),
        (words(&["delete"]), "<CONNECTOR>..."),
        (words(&["wait", "orders"]), "--for <STATE>"),
        (words(&["wait", "orders", "--for=happy"]), "running, stopped, paused, failed, deleted"),
        (words(&["patch", "orders"]), "--patch"),
        (words(&["patch", "orders", "-p", "topics"]), "\"topics\" is neither KEY=VALUE nor KEY-"),
        (words(&["patch", "orders", "-p", "=x"]), "\"\" cannot be changed"),
        (words(&["patch", "orders", "-p", "name=x"]), "\"name\" cannot be changed"),
        (words(&["loggers", "set", "root", "LOUD"]), "TRACE"),
        (words(&["loggers", "set", "root", "INFO", "--scope=all"]), "worker, cluster"),
        (words(&["apply"]), "--filename <FILE>"),
        (words(&["apply", "-f", "/nowhere.json"]), "/nowhere.json: cannot be read"),
        (words(&["apply", "-f", &good, "-f", &good]), "stands twice"),
        (words(&["top", "--connect.url=http://127.0.0.1:1"]), "top needs a terminal"),
        (apply("a.json", ""), "holds no configuration"),
        (apply("a.json", "{\"name\": \"a\""), "is not JSON: EOF while parsing an object at line 1"),
        (apply("a.json", "[1]"), "an object of keys and values is wanted"),
        (
            apply("a.json", "{\"name\": \"a\", \"config\": {\"x\": {}}}"),
            "x: a text, a number or true or false is wanted",
        ),
        (
            apply("a.json", "{\"name\": \"a\", \"config\": {}, \"initial\": 1}"),
            "\"initial\" is not known beside",
        ),
        (apply("a.json", "{\"name\": 7, \"config\": {}}"), "name: 7 is no text"),
        (
            apply("a.json", "{\"connector.class\": \"x\"}"),
            "has no `name`; add it, or give --name=CONNECTOR",
        ),
        (apply("a.json", "{\"name\": \"a\"}"), "a: has no connector.class"),
        (
            apply("a.json", "{\"name\": \"a\", \"connector.class\": \"x\", \"k\": null}"),
            "k is null",
        ),
        (apply("a.yaml", "a: 1\nb: [1\n"), "line 2, column 4: "),
        (apply("a.yaml", "just a text"), "keys and values are wanted"),
        (apply("a.yaml", "name: a\nconnector.class: x\nlist: [1]\n"), "a.yaml: "),
        (apply("a.properties", "name=a\nname=b\n"), "name stands twice"),
        (apply("a.properties", "name=\\u12"), "a.properties: "),
        (apply("a", "\u{0}\u{1}"), "a: "),
    ] {
        let mut command = shell.bare(&words.iter().map(String::as_str).collect::<Vec<_>>());
        let said = said(&mut command);
        assert_eq!(said.code, Some(64), "{words:?}: {said:?}");
        assert!(said.error.contains(wanted), "{words:?}: {}", said.error);
        assert!(!said.error.contains("panicked"), "{words:?}: {}", said.error);
    }
    let huge =
        said_with(&mut shell.bare(&["apply", "-f", "-", &shell.url()]), &"x".repeat(17 << 20));
    assert!(huge.code == Some(64) && huge.error.contains("is longer than"), "{}", huge.error);
    std::fs::write(shell.home.path().join("latin1"), b"name=\xe9").unwrap();
    let latin = shell.say(&["apply", "-f", "latin1"]);
    assert!(latin.code == Some(64) && latin.error.contains("not text in UTF-8"), "{}", latin.error);
    assert_eq!(shell.cluster.take_requests(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_connect_is_told_as_what_it_is() {
    let shell = Shell::with_three("4.3.0").await;
    let page = b"<html><body>Please log in</body></html>".to_vec();
    for (fault, wanted) in [
        (Fault::Starting, "the worker is starting, or this is no Kafka Connect (404 page)"),
        (Fault::Body(b"{}".to_vec()), "this is no Kafka Connect: what came back has no version"),
        (Fault::Body(b"{\"version\": {\"number\": \"8\"}}".to_vec()), "this is no Kafka Connect"),
        (Fault::Body(page), "this is no Kafka Connect"),
        (Fault::Garbage, "this is no Kafka Connect, or the connection was cut"),
        (Fault::Reset, "this is no Kafka Connect, or the connection was cut"),
        (Fault::HalfAnswer, "this is no Kafka Connect, or the connection was cut"),
        (
            Fault::Redirect("https://sso.example/login?x=s3cret".to_owned()),
            "redirect to https://sso.example/login, which is not followed; a proxy or a login page",
        ),
        (
            Fault::Status(401, "User cannot access the resource.".to_owned()),
            "401: not allowed: User cannot access the resource.; give credentials",
        ),
        (Fault::Status(403, "No".to_owned()), "403: not allowed"),
        (Fault::Status(404, "nothing here".to_owned()), "its path is missing in the URL"),
        (Fault::Status(502, "<html>Bad Gateway".to_owned()), "HTTP 502: an HTML page"),
        (Fault::Flood(70 << 20), "longer than"),
        (Fault::Hang, "no answer within 300ms; a longer --timeout waits longer"),
        (Fault::Drip, "no answer within 300ms"),
        (Fault::Latency(Duration::from_secs(5)), "no answer within 300ms"),
    ] {
        let told = format!("{fault:?}");
        shell.cluster.fault(0, Some(fault));
        let mut words = vec!["get", "connectors"];
        if wanted.contains("300ms") {
            words.push("--timeout=300ms");
        }
        let said = shell.say(&words);
        assert_eq!(said.code, Some(1), "{told}: {said:?}");
        assert!(said.error.contains(wanted), "{told}: {}", said.error);
        assert!(said.error.contains(&shell.cluster.urls()[0]), "{told}: {}", said.error);
        assert!(!said.error.contains("s3cret") && said.out.is_empty(), "{said:?}");
    }
    shell.cluster.fault(0, None);
    let dead = said(&mut shell.bare(&["status", "--connect.url=http://user:s3cret@127.0.0.1:1"]));
    assert_eq!(dead.code, Some(1));
    assert!(dead.error.contains("GET http://127.0.0.1:1/: no connection"), "{}", dead.error);
    assert!(dead.error.contains("is the worker up") && !dead.error.contains("s3cret"));
    let tls = said(&mut shell.bare(&["status", &shell.url().replace("http:", "https:")]));
    assert!(tls.code == Some(1) && tls.error.contains("TLS"), "{}", tls.error);
    // The other worker answers for one that is dead.
    let both = format!("--connect.url=http://127.0.0.1:1,{}", shell.cluster.urls()[1]);
    assert_eq!(said(&mut shell.bare(&["status", &both])).code, Some(0));
}

/// The version is looked at before anything is sent.
#[tokio::test(flavor = "multi_thread")]
async fn what_an_old_version_lacks_is_told_with_the_version_that_has_it() {
    let shell = Shell::with_three("2.2.2").await;
    let offsets = shell.file("o.json", r#"{"offsets": [{"partition": {}, "offset": null}]}"#);
    for (words, wanted) in [
        (&["stop", "orders", "-y"][..], "cannot stop connectors; 3.5 and later can (KIP-875)"),
        (&["get", "offsets", "orders"], "cannot tell offsets; 3.5 and later"),
        (&["offsets", "reset", "orders", "-y"], "cannot change offsets; 3.6 and later"),
        (
            &["offsets", "alter", "orders", "-y", "-f", &offsets],
            "cannot change offsets; 3.6 and later",
        ),
        (&["get", "topics", "orders"], "2.5 and later can (KIP-558)"),
        (&["topics", "reset", "orders", "-y"], "2.5 and later can"),
        (&["get", "loggers"], "2.4 and later can (KIP-495)"),
        (&["loggers", "get", "root"], "2.4 and later can"),
        (&["loggers", "set", "root", "INFO"], "2.4 and later can"),
        (&["get", "plugins", "--all"], "3.2 and later can (KIP-769)"),
        (&["describe", "plugin", "FileStreamSinkConnector"], "3.2 and later can"),
    ] {
        let said = shell.say(words);
        assert_eq!(said.code, Some(1), "{words:?}: {said:?}");
        assert!(said.error.contains(wanted), "{words:?}: {}", said.error);
        assert!(said.error.contains("runs Kafka Connect 2.2.2"), "{words:?}: {}", said.error);
    }
    assert_eq!(shell.changes(), Vec::<String>::new());
    let shell = Shell::with_three("3.6.0").await;
    let said = shell.say(&["loggers", "set", "root", "INFO", "--scope=cluster"]);
    assert!(said.code == Some(1) && said.error.contains("3.7 and later can (KIP-976)"), "{said:?}");
    assert_eq!(shell.changes(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_had_enough_is_no_trouble() {
    let shell = Shell::with_three("4.3.0").await;
    shell.cluster.create_many("many-", 3000, 1);
    let mut command = shell.bare(&["get", "connectors", "-o", "wide"]);
    command.arg(shell.url()).stdout(std::process::Stdio::piped());
    let mut child = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    assert_ne!(output.status.code(), Some(101));
}
