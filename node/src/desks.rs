//! One desk for each member: what it sends waits behind its own, never behind what another sends.
//!
//! Owns the queues and how many of a member's requests are worked on at once, not the work.

use std::collections::BTreeMap;
use std::sync::Arc;

use proto::ValidatorIndex;
use tokio::sync::{Semaphore, mpsc};

/// Requests of one member that are worked on at once: bodies, and a fetch beside them.
const AT_ONCE_MAX: usize = 2;

/// Requests of one member that may wait beside those: as many as an honest one has under way on one connection, four
/// frames of bodies and three fetches. More are dropped, and come again: bodies are forwarded anew after a timeout,
/// whoever asks asks again.
const WAITING_MAX: usize = 8;

/// The desks.
pub(crate) struct Desks<T> {
    queues: BTreeMap<ValidatorIndex, mpsc::Sender<T>>,
}

impl<T: Send + 'static> Desks<T> {
    /// A desk for each of `members`, all with the same `work`.
    pub(crate) fn new<W, F>(members: &[ValidatorIndex], work: W) -> Self
    where
        W: Fn(ValidatorIndex, T) -> F + Clone + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let mut queues = BTreeMap::new();
        for &member in members {
            let (queue, waiting) = mpsc::channel(WAITING_MAX);
            tokio::spawn(attend(member, waiting, work.clone()));
            queues.insert(member, queue);
        }
        Self { queues }
    }

    /// Lets a request wait; `false` where its sender has too many waiting.
    pub(crate) fn take(&mut self, from: ValidatorIndex, request: T) -> bool {
        self.queues.get(&from).is_some_and(|queue| queue.try_send(request).is_ok())
    }
}

async fn attend<T, W, F>(member: ValidatorIndex, mut waiting: mpsc::Receiver<T>, work: W)
where
    W: Fn(ValidatorIndex, T) -> F,
    F: Future<Output = ()> + Send + 'static,
{
    let at_once = Arc::new(Semaphore::new(AT_ONCE_MAX));
    while let Ok(permit) = Arc::clone(&at_once).acquire_owned().await {
        let Some(request) = waiting.recv().await else { return };
        let done = work(member, request);
        tokio::spawn(async move {
            done.await;
            drop(permit);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_one_member_sends_keeps_no_other_waiting() {
        let (liar, honest) = (ValidatorIndex::new(1), ValidatorIndex::new(2));
        let (started, mut begun) = mpsc::unbounded_channel();
        let mut desks = Desks::new(&[liar, honest], move |from, request: u32| {
            let started = started.clone();
            async move {
                started.send((from, request)).expect("the test reads");
                if from == liar {
                    std::future::pending::<()>().await; // its signatures take for ever to check
                }
            }
        });
        // Room is made as tasks run: the liar fills all that it ever gets.
        let mut taken = 0;
        for request in 0..1_000 {
            taken += usize::from(desks.take(liar, request));
            tokio::task::yield_now().await;
        }
        assert_eq!(taken, WAITING_MAX + AT_ONCE_MAX);
        for request in 0..AT_ONCE_MAX {
            let request = u32::try_from(request).unwrap();
            assert_eq!(begun.recv().await, Some((liar, request)));
        }
        for request in 0..100 {
            assert!(desks.take(honest, request), "request {request}");
            assert_eq!(begun.recv().await, Some((honest, request)));
        }
        assert!(!desks.take(ValidatorIndex::new(3), 0), "nobody else has a desk");
    }
}
