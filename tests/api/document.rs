//! The OpenAPI document against what is really answered: every path, method and status in it.

use std::collections::BTreeSet;

use connect_warden::sim::{Fault, SimCluster};
use serde_json::{Value, json};

use super::actions::ONCE;
use super::scene::{REFUSED, SOON, Scene, Told, Who, sim};

/// The document, with every answer that was held against it.
pub(crate) struct Document {
    pub(crate) json: Value,
    seen: BTreeSet<(String, String, u16)>,
}

impl Document {
    pub(crate) async fn of(scene: &Scene) -> Self {
        Self { json: scene.json("/openapi.json").await, seen: BTreeSet::new() }
    }

    /// The template of a path, without `/api/v1`.
    pub(crate) fn template(&self, path: &str) -> String {
        let path: Vec<_> = path.split('?').next().unwrap().split('/').collect();
        let fits = |template: &&String| {
            let parts: Vec<_> = template.trim_start_matches("/api/v1").split('/').collect();
            let pairs = || parts.iter().zip(&path);
            parts.len() == path.len()
                && pairs().all(|(part, given)| part.starts_with('{') || part == given)
        };
        let paths = self.json["paths"].as_object().unwrap();
        paths.keys().find(fits).unwrap_or_else(|| panic!("{path:?} is not in the document")).clone()
    }

    /// Checks a body against what the document says of it.
    pub(crate) fn check(&self, pointer: &[&str], body: &Value, what: &str) {
        let encoded: Vec<_> =
            pointer.iter().map(|part| part.replace('~', "~0").replace('/', "~1")).collect();
        let pointer = format!("/{}", encoded.join("/"));
        let found = self.json.pointer(&pointer);
        let mut schema = found.unwrap_or_else(|| panic!("{what}: no {pointer}")).clone();
        schema["components"] = self.json["components"].clone();
        schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let errors: Vec<_> = validator
            .iter_errors(body)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{what}: {errors:?} in {body}");
        let (mut documented, mut told) = (BTreeSet::new(), BTreeSet::new());
        properties(&self.json, &mut documented);
        keys(body, &mut told);
        let more: Vec<_> = told.difference(&documented).collect();
        let is_document = body.get("openapi").is_some();
        assert!(is_document || more.is_empty(), "{what}: {more:?} are in no schema");
    }

    fn answered(&mut self, method: &str, path: &str, told: &Told) {
        let template = self.template(path);
        let what = format!("{method} {path} {}: {}", told.status, told.body);
        let verb = method.to_lowercase();
        let status = told.status.to_string();
        if told.status == 304 {
            assert!(
                self.json["paths"][&template][&verb]["responses"][&status].is_object(),
                "{what}"
            );
        } else {
            let place =
                ["paths", &template, &verb, "responses", &status, "content", &told.kind, "schema"];
            self.check(&place, &told.json(), &what);
        }
        self.seen.insert((template, method.to_owned(), told.status));
    }

    /// Every path, method and status.
    fn all(&self) -> BTreeSet<(String, String, u16)> {
        let mut all = BTreeSet::new();
        for (path, item) in self.json["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                for status in operation["responses"].as_object().unwrap().keys() {
                    all.insert((path.clone(), method.to_uppercase(), status.parse().unwrap()));
                }
            }
        }
        all
    }
}

/// Every field that a schema has.
fn properties<'v>(json: &'v Value, all: &mut BTreeSet<&'v str>) {
    match json {
        Value::Object(object) => {
            let of = object.get("properties").and_then(Value::as_object);
            all.extend(of.into_iter().flat_map(|of| of.keys().map(String::as_str)));
            object.values().for_each(|value| properties(value, all));
        }
        Value::Array(array) => array.iter().for_each(|value| properties(value, all)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Every field of an answer, but for those whose names are a connector's.
fn keys<'v>(json: &'v Value, all: &mut BTreeSet<&'v str>) {
    match json {
        Value::Object(object) => {
            for (key, value) in object {
                all.insert(key);
                if !["configuration", "partition", "offset"].contains(&key.as_str()) {
                    keys(value, all);
                }
            }
        }
        Value::Array(array) => array.iter().for_each(|value| keys(value, all)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

const CONNECTOR: &str = "/clusters/east/connectors/sink";

struct Talk {
    scene: Scene,
    document: Document,
    east: SimCluster,
}

impl Talk {
    async fn get(&mut self, path: &str) -> Told {
        let told = self.scene.get(path).await;
        self.document.answered("GET", path, &told);
        told
    }

    async fn write(&mut self, method: &str, path: &str, body: &Value) -> Told {
        let told = self.scene.write(method, path, body).await;
        self.document.answered(method, path, &told);
        told
    }

    async fn by(&mut self, who: Who, method: &str, path: &str) {
        let told = self.scene.told(method, path, self.scene.request(who, method, path)).await;
        self.document.answered(method, path, &told);
    }

    async fn reads(&mut self) {
        let history = "/history?cluster=east&connector=sink";
        let down = "/clusters/down/connectors/x";
        for path in [
            "/clusters",
            "/clusters/east",
            "/clusters/down",
            "/clusters/east/connectors",
            CONNECTOR,
            "/clusters/old/connectors/sink",
            "/clusters/east/connectors/sink?details=false",
            "/connectors",
            "/tasks",
            "/failures",
            "/workers",
            history,
            "/plan",
            "/audit",
            "/silences",
            "/kill-switch",
            "/session",
            "/openapi.json",
            // 400, 404 and 503
            "/clusters?x=1",
            "/clusters/east?x=1",
            "/clusters/east/connectors?x=1",
            "/clusters/east/connectors/sink?x=1",
            "/connectors?state=x",
            "/tasks?class=x",
            "/failures?limit=0",
            "/workers?cluster=x",
            "/history",
            "/plan?x=1",
            "/audit?x=1",
            "/silences?x=1",
            "/kill-switch?x=1",
            "/session?x=1",
            "/openapi.json?x=1",
            "/live?x=1",
            "/clusters/x",
            "/clusters/x/connectors",
            "/clusters/east/connectors/x",
            "/history?cluster=east&connector=x",
            down,
            "/history?cluster=down&connector=x",
        ] {
            let told = self.get(path).await;
            let tag = told.header("etag").to_owned();
            // Polls are counted in it, so that another may come between.
            if told.status == 200 && !tag.is_empty() {
                let request = self.scene.request(Who::Reader, "GET", path);
                let request = request.header("if-none-match", tag);
                let told = self.scene.told("GET", path, request).await;
                self.document.answered("GET", path, &told);
            }
        }
    }

    async fn live(&mut self) {
        let request = self.scene.request(Who::Reader, "GET", "/live");
        let mut first = self.scene.send("GET", "/live", request).await;
        assert_eq!(first.headers()["content-type"], "text/event-stream");
        let chunk = tokio::time::timeout(SOON, first.chunk()).await.unwrap().unwrap().unwrap();
        let told = Told {
            status: first.status().as_u16(),
            kind: "text/event-stream".to_owned(),
            headers: first.headers().clone(),
            body: json!(String::from_utf8(chunk.to_vec()).unwrap()).to_string(),
        };
        self.document.answered("GET", "/live", &told);
        let mut open = vec![first];
        while open.last().unwrap().status() == 200 {
            let request = self.scene.request(Who::Reader, "GET", "/live");
            open.push(self.scene.send("GET", "/live", request).await);
        }
        let full = open.pop().unwrap();
        let told = Told {
            status: full.status().as_u16(),
            kind: full.headers()["content-type"].to_str().unwrap().to_owned(),
            headers: full.headers().clone(),
            body: full.text().await.unwrap(),
        };
        self.document.answered("GET", "/live", &told);
    }

    /// What any body of this path may be answered.
    async fn bad_bodies(&mut self, method: &str, path: &str) {
        self.write(method, path, &json!({"no_such_field": 1})).await;
        let request = self.scene.request(Who::Administrator, method, path);
        let request = request.header("content-type", "application/yaml").body("x");
        let told = self.scene.told(method, path, request).await;
        self.document.answered(method, path, &told);
        let told = self.scene.announced(method, path, (1 << 20) + 1);
        self.document.answered(method, path, &told);
    }

    async fn sends(&mut self) {
        for what in ["restart", "tasks/0/restart", "pause", "resume", "stop"] {
            let path = format!("{CONNECTOR}/{what}");
            self.bad_bodies("POST", &path).await;
            self.write("POST", &path, &Value::Null).await;
            for fault in [Fault::Status(409, "{}".to_owned()), Fault::Reset, Fault::Hang] {
                self.east.fault(0, Some(fault));
                self.write("POST", &path, &Value::Null).await;
            }
            self.east.fault(0, None);
            // A worker of 4.x takes no path with this name.
            self.write("POST", &path.replace("sink", "slash%2Fed"), &Value::Null).await;
            self.write("POST", &path.replace("sink", "x"), &Value::Null).await;
            self.write("POST", &path.replace("east", "down"), &Value::Null).await;
        }
        let restart = format!("{CONNECTOR}/restart");
        self.write("POST", &restart, &json!({"include_tasks": true})).await;
        self.write("POST", "/clusters/old/connectors/sink/stop", &Value::Null).await;
    }

    async fn orders(&mut self) {
        let silence = json!({"connector": "x", "duration": "1h", "reason": "y"});
        let id = self.write("POST", "/silences", &silence).await.json()["id"].clone();
        let of_id = format!("/silences/{}", id.as_str().unwrap());
        self.get("/silences").await;
        let acknowledge =
            [format!("{CONNECTOR}/acknowledge"), format!("{CONNECTOR}/tasks/0/acknowledge")];
        for path in &acknowledge {
            self.bad_bodies("POST", path).await;
            self.write("POST", path, &Value::Null).await;
            self.write("POST", &path.replace("sink", "x"), &Value::Null).await;
            self.write("POST", &path.replace("east", "down"), &Value::Null).await;
        }
        self.bad_bodies("POST", "/silences").await;
        self.bad_bodies("DELETE", &of_id).await;
        self.bad_bodies("PUT", "/kill-switch").await;
        self.write("DELETE", "/silences/none", &Value::Null).await;
        self.write("DELETE", &of_id, &Value::Null).await;
        self.write("PUT", "/kill-switch", &json!({"on": true})).await;
        std::fs::write(self.scene.place("stop"), "").unwrap();
        self.write("PUT", "/kill-switch", &json!({"on": false})).await;
        std::fs::remove_file(self.scene.place("stop")).unwrap();
        std::fs::write(self.scene.place("journal.orders"), "no JSON").unwrap();
        self.get("/kill-switch").await;
        for path in &acknowledge {
            self.write("POST", path, &Value::Null).await;
        }
        self.write("POST", "/silences", &silence).await;
        self.write("DELETE", &of_id, &Value::Null).await;
        self.write("PUT", "/kill-switch", &json!({"on": false})).await;
    }

    /// Everything is asked by who may not.
    async fn strangers(&mut self) {
        for (template, method, _) in self.document.all() {
            let path = template.trim_start_matches("/api/v1");
            let path =
                [("{cluster}", "east"), ("{connector}", "sink"), ("{task}", "0"), ("{id}", "x")]
                    .iter()
                    .fold(path.to_owned(), |path, (name, value)| path.replace(name, value));
            self.by(Who::Nobody, &method, &path).await;
            if method != "GET" {
                self.by(Who::Reader, &method, &path).await;
            }
        }
    }
}

pub(crate) async fn of_all_kinds() -> (Scene, SimCluster, SimCluster) {
    let (east, old) = (sim("4.3.0").await, sim("2.8.2").await);
    for cluster in [&east, &old] {
        cluster.create("sink", &[("tasks.max", "2"), ("db.password", "s3cret")]);
    }
    east.create("slash/ed", &[("tasks.max", "1")]);
    east.fail_task("sink", 1, REFUSED, true);
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let clusters = [
        ("east", east.urls().remove(0)),
        ("old", old.urls().remove(0)),
        ("down", format!("http://{nobody}")),
    ];
    let scene = Scene::start(&clusters, ONCE, "  mode: dry-run\n  grace: 10ms\n");
    for (name, version) in
        [("east", json!("4.3.0")), ("old", json!("2.8.2")), ("down", Value::Null)]
    {
        let path = format!("/clusters/{name}");
        scene.until(&path, |told| !told["up"].is_null() && told["versions"][0] == version).await;
    }
    scene
        .until("/plan", |plan| plan["clusters"].as_array().is_some_and(|all| all.len() == 3))
        .await;
    (scene, east, old)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_as_the_document_says_and_every_one_of_those_is_seen() {
    let (scene, east, _old) = of_all_kinds().await;
    let document = Document::of(&scene).await;
    assert!(
        document.json["openapi"].as_str().unwrap().starts_with("3.1"),
        "{}",
        document.json["openapi"]
    );
    let mut talk = Talk { scene, document, east };
    talk.reads().await;
    talk.sends().await;
    talk.orders().await;
    talk.strangers().await;
    talk.live().await;
    let all = talk.document.all();
    let missing: Vec<_> = all.difference(&talk.document.seen).collect();
    assert!(missing.is_empty(), "these were not seen: {missing:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_documented_parameter_is_taken_and_every_reference_leads_somewhere() {
    let (scene, ..) = of_all_kinds().await;
    let document = Document::of(&scene).await;
    let mut parameters = 0;
    for (path, item) in document.json["paths"].as_object().unwrap() {
        for parameter in item["get"]["parameters"].as_array().into_iter().flatten() {
            if parameter["in"] != "query" {
                continue;
            }
            parameters += 1;
            let name = parameter["name"].as_str().unwrap();
            let path = path.trim_start_matches("/api/v1");
            let path = path.replace("{cluster}", "east").replace("{connector}", "sink");
            let told = scene.get(&format!("{path}?{name}=%00")).await;
            let detail = told.json()["detail"].as_str().unwrap_or_default().to_owned();
            assert!(!detail.starts_with("no parameter"), "{path} {name}: {detail}");
            assert!(!parameter["description"].as_str().unwrap().is_empty());
        }
    }
    assert!(parameters > 50, "{parameters}");
    let text = document.json.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(document.json.pointer(pointer).is_some(), "{pointer}");
    }
}
