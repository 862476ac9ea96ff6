//! What an administrator does: what is sent, what is answered, what that means, who it was.

use connect_warden::sim::{Fault, SimCluster};
use serde_json::{Value, json};

use super::scene::{REFUSED, Scene, Who, sim};
use super::support::proxy::Proxy;

/// Polls once, so that the faults that follow are met by actions only.
pub(crate) const ONCE: &str = "{interval: 1h, worker_interval: 1h, timeout: 1s}";

async fn scene(version: &str) -> (Scene, SimCluster) {
    let sim = sim(version).await;
    sim.create("a b", &[("tasks.max", "2")]);
    sim.fail_task("a b", 1, REFUSED, false);
    let scene = Scene::start(&[("east", sim.urls().remove(0))], ONCE, "");
    let is_known = |told: &Value| told["up"] == true && told["versions"][0] == version;
    scene.until("/clusters/east", is_known).await;
    sim.take_requests();
    (scene, sim)
}

const OF: &str = "/clusters/east/connectors/a%20b";

/// What reached the worker since the last time, but for what only reads.
fn sent(sim: &SimCluster) -> Vec<String> {
    let requests = sim.take_requests().into_iter();
    requests.filter(|request| !request.starts_with("GET ")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_action_is_one_call_and_is_told_with_what_it_means() {
    let (scene, sim) = scene("4.3.0").await;
    let planned = "POST /connectors/a%20b/restart?includeTasks=true&onlyFailed";
    for (nth, (path, body, status, call, http)) in [
        ("/restart", json!({}), 200, "POST /connectors/a%20b/restart", 204),
        ("/tasks/1/restart", Value::Null, 200, "POST /connectors/a%20b/tasks/1/restart", 204),
        ("/restart", json!({"include_tasks": true}), 202, &format!("{planned}=false"), 202),
        (
            "/restart",
            json!({"only_failed": true, "include_tasks": true}),
            202,
            &format!("{planned}=true"),
            202,
        ),
        ("/pause", json!({}), 202, "PUT /connectors/a%20b/pause", 202),
        ("/resume", Value::Null, 202, "PUT /connectors/a%20b/resume", 202),
        ("/stop", Value::Null, 202, "PUT /connectors/a%20b/stop", 204),
    ]
    .into_iter()
    .enumerate()
    {
        let told = scene.write("POST", &format!("{OF}{path}"), &body).await;
        assert_eq!(told.status, status, "{path}: {}", told.body);
        let outcome = told.json();
        assert_eq!(sent(&sim), [call], "{path}");
        let of_call = format!(
            "{} {}",
            outcome["call"]["method"].as_str().unwrap(),
            outcome["call"]["path"].as_str().unwrap()
        );
        assert_eq!(of_call, call);
        let worker = outcome["call"]["worker"].as_str().unwrap();
        assert_eq!(worker.trim_end_matches('/'), sim.urls()[0].trim_end_matches('/'));
        assert_eq!(outcome["http_status"], http, "{outcome}");
        assert_eq!(outcome["result"], "accepted");
        assert_eq!((&outcome["by"], &outcome["connector"]), (&json!("alice"), &json!("a b")));
        assert!(outcome["means"].as_str().unwrap().len() > 20);
        let line = scene.audited_after("ordered", nth).pop().unwrap();
        assert_eq!((&line["by"], &line["call"]), (&json!("alice"), &json!(call)), "{line}");
        assert_eq!((&line["answer"], &line["http_status"]), (&json!("accepted"), &json!(http)));
    }
    assert_eq!(scene.audited("ordered").len(), 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_is_told_and_is_not_repeated() {
    let sim = sim("4.3.0").await;
    sim.create("a b", &[("tasks.max", "2")]);
    let port = sim.urls()[0].trim_end_matches('/').rsplit(':').next().unwrap().parse().unwrap();
    let proxy = Proxy::before(port).await;
    let scene = Scene::start(&[("east", proxy.url())], ONCE, "");
    scene.until("/clusters/east", |told| told["up"] == true).await;
    let path = format!("{OF}/tasks/1/restart");
    let mut sends = 0;
    let said = |text: &str| json!({"error_code": 0, "message": text}).to_string();
    for (fault, status, result) in [
        (Fault::Status(409, said("no known leader URL")), 409, "conflict"),
        (Fault::Status(500, said("Boom")), 502, "not_known"),
        (Fault::Status(503, said("later")), 502, "refused"),
        (Fault::Status(401, said("who?")), 502, "refused"),
        (Fault::Status(404, said("Unknown task: a b-1")), 404, "gone"),
        (Fault::Starting, 502, "refused"),
        (Fault::Redirect("http://elsewhere/".to_owned()), 502, "refused"),
        (Fault::Reset, 502, "not_known"),
        (Fault::Hang, 504, "not_known"),
    ] {
        sim.fault(0, Some(fault.clone()));
        let told = scene.write("POST", &path, &Value::Null).await;
        assert_eq!(told.status, status, "{fault:?}: {}", told.body);
        assert_eq!(told.kind, "application/problem+json");
        let problem = told.json();
        let outcome = &problem["outcome"];
        assert_eq!(outcome["result"], result, "{fault:?}: {problem}");
        let means = outcome["means"].as_str().unwrap();
        assert!(problem["detail"].as_str().unwrap().contains(means), "{problem}");
        sim.fault(0, None);
        sends += 1;
        assert_eq!(proxy.posts().len(), sends, "{fault:?}: once, and no more");
        let line = scene.audited_after("ordered", sends - 1).pop().unwrap();
        assert_eq!((&line["outcome"], &line["by"]), (&json!(result), &json!("alice")), "{line}");
    }
    sim.stop_worker(0);
    let told = scene.write("POST", &path, &Value::Null).await;
    assert_eq!(told.status, 502, "{}", told.body);
    for (path, status) in [
        ("/clusters/east/connectors/a%20c/restart", 404),
        ("/clusters/eats/connectors/a%20b/restart", 404),
        ("/clusters/east/connectors/a%20b/tasks/7/restart", 404),
        ("/clusters/east/connectors/a%20b/tasks/-1/restart", 404),
        ("/clusters/east/connectors/a%20b/restart?x=1", 400),
    ] {
        assert_eq!(scene.write("POST", path, &Value::Null).await.status, status, "{path}");
    }
    assert_eq!(scene.audited_after("ordered", 9).len(), 10, "what was not sent is no order");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_version_lacks_is_not_sent() {
    let (scene, sim) = scene("2.8.2").await;
    for (path, body) in [
        ("/stop", Value::Null),
        ("/restart", json!({"include_tasks": true})),
        ("/restart", json!({"only_failed": true})),
    ] {
        let told = scene.write("POST", &format!("{OF}{path}"), &body).await;
        assert_eq!(told.status, 501, "{path}");
        assert!(told.body.contains("has 2.8.2"), "{}", told.body);
    }
    assert_eq!(sent(&sim), [""; 0]);
    assert_eq!(scene.write("POST", &format!("{OF}/pause"), &Value::Null).await.status, 202);
    assert_eq!(sent(&sim), ["PUT /connectors/a%20b/pause"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_clicks_are_one_call() {
    let (scene, sim) = scene("4.3.0").await;
    sim.fault(0, Some(Fault::Latency(std::time::Duration::from_millis(500))));
    let path = format!("{OF}/restart");
    let click = || scene.write("POST", &path, &Value::Null);
    let (first, second) = tokio::join!(click(), click());
    let mut statuses = [first.status, second.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409], "{} {}", first.body, second.body);
    assert_eq!(sent(&sim).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silence_is_given_and_taken_back() {
    let (scene, _sim) = scene("4.3.0").await;
    let body =
        json!({"connector": "a.*", "cluster": "ea.*", "duration": "2h", "reason": "it moves"});
    let told = scene.write("POST", "/silences", &body).await;
    assert_eq!(told.status, 201, "{}", told.body);
    let silence = told.json();
    let id = silence["id"].as_str().unwrap();
    assert_eq!(told.header("location"), format!("silences/{id}"));
    assert_eq!((&silence["by"], &silence["connector"]), (&json!("alice"), &json!("a.*")));
    assert_eq!(scene.json("/silences").await, json!({"silences": [silence]}));
    let orders = std::fs::read_to_string(scene.place("journal.orders")).unwrap();
    assert!(orders.contains(id) && orders.contains("it moves"), "{orders}");
    let line = scene.audited_after("silenced", 0).pop().unwrap();
    assert_eq!((&line["by"], &line["why"]), (&json!("alice"), &json!("it moves")));

    for (body, field) in [
        (json!({"connector": "a", "reason": "b"}), "duration"),
        (json!({"connector": "a", "reason": "b", "duration": "25h"}), "duration"),
        (json!({"connector": "a", "reason": "", "duration": "1h"}), "reason"),
        (json!({"connector": "(", "reason": "b", "duration": "1h"}), "connector"),
        (json!({"connector": "a)|(?:", "reason": "b", "duration": "1h"}), "connector"),
        (json!({"connector": "a", "reason": "b", "duration": "1h", "cluster": "no"}), "cluster"),
        (json!({"connector": "a", "reason": "b", "duration": 1}), "duration"),
        (json!({"connector": "a", "reason": "b", "for": "1h"}), "for"),
    ] {
        let told = scene.write("POST", "/silences", &body).await;
        let problem = told.json();
        assert_eq!((told.status, &problem["field"]), (400, &json!(field)), "{body}: {problem}");
    }
    let path = format!("/silences/{id}");
    assert_eq!(scene.write("DELETE", &path, &Value::Null).await.json(), silence);
    assert_eq!(scene.write("DELETE", &path, &Value::Null).await.status, 404);
    assert_eq!(scene.json("/silences").await, json!({"silences": []}));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kill_switch_is_that_of_the_command() {
    let (scene, sim) = scene("4.3.0").await;
    let turn = async |body: Value| scene.write("PUT", "/kill-switch", &body).await;
    let on = turn(json!({"on": true, "reason": "look first"})).await.json();
    assert_eq!((&on["on"], &on["order"]["by"]), (&json!(true), &json!("alice")), "{on}");
    assert_eq!(on["order"]["reason"], "look first");
    assert_eq!(scene.json("/kill-switch").await, on);
    std::fs::write(scene.place("stop"), "").unwrap();
    let still = turn(json!({"on": false})).await;
    assert_eq!(still.status, 409);
    assert!(still.body.contains("is there"), "a file holds it: {}", still.body);
    std::fs::remove_file(scene.place("stop")).unwrap();
    let off = turn(json!({"on": false})).await;
    assert_eq!(off.status, 200);
    assert_eq!(off.json(), json!({"on": false, "because": null, "order": null}));
    for event in ["kill_switch_on", "kill_switch_off"] {
        assert_eq!(scene.audited_after(event, 0).pop().unwrap()["by"], "alice");
    }
    let told = scene.write("POST", &format!("{OF}/tasks/1/acknowledge"), &Value::Null).await;
    assert_eq!((told.status, &told.json()["call"]), (202, &Value::Null));
    let orders = std::fs::read_to_string(scene.place("journal.orders")).unwrap();
    let order = &serde_json::from_str::<Value>(&orders).unwrap()["acknowledged"][0];
    assert_eq!((&order["connector"], &order["task"]), (&json!("a b"), &json!(1)), "{orders}");
    assert_eq!(sent(&sim), [""; 0], "orders are for the watchdog");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_changes_anything() {
    let (scene, sim) = scene("4.3.0").await;
    for (who, status) in [(Who::Nobody, 401), (Who::Reader, 403)] {
        for (method, path) in [
            ("POST", "/clusters/east/connectors/a%20b/restart"),
            ("POST", "/clusters/east/connectors/a%20b/tasks/1/acknowledge"),
            ("POST", "/silences"),
            ("PUT", "/kill-switch"),
        ] {
            let told = scene.told(method, path, scene.request(who, method, path)).await;
            assert_eq!(told.status, status, "{who:?} {path}");
        }
    }
    assert_eq!(sent(&sim), [""; 0]);
    assert!(!std::path::Path::new(&scene.place("journal.orders")).exists());
}
