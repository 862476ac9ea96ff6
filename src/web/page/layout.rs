//! What every page has around it: head, navigation, footer.

use maud::{DOCTYPE, Markup, html};

use super::assets;
use super::marks::thousands;
use super::scene::Scene;
use super::times::when;

/// Which entry of the navigation a page belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tab {
    Overview,
    Workers,
    Watchdog,
    Other,
}

/// A whole page; `title` is empty for the overview.
pub(super) fn whole(scene: &Scene, tab: Tab, title: &str, main: &Markup) -> String {
    let to = |path: &str| scene.paths.to(path);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (full_title(scene, title)) }
                link rel="icon" type="image/svg+xml" href=(to(assets::icon(scene.severity())));
                link rel="stylesheet" href=(to(assets::style()));
                script src=(to(assets::script())) defer {}
            }
            body data-live=[(tab != Tab::Other).then(|| to("/api/v1/live"))] data-told=(scene.told) {
                a.skip href="#main" { "Skip to the content" }
                header.bar {
                    div {
                        a.home href=(to("/")) {
                            img src=(to(assets::icon(scene.severity()))) width="18" height="18" alt="";
                            "connect-warden"
                        }
                        nav aria-label="Views" {
                            (entry(&to("/"), "Overview", tab == Tab::Overview))
                            (entry(&to("/workers"), "Workers", tab == Tab::Workers))
                            (entry(&to("/watchdog"), "Watchdog", tab == Tab::Watchdog))
                        }
                        span.end {
                            @if !scene.viewer.name.is_empty() { bdi { (scene.viewer.name) } }
                            @if let Some(login) = &scene.viewer.login { a href=(login) { "Log in" } }
                            span #live role="status" {}
                            span { "as of " (when(scene.now.into(), scene.now)) }
                        }
                    }
                }
                main #main tabindex="-1" { (main) }
                (footer(scene))
            }
        }
    };
    page.into_string()
}

fn entry(href: &str, text: &str, is_current: bool) -> Markup {
    html! { a href=(href) aria-current=[is_current.then_some("page")] { (text) } }
}

/// Trouble first, so that a tab that is not looked at shows it.
fn full_title(scene: &Scene, title: &str) -> String {
    let trouble = match scene.failures() {
        (0, 0) => String::new(),
        (0, all) => format!("{} failed · ", thousands(all)),
        (people, _) => format!("({}!) ", thousands(people)),
    };
    let title = if title.is_empty() { String::new() } else { format!("{title} · ") };
    format!("{trouble}{title}connect-warden")
}

fn footer(scene: &Scene) -> Markup {
    let link = |path: &str, text: &str| html! { a href=(scene.paths.to(path)) { (text) } };
    html! {
        footer {
            span { "connect-warden " (env!("CARGO_PKG_VERSION")) }
            (link(&scene.telemetry_path, "Metrics"))
            (link("/api/v1/openapi.json", "API"))
            (link("/api/v1/plan", "Plan as JSON"))
            (link("/-/healthy", "Healthy"))
            (link("/-/ready", "Ready"))
        }
    }
}
