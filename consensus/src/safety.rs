//! The safety record: the highest place a replica ever signed at. It lives with the key and knows
//! nothing of the protocol but its order.

use std::fmt;

use proto::codec::{Canonical, DecodeError, Reader, Writer};
use proto::{Epoch, Hash, Height, View};
use thiserror::Error;

/// What is signed at one (height, view), in the order in which it may be signed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Step {
    /// VIEW-CHANGE into the view.
    ViewChange,
    /// PRE-PREPARE or PREPARE in it.
    Prepare,
    /// COMMIT in it.
    Commit,
}

impl Step {
    const fn code(self) -> u8 {
        match self {
            Self::ViewChange => 0,
            Self::Prepare => 1,
            Self::Commit => 2,
        }
    }
}

/// Where a vote stands in the order of all votes of one replica.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Position {
    /// Epoch of the height.
    pub epoch: Epoch,
    /// Height.
    pub height: Height,
    /// View.
    pub view: View,
    /// Step in the view.
    pub step: Step,
}

/// What a signature is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Claim {
    /// A vote.
    Vote {
        /// Where it stands.
        position: Position,
        /// Hash of the bytes to sign.
        hash: Hash,
    },
    /// A checkpoint.
    Checkpoint {
        /// Size of the history.
        size: u64,
        /// Its root.
        root: Hash,
    },
}

impl fmt::Display for Claim {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vote { position: Position { epoch, height, view, step }, hash } => {
                write!(out, "epoch {epoch} height {height} view {view} {step:?}: {hash}")
            }
            Self::Checkpoint { size, root } => write!(out, "history of size {size}: {root}"),
        }
    }
}

/// Why the signer refuses. Only a bug or a journal of another time gets here.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum Unsafe {
    /// A vote below or beside one that was signed.
    #[error("signed up to {last:?} before, asked for {asked:?}")]
    Vote {
        /// Highest vote signed.
        last: Position,
        /// Vote asked for.
        asked: Position,
    },
    /// A checkpoint that does not grow.
    #[error("signed a checkpoint of size {last} before, asked for {asked}")]
    Checkpoint {
        /// Largest size signed.
        last: u64,
        /// Size asked for.
        asked: u64,
    },
}

/// The highest vote and the largest checkpoint ever signed. Synced before a signature leaves.
///
/// ```
/// use consensus::safety::{Claim, Position, SafetyRecord, Step};
/// use proto::{Epoch, Hash, Height, View};
///
/// let position = |view, step| Position {
///     epoch: Epoch::ZERO, height: Height::new(7), view: View::new(view), step,
/// };
/// let vote = |position, byte| Claim::Vote { position, hash: Hash::new([byte; 32]) };
/// let record = SafetyRecord::default().admit(vote(position(1, Step::Prepare), 1)).unwrap();
/// assert!(record.admit(vote(position(1, Step::Prepare), 1)).is_ok(), "the same bytes again");
/// assert!(record.admit(vote(position(1, Step::Prepare), 2)).is_err(), "other bytes never");
/// assert!(record.admit(vote(position(1, Step::ViewChange), 3)).is_err(), "never back");
/// assert!(record.admit(vote(position(1, Step::Commit), 3)).is_ok());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SafetyRecord {
    vote: Option<(Position, Hash)>,
    checkpoint: Option<(u64, Hash)>,
}

impl SafetyRecord {
    /// The record after signing what is asked for.
    pub fn admit(self, claim: Claim) -> Result<Self, Unsafe> {
        match claim {
            Claim::Vote { position, hash } => match self.vote {
                // L112: equal with the same bytes is a crash between journal and record.
                Some((last, signed)) if position < last || (position == last && hash != signed) => {
                    Err(Unsafe::Vote { last, asked: position })
                }
                Some(_) | None => Ok(Self { vote: Some((position, hash)), ..self }),
            },
            // An empty history has no root, so size 0 is never above.
            Claim::Checkpoint { size, .. } if size <= self.size() => {
                Err(Unsafe::Checkpoint { last: self.size(), asked: size })
            }
            Claim::Checkpoint { size, root } => Ok(Self { checkpoint: Some((size, root)), ..self }),
        }
    }

    /// Where the highest vote stands.
    pub fn position(&self) -> Option<Position> {
        self.vote.map(|(position, _)| position)
    }

    /// Size of the largest checkpoint signed, 0 for none.
    pub fn size(&self) -> u64 {
        self.checkpoint.map_or(0, |(size, _)| size)
    }

    /// The higher of both parts: what two witnesses of one signer know together.
    pub fn join(self, other: Self) -> Self {
        let vote = if other.position() > self.position() { other.vote } else { self.vote };
        let checkpoint =
            if other.size() > self.size() { other.checkpoint } else { self.checkpoint };
        Self { vote, checkpoint }
    }

    /// Whether this record knows of a signature that `journal` should hold and does not. Votes up to
    /// `executed` are released from the journal; nobody votes there again.
    pub fn exceeds(&self, journal: &Self, executed: Height) -> bool {
        let open = self.position().filter(|position| position.height > executed);
        open > journal.position() || self.size() > journal.size()
    }
}

/// Fixed width, so that a slot of the file can be overwritten in place.
impl Canonical for SafetyRecord {
    fn encode_to(&self, out: &mut Writer) {
        match self.vote {
            None => {
                out.u8(0).raw(&[0; 4 + 8 + 4 + 1]).hash(&Hash::ZERO);
            }
            Some((Position { epoch, height, view, step }, hash)) => {
                out.u8(1).u32(epoch.value()).u64(height.value()).u32(view.value());
                out.u8(step.code()).hash(&hash);
            }
        }
        let (size, root) = self.checkpoint.unwrap_or_default();
        out.u64(size).hash(&root);
    }

    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let flag = input.u8("vote flag")?;
        let epoch = Epoch::new(input.u32("epoch")?);
        let height = Height::new(input.u64("height")?);
        let view = View::new(input.u32("view")?);
        let step = match input.u8("step")? {
            0 => Step::ViewChange,
            1 => Step::Prepare,
            2 => Step::Commit,
            _ => return Err(DecodeError::Invalid { field: "step", rule: "is 0 to 2" }),
        };
        let hash = input.hash("hash")?;
        let vote = match flag {
            0 => None,
            1 => Some((Position { epoch, height, view, step }, hash)),
            _ => return Err(DecodeError::Invalid { field: "vote flag", rule: "is 0 or 1" }),
        };
        let (size, root) = (input.u64("size")?, input.hash("root")?);
        Ok(Self { vote, checkpoint: (size > 0).then_some((size, root)) })
    }
}
