//! Places for connections: when there is none left, the one that has been silent for the longest is closed.
//!
//! ```text
//! accept ─▶ a place? ─┬ yes ──────────────────────────────▶ serve
//!                     └ no: close the oldest silent one ─▶ serve, or let go of the new one if none is silent
//! ```
//! Silent is who has sent no whole request, or waits between two. One address alone never has all places:
//! what is kept from it is for others, probes among them.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Places that one address cannot have.
const KEPT_FROM_ONE: usize = 256;

/// The places of a server.
#[derive(Debug)]
pub(super) struct Places {
    most: usize,
    each: usize,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    open: usize,
    next: u64,
    by_address: HashMap<IpAddr, usize>,
    /// Those that may be closed, by when they fell silent.
    silent: BTreeMap<u64, Silent>,
}

#[derive(Debug)]
struct Silent {
    address: IpAddr,
    closed: Arc<Notify>,
}

impl Held {
    fn leave(&mut self, address: IpAddr) {
        self.open -= 1;
        if let Some(count) = self.by_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                self.by_address.remove(&address);
            }
        }
    }

    /// Closes the one that has been silent for the longest, of this address if one is given.
    fn close_oldest(&mut self, of: Option<IpAddr>) -> bool {
        let is_meant = |silent: &Silent| of.is_none_or(|address| silent.address == address);
        let Some(oldest) = self.silent.iter().find(|(_, silent)| is_meant(silent)).map(|(at, _)| *at) else {
            return false;
        };
        let Some(silent) = self.silent.remove(&oldest) else { return false };
        self.leave(silent.address);
        silent.closed.notify_one();
        true
    }
}

impl Places {
    pub(super) fn new(most: usize) -> Self {
        let each = most.saturating_sub(KEPT_FROM_ONE).max(most / 2).max(1);
        Self { most, each, held: Mutex::default() }
    }

    /// A place for a connection from there, or none if all others are busy.
    pub(super) fn enter(self: &Arc<Self>, address: IpAddr) -> Option<Slot> {
        let mut held = self.lock();
        let of_address = held.by_address.get(&address).copied().unwrap_or(0);
        if of_address >= self.each && !held.close_oldest(Some(address)) {
            return None;
        }
        if held.open >= self.most && !held.close_oldest(None) {
            return None;
        }
        held.open += 1;
        *held.by_address.entry(address).or_default() += 1;
        let place = Slot { places: Arc::clone(self), address, closed: Arc::default(), at: Mutex::default() };
        place.silent_in(&mut held);
        drop(held);
        Some(place)
    }

    /// How many there are.
    pub(super) fn open(&self) -> usize {
        self.lock().open
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one connection, until it is dropped.
#[derive(Debug)]
pub(super) struct Slot {
    places: Arc<Places>,
    address: IpAddr,
    closed: Arc<Notify>,
    /// Where it stands among the silent ones; none while it is busy.
    at: Mutex<Option<u64>>,
}

impl Slot {
    /// A request is being answered: it may not be closed.
    pub(super) fn busy(&self) {
        let mut held = self.places.lock();
        let mut at = self.at.lock().unwrap_or_else(PoisonError::into_inner);
        // One that is closed already stays so: its end is on the way.
        if at.is_some_and(|at| held.silent.remove(&at).is_some()) {
            *at = None;
        }
    }

    /// The request is answered.
    pub(super) fn silent(&self) {
        let mut held = self.places.lock();
        self.silent_in(&mut held);
    }

    fn silent_in(&self, held: &mut Held) {
        let mut at = self.at.lock().unwrap_or_else(PoisonError::into_inner);
        if at.is_none() {
            let next = held.next;
            held.next += 1;
            held.silent.insert(next, Silent { address: self.address, closed: Arc::clone(&self.closed) });
            *at = Some(next);
        }
    }

    /// Ends when the place was given to another.
    pub(super) fn closed(&self) -> impl Future<Output = ()> + 'static {
        let closed = Arc::clone(&self.closed);
        async move { closed.notified().await }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut held = self.places.lock();
        let at = *self.at.lock().unwrap_or_else(PoisonError::into_inner);
        // One that was closed has left already.
        if at.is_none_or(|at| held.silent.remove(&at).is_some()) {
            held.leave(self.address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[tokio::test]
    async fn the_oldest_silent_one_is_closed_first() {
        let places = Arc::new(Places::new(4));
        assert_eq!(places.each, 2);
        let (a, b) = (places.enter(address(1)).unwrap(), places.enter(address(1)).unwrap());
        a.busy();
        let c = places.enter(address(1)).unwrap();
        b.closed().await;
        c.busy();
        assert!(places.enter(address(1)).is_none(), "both of its share are busy");
        let (d, e) = (places.enter(address(2)).unwrap(), places.enter(address(3)).unwrap());
        drop(b);
        assert_eq!(places.open(), 4);
        let f = places.enter(address(4)).unwrap();
        d.closed().await;
        a.silent();
        e.busy();
        f.busy();
        let g = places.enter(address(5)).unwrap();
        a.closed().await;
        a.busy();
        a.silent();
        g.busy();
        assert!(places.enter(address(6)).is_none(), "all are busy");
        drop((a, c, d, e, f, g));
        assert_eq!((places.open(), places.lock().by_address.len()), (0, 0));
        assert!(places.lock().silent.is_empty());
    }
}
