//! What speaks against a restart that was decided and waits for its turn.

use super::*;
use crate::config::WatchdogMode;

const CLASS: FailureClass = FailureClass::Transient;

fn failed() -> Snapshot {
    snapshot(&[("a", &[State::Failed])], CLASS)
}

fn against(watched: &Watched, decision: &Decision, input: &Input<'_>) -> Option<Objection> {
    objection(&watched.memory, decision, input, &watched.policy, watched.now)
}

fn decided() -> (Watched, Decision) {
    let mut watched = Watched::calm();
    let decision = watched.restart(&failed());
    waits(&mut watched.memory, &decision);
    (watched, decision)
}

#[test]
fn whatever_would_keep_it_from_being_decided_now_does() {
    let failed = failed();
    let usual = Input::of(Some(&failed));
    let silences = [Arc::new(Silence {
        selector: Selector::default(),
        from: Duration::ZERO,
        until: Duration::MAX,
    })];
    let held = |why| Some(Objection::Held(why));
    for (input, objection) in [
        (usual, None),
        (Input { fresh: false, ..usual }, held(Why::Hold(Hold::NotFresh))),
        (Input { stopped: true, ..usual }, held(Why::Hold(Hold::Stopped))),
        (Input { journal_lost: true, ..usual }, held(Why::Hold(Hold::JournalLost))),
        (Input { doubt: true, ..usual }, held(Why::Hold(Hold::Doubt))),
        (Input { rebalancing: true, ..usual }, held(Why::Hold(Hold::Rebalance))),
        (Input { silences: &silences, ..usual }, held(Why::Silence)),
        (Input { shut: &[true], ..usual }, held(Why::Window)),
        (Input::of(None), held(Why::Hold(Hold::NoSnapshot))),
    ] {
        let (watched, decision) = decided();
        assert_eq!(against(&watched, &decision, &input), objection);
    }
}

#[test]
fn what_happened_meanwhile_speaks_against_it() {
    let failed = failed();
    type Meanwhile = fn(&mut Watched, &Decision);
    let cases: [(&str, Meanwhile, bool); 7] = [
        ("nothing", |_, _| {}, true),
        ("a conflict", |w, _| w.memory.rebalance_seen(&w.policy.limits, w.now), false),
        (
            "three calls were refused",
            |w, _| {
                w.now += POLL;
                (0..3).for_each(|_| w.memory.call_refused(&w.policy.limits, w.now));
            },
            false,
        ),
        ("its rule is off", |w, _| w.policy.mode = WatchdogMode::Off, false),
        (
            "somebody else restarts it",
            |w, _| {
                w.memory.connectors.get_mut("a").unwrap().stood_down_until = Some(Duration::MAX);
            },
            false,
        ),
        ("forgotten", |w, _| w.memory = Memory::default(), false),
        (
            "decided again",
            |w, decision| {
                w.answer(decision, Answer::NotSent);
                w.restart(&snapshot(&[("a", &[State::Failed])], CLASS));
            },
            false,
        ),
    ];
    for (name, meanwhile, is_sent) in cases {
        let (mut watched, decision) = decided();
        meanwhile(&mut watched, &decision);
        let against = against(&watched, &decision, &Input::of(Some(&failed)));
        assert_eq!(against.is_none(), is_sent, "{name}: {against:?}");
    }
}

/// One that is released goes, and one that was decided before the breaker opened does not.
#[test]
fn a_breaker_that_opened_since_lets_only_its_canary_through() {
    let storm = failing(&["a", "b", "c"], CLASS, "db");
    let mut watched = Watched::new();
    watched.policy.limits.first_jitter = Duration::ZERO;
    let canary = watched.restart(&storm);
    assert_eq!(canary.reason, Reason::Canary);
    assert_eq!(against(&watched, &canary, &Input::of(Some(&storm))), None);
    let attempt = Decision { reason: Reason::Attempt, ..canary };
    let held = Some(Objection::Held(Why::Breaker));
    assert_eq!(against(&watched, &attempt, &Input::of(Some(&storm))), held);
}

#[test]
fn while_it_waits_nothing_it_shows_is_judged() {
    let (mut watched, decision) = decided();
    let id: UnitId = ("a".into(), Some(0));
    let under_way = BTreeMap::from([(id, (decision.at, UnderWay::Waits))]);
    let other = snapshot(&[("a", &[State::Failed])], FailureClass::OffsetLost);
    let running = snapshot(&[("a", &[State::Running])], CLASS);
    for _ in 0..20 {
        for shown in [&failed(), &other, &running] {
            let decided = watched.input(Input { under_way: &under_way, ..Input::of(Some(shown)) });
            assert!(decided.decisions.is_empty() && decided.events.is_empty());
            let unit = &decided.report.units[0];
            assert_eq!((unit.why, unit.last_restart), (Why::Turn, None));
        }
    }
    // It counts from when it is sent.
    sent(&mut watched.memory, &decision, watched.now);
    let now = watched.now;
    assert!(matches!(watched.unit("a").phase, Phase::Verifying { since, .. } if since == now));
    assert_eq!(watched.unit("a").last_restart, Some(now));
}

#[test]
fn an_answer_to_an_earlier_decision_is_none_to_a_later_one() {
    for answer in [Answer::NotSent, Answer::Refused, Answer::Gone, Answer::Impossible] {
        let (mut watched, first) = decided();
        watched.poll(&snapshot(&[("a", &[State::Paused])], CLASS));
        let second = watched.restart(&failed());
        let before = watched.memory.connectors.clone();
        watched.answer(&first, answer);
        assert_eq!(watched.memory.connectors, before, "{answer:?}");
        watched.answer(&second, Answer::NotSent);
        assert_eq!(watched.unit("a").attempts, 0, "{answer:?}");
    }
}

#[test]
fn what_was_not_sent_was_no_restart() {
    let (mut watched, decision) = decided();
    watched.answer(&decision, Answer::NotSent);
    assert_eq!(watched.unit("a").last_restart, None);
    let decision = watched.restart(&failed());
    waits(&mut watched.memory, &decision);
    watched.answer(&decision, Answer::Refused);
    let report = report(&watched.memory, None, &watched.policy, watched.now);
    assert_eq!((report.units[0].attempts, report.units[0].last_restart), (0, None));
    let decision = watched.restart(&failed());
    waits(&mut watched.memory, &decision);
    sent(&mut watched.memory, &decision, watched.now);
    watched.answer(&decision, Answer::Refused);
    let report = super::report(&watched.memory, None, &watched.policy, watched.now);
    assert_eq!(report.units[0].last_restart, Some(watched.now));
}

#[test]
fn the_next_step_of_a_release_comes_after_all_of_the_last_was_sent() {
    let mut watched = Watched::new();
    watched.policy.limits.first_jitter = Duration::ZERO;
    watched.policy.limits.release_first = 2;
    let mut storm = many(12, CLASS, "db");
    let canary = watched.restart(&storm);
    set(&mut storm, &canary.connector, State::Running);
    let mut first = Vec::new();
    while first.is_empty() {
        first = watched.poll(&storm).decisions;
    }
    assert_eq!((first.len(), first[0].reason), (2, Reason::Release));
    let waits: BTreeMap<UnitId, (Time, UnderWay)> = first
        .iter()
        .flat_map(|decision| decision.ids().map(|id| (id, (decision.at, UnderWay::Waits))))
        .collect();
    for _ in 0..20 {
        let decided = watched.input(Input { under_way: &waits, ..Input::of(Some(&storm)) });
        assert_eq!(decided.decisions, []);
    }
    for decision in &first {
        watched.answer(decision, Answer::Accepted);
        set(&mut storm, &decision.connector, State::Running);
    }
    assert!(watched.restarts(&storm, minutes(1)).len() >= 8);
}

#[test]
fn what_has_no_room_to_wait_is_decided_later() {
    let mut watched = Watched::calm();
    let two = snapshot(&[("a", &[State::Failed]), ("b", &[State::Failed])], CLASS);
    let mut decisions = Vec::new();
    while decisions.is_empty() {
        decisions = watched.input(Input { room: 1, ..Input::of(Some(&two)) }).decisions;
    }
    assert_eq!(decisions.len(), 1);
    assert_eq!(watched.input(Input { room: 0, ..Input::of(Some(&two)) }).decisions, []);
    assert_eq!(watched.poll(&two).decisions.len(), 1);
}

#[test]
fn the_status_right_before_must_say_what_was_decided_on() {
    let (watched, one) = decided();
    let of = |rows: &[State], class| snapshot(&[("a", rows)], class).connectors.remove(0);
    let says = |read: &Connector| contradiction(&watched.memory, &one, read);
    assert_eq!(says(&of(&[State::Failed], CLASS)), None);
    assert!(matches!(
        says(&of(&[State::Failed], FailureClass::OffsetLost)),
        Some(Contradiction::Other(because)) if because.contains("OFFSET_LOST")
    ));
    assert!(matches!(says(&of(&[State::Running], CLASS)), Some(Contradiction::NotFailed(_))));
    assert!(matches!(says(&of(&[], CLASS)), Some(Contradiction::NotFailed(_))));
    let mut paused = of(&[State::Failed], CLASS);
    paused.instance.state = State::Paused;
    assert!(matches!(says(&paused), Some(Contradiction::NotFailed(_))));
    let mut signature = of(&[State::Failed], CLASS);
    signature.tasks[0].instance = instance(State::Failed, CLASS, "another");
    assert!(matches!(says(&signature), Some(Contradiction::Other(_))));
}

#[test]
fn one_call_for_all_that_failed_is_for_these_and_no_other() {
    let mut rows = vec![State::Failed; 4];
    rows.push(State::Running);
    let mut watched = Watched::calm();
    let all = watched.restart(&snapshot(&[("a", &rows)], CLASS));
    assert_eq!((all.call, all.units.len()), (Call::ConnectorAndTasks, 4));
    let mut read = snapshot(&[("a", &rows)], CLASS).connectors.remove(0);
    assert_eq!(contradiction(&watched.memory, &all, &read), None);
    read.tasks[4].instance = instance(State::Failed, CLASS, "a");
    assert!(matches!(
        contradiction(&watched.memory, &all, &read),
        Some(Contradiction::Other(because)) if because.contains("task 4")
    ));
    read.tasks.truncate(4);
    read.instance = instance(State::Failed, CLASS, "a");
    assert!(contradiction(&watched.memory, &all, &read).is_some());
}
