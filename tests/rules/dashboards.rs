//! The dashboards: what dashboard-linter asks of them, and every query on a real Prometheus that
//! scrapes the demo.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;
use serde_json::Value;

use crate::files;

pub const NAMES: [&str; 3] = ["fleet", "connector", "watchdog"];

pub fn read(name: &str) -> Value {
    let path = files::root().join(format!("dashboards/{name}.json"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

pub fn panels(dashboard: &Value) -> Vec<&Value> {
    let all = dashboard["panels"].as_array().unwrap().iter();
    all.filter(|panel| panel["type"] != "row").collect()
}

/// Panel and PromQL of every query.
pub fn queries(dashboard: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let of_panels = panels(dashboard).into_iter().flat_map(|panel| {
        let targets = panel["targets"].as_array().unwrap().iter();
        targets.map(|target| (text(&panel["title"]), text(&target["expr"])))
    });
    let annotations = dashboard["annotations"]["list"].as_array().unwrap().iter();
    let of_annotations =
        annotations.map(|of| (format!("annotation {}", text(&of["name"])), text(&of["expr"])));
    of_panels.chain(of_annotations).collect()
}

/// The query of each variable, without the function around it.
pub fn variables(dashboard: &Value) -> BTreeMap<String, String> {
    let all = dashboard["templating"]["list"].as_array().unwrap().iter();
    all.filter(|variable| variable["type"] == "query")
        .map(|variable| {
            let query = variable["query"].as_str().unwrap();
            let inner = query.strip_prefix("label_values(").unwrap().strip_suffix(')').unwrap();
            let (selector, _) = inner.rsplit_once(", ").unwrap();
            (variable["name"].as_str().unwrap().to_owned(), selector.to_owned())
        })
        .collect()
}

#[test]
fn each_panel_answers_a_question_and_has_a_unit() {
    for name in NAMES {
        let dashboard = read(name);
        assert_eq!(dashboard["uid"], format!("connect-warden-{name}"), "{name}");
        assert_eq!(dashboard["editable"], false, "{name}");
        let mut titles = BTreeSet::new();
        for panel in panels(&dashboard) {
            let title = panel["title"].as_str().unwrap();
            assert!(titles.insert(title), "{name}: {title} is there twice");
            let description = panel["description"].as_str().unwrap_or_default();
            assert!(description.ends_with('?'), "{name}: {title}: {description:?} asks nothing");
            let unit = panel["fieldConfig"]["defaults"]["unit"].as_str();
            assert!(unit.is_some_and(|unit| !unit.is_empty()), "{name}: {title} has no unit");
            assert_eq!(panel["datasource"]["uid"], "${datasource}", "{name}: {title}");
            for target in panel["targets"].as_array().unwrap() {
                assert_eq!(target["datasource"]["uid"], "${datasource}", "{name}: {title}");
            }
        }
    }
}

#[test]
fn each_query_picks_by_the_variables() {
    let metric =
        Regex::new(r"\b(?:kafka_connect|connect_warden|process)_[a-z_]+(\{[^}]*\})?").unwrap();
    let range = Regex::new(r"(?:rate|increase)\(([^\[]+)\[([^\]]+)\]").unwrap();
    for name in NAMES {
        let dashboard = read(name);
        for (panel, query) in queries(&dashboard) {
            let mut selectors = 0;
            for found in metric.captures_iter(&query) {
                let Some(matchers) = found.get(1) else {
                    panic!("{name}: {panel}: {} picks nothing", &found[0])
                };
                selectors += 1;
                for wanted in ["job=~\"$job\"", "instance=~\"$instance\""] {
                    assert!(matchers.as_str().contains(wanted), "{name}: {panel}: {query}");
                }
            }
            assert!(selectors > 0, "{name}: {panel}: {query} asks for no metric");
            for found in range.captures_iter(&query) {
                let fits = panel.starts_with("annotation") || &found[2] == "$__rate_interval";
                assert!(fits, "{name}: {panel}: {query}");
            }
        }
        let all = dashboard["templating"]["list"].as_array().unwrap();
        let named = |name: &str| all.iter().find(|variable| variable["name"] == name).unwrap();
        for (variable, label) in [("job", "Job"), ("instance", "Instance")] {
            let variable = named(variable);
            assert_eq!(variable["label"], label);
            assert_eq!((&variable["multi"], &variable["allValue"]), (&true.into(), &".+".into()));
            assert_eq!(variable["refresh"], 2);
            assert_eq!(variable["datasource"]["uid"], "${datasource}");
        }
        assert_eq!(named("datasource")["label"], "Data source");
        let sources = all.iter().filter(|variable| variable["type"] == "datasource");
        assert_eq!(sources.count(), 1, "{name}");
    }
}

/// From the fleet to a connector and to the watchdog of a cluster, and from all to the page.
#[test]
fn they_lead_down() {
    for name in NAMES {
        let dashboard = read(name);
        let links = dashboard["links"].as_array().unwrap();
        assert!(links.iter().any(|link| link["url"] == "${page}"), "{name}");
    }
    let fleet = read("fleet").to_string();
    for uid in ["connect-warden-connector", "connect-warden-watchdog"] {
        assert!(fleet.contains(&format!("/d/{uid}?")), "{uid}");
    }
}
