//! The contexts file, and which cluster is meant.

use std::os::unix::fs::PermissionsExt as _;

use connect_warden::sim::{SimCluster, SimConfig};

use crate::shell::{Shell, said};

#[tokio::test(flavor = "multi_thread")]
async fn contexts_are_made_chosen_listed_and_removed() {
    let shell = Shell::with_three("4.3.0").await;
    let old = Shell::with_three("2.2.2").await;
    let run = |words: &[&str]| said(&mut shell.bare(words));
    let done = |words: &[&str]| {
        let said = run(words);
        assert_eq!(said.code, Some(0), "{words:?}: {said:?}");
        said.out
    };
    assert_eq!(run(&["config", "current-context"]).code, Some(1));
    assert_eq!(run(&["config", "get-contexts"]).error, "there is no context\n");
    let file = shell.home.path().join(".config/connect-warden/contexts.yaml");
    let told = done(&["config", "set-context", "prod", &shell.url()]);
    assert_eq!(told, format!("context prod is in {}\n", file.display()));
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    done(&["config", "set-context", "old", &old.url()]);
    assert_eq!(done(&["config", "current-context"]), "prod\n");
    let listed = done(&["config", "get-contexts"]);
    assert_eq!(
        listed,
        format!(
            "CURRENT   NAME   URLS\n*         prod   {}\n          old    {}\n",
            shell.cluster.urls()[0],
            old.cluster.urls()[0]
        )
    );
    assert!(done(&["get", "workers"]).contains("4.3.0"));
    assert!(done(&["get", "workers", "--context=old"]).contains("2.2.2"));
    done(&["config", "use-context", "old"]);
    assert!(done(&["get", "workers"]).contains("2.2.2"));
    let unknown = run(&["config", "use-context", "prud"]);
    assert!(
        unknown.code == Some(64) && unknown.error.contains("did you mean `prod`?"),
        "{unknown:?}"
    );
    done(&["config", "delete-context", "old"]);
    assert_eq!(run(&["config", "current-context"]).code, Some(1));
    assert_eq!(run(&["get", "workers"]).code, Some(64));
    assert_eq!(done(&["config", "get-contexts", "-o", "name"]), "context/prod\n");
}

/// Flags, the environment and the current context, each of which names another cluster.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_nearer_wins() {
    let shell = Shell::with_three("4.3.0").await;
    let mut others = Vec::new();
    for version in ["3.9.1", "3.2.3", "2.2.2"] {
        others.push(Shell::with_three(version).await);
    }
    said(&mut shell.bare(&["config", "set-context", "here", &shell.url()]));
    said(&mut shell.bare(&["config", "set-context", "there", &others[0].url()]));
    let url = |at: usize| others[at].cluster.urls()[0].clone();
    let yaml = format!("clusters: [{{name: a, urls: ['{}']}}]\n", url(2));
    let file = shell.file("warden.yaml", &yaml);
    let version = |words: &[&str], environment: &[(&str, String)]| {
        let mut command = shell.bare(&[&["get", "workers"], words].concat());
        let said = said(command.envs(environment.iter().map(|(key, value)| (*key, value))));
        assert_eq!(said.code, Some(0), "{words:?} {environment:?}: {said:?}");
        ["4.3.0", "3.9.1", "3.2.3", "2.2.2"].into_iter().find(|v| said.out.contains(v)).unwrap()
    };
    let by_url = ("CONNECT_WARDEN_CONNECT_URL", url(1));
    let by_file = ("CONNECT_WARDEN_CONFIG_FILE", file.clone());
    assert_eq!(version(&[], &[]), "4.3.0");
    assert_eq!(version(&[], std::slice::from_ref(&by_url)), "3.2.3");
    assert_eq!(version(&[], std::slice::from_ref(&by_file)), "2.2.2");
    let both = [by_url, by_file];
    assert_eq!(version(&["--context=there"], &both), "3.9.1");
    assert_eq!(version(&[&others[0].url()], &both), "3.9.1");
    assert_eq!(version(&[&format!("--config.file={file}")], &both[..1]), "2.2.2");
    let mut outer = std::process::Command::new(env!("CARGO_BIN_EXE_connect-warden"));
    outer.env_clear().env("HOME", shell.home.path()).args([
        &others[1].url(),
        "ctl",
        "get",
        "workers",
    ]);
    assert!(said(&mut outer).out.contains("3.2.3"));
}

#[tokio::test(flavor = "multi_thread")]
async fn credentials_come_from_where_the_context_says() {
    let config = SimConfig {
        // ann:s3cret
        authorization: Some("Basic YW5uOnMzY3JldA==".to_owned()),
        ..SimConfig::default()
    };
    let locked = SimCluster::start(config).await.unwrap();
    let shell = Shell::at("4.3.0").await;
    let url = format!("--connect.url={}", locked.urls()[0]);
    let run = |words: &[&str]| said(shell.bare(words).env("PASS", "s3cret").env("WRONG", "x"));
    assert_eq!(run(&["status", &url]).code, Some(1));
    let password = shell.file("password", "s3cret\n");
    for (from, code) in [
        (format!("--password.file={password}"), 0),
        ("--password.env=PASS".to_owned(), 0),
        ("--password.env=WRONG".to_owned(), 1),
    ] {
        run(&["config", "set-context", "locked", &url, "--username=ann", &from]);
        let said = run(&["status"]);
        assert_eq!(said.code, Some(code), "{from}: {said:?}");
        assert!(!said.error.contains("s3cret"));
    }
    let with = locked.urls()[0].replace("http://", "http://ann:s3cret@");
    assert_eq!(run(&["status", &format!("--connect.url={with}")]).code, Some(0));
    let text =
        std::fs::read_to_string(shell.home.path().join(".config/connect-warden/contexts.yaml"));
    assert!(!text.unwrap().contains("s3cret"));
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_contexts_are_told() {
    let shell = Shell::at("4.3.0").await;
    let path = shell.home.path().join("contexts.yaml");
    let run = |words: &[&str]| said(shell.bare(words).env("CONNECT_WARDEN_CONTEXTS", &path));
    for (words, wanted) in [
        (&["config", "set-context", "a"][..], "set-context needs --connect.url"),
        (&["config", "set-context", "a", "--connect.url=h:1"], "http"),
        (&["config", "set-context", " ", "--connect.url=http://h:1"], "a context needs a name"),
        (
            &["config", "set-context", "a", "--connect.url=http://u:s3cret@h:1"],
            "would stand in the file",
        ),
        (
            &["config", "set-context", "a", "--connect.url=http://h:1", "--username=x"],
            "needs --password.file or --password.env",
        ),
        (
            &["config", "set-context", "a", "--connect.url=http://h:1", "--password.env=X"],
            "--username",
        ),
        (
            &["config", "set-context", "a", "--connect.url=http://h:1", "--tls.key-file=k"],
            "--tls.cert-file",
        ),
        (
            &[
                "config",
                "set-context",
                "a",
                "--connect.url=http://h:1",
                "--bearer-token.env=A",
                "--bearer-token.file=b",
            ],
            "not in both",
        ),
        (&["config", "delete-context", "a"], "has no context \"a\"; there is none"),
        (&["config"], "Usage: connect-warden ctl config"),
    ] {
        let said = run(words);
        assert_eq!(said.code, Some(64), "{words:?}: {said:?}");
        assert!(
            said.error.contains(wanted) && !said.error.contains("s3cret"),
            "{words:?}: {}",
            said.error
        );
        assert!(!path.exists(), "{words:?}");
    }
    for (text, wanted) in [
        ("contexts: [{name: a, urls: [http://h:1], tsl: {}}]\n", "did you mean `tls`?"),
        ("context: []\n", "did you mean `contexts`?"),
        ("contexts: [{name: a, urls: []}]\ncurrent: a\n", "has no urls"),
        ("current: b\ncontexts: [{name: a, urls: ['http://h:1']}]\n", "has no \"b\"; there is a"),
        (
            "contexts: [{name: a, urls: ['http://h:1'], bearer_token: {env: NOT_THERE}}]\ncurrent: a\n",
            "no variable NOT_THERE",
        ),
        ("contexts: {\n", "line"),
    ] {
        std::fs::write(&path, text).unwrap();
        let said = run(&["status"]);
        assert_eq!(said.code, Some(64), "{text}: {said:?}");
        assert!(said.error.contains(wanted), "{text}: {}", said.error);
        assert_eq!(said.error.lines().count(), 1, "{}", said.error);
    }
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    let folder = run(&["config", "get-contexts"]);
    assert!(folder.code == Some(64) && folder.error.contains("cannot be read"), "{folder:?}");
}
