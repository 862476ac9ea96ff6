//! `docs/ctl.md` and the binary name the same verbs and flags, and its examples say what they say.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use regex::Regex;

use crate::shell::{FILE_SINK, REFUSED, Shell, said};

fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ctl.md");
    std::fs::read_to_string(path).unwrap()
}

fn help(path: &[String]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_connect-warden"));
    let said = said(command.env_clear().arg("ctl").args(path).arg("--help"));
    assert_eq!(said.code, Some(0), "{path:?}: {}", said.error);
    said.out
}

/// Every verb with its words, and every flag of any of them.
fn verbs(path: &[String], all: &mut BTreeSet<String>, flags: &mut BTreeSet<String>) {
    let help = help(path);
    let flag = Regex::new(r"(?m)^ +(?:-\w, )?(--[a-z][a-z.-]*)").unwrap();
    flags.extend(flag.captures_iter(&help).map(|found| found[1].to_owned()));
    let commands = help.split_once("Commands:\n").map_or("", |(_, rest)| rest);
    let commands = commands.split("\n\n").next().unwrap();
    let name = Regex::new(r"(?m)^  ([a-z][a-z-]*)").unwrap();
    let mut leaf = true;
    for found in name.captures_iter(commands).filter(|found| &found[1] != "help") {
        leaf = false;
        verbs(&[path, &[found[1].to_owned()]].concat(), all, flags);
    }
    if leaf {
        all.insert(path.join(" "));
    }
}

#[test]
fn every_verb_and_flag_is_documented_and_no_other() {
    let (mut known, mut flags) = (BTreeSet::new(), BTreeSet::new());
    verbs(&[], &mut known, &mut flags);
    let page = page();
    let row = Regex::new(r"(?m)^\| `([a-z]+(?: [a-z][a-z-]*)*)").unwrap();
    let told: BTreeSet<String> = row.captures_iter(&page).map(|row| row[1].to_owned()).collect();
    assert!(known.len() > 30, "{known:?}");
    assert_eq!(told, known, "verbs on the page, verbs of the binary");
    let flag = Regex::new(r"--[a-z][a-z.-]*[a-z]").unwrap();
    let told: BTreeSet<String> = flag.find_iter(&page).map(|f| f.as_str().to_owned()).collect();
    // Of every program; the page need not tell.
    flags.remove("--help");
    flags.retain(|flag| !flag.starts_with("--log."));
    assert_eq!(told, flags, "flags on the page, flags of the binary");
}

/// An example of the page: what is typed, what is said, how it ends.
struct Example {
    typed: String,
    said: String,
    code: i32,
}

fn examples(page: &str) -> Vec<Example> {
    let mut all: Vec<Example> = Vec::new();
    let mut open = false;
    for line in page.lines() {
        let Some(line) = line.strip_prefix("    ") else {
            open &= line.is_empty();
            continue;
        };
        if let Some(typed) = line.strip_prefix("$ ") {
            all.push(Example { typed: typed.to_owned(), said: String::new(), code: 0 });
            open = true;
        } else if open {
            let last = all.last_mut().unwrap();
            match line.strip_prefix("(exit code ").and_then(|rest| rest.strip_suffix(')')) {
                Some(code) => last.code = code.parse().unwrap(),
                None => last.said.push_str(&format!("{line}\n")),
            }
        }
    }
    all
}

/// In the order of the page, on one cluster.
#[tokio::test(flavor = "multi_thread")]
async fn the_examples_say_what_the_page_says() {
    let shell = Shell::at("4.3.0").await;
    let cluster = &shell.cluster;
    let sink = |name: &str, tasks| {
        let config = [
            ("connector.class", FILE_SINK),
            ("tasks.max", tasks),
            ("topics", "orders"),
            ("database.password", "s3cret"),
        ];
        cluster.create(name, &config);
    };
    sink("orders-sink", "2");
    sink("audit", "1");
    cluster.fail_task("orders-sink", 1, REFUSED, false);
    shell.file("orders.json", &format!(
        r#"{{"name": "orders-sink", "config": {{"connector.class": "{FILE_SINK}", "tasks.max": "3", "topics": "orders", "database.password": "${{file:/run/db.properties:password}}"}}}}"#
    ));
    let bin = shell.home.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_connect-warden"), bin.join("connect-warden"))
        .unwrap();
    // Workers have other names here, and so columns other widths.
    let squeezed = |text: &str| {
        let text = text
            .replace(&cluster.worker_id(0), "connect-1:8083")
            .replace(&cluster.worker_id(1), "connect-2:8083")
            .replace(&shell.home.path().display().to_string(), "/home/ann");
        let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
        lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
    };
    let page = page();
    let all = examples(&page);
    assert!(all.len() >= 10, "{}", all.len());
    for Example { typed, said: wanted, code } in all {
        let real = typed
            .replace("connect-1:8083", &cluster.worker_id(0))
            .replace("connect-2:8083", &cluster.worker_id(1));
        let mut command = Command::new("sh");
        command.env_clear().env("HOME", shell.home.path()).current_dir(shell.home.path());
        command.env("PATH", format!("{}:/usr/bin:/bin", bin.display()));
        let found = said(command.stdin(std::process::Stdio::null()).args(["-c", &real]));
        let both = format!("{}{}", found.out, found.error);
        assert_eq!(squeezed(&both), squeezed(&wanted), "$ {typed}");
        assert_eq!(found.code, Some(code), "$ {typed}");
    }
}
