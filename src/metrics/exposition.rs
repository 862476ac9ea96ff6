//! A whole exposition as pieces of what was rendered: shared, not copied, and sent as they are.

use std::convert::Infallible;
use std::io::Write as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::body::{Body, Frame, SizeHint};

/// Shorter pieces are copied together: each piece costs a system call or a part of one.
const SHARED_FROM: usize = 16 << 10;
/// Longer pieces are sent in parts, so that one reader does not keep others waiting.
const SENT_AT_ONCE: usize = 512 << 10;

/// The bytes of an answer to a scrape; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Exposition {
    pieces: Arc<[Bytes]>,
    next: usize,
    /// Others have had their turn since the last piece.
    waited: bool,
    /// What is left to be sent.
    left: u64,
}

impl Exposition {
    fn new(pieces: Vec<Bytes>) -> Self {
        let left = pieces.iter().map(|piece| piece.len() as u64).sum();
        Self { pieces: pieces.into(), next: 0, waited: true, left }
    }

    /// The same with gzip.
    pub(crate) fn compressed(&self) -> Self {
        let size = usize::try_from(self.left).unwrap_or_default() / 16;
        let mut encoder = GzEncoder::new(Vec::with_capacity(size), Compression::fast());
        for piece in &*self.pieces {
            // Writing to a Vec cannot fail.
            let _ = encoder.write_all(piece);
        }
        encoder.finish().unwrap_or_default().into()
    }
}

impl<B: Into<Bytes>> From<B> for Exposition {
    fn from(bytes: B) -> Self {
        Self::new(vec![bytes.into()])
    }
}

impl Body for Exposition {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if !self.waited {
            self.waited = true;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let piece = self.pieces.get(self.next).cloned();
        self.next += 1;
        self.waited = false;
        self.left -= piece.as_ref().map_or(0, |piece| piece.len() as u64);
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

/// Puts an exposition together.
#[derive(Debug, Default)]
pub(super) struct Writer {
    pieces: Vec<Bytes>,
    copied: BytesMut,
}

impl Writer {
    pub(super) fn write(&mut self, bytes: &[u8]) {
        self.copied.extend_from_slice(bytes);
    }

    pub(super) fn share(&mut self, mut bytes: Bytes) {
        if bytes.len() < SHARED_FROM {
            return self.write(&bytes);
        }
        self.flush();
        while bytes.len() > SENT_AT_ONCE {
            self.pieces.push(bytes.split_to(SENT_AT_ONCE));
        }
        self.pieces.push(bytes);
    }

    fn flush(&mut self) {
        if !self.copied.is_empty() {
            self.pieces.push(self.copied.split().freeze());
        }
    }

    pub(super) fn finish(mut self) -> Exposition {
        self.flush();
        Exposition::new(self.pieces)
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn pieces_come_whole_and_in_order() {
        let long = Bytes::from(vec![b'x'; SENT_AT_ONCE + 1]);
        let mut writer = Writer::default();
        writer.write(b"a");
        writer.share(Bytes::from_static(b"b"));
        writer.share(long.clone());
        writer.write(b"c");
        let exposition = writer.finish();
        assert_eq!(exposition.size_hint().exact(), Some(long.len() as u64 + 3));
        let bytes = exposition.clone().collect().await.unwrap().to_bytes();
        assert_eq!(bytes, [b"ab", &long[..], b"c"].concat());
        let mut plain = Vec::new();
        let packed = exposition.compressed().collect().await.unwrap().to_bytes();
        std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&*packed), &mut plain)
            .unwrap();
        assert_eq!(plain, bytes);
    }
}
