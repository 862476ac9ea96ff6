//! Whole stories, as files. `CONNECT_WARDEN_WRITE_GOLDEN=1` writes them anew; what changed is to be
//! read before it is kept.

use std::fmt::Write as _;

use super::*;

/// What changed from poll to poll, with times from the beginning: events, restarts (`>`), and units
/// whose phase or reason is another one.
struct Story {
    watched: Watched,
    begin: Duration,
    last: Vec<String>,
    text: String,
}

impl Story {
    fn new() -> Self {
        let watched = Watched::new();
        Self { begin: watched.now, watched, last: Vec::new(), text: String::new() }
    }

    fn poll(&mut self, snapshot: &Snapshot) -> Vec<Decision> {
        let decided = self.watched.poll(snapshot);
        let s = (self.watched.now - self.begin).as_secs();
        let time = format!("{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
        for event in &decided.events {
            let said = match event {
                Event::Unit((connector, _), change) => format!("{connector} {change:?}"),
                Event::Breaker(signature, change) => format!("breaker {signature:?} {change:?}"),
                Event::Caution(caution) => format!("caution {caution}"),
            };
            writeln!(self.text, "{time}   {said}").unwrap();
        }
        for Decision { connector, call, reason, .. } in &decided.decisions {
            writeln!(self.text, "{time} > {reason:?}: {connector} {call:?}").unwrap();
        }
        let units = decided.report.units.iter().map(|unit| {
            let (phase, why, attempts) = (unit.phase, unit.why.as_str(), unit.attempts);
            format!("{} {phase}, {why}, attempts {attempts}", unit.connector)
        });
        let now: Vec<String> = units.collect();
        for line in now.iter().filter(|line| !self.last.contains(line)) {
            writeln!(self.text, "{time}     {line}").unwrap();
        }
        self.last = now;
        decided.decisions
    }

    fn polls(&mut self, snapshot: &Snapshot, time: Duration) {
        let end = self.watched.now + time;
        while self.watched.now < end {
            self.poll(snapshot);
        }
    }

    fn is(self, name: &str) {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/watchdog/policy/tests/golden");
        let path = format!("{folder}/{name}.txt");
        if std::env::var_os("CONNECT_WARDEN_WRITE_GOLDEN").is_some() {
            std::fs::write(&path, &self.text).unwrap();
        }
        let golden = std::fs::read_to_string(&path).unwrap();
        for (number, (was, is)) in golden.lines().zip(self.text.lines()).enumerate() {
            assert_eq!(was, is, "{name}, line {}", number + 1);
        }
        assert_eq!(golden.lines().count(), self.text.lines().count(), "{name}");
    }
}

#[test]
fn a_units_whole_life() {
    let of = |state| snapshot(&[("a", &[state])], FailureClass::Transient);
    let mut story = Story::new();
    story.polls(&of(State::Running), minutes(1));
    // Three restarts do not help, the fourth does; it is stable and forgotten.
    let mut restarts = 0;
    while restarts < 4 {
        restarts += story.poll(&of(State::Failed)).len();
    }
    story.polls(&of(State::Restarting), POLL * 2);
    story.polls(&of(State::Running), minutes(30));
    // It fails once more, and an operator takes it.
    story.polls(&of(State::Failed), minutes(2));
    story.polls(&of(State::Paused), minutes(10));
    story.polls(&of(State::Running), minutes(10));
    story.is("one_life");
}

#[test]
fn a_storm_with_its_canaries() {
    let mut story = Story::new();
    let mut storm =
        failing(&["a", "b", "c", "d", "e", "f"], FailureClass::Transient, "refused @db");
    let back = story.begin + minutes(6);
    while story.watched.now < story.begin + minutes(40) {
        for decision in story.poll(&storm) {
            if story.watched.now >= back {
                set(&mut storm, &decision.connector, State::Running);
            }
        }
    }
    story.is("storm");
}

#[test]
fn a_parked_life_of_three_days() {
    let mut story = Story::new();
    story.polls(&snapshot(&[("a", &[State::Failed])], FailureClass::Unknown), hours(79));
    story.is("parked");
}
