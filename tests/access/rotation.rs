//! Certificates, keys and users that change while the process runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::ServerName;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::certificates::{Authority, Folder, of};
use super::scene::{ALICE, BOB, SOON, Scene, client, users};
use super::support::kafka::pause;
use super::support::warden::eventually;

const TLS: &str = "tls_server_config: {cert_file: server.pem, key_file: server.key}\n";

/// The certificate that is shown to whoever comes now.
async fn shown(folder: &Folder, port: u16) -> Vec<u8> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(folder.path("ca.pem")).unwrap()).unwrap();
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
}

async fn shows(folder: &Folder, scene: &Scene, pem: &str) {
    let wanted = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
    let end = tokio::time::Instant::now() + SOON;
    while shown(folder, scene.warden.port).await != wanted.as_ref() {
        assert!(tokio::time::Instant::now() < end, "the certificate is not shown");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

fn server(authority: &Authority) -> (String, String) {
    authority.sign(&of("server", &["127.0.0.1"]))
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_changed_under_load_and_no_request_fails() {
    let (folder, authority) = Folder::new();
    let scene = Arc::new(Scene::start(&folder, "", Some(&format!("{TLS}{}", users()))).await);
    let (over, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    // Some connect anew each time, some stay.
    let kept = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([reqwest::Certificate::from_pem(authority.pem().as_bytes()).unwrap()])
        .build()
        .unwrap();
    let askers: Vec<_> = (0..8)
        .map(|number| {
            let who = if number < 4 { client(&folder, None) } else { kept.clone() };
            let (scene, over, asked) = (Arc::clone(&scene), Arc::clone(&over), Arc::clone(&asked));
            tokio::spawn(async move {
                while !over.load(Ordering::Relaxed) {
                    let request = scene.request(&who, "GET", "/metrics", ALICE);
                    let answer = request.send().await.unwrap();
                    assert_eq!(answer.status().as_u16(), 200);
                    assert!(answer.text().await.unwrap().contains("connect_warden"));
                    asked.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for round in 0..4 {
        let before = asked.load(Ordering::Relaxed);
        let (pem, key) = server(&authority);
        if round % 2 == 0 {
            // In two steps, as most do it.
            folder.write("server.pem", &pem);
            folder.write("server.key", &key);
        } else {
            // At once, by a link, as Kubernetes does it.
            let next = folder.path(&format!("round-{round}"));
            std::fs::create_dir(&next).unwrap();
            std::fs::write(next.join("server.pem"), &pem).unwrap();
            std::fs::write(next.join("server.key"), &key).unwrap();
            for name in ["server.pem", "server.key"] {
                let link = folder.path("link");
                std::os::unix::fs::symlink(next.join(name), &link).unwrap();
                std::fs::rename(&link, folder.path(name)).unwrap();
            }
        }
        shows(&folder, &scene, &pem).await;
        let (scene, asked) = (Arc::clone(&scene), Arc::clone(&asked));
        tokio::task::spawn_blocking(move || {
            eventually("requests go on", SOON, || {
                (asked.load(Ordering::Relaxed) > before + 20).then_some(())
            });
            drop(scene);
        })
        .await
        .unwrap();
        // The next round writes into plain files.
        for name in ["server.pem", "server.key"] {
            let text = std::fs::read(folder.path(name)).unwrap();
            std::fs::remove_file(folder.path(name)).unwrap();
            std::fs::write(folder.path(name), text).unwrap();
        }
    }
    over.store(true, Ordering::Relaxed);
    for asker in askers {
        asker.await.expect("no request fails");
    }
    assert!(asked.load(Ordering::Relaxed) > 80);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_pair_changes_nothing_and_is_told_once() {
    let (folder, authority) = Folder::new();
    let mut scene = Scene::start(&folder, "", Some(TLS)).await;
    scene.warden.expect_errors("the web configuration cannot be used");
    let before = std::fs::read_to_string(folder.path("server.pem")).unwrap();
    let told = || scene.warden.lines(&["level=error", "the web configuration cannot be used"]);
    let (pem, key) = server(&authority);
    folder.write("server.pem", &pem);
    eventually("the key that is missing is told", SOON, || (told() == 1).then_some(()));
    // Some more looks.
    pause(std::time::Duration::from_secs(3));
    assert_eq!(told(), 1, "{}", scene.warden.log());
    assert_eq!(scene.warden.lines(&["KeyMismatch", "web.yml: line 1"]), 1);
    shows(&folder, &scene, &before).await;
    folder.write("server.key", &key);
    shows(&folder, &scene, &pem).await;
    folder.write("server.key", "nonsense");
    eventually("the next one is told, too", SOON, || (told() == 2).then_some(()));
    shows(&folder, &scene, &pem).await;
    assert_eq!(scene.warden.end(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn users_come_and_go_without_a_restart() {
    let (folder, _) = Folder::new();
    let who = client(&folder, None);
    let all = users();
    let web = "  administrators: [alice]\n";
    let mut scene = Scene::start(&folder, web, Some(&all)).await;
    scene.warden.expect_errors("the web configuration cannot be used");
    assert_eq!(scene.status(&who, "POST", "/x", ALICE).await, Some(405));
    assert_eq!(scene.status(&who, "GET", "/", BOB).await, Some(200));
    let in_force = || scene.warden.lines(&["has changed and is in force"]);
    let bob = all.lines().find(|line| line.contains("bob")).unwrap();
    folder.write("web.yml", &format!("basic_auth_users:\n{bob}\n"));
    eventually("alice is out", SOON, || (in_force() == 1).then_some(()));
    // Though her password was right a moment ago, and though she is named as an administrator.
    assert_eq!(scene.status(&who, "GET", "/", ALICE).await, Some(401));
    assert_eq!(scene.status(&who, "GET", "/", BOB).await, Some(200));
    assert_eq!(scene.warden.lines(&["level=warn", "alice", "no user any more"]), 1);
    let other = format!("  bob: {}\n", super::scene::hash("another word"));
    folder.write("web.yml", &format!("basic_auth_users:\n{other}"));
    eventually("bob has another password", SOON, || (in_force() == 2).then_some(()));
    assert_eq!(scene.status(&who, "GET", "/", BOB).await, Some(401));
    assert_eq!(scene.status(&who, "GET", "/", Some(("bob", "another word"))).await, Some(200));
    // A file of which only the beginning was written would open the house to everybody.
    folder.write("web.yml", "");
    eventually("no users at all need a restart", SOON, || {
        (scene.warden.lines(&["has no basic_auth_users any more"]) == 1).then_some(())
    });
    assert_eq!(scene.status(&who, "GET", "/", None).await, Some(401));
    folder.write("web.yml", TLS);
    eventually("TLS needs a restart", SOON, || {
        (scene.warden.lines(&["turns TLS on or off"]) == 1).then_some(())
    });
    assert_eq!(scene.status(&who, "GET", "/", BOB).await, Some(401));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_does_not_shake_hands_is_no_burden() {
    let (folder, _) = Folder::new();
    let who = client(&folder, None);
    let scene = Scene::start(&folder, "", Some(TLS)).await;
    let mut idle = Vec::new();
    for _ in 0..600 {
        idle.push(TcpStream::connect(("127.0.0.1", scene.warden.port)).await.unwrap());
    }
    for _ in 0..10 {
        assert_eq!(scene.status(&who, "GET", "/-/healthy", None).await, Some(200));
    }
    // Those who came first had to go.
    let mut gone = 0;
    for stream in &idle {
        let _ = tokio::time::timeout(SOON, stream.readable()).await.expect("it is closed");
        if matches!(stream.try_read(&mut [0]), Ok(0) | Err(_)) {
            gone += 1;
        }
        if gone == 50 {
            break;
        }
    }
    assert_eq!(gone, 50);
    // Whoever came last has some seconds, and no more.
    let last = idle.last().unwrap();
    let _ = tokio::time::timeout(SOON, last.readable()).await.expect("it is closed, too");
    assert!(matches!(last.try_read(&mut [0]), Ok(0) | Err(_)));
    assert_eq!(scene.warden.end(), Some(0));
}
