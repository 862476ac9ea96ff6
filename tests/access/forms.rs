//! Pages of other sites, forms that are sent twice, and bodies.

use serde_json::Value;

use super::certificates::Folder;
use super::scene::{ALICE, BOB, Scene, client, users};

const WEB: &str = "  administrators: [alice]\n";

async fn token(scene: &Scene, who: &reqwest::Client, user: Option<(&str, &str)>) -> Value {
    let answer = scene.ask(who, "GET", "/api/v1/session", user).await.unwrap();
    let session: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    session["form_token"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_site_changes_nothing() {
    let (folder, _) = Folder::new();
    let who = client(&folder, None);
    let scene = Scene::start(&folder, WEB, Some(&users())).await;
    let here = scene.url("");
    for (name, value, wanted) in [
        ("sec-fetch-site", "cross-site", 403),
        ("sec-fetch-site", "same-site", 403),
        ("sec-fetch-site", "same-origin", 404),
        ("sec-fetch-site", "none", 404),
        ("origin", "https://evil.example", 403),
        ("origin", "null", 403),
        ("origin", here.as_str(), 404),
    ] {
        for method in ["POST", "PUT", "DELETE", "PATCH"] {
            let request = scene.request(&who, method, "/api/v1/x", ALICE).header(name, value);
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status().as_u16(), wanted, "{method} {name}: {value}");
            if wanted == 403 {
                let body = answer.text().await.unwrap();
                assert!(body.contains("comes from a page of another site"), "{body}");
            }
        }
        // Links from other sites work.
        let request = scene.request(&who, "GET", "/", ALICE).header(name, value);
        assert_eq!(request.send().await.unwrap().status().as_u16(), 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_counts_once_and_for_its_visitor() {
    let (folder, _) = Folder::new();
    let who = client(&folder, None);
    let web = "  administrators: [alice, bob]\n";
    let scene = Scene::start(&folder, web, Some(&users())).await;
    let token_of_alice = token(&scene, &who, ALICE).await.as_str().unwrap().to_owned();
    let send = async |user, kind: Option<&str>, body: String| {
        let mut request = scene.request(&who, "POST", "/x", user).body(body);
        if let Some(kind) = kind {
            request = request.header("content-type", kind);
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let form = Some("application/x-www-form-urlencoded");
    let of_alice = || format!("a=b&form_token={token_of_alice}");
    let (status, said) = send(BOB, form, of_alice()).await;
    assert!(status == 403 && said.contains("not one that was made for you"), "{said}");
    for kind in [form, Some("multipart/form-data; boundary=x"), Some("text/plain"), None] {
        let (status, said) = send(ALICE, kind, "a=b".to_owned()).await;
        assert!(status == 403 && said.contains("load the page again"), "{kind:?}: {said}");
    }
    let (status, _) = send(ALICE, form, of_alice()).await;
    assert_eq!(status, 405, "it went through, to where there is nothing to change");
    let (status, said) = send(ALICE, form, of_alice()).await;
    assert!(status == 403 && said.contains("sent before"), "{said}");
    // What a page of another site cannot send without asking first needs none.
    let (status, _) = send(ALICE, Some("application/json"), "{}".to_owned()).await;
    assert_eq!(status, 405);
    let header = token(&scene, &who, ALICE).await.as_str().unwrap().to_owned();
    let request = scene.request(&who, "POST", "/x", ALICE).header("x-form-token", header);
    let answer = request.header("content-type", "text/plain").body("x").send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_administrators_get_tokens() {
    let (folder, _) = Folder::new();
    let who = client(&folder, None);
    let web = format!("{WEB}  anonymous: read\n");
    let scene = Scene::start(&folder, &web, Some(&users())).await;
    assert!(token(&scene, &who, ALICE).await.is_string());
    assert!(token(&scene, &who, BOB).await.is_null());
    assert!(token(&scene, &who, None).await.is_null());
    for (user, name, role) in [
        (ALICE, "alice", "administrator"),
        (BOB, "bob", "reader"),
        (None, "anonymous", "anonymous"),
    ] {
        let answer = scene.ask(&who, "GET", "/api/v1/session", user).await.unwrap();
        assert_eq!(answer.headers()["cache-control"], "no-store");
        let session: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        assert_eq!((&session["name"], &session["role"]), (&name.into(), &role.into()));
        assert_eq!(session["can_log_in"], true);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_are_read_of_administrators_and_up_to_a_mebibyte() {
    let (folder, _) = Folder::new();
    let who = client(&folder, None);
    let scene = Scene::start(&folder, WEB, Some(&users())).await;
    let send = async |user, length: usize| {
        let request = scene.request(&who, "POST", "/api/v1/x", user);
        let request = request.header("content-type", "application/json");
        request.body(vec![b' '; length]).send().await.ok().map(|a| a.status().as_u16())
    };
    assert_eq!(send(ALICE, 1 << 20).await, Some(404));
    // The answer may come before all is sent, and break it off.
    let refused = |status: Option<u16>, wanted| status.is_none_or(|status| status == wanted);
    assert!(refused(send(ALICE, (1 << 20) + 1).await, 413));
    assert!(refused(send(BOB, 8 << 20).await, 403));
    assert!(refused(send(None, 8 << 20).await, 401));
    let raw = |head: &str| {
        use std::io::{Read as _, Write as _};
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", scene.warden.port)).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    // Told at once, before any of it is sent.
    let alice = "Authorization: Basic YWxpY2U6YWxpY2UncyBvd24gd29yZA==\r\n";
    let told = raw(&format!(
        "POST /api/v1/x HTTP/1.1\r\nHost: h\r\n{alice}Content-Length: 1048577\r\n\r\n"
    ));
    assert!(told.starts_with("HTTP/1.1 413") && told.contains("1048576 bytes"), "{told}");
    let told = raw("POST /api/v1/x HTTP/1.1\r\nHost: h\r\nContent-Length: 1048577\r\n\r\n");
    assert!(told.starts_with("HTTP/1.1 401"), "{told}");
}
