//! Which web configurations are taken, which are refused, and what is said.

use std::process::Command;

use super::certificates::Folder;

const CASES: &str = include_str!("files.txt");

/// What `check` ends with and says.
fn check(arguments: &[String], folder: &Folder) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_connect-warden"))
        .arg("check")
        .args(arguments)
        .env("STATE_DIRECTORY", "/state")
        .output()
        .unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    let file = folder.path("web.yml").display().to_string();
    let said = said.replace(&file, "FILE");
    (output.status.code(), said.replace(&folder.itself().display().to_string(), "FOLDER"))
}

fn web_file(folder: &Folder) -> [String; 2] {
    let file = format!("--web.config.file={}", folder.path("web.yml").display());
    ["--connect.url=http://127.0.0.1:1".to_owned(), file]
}

/// With the text of files for their names in braces.
fn filled(text: &str, folder: &Folder) -> String {
    let line = |line: &str| match line.strip_prefix('{').and_then(|l| l.strip_suffix('}')) {
        Some(name) if folder.path(name).is_file() => {
            let pem = std::fs::read_to_string(folder.path(name)).unwrap();
            pem.lines().map(|line| format!("    {line}\n")).collect()
        }
        _ => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

#[test]
fn every_file_is_taken_or_refused_as_by_exporter_toolkit() {
    let (folder, _) = Folder::new();
    let mut tried = 0;
    for case in CASES.split("\n----").skip(1) {
        let (name, case) = case.split_once('\n').unwrap();
        let (text, wanted) = match case.strip_prefix("=> ") {
            Some(wanted) => ("", wanted),
            None => case.split_once("\n=> ").unwrap(),
        };
        folder.write("web.yml", &filled(text, &folder));
        let (code, said) = check(&web_file(&folder), &folder);
        match wanted.trim_end().strip_prefix("good") {
            Some(warning) => {
                assert_eq!(code, Some(0), "{name}\n{text}\n{said}");
                let warned = said.lines().find_map(|line| line.strip_prefix("warning: "));
                assert_eq!(warned, warning.strip_prefix(": "), "{name}\n{text}");
            }
            None => {
                let said = said.strip_prefix("connect-warden: ").unwrap_or(&said);
                assert_eq!(said.trim_end(), wanted.trim_end(), "{name}\n{text}");
                assert_eq!(code, Some(64), "{name}\n{text}");
            }
        }
        tried += 1;
    }
    assert!(tried > 60, "{tried}");
}

#[test]
fn a_file_that_cannot_be_read_is_told() {
    let (folder, _) = Folder::new();
    let (code, said) = check(&web_file(&folder), &folder);
    assert_eq!(code, Some(64));
    assert_eq!(
        said,
        "connect-warden: FILE: cannot be read: No such file or directory (os error 2); \
         --web.config.file wants a YAML file\n"
    );
    std::fs::write(folder.path("web.yml"), [0xff, 0xfe, 0x00]).unwrap();
    let (code, said) = check(&web_file(&folder), &folder);
    assert_eq!(code, Some(64));
    assert_eq!(said, "connect-warden: FILE: is not text in UTF-8; a YAML file is wanted\n");
    // A key that was named by mistake is not told.
    std::fs::copy(folder.path("server.key"), folder.path("web.yml")).unwrap();
    let (code, said) = check(&web_file(&folder), &folder);
    assert_eq!(code, Some(64));
    assert_eq!(said, "connect-warden: FILE: line 1, column 1: expected mapping start\n");
}

const USERS: &str = "basic_auth_users: {alice: $2y$12$1DpfPeqF9HzHJt.EWswy1exHluGfbhnn3yXhR7Xes6m3WJqFg0Wby, bob: $2y$12$1DpfPeqF9HzHJt.EWswy1exHluGfbhnn3yXhR7Xes6m3WJqFg0Wby}\n";
const VERIFIED: &str = "tls_server_config: {cert_file: server.pem, key_file: server.key, client_auth_type: VerifyClientCertIfGiven, client_ca_file: ca.pem}\n";
const ANY: &str = "tls_server_config: {cert_file: server.pem, key_file: server.key, client_auth_type: RequireAnyClientCert}\n";

#[test]
fn administrators_are_people_who_can_come_in() {
    let (folder, _) = Folder::new();
    let no_certificate = |name: &str| {
        format!(
            "FOLDER/warden.yaml: line 3: web.administrators: {name:?} can show no certificate that \
             counts; in the web configuration name a client_ca_file and the client_auth_type \
             RequireAndVerifyClientCert or VerifyClientCertIfGiven"
        )
    };
    let mut lines = Vec::new();
    for (web_file, web, wanted) in [
        (Some(USERS), "  administrators: [alice]\n  anonymous: nothing\n", None),
        (Some(USERS), "  anonymous: metrics\n", None),
        (Some(USERS), "  anonymous: read\n", None),
        (Some(VERIFIED), "  administrators: ['cn=ops-client', 'san=a']\n", None),
        (Some(VERIFIED), "  anonymous: nothing\n", None),
        (None, "  anonymous: read\n", None),
        (
            Some(USERS),
            "  administrators: [alcie]\n",
            Some("FOLDER/warden.yaml: line 3: web.administrators: \"alcie\" is no user of basic_auth_users, known are alice, bob; did you mean `alice`?; a client certificate is written cn=NAME or san=NAME".to_owned()),
        ),
        (
            Some(VERIFIED),
            "  administrators:\n    - alice\n",
            Some("FOLDER/warden.yaml: line 4: web.administrators: \"alice\" is no user of basic_auth_users, known are none; a client certificate is written cn=NAME or san=NAME".to_owned()),
        ),
        (Some(USERS), "  administrators: ['cn=a']\n", Some(no_certificate("cn=a"))),
        (Some(ANY), "  administrators: ['san=a']\n", Some(no_certificate("san=a"))),
        (
            Some(VERIFIED),
            "  administrators: ['cn=']\n",
            Some("FOLDER/warden.yaml: line 3: web.administrators: \"cn=\" has no name after the =".to_owned()),
        ),
        (
            None,
            "  administrators: [alice]\n",
            Some("FOLDER/warden.yaml: line 3: web.administrators: \"alice\" cannot log in; give a --web.config.file with basic_auth_users, or with client certificates".to_owned()),
        ),
        (
            None,
            "  anonymous: metrics\n",
            Some("web.anonymous: shuts out everybody, since nobody can log in; give a --web.config.file with basic_auth_users, or with client certificates".to_owned()),
        ),
        (
            Some(""),
            "  anonymous: nothing\n",
            Some("web.anonymous: shuts out everybody, since nobody can log in; give a --web.config.file with basic_auth_users, or with client certificates".to_owned()),
        ),
        (
            Some(USERS),
            "  anonymous: some\n",
            Some("FOLDER/warden.yaml: line 3, column 14: unknown variant `some`, expected one of nothing, metrics, read".to_owned()),
        ),
    ] {
        let mut text = format!("clusters: [{{name: a, urls: ['http://127.0.0.1:1']}}]\nweb:\n{web}");
        if let Some(web_file) = web_file {
            let path = folder.write("web.yml", web_file);
            text.push_str(&format!("  config_file: {}\n", path.display()));
        }
        let file = folder.write("warden.yaml", &text);
        let (code, said) = check(&[format!("--config.file={}", file.display())], &folder);
        match wanted {
            None => {
                assert_eq!(code, Some(0), "{web}{said}");
                let line = said.lines().find(|line| line.starts_with("web: "));
                lines.push(line.unwrap().to_owned());
            }
            Some(wanted) => {
                assert_eq!(said, format!("connect-warden: {wanted}\n"), "{web}");
                assert_eq!(code, Some(64));
            }
        }
    }
    assert_eq!(
        lines,
        [
            "web: http; users: alice, bob; administrators: alice; open to everybody: nothing",
            "web: http; users: alice, bob; administrators: nobody; open to everybody: metrics",
            "web: http; users: alice, bob; administrators: nobody; open to everybody: read",
            "web: https; users: nobody; administrators: cn=ops-client, san=a; open to everybody: read",
            "web: https; users: nobody; administrators: nobody; open to everybody: nothing",
            "web: http; users: nobody; administrators: nobody; open to everybody: read",
        ]
    );
}
