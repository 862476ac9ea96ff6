//! `docs/api.md` against the document and the binary.

use serde_json::Value;

use super::document::{Document, of_all_kinds};

const PAGE: &str = include_str!("../../docs/api.md");

/// Every fenced JSON of the page, with the line of code before it: `GET /path` or `POST /path body`.
fn examples() -> Vec<(String, Value)> {
    let mut all = Vec::new();
    let mut call = String::new();
    let mut lines = PAGE.lines();
    while let Some(line) = lines.next() {
        if line.starts_with('#') {
            call = line.trim_start_matches('#').trim().trim_matches('`').to_owned();
        }
        if let Some(kind) = line.strip_prefix("```json") {
            let text: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
            let value = serde_json::from_str(&text.join("\n"))
                .unwrap_or_else(|error| panic!("{call}: {error}: {text:?}"));
            all.push((format!("{call}{kind}"), value));
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn every_path_is_documented_and_every_example_is_an_answer() {
    let (scene, ..) = of_all_kinds().await;
    let document = Document::of(&scene).await;
    let mut documented = 0;
    for (path, item) in document.json["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let title = format!("`{} {path}`", method.to_uppercase());
            assert!(PAGE.contains(&title), "docs/api.md has no {title}");
            documented += 1;
        }
    }
    let titles = PAGE.lines().filter(|line| line.starts_with("### `")).count();
    assert_eq!(titles, documented, "the page has as many paths as the document");
    let mut checked = 0;
    for (call, value) in examples() {
        let mut words = call.split(' ');
        let (method, path) = (words.next().unwrap(), words.next().unwrap());
        let part = words.next().unwrap_or("answer");
        let verb = method.to_lowercase();
        let operation = &document.json["paths"][path][&verb];
        let responses = operation["responses"].as_object().unwrap();
        match part {
            "body" => {
                let place =
                    ["paths", path, &verb, "requestBody", "content", "application/json", "schema"];
                document.check(&place, &value, &call);
            }
            "problem" => {
                let status = value["status"].to_string();
                let place = [
                    "paths",
                    path,
                    &verb,
                    "responses",
                    &status,
                    "content",
                    "application/problem+json",
                    "schema",
                ];
                document.check(&place, &value, &call);
            }
            _ => {
                let status = responses.keys().find(|status| status.starts_with('2')).unwrap();
                let place = [
                    "paths",
                    path,
                    &verb,
                    "responses",
                    status,
                    "content",
                    "application/json",
                    "schema",
                ];
                document.check(&place, &value, &call);
            }
        }
        checked += 1;
    }
    assert!(checked >= 20, "{checked}");
    for parameter in parameters(&document.json) {
        assert!(PAGE.contains(&format!("`{parameter}`")), "docs/api.md has no {parameter}");
    }
}

fn parameters(document: &Value) -> Vec<String> {
    let mut all = Vec::new();
    for item in document["paths"].as_object().unwrap().values() {
        for parameter in item["get"]["parameters"].as_array().into_iter().flatten() {
            all.push(parameter["name"].as_str().unwrap().to_owned());
        }
    }
    all.sort_unstable();
    all.dedup();
    all
}
