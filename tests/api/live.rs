//! The stream of what changes.

use std::time::Duration;

use serde_json::Value;

use super::scene::{REFUSED, SOON, Scene, Who, sim};

/// Reads events until one is so.
struct Events {
    response: reqwest::Response,
    text: String,
}

impl Events {
    async fn open(scene: &Scene) -> Self {
        let request = scene.request(Who::Reader, "GET", "/live");
        let response = scene.send("GET", "/live", request).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        Self { response, text: String::new() }
    }

    /// The next event, with its comments; `None` at the end.
    async fn next(&mut self) -> Option<String> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                return Some(event);
            }
            let chunk = tokio::time::timeout(SOON, self.response.chunk()).await.unwrap();
            self.text.push_str(std::str::from_utf8(&chunk.unwrap()?).unwrap());
        }
    }
}

fn data(event: &str) -> Value {
    let data = event.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
    serde_json::from_str(data).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_listens_is_told_of_what_changes_and_of_the_end() {
    let (east, west) = (sim("4.3.0").await, sim("4.3.0").await);
    for cluster in [&east, &west] {
        cluster.create("a", &[("tasks.max", "1")]);
    }
    let clusters = [("east", east.urls().remove(0)), ("west", west.urls().remove(0))];
    let scene = Scene::start(&clusters, "{interval: 500ms, worker_interval: 500ms}", "");
    for name in ["east", "west"] {
        let path = format!("/clusters/{name}");
        scene.until(&path, |told| told["fresh"] == true).await;
    }
    let mut events = Events::open(&scene).await;
    let hello = events.next().await.unwrap();
    assert!(hello.starts_with("retry: 2000\nevent: hello\n"), "{hello}");
    let known = data(&hello)["clusters"].clone();
    let generation = |name: &str| known[name].as_u64().unwrap();
    assert!(generation("west") > 0);

    east.fail_task("a", 0, REFUSED, true);
    let told = data(&events.next().await.unwrap());
    assert_eq!(told["cluster"], "east", "the other did not change, though it was polled");
    assert!(told["generation"].as_u64().unwrap() > generation("east"));
    let failures = scene.json("/failures").await;
    assert_eq!(failures["total"], 1, "what is told of it is there by then");

    let polls = scene.json("/clusters/west").await["polls"].as_u64().unwrap();
    scene.until("/clusters/west", |told| told["polls"].as_u64() >= Some(polls + 2)).await;
    west.set_state("a", Some(0), "PAUSED", None);
    let told = data(&events.next().await.unwrap());
    assert_eq!(told["cluster"], "west", "polls that find nothing new are no events");

    scene.warden.signal(nix::sys::signal::Signal::SIGTERM);
    while let Some(event) = events.next().await {
        assert!(event.contains("data: "), "{event}");
    }
    let Scene { warden, .. } = scene;
    assert_eq!(warden.end(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_leave_room_for_others() {
    let east = sim("4.3.0").await;
    let scene = Scene::start(&[("east", east.urls().remove(0))], "{interval: 500ms}", "");
    let mut open = Vec::new();
    let full = loop {
        let request = scene.request(Who::Reader, "GET", "/live");
        let response = scene.send("GET", "/live", request).await;
        if response.status() != 200 {
            break response;
        }
        open.push(response);
        assert!(open.len() <= 40);
    };
    assert_eq!((full.status().as_u16(), open.len()), (503, 39));
    assert_eq!(full.headers()["retry-after"], "15");
    assert_eq!(scene.get("/clusters").await.status, 200);
    open.clear();
    let end = tokio::time::Instant::now() + SOON;
    loop {
        let request = scene.request(Who::Reader, "GET", "/live");
        if scene.send("GET", "/live", request).await.status() == 200 {
            break;
        }
        assert!(tokio::time::Instant::now() < end, "a place is given back");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
