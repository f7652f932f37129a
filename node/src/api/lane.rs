//! How many requests work at once. A request that must wait for its turn waits without a thread, so
//! that however many ask, consensus finds one; what the work is, the services say.

use std::num::NonZero;
use std::thread::available_parallelism;

use tokio::sync::Semaphore;
use tonic::Code;

use super::failure::Failure;
use crate::doctor::Alarm;

/// Requests that wait for their turn in a lane; one more is told that the node is busy. At a tenth of
/// a second each and two at a time, the last of 256 has its answer within the 30 seconds that a caller
/// waits; submissions that wait hold at most 256 MiB.
const WAITING_MAX: usize = 256;

/// The lanes of a node: those who ask for much do not keep waiting those who ask for little.
#[derive(Debug)]
pub(crate) struct Lanes {
    /// Answers that cost what they show: traces, places, lists, blocks, proofs.
    pub(super) long: Lane,
    /// What reads a few records: admission, outcomes, the status.
    pub(super) short: Lane,
}

impl Lanes {
    /// Empty lanes, whose work raises this alarm.
    pub(crate) fn new(alarm: &Alarm) -> Self {
        // More would not answer sooner: each takes a core, or waits for the one disk.
        let slots = available_parallelism().map_or(1, NonZero::get);
        let lane = || Lane::new(slots, WAITING_MAX, alarm.clone());
        Self { long: lane(), short: lane() }
    }
}

/// Some requests work, some more wait in the order in which they came.
#[derive(Debug)]
pub(super) struct Lane {
    /// Of those who work, and of those who wait.
    places: Semaphore,
    /// Of those who work.
    slots: Semaphore,
    waiting_max: usize,
    /// Where work says that it met damage.
    pub(super) alarm: Alarm,
}

impl Lane {
    fn new(slots: usize, waiting_max: usize, alarm: Alarm) -> Self {
        let places = Semaphore::new(slots.saturating_add(waiting_max));
        Self { places, slots: Semaphore::new(slots), waiting_max, alarm }
    }

    /// Does `work` when its turn comes; refuses at once where too many wait. Whoever gives up leaves
    /// the lane; work that has begun goes on to its end.
    pub(super) async fn run<T>(&self, work: impl FnOnce() -> T) -> Result<T, Failure> {
        let Ok(_place) = self.places.try_acquire() else { return Err(self.busy()) };
        Ok(self.in_turn(work).await)
    }

    /// Does `work` when its turn comes, however many wait: for what was taken in before.
    pub(super) async fn in_turn<T>(&self, work: impl FnOnce() -> T) -> T {
        let _slot = self.slots.acquire().await.expect("a lane is never closed");
        tokio::task::block_in_place(work)
    }

    fn busy(&self) -> Failure {
        let waiting = self.waiting_max;
        let zh = format!("节点繁忙：已有 {waiting} 个请求在等待，请稍后再试");
        let en = format!("the node is busy: {waiting} requests wait already, ask again later");
        Failure::new(Code::ResourceExhausted, "BUSY", zh, en)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::{Pin, pin};
    use std::sync::{Arc, mpsc};
    use std::task::Poll;

    use tonic::Request;
    use tonic_types::StatusExt as _;

    use super::super::failure::answered;
    use super::*;

    async fn waits<F: Future>(mut future: Pin<&mut F>) -> bool {
        poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_pending())).await
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_request_beyond_those_who_wait_is_refused_and_one_that_gives_up_leaves_its_place() {
        let lane = Arc::new(Lane::new(1, 1, Alarm::default()));
        let (finish, finished) = mpsc::channel::<()>();
        let working = tokio::spawn({
            let lane = Arc::clone(&lane);
            async move { lane.run(move || finished.recv()).await.map(|_| ()) }
        });
        while lane.slots.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        {
            let mut first = pin!(lane.run(|| ()));
            assert!(waits(first.as_mut()).await, "it waits while another works");
            let refused = answered(&lane, Request::new(()), |()| Ok(())).await;
            let refused = refused.expect_err("one waits already");
            assert_eq!(refused.code(), Code::ResourceExhausted, "{refused}");
            let details = refused.get_error_details();
            assert_eq!(details.error_info().map(|info| &*info.reason), Some("BUSY"));
        }
        let mut taken_in = pin!(lane.in_turn(|| 1));
        assert!(waits(taken_in.as_mut()).await, "it waits, and is not refused");
        let mut second = pin!(lane.run(|| 2));
        assert!(waits(second.as_mut()).await, "the first has left its place");
        finish.send(()).expect("the work waits for it");
        assert_eq!(taken_in.await, 1);
        assert_eq!(second.await.expect("its turn has come"), 2);
        working.await.expect("it ends").expect("it was not refused");
    }
}
