//! Bad input: a message with the place and the valid choices, exit code 64, nothing bound.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test may panic"
)]

mod support;

use std::process::Command;

fn warden(arguments: &[&str]) -> (Option<i32>, String, String) {
    let output =
        Command::new(env!("CARGO_BIN_EXE_connect-warden")).args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn file(text: &[u8]) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("warden.yaml");
    std::fs::write(&path, text).unwrap();
    let (code, _, error) = warden(&["check", &format!("--config.file={}", path.display())]);
    (code, error.replace(&path.display().to_string(), "FILE").trim().to_owned())
}

#[test]
fn a_bad_file_is_told_with_its_place() {
    let one = "clusters: [{name: a, urls: ['http://h:1']}]\n";
    let table: Vec<(Vec<u8>, &str)> = vec![
        (b"".to_vec(), "the file is empty"),
        (vec![0xff, 0xfe, 0], "not text in UTF-8"),
        (b"clusters: []\n".to_vec(), "no cluster is named"),
        (format!("{one}pol: {{}}\n").into(), "did you mean `poll`?"),
        (format!("{one}poll:\n  intervall: 3s\n").into(), "FILE: line 3, column"),
        (format!("{one}poll: {{interval: soon}}\n").into(), "is not a duration such as 15s"),
        (format!("{one}poll: {{concurrency: many}}\n").into(), "line 2"),
        (
            format!("{one}poll: {{interval: 5s, timeout: 10s}}\n").into(),
            "poll.timeout: 10s is over poll.interval, 5s",
        ),
        (
            b"clusters: [{name: a, urls: ['ftp://h:1']}]\n".to_vec(),
            "the scheme \"ftp\" is not http or https",
        ),
        (b"clusters: [{name: a, urls: []}]\n".to_vec(), "has no urls"),
        (
            b"clusters: [{name: a, urls: ['http://h:1']}, {name: a, urls: ['http://h:2']}]\n"
                .to_vec(),
            "a name of its own",
        ),
        (
            b"clusters: [{name: a, urls: ['http://h:1'], include: ['(']}]\n".to_vec(),
            "is not a regular expression",
        ),
        (
            b"clusters: [{name: a, urls: ['http://h:1'], bearer_token: {file: /nowhere/token}}]\n"
                .to_vec(),
            "cannot read /nowhere/token",
        ),
    ];
    for (text, wanted) in table {
        let (code, error) = file(&text);
        assert_eq!(code, Some(64), "{error}");
        assert!(error.contains(wanted), "{error:?} does not say {wanted:?}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}

#[test]
fn bad_flags_are_told() {
    for (arguments, code, wanted) in [
        (&["--poll.interval=soon", "--connect.url=http://h:1"][..], 64, "--poll.interval"),
        (
            &["--poll.interval=1s", "--poll.timeout=2s", "--connect.url=http://h:1"],
            64,
            "poll.timeout",
        ),
        (&["--connect.url=h:1"], 64, "http"),
        (&[], 64, "--connect.url"),
        (&["--nonsense"], 64, "--nonsense"),
        (&["--config.file=/nowhere.yaml"], 64, "/nowhere.yaml: cannot be read"),
        (&["demo", "--poll.interval=0s"], 64, "poll.interval: is under 10ms"),
        (&["demo", "--web.listen-address=nonsense"], 64, "\"nonsense\" is not an address"),
        (&["--help"], 0, ""),
        (&["--version"], 0, ""),
    ] {
        let (found, _, error) = warden(arguments);
        assert_eq!(found, Some(code), "{arguments:?}: {error}");
        assert!(error.contains(wanted), "{arguments:?}: {error:?}");
    }
}

#[test]
fn a_password_in_a_url_is_never_shown() {
    for arguments in [
        &["--connect.url=http://user:s3cret@127.0.0.1:1", "check", "--probe"][..],
        &["check", "--probe", "--connect.url=http://user:s3cret@127.0.0.1:1"],
        &["check", "--connect.url=http://user:s3cret@127.0.0.1:1/?x=1"],
        &["check", "--connect.url=ftp://user:s3cret@127.0.0.1:1"],
    ] {
        let (code, out, error) = warden(arguments);
        assert_ne!(code, Some(0));
        assert!(!out.contains("s3cret") && !error.contains("s3cret"), "{out}{error}");
    }
}

#[test]
fn a_port_in_use_is_told() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let (code, _, error) =
        warden(&["--connect.url=http://127.0.0.1:1", &format!("--web.listen-address={address}")]);
    assert_eq!(code, Some(1));
    assert!(error.contains(&format!("cannot listen on {address}")), "{error}");
}

#[test]
fn what_is_generated_is_valid() {
    let (code, config, _) = warden(&["generate-config"]);
    assert_eq!(code, Some(0));
    let (code, error) = file(config.as_bytes());
    assert_eq!(code, Some(0), "{error}");
    let (code, completions, _) = warden(&["completions", "bash"]);
    assert!(code == Some(0) && completions.contains("connect-warden"));
}
