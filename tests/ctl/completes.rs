//! What a shell completes.

use connect_warden::sim::Fault;

use crate::shell::{Shell, said};

fn completed(shell: &Shell, words: &[&str]) -> Vec<String> {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_connect-warden"));
    command.env_clear().env("HOME", shell.home.path()).env("COMPLETE", "bash");
    command.env("_CLAP_IFS", "\n").env("_CLAP_COMPLETE_INDEX", (words.len() + 1).to_string());
    let said = said(command.args(["--", "connect-warden", "ctl"]).args(words));
    assert_eq!(said.code, Some(0), "{words:?}: {said:?}");
    said.out.lines().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn names_come_from_the_cluster_that_is_typed_and_contexts_from_their_file() {
    let shell = Shell::with_three("4.3.0").await;
    let url = shell.url();
    assert_eq!(completed(&shell, &[&url, "restart", "ord"]), ["orders", "orders-2"]);
    assert_eq!(completed(&shell, &[&url, "describe", "connector", "x"]), ["x y"]);
    assert_eq!(completed(&shell, &[&url, "get", "config", "orders-"]), ["orders-2"]);
    assert_eq!(completed(&shell, &["restart", "ord"]), Vec::<String>::new(), "no cluster is named");
    said(&mut shell.bare(&["config", "set-context", "prod", &url]));
    assert_eq!(completed(&shell, &["restart", "ord"]), ["orders", "orders-2"]);
    assert_eq!(completed(&shell, &["config", "use-context", "p"]), ["prod"]);
    assert_eq!(completed(&shell, &["--context", "p"]), ["prod"]);
    assert!(completed(&shell, &["de"]).contains(&"describe".to_owned()));
    let sent = shell.cluster.take_requests();
    assert!(sent.iter().all(|request| request.starts_with("GET ")), "{sent:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_does_not_answer_completes_nothing() {
    let shell = Shell::with_three("4.3.0").await;
    shell.cluster.fault(0, Some(Fault::Hang));
    assert_eq!(completed(&shell, &[&shell.url(), "restart", "ord"]), Vec::<String>::new());
    let dead = "--connect.url=http://127.0.0.1:1";
    assert_eq!(completed(&shell, &[dead, "restart", "ord"]), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_shell_gets_its_script() {
    let shell = Shell::at("4.3.0").await;
    for name in ["bash", "zsh", "fish"] {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_connect-warden"));
        let said = said(command.env_clear().env("COMPLETE", name));
        assert_eq!(said.code, Some(0), "{name}");
        assert!(said.out.contains("connect-warden"), "{name}: {}", said.out);
    }
    let _ = shell;
}
