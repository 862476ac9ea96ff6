//! Radio silence: for every reason to hold nothing is decided, it is said, and it ends.

use super::*;
use crate::config::WatchdogMode;

fn failed() -> Snapshot {
    snapshot(&[("a", &[State::Failed])], FailureClass::Transient)
}

/// With a unit that was due long ago.
fn due() -> Watched {
    let mut watched = Watched::new();
    watched.polls(&failed(), POLL * 2);
    watched.unit("a").phase = Phase::BackingOff { next: Duration::ZERO };
    watched
}

fn silence(watched: &mut Watched, input: Input<'_>, polls: usize, why: Why) {
    for _ in 0..polls {
        let decided = watched.input(input);
        assert_eq!(decided.decisions, [], "{why:?}");
        assert_eq!(decided.probes, Vec::<Arc<str>>::new(), "{why:?}");
        let said: Vec<Why> = decided.report.units.iter().map(|unit| unit.why).collect();
        assert!(said.contains(&why), "{why:?}, and not {said:?}");
        if let Why::Hold(hold) = why {
            assert_eq!(decided.report.hold, Some(hold));
        }
    }
}

#[test]
fn a_hold_is_silence_and_ends_with_its_reason() {
    let failed = failed();
    let usual = Input::of(Some(&failed));
    for (input, hold) in [
        (Input { snapshot: None, ..usual }, Hold::NoSnapshot),
        (Input { snapshot: None, doubt: true, ..usual }, Hold::Doubt),
        (Input { doubt: true, ..usual }, Hold::Doubt),
        (Input { stopped: true, ..usual }, Hold::Stopped),
        (Input { fresh: false, ..usual }, Hold::NotFresh),
        (Input { journal_lost: true, ..usual }, Hold::JournalLost),
        (Input { rebalancing: true, ..usual }, Hold::Rebalance),
    ] {
        let mut watched = due();
        // A rebalance that does not end holds ten minutes.
        silence(&mut watched, input, 40, Why::Hold(hold));
        watched.restart(&failed);
    }
}

#[test]
fn a_rebalance_holds_for_a_minute_after_it_and_ten_in_all() {
    let both =
        |other| snapshot(&[("a", &[State::Failed]), ("b", &[other])], FailureClass::Transient);
    let (visible, over) = (both(State::Unassigned), both(State::Running));
    let mut watched = due();
    watched.poll(&visible);
    assert_eq!(watched.restarts(&over, minutes(3))[0], minutes(1));
    let mut watched = due();
    assert_eq!(watched.restarts(&visible, minutes(11))[0], minutes(10) + POLL);
    // Another one, long after the first.
    let mut watched = due();
    watched.polls(&visible, minutes(5));
    (0..200).for_each(|_| drop(watched.input(Input::of(None))));
    assert_eq!(watched.polls(&visible, minutes(9)), 0);
}

#[test]
fn what_a_person_says_is_silence() {
    let failed = failed();
    let usual = Input::of(Some(&failed));
    let all = Selector::default;
    let silences =
        [Arc::new(Silence { selector: all(), from: Duration::ZERO, until: Duration::MAX })];
    for (input, why) in [
        (Input { shut: &[true], ..usual }, Why::Window),
        (Input { silences: &silences, ..usual }, Why::Silence),
    ] {
        let mut watched = due();
        silence(&mut watched, input, 40, why);
        assert_eq!(watched.poll(&failed).decisions.len(), 1, "{why:?} ends");
    }
    let mut watched = due();
    watched.policy.mode = WatchdogMode::Off;
    silence(&mut watched, usual, 40, Why::Rule);
    let rule = |mode| Rule { name: "r".into(), selector: all(), mode, limits: Limits::default() };
    let mut watched = due();
    watched.policy.rules = vec![rule(WatchdogMode::Off), rule(WatchdogMode::On)];
    silence(&mut watched, usual, 40, Why::Rule);
}

#[test]
fn a_rebalance_of_connectors_that_are_left_out_holds_too() {
    let mut watched = due();
    let mut seen = failed();
    seen.others.unassigned = true;
    let report = watched.poll(&seen).report;
    assert_eq!(report.hold, Some(Hold::Rebalance));
}

#[test]
fn a_silence_is_for_whom_it_is_and_for_as_long_as_it_is() {
    let both = failing(&["a", "ab"], FailureClass::Data, "x");
    let mut watched = Watched::new();
    let pattern = regex::Regex::new("^(?:a)$").unwrap();
    let selector = Selector { connectors: vec![pattern], ..Selector::default() };
    let until = watched.now + hours(1);
    let silence = Arc::new(Silence { selector, from: Duration::ZERO, until });
    let mut first = BTreeMap::new();
    for _ in 0..400 {
        let next = watched.now + POLL;
        let silences: Vec<_> =
            [&silence].into_iter().filter(|s| s.is_in_force(next)).cloned().collect();
        let decided = watched.input(Input { silences: &silences, ..Input::of(Some(&both)) });
        for decision in decided.decisions {
            first.entry(decision.connector).or_insert(watched.now);
        }
    }
    assert!(first["ab"] < until, "{first:?}");
    assert_eq!(first["a"], until);
}

#[test]
fn whatever_a_unit_waits_for_is_silence() {
    let failed = failed();
    let usual = Input::of(Some(&failed));
    type Put<'p> = &'p dyn Fn(&mut Watched);
    let cases: [(Why, Put<'_>); 8] = [
        (Why::Parked, &|w| w.unit("a").phase = Phase::Parked { next: hours(2000) }),
        (Why::BackOff, &|w| w.unit("a").phase = Phase::BackingOff { next: hours(2000) }),
        (Why::GivenUp, &|w| w.unit("a").phase = Phase::GivenUp),
        (Why::Grace, &|w| {
            w.unit("a").phase = Phase::Observing { sightings: 1 };
            w.policy.limits.grace = hours(1);
        }),
        (Why::Verify, &|w| {
            w.policy.limits.stale_status = hours(1);
            w.restart(&snapshot(&[("a", &[State::Failed])], FailureClass::Transient));
        }),
        (Why::Budget, &|w| w.policy.limits.connector_budget = (0, 0)),
        (Why::Budget, &|w| w.policy.limits.cluster_budget = (0, 6)),
        (Why::Foreign, &|w| {
            w.memory.connectors.get_mut("a").unwrap().stood_down_until = Some(hours(2000));
        }),
    ];
    for (why, put) in cases {
        let mut watched = due();
        put(&mut watched);
        silence(&mut watched, usual, 40, why);
    }
    silence(&mut due(), Input { process_left: 0, ..usual }, 40, Why::Budget);
    let unread = Snapshot { unread: vec!["a".into()], ..Snapshot::default() };
    silence(&mut due(), Input::of(Some(&unread)), 40, Why::NotFailed);
    let running = snapshot(&[("a", &[State::Running])], FailureClass::Transient);
    silence(&mut due(), Input::of(Some(&running)), 40, Why::Stable);
    for (state, why) in [(State::Restarting, Why::Stuck), (State::Unassigned, Why::Stuck)] {
        let mut watched = due();
        watched.restart(&failed);
        let other = snapshot(&[("a", &[state])], FailureClass::Transient);
        watched.polls(&other, minutes(6));
        silence(&mut watched, Input::of(Some(&other)), 40, why);
    }
}

#[test]
fn an_invalid_or_stale_poll_changes_nothing() {
    let mut watched = due();
    let running = snapshot(&[("a", &[State::Running])], FailureClass::Transient);
    let before = watched.memory.clone();
    for stale in [Some(&running), None, Some(&Snapshot::default())] {
        watched.input(Input { fresh: false, ..Input::of(stale) });
        watched.input(Input::of(None));
        assert_eq!(watched.memory, before);
    }
}

#[test]
fn after_doubt_all_waits_go_on_from_where_they_were() {
    let mut watched = Watched::new();
    watched.restart(&failed());
    watched.polls(&failed(), Duration::from_secs(75));
    let left = watched.poll(&failed()).report.units[0].next.unwrap() - watched.now;
    (0..240).for_each(|_| drop(watched.input(Input { doubt: true, ..Input::of(None) })));
    let after = watched.poll(&failed()).report.units[0].next.unwrap();
    assert_eq!(after + POLL, watched.now + left);
}

#[test]
fn a_paused_connectors_failed_tasks_are_left_alone() {
    for state in [State::Paused, State::Stopped] {
        let mut held = failed();
        held.connectors[0].instance.state = state;
        let mut watched = Watched::new();
        assert_eq!(watched.polls(&held, hours(2)), 0);
        assert!(watched.polls(&failed(), minutes(2)) > 0);
        assert_eq!(watched.polls(&held, hours(2)), 0);
    }
}
