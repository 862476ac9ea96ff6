//! Rule 10: many that fail of one cause, and restarts that come to nothing.

use super::*;

const CLASS: FailureClass = FailureClass::Transient;
const FIVE: [&str; 5] = ["a", "b", "c", "d", "e"];

/// Polls until a canary is out, and gives whose.
fn canary(watched: &mut Watched, storm: &Snapshot) -> Arc<str> {
    let decision = watched.restart(storm);
    assert_eq!(decision.reason, Reason::Canary, "{decision:?}");
    decision.connector
}

/// Until the canary of so many runs.
fn proven(watched: &mut Watched, count: usize) -> Snapshot {
    let mut storm = many(count, CLASS, "db");
    let first = canary(watched, &storm);
    set(&mut storm, &first, State::Running);
    storm
}

fn is_breaker(event: &Event, change: BreakerChange) -> bool {
    matches!(event, Event::Breaker(_, other) if *other == change)
}

#[test]
fn a_breaker_keeps_when_it_opened() {
    let mut watched = Watched::new();
    let storm = many(3, FailureClass::Transient, "x");
    let is_open = |watched: &mut Watched| {
        watched.poll(&storm);
        !watched.memory.breakers.is_empty()
    };
    while !is_open(&mut watched) {}
    let opened = watched.now;
    canary(&mut watched, &storm);
    let breaker = watched.memory.breakers.values().next().unwrap();
    assert_eq!(breaker.opened, Some(opened));
    assert!(breaker.since > opened, "its age counts from its first canary");
}

#[test]
fn only_canaries_go_one_at_a_time_further_apart_and_turn_and_turn_about() {
    let mut watched = Watched::new();
    let storm = failing(&FIVE, CLASS, "db");
    let (mut seen, mut at) = (Vec::new(), Vec::new());
    for _ in 0..6 {
        seen.push(canary(&mut watched, &storm));
        at.push(watched.now);
    }
    let gaps: Vec<u64> = at.windows(2).map(|pair| (pair[1] - pair[0]).as_secs()).collect();
    assert_eq!(gaps, [120, 240, 330, 330, 330]);
    assert_eq!(seen[5], seen[0]);
    seen[..5].sort();
    assert_eq!(seen[..5].iter().map(|connector| &**connector).collect::<Vec<_>>(), FIVE);
    let report = watched.poll(&storm).report;
    assert!(report.units.iter().any(|unit| unit.held_by() == Some(Why::Breaker)), "{report:?}");
    assert!(report.units.iter().all(|unit| unit.attempts == 0), "they cost no unit an attempt");
}

#[test]
fn a_proof_releases_the_others_in_growing_steps() {
    let mut watched = Watched::new();
    let mut storm = proven(&mut watched, 200);
    let mut steps = Vec::new();
    for _ in 0..30 {
        let decisions = watched.poll(&storm).decisions;
        steps.extend(Some(decisions.len()).filter(|released| *released > 0));
        for decision in decisions {
            assert_eq!(decision.reason, Reason::Release);
            set(&mut storm, &decision.connector, State::Running);
        }
    }
    assert_eq!(steps, [20, 60, 119]);
    assert!(watched.memory.breakers.is_empty());
    // A factor of one is a slow start as well, and none that never ends.
    let mut watched = Watched::new();
    watched.policy.limits.release_factor = 1;
    let mut storm = proven(&mut watched, 200);
    for _ in 0..30 {
        for decision in watched.poll(&storm).decisions {
            set(&mut storm, &decision.connector, State::Running);
        }
    }
    assert!(watched.memory.breakers.is_empty());
}

#[test]
fn the_gate_closes_when_the_released_fail_again() {
    let mut watched = Watched::new();
    let storm = proven(&mut watched, 100);
    let mut events = Vec::new();
    while !events.iter().any(|event| is_breaker(event, BreakerChange::Reopened)) {
        events.extend(watched.poll(&storm).events);
    }
    let again = watched.restarts(&storm, minutes(10));
    assert!(again.len() <= 3, "only canaries, and nobody is hammered: {again:?}");
}

#[test]
fn one_that_fails_after_its_release_is_not_released_again() {
    let mut watched = Watched::new();
    let mut storm = proven(&mut watched, 10);
    let pill = &*storm.connectors[9].name.clone();
    let mut of_pill = Vec::new();
    for _ in 0..60 {
        for decision in watched.poll(&storm).decisions {
            if &*decision.connector == pill {
                of_pill.push((decision.reason, watched.now));
            } else {
                set(&mut storm, &decision.connector, State::Running);
            }
        }
    }
    assert_eq!((of_pill[0].0, of_pill[1].0), (Reason::Release, Reason::Attempt), "{of_pill:?}");
    assert!(of_pill[1].1 - of_pill[0].1 >= Duration::from_secs(90), "{of_pill:?}");
}

#[test]
fn a_proof_does_not_outlive_a_long_hold() {
    let mut watched = Watched::new();
    let storm = proven(&mut watched, 50);
    let stopped = Input { stopped: true, ..Input::of(Some(&storm)) };
    let mut events: Vec<Event> = Vec::new();
    (0..100).for_each(|_| events.extend(watched.input(stopped).events));
    assert!(events.iter().any(|event| is_breaker(event, BreakerChange::Reopened)), "{events:?}");
    assert_eq!(watched.restart(&storm).reason, Reason::Canary);
}

#[test]
fn a_canary_that_is_lost_does_not_hold_the_others() {
    type Lose<'l> = &'l dyn Fn(&mut Snapshot, &str);
    let cases: [(&str, Lose<'_>); 5] = [
        ("hangs", &|storm, name| set(storm, name, State::Restarting)),
        ("was paused", &|storm, name| set(storm, name, State::Paused)),
        ("is deleted", &|storm, name| storm.connectors.retain(|c| &*c.name != name)),
        ("is not read", &|storm, name| {
            storm.connectors.retain(|c| &*c.name != name);
            storm.unread.push(name.into());
        }),
        ("fails otherwise", &|storm, name| {
            let of = storm.connectors.iter_mut().find(|c| &*c.name == name).unwrap();
            of.tasks[0].instance = instance(State::Failed, FailureClass::Install, "x");
        }),
    ];
    for (name, lose) in cases {
        let mut watched = Watched::new();
        let mut storm = failing(&FIVE, CLASS, "db");
        let first = canary(&mut watched, &storm);
        lose(&mut storm, &first);
        let before = watched.now;
        assert_ne!(first, canary(&mut watched, &storm), "{name}");
        assert!(watched.now - before <= minutes(11), "{name}");
    }
}

#[test]
fn a_canary_is_nobody_who_is_held_and_nobody_is_given_up_for_that() {
    let selector = |names: &str| Selector {
        connectors: vec![regex::Regex::new(names).unwrap()],
        ..Selector::default()
    };
    let mut watched = Watched::new();
    let storm = failing(&FIVE, CLASS, "db");
    let (from, until) = (Duration::ZERO, watched.now + hours(24));
    let but_one = [Arc::new(Silence { selector: selector("^(?:[a-d])$"), from, until })];
    for _ in 0..100 {
        let input = Input { silences: &but_one, ..Input::of(Some(&storm)) };
        assert!(watched.input(input).decisions.iter().all(|d| &*d.connector == "e"));
    }
    let mut watched = Watched::new();
    watched.policy.mode = crate::config::WatchdogMode::Off;
    assert_eq!(watched.polls(&storm, hours(100)), 0);
    watched.policy.mode = crate::config::WatchdogMode::On;
    assert!(watched.polls(&storm, hours(1)) > 5);
    assert!(watched.poll(&storm).report.units.iter().all(|unit| unit.phase != "given_up"));
}

#[test]
fn what_no_time_heals_is_given_up_by_its_canaries_and_the_rest_after_three_days() {
    for (class, at_most, after) in [
        (FailureClass::Auth, 2, hours(1)),
        (FailureClass::Resource, 2, hours(1)),
        (FailureClass::Data, 1, hours(1)),
        (FailureClass::Unknown, 4 + 12 + 21, hours(80)),
        (FailureClass::Transient, 400, hours(80)),
    ] {
        let mut watched = Watched::new();
        let storm = failing(&FIVE, class, "x");
        let restarts = watched.restarts(&storm, after);
        assert!(restarts.len() <= at_most, "{class:?}: {}", restarts.len());
        let report = watched.poll(&storm).report;
        assert!(report.units.iter().all(|unit| unit.phase == "given_up"), "{class:?}: {report:?}");
        assert_eq!(watched.polls(&storm, hours(5)), 0, "{class:?}");
    }
}

#[test]
fn many_causes_at_once_are_a_storm_and_then_each_its_own() {
    let rows: Vec<(&str, &[State])> =
        FIVE.iter().map(|name| (*name, [State::Failed].as_slice())).collect();
    let storm = snapshot(&rows, CLASS);
    let mut watched = Watched::new();
    let (mut opened, mut restarts) = (0, 0);
    for _ in 0..4 * 60 * 75 {
        let decided = watched.poll(&storm);
        opened += decided.events.iter().filter(|e| is_breaker(e, BreakerChange::Opened)).count();
        restarts += decided.decisions.len();
    }
    assert_eq!(opened, 5, "each is opened once");
    assert!(restarts <= 5 * (3 + 6 + 12 + 20), "a single unit has attempts: {restarts}");
}

#[test]
fn a_small_part_of_a_fleet_is_no_storm() {
    let mut rows: Vec<(&str, &[State])> =
        FIVE.iter().map(|name| (*name, [State::Failed].as_slice())).collect();
    rows.push(("z", &[State::Running; 30]));
    let mut watched = Watched::new();
    watched.polls(&snapshot(&rows, CLASS), minutes(2));
    assert!(watched.memory.breakers.is_empty());
}

#[test]
fn a_breaker_outlives_a_crash_with_its_canary_and_its_release() {
    let mut watched = Watched::new();
    let mut storm = proven(&mut watched, 40);
    watched.restored();
    let mut released = 0;
    for _ in 0..20 {
        let decisions = watched.poll(&storm).decisions;
        for decision in &decisions {
            assert_eq!(decision.reason, Reason::Release);
            set(&mut storm, &decision.connector, State::Running);
            released += 1;
        }
        if !decisions.is_empty() {
            watched.restored();
        }
    }
    assert_eq!(released, 39);
}

#[test]
fn a_dependency_that_no_probe_reaches_is_not_tried_and_one_that_is_back_is_at_once() {
    let mut watched = Watched::new();
    watched.policy.probe_targets = vec!["db:5432".into()];
    let storm = failing(&FIVE, CLASS, "refused @db:5432");
    let asked = (0..4).flat_map(|_| watched.poll(&storm).probes).next();
    assert_eq!(asked.as_deref(), Some("db:5432"));
    let look = |watched: &mut Watched, reachable| {
        let at = watched.now + POLL;
        let probes = [("db:5432".into(), Probed { at, reachable })].into();
        watched.input(Input { probes: &probes, ..Input::of(Some(&storm)) })
    };
    for _ in 0..200 {
        let decided = look(&mut watched, false);
        assert_eq!(decided.decisions, []);
        assert_eq!(decided.probes, Vec::<Arc<str>>::new(), "the last answer is young");
        assert!(decided.report.units.iter().all(|unit| unit.why == Why::Probe));
    }
    assert_eq!(look(&mut watched, true).decisions.len(), 1);
}

#[test]
fn restarts_that_come_to_nothing_go_on_one_at_a_time_until_one_does() {
    let mut watched = Watched::calm();
    watched.policy.limits.attempts.transient = 1000;
    watched.policy.limits.flapping = 1000;
    let mut storm = many(12, CLASS, "x");
    let (mut said, mut tried) = (Vec::new(), std::collections::BTreeSet::new());
    for _ in 0..800 {
        let decided = watched.poll(&storm);
        said.extend(decided.events.into_iter().filter(|event| matches!(event, Event::Caution(_))));
        if !said.is_empty() {
            assert!(decided.decisions.len() <= 1, "{:?}", decided.decisions);
            tried.extend(decided.decisions.into_iter().map(|decision| decision.connector));
        }
    }
    assert_eq!(said, [Event::Caution(true)]);
    assert_eq!(tried.len(), 12, "each has its turn");
    let decision = watched.restart(&storm);
    set(&mut storm, &decision.connector, State::Running);
    let mut events = (0..12).flat_map(|_| watched.poll(&storm).events);
    assert!(events.any(|event| event == Event::Caution(false)));
}

#[test]
fn who_waits_for_a_budget_is_said_with_when_it_is_there_and_holds_nobody_else() {
    let mut watched = Watched::new();
    watched.policy.limits.connector_budget = (1, 1);
    let storm = many(4, FailureClass::Transient, "x");
    let mut tried = std::collections::BTreeSet::new();
    // One canary each: nobody who has no budget stands in the way of those who have.
    for _ in 0..4 {
        tried.insert(canary(&mut watched, &storm));
    }
    assert_eq!(tried.len(), 4);
    let decided = (0..1000)
        .map(|_| watched.poll(&storm))
        .find(|decided| decided.report.units.iter().any(|unit| unit.why == Why::Budget));
    let report = decided.unwrap().report;
    for unit in &report.units {
        assert!(unit.connector_budget_left < 1.0);
        assert_eq!(unit.why, Why::Budget, "all of them: {unit:?}");
        assert!(unit.next.is_some_and(|next| next > watched.now), "not in the past: {unit:?}");
        assert_eq!(unit.behind.as_ref().map(|behind| behind.units), Some(4));
    }
}
