//! What must hold after every step, whatever came in. A peer can never break one: a failure here is
//! a bug of this crate, and stopping is better than signing.

use crate::event::{Mode, Timer};
use crate::replica::Replica;

impl Replica {
    pub(crate) fn assert_invariants(&self) {
        assert!(self.executed <= self.tip.height, "nothing is executed before it is decided");
        assert!(self.open.height == self.tip.height.next(), "one height is open, above the tip");
        assert!(self.open.base <= self.open.view, "no view is below the base view");
        if let Some(changing) = self.open.changing {
            assert!(changing.target > self.open.view, "a view change leads upwards");
        }
        if let Some((lowest, _)) = self.slots.first_key_value() {
            assert!(*lowest >= self.open.height, "a decided height is forgotten");
        }
        if let Some(slot) = self.known() {
            let own = slot.own.commit.as_ref().map(|commit| commit.statement.view);
            assert!(own <= slot.lock_view(), "no commit without its prepared certificate");
            if slot.certificate.is_none() && self.mode == Mode::Voting {
                let lock = slot.lock_view();
                assert!(lock <= Some(self.own_view()), "a lock brings the replica into its view");
            }
        }
        assert!(
            self.checkpoints.hardened() <= self.executed.history_size(),
            "nothing hardens that is not executed here"
        );
        if self.started && self.mode == Mode::Voting && !self.is_decided() {
            assert!(self.timers.contains_key(&Timer::ViewChange), "a voter never waits for ever");
        }
    }
}
