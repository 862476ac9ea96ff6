//! The numbers of the demo: as the usual ones, only sooner.

use super::*;

#[test]
fn outage_after_outage_is_healed_before_a_person_comes() {
    let names = ["orders-sink", "prices-sink", "returns-sink"];
    let mut snapshot = failing(&names, FailureClass::Transient, "x @db.example:5432");
    let mut watched = Watched::new();
    watched.policy.limits = crate::sim::demo::limits();
    let second = Duration::from_secs(1);
    for outage in 0..5 {
        let (begun, mut down) = (watched.now, true);
        for name in names {
            set(&mut snapshot, name, State::Failed);
        }
        // Down for a minute, then as long as the demo's person waits at least, and some peace.
        while watched.now < begun + second * 240 {
            watched.now += second * 2;
            down &= watched.now < begun + second * 60;
            let memory = std::mem::take(&mut watched.memory);
            let input = Input::of(Some(&snapshot));
            let now = watched.now;
            let decided = decide(memory, &input, &watched.policy, now, &mut watched.rng);
            watched.memory = decided.memory;
            for decision in decided.decisions.iter().filter(|_| !down) {
                set(&mut snapshot, &decision.connector, State::Running);
            }
            if now >= begun + second * 160 {
                let all = snapshot.connectors.iter().map(|c| c.tasks[0].instance.state);
                assert!(all.eq([State::Running; 3]), "outage {outage}");
            }
        }
    }
}
