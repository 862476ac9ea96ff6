//! What must hold whatever happens, over random fleets, faults, crashes and orders. The checker keeps
//! books of its own: it knows the rules, and nothing of the policy's memory.
//!
//! `CONNECT_WARDEN_SIMULATED_DAYS` says for how long (default 300), `CONNECT_WARDEN_SEED` begins at
//! another fleet than the first: a violation names its own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a test may panic"
)]

mod books;
mod check;
mod driver;
mod faults;
mod mutants;
mod world;

use driver::Driver;
use mutants::Mutant;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

#[test]
fn the_policy_keeps_its_rules_whatever_happens() {
    let days = number("CONNECT_WARDEN_SIMULATED_DAYS").unwrap_or(300);
    let mut seed = number("CONNECT_WARDEN_SEED").unwrap_or(0);
    let (mut seconds, mut polls, mut decisions, mut crashes) = (0, 0, 0, 0);
    let first = seed;
    while seconds < days * 86_400 {
        let mut driver = Driver::new(seed, Mutant::None);
        if let Err(violation) = driver.run() {
            let mut again = Driver::new(seed, Mutant::None);
            again.story = Some(Vec::new());
            let _ = again.run();
            let story = again.story.unwrap_or_default();
            story.iter().rev().take(40).rev().for_each(|line| println!("{line}"));
            panic!("CONNECT_WARDEN_SEED={seed}: {violation}");
        }
        seconds += driver.world.t;
        polls += driver.polls;
        decisions += driver.decisions;
        crashes += driver.crashes;
        seed += 1;
    }
    let (fleets, days) = (seed - first, seconds / 86_400);
    println!(
        "{days} days of {fleets} fleets: {polls} polls, {decisions} restarts, {crashes} crashes"
    );
    assert!(decisions > 2 * days && crashes > fleets / 4, "too little happened to prove anything");
}

/// A checker that finds nothing proves nothing.
#[test]
fn the_checker_catches_a_policy_that_breaks_a_rule() {
    for mutant in Mutant::ALL {
        let caught = (0..60).find_map(|seed| Driver::new(seed, mutant).run().err());
        let violation = caught.unwrap_or_else(|| panic!("{mutant:?} was not caught"));
        println!("{mutant:?}: {violation}");
        assert!(
            mutant.marks().iter().any(|mark| violation.contains(mark)),
            "{mutant:?} was caught for something else: {violation}"
        );
    }
}
