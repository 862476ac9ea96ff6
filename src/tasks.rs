//! The tasks that live as long as the process. A panic in one of them is the end of the process, and
//! never silence: what it did nobody does from then on.

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::Arc;

use futures_util::FutureExt as _;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

/// Starts tasks, and can wait for them. Clones start tasks of the same crowd.
#[derive(Clone, Debug)]
pub struct Tasks {
    tracker: TaskTracker,
    panicked: mpsc::UnboundedSender<Arc<str>>,
}

/// Tells of tasks that panicked.
#[derive(Debug)]
pub struct Panics(mpsc::UnboundedReceiver<Arc<str>>);

impl Tasks {
    /// Without any task yet.
    pub fn new() -> (Self, Panics) {
        let (panicked, panics) = mpsc::unbounded_channel();
        (Self { tracker: TaskTracker::new(), panicked }, Panics(panics))
    }

    /// Starts one. `what` it is, such as `the polls of cluster "a"`, is told if it panics.
    pub fn spawn(
        &self,
        what: impl Into<Arc<str>>,
        work: impl Future<Output = ()> + Send + 'static,
    ) {
        let (what, panicked) = (what.into(), self.panicked.clone());
        self.tracker.spawn(async move {
            // Whatever it left half done, nobody looks at it any more.
            if AssertUnwindSafe(work).catch_unwind().await.is_err() {
                tracing::error!(what = &*what, "panicked");
                // Nobody listens once the process ends anyway.
                let _ = panicked.send(what);
            }
        });
    }

    /// Waits until all have ended.
    pub async fn ended(&self) {
        self.tracker.close();
        self.tracker.wait().await;
    }
}

impl Panics {
    /// Waits for the next panic; gives what it was that panicked.
    pub async fn next(&mut self) -> Arc<str> {
        match self.0.recv().await {
            Some(what) => what,
            None => std::future::pending().await,
        }
    }
}

/// Does something where it may block; if it panics, so does who waits for it.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            // The runtime is shutting down, and this task with it.
            Err(_) => std::future::pending().await,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_in_a_task_or_in_what_it_waits_for_is_told() {
        let (tasks, mut panics) = Tasks::new();
        tasks.spawn("one that ends", async {});
        tasks.spawn("the polls", async { panic!("on purpose") });
        assert_eq!(&*panics.next().await, "the polls");
        tasks.spawn("the rendering", async {
            blocking(|| panic!("on purpose")).await;
        });
        assert_eq!(&*panics.next().await, "the rendering");
        tasks.ended().await;
    }
}
