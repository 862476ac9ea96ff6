//! Rules 5, 7 and 15: what hangs after a restart, what fails again and again, and who restarted it.

use super::*;

fn of(state: State) -> Snapshot {
    snapshot(&[("a", &[state])], FailureClass::Transient)
}

/// It fails so long after each restart; restarts in a day.
fn in_a_day(watched: &mut Watched, fails_after: Duration, gets_on: bool) -> usize {
    let (end, mut fails_at, mut restarts) = (watched.now + hours(24), Duration::ZERO, 0);
    while watched.now < end {
        let state = if watched.now >= fails_at { State::Failed } else { State::Running };
        let last = if gets_on { watched.now } else { Duration::ZERO };
        let progress = [("a".into(), Progress { last, stalled: false })].into();
        let fleet = of(state);
        let input = Input { progress: &progress, ..Input::of(Some(&fleet)) };
        let decided = watched.input(input);
        if !decided.decisions.is_empty() {
            restarts += 1;
            fails_at = watched.now + fails_after;
        }
    }
    restarts
}

#[test]
fn one_that_fails_again_and_again_is_parked_however_stable_it_is_in_between() {
    for fails_after in [1, 10, 20, 45].map(minutes) {
        let restarts = in_a_day(&mut Watched::new(), fails_after, false);
        assert!(restarts <= 4 * 7, "{fails_after:?}: {restarts}");
    }
    let seldom = in_a_day(&mut Watched::new(), hours(3), false);
    assert!(seldom >= 7, "six in six hours, and no fewer: {seldom}");
}

#[test]
fn one_that_gets_on_in_between_goes_on_further_apart() {
    let mut watched = Watched::new();
    let restarts = in_a_day(&mut watched, minutes(10), true);
    assert!((50..=80).contains(&restarts), "{restarts}");
    assert!(watched.unit("a").attempts <= 6);
}

#[test]
fn what_hangs_is_said_once_and_not_repeated_and_may_fail_later() {
    for state in [State::Restarting, State::Unknown] {
        let mut watched = Watched::new();
        watched.restart(&of(State::Failed));
        let mut events = Vec::new();
        for _ in 0..400 {
            let decided = watched.poll(&of(state));
            assert_eq!(decided.decisions, []);
            events.extend(decided.events);
        }
        assert_eq!(events, [of_first("a", Change::Stuck)]);
        let report = watched.poll(&of(state)).report;
        assert_eq!((report.units[0].phase, report.units[0].why), ("stuck", Why::Stuck));
        let failed = Change::Outcome(Reason::Attempt, Outcome::Failed);
        assert_eq!(watched.poll(&of(State::Failed)).events, [of_first("a", failed)]);
        assert!(watched.polls(&of(State::Failed), minutes(5)) > 0);
    }
}

#[test]
fn one_whose_offsets_stand_still_is_not_verified() {
    let mut watched = Watched::new();
    watched.restart(&of(State::Failed));
    let progress = [("a".into(), Progress { last: Duration::ZERO, stalled: true })].into();
    let running = of(State::Running);
    let input = Input { progress: &progress, ..Input::of(Some(&running)) };
    let first = (0..60).flat_map(|_| watched.input(input).events).next();
    let unverified = Change::Outcome(Reason::Attempt, Outcome::Unverified);
    assert_eq!(first, Some(of_first("a", unverified)));
}

#[test]
fn a_slow_start_is_no_foreign_one() {
    let mut watched = Watched::new();
    for _ in 0..3 {
        watched.restart(&of(State::Failed));
        // It shows the status of before for longer than is waited for.
        watched.polls(&of(State::Failed), Duration::from_secs(75));
        let events: Vec<_> =
            (0..3).flat_map(|_| watched.poll(&of(State::Running)).events).collect();
        assert!(!events.contains(&of_first("a", Change::Foreign)), "{events:?}");
    }
}

#[test]
fn two_restarts_by_others_are_left_to_them_and_a_rebalance_is_nobody() {
    let two =
        |first, second| snapshot(&[("a", &[first]), ("b", &[second])], FailureClass::Transient);
    let running = two(State::Running, State::Running);
    let twice = |between: &dyn Fn(&mut Watched)| {
        let mut watched = Watched::new();
        for _ in 0..2 {
            watched.polls(&two(State::Failed, State::Running), POLL * 2);
            between(&mut watched);
            watched.polls(&running, minutes(2));
        }
        watched.memory.connectors.get("a").is_some_and(|of| of.stood_down_until.is_some())
    };
    assert!(twice(&|watched| drop(watched.poll(&running))));
    let rebalance = two(State::Running, State::Unassigned);
    assert!(!twice(&|watched| drop(watched.poll(&rebalance))), "both in one poll");
    let told = Input { rebalancing: true, ..Input::of(Some(&running)) };
    assert!(!twice(&|watched| drop(watched.input(told))), "told otherwise");
    let mut moved = two(State::Running, State::Running);
    moved.connectors[0].tasks[0].instance.worker_id = "other:1".into();
    assert!(!twice(&|watched| drop(watched.poll(&moved))), "it moved");
    assert!(!twice(&|watched| watched.now += minutes(5)), "nobody looked");
    assert!(!twice(&Watched::restored), "another process looked");
}

#[test]
fn those_who_stand_down_come_back() {
    let mut watched = Watched::new();
    for _ in 0..2 {
        watched.polls(&of(State::Failed), POLL * 2);
        watched.poll(&of(State::Running));
    }
    let first = watched.restarts(&of(State::Failed), hours(7))[0];
    assert!((hours(6) - POLL..hours(6) + minutes(2)).contains(&first), "{first:?}");
}
