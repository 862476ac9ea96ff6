//! The pages as HTML: complete, escaped, bounded; filters and names that are not there; paths behind
//! a proxy. What a browser makes of them is in `tests/browser`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test may panic"
)]

mod support;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use connect_warden::sim::{SimCluster, SimConfig};
use regex::Regex;
use support::kafka::get;
use support::warden::Warden;

const SOON: Duration = Duration::from_secs(20);
const POISON: &str = "org.apache.kafka.connect.errors.ConnectException: Tolerance exceeded in error handler\n\tat o.a.k.X.y(X.java:260)\nCaused by: org.apache.kafka.connect.errors.DataException: no <b>\n\tat o.a.k.Z.z(Z.java:1)";
const REFUSED: &str = "a.B: Exiting\nCaused by: java.net.ConnectException: Connection to db.example:5432 refused; password=hunter2";

async fn sim() -> SimCluster {
    SimCluster::start(SimConfig { workers: 1, ..SimConfig::default() }).await.unwrap()
}

/// A process that watches it; what it knows is complete.
fn watch(cluster: &SimCluster, more: &[&str]) -> Warden {
    let urls = cluster.urls().into_iter().map(|url| format!("--connect.url={url}"));
    let usual = ["--poll.interval=500ms", "--metrics.staleness=20s"];
    let warden = Warden::start(urls.chain(usual.iter().chain(more).map(|flag| (*flag).to_owned())));
    let fresh = "kafka_connect_status_fresh{connect_cluster=\"default\"}";
    warden.wait(fresh, Some(1.0), SOON);
    warden.wait("kafka_connect_up{connect_cluster=\"default\"}", Some(1.0), SOON);
    warden
}

fn page(warden: &Warden, path: &str) -> (u16, String) {
    get(warden.port, path, SOON).unwrap()
}

/// The head of an answer, and its body as it came.
fn raw(port: u16, path: &str, headers: &str) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n{headers}\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    (String::from_utf8_lossy(&answer[..end]).into_owned(), answer[end + 4..].to_vec())
}

/// What differs from run to run in words that stay.
fn settled(html: &str) -> String {
    let mut text = html.to_owned();
    for (what, instead) in [
        (r"127\.0\.0\.1(:|%3A)\d+", "WORKER"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "MOMENT"),
        (r"(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d UTC", "TIME"),
        (r"\d+ (s|min) ago", "AGO"),
        (r"(page|critical|warning|fine)-[0-9a-f]{8}", "$1-HASH"),
        (r#"data-told="\d+""#, "data-told=\"TOLD\""),
        // A tag a line, to read what changed.
        (r"><(/?[a-z]+)", ">\n<$1"),
    ] {
        text = Regex::new(what).unwrap().replace_all(&text, instead).into_owned();
    }
    text + "\n"
}

/// `CONNECT_WARDEN_WRITE_GOLDEN=1` writes the file anew.
fn is_golden(name: &str, html: &str) {
    let path = format!("{}/tests/page/{name}.html", env!("CARGO_MANIFEST_DIR"));
    let is = settled(html);
    if std::env::var_os("CONNECT_WARDEN_WRITE_GOLDEN").is_some() {
        std::fs::write(&path, &is).unwrap();
    }
    let was = std::fs::read_to_string(&path).unwrap();
    for (number, (was, is)) in was.lines().zip(is.lines()).enumerate() {
        assert_eq!(was, is, "{path}:{}", number + 1);
    }
    assert_eq!(was.lines().count(), is.lines().count(), "{path}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_overview_is_as_it_is_kept() {
    let cluster = sim().await;
    for name in ["audit-file", "orders-sink", "<b>\"x\"&'"] {
        cluster.create(name, &[("connector.class", "org.example.Sink"), ("tasks.max", "2")]);
    }
    cluster.fail_task("orders-sink", 1, POISON, true);
    cluster.set_state("audit-file", None, "PAUSED", None);
    cluster.set_state("audit-file", Some(0), "PAUSED", None);
    let warden = watch(&cluster, &["--watchdog.mode=off"]);
    let (status, html) = page(&warden, "/");
    assert_eq!(status, 200);
    is_golden("overview", &html);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_whole_escaped_and_without_styles_or_scripts_in_it() {
    let cluster = sim().await;
    let names = ["<script>alert(1)</script>", "a/b", "..", "\" onx=\"y", "\u{202e}gnp"];
    for name in names {
        let config = [
            ("connector.class", "org.example.<i>"),
            ("tasks.max", "1"),
            ("connection.password", "hunter2"),
            ("topics", "${file:/x:y}"),
        ];
        cluster.create(name, &config);
        cluster.fail_task(name, 0, REFUSED, true);
    }
    let warden = watch(&cluster, &["--watchdog.mode=dry-run"]);
    let overview = page(&warden, "/").1;
    let link =
        Regex::new(r#"href="(/(?:clusters/default/connectors/|connector\?)[^"]*)""#).unwrap();
    let mut paths: Vec<String> =
        link.captures_iter(&overview).map(|found| found[1].replace("&amp;", "&")).collect();
    paths.sort();
    paths.dedup();
    assert_eq!(paths.len(), names.len(), "{paths:?}");
    paths.extend(
        ["/", "/workers", "/clusters/default/workers", "/watchdog", "/nowhere", "/?x=y"]
            .map(str::to_owned),
    );
    for path in &paths {
        let (status, html) = page(&warden, path);
        let wanted = match path.as_str() {
            "/nowhere" => 404,
            "/?x=y" => 400,
            _ => 200,
        };
        assert_eq!(status, wanted, "{path}");
        assert!(html.starts_with("<!DOCTYPE html>") && html.ends_with("</html>"), "{path}");
        for bad in ["<script>", "<i>\"", " style=", " onx=\"", "hunter2", "javascript:"] {
            assert!(!html.contains(bad), "{path} has {bad}");
        }
        assert_eq!(html.matches("<script").count(), 1, "{path}");
        if path.contains("connector") && status == 200 && path != "/" {
            // A worker of 4.0 or later takes no path with these names.
            let is_refused = path.contains("%2F") || path.contains("name=..");
            let is_shown = html.contains("${file:/x:y}") && html.contains("connection.password");
            assert_eq!(is_shown, !is_refused, "{path}");
            assert!(html.contains("Connection to db.example:5432 refused"), "{path}");
        }
    }
    let told = page(&warden, "/connector?cluster=default&name=..").1;
    assert!(told.contains("<bdi>..</bdi>"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_shows_what_fits_and_one_that_makes_no_sense_is_said() {
    let cluster = sim().await;
    cluster.create_many("c", 250, 1);
    cluster.create("special", &[("connector.class", "org.example.Sink"), ("tasks.max", "1")]);
    cluster.fail_task("special", 0, POISON, true);
    cluster.fail_task("c00100", 0, REFUSED, true);
    let warden = watch(&cluster, &["--watchdog.mode=off"]);
    let rows = |html: &str| html.matches("data-l=\"Connector\"").count();
    for (query, count, has, has_not) in [
        ("", 100, "special", "c00200<"),
        ("?q=SPEC", 1, "special", "c00100<"),
        ("?state=failed", 2, "c00100", "c00001<"),
        ("?class=DATA", 1, "special", "c00100<"),
        ("?class=DATA&q=c0", 0, "No connector fits", "special<"),
        ("?type=source", 0, "0 of 251 connectors fit", "special<"),
        ("?cluster=default&page=3&sort=name", 51, "c00240", "c00199</bdi></a></td>"),
        ("?sort=-name&q=", 100, "special", "c00001<"),
        ("?page=99&sort=name", 51, "c00240", "c00001</bdi></a></td>"),
    ] {
        let (status, html) = page(&warden, &format!("/{query}"));
        let table = html.split("id=\"connectors\"").nth(1).unwrap();
        assert_eq!((status, rows(table)), (200, count), "{query}");
        assert!(html.contains(has), "{query} has no {has}");
        assert!(!table.contains(has_not), "{query} has {has_not}");
    }
    for (query, says) in [
        ("?state=dead", "There are: <code><bdi>running</bdi></code>"),
        ("?colour=red", "There is no filter &quot;colour&quot;"),
        ("?cluster=defualt", "<code><bdi>default</bdi></code>"),
        ("?page=zero", "is not a number"),
        ("?q=a&q=b", "is given twice"),
    ] {
        let (status, html) = page(&warden, &format!("/{query}"));
        assert!(status == 400 && html.contains(says), "{query}: {status} {html}");
    }
    for (path, says) in [
        ("/clusters/defalt/workers", "/clusters/default/workers"),
        ("/clusters/default/connectors/speciel", "/clusters/default/connectors/special"),
        ("/connector?cluster=default&name=..", "no connector"),
        ("/clusters/default/nothing", "leads nowhere"),
        ("/act?do=restart&cluster=default&connector=special", "Only an administrator"),
    ] {
        let (status, html) = page(&warden, path);
        let wanted = if path.starts_with("/act") { 403 } else { 404 };
        assert!(status == wanted && html.contains(says), "{path}: {status} {html}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_connectors_fit_into_little() {
    let cluster = sim().await;
    cluster.create_many("a-connector-with-a-usual-name-", 2000, 4);
    for n in 0..200 {
        let name = format!("a-connector-with-a-usual-name-{:05}", n * 10);
        cluster.fail_task(&name, 0, REFUSED, true);
    }
    let warden = watch(&cluster, &[]);
    let gzip = "Accept-Encoding: gzip\r\n";
    let (head, packed) = raw(warden.port, "/", gzip);
    assert!(head.contains("content-encoding: gzip") && head.contains("HTTP/1.1 200"), "{head}");
    assert!(head.contains("script-src 'self'") && !head.contains("unsafe-inline"), "{head}");
    assert!(packed.len() < 150_000, "{} bytes", packed.len());
    println!("the overview of 2000 connectors: {} bytes with gzip", packed.len());
    let (_, plain) = raw(warden.port, "/", "");
    let html = String::from_utf8(plain).unwrap();
    assert!(html.contains("200 failures of 200 connectors, one cause"));
    assert_eq!(
        html.matches("<i class=\"c\"").count() + html.matches("<i class=\"w\"").count(),
        200
    );
    assert_eq!(html.matches("<i class=\"r\" title").count(), 1800);
    let asset = Regex::new(r#""(/assets/page-[0-9a-f]{8}\.(?:js|css))""#).unwrap();
    for found in asset.captures_iter(&html) {
        let (head, body) = raw(warden.port, &found[1], gzip);
        assert!(head.contains("max-age=31536000, immutable") && head.contains("gzip"), "{head}");
        assert!(body.len() < 15 << 10, "{}", &found[1]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_may_be_between_with_a_path_of_its_own() {
    let cluster = sim().await;
    cluster.create("orders-sink", &[("tasks.max", "1")]);
    let urls = || cluster.urls().into_iter().map(|url| format!("--connect.url={url}"));
    let external = "--web.external-url=https://ops.example/warden/".to_owned();
    let under = Warden::start(urls().chain([external]));
    let (head, _) = raw(under.port, "/", "");
    assert!(head.starts_with("HTTP/1.1 302") && head.contains("location: /warden/\r\n"), "{head}");
    for (path, status) in [
        ("/warden/", 200),
        ("/warden", 302),
        ("/warden/-/healthy", 200),
        ("/-/healthy", 404),
        ("/wardens", 404),
    ] {
        assert_eq!(page(&under, path).0, status, "{path}");
    }
    assert_eq!(page(&under, "/warden/metrics").0, 200);
    drop(under);
    let warden = watch(
        &cluster,
        &["--web.external-url=https://ops.example/warden/", "--web.route-prefix=/"],
    );
    let html = page(&warden, "/").1;
    for link in [
        "\"/warden/watchdog\"",
        "\"/warden/metrics\"",
        "\"/warden/api/v1/live\"",
        "\"/warden/assets/page-",
    ] {
        assert!(html.contains(link), "{link}");
    }
    assert!(!html.contains("href=\"/watchdog\""));
    assert_eq!(page(&warden, "/watchdog").0, 200);
}
