//! The sockets of the workers, and what faults do to the bytes.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, LOCATION};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::cluster::Shared;
use super::fault::Fault;
use super::routes::{self, Reply};

/// The longest body that is taken.
const MAX_BODY: usize = 1 << 20;
/// Longer than any client waits.
const FOR_EVER: Duration = Duration::from_secs(3600);

/// Serves one worker until `stop`; its connections end with it.
pub(super) async fn serve(
    listener: TcpListener,
    shared: Arc<Shared>,
    worker: usize,
    stop: CancellationToken,
) {
    loop {
        let stream = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(_) => continue,
            },
        };
        let shared = Arc::clone(&shared);
        let stop = stop.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = connection(stream, shared, worker) => {}
            }
        });
    }
}

async fn connection(mut stream: TcpStream, shared: Arc<Shared>, worker: usize) {
    let raw: &[u8] = match shared.fault(worker) {
        Some(Fault::Reset) => return,
        Some(Fault::Garbage) => b"\x00\xffnot HTTP\r\n\r\n",
        Some(Fault::HalfAnswer) => {
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{\"a\":"
        }
        Some(Fault::Drip) => {
            let mut head = [0; 1024];
            let _ = stream.read(&mut head).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n").await;
            while stream.write_all(b"[").await.is_ok() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            return;
        }
        Some(
            Fault::Latency(_)
            | Fault::Hang
            | Fault::Starting
            | Fault::ReadingTopics
            | Fault::Status(..)
            | Fault::Redirect(_)
            | Fault::Flood(_)
            | Fault::Body(_),
        )
        | None => b"",
    };
    if !raw.is_empty() {
        let mut head = [0; 1024];
        let _ = stream.read(&mut head).await;
        let _ = stream.write_all(raw).await;
        return;
    }
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { Ok::<_, std::convert::Infallible>(answer(request, &shared, worker).await) }
    });
    // Without keep-alive a fault holds from the next request on.
    let connection =
        http1::Builder::new().keep_alive(false).serve_connection(TokioIo::new(stream), service);
    let _ = connection.await;
}

async fn answer(
    request: Request<Incoming>,
    shared: &Shared,
    worker: usize,
) -> Response<Full<Bytes>> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let body = match Limited::new(body, MAX_BODY).collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => Bytes::new(),
    };
    let line = format!("{} {}", parts.method, parts.uri);
    let fault = shared.fault(worker);
    let authorization = parts.headers.get(AUTHORIZATION).map(HeaderValue::as_bytes);
    let reply = match fault {
        // Text under a JSON content type, as the extension for basic authentication has it.
        _ if !shared.lets_in(authorization) => {
            Reply { status: 401, html: false, body: "User cannot access the resource.".into() }
        }
        Some(Fault::Hang) => {
            tokio::time::sleep(FOR_EVER).await;
            routes::starting()
        }
        Some(Fault::Starting) => routes::starting(),
        Some(Fault::ReadingTopics) => routes::reading_topics(&path),
        Some(Fault::Status(status, text)) => Reply { status, html: false, body: text.into() },
        Some(Fault::Redirect(to)) => {
            let mut response = Response::new(Full::default());
            *response.status_mut() = StatusCode::FOUND;
            if let Ok(to) = HeaderValue::from_str(&to) {
                response.headers_mut().insert(LOCATION, to);
            }
            return response;
        }
        Some(Fault::Flood(bytes)) => {
            Reply { status: 200, html: false, body: vec![b'['; bytes].into() }
        }
        Some(Fault::Body(body)) => Reply { status: 200, html: false, body: body.into() },
        Some(Fault::Latency(delay)) => {
            tokio::time::sleep(delay).await;
            shared.answer(worker, line, parts.method.as_str(), &path, &query, &body).await
        }
        Some(Fault::Reset | Fault::HalfAnswer | Fault::Garbage | Fault::Drip) | None => {
            shared.answer(worker, line, parts.method.as_str(), &path, &query, &body).await
        }
    };
    let mut response = Response::new(Full::new(reply.body));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::OK);
    let content_type = if reply.html { "text/html;charset=iso-8859-1" } else { "application/json" };
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
