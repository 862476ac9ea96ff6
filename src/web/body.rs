//! The bodies of requests: bounded in length and in time.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::StatusCode;
use hyper::body::Body;

use super::access::Refusal;

/// The longest body that is read.
const MOST: usize = 1 << 20;
/// It must be there in this time.
const TIME: Duration = Duration::from_secs(30);

/// The whole body.
pub(super) async fn read<B>(body: B) -> Result<Bytes, Refusal>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    read_within(TIME, body).await
}

async fn read_within<B>(time: Duration, body: B) -> Result<Bytes, Refusal>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let too_long = || {
        let detail = format!("the body is longer than {MOST} bytes");
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
    };
    // What says that it is too long is not read at all.
    if body.size_hint().lower() > MOST as u64 {
        return Err(too_long());
    }
    match tokio::time::timeout(time, Limited::new(body, MOST).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_long()),
        Ok(Err(_)) => {
            Err(Refusal::new(StatusCode::BAD_REQUEST, "the body broke off before its end"))
        }
        Err(_) => {
            let detail = format!("the body was not there within {} s", time.as_secs());
            Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, detail))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use http_body_util::{Full, StreamBody};
    use hyper::body::Frame;

    use super::super::access::Refusal;
    use super::*;

    fn status(read: Result<Bytes, Refusal>) -> StatusCode {
        read.unwrap_err().answer("/").status()
    }

    /// As many frames of a tenth of the most.
    fn frames(count: usize) -> impl Body<Data = Bytes, Error = Infallible> {
        let frame = || Ok(Frame::data(Bytes::from(vec![b'x'; MOST / 10])));
        StreamBody::new(futures_util::stream::iter((0..count).map(move |_| frame())))
    }

    struct Never;

    impl Body for Never {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Pending
        }
    }

    #[tokio::test]
    async fn a_body_is_bounded_in_length() {
        assert_eq!(read(Full::from("some")).await.unwrap(), "some");
        assert_eq!(read(Full::from(vec![0; MOST])).await.unwrap().len(), MOST);
        let told = read(Full::from(vec![0; MOST + 1])).await;
        assert_eq!(status(told), StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(read(frames(10)).await.unwrap().len(), MOST / 10 * 10);
        assert_eq!(status(read(frames(11)).await), StatusCode::PAYLOAD_TOO_LARGE);
    }

    #[tokio::test]
    async fn a_body_is_bounded_in_time() {
        let read = read_within(Duration::from_millis(1), Never);
        assert_eq!(status(read.await), StatusCode::REQUEST_TIMEOUT);
    }
}
