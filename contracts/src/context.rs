//! What an operation is told of its block and gives back to it.

use proto::epoch::BlockLimits;
use proto::receipt::SubjectKind;
use proto::receipt::{
    AlertNotice, Alerts, CODE_ACCEPTED, CODE_ALREADY_RECORDED, Link, Links, Role, Subject,
};
use proto::{ChainId, Height, TimeMs};

use crate::refusal::Refusal;

/// The block that is executed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BlockContext {
    /// Chain.
    pub chain: ChainId,
    /// Height of the block.
    pub height: Height,
    /// Time of the block: the only clock that a contract knows.
    pub time: TimeMs,
    /// Limits of the epoch.
    pub limits: BlockLimits,
    /// Agencies in the genesis document.
    pub agencies: u16,
}

/// What the system did by itself. It becomes a SYSTEM receipt with code 0 and the leaf
/// `Tag::Step.hash(record)`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// Encoded record of the step.
    pub record: Vec<u8>,
    /// Subjects.
    pub links: Links,
    /// Alerts raised, closed, withdrawn.
    pub alerts: Alerts,
    /// Day of the logs by day; none for the day of the block.
    pub day: Option<u32>,
}

/// What an operation did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Outcome {
    /// 0 accepted, 1 recorded before, otherwise the refusal.
    pub code: u16,
    /// Subjects.
    pub links: Links,
    /// Alerts raised, closed, withdrawn.
    pub alerts: Alerts,
    /// Day of the event, for the logs by day; none for the day of the block.
    pub day: Option<u32>,
    /// What the system did because of it.
    pub steps: Vec<Step>,
    /// Why it was refused, for the node's answer; the receipt holds the code.
    pub refusal: Option<Refusal>,
}

impl Outcome {
    /// An operation that was accepted.
    pub const fn accepted(links: Links, alerts: Alerts, day: Option<u32>) -> Self {
        Self { code: CODE_ACCEPTED, links, alerts, day, steps: Vec::new(), refusal: None }
    }

    /// An operation whose bytes were recorded before.
    pub fn already_recorded() -> Self {
        Self {
            code: CODE_ALREADY_RECORDED,
            links: Links::default(),
            alerts: Alerts::default(),
            day: None,
            steps: Vec::new(),
            refusal: None,
        }
    }

    /// A refused operation: one link to the party of the key, none where the key is unknown.
    pub fn refused(refusal: Refusal, party: Option<&str>) -> Self {
        let link = party.map(|party| Link {
            role: Role::Other,
            subject: Subject { kind: SubjectKind::Party, key: party.as_bytes().to_vec() },
        });
        let links = Links::collect(link, 1).expect("one link at most");
        Self {
            code: refusal.code(),
            links,
            alerts: Alerts::default(),
            day: None,
            steps: Vec::new(),
            refusal: Some(refusal),
        }
    }
}

/// What a contract adds to the receipt of the operation that it serves, and what the system does
/// because of it.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(crate) struct Raised {
    /// Links beside those of the operation's own fields.
    pub(crate) links: Vec<Link>,
    /// Alerts raised, closed, withdrawn, acknowledged.
    pub(crate) alerts: Vec<AlertNotice>,
    /// Steps of the system.
    pub(crate) steps: Vec<Step>,
}

impl Raised {
    /// Adds what another contract raised.
    pub(crate) fn extend(&mut self, more: Self) {
        self.links.extend(more.links);
        self.alerts.extend(more.alerts);
        self.steps.extend(more.steps);
    }
}
