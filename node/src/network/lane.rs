//! What waits to be sent to one member, and what is under way to it: bounded in bytes and in frames, so that a
//! member that answers nothing costs a fixed amount of memory.
//!
//! Owns no connection; the mesh sends what a lane gives out.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use proto::limits::{FETCH_BODIES_MAX, TX_BYTES_MAX};

/// Time, counted by the mesh from its start: exact enough to forget what has no end.
pub(super) type Tick = u64;

/// Bounds of a lane.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Frames that may be unanswered; more wait.
    pub(super) frames_under_way: usize,
    /// Bytes that may wait; more are dropped, and come again.
    pub(super) waiting_bytes: usize,
    /// Items of one frame.
    pub(super) frame_items: usize,
    /// Bytes of one frame. An item alone may have as many.
    pub(super) frame_bytes: usize,
}

/// Votes: each a frame of its own. 32 unanswered ones are more than a second of heights over a link of 200 ms;
/// 2 MiB is a burst of thousands of votes, or two NEW-VIEWs of 100 validators.
pub(super) const VOTES: Bounds =
    Bounds { frames_under_way: 32, waiting_bytes: 2 * 1024 * 1024, frame_items: 1, frame_bytes: 0 };

/// Bodies: as many in a frame as wait. Four frames of 1 MiB keep a link of 300 Mbit/s and 100 ms busy; 16 MiB is
/// as many blocks. What is dropped is forwarded again, or fetched when a block lists it.
pub(super) const BODIES: Bounds = Bounds {
    frames_under_way: 4,
    waiting_bytes: 16 * 1024 * 1024,
    frame_items: FETCH_BODIES,
    frame_bytes: BODIES_BYTES,
};

const FETCH_BODIES: usize = 1_000;

const _: () = assert!(FETCH_BODIES_MAX == 1_000, "FETCH_BODIES is the same number");

const BODIES_BYTES: usize = 1024 * 1024;

const _: () = assert!(TX_BYTES_MAX == 1024 * 1024, "the largest body fills a frame alone");

/// The lane. `K` names a frame under way.
#[derive(Debug)]
pub(super) struct Lane<K> {
    bounds: Bounds,
    waiting: VecDeque<Arc<[u8]>>,
    bytes: usize,
    /// Frames without an answer yet, and when each was sent.
    under_way: BTreeMap<K, Tick>,
}

impl<K: Ord + Copy> Lane<K> {
    /// An empty lane.
    pub(super) fn new(bounds: Bounds) -> Self {
        Self { bounds, waiting: VecDeque::new(), bytes: 0, under_way: BTreeMap::new() }
    }

    /// Lets an item wait; `false` where there is no room for it.
    pub(super) fn push(&mut self, item: Arc<[u8]>) -> bool {
        let bytes = self.bytes.saturating_add(cost(&item));
        if bytes > self.bounds.waiting_bytes {
            return false;
        }
        self.bytes = bytes;
        self.waiting.push_back(item);
        true
    }

    /// The items of the next frame, if one may be sent now. Whoever takes it says so by [`Self::sent`].
    pub(super) fn next_frame(&mut self) -> Option<Vec<Arc<[u8]>>> {
        if self.under_way.len() >= self.bounds.frames_under_way {
            return None;
        }
        let first = self.pop()?;
        let mut bytes = cost(&first);
        let mut frame = vec![first];
        while frame.len() < self.bounds.frame_items
            && let Some(item) = self.waiting.front()
        {
            bytes = bytes.saturating_add(cost(item));
            if bytes > self.bounds.frame_bytes {
                break;
            }
            frame.extend(self.pop());
        }
        Some(frame)
    }

    fn pop(&mut self) -> Option<Arc<[u8]>> {
        let item = self.waiting.pop_front()?;
        self.bytes -= cost(&item);
        Some(item)
    }

    /// A frame is under way.
    pub(super) fn sent(&mut self, frame: K, now: Tick) {
        self.under_way.insert(frame, now);
    }

    /// A frame was answered or has failed.
    pub(super) fn ended(&mut self, frame: &K) {
        self.under_way.remove(frame);
    }

    /// Gives up frames that were sent before `since`.
    pub(super) fn give_up(&mut self, since: Tick) {
        self.under_way.retain(|_, sent| *sent >= since);
    }

    /// Forgets what waits: the member is gone, and what it missed is old when it comes back.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
        self.bytes = 0;
    }
}

/// Bytes that an item takes on the wire, its length included: empty ones are not free either.
fn cost(item: &[u8]) -> usize {
    item.len().saturating_add(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(bytes: usize) -> Arc<[u8]> {
        vec![7; bytes].into()
    }

    #[test]
    fn a_member_that_answers_nothing_costs_a_fixed_amount() {
        let mut lane = Lane::new(BODIES);
        let (mut taken, mut frames) = (0, 0u8);
        // Ten times the thousand oldest bodies, as the view timer forwards them.
        for item in (0..10_000).map(|_| body(70_000)) {
            taken += usize::from(lane.push(item));
            while let Some(frame) = lane.next_frame() {
                assert!(frame.iter().map(|item| item.len()).sum::<usize>() <= BODIES_BYTES);
                lane.sent(frames, 0);
                frames += 1;
            }
        }
        let bytes_max = BODIES.waiting_bytes + BODIES.frames_under_way * BODIES_BYTES;
        assert!(taken * 70_000 <= bytes_max, "{taken} bodies");
        assert_eq!(usize::from(frames), BODIES.frames_under_way);
        // An answer makes room for the next frame, and the next frame takes as many as it holds.
        lane.ended(&0);
        assert_eq!(lane.next_frame().map(|frame| frame.len()), Some(BODIES_BYTES / 70_004));
        assert!(lane.push(body(70_000)));
    }

    #[test]
    fn the_largest_body_fits_and_stands_alone() {
        let mut lane: Lane<u8> = Lane::new(BODIES);
        for bytes in [1, BODIES_BYTES, 2, 0] {
            assert!(lane.push(body(bytes)), "{bytes} bytes");
        }
        let frames = std::iter::from_fn(|| lane.next_frame());
        let sizes: Vec<Vec<usize>> =
            frames.map(|frame| frame.iter().map(|item| item.len()).collect()).collect();
        assert_eq!(sizes, [vec![1], vec![BODIES_BYTES], vec![2, 0]]);
        assert_eq!(lane.bytes, 0);
    }

    #[test]
    fn votes_go_one_by_one_and_a_frame_without_an_end_is_given_up() {
        let mut lane = Lane::new(VOTES);
        for frame in 0..40u8 {
            assert!(lane.push(body(200)));
            if let Some(items) = lane.next_frame() {
                assert_eq!(items.len(), 1, "frame {frame}");
                lane.sent(frame, 7);
            }
        }
        assert_eq!((lane.under_way.len(), lane.waiting.len()), (32, 8));
        lane.give_up(7);
        assert!(lane.next_frame().is_none(), "their time is not over");
        lane.give_up(8);
        assert!(lane.next_frame().is_some());
        lane.clear();
        assert!(lane.next_frame().is_none());
        assert_eq!(lane.bytes, 0);
    }
}
