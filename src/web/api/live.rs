//! `/api/v1/live`: server-sent events, one whenever what is told of a cluster changed.
//!
//! `event: hello` with `{"clusters": {NAME: GENERATION, ...}}` comes first, and again to who could not
//! follow; then `{"cluster": NAME, "generation": N}` for each change. A generation that is greater
//! than what a page was made from says that the page is old.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::header::{CACHE_CONTROL, HeaderValue, RETRY_AFTER};
use hyper::{Method, Request, StatusCode};
use serde_json::json;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::metrics::{Change, Exporter};

use super::super::content::Content;
use super::super::guests::Leaving;
use super::super::routes::{Answer, App, reply};
use super::problem::Problem;

/// A sign of life for proxies, and for who listens.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Changes that are closer together than this come together.
const TOGETHER: Duration = Duration::from_millis(200);
/// Who takes nothing for so long is not there.
const PATIENCE: Duration = Duration::from_secs(30);
/// So long the last bytes may take when the process ends.
const FAREWELL: Duration = Duration::from_secs(1);
/// A browser that lost the connection comes back after so many milliseconds.
const RETRY: u64 = 2000;

pub(super) fn live<B>(app: &App, request: &Request<B>) -> Answer {
    if request.method() == Method::HEAD {
        return stream(Content::from(""));
    }
    let Ok(place) = Arc::clone(&app.api.streams).try_acquire_owned() else {
        let mut answer = Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "as many live streams are open as this process takes (nearly all of \
             --web.max-connections); ask for what you need now and then instead",
        )
        .answer();
        answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("15"));
        return answer;
    };
    let (sender, coming) = mpsc::channel(1);
    let leaving = request.extensions().get::<Leaving>().map(|leaving| leaving.0.clone());
    let telling = Telling {
        exporter: Arc::clone(&app.exporter),
        sender,
        leaving: leaving.unwrap_or_default(),
        stop: app.api.stop.clone(),
        _place: place,
    };
    tokio::spawn(telling.run());
    stream(Content::Stream(coming))
}

fn stream(content: Content) -> Answer {
    let mut answer = reply(StatusCode::OK, "text/event-stream", content);
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // nginx would keep it until there is more of it.
    answer.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    answer
}

/// One who is told.
struct Telling {
    exporter: Arc<Exporter>,
    sender: mpsc::Sender<Bytes>,
    leaving: CancellationToken,
    stop: CancellationToken,
    _place: OwnedSemaphorePermit,
}

impl Telling {
    async fn run(self) {
        let (told, mut changes) = self.exporter.changes();
        let mut next = format!("retry: {RETRY}\n{}", hello(&told));
        loop {
            let sent = timeout(PATIENCE, self.sender.send(next.into()));
            tokio::select! {
                () = self.stop.cancelled() => break,
                sent = sent => match sent {
                    Ok(Ok(())) => {}
                    Ok(Err(_)) => return,
                    Err(_) => return self.leaving.cancel(),
                },
            }
            tokio::select! {
                () = self.stop.cancelled() => break,
                () = self.sender.closed() => return,
                text = self.next(&mut changes) => match text {
                    Some(text) => next = text,
                    None => break,
                },
            }
        }
        self.farewell().await;
    }

    /// What is to be said next; `None`: nothing ever.
    async fn next(&self, changes: &mut Receiver<Change>) -> Option<String> {
        let first = match timeout(HEARTBEAT, changes.recv()).await {
            Err(_) => return Some(": still here\n\n".to_owned()),
            Ok(first) => first,
        };
        sleep(TOGETHER).await;
        match first {
            Ok(first) => Some(gathered(first, changes).unwrap_or_else(|| self.again(changes))),
            Err(RecvError::Lagged(_)) => Some(self.again(changes)),
            Err(RecvError::Closed) => None,
        }
    }

    fn again(&self, changes: &mut Receiver<Change>) -> String {
        let (told, from_now) = self.exporter.changes();
        *changes = from_now;
        hello(&told)
    }

    /// The end of the body is there for who reads; who does not must not hold up the end.
    async fn farewell(self) {
        let Self { sender, leaving, .. } = self;
        let body_is_gone = timeout(FAREWELL, async {
            let permit = sender.reserve().await;
            drop(permit);
        });
        if body_is_gone.await.is_err() {
            leaving.cancel();
        }
    }
}

/// The first change and all that came since, each cluster once; `None`: some are missed.
fn gathered(first: Change, changes: &mut Receiver<Change>) -> Option<String> {
    let mut all = BTreeMap::from([(first.cluster, first.generation)]);
    loop {
        match changes.try_recv() {
            Ok(change) => {
                all.insert(change.cluster, change.generation);
            }
            Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            Err(TryRecvError::Lagged(_)) => return None,
        }
    }
    let mut text = String::new();
    for (cluster, generation) in all {
        let data = json!({ "cluster": cluster, "generation": generation });
        let _ = write!(text, "data: {data}\n\n");
    }
    Some(text)
}

fn hello(told: &BTreeMap<Arc<str>, u64>) -> String {
    format!("event: hello\ndata: {}\n\n", json!({ "clusters": told }))
}

#[cfg(test)]
mod tests {
    use hyper::body::Body as _;

    use super::super::tests::app;
    use super::*;

    async fn said(content: &mut Content) -> Option<String> {
        let mut content = std::pin::Pin::new(content);
        let frame = std::future::poll_fn(|context| content.as_mut().poll_frame(context)).await?;
        Some(String::from_utf8(frame.unwrap().into_data().unwrap().to_vec()).unwrap())
    }

    fn open(app: &App, leaving: &CancellationToken) -> Answer {
        let mut request = Request::new(());
        request.extensions_mut().insert(Leaving(leaving.clone()));
        live(app, &request)
    }

    #[tokio::test(start_paused = true)]
    async fn changes_come_together_and_a_sign_of_life_where_there_are_none() {
        let app = app(4);
        let leaving = CancellationToken::new();
        app.exporter.touch(&"a".into());
        let mut body = open(&app, &leaving).into_body();
        let first = said(&mut body).await.unwrap();
        assert!(
            first.starts_with("retry: 2000\nevent: hello\ndata: {\"clusters\":{\"a\":"),
            "{first}"
        );
        assert_eq!(said(&mut body).await.unwrap(), ": still here\n\n");
        for cluster in ["a", "b\n", "a"] {
            app.exporter.touch(&cluster.into());
        }
        let told = app.exporter.generations();
        let wanted = format!(
            "data: {{\"cluster\":\"a\",\"generation\":{}}}\n\ndata: {{\"cluster\":\"b\\n\",\"generation\":{}}}\n\n",
            told["a"], told["b\n"]
        );
        assert_eq!(said(&mut body).await.unwrap(), wanted);
        for _ in 0..2000 {
            app.exporter.touch(&"a".into());
        }
        let again = said(&mut body).await.unwrap();
        assert!(
            again.starts_with("event: hello\n"),
            "who missed some is told where all are: {again}"
        );
        assert!(!leaving.is_cancelled());
    }

    #[tokio::test(start_paused = true)]
    async fn streams_are_bounded_and_end_with_their_readers() {
        let app = app(2);
        let leaving = CancellationToken::new();
        let [first, second] = [open(&app, &leaving), open(&app, &leaving)];
        assert_eq!(
            (first.status(), second.status()),
            (StatusCode::OK, StatusCode::SERVICE_UNAVAILABLE),
            "one connection of two is left to others"
        );
        drop(first);
        while app.api.streams.available_permits() == 0 {
            sleep(Duration::from_millis(1)).await;
        }
        // This one is not read.
        let _unread = open(&app, &leaving);
        leaving.cancelled().await;
        while app.api.streams.available_permits() == 0 {
            sleep(Duration::from_millis(1)).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_end_of_the_process_ends_them() {
        let app = app(4);
        let leaving = [CancellationToken::new(), CancellationToken::new()];
        let (mut read, _unread) = (open(&app, &leaving[0]).into_body(), open(&app, &leaving[1]));
        said(&mut read).await.unwrap();
        sleep(TOGETHER).await;
        app.api.stop.cancel();
        assert_eq!(said(&mut read).await, None);
        leaving[1].cancelled().await;
        assert!(!leaving[0].is_cancelled());
    }
}
