//! A bounded number of connections: in a full house the one that came first has to go, so that a
//! crowd that asks for nothing, or does not read its answers, never keeps a scrape out.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

/// The open connections, in the order in which they came.
#[derive(Debug)]
pub(super) struct Guests {
    most: usize,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    came: u64,
    all: VecDeque<(u64, CancellationToken)>,
}

/// One connection's place; given back when dropped.
#[derive(Debug)]
pub(super) struct Guest {
    number: u64,
    guests: Arc<Guests>,
    /// Cancelled when the connection has to go.
    pub(super) has_to_go: CancellationToken,
}

/// Among a request's extensions: ends the connection that it came by, whatever is under way there.
#[derive(Clone, Debug)]
pub(super) struct Leaving(pub(super) CancellationToken);

impl Guests {
    pub(super) fn new(most: usize) -> Self {
        Self { most, open: Mutex::default() }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn enter(self: Arc<Self>) -> Guest {
        let has_to_go = CancellationToken::new();
        let mut open = self.open();
        open.came += 1;
        let number = open.came;
        open.all.push_back((number, has_to_go.clone()));
        if open.all.len() > self.most
            && let Some((_, first)) = open.all.pop_front()
        {
            first.cancel();
        }
        drop(open);
        Guest { number, guests: self, has_to_go }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut open = self.guests.open();
        if let Ok(at) = open.all.binary_search_by_key(&self.number, |(number, _)| *number) {
            open.all.remove(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_goes_when_the_house_is_full() {
        let guests = Arc::new(Guests::new(2));
        let [first, second, third] = std::array::from_fn(|_| Arc::clone(&guests).enter());
        assert!(first.has_to_go.is_cancelled() && !second.has_to_go.is_cancelled());
        drop(second);
        let fourth = Arc::clone(&guests).enter();
        assert!(!third.has_to_go.is_cancelled() && !fourth.has_to_go.is_cancelled());
        drop((first, third, fourth));
        assert!(guests.open().all.is_empty());
    }
}
