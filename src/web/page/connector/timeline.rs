//! The states of the last hours, a lane for each task. A state is told by its height too: what runs
//! is a thin line, what is FAILED fills its lane.

use std::time::{Duration, SystemTime};

use maud::{Markup, html};

use crate::connect::model::State;

use super::super::super::facts::{ConnectorDetail, Moment, UnitHistory};
use super::super::scene::Scene;
use super::super::times::{age, span, when};

/// So many lanes are drawn; those with trouble first.
const MOST_LANES: usize = 40;
/// The lengths of time that are shown: the first that holds all that was seen.
const WINDOWS: [u64; 8] = [600, 1800, 3600, 10_800, 21_600, 43_200, 86_400, 172_800];
const WIDTH: u64 = 1000;
const HEIGHT: u64 = 18;

/// What is drawn: from when, and for how long.
struct Window {
    from: u64,
    length: u64,
}

impl Window {
    fn of(history: &[UnitHistory], now: SystemTime) -> Self {
        let now = Moment::from(now).unix_seconds();
        let first = history.iter().map(|unit| unit.first_seen.unix_seconds()).min().unwrap_or(now);
        let seen = now.saturating_sub(first);
        let length = WINDOWS.into_iter().find(|length| *length >= seen);
        let length = length.unwrap_or(WINDOWS[WINDOWS.len() - 1]);
        Self { from: now.saturating_sub(length), length }
    }

    fn x(&self, at: Moment) -> u64 {
        at.unix_seconds().saturating_sub(self.from).min(self.length) * WIDTH / self.length
    }
}

pub(super) fn section(scene: &Scene, detail: &ConnectorDetail) -> Markup {
    let window = Window::of(&detail.history, scene.now);
    let mut lanes: Vec<_> = detail.history.iter().collect();
    lanes.sort_by_key(|unit| (!is_troubled(unit), unit.task));
    let n = lanes.len();
    lanes.truncate(MOST_LANES);
    html! {
        section.panel aria-labelledby="timeline" {
            header {
                h2 #timeline { "Timeline" }
                span.end { "the last " (span(Duration::from_secs(window.length))) ", as far as it was seen" }
            }
            div.body {
                div.lanes {
                    @for unit in &lanes { (lane(scene, &window, unit)) }
                    div.axis {
                        @for part in 0..=2 {
                            @let at = Duration::from_secs(window.from + window.length * part / 2);
                            time datetime=(Moment::from(at)) { (&Moment::from(at).to_string()[11..16]) " UTC" }
                        }
                    }
                }
                @if n > MOST_LANES { p.muted { "and " (n - MOST_LANES) " more tasks, without trouble" } }
                (changes(scene, &lanes))
            }
        }
    }
}

fn is_troubled(unit: &UnitHistory) -> bool {
    unit.changes > 0 || unit.spells.last().is_some_and(|spell| spell.state == State::Failed)
}

fn name(task: Option<u32>) -> String {
    task.map_or_else(|| "connector".to_owned(), |task| format!("task {task}"))
}

fn lane(scene: &Scene, window: &Window, unit: &UnitHistory) -> Markup {
    let now = Moment::from(scene.now);
    let present = unit.spells.last();
    let label = present.map_or_else(String::new, |spell| {
        format!(
            "{}: {} since {}, {} changes seen",
            name(unit.task),
            spell.state.as_str(),
            spell.from,
            unit.changes
        )
    });
    html! {
        span { (name(unit.task)) }
        svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" role="img" aria-label=(label) {
            @for spell in &unit.spells {
                @let (from, until) = (window.x(spell.from), window.x(spell.until.unwrap_or(now)));
                @let high = height(spell.state);
                // A short one is seen too.
                @let wide = until.saturating_sub(from).max(if spell.state == State::Failed { 3 } else { 1 });
                @if until > 0 {
                    rect class=(spell.state.as_str()) x=(from) width=(wide) y=((HEIGHT - high) / 2) height=(high) {}
                }
            }
        }
        small.nb { @if let Some(spell) = present { (spell.state.as_str()) } }
    }
}

const fn height(state: State) -> u64 {
    match state {
        State::Running => 6,
        State::Failed => HEIGHT,
        State::Paused | State::Stopped => 2,
        State::Unassigned | State::Restarting | State::Unknown => 12,
    }
}

/// So many changes are told in words.
const TOLD: usize = 50;

/// The same in words, the newest first.
fn changes(scene: &Scene, lanes: &[&UnitHistory]) -> Markup {
    let mut all: Vec<_> = lanes
        .iter()
        .flat_map(|unit| {
            unit.spells
                .windows(2)
                .map(|pair| (pair[1].from, unit.task, pair[0].state, pair[1].state))
        })
        .collect();
    all.sort_by_key(|(at, task, ..)| (std::cmp::Reverse(*at), *task));
    html! {
        @if all.is_empty() {
            p.muted { "No change was seen"
                @if let Some(first) = lanes.iter().map(|unit| unit.first_seen).min() { " since " (when(first, scene.now)) }
                "." }
        } @else {
            details #changes {
                summary { "The changes in words" }
                ul.members {
                    @for (at, task, before, after) in all.iter().take(TOLD) {
                        li { (age(*at, scene.now)) ": " (name(*task)) ", " (before.as_str()) " → " (after.as_str()) }
                    }
                    @if all.len() > TOLD { li.muted { "and " (all.len() - TOLD) " before that" } }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_is_the_first_that_holds_all_that_was_seen() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let seen = |ago: u64| UnitHistory {
            task: None,
            first_seen: Duration::from_secs(1_000_000 - ago).into(),
            changes: 0,
            spells: vec![],
        };
        for (ago, length) in
            [(0, 600), (600, 600), (601, 1800), (90_000, 172_800), (900_000, 172_800)]
        {
            assert_eq!(Window::of(&[seen(ago)], now).length, length, "{ago}");
        }
        let window = Window::of(&[seen(600)], now);
        let x = |seconds| window.x(Duration::from_secs(seconds).into());
        assert_eq!((x(0), x(999_400), x(999_700), x(1_000_000)), (0, 0, 500, 1000));
    }
}
