//! One connection: TLS where that is wanted, then HTTP, until it ends or has to go.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::Watcher;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;

use super::access::{Caller, Names, Refusal};
use super::body;
use super::guests::{Guest, Leaving};
use super::routes::{Answer, App};

/// A request's head must be there in this time; a connection without a request lives as long.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// TLS must be agreed on in this time.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest head of a request.
const MAX_HEAD: usize = 16 << 10;

/// The first byte of whoever speaks TLS.
const HANDSHAKE: u8 = 22;
const NOT_TLS: &str = "TLS is spoken here; the address begins with https://\n";

/// A connection that was accepted.
pub(super) struct Connection {
    pub(super) stream: TcpStream,
    pub(super) from: SocketAddr,
    pub(super) app: Arc<App>,
    pub(super) watcher: Watcher,
    pub(super) stop: CancellationToken,
}

impl Connection {
    /// Serves it, in a task of its own.
    pub(super) fn serve(self, guest: Guest) {
        tokio::spawn(async move {
            let leaving = Leaving(guest.has_to_go.clone());
            tokio::select! {
                () = guest.has_to_go.cancelled() => {}
                () = self.talk(leaving) => {}
            }
        });
    }

    async fn talk(self, leaving: Leaving) {
        let Self { stream, from, app, watcher, stop } = self;
        let _ = stream.set_nodelay(true);
        let address = from.ip();
        let Some(config) = app.access().tls() else {
            let caller = Caller { address, names: None };
            return http(stream, caller, leaving, app, watcher).await;
        };
        let shaken = tokio::select! {
            () = stop.cancelled() => return,
            shaken = tokio::time::timeout(HANDSHAKE_TIMEOUT, shake_hands(stream, config)) => shaken,
        };
        match shaken {
            Ok(Ok(Some(stream))) => {
                let certificates = stream.get_ref().1.peer_certificates();
                let names = certificates.and_then(|all| all.first()).map(|first| Names::of(first));
                http(stream, Caller { address, names }, leaving, app, watcher).await;
            }
            Ok(Ok(None)) => {}
            Ok(Err(error)) => tracing::debug!(%error, %from, "a TLS handshake failed"),
            Err(_) => tracing::debug!(%from, "a TLS handshake took too long"),
        }
    }
}

/// `None` for whoever does not speak TLS; they are told.
async fn shake_hands(
    mut stream: TcpStream,
    config: Arc<ServerConfig>,
) -> std::io::Result<Option<TlsStream<TcpStream>>> {
    let mut first = [0];
    if stream.peek(&mut first).await? > 0 && first[0] != HANDSHAKE {
        // What is left unread were a reset that takes the answer along.
        let _ = stream.read(&mut [0; 4096]).await?;
        let answer = format!(
            "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n{NOT_TLS}",
            NOT_TLS.len()
        );
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await?;
        return Ok(None);
    }
    TlsAcceptor::from(config).accept(stream).await.map(Some)
}

async fn http(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    caller: Caller,
    leaving: Leaving,
    app: Arc<App>,
    watcher: Watcher,
) {
    let caller = Arc::new(caller);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(leaving.clone());
        let (app, caller) = (Arc::clone(&app), Arc::clone(&caller));
        async move { Ok::<_, Infallible>(answer(&app, &caller, request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "a connection ended badly");
    }
}

async fn answer(app: &App, caller: &Caller, mut request: Request<Incoming>) -> Answer {
    // From here on nobody has to know of the route prefix.
    match app.paths.stripped(request.uri()) {
        Some(uri) => *request.uri_mut() = uri,
        None => return app.dress(app.outside(request.uri().path())),
    }
    let path = request.uri().path().to_owned();
    let mut answer = match admitted(app, caller, request).await {
        Ok(answer) => answer,
        Err(refusal) => app.dress(refusal.answer(&path)),
    };
    app.access().dress(&mut answer);
    answer
}

/// The body is read of those only who may send one.
async fn admitted(
    app: &App,
    caller: &Caller,
    request: Request<Incoming>,
) -> Result<Answer, Refusal> {
    let (head, body) = request.into_parts();
    let visitor = app.access().admit(&head, caller, app.telemetry_path()).await?;
    let body = if matches!(head.method, Method::GET | Method::HEAD) {
        Bytes::new()
    } else {
        let body = body::read(body).await?;
        app.access().redeem(&visitor, &head, &body)?;
        body
    };
    Ok(app.answer(&Request::from_parts(head, body), &visitor).await)
}
