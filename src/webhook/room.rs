//! The memory that bodies may take: when it is full, the body that has been coming for the longest gives way.
//!
//! Bodies are held before anybody knows whether they are signed. Who sends them slowly, or never to their
//! end, must not turn away those who send theirs at once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Bytes of bodies, and who has them.
#[derive(Debug)]
pub(super) struct Room {
    most: usize,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    bytes: usize,
    next: u64,
    /// Bodies that are still coming, oldest first.
    coming: BTreeMap<u64, (usize, Arc<Notify>)>,
}

impl Room {
    pub(super) const fn new(most: usize) -> Self {
        let held = Held { bytes: 0, next: 0, coming: BTreeMap::new() };
        Self { most, held: Mutex::new(held) }
    }

    /// A seat for one body, of no bytes yet.
    pub(super) fn enter(&self) -> Seat<'_> {
        let gone = Arc::new(Notify::new());
        let mut held = self.lock();
        let id = held.next;
        held.next += 1;
        held.coming.insert(id, (0, Arc::clone(&gone)));
        Seat { room: self, id, bytes: 0, is_whole: false, gone }
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The room that one body takes, until it is dropped.
#[derive(Debug)]
pub(super) struct Seat<'a> {
    room: &'a Room,
    id: u64,
    bytes: usize,
    is_whole: bool,
    gone: Arc<Notify>,
}

impl Seat<'_> {
    /// Takes more; says whether there was room, made by older bodies if need be.
    pub(super) fn add(&mut self, bytes: usize) -> bool {
        let mut held = self.room.lock();
        while held.bytes + bytes > self.room.most {
            let Some(oldest) = held.coming.keys().copied().find(|id| *id != self.id) else { return false };
            let Some((freed, gone)) = held.coming.remove(&oldest) else { return false };
            held.bytes -= freed;
            gone.notify_one();
        }
        let Some((own, _)) = held.coming.get_mut(&self.id) else { return false };
        *own += bytes;
        held.bytes += bytes;
        self.bytes += bytes;
        true
    }

    /// The body is there: it keeps its room until it is answered. Says whether it still had it.
    pub(super) fn complete(&mut self) -> bool {
        self.is_whole = self.room.lock().coming.remove(&self.id).is_some();
        self.is_whole
    }

    /// Ends when this body had to give way.
    pub(super) fn given_way(&self) -> impl Future<Output = ()> + 'static {
        let gone = Arc::clone(&self.gone);
        async move { gone.notified().await }
    }
}

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        let mut held = self.room.lock();
        if held.coming.remove(&self.id).is_some() || self.is_whole {
            held.bytes -= self.bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_oldest_gives_way() {
        let room = Room::new(100);
        let (mut first, mut second) = (room.enter(), room.enter());
        assert!(first.add(60) && second.add(40));
        let mut third = room.enter();
        assert!(third.add(1));
        first.given_way().await;
        assert!(!first.add(1) && !first.complete(), "it has no room any more");
        assert!(second.complete() && third.add(59), "what is whole stays");
        assert!(!third.add(1), "nobody is left to give way");
        drop(first);
        assert_eq!(room.lock().bytes, 100);
        drop((second, third));
        assert_eq!(room.lock().bytes, 0);
    }
}
