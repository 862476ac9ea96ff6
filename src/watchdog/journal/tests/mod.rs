//! What holds over a crash or a failure at any step.

mod model;

use std::sync::Mutex;

use super::*;
use crate::config::FailureClass;
use crate::watchdog::policy::{Bucket, Caution, ConnectorMemory, Phase, Rebalance, Unit};
use model::{ModelDisk, World};

/// The one place where a unit is made.
fn unit(attempts: u32) -> Unit {
    Unit {
        class: FailureClass::Transient,
        signature: "db".into(),
        is_failed: true,
        first_failed: Duration::from_secs(1),
        failed_at: Duration::from_secs(1),
        attempts,
        parked_since: None,
        last_wait: Duration::ZERO,
        restarts: [Duration::from_secs(5)].into(),
        given_up: false,
        last_restart: Some(Duration::from_secs(5)),
        dry_run: false,
        worker: "".into(),
        classes: 1,
        rule: None,
        held: None,
        under_way: None,
        restarted_before: None,
        was_not_sent: false,
        missing: None,
        not_before: Time::ZERO,
        phase: Phase::BackingOff { next: Duration::from_secs(9) },
    }
}

/// Two units, which are written together.
fn memory(attempts: u32) -> Memory {
    let mut memory = Memory::default();
    for connector in ["x/y", "z"] {
        let of_connector = memory.connectors.entry(connector.into()).or_default();
        of_connector.units.insert(Some(1), unit(attempts));
    }
    memory
}

fn attempts(memory: &Memory) -> u32 {
    let all: Vec<u32> = memory
        .connectors
        .values()
        .flat_map(|connector| connector.units.values())
        .map(|unit| unit.attempts)
        .collect();
    assert!(matches!(&*all, [] | [_, _]), "half a write: {all:?}");
    assert!(all.windows(2).all(|two| two[0] == two[1]), "half a write: {all:?}");
    all.first().copied().unwrap_or_default()
}

const NOW: Time = Duration::from_secs(1_800_000_000);
const WRITES: u32 = 6;

fn cluster() -> Arc<str> {
    "c".into()
}

fn journal(world: &Arc<Mutex<World>>) -> Journal {
    let disk = ModelDisk { world: Arc::clone(world), file: None, copy: None };
    // So short that some of the writes are followed by a compaction.
    Journal::on(Box::new(disk), Path::new("journal"), 900, [cluster()])
}

#[derive(Debug, Default)]
struct Done {
    opened: bool,
    acknowledged: u32,
    tried: u32,
}

/// A process from its start to its end, or until the world ends.
fn live(world: World, done: &mut Done) -> World {
    let world = Arc::new(Mutex::new(world));
    let mut journal = journal(&world);
    if let Ok(loaded) = journal.load(&cluster(), NOW) {
        let known = attempts(&loaded.memory);
        assert!((done.acknowledged..=done.tried).contains(&known), "{known} of {done:?}");
        assert!(!done.opened || loaded.lost_at == Some(NOW), "lost only once, at first");
        *done = Done { opened: true, acknowledged: known, tried: known };
        for attempts in (known + 1)..=(known + WRITES) {
            done.tried = attempts;
            if journal.write(&cluster(), &memory(attempts), NOW).is_err() {
                break;
            }
            done.acknowledged = attempts;
        }
    }
    drop(journal);
    Arc::into_inner(world).unwrap().into_inner().unwrap()
}

/// What a new process finds.
fn look(world: World, done: &Done) {
    let world = Arc::new(Mutex::new(world));
    let mut journal = journal(&world);
    let found = journal.open(NOW + Duration::from_secs(1)).unwrap();
    let known = attempts(&journal.load(&cluster(), NOW).unwrap().memory);
    assert!((done.acknowledged..=done.tried).contains(&known), "{known} of {done:?}");
    assert!(!done.opened || found.lost.is_none(), "{found:?} after {done:?}");
}

#[test]
fn no_crash_at_any_step_loses_an_attempt_or_makes_one_twice() {
    let mut worlds = 0;
    // First the process alone is killed, at any step or not at all; then the machine.
    for killed_at in 0.. {
        let mut first = Done::default();
        let world = World { crash_at: Some(killed_at), ..World::default() };
        let world = live(world, &mut first);
        let was_killed = world.is_over();
        for crash_at in 0.. {
            let mut done = Done { ..first };
            let world = World { crash_at: Some(crash_at), ..world.killed() };
            let world = live(world, &mut done);
            for left in world.crashed() {
                look(left, &done);
                worlds += 1;
            }
            if !world.is_over() {
                assert_eq!(done.acknowledged, done.tried);
                break;
            }
        }
        if !was_killed {
            break;
        }
    }
    assert!(worlds > 3_000, "{worlds}");
}

#[test]
fn whatever_fails_and_for_however_long_what_is_ok_is_on_the_disk_and_it_recovers_by_itself() {
    let steps = {
        let mut done = Done::default();
        live(World::default(), &mut done).steps
    };
    let mut refused = 0;
    for from in 0..steps {
        for length in [1, 2, 3, 7] {
            let world = World { fails: from..from + length, ..World::default() };
            let world = Arc::new(Mutex::new(world));
            let mut journal = journal(&world);
            let mut done = Done::default();
            for attempts in 1..=(WRITES + 10) {
                if !done.opened && journal.load(&cluster(), NOW).is_err() {
                    continue;
                }
                done.opened = true;
                done.tried = attempts;
                match journal.write(&cluster(), &memory(attempts), NOW) {
                    Ok(()) => done.acknowledged = attempts,
                    Err(error) => {
                        assert!(error.may_pass(), "{error}");
                        refused += 1;
                    }
                }
                for left in world.lock().unwrap().crashed() {
                    look(left, &done);
                }
            }
            assert_eq!(done.acknowledged, WRITES + 10, "{from} {length}");
        }
    }
    assert!(refused > 50, "{refused}");
}

#[test]
fn a_write_without_changes_touches_nothing_and_a_file_of_dead_lines_becomes_short() {
    let world = Arc::new(Mutex::new(World::default()));
    let mut journal = journal(&world);
    journal.load(&cluster(), NOW).unwrap();
    let mut longest = 0;
    for attempts in 1..200 {
        journal.write(&cluster(), &memory(attempts), NOW).unwrap();
        longest = longest.max(journal.length);
    }
    let live = journal.known.text().unwrap().len() as u64;
    assert!(longest < DEAD * live + 1000, "{longest} for {live}");
    let steps = world.lock().unwrap().steps;
    journal.write(&cluster(), &memory(199), NOW).unwrap();
    assert_eq!(world.lock().unwrap().steps, steps);
}

#[test]
fn all_of_a_memory_comes_back_and_what_is_gone_from_it_goes() {
    let world = Arc::new(Mutex::new(World::default()));
    let mut full = memory(2);
    let bucket: Bucket =
        serde_json::from_str(r#"{"tokens":1.5,"at":{"secs":7,"nanos":0}}"#).unwrap();
    full.budget = Some(bucket);
    full.connectors
        .insert("b".into(), ConnectorMemory { budget: Some(bucket), ..ConnectorMemory::default() });
    let breaker = r#"{"since":{"secs":7,"nanos":0},"canaries":3,"state":{"Open":{"next":{"secs":9,"nanos":0},"canary":["z",null]}}}"#;
    full.breakers.insert("db".into(), serde_json::from_str(breaker).unwrap());
    for expected in [full, memory(1), Memory::default()] {
        let mut writer = journal(&world);
        writer.load(&cluster(), NOW).unwrap();
        writer.write(&cluster(), &expected, NOW).unwrap();
        let mut reader = journal(&world);
        assert_eq!(reader.load(&cluster(), NOW).unwrap().memory, expected);
        reader.rewrite(&[]).unwrap();
        assert_eq!(journal(&world).load(&cluster(), NOW).unwrap().memory, expected);
    }
}

#[test]
fn what_is_of_the_whole_cluster_comes_back_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let at = Duration::from_secs;
    let now = at(1_795_505_663);
    let mut memory = Memory::default();
    memory.rebalance = Some(Rebalance { began: now - at(9), last_seen: now - at(1) });
    memory.caution = Some(Caution { began: now, next: now + at(60), tries: 2, refused: true });
    memory.verified = [true, false].into();
    memory.refused = 2;
    memory.tried_auth = [("x".into(), now)].into();
    memory.heeded = [now - at(1)].into();
    let mut journal = Journal::new(&path, [cluster()]);
    journal.load(&cluster(), now).unwrap();
    journal.write(&cluster(), &memory, now).unwrap();
    drop(journal);
    let mut journal = Journal::new(&path, [cluster()]);
    assert_eq!(journal.load(&cluster(), now).unwrap().memory, memory);
    assert_eq!(memory.clone().restored(now), memory);
    let back = memory.restored(now - at(5));
    assert_eq!(back.rebalance.unwrap().last_seen, now - at(5), "a clock that was set back");
}

#[test]
fn what_is_no_longer_configured_is_forgotten_after_seven_days() {
    let world = Arc::new(Mutex::new(World::default()));
    let day = Duration::from_secs(24 * 60 * 60);
    let gone: Arc<str> = "gone".into();
    let mut first = journal(&world);
    first.load(&gone, NOW).unwrap();
    first.write(&gone, &memory(3), NOW).unwrap();
    // Without a look at it for long: the seven days begin when it is seen to be gone.
    let later = NOW + day * 30;
    let known = |journal: &Journal| journal.known.clusters.contains_key(&gone);
    for (days, expected) in [(0, true), (6, true), (7, false)] {
        let mut second = journal(&world);
        second.load(&cluster(), later).unwrap();
        second.write(&cluster(), &memory(days), later + day * days).unwrap();
        assert_eq!(known(&second), expected, "{days}");
        assert_eq!(
            known(&{
                let mut third = journal(&world);
                third.open(later).unwrap();
                third
            }),
            expected
        );
    }
}

#[test]
fn what_is_configured_again_in_time_begins_afresh() {
    let world = Arc::new(Mutex::new(World::default()));
    let day = Duration::from_secs(24 * 60 * 60);
    let back: Arc<str> = "back".into();
    let write = |who: &Arc<str>, tries, at| {
        let mut journal = journal(&world);
        let known = attempts(&journal.load(who, at).unwrap().memory);
        journal.write(who, &memory(tries), at).unwrap();
        known
    };
    write(&back, 3, NOW);
    write(&cluster(), 1, NOW);
    assert_eq!(write(&back, 4, NOW + day * 6), 3);
    write(&cluster(), 2, NOW + day * 8);
    assert_eq!(write(&back, 5, NOW + day * 14), 4);
}
