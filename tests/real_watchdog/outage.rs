//! Many fail at once since what they all need is gone.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use crate::support::kafka::compile;
use crate::support::scene::audit;
use crate::support::warden::eventually;
use crate::{Bench, LIMIT, is_running};

const NEEDS_TCP: &str = include_str!("../support/java/NeedsTcp.java");
const COUNT: usize = 30;

/// Takes connections and keeps them, until it is dropped.
struct Server {
    port: u16,
    connections: Arc<Mutex<Vec<TcpStream>>>,
    ends: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Server {
    fn start(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (connections, ends) = (Arc::<Mutex<Vec<_>>>::default(), Arc::<AtomicBool>::default());
        let (kept, told) = (Arc::clone(&connections), Arc::clone(&ends));
        let thread = std::thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                if told.load(Ordering::SeqCst) {
                    return;
                }
                kept.lock().unwrap().push(connection);
            }
        });
        Self { port, connections, ends, thread: Some(thread) }
    }

    fn count(&self) -> usize {
        self.connections.lock().unwrap().len()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        let _ = self.thread.take().unwrap().join();
        self.connections.lock().unwrap().clear();
    }
}

fn name(number: usize) -> String {
    format!("needs-tcp-{number:02}")
}

fn at(line: &serde_json::Value) -> SystemTime {
    humantime::parse_rfc3339(line["at"].as_str().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs real workers"]
async fn thirty_wait_for_a_canary_and_follow_it_slowly() {
    let java = tempfile::tempdir().unwrap();
    let classes = compile("4.3.0", NEEDS_TCP, "NeedsTcp", java.path());
    let bench = Bench::start_in("4.3.0", 1, "", Some(&classes)).await;
    let server = Server::start(0);
    let port = server.port;
    for number in 0..COUNT {
        let config = [("connector.class", "needs.NeedsTcp"), ("port", &*port.to_string())];
        bench.create(&name(number), &config).await;
    }
    bench.create_sink("neighbour", &bench.cluster.file("out"), &[]).await;
    eventually("all are connected", LIMIT, || (server.count() == COUNT).then_some(()));
    for number in 0..COUNT {
        bench.wait_running(&name(number)).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let step = Duration::from_secs(5);
    let numbers = [
        ("grace", "3s"),
        ("breaker", "{}"),
        ("canary", "{waits: [3s, 6s, 12s, 24s], watch: 4s}"),
        ("release", "{first: 4, factor: 4, step: 5s}"),
        ("verify", "6s"),
    ];
    let warden = bench.watchdog(&folder, &numbers);
    warden.wait("kafka_connect_status_fresh{connect_cluster=\"default\"}", Some(1.0), LIMIT);

    drop(server);
    eventually("three canaries were sent", LIMIT, || (bench.posts().len() >= 3).then_some(()));
    let plan = warden.plan();
    let breakers = plan["clusters"][0]["breakers"].as_array().unwrap();
    assert_eq!(breakers.len(), 1, "{breakers:?}");
    assert_eq!(
        (&breakers[0]["state"], &breakers[0]["failure_class"]),
        (&"open".into(), &"TRANSIENT".into())
    );
    println!("{}", breakers[0]["signature"]);
    let units = plan["clusters"][0]["units"].as_array().unwrap();
    assert_eq!(units.len(), COUNT, "and not the neighbour");
    assert!(units.iter().all(|unit| unit["attempts"] == 0), "canaries are the breaker's");
    let canaries = bench.posts();
    assert_eq!(canaries.len(), 3);
    for (two, least) in canaries.windows(2).zip([6.0, 12.0]) {
        let gap = two[1].at - two[0].at;
        // What passes between a decision and its call may be less the second time.
        assert!(gap >= Duration::from_secs_f64(least - 0.5), "{gap:?}");
        assert_ne!(two[0].path, two[1].path, "turn and turn about");
    }

    let server = Server::start(port);
    for number in 0..COUNT {
        bench.wait_state(&name(number), is_running).await;
    }
    eventually("the breaker is closed", LIMIT, || {
        warden.plan()["clusters"][0]["breakers"].as_array().unwrap().is_empty().then_some(())
    });
    let text = std::fs::read_to_string(audit(folder.path())).unwrap();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let decided = |reason: &str| -> Vec<_> {
        lines.iter().filter(|l| l["event"] == "decided" && l["reason"] == reason).collect()
    };
    let (canaries, releases) = (decided("canary"), decided("release"));
    assert_eq!(releases.len(), COUNT - 1, "all but the canary that proved it");
    assert_eq!(decided("attempt").len(), 0);
    let posts = bench.posts();
    assert_eq!(posts.len(), canaries.len() + releases.len(), "as the witness saw");
    let proven = lines.iter().find(|line| line["event"] == "breaker_proven").unwrap();
    for (number, release) in releases.iter().enumerate() {
        let steps = if number < 4 {
            0
        } else if number < 16 {
            1
        } else {
            2
        };
        assert!(at(release) >= at(proven) + step * steps, "{number}: {release}, {proven}");
    }
    let mut of_each = BTreeMap::<_, usize>::new();
    releases
        .iter()
        .for_each(|line| *of_each.entry(line["connector"].to_string()).or_default() += 1);
    assert!(of_each.values().all(|count| *count == 1), "{of_each:?}");
    assert!(bench.posts_of("neighbour").is_empty());
    for (said, count) in [("breaker opened", 1), ("a canary runs", 1), ("breaker closed", 1)] {
        assert_eq!(warden.lines(&[said]), count, "{said}\n{}", warden.log());
    }
    println!("{} canaries, {} released", canaries.len(), releases.len());
    drop(server);
}
