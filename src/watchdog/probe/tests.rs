use std::net::{Ipv4Addr, TcpListener as StdListener};
use std::sync::Arc;
use std::time::Duration;

use rcgen::generate_simple_self_signed;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, version};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::*;

const HERE: &str = "127.0.0.1";
const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(200);

async fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

/// A prober for this one, and the target's name.
fn prober(host: &str, port: u16, tls: bool, timeout: Duration) -> (Prober, String) {
    let target = Target { host: host.to_owned(), port, tls };
    (Prober::new(vec![target], timeout), format!("{host}:{port}"))
}

fn count(prober: &Prober, reach: Reach) -> u64 {
    let counts = prober.counts();
    let all = Reach::ALL.iter().zip(counts.targets[0].results);
    all.filter(|(each, _)| **each == reach).map(|(_, count)| count).sum()
}

/// A server's side of TLS; `shy` ends the handshake of a client without a certificate.
fn acceptor(shy: bool) -> TlsAcceptor {
    let of_server = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(of_server.signing_key.serialize_der());
    let chain = vec![of_server.cert.der().clone()];
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder = if shy {
        let mut roots = RootCertStore::empty();
        roots.add(chain[0].clone()).unwrap();
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
        // Only in 1.2 is the certificate wanted before the client is done.
        builder
            .with_protocol_versions(&[&version::TLS12])
            .unwrap()
            .with_client_cert_verifier(verifier)
    } else {
        builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth()
    };
    let config = builder.with_single_cert(chain, PrivateKeyDer::Pkcs8(key)).unwrap();
    TlsAcceptor::from(Arc::new(config))
}

#[tokio::test]
async fn what_listens_is_reachable_and_sees_a_polite_end_without_a_byte() {
    let (listener, port) = listener().await;
    let (prober, target) = prober(HERE, port, false, LONG);
    let server = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"220 a greeting, as databases give it\n").await.unwrap();
        let mut said = Vec::new();
        let end = stream.read_to_end(&mut said).await;
        drop(stream);
        (end.unwrap(), said)
    };
    let (probed, (read, _)) = tokio::join!(prober.probe(&target), server);
    let probed = probed.unwrap();
    assert_eq!((probed.reach, read), (Reach::Reachable, 0));
    assert_eq!(probed.said, format!("{HERE}:{port} takes connections"));
    assert_eq!(count(&prober, Reach::Reachable), 1);
    let last = prober.counts().targets[0].last.unwrap();
    assert!(last.0 == Reach::Reachable && last.1 <= LONG);
}

#[tokio::test]
async fn what_does_not_listen_refuses() {
    let (listener, port) = listener().await;
    drop(listener);
    let (prober, target) = prober(HERE, port, true, LONG);
    assert_eq!(prober.counts().targets[0].results, [0; 6], "known in advance");
    let probed = prober.probe(&target).await.unwrap();
    assert_eq!(probed.said, format!("{HERE}:{port} refuses connections"));
    assert_eq!((probed.reach, count(&prober, Reach::Refused)), (Reach::Refused, 1));
}

#[tokio::test]
async fn what_swallows_everything_costs_the_time_out_and_no_more() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    // Two fill a queue of one; the kernel then drops who knocks.
    let _first = TcpStream::connect(address).await.unwrap();
    let _second = TcpStream::connect(address).await.unwrap();
    let (prober, target) = prober(HERE, address.port(), false, SHORT);
    let probed = prober.probe(&target).await.unwrap();
    assert_eq!(probed.reach, Reach::TimedOut, "{}", probed.said);
    assert_eq!(count(&prober, Reach::TimedOut), 1);
}

/// A part of a name has at most 63 characters: no server is asked for one that is longer.
#[tokio::test]
async fn a_name_without_an_address_is_said() {
    let name = format!("{}.invalid", "n".repeat(64));
    let (prober, target) = prober(&name, 5432, false, LONG);
    let probed = prober.probe(&target).await.unwrap();
    assert_eq!(probed.reach, Reach::NotResolved, "{}", probed.said);
    let said = format!("{name}:5432 cannot be resolved: ");
    assert!(probed.said.starts_with(&said), "{}", probed.said);
}

#[tokio::test]
async fn a_name_is_resolved() {
    let (listener, port) = listener().await;
    let (prober, target) = prober("LocalHost.", port, false, LONG);
    let (probed, accepted) = tokio::join!(prober.probe(&target), listener.accept());
    accepted.unwrap();
    assert_eq!(probed.unwrap().said, format!("localhost:{port} takes connections"));
}

#[tokio::test]
async fn who_speaks_tls_is_back_whoever_signed_it() {
    let (listener, port) = listener().await;
    let (prober, target) = prober(HERE, port, true, LONG);
    let server = async {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = acceptor(false).accept(stream).await.unwrap();
        // An end without the client's goodbye would be an error here.
        stream.read(&mut [0; 16]).await
    };
    let (probed, read) = tokio::join!(prober.probe(&target), server);
    assert_eq!((probed.unwrap().reach, read.unwrap()), (Reach::Reachable, 0));
}

#[tokio::test]
async fn who_answers_with_an_alert_speaks_tls() {
    let (listener, port) = listener().await;
    let (prober, target) = prober(HERE, port, true, LONG);
    let server = async {
        let (stream, _) = listener.accept().await.unwrap();
        acceptor(true).accept(stream).await.map(drop)
    };
    let (probed, refused) = tokio::join!(prober.probe(&target), server);
    assert!(refused.is_err());
    let probed = probed.unwrap();
    assert_eq!(probed.reach, Reach::Reachable, "{}", probed.said);
}

#[tokio::test]
async fn a_port_without_tls_is_not_back_where_tls_is_wanted() {
    for answer in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b""] {
        let (listener, port) = listener().await;
        let (prober, target) = prober(HERE, port, true, LONG);
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let hello = stream.read(&mut [0; 4096]).await.unwrap();
            stream.write_all(answer).await.unwrap();
            hello
        };
        let (probed, hello) = tokio::join!(prober.probe(&target), server);
        let probed = probed.unwrap();
        assert!(hello > 0);
        assert_eq!(probed.reach, Reach::TlsFailed, "{}", probed.said);
    }
}

#[tokio::test]
async fn to_what_is_not_listed_nothing_is_sent() {
    let listener = StdListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let other = port.checked_add(1).unwrap_or(1024);
    let (prober, _) = prober(HERE, other, false, LONG);
    let long = "x".repeat(5000);
    // The second has the same address, by resolving.
    for target in
        [&format!("{HERE}:{port}"), &format!("localhost:{port}"), "localhost", "", ":", &long]
    {
        let error = prober.probe(target).await.unwrap_err();
        assert!(matches!(&error, ProbeError::NotAllowed(name) if name.len() < 300), "{error}");
    }
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    assert_eq!(prober.counts().targets[0].results, [0; 6]);
}

#[tokio::test]
async fn one_at_a_time_goes_to_a_host_and_who_gives_up_leaves_nothing_behind() {
    let (listener, port) = listener().await;
    let (_other_listener, other_port) = self::listener().await;
    let targets = [(port, true), (other_port, false)];
    let targets = targets.map(|(port, tls)| Target { host: HERE.to_owned(), port, tls });
    let prober = Prober::new(targets.to_vec(), LONG);
    let (target, other) = (format!("{HERE}:{port}"), format!("{HERE}:{other_port}"));
    for _ in 0..2 {
        // Nobody answers its handshake, so that it stays under way.
        let mut first = Box::pin(prober.probe(&target));
        let accepted = tokio::select! {
            probed = &mut first => panic!("{probed:?}"),
            accepted = listener.accept() => accepted,
        };
        let (mut stream, _) = accepted.unwrap();
        for target in [&target, &other] {
            let error = prober.probe(target).await.unwrap_err();
            assert_eq!(error, ProbeError::UnderWay(HERE.into()));
        }
        drop(first);
        let mut hello = Vec::new();
        stream.read_to_end(&mut hello).await.unwrap();
    }
    assert_eq!(prober.probe(&other).await.unwrap().reach, Reach::Reachable);
    let counts = prober.counts();
    assert_eq!(counts.targets.iter().flat_map(|target| target.results).sum::<u64>(), 1);
}

#[test]
fn a_target_is_found_by_what_traces_say() {
    let target = |host: &str, port| Target { host: host.to_owned(), port, tls: false };
    let prober = Prober::new(
        vec![target("DB.example", 5432), target("two", 1), target("two", 2), target("[::1]", 3)],
        LONG,
    );
    for (named, found) in [
        ("db.example:5432", Some("db.example:5432")),
        ("Db.Example.:5432", Some("db.example:5432")),
        ("db.example", None),
        ("db.example:5433", None),
        ("two:2", Some("two:2")),
        ("[::1]:3", Some("[::1]:3")),
        ("::1", None),
        ("::1:3", None),
        ("db.example:99999", None),
        ("evil.example", None),
    ] {
        assert_eq!(prober.known(named).map(|known| &*known.name), found, "{named}");
    }
}
