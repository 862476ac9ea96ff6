//! Writes of the journal against a bare write and `fdatasync` of the same bytes, turn and turn about,
//! and a write that changes nothing. `cargo bench --bench journal`.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark prints")]

use std::fs::File;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use connect_warden::watchdog::journal::{Journal, Store as _};
use connect_warden::watchdog::policy::{Memory, Unit};
use tokio::time::Instant;

const ROUNDS: usize = 400;
/// As it stands in a journal: 300 bytes with what is around it.
const UNIT: &str = r#"{"class":"TRANSIENT","signature":"java.net.ConnectException: Connection refused db.example.net","is_failed":true,"first_failed":{"secs":1800000000,"nanos":0},"failed_at":{"secs":1800000000,"nanos":0},"attempts":1,"parked_since":null,"last_wait":{"secs":0,"nanos":0},"restarts":[],"phase":"GivenUp"}"#;

fn main() {
    // On the disk that the program is built on: where temporary files are there may be none.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let cluster: Arc<str> = "default".into();
    let unit: Unit = serde_json::from_str(UNIT).unwrap();
    for units in [1, 100, 10_000] {
        let path = folder.path().join(format!("journal-{units}"));
        let mut journal = Journal::new(&path, [Arc::clone(&cluster)]);
        let mut bare = File::create(folder.path().join(format!("bare-{units}"))).unwrap();
        let mut now = Duration::from_secs(1_800_000_000);
        let mut memory = journal.load(&cluster, now).unwrap().memory;
        for number in 0..units {
            let of_connector = memory.connectors.entry(format!("c{number:06}").into()).or_default();
            of_connector.units.insert(Some(0), unit.clone());
        }
        let (mut ours, mut yardstick, mut nothing, mut bytes) = (vec![], vec![], vec![], 0);
        for _ in 0..(ROUNDS / if units > 100 { 20 } else { 1 }) {
            now += Duration::from_secs(1);
            change(&mut memory);
            let before = std::fs::metadata(&path).unwrap().len();
            let start = Instant::now();
            journal.write(&cluster, &memory, now).unwrap();
            ours.push(start.elapsed());
            bytes = std::fs::metadata(&path).unwrap().len().saturating_sub(before);
            let text = vec![b'x'; bytes.try_into().unwrap()];
            let start = Instant::now();
            bare.write_all(&text).unwrap();
            bare.sync_data().unwrap();
            yardstick.push(start.elapsed());
            let start = Instant::now();
            journal.write(&cluster, &memory, now).unwrap();
            nothing.push(start.elapsed());
        }
        let [ours, yardstick, nothing] = [ours, yardstick, nothing].map(median);
        let ratio = ours.as_secs_f64() / yardstick.as_secs_f64();
        println!(
            "{units} units in a write ({bytes} bytes): {ours:?}, bare write and fdatasync {yardstick:?}, ratio {ratio:.2}; nothing to write: {nothing:?}"
        );
    }
}

fn change(memory: &mut Memory) {
    let units = memory.connectors.values_mut().flat_map(|connector| connector.units.values_mut());
    units.for_each(|unit| unit.attempts += 1);
}

fn median(mut all: Vec<Duration>) -> Duration {
    all.sort();
    all[all.len() / 2]
}
