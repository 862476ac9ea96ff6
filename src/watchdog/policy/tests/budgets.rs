//! Rules 9, 11 and 12: what may be spent, by which call, and numbers that nobody would choose.

use super::*;
use crate::config::WatchdogMode;

const CLASS: FailureClass = FailureClass::Transient;

/// The first poll with decisions.
fn first(watched: &mut Watched, input: Input<'_>) -> Vec<Decision> {
    (0..100).map(|_| watched.input(input).decisions).find(|d| !d.is_empty()).unwrap()
}

fn dry_run(selector: Selector) -> Rule {
    Rule { name: "r".into(), selector, mode: WatchdogMode::DryRun, limits: Limits::default() }
}

#[test]
fn one_call_for_all_that_failed_and_only_if_all_are_due() {
    let six = || snapshot(&[("a", &[State::Failed; 6])], CLASS);
    let calls = |snapshot: &Snapshot, restarts_with_tasks| {
        let input = Input { restarts_with_tasks, ..Input::of(Some(snapshot)) };
        let decisions = first(&mut Watched::calm(), input);
        decisions.into_iter().map(|decision| decision.call).collect::<Vec<_>>()
    };
    assert_eq!(calls(&six(), true), [Call::ConnectorAndTasks]);
    let one_by_one = [Call::Task(0), Call::Task(1), Call::Task(2)];
    assert_eq!(calls(&six(), false), one_by_one);
    // One of them must not be touched, and others have another cause.
    for other in [FailureClass::OffsetLost, FailureClass::Data, CLASS] {
        let mut mixed = six();
        mixed.connectors[0].tasks[5].instance = instance(State::Failed, other, "other");
        assert_eq!(calls(&mixed, true), one_by_one, "{other:?}");
    }
    let mut own = six();
    own.connectors[0].instance = instance(State::Failed, CLASS, "other");
    assert_eq!(calls(&own, true), [Call::ConnectorAndTasks]);
    own.connectors[0].tasks.iter_mut().for_each(|t| t.instance.state = State::Running);
    assert_eq!(calls(&own, true), [Call::ConnectorOnly]);
    assert_eq!(calls(&own, false), [Call::PlainConnector]);
}

#[test]
fn budgets_are_kept_and_whoever_waits_longest_comes_first() {
    let mut watched = Watched::calm();
    watched.policy.limits.ineffective_of = 0;
    let storm = many(40, CLASS, "x");
    let (begin, mut count) = (watched.now, 0);
    let mut tried = std::collections::BTreeSet::new();
    while watched.now < begin + minutes(6) {
        let decisions = watched.poll(&storm).decisions;
        count += decisions.len() as u64;
        tried.extend(decisions.into_iter().map(|decision| decision.connector));
        let most = 10 + (watched.now - begin).as_secs() * 6 / 60;
        assert!(count <= most, "{count} of {most}");
    }
    assert_eq!(tried.len(), 40, "nobody starves");
    let mut watched = Watched::calm();
    let one = snapshot(&[("a", &[State::Failed; 8])], CLASS);
    let input = Input { restarts_with_tasks: false, ..Input::of(Some(&one)) };
    let an_hour: usize = (0..240).map(|_| watched.input(input).decisions.len()).sum();
    assert!((3..=3 + 6).contains(&an_hour), "{an_hour}");
    // It outlives the connector.
    watched.poll(&Snapshot::default());
    let again: usize = (0..40).map(|_| watched.input(input).decisions.len()).sum();
    assert!(again <= 1, "{again}");
}

#[test]
fn workers_whose_version_is_not_known_are_asked_for_plain_restarts() {
    let four = snapshot(&[("a", &[State::Failed; 4])], CLASS);
    let known = |names: &[&str]| names.iter().map(|name| Arc::from(*name)).collect();
    for (workers, together) in [(known(&["w:1"]), true), (known(&["w:2"]), false)] {
        let workers: BTreeSet<Arc<str>> = workers;
        let input = Input { workers_that_do: Some(&workers), ..Input::of(Some(&four)) };
        let mut watched = Watched::calm();
        let decisions = (0..10).map(|_| watched.input(input).decisions).find(|d| !d.is_empty());
        let calls: Vec<_> = decisions.unwrap().iter().map(|decision| decision.call).collect();
        assert_eq!(calls.contains(&Call::ConnectorAndTasks), together, "{calls:?}");
    }
}

#[test]
fn the_process_has_a_budget_of_its_own() {
    let storm = many(5, CLASS, "x");
    let mut watched = Watched::calm();
    for process_left in [1, 0, 2] {
        let input = Input { process_left, ..Input::of(Some(&storm)) };
        for _ in 0..10 {
            assert!(watched.input(input).decisions.len() <= process_left as usize);
        }
    }
}

#[test]
fn what_is_only_said_takes_nothing_from_what_is_sent() {
    let pattern = regex::Regex::new("^(?:[a-d])$").unwrap();
    let rule = dry_run(Selector { connectors: vec![pattern], ..Selector::default() });
    let storm = failing(&["a", "b", "c", "d", "z"], CLASS, "x");
    let is_sent = |decision: &Decision| (decision.connector.to_string(), decision.dry_run);
    let mut watched = Watched::calm();
    watched.policy.rules = vec![rule.clone()];
    watched.policy.limits.cluster_budget = (1, 1);
    let decisions = first(&mut watched, Input::of(Some(&storm)));
    assert_eq!(is_sent(&decisions[0]), ("z".into(), false));
    // Nor does it speak for it: neither as a canary, nor of what restarts come to.
    let mut watched = Watched::new();
    watched.policy.rules = vec![rule.clone()];
    assert_eq!(is_sent(&watched.restart(&storm)), ("z".into(), false));
    let mut watched = Watched::calm();
    watched.policy.rules = vec![rule];
    let without = failing(&["a", "b", "c", "d"], CLASS, "x");
    watched.polls(&without, hours(5));
    assert!(watched.memory.caution.is_none());
}

#[test]
fn dry_run_decides_as_on_does() {
    let fleets = [
        failing(&["a", "b", "c", "d"], CLASS, "db"),
        failing(&["a", "b", "c", "d"], FailureClass::Auth, "db"),
        snapshot(&[("a", &[State::Failed; 6]), ("b", &[State::Failed; 2])], CLASS),
    ];
    for fleet in &fleets {
        let decisions = |mode| {
            let mut watched = Watched::new();
            watched.policy.mode = mode;
            let plain = |d: Decision| (d.connector, d.call, d.units, d.reason);
            let all = (0..4000).flat_map(|_| watched.poll(fleet).decisions);
            all.map(plain).collect::<Vec<_>>()
        };
        assert_eq!(decisions(WatchdogMode::On), decisions(WatchdogMode::DryRun));
    }
}

#[test]
fn what_was_only_said_is_forgotten_once_it_is_sent_and_nothing_else_is() {
    let mut watched = Watched::new();
    watched.policy.mode = WatchdogMode::DryRun;
    let data = snapshot(&[("a", &[State::Failed])], FailureClass::Data);
    assert!(watched.restart(&data).dry_run);
    watched.policy.mode = WatchdogMode::On;
    let cleared = of_first("a", Change::Cleared(Because::ModeChanged));
    assert_eq!(watched.poll(&data).events, std::slice::from_ref(&cleared));
    assert!(!watched.restart(&data).dry_run);
    // Two rules in turn, one of which only says.
    let unknown = FailureClass::Unknown;
    let mut watched = Watched::new();
    watched.policy.rules =
        vec![dry_run(Selector { failure_classes: vec![unknown], ..Selector::default() })];
    let mut decisions = 0;
    for _ in 0..4 * 60 * 24 {
        let class = if decisions % 2 == 0 { CLASS } else { unknown };
        let decided = watched.poll(&snapshot(&[("a", &[State::Failed])], class));
        assert!(!decided.events.contains(&cleared), "an attempt was sent");
        decisions += decided.decisions.len();
    }
    assert!(decisions <= 6 + 24, "{decisions}");
}

fn all_at_once(time: Duration, count: u32) -> Limits {
    let attempts = Attempts {
        transient: count,
        unknown: count,
        resource: count,
        auth: count,
        data: count,
        offset_lost: 0,
        install: 0,
    };
    Limits {
        sightings: count.min(2),
        rebalance_hold: time,
        rebalance_most: time,
        first_jitter: time,
        backoff_base: time,
        backoff_cap: time,
        attempts,
        auth_spacing: time,
        data_delay: time,
        refused_wait: time,
        stale_status: time,
        verify: time,
        stuck: time,
        verify_most: time,
        longest_gap: time,
        stable: time,
        flapping: count as usize,
        flapping_window: time,
        flapping_spacing: time,
        probe_often: time,
        probe_often_until: time,
        probe_seldom: time,
        probe_until: time,
        connector_budget: (count, count),
        cluster_budget: (count, count),
        foreign_restarts: count as usize,
        foreign_window: time,
        stand_down: time,
        ineffective_of: count as usize,
        ineffective_part: 0.0,
        refused_in_a_row: count,
        storm_units: count as usize,
        storm_part: 0.0,
        storm_window: time,
        signature_connectors: count as usize,
        canary_waits: [time; 4],
        canary_old: time,
        canary_old_wait: time,
        canary_watch: time,
        release_first: count,
        release_factor: count,
        release_step: time,
        release_failing: 0.0,
        probe_interval: time,
        probe_distrust: time,
        grace: Duration::ZERO,
        ..Limits::default()
    }
}

#[test]
fn numbers_at_their_ends_do_not_panic() {
    let (none, most) = (Duration::ZERO, Duration::MAX);
    for (time, count) in [(none, 0), (most, u32::MAX), (none, u32::MAX), (most, 0)] {
        for class in [CLASS, FailureClass::Unknown, FailureClass::Auth, FailureClass::Data] {
            let mut watched = Watched::new();
            watched.policy.limits = all_at_once(time, count);
            watched.policy.probe_targets = vec!["db".into()];
            let storm = failing(&["a", "b", "c"], class, "x @db");
            let well = snapshot(&[("a", &[State::Running])], class);
            for poll in 0..400_u32 {
                let at = if poll % 9 == 0 { &well } else { &storm };
                let (doubt, reachable) = (poll % 50 == 7, poll % 40 < 20);
                let probes = [("db".into(), Probed { at: watched.now, reachable })].into();
                let input = Input { doubt, probes: &probes, ..Input::of(Some(at)) };
                for decision in watched.input(input).decisions {
                    let answers =
                        [Answer::Accepted, Answer::Refused, Answer::Conflict, Answer::Gone];
                    watched.answer(&decision, answers[poll as usize % 4]);
                }
                if poll % 100 == 99 {
                    watched.now -= hours(1);
                    watched.restored();
                }
            }
        }
    }
}
