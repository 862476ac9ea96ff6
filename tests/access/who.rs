//! Each route by each role: with and without passwords and certificates, good and bad.

use reqwest::Client;

use super::certificates::{Authority, Folder, expired, of};
use super::scene::{ALICE, BOB, STRANGER, Scene, WRONG, client, pair, users};

/// What can be asked for.
const ROUTES: [(&str, &str); 15] = [
    ("GET", "/metrics"),
    ("HEAD", "/metrics"),
    ("GET", "/-/healthy"),
    ("GET", "/health/other"),
    ("GET", "/health/other/worker/x"),
    ("GET", "/"),
    ("GET", "/api/v1/plan"),
    ("GET", "/api/v1/audit"),
    ("GET", "/api/v1/session"),
    ("GET", "/nowhere"),
    ("GET", "/login"),
    ("POST", "/metrics"),
    ("POST", "/"),
    ("POST", "/api/v1/nowhere"),
    ("DELETE", "/nowhere"),
];

/// Asks each route, and compares the statuses.
async fn asks(scene: &Scene, who: &Client, user: Option<(&str, &str)>, wanted: [u16; 15]) {
    for ((method, path), wanted) in ROUTES.into_iter().zip(wanted) {
        let answer = scene.ask(who, method, path, user).await.unwrap();
        let status = answer.status().as_u16();
        assert_eq!(status, wanted, "{method} {path} by {user:?}");
        let headers = answer.headers().clone();
        let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap());
        let asks_for = header("www-authenticate");
        assert_eq!(asks_for.is_some(), status == 401, "{method} {path}: {asks_for:?}");
        assert_eq!(header("x-content-type-options"), Some("nosniff"), "{method} {path}");
        assert!(header("content-security-policy").is_some(), "{method} {path}");
        if method != "HEAD" && [401, 403, 405].contains(&status) {
            let problem = path.starts_with("/api/");
            let kind = if problem { "application/problem+json" } else { "text/plain" };
            assert!(header("content-type").unwrap().starts_with(kind), "{method} {path}");
            let body = answer.text().await.unwrap();
            assert_eq!(body.contains(&format!("\"status\": {status}")), problem, "{body}");
        }
    }
}

/// An administrator passes everything: 405 and 404 say that there is nothing to change there.
const ADMINISTRATOR: [u16; 15] =
    [200, 200, 200, 404, 404, 200, 200, 200, 200, 404, 303, 405, 405, 404, 405];
const READER: [u16; 15] =
    [200, 200, 200, 404, 404, 200, 200, 200, 200, 404, 303, 405, 405, 403, 403];
/// 405 is told to everybody: it says what a route is and nothing else.
const REFUSED: [u16; 15] =
    [401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 405, 405, 401, 401];
const OPEN_TO_READ: [u16; 15] =
    [200, 200, 200, 404, 404, 200, 200, 200, 200, 404, 401, 405, 405, 401, 401];
const OPEN_TO_WATCH: [u16; 15] =
    [200, 200, 200, 404, 404, 401, 401, 401, 401, 401, 401, 405, 405, 401, 401];
/// Nobody can log in.
const WITHOUT_USERS: [u16; 15] =
    [200, 200, 200, 404, 404, 200, 200, 200, 200, 404, 403, 405, 405, 403, 403];

#[tokio::test(flavor = "multi_thread")]
async fn without_a_web_configuration_everybody_reads_and_nobody_changes_anything() {
    let (folder, _) = Folder::new();
    let who = client(&folder, None);
    for web_file in [None, Some("")] {
        let scene = Scene::start(&folder, "", web_file).await;
        asks(&scene, &who, None, WITHOUT_USERS).await;
        asks(&scene, &who, ALICE, WITHOUT_USERS).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_route_by_each_user() {
    let (folder, _) = Folder::new();
    let who = client(&folder, None);
    for (anonymous, nobody) in [
        ("", REFUSED),
        ("  anonymous: nothing\n", REFUSED),
        ("  anonymous: metrics\n", OPEN_TO_WATCH),
        ("  anonymous: read\n", OPEN_TO_READ),
    ] {
        let web = format!("  administrators: [alice]\n{anonymous}");
        let scene = Scene::start(&folder, &web, Some(&users())).await;
        asks(&scene, &who, None, nobody).await;
        asks(&scene, &who, ALICE, ADMINISTRATOR).await;
        asks(&scene, &who, BOB, READER).await;
        // Also where it is open: whoever says who they are is not taken for nobody.
        for user in [WRONG, STRANGER] {
            let answer = scene.ask(&who, "GET", "/metrics", user).await.unwrap();
            assert_eq!(answer.status().as_u16(), 401, "{user:?}");
            assert!(answer.text().await.unwrap().contains("the user or the password is wrong"));
            assert_eq!(scene.status(&who, "POST", "/x", user).await, Some(401));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_file_of_exporter_toolkit_makes_readers() {
    let (folder, _) = Folder::new();
    let who = client(&folder, None);
    let scene = Scene::start(&folder, "", Some(&users())).await;
    asks(&scene, &who, None, REFUSED).await;
    asks(&scene, &who, ALICE, READER).await;
}

const VERIFIED: &str = "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n  client_ca_file: ca.pem\n  client_auth_type: ";

#[tokio::test(flavor = "multi_thread")]
async fn each_route_by_each_certificate() {
    let (folder, authority) = Folder::new();
    let others = Authority::new("authority");
    let reader = authority.sign(&of("bob", &["bob.example.org"]));
    let by_other_name = authority.sign(&of("somebody", &["ops.example.com", "10.1.2.3"]));
    let administrator = pair(&folder, "client");
    let bad = [
        authority.sign(&expired(of("ops-client", &["ops.example.org"]))),
        others.sign(&of("ops-client", &["ops.example.org"])),
        pair(&folder, "own"),
    ];
    let web = "  administrators: ['cn=ops-client', 'san=10.1.2.3']\n";
    for (policy, nobody) in
        [("VerifyClientCertIfGiven", Some(WITHOUT_USERS)), ("RequireAndVerifyClientCert", None)]
    {
        let scene = Scene::start(&folder, web, Some(&format!("{VERIFIED}{policy}\n"))).await;
        asks(&scene, &client(&folder, Some(&administrator)), None, ADMINISTRATOR).await;
        asks(&scene, &client(&folder, Some(&by_other_name)), None, ADMINISTRATOR).await;
        asks(&scene, &client(&folder, Some(&reader)), None, READER).await;
        for bad in &bad {
            let who = client(&folder, Some(bad));
            assert_eq!(scene.status(&who, "GET", "/metrics", None).await, None, "{policy}");
        }
        let who = client(&folder, None);
        match nobody {
            Some(nobody) => asks(&scene, &who, None, nobody).await,
            None => assert_eq!(scene.status(&who, "GET", "/metrics", None).await, None),
        }
        let plain = client(&folder, None);
        let url = format!("http://127.0.0.1:{}/metrics", scene.warden.port);
        let answer = plain.get(url).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 400);
        assert!(answer.text().await.unwrap().contains("https://"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_beside_users_counts_where_it_is_named() {
    let (folder, authority) = Folder::new();
    let web_file = format!("{VERIFIED}VerifyClientCertIfGiven\n{}", users());
    let web = "  administrators: [alice, 'cn=ops-client']\n";
    let scene = Scene::start(&folder, web, Some(&web_file)).await;
    let named = client(&folder, Some(&pair(&folder, "client")));
    // That its name is a user's makes it none.
    let other = client(&folder, Some(&authority.sign(&of("alice", &["alice"]))));
    asks(&scene, &named, None, ADMINISTRATOR).await;
    asks(&scene, &named, BOB, READER).await;
    asks(&scene, &other, None, REFUSED).await;
    asks(&scene, &other, ALICE, ADMINISTRATOR).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_certificate_lets_in_and_says_nothing() {
    let (folder, authority) = Folder::new();
    let own = client(&folder, Some(&pair(&folder, "own")));
    let expired = client(&folder, Some(&authority.sign(&expired(of("ops-client", &["a"])))));
    let none = client(&folder, None);
    for (policy, without) in [("RequestClientCert", Some(200)), ("RequireAnyClientCert", None)] {
        let web_file = format!("{VERIFIED}{policy}\n");
        let scene = Scene::start(&folder, "", Some(&web_file)).await;
        for who in [&own, &expired] {
            asks(&scene, who, None, WITHOUT_USERS).await;
        }
        assert_eq!(scene.status(&none, "GET", "/", None).await, without, "{policy}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_is_its_own_authority_and_the_names_it_must_have() {
    let (folder, _) = Folder::new();
    let own = client(&folder, Some(&pair(&folder, "own")));
    let of_ca = client(&folder, Some(&pair(&folder, "client")));
    let own_ca = VERIFIED.replace("ca.pem", "own.pem");
    for (names, wanted) in [
        ("", Some(200)),
        ("  client_allowed_sans: [one, test3, two]\n", Some(200)),
        ("  client_allowed_sans: [bad]\n", None),
        ("  client_allowed_sans: []\n", None),
    ] {
        let web_file = format!("{own_ca}RequireAndVerifyClientCert\n{names}");
        let scene = Scene::start(&folder, "", Some(&web_file)).await;
        assert_eq!(scene.status(&own, "GET", "/", None).await, wanted, "{names}");
        assert_eq!(scene.status(&of_ca, "GET", "/", None).await, None, "{names}");
    }
    // Names that are allowed prove nothing where any certificate will do, and still must be there.
    let web_file = format!("{VERIFIED}RequireAnyClientCert\n  client_allowed_sans: [test3]\n");
    let scene = Scene::start(&folder, "", Some(&web_file)).await;
    assert_eq!(scene.status(&own, "GET", "/", None).await, Some(200));
    assert_eq!(scene.status(&of_ca, "GET", "/", None).await, None);
}
