//! Rules 4 and 16: what answers to calls cost, whenever they come; crashes and clocks.

use super::*;

const CLASS: FailureClass = FailureClass::Transient;

const ALL: [Answer; 7] = [
    Answer::Accepted,
    Answer::NotKnown,
    Answer::Gone,
    Answer::Refused,
    Answer::Conflict,
    Answer::NotSent,
    Answer::NotFailed,
];

fn of(state: State) -> Snapshot {
    snapshot(&[("a", &[state])], CLASS)
}

fn counts(answer: Answer) -> bool {
    matches!(answer, Answer::Accepted | Answer::NotKnown | Answer::Gone)
}

#[test]
fn what_was_not_done_costs_no_attempt_and_what_is_not_known_does() {
    for answer in ALL {
        let mut watched = Watched::new();
        let decision = watched.restart(&of(State::Failed));
        watched.answer(&decision, answer);
        let unit = watched.unit("a");
        let made = (unit.attempts == 1, unit.restarts.len() == 1);
        assert_eq!(made, (counts(answer), counts(answer)), "{answer:?}");
        let next = watched.restarts(&of(State::Failed), minutes(10))[0];
        let least = if counts(answer) { 90 } else { 30 };
        assert!(next.as_secs() >= least, "{answer:?}: {next:?}");
    }
}

#[test]
fn until_its_call_is_answered_a_unit_that_is_still_failed_is_not_judged() {
    let mut watched = Watched::new();
    let failed = of(State::Failed);
    let decision = watched.restart(&failed);
    let id: UnitId = ("a".into(), Some(0));
    let under_way = BTreeMap::from([(id, (decision.at, UnderWay::Sent))]);
    for _ in 0..8 {
        let decided = watched.input(Input { under_way: &under_way, ..Input::of(Some(&failed)) });
        assert!(decided.decisions.is_empty() && decided.events.is_empty());
    }
    // Two minutes later the answer comes; the status of before is still forgiven for a minute.
    watched.answer(&decision, Answer::Accepted);
    for after in [15, 30, 45] {
        assert!(watched.poll(&failed).events.is_empty(), "after {after} s");
    }
    let judged =
        Event::Unit(("a".into(), Some(0)), Change::Outcome(Reason::Attempt, Outcome::Failed));
    assert_eq!(watched.poll(&failed).events, [judged]);
}

#[test]
fn what_no_call_can_name_is_given_up_at_once_and_said_once() {
    for class in [CLASS, FailureClass::Auth] {
        let failed = snapshot(&[("a", &[State::Failed])], class);
        let mut watched = Watched::new();
        let decision = watched.restart(&failed);
        assert_eq!(watched.answer(&decision, Answer::Impossible).len(), 1);
        assert!(watched.answer(&decision, Answer::Impossible).is_empty());
        let unit = watched.unit("a");
        assert_eq!((&unit.phase, unit.attempts, unit.restarts.len()), (&Phase::GivenUp, 0, 0));
        assert_eq!(watched.restarts(&failed, hours(100)), [Duration::ZERO; 0]);
        // As everything that is given up it begins afresh once it is paused.
        watched.poll(&of(State::Paused));
        watched.restart(&failed);
    }
}

#[test]
fn a_canary_that_no_call_can_name_leaves_its_turn_to_another() {
    let mut watched = Watched::new();
    let storm = failing(&["a", "b", "c"], CLASS, "db");
    let decision = watched.restart(&storm);
    watched.answer(&decision, Answer::Impossible);
    assert_eq!(watched.memory.breakers["db"].canaries, 0);
    assert_ne!(watched.restart(&storm).connector, decision.connector);
}

#[test]
fn an_answer_after_the_unit_went_on_changes_nothing_of_it() {
    type Between<'b> = &'b dyn Fn(&mut Watched);
    let cases: [(&str, Between<'_>); 5] = [
        ("deleted", &|watched| {
            watched.polls(&Snapshot::default(), minutes(3));
        }),
        ("paused", &|watched| drop(watched.poll(&of(State::Paused)))),
        ("failed again", &|watched| {
            watched.policy.limits.stale_status = Duration::ZERO;
            watched.poll(&of(State::Failed));
        }),
        ("recovered", &|watched| {
            watched.polls(&of(State::Running), minutes(3));
        }),
        ("unknown", &|watched| watched.memory = Memory::default()),
    ];
    for (name, between) in cases {
        for answer in ALL {
            let mut watched = Watched::new();
            let decision = watched.restart(&of(State::Failed));
            between(&mut watched);
            let before = watched.memory.connectors.clone();
            watched.answer(&decision, answer);
            assert_eq!(watched.memory.connectors, before, "{name}, {answer:?}");
        }
    }
}

#[test]
fn a_parked_unit_whose_try_is_refused_is_parked_still() {
    for answer in ALL.into_iter().filter(|answer| !counts(*answer)) {
        let mut watched = Watched::new();
        watched.polls(&of(State::Failed), hours(4));
        assert_eq!(watched.unit("a").attempts, 6);
        let decision = watched.restart(&of(State::Failed));
        assert_eq!(decision.reason, Reason::Probe);
        watched.answer(&decision, answer);
        assert!(matches!(watched.unit("a").phase, Phase::Parked { .. }), "{answer:?}");
        assert_eq!(watched.unit("a").attempts, 6, "{answer:?}");
    }
}

#[test]
fn a_refused_canary_is_not_counted_and_the_next_is_another() {
    let mut watched = Watched::new();
    let storm = failing(&["a", "b", "c"], CLASS, "db");
    let decision = watched.restart(&storm);
    watched.answer(&decision, Answer::Refused);
    let breaker = &watched.memory.breakers["db"];
    assert_eq!(breaker.canaries, 0);
    assert!(matches!(breaker.state, BreakerState::Open { canary: None, .. }));
    assert_ne!(watched.restart(&storm).connector, decision.connector);
}

#[test]
fn a_task_that_is_in_no_configuration_is_not_tried_for_ever() {
    let mut watched = Watched::new();
    let (end, mut calls) = (watched.now + hours(100), 0);
    while watched.now < end {
        for decision in watched.poll(&of(State::Failed)).decisions {
            watched.answer(&decision, Answer::Gone);
            calls += 1;
        }
    }
    assert!(calls <= 6 + 12 + 20, "{calls}");
    assert_eq!(watched.poll(&of(State::Failed)).report.units[0].phase, "given_up");
}

#[test]
fn three_refusals_in_a_row_are_reason_for_caution_until_a_call_is_taken() {
    let mut watched = Watched::calm();
    let storm = many(6, CLASS, "x");
    let refused = (0..10).map(|_| watched.poll(&storm).decisions).find(|d| d.len() >= 3).unwrap();
    for decision in &refused {
        watched.answer(decision, Answer::Refused);
    }
    let mut events = Vec::new();
    let one = loop {
        let decided = watched.poll(&storm);
        events.extend(decided.events);
        match &decided.decisions[..] {
            [] => {}
            [one] => break one.clone(),
            more => panic!("one at a time: {more:?}"),
        }
    };
    assert!(events.contains(&Event::Caution(true)));
    watched.answer(&one, Answer::Accepted);
    assert!(watched.poll(&storm).events.contains(&Event::Caution(false)));
}

#[test]
fn a_crash_forgets_no_attempt_in_any_phase_and_makes_none() {
    let (mut plain, mut crashing) = (Watched::new(), Watched::new());
    let (mut without, mut with) = (0, 0);
    for poll in 0..4 * 60 * 24 {
        without += plain.poll(&of(State::Failed)).decisions.len();
        if poll % 7 == 0 {
            crashing.restored();
        }
        let attempts = |watched: &Watched| {
            watched.memory.connectors.get("a").map_or(0, |of| of.units[&Some(0)].attempts)
        };
        let before = attempts(&crashing);
        with += crashing.poll(&of(State::Failed)).decisions.len();
        assert!(attempts(&crashing) >= before);
    }
    assert!(with <= without + 1 && with > 6, "{with}, and without crashes {without}");
}

#[test]
fn a_wall_clock_that_was_set_back_neither_hastens_nor_stops_it() {
    for (name, after) in [("back-off", minutes(20)), ("parked", hours(4))] {
        let mut watched = Watched::new();
        watched.polls(&of(State::Failed), after);
        watched.restart(&of(State::Failed));
        watched.polls(&of(State::Failed), Duration::from_secs(75));
        let left = watched.poll(&of(State::Failed)).report.units[0].next.unwrap() - watched.now;
        watched.now -= hours(500);
        watched.restored();
        let next = watched.restarts(&of(State::Failed), hours(5))[0];
        assert!(
            (left..left + minutes(2)).contains(&(next + POLL)),
            "{name}: {next:?} for {left:?}"
        );
    }
}

#[test]
fn time_that_stands_still_or_goes_back_decides_nothing() {
    for (class, names) in [(CLASS, &["a", "b", "c"][..]), (FailureClass::Unknown, &["a"])] {
        let failing = failing(names, class, "db");
        let mut watched = Watched::new();
        watched.restart(&failing);
        for back in [Duration::ZERO, minutes(1), hours(5), hours(1000)] {
            let (memory, now) = (watched.memory.clone(), watched.now - back);
            let (input, mut rng) = (Input::of(Some(&failing)), Rng::with_seed(3));
            let decided = decide(memory, &input, &watched.policy, now, &mut rng);
            assert_eq!(decided.decisions, [], "{back:?}");
        }
    }
}
