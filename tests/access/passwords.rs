//! What passwords cost, who is held back, what is said and what never is.

use connect_warden::config::AccessSettings;
use connect_warden::web::access::Access;

use super::certificates::Folder;
use super::scene::{ALICE, BOB, SOON, STRANGER, Scene, WRONG, client, users};
use super::support::warden::eventually;

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_was_right_is_hashed_once() {
    let (folder, _) = Folder::new();
    let who = client(&folder, None);
    let scene = Scene::start(&folder, "", Some(&users())).await;
    let hashed =
        |user: &str| scene.warden.lines(&["a password is hashed", &format!("user={user}")]);
    let asked = async || {
        let all = (0..20).map(|_| scene.status(&who, "GET", "/metrics", ALICE));
        futures_util::future::join_all(all).await
    };
    // Twenty at once, and twenty later.
    for _ in 0..2 {
        assert_eq!(asked().await, [Some(200); 20]);
    }
    eventually("it is logged", SOON, || (hashed("alice") > 0).then_some(()));
    let at_once = hashed("alice");
    assert!((1..=2).contains(&at_once), "as many as can be hashed at once: {at_once}");
    assert_eq!(scene.status(&who, "GET", "/metrics", BOB).await, Some(200));
    // Wrong ones are never remembered, and cost the same for nobody's.
    for user in [WRONG, WRONG, STRANGER, STRANGER] {
        assert_eq!(scene.status(&who, "GET", "/metrics", user).await, Some(401));
    }
    assert_eq!(scene.status(&who, "GET", "/metrics", ALICE).await, Some(200));
    eventually("all of it is logged", SOON, || {
        ((hashed("bob"), hashed("unknown")) == (3, 2)).then_some(())
    });
    assert_eq!(hashed("alice"), at_once);
    assert_eq!(scene.warden.lines(&["a login failed", "user=bob"]), 2);
    assert_eq!(scene.warden.lines(&["a login failed", "user=unknown"]), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_guesses_is_held_back_and_whoever_knows_is_not() {
    let (folder, _) = Folder::new();
    let who = client(&folder, None);
    let scene = Scene::start(&folder, "  anonymous: metrics\n", Some(&users())).await;
    assert_eq!(scene.status(&who, "GET", "/", ALICE).await, Some(200));
    let mut statuses = Vec::new();
    for _ in 0..30 {
        statuses.push(scene.status(&who, "GET", "/", WRONG).await);
    }
    let wrong = statuses.iter().filter(|status| **status == Some(401)).count();
    // Ten, and one for each six seconds that it took.
    assert!(wrong >= 10 && statuses.last() == Some(&Some(429)), "{statuses:?}");
    let answer = scene.ask(&who, "GET", "/api/v1/plan", BOB).await.unwrap();
    assert_eq!(answer.status().as_u16(), 429, "nor is a right one that was not seen before");
    let wait: u64 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=6).contains(&wait), "{wait}");
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    assert_eq!(scene.status(&who, "GET", "/", ALICE).await, Some(200), "alice was seen before");
    assert_eq!(scene.status(&who, "GET", "/metrics", None).await, Some(200));
}

#[tokio::test(flavor = "multi_thread")]
async fn rate_limit_and_headers_are_exporter_toolkits() {
    let (folder, _) = Folder::new();
    let who = client(&folder, None);
    let web_file = "http_server_config:
  headers:
    X-Frame-Options: deny
    X-XSS-Protection: 1
    Content-Security-Policy: default-src 'self'
    Strict-Transport-Security:
rate_limit: {interval: 1h, burst: 3}
";
    let scene = Scene::start(&folder, "", Some(web_file)).await;
    for (path, wanted) in [("/", 200), ("/nowhere", 404), ("/metrics", 200), ("/metrics", 429)] {
        let answer = scene.ask(&who, "GET", path, None).await.unwrap();
        assert_eq!(answer.status().as_u16(), wanted, "{path}");
        let headers = answer.headers();
        assert_eq!(headers["x-frame-options"], "deny");
        assert_eq!(headers["x-xss-protection"], "1");
        assert_eq!(headers["content-security-policy"], "default-src 'self'");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert!(!headers.contains_key("strict-transport-security"));
        assert_eq!(headers.contains_key("retry-after"), wanted == 429);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn login_asks_and_leads_back() {
    let (folder, _) = Folder::new();
    let who = client(&folder, None);
    let web = "  administrators: [alice]\n  anonymous: read\n";
    let scene = Scene::start(&folder, web, Some(&users())).await;
    let path = "/login?to=%2Fapi%2Fv1%2Fplan%3Fa%3Db";
    let answer = scene.ask(&who, "GET", path, None).await.unwrap();
    assert_eq!(answer.status().as_u16(), 401);
    let challenge = "Basic realm=\"connect-warden\", charset=\"UTF-8\"";
    assert_eq!(answer.headers()["www-authenticate"], challenge);
    let answer = scene.ask(&who, "GET", path, ALICE).await.unwrap();
    assert_eq!(answer.status().as_u16(), 303);
    assert_eq!(answer.headers()["location"], "/api/v1/plan?a=b");
    let evil = scene.ask(&who, "GET", "/login?to=%2F%5Cevil.example", ALICE).await.unwrap();
    assert_eq!(evil.headers()["location"], "/");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_in_the_log_or_in_an_answer() {
    let (folder, _) = Folder::new();
    let who = client(&folder, None);
    let key = std::fs::read_to_string(folder.path("server.key")).unwrap();
    let users = users();
    let indented: String = key.lines().map(|line| format!("    {line}\n")).collect();
    let web_file =
        format!("tls_server_config:\n  cert_file: server.pem\n  key: |\n{indented}{users}");
    let web = "  administrators: [alice]\n";
    let mut scene = Scene::start(&folder, web, Some(&web_file)).await;
    scene.warden.expect_errors("the web configuration cannot be used");
    let mut said = String::new();
    for user in [None, ALICE, BOB, WRONG, STRANGER] {
        for path in ["/", "/metrics", "/api/v1/plan", "/api/v1/audit", "/nowhere"] {
            for method in ["GET", "POST"] {
                let answer = scene.ask(&who, method, path, user).await.unwrap();
                said.push_str(&format!("{:?}", answer.headers()));
                said.push_str(&answer.text().await.unwrap());
            }
        }
    }
    // A bad file is told, too.
    folder.write("web.yml", &format!("{web_file}nonsense: {users}"));
    eventually("it is told", SOON, || {
        (scene.warden.lines(&["the web configuration cannot be used"]) > 0).then_some(())
    });
    said.push_str(&scene.warden.log());
    let words = [ALICE, BOB].into_iter().flatten().flat_map(|(_, word)| {
        let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, word);
        [word.to_owned(), encoded]
    });
    let hashes = users.lines().filter_map(|line| line.split_once(": "));
    let hashes = hashes.map(|(_, hash)| hash[7..].to_owned());
    let lines = key.lines().filter(|line| !line.contains("PRIVATE KEY")).map(str::to_owned);
    let secrets: Vec<String> = words.chain(hashes).chain(lines).collect();
    assert!(secrets.len() >= 8, "{}", secrets.len());
    for secret in secrets {
        assert!(!said.contains(&secret), "{secret} is told");
    }
}

#[test]
fn no_secret_is_in_what_is_printed_of_it() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (folder, _) = Folder::new();
    let key = std::fs::read_to_string(folder.path("server.key")).unwrap();
    let indented: String = key.lines().map(|line| format!("    {line}\n")).collect();
    let users = users();
    let text = format!("tls_server_config:\n  cert_file: server.pem\n  key: |\n{indented}{users}");
    let settings = AccessSettings {
        config_file: Some(folder.write("web.yml", &text)),
        ..AccessSettings::default()
    };
    let (access, odd) = Access::load(&settings, Vec::new()).unwrap();
    let printed = format!("{access:?} {settings:?} {odd:?}");
    assert!(printed.contains("alice"), "{printed}");
    let lines = key.lines().filter(|line| !line.contains("PRIVATE KEY"));
    let hashes = users.lines().filter_map(|line| line.split_once("$04$").map(|(_, hash)| hash));
    let secrets: Vec<&str> = lines.chain(hashes).collect();
    assert!(secrets.len() > 3);
    for secret in secrets {
        assert!(!printed.contains(secret), "{secret} in {printed}");
    }
}
