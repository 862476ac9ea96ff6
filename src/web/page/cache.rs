//! Pages that many ask for, kept until something changes.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// Ages stand in the text: it is not shown for longer than this.
const KEPT_FOR: Duration = Duration::from_secs(2);
/// So many pages of one generation are kept.
const MOST: usize = 64;

/// What was put together, and whose turn it is to put together more.
#[derive(Debug)]
pub(in crate::web) struct Pages {
    /// One page at a time; held by whoever works: one who hangs up does not free it.
    pub(super) turn: Arc<Semaphore>,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    generation: u64,
    pages: BTreeMap<String, (Instant, Body)>,
}

/// A page's bytes; at least one of the two is there.
#[derive(Clone, Debug)]
pub(super) struct Body {
    plain: Bytes,
    gzip: Option<Bytes>,
}

impl Body {
    pub(super) fn of(html: String, gzip: bool) -> Self {
        let gzip = gzip.then(|| compressed(html.as_bytes()));
        Self { plain: html.into(), gzip }
    }

    pub(super) fn bytes(&self, gzip: bool) -> Bytes {
        match &self.gzip {
            Some(packed) if gzip => packed.clone(),
            Some(_) | None => self.plain.clone(),
        }
    }
}

/// With gzip, as fast as it goes.
pub(super) fn compressed(bytes: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 8), Compression::fast());
    // Writing to a Vec cannot fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default().into()
}

impl Default for Pages {
    fn default() -> Self {
        Self { turn: Arc::new(Semaphore::new(1)), kept: Mutex::default() }
    }
}

impl Pages {
    /// A page of this generation in this encoding, if it is there and fresh.
    pub(super) fn ready(&self, generation: u64, key: &str, gzip: bool) -> Option<Bytes> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, body) = kept.pages.get(key)?;
        let is_there = kept.generation == generation && at.elapsed() < KEPT_FOR;
        (is_there && body.gzip.is_some() == gzip).then(|| body.bytes(gzip))
    }

    pub(super) fn keep(&self, generation: u64, key: String, body: &Body) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.generation != generation || kept.pages.len() >= MOST {
            kept.pages.clear();
            kept.generation = generation;
        }
        kept.pages.insert(key, (Instant::now(), body.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_page_is_kept_for_its_generation_and_not_for_long() {
        let pages = Pages::default();
        let body = Body::of("x".to_owned(), false);
        pages.keep(1, "/?".to_owned(), &body);
        assert_eq!(pages.ready(1, "/?", false).as_deref(), Some(b"x".as_slice()));
        assert_eq!(pages.ready(1, "/?", true), None, "another encoding");
        assert_eq!(pages.ready(2, "/?", false), None);
        tokio::time::advance(KEPT_FOR).await;
        assert_eq!(pages.ready(1, "/?", false), None);
        for n in 0..3 * MOST {
            pages.keep(1, n.to_string(), &body);
        }
        assert!(pages.kept.lock().unwrap().pages.len() <= MOST);
    }
}
