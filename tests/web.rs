//! What the binary answers over HTTP, to friends and to others.
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

use connect_warden::sim::{Fault, SimCluster, SimConfig};
use support::kafka::get;
use support::warden::Warden;

const UP: &str = "kafka_connect_up{connect_cluster=\"default\"}";
const SOON: Duration = Duration::from_secs(10);

async fn cluster() -> SimCluster {
    let cluster =
        SimCluster::start(SimConfig { workers: 1, ..SimConfig::default() }).await.unwrap();
    cluster.create("<b>\"x\"", &[("tasks.max", "1")]);
    cluster
}

/// Sends bytes, gives all that comes back.
fn raw(port: u16, request: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    // The server may answer and close before it has read everything.
    let _ = stream.write_all(request.as_bytes());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn metrics(port: u16, headers: &str) -> String {
    raw(port, &format!("GET /metrics HTTP/1.1\r\nHost: h\r\nConnection: close\r\n{headers}\r\n"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_format_is_the_one_that_is_asked_for() {
    let cluster = cluster().await;
    let warden = Warden::watch(&cluster.urls());
    warden.wait(UP, Some(1.0), SOON);
    let text = metrics(warden.port, "");
    assert!(text.contains("content-type: text/plain; version=0.0.4; charset=utf-8\r\n"), "{text}");
    assert!(text.contains("# TYPE connect_warden_polls_total counter\n"));
    assert!(text.contains("# TYPE kafka_connect_worker_info gauge\n") && !text.contains("# EOF"));
    let open = metrics(warden.port, "Accept: application/openmetrics-text;version=1.0.0\r\n");
    assert!(open.contains("content-type: application/openmetrics-text; version=1.0.0"), "{open}");
    assert!(open.contains("# TYPE connect_warden_polls counter\n") && open.ends_with("# EOF\n"));
    let packed = metrics(warden.port, "Accept-Encoding: gzip\r\n");
    assert!(packed.contains("content-encoding: gzip\r\n") && packed.len() < text.len());
    let head = raw(warden.port, "HEAD /metrics HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 200") && head.ends_with("\r\n\r\n"), "{head}");
}

#[tokio::test(flavor = "multi_thread")]
async fn readiness_waits_for_the_first_poll_good_or_bad() {
    let cluster = cluster().await;
    cluster.fault(0, Some(Fault::Hang));
    let warden = Warden::start([
        format!("--connect.url={}", cluster.urls()[0]),
        "--poll.interval=2s".to_owned(),
    ]);
    let status = |path| get(warden.port, path, SOON).unwrap();
    assert_eq!(status("/-/ready").0, 503);
    assert_eq!(status("/-/healthy").0, 200);
    warden.wait(UP, Some(0.0), SOON);
    assert_eq!(status("/-/ready").0, 200);
    let (code, body) = status("/health/default");
    assert!(code == 503 && body.contains("no answer within 2s"), "{body}");
    cluster.fault(0, None);
    warden.wait(UP, Some(1.0), SOON);
    warden.wait("kafka_connect_status_fresh{connect_cluster=\"default\"}", Some(1.0), SOON);
    assert_eq!(status("/health/default").0, 200);
    let worker = format!("/health/default/worker/{}", cluster.worker_id(0));
    assert_eq!(status(&worker).0, 200);
    let (code, body) = status("/health/other");
    assert!(code == 404 && body.contains("default"), "{body}");
    assert_eq!(warden.end(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_requests_are_answered_and_bounded() {
    let cluster = cluster().await;
    let warden = Warden::start([
        format!("--connect.url={}", cluster.urls()[0]),
        "--web.max-connections=20".to_owned(),
    ]);
    let close = "Host: h\r\nConnection: close\r\n";
    let huge =
        raw(warden.port, &format!("GET / HTTP/1.1\r\n{close}X: {}\r\n\r\n", "x".repeat(64 << 10)));
    assert!(huge.starts_with("HTTP/1.1 431") || huge.is_empty(), "{huge}");
    let post =
        raw(warden.port, &format!("POST /metrics HTTP/1.1\r\n{close}Content-Length: 0\r\n\r\n"));
    assert!(post.starts_with("HTTP/1.1 405") && post.contains("allow: GET, HEAD\r\n"), "{post}");
    let nowhere = raw(warden.port, &format!("GET /nowhere HTTP/1.1\r\n{close}\r\n"));
    assert!(nowhere.starts_with("HTTP/1.1 404"), "{nowhere}");
    assert!(raw(warden.port, "\x01\x02\r\n\r\n").starts_with("HTTP/1.1 400"));

    let idle: Vec<_> =
        (0..200).filter_map(|_| TcpStream::connect(("127.0.0.1", warden.port)).ok()).collect();
    assert!(idle.len() > 20);
    let mut slow = TcpStream::connect(("127.0.0.1", warden.port)).unwrap();
    slow.write_all(b"GET /metrics HTTP/1.1\r\nHos").unwrap();
    for _ in 0..50 {
        let answer = get(warden.port, "/-/healthy", SOON);
        assert_eq!(answer, Some((200, "healthy\n".to_owned())), "a full house has room for more");
    }
    let gone = idle.into_iter().filter(|stream| {
        stream.set_nonblocking(true).unwrap();
        matches!((&*stream).read(&mut [0]), Ok(0))
    });
    assert!(gone.count() >= 180, "connections are bounded");
}
