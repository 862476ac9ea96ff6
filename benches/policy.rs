//! `decide` on 100,000 units: all healthy, a tenth failing of one cause, of 10,000 causes, and the
//! same in a storm; and what is allocated for a healthy unit. `cargo bench --bench policy`.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints")]

use std::sync::Arc;
use std::time::Duration;

use connect_warden::config::FailureClass;
use connect_warden::connect::model::{ConnectorType, State};
use connect_warden::observe::snapshot::{Connector, Failure, Instance, Snapshot, Task};
use connect_warden::watchdog::policy::{Input, Memory, Policy, decide};
use fastrand::Rng;
use tokio::time::Instant;

const ROUNDS: usize = 40;
const CONNECTORS: usize = 10_000;
const TASKS: u32 = 9;

/// Ten units each; the first `failing` of them have one that fails.
fn fleet(connectors: usize, failing: usize, signature: impl Fn(usize) -> String) -> Snapshot {
    let none: Arc<str> = "".into();
    let worker: Arc<str> = "connect-1.example.org:8083".into();
    let running =
        || Instance { state: State::Running, worker_id: Arc::clone(&worker), failure: None };
    let failed = |at| {
        let failure = Failure {
            class: FailureClass::Transient,
            signature: signature(at).into(),
            exception: Arc::clone(&none),
            ..Failure::default()
        };
        Instance { state: State::Failed, failure: Some(Box::new(failure)), ..running() }
    };
    let connector = |at: usize| Connector {
        name: format!("orders-to-warehouse-{at:06}").into(),
        kind: ConnectorType::Sink,
        class: Arc::clone(&none),
        version: Arc::clone(&none),
        config: Some(1),
        instance: running(),
        tasks_expected: Some(TASKS),
        tasks_max: Some(TASKS),
        tasks: (0..TASKS)
            .map(|id| Task {
                id,
                instance: if id == 0 && at < failing { failed(at) } else { running() },
            })
            .collect(),
    };
    Snapshot { connectors: (0..connectors).map(connector).collect(), ..Snapshot::default() }
}

/// The median and the longest of many looks, as they follow each other.
fn looks(snapshot: &Snapshot, policy: &Policy) -> (Duration, Duration, usize) {
    let (mut memory, mut rng) = (Memory::default(), Rng::with_seed(1));
    let (mut times, mut decisions) = (Vec::new(), 0);
    for round in 0..ROUNDS as u64 {
        let now = Duration::from_secs(1_700_000_000 + round * 15);
        let start = Instant::now();
        let decided = decide(memory, &Input::of(Some(snapshot)), policy, now, &mut rng);
        times.push(start.elapsed());
        decisions += decided.decisions.len();
        memory = decided.memory;
    }
    times.sort();
    (times[ROUNDS / 2], times[ROUNDS - 1], decisions)
}

/// Allocations of one look at a healthy fleet of so many connectors, and the bytes that stay.
fn allocations(connectors: usize) -> (u64, i64) {
    let (snapshot, policy) = (fleet(connectors, 0, |_| String::new()), Policy::default());
    let mut rng = Rng::with_seed(1);
    let input = Input::of(Some(&snapshot));
    let mut kept = None;
    let info = allocation_counter::measure(|| {
        let now = Duration::from_secs(1_700_000_000);
        kept = Some(decide(Memory::default(), &input, &policy, now, &mut rng));
    });
    (info.count_total, info.bytes_current)
}

fn main() {
    let usual = Policy::default();
    let mut storm = Policy::default();
    storm.limits.storm_part = 0.05;
    let one = |_| "ConnectException: refused @db.example.org:5432".to_owned();
    let own = |at| format!("ConnectException: refused @db-{at}.example.org:5432");
    let units = CONNECTORS * (TASKS as usize + 1);
    println!("{units} units, {ROUNDS} looks each");
    let healthy = fleet(CONNECTORS, 0, one);
    let of_one = fleet(CONNECTORS, CONNECTORS, one);
    let of_many = fleet(CONNECTORS, CONNECTORS, own);
    for (name, snapshot, policy, most) in [
        ("all healthy", &healthy, &usual, 20),
        ("10,000 failing of one cause", &of_one, &usual, 50),
        ("10,000 failing, each of its own cause", &of_many, &usual, 50),
        ("the same in a storm, 10,000 breakers", &of_many, &storm, 50),
    ] {
        let (median, longest, decisions) = looks(snapshot, policy);
        println!("{name}: {median:.1?}, longest {longest:.1?}, {decisions} restarts");
        assert!(median < Duration::from_millis(most), "{name} takes longer than {most} ms");
    }
    let (few, many) = (allocations(1), allocations(CONNECTORS));
    println!(
        "allocations of a look at {units} healthy units: {}, and {} bytes stay; of 10: {}, {}",
        many.0, many.1, few.0, few.1
    );
    assert_eq!(few, many, "nothing is allocated for a healthy unit");
}
