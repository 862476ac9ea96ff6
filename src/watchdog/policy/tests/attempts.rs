//! Rules 2 to 4, 6 and 8: when it is believed, how often it is tried, when that is forgotten.

use super::*;

fn of(state: State, class: FailureClass) -> Snapshot {
    snapshot(&[("a", &[state])], class)
}

#[test]
fn attempts_are_made_by_class_and_then_it_is_given_up() {
    for (class, attempts) in [
        (FailureClass::OffsetLost, 0),
        (FailureClass::Install, 0),
        (FailureClass::Data, 1),
        (FailureClass::Auth, 2),
        (FailureClass::Resource, 2),
    ] {
        let mut watched = Watched::new();
        let failing = of(State::Failed, class);
        assert_eq!(watched.polls(&failing, hours(24)), attempts, "{class:?}");
        assert_eq!(watched.poll(&failing).report.units[0].phase, "given_up", "{class:?}");
    }
}

#[test]
fn what_time_heals_is_parked_probed_and_given_up_after_three_days() {
    for (class, attempts) in [(FailureClass::Transient, 6), (FailureClass::Unknown, 4)] {
        let mut watched = Watched::new();
        let failing = of(State::Failed, class);
        let restarts = watched.restarts(&failing, hours(80));
        let gaps: Vec<u64> =
            restarts.windows(2).map(|pair| (pair[1] - pair[0]).as_secs() / 60).collect();
        let of = |least, most| gaps.iter().filter(|gap| (least..most).contains(*gap)).count();
        assert_eq!(restarts.len(), attempts + 12 + 20, "{class:?}: {gaps:?}");
        assert_eq!((of(60, 65), of(180, 185)), (12, 20), "{class:?}: {gaps:?}");
        assert_eq!(watched.poll(&failing).report.units[0].phase, "given_up", "{class:?}");
    }
}

#[test]
fn the_wait_doubles_with_equal_jitter() {
    let mut watched = Watched::new();
    watched.policy.limits.connector_budget = (100, 100);
    let restarts = watched.restarts(&of(State::Failed, FailureClass::Transient), minutes(60));
    assert!((30..=60).contains(&restarts[0].as_secs()), "{restarts:?}");
    for (n, pair) in restarts.windows(2).take(5).enumerate() {
        // That it failed again is known a minute after the restart.
        let (wait, whole) = ((pair[1] - pair[0]).as_secs() - 60, 60 << n);
        assert!((whole / 2..=whole + 30).contains(&wait), "after {n}: {wait} of {whole}");
    }
}

#[test]
fn failed_is_believed_after_two_polls_and_the_grace() {
    let mut watched = Watched::new();
    let failing = of(State::Failed, FailureClass::Transient);
    let phases: Vec<_> = (0..3).map(|_| watched.poll(&failing).report.units[0].phase).collect();
    assert_eq!(phases, ["observing", "observing", "backing_off"]);
    assert_eq!(watched.polls(&failing, minutes(1)), 1);
    // One poll that is looked at twice is one.
    let mut watched = Watched::new();
    watched.policy.limits.grace = Duration::ZERO;
    for _ in 0..5 {
        assert_eq!(watched.poll(&failing).report.units[0].phase, "observing");
        watched.now -= POLL;
    }
    watched.now += POLL;
    assert_eq!(watched.poll(&failing).report.units[0].phase, "backing_off");
    // What was something else in between is observed afresh.
    let mut watched = Watched::new();
    watched.polls(&failing, POLL * 2);
    watched.poll(&of(State::Restarting, FailureClass::Transient));
    let phases: Vec<_> = (0..3).map(|_| watched.poll(&failing).report.units[0].phase).collect();
    assert_eq!(phases, ["observing", "observing", "backing_off"]);
}

#[test]
fn states_that_are_not_failed_are_left_alone() {
    for state in [State::Paused, State::Stopped, State::Restarting, State::Unknown, State::Running]
    {
        let mut watched = Watched::new();
        assert_eq!(watched.polls(&of(state, FailureClass::Transient), hours(1)), 0, "{state:?}");
        assert!(watched.memory.connectors.is_empty(), "{state:?}");
    }
}

#[test]
fn data_is_given_five_minutes_in_whatever_way_it_came_to_be_data() {
    let data = of(State::Failed, FailureClass::Data);
    let mut watched = Watched::new();
    assert!(watched.restarts(&data, hours(1))[0] >= minutes(5));
    // It waited already, and was due.
    let mut watched = Watched::new();
    watched.polls(&of(State::Failed, FailureClass::Transient), POLL * 3);
    assert!(watched.restarts(&data, hours(1))[0] >= minutes(5));
    // It was a canary of something else.
    let mut watched = Watched::new();
    let mut storm = failing(&["a", "b", "c"], FailureClass::Transient, "db");
    let canary = watched.restart(&storm).connector;
    let at = storm.connectors.iter().position(|c| c.name == canary).unwrap();
    storm.connectors[at].tasks[0].instance = instance(State::Failed, FailureClass::Data, "x");
    let end = watched.now + minutes(5);
    while watched.now < end {
        let decisions = watched.poll(&storm).decisions;
        assert!(decisions.iter().all(|again| again.connector != canary), "{decisions:?}");
    }
}

#[test]
fn credentials_are_tried_once_in_a_quarter_of_an_hour_by_whomever() {
    let class = FailureClass::Auth;
    let apart = |restarts: &[Duration]| {
        restarts.windows(2).all(|pair| pair[1] - pair[0] >= minutes(15)) && !restarts.is_empty()
    };
    for names in [&["a"][..], &["a", "b"], &["a", "b", "c", "d"]] {
        let mut watched = Watched::new();
        let restarts = watched.restarts(&failing(names, class, "role x @db"), hours(24));
        assert!(apart(&restarts), "{names:?}: {restarts:?}");
    }
    // Five tasks of one connector log in with one account.
    let mut watched = Watched::new();
    let restarts = watched.restarts(&snapshot(&[("a", &[State::Failed; 5])], class), hours(24));
    assert!(apart(&restarts), "{restarts:?}");
    // And one that failed otherwise before.
    let mut watched = Watched::new();
    watched.restart(&of(State::Failed, FailureClass::Transient));
    let restarts = watched.restarts(&of(State::Failed, class), hours(24));
    assert!(restarts[0] >= minutes(15), "{restarts:?}");
}

#[test]
fn a_recovery_is_verified_and_attempts_are_forgotten_only_after_stable_health() {
    let mut watched = Watched::new();
    let running = of(State::Running, FailureClass::Transient);
    watched.restart(&of(State::Failed, FailureClass::Transient));
    let events: Vec<Event> = (0..9).flat_map(|_| watched.poll(&running).events).collect();
    assert_eq!(events, [of_first("a", Change::Outcome(Reason::Attempt, Outcome::Recovered))]);
    watched.polls(&running, minutes(10));
    assert_eq!(watched.poll(&running).report.units[0].attempts, 1);
    watched.polls(&running, minutes(6));
    assert!(watched.poll(&running).report.units.is_empty());
}

#[test]
fn what_was_not_polled_or_not_running_is_no_health() {
    let running = of(State::Running, FailureClass::Transient);
    type Between<'b> = &'b dyn Fn(&mut Watched);
    let gaps: [(&str, Between<'_>); 5] = [
        ("no polls", &|watched| watched.now += hours(5)),
        ("invalid polls", &|watched| {
            (0..1200).for_each(|_| drop(watched.input(Input::of(None))));
        }),
        ("stale polls", &|watched| {
            let stale = Input { fresh: false, ..Input::of(Some(&running)) };
            (0..1200).for_each(|_| drop(watched.input(stale)));
        }),
        ("another process", &|watched| {
            watched.now += hours(5);
            watched.restored();
        }),
        ("a start", &|watched| {
            watched.poll(&of(State::Restarting, FailureClass::Transient));
        }),
    ];
    for (name, gap) in gaps {
        let mut watched = Watched::new();
        watched.restart(&of(State::Failed, FailureClass::Transient));
        watched.polls(&running, minutes(7));
        gap(&mut watched);
        watched.polls(&running, minutes(8));
        assert_eq!(watched.unit("a").attempts, 1, "{name}");
        watched.polls(&running, minutes(15));
        assert!(watched.poll(&running).report.units.is_empty(), "{name}");
    }
}

#[test]
fn given_up_stays_until_it_is_cleared() {
    let failing = of(State::Failed, FailureClass::Resource);
    let mut watched = Watched::new();
    watched.polls(&failing, hours(1));
    // By other hands, and not for long.
    watched.polls(&of(State::Running, FailureClass::Resource), minutes(5));
    assert_eq!(watched.polls(&failing, hours(1)), 0);
    assert_eq!(watched.poll(&failing).report.units[0].phase, "given_up");
    let other = watched.polls(&of(State::Failed, FailureClass::Transient), hours(1));
    assert!(other > 0, "it fails in another way");
    assert_eq!(watched.polls(&failing, hours(24)), 0, "two classes in turn are one trouble");
}

#[test]
fn each_clearing_is_told_and_begins_afresh() {
    let data = || of(State::Failed, FailureClass::Data);
    let mut held = data();
    held.connectors[0].instance.state = State::Stopped;
    let (mut before, mut after) = (data(), data());
    (before.connectors[0].config, after.connectors[0].config) = (Some(1), Some(2));
    let order = [Acknowledged { connector: "a".into(), task: None }];
    for (because, between) in [
        (Because::Paused, of(State::Paused, FailureClass::Data)),
        (Because::Paused, held),
        (Because::Deleted, Snapshot::default()),
        (Because::ConfigChanged, after),
        (Because::Acknowledged, data()),
    ] {
        let mut watched = Watched::new();
        watched.polls(&before, hours(1));
        assert_eq!(watched.poll(&before).report.units[0].phase, "given_up");
        let orders: &[_] = if because == Because::Acknowledged { &order } else { &[] };
        if because == Because::Deleted {
            watched.polls(&between, GONE.1);
        }
        let input = Input { acknowledged: orders, ..Input::of(Some(&between)) };
        assert_eq!(watched.input(input).events, [of_first("a", Change::Cleared(because))]);
        assert_eq!(watched.polls(&data(), hours(1)), 1, "{because:?}");
    }
}

/// A worker that reads its topics anew lists only a part of all, and of what it lists a part.
#[test]
fn what_is_not_listed_for_a_moment_is_not_deleted() {
    for (missing, brief) in [
        (Snapshot::default(), minutes(2) - POLL),
        (snapshot(&[("a", &[])], FailureClass::Data), minutes(2) - POLL),
    ] {
        let mut watched = Watched::new();
        let data = of(State::Failed, FailureClass::Data);
        watched.polls(&data, hours(1));
        for _ in 0..5 {
            assert_eq!(watched.polls(&missing, brief), 0);
            assert_eq!(watched.poll(&missing).events, []);
            assert_eq!(watched.polls(&data, hours(1)), 0, "it is given up still");
        }
        // A minute apart two polls are not enough.
        watched.poll(&missing);
        watched.now += minutes(10);
        assert_eq!(watched.poll(&missing).events, []);
        let cleared = of_first("a", Change::Cleared(Because::Deleted));
        assert_eq!(watched.poll(&missing).events, [cleared]);
        assert_eq!(watched.polls(&data, hours(1)), 1);
    }
}

/// Created again it runs, which is nobody's restart.
#[test]
fn what_was_missing_and_runs_was_restarted_by_nobody() {
    let mut watched = Watched::new();
    for _ in 0..3 {
        watched.polls(&of(State::Failed, FailureClass::Data), minutes(2));
        watched.poll(&Snapshot::default());
        let events = watched.poll(&of(State::Running, FailureClass::Data)).events;
        assert!(!events.contains(&of_first("a", Change::Foreign)), "{events:?}");
    }
}

#[test]
fn an_order_counts_though_the_poll_does_not() {
    let mut watched = Watched::new();
    watched.polls(&snapshot(&[("a", &[State::Failed; 2])], FailureClass::Data), hours(1));
    let order = [Acknowledged { connector: "a".into(), task: Some(0) }];
    let decided = watched.input(Input { acknowledged: &order, ..Input::of(None) });
    assert_eq!(decided.events, [of_first("a", Change::Cleared(Because::Acknowledged))]);
    assert_eq!(decided.report.units.len(), 1);
}

#[test]
fn what_cannot_be_read_is_not_forgotten() {
    let names = || vec!["a".into()];
    for partial in [
        Snapshot { without_status: names(), ..Snapshot::default() },
        Snapshot { unread: names(), ..Snapshot::default() },
    ] {
        let mut watched = Watched::new();
        let data = of(State::Failed, FailureClass::Data);
        watched.polls(&data, hours(1));
        assert_eq!(watched.polls(&partial, hours(1)), 0);
        assert_eq!(watched.polls(&data, hours(1)), 0, "it is given up still");
    }
}

#[test]
fn a_lost_offset_is_never_tried_though_it_was_parked_for_something_else() {
    let mut watched = Watched::new();
    watched.polls(&of(State::Failed, FailureClass::Transient), minutes(2));
    // It was lost once before, so that this is no other failure; and then it was parked.
    watched.poll(&of(State::Failed, FailureClass::OffsetLost));
    let (now, unit) = (watched.now, watched.unit("a"));
    (unit.given_up, unit.phase) = (false, Phase::Parked { next: now });
    assert_eq!(watched.polls(&of(State::Failed, FailureClass::OffsetLost), hours(100)), 0);
}
