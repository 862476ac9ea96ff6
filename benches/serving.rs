//! `GET /metrics` of 1000 connectors x 4 tasks against nginx with the same bytes, each on one core,
//! and the same while a cluster hangs. Needs `nginx`, `wrk` and `taskset`.
//! `cargo bench --bench serving`.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark may panic and prints"
)]

mod support;

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

use connect_warden::sim::Fault;
use support::{Process, body, get_bytes, median, pinned, sim, wait, yaml_of};

const ROUNDS: usize = 5;
const SERVER_CORE: usize = 0;
const CLIENT_CORE: usize = 1;
const GZIP: &str = "Accept-Encoding: gzip";

struct Nginx(Child, u16);

impl Nginx {
    fn start(folder: &Path) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let root = folder.display();
        let config = format!(
            "daemon off; worker_processes 1; pid {root}/pid; error_log {root}/error;\n\
             events {{ worker_connections 128; }}\n\
             http {{ access_log off; sendfile on; tcp_nopush on; gzip_static on; keepalive_requests 1000000;\n\
             open_file_cache max=10;\n\
             client_body_temp_path {root}/t; proxy_temp_path {root}/t; fastcgi_temp_path {root}/t;\n\
             uwsgi_temp_path {root}/t; scgi_temp_path {root}/t;\n\
             server {{ listen 127.0.0.1:{port}; root {root}; default_type text/plain; }} }}\n"
        );
        let file = folder.join("nginx.conf");
        std::fs::write(&file, config).unwrap();
        let mut command = pinned(SERVER_CORE, "nginx");
        let child = command.arg("-c").arg(&file).spawn().expect("nginx and taskset are installed");
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            wait(Duration::from_millis(50));
        }
        Self(child, port)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // SIGTERM, so that the master takes its worker along.
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

/// Requests a second and the 99th percentile in milliseconds.
struct Load {
    rate: f64,
    p99: f64,
}

fn load(port: u16, header: &str) -> Load {
    let output = pinned(CLIENT_CORE, "wrk")
        .args(["-t1", "-c8", "-d3s", "--latency", "-H", header])
        .arg(format!("http://127.0.0.1:{port}/metrics"))
        .output()
        .expect("wrk is installed");
    let text = String::from_utf8(output.stdout).unwrap();
    let word = |label: &str| {
        let line = text.lines().find(|line| line.trim_start().starts_with(label));
        let line = line.unwrap_or_else(|| panic!("wrk says: {text}"));
        line.trim_start().trim_start_matches(label).trim().to_owned()
    };
    assert!(!text.contains("Socket errors") && !text.contains("Non-2xx"), "{text}");
    let p99 = word("99%");
    let p99 = p99.strip_suffix("us").map_or_else(
        || p99.strip_suffix("ms").map(|ms| ms.parse::<f64>().unwrap()),
        |us| us.parse::<f64>().ok().map(|us| us / 1000.0),
    );
    Load { rate: word("Requests/sec:").parse().unwrap(), p99: p99.expect("under a second") }
}

#[tokio::main]
async fn main() {
    let (good, other) = (sim(1000, 4).await, sim(10, 1).await);
    let yaml = yaml_of(&[("good", &good), ("other", &other)]);
    let warden = Process::warden(&yaml, Some(SERVER_CORE));
    let folder = tempfile::tempdir().unwrap();
    let plain = get_bytes(warden.port, "/metrics", "").unwrap();
    let packed = get_bytes(warden.port, "/metrics", &format!("{GZIP}\r\n")).unwrap();
    std::fs::write(folder.path().join("metrics"), body(&plain)).unwrap();
    std::fs::write(folder.path().join("metrics.gz"), body(&packed)).unwrap();
    println!("exposition: {} bytes, {} with gzip", body(&plain).len(), body(&packed).len());
    let nginx = Nginx::start(folder.path());
    for (name, header) in [("plain", "X: y"), ("gzip", GZIP)] {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            ours.push(load(warden.port, header));
            theirs.push(load(nginx.1, header));
        }
        let rate = |all: &[Load]| median(all.iter().map(|load| load.rate).collect());
        let p99 = |all: &[Load]| median(all.iter().map(|load| load.p99).collect());
        let (our_p99, their_p99) = (p99(&ours), p99(&theirs));
        let (ours, theirs) = (rate(&ours), rate(&theirs));
        println!(
            "{name}: {ours:.0} requests/s, p99 {our_p99:.2} ms; nginx {theirs:.0}, p99 {their_p99:.2} ms; throughput ratio {:.2}, p99 ratio {:.2}",
            ours / theirs,
            our_p99 / their_p99,
        );
    }
    drop(nginx);
    let mut pairs = Vec::new();
    for _ in 0..ROUNDS {
        let idle = load(warden.port, GZIP).p99;
        other.fault(0, Some(Fault::Hang));
        wait(Duration::from_secs(1));
        pairs.push((idle, load(warden.port, GZIP).p99));
        other.fault(0, None);
    }
    let idle = median(pairs.iter().map(|pair| pair.0).collect());
    let hanging = median(pairs.iter().map(|pair| pair.1).collect());
    println!(
        "p99 while a cluster hangs: {hanging:.2} ms, idle {idle:.2} ms, ratio {:.2}",
        hanging / idle
    );
}
