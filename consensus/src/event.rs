//! What goes into the replica and what comes out of it. Plain values: no handle to the world.

use std::fmt;
use std::sync::Arc;

use proto::block::Block;
use proto::certificate::{CheckpointCertificate, CommitCertificate};
use proto::codec::{Canonical, DecodeError, Reader, Writer};
use proto::epoch::Descriptor;
use proto::message::{Checkpoint, Decided, Message, Seen, Status, StatusMessage};
use proto::sign::Signature;
use proto::verified::{Signed, Statement as _, Verified};
use proto::{BlockHash, ChainId, Hash, Height, TimeMs, TxId, ValidatorIndex, View};

use crate::durable::{Draft, Own, Record};
use crate::evidence::{Evidence, Misbehaviour};
use crate::limits::{BLOCK_INTERVAL_MS_DEFAULT, HEARTBEAT_MS_DEFAULT, TIMEOUT_MS_DEFAULT};

/// What a replica is told once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Config {
    /// The chain.
    pub chain: ChainId,
    /// Members and parameters of the epoch.
    pub descriptor: Descriptor,
    /// Which member this is.
    pub me: ValidatorIndex,
    /// T0 in milliseconds.
    pub timeout_ms: u64,
    /// Milliseconds from heartbeat to heartbeat.
    pub heartbeat_ms: u64,
    /// Milliseconds from the first body to the cut of its block.
    pub block_interval_ms: u64,
    /// Drawn anew at each start; answers echo it.
    pub nonce: [u8; 16],
    /// Whether the host lets the replica vote.
    pub voting: Voting,
}

impl Config {
    /// The default timing, voting.
    pub fn new(
        chain: ChainId,
        descriptor: Descriptor,
        me: ValidatorIndex,
        nonce: [u8; 16],
    ) -> Self {
        Self {
            chain,
            descriptor,
            me,
            timeout_ms: TIMEOUT_MS_DEFAULT,
            heartbeat_ms: HEARTBEAT_MS_DEFAULT,
            block_interval_ms: BLOCK_INTERVAL_MS_DEFAULT,
            nonce,
            voting: Voting::Allowed,
        }
    }
}

/// Whether a replica may vote.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Voting {
    /// Its journal is provably complete.
    Allowed,
    /// It must not, and says why.
    Refused(NotVoting),
}

/// Why a replica decides, executes and serves, but does not vote.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NotVoting {
    /// There is no journal although the chain has begun.
    JournalMissing,
    /// The journal is shorter than its safety record or a checksum in it is wrong.
    JournalDamaged,
    /// A member showed a signature of ours above our own record.
    SignatureAhead,
    /// The own index is not in the set.
    NotAMember,
    /// The operator asked for it.
    Operator,
}

impl NotVoting {
    const fn code(self) -> u8 {
        match self {
            Self::JournalMissing => 1,
            Self::JournalDamaged => 2,
            Self::SignatureAhead => 3,
            Self::NotAMember => 4,
            Self::Operator => 5,
        }
    }
}

impl fmt::Display for NotVoting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::JournalMissing => "the journal of earlier votes is missing",
            Self::JournalDamaged => "the journal of earlier votes is damaged",
            Self::SignatureAhead => "another member holds a vote of ours that our journal lacks",
            Self::NotAMember => "this node is not in the validator set",
            Self::Operator => "the operator asked for it",
        })
    }
}

impl Canonical for NotVoting {
    fn encode_to(&self, out: &mut Writer) {
        out.u8(self.code());
    }

    fn decode_from(input: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match input.u8("not voting")? {
            1 => Ok(Self::JournalMissing),
            2 => Ok(Self::JournalDamaged),
            3 => Ok(Self::SignatureAhead),
            4 => Ok(Self::NotAMember),
            5 => Ok(Self::Operator),
            _ => Err(DecodeError::Invalid { field: "not voting", rule: "is 1 to 5" }),
        }
    }
}

/// Why a replica stands still.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Halt {
    /// Two valid certificates contradict each other.
    Fork,
    /// A quorum of others computed another history than this node.
    Divergence,
    /// The host can no longer trust its disk.
    Storage,
    /// The operator asked for it.
    Operator,
}

impl fmt::Display for Halt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Fork => "two valid certificates contradict each other",
            Self::Divergence => "a quorum of other members computed another history",
            Self::Storage => "the storage failed",
            Self::Operator => "the operator asked for it",
        })
    }
}

/// What a replica does at all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// It asks the others what they hold of it, and does not vote yet.
    Starting,
    /// It takes part.
    Voting,
    /// It decides, executes and serves, but does not vote.
    NotVoting(NotVoting),
    /// It serves, and decides nothing more.
    Halted(Halt),
}

/// Where a replica is at its open height.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// No proposal in this view.
    Idle,
    /// A proposal is here.
    Proposed,
    /// Its prepared certificate is here.
    Prepared,
    /// It left its view for this one.
    ViewChanging(View),
    /// A commit certificate is here; block or bodies are not.
    Fetching,
}

/// A transaction that passed admission, as far as ordering looks at it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Body {
    /// Leaf that blocks list it by.
    pub leaf: Hash,
    /// Its name, whatever the signature.
    pub tx_id: TxId,
    /// Encoded length.
    pub bytes: u32,
    /// Operations.
    pub operations: u32,
    /// Last block time at which it may be ordered.
    pub valid_until: TimeMs,
    /// When this node first held it.
    pub received: TimeMs,
}

/// Whether the execution of a block came to the end of what there is to do. Every member that executes
/// the block says the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Work {
    /// Nothing waits for a later block.
    Done,
    /// A search met the block's budget and goes on in the next block, whenever that comes.
    Left,
}

/// A wake-up. Each exists once: setting it again replaces it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Timer {
    /// Leave the view.
    ViewChange,
    /// Send votes and view changes again.
    Resend,
    /// Tell the others where this replica stands.
    Status,
    /// Cut a block.
    Propose,
    /// Stop waiting for further view changes.
    NewView,
    /// Stop waiting for answers at the start.
    Start,
    /// Fetch what is missing.
    Fetch,
}

/// Everything a replica reacts to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Input {
    /// The host is ready: bodies of the journal were fed before.
    Start,
    /// A message whose every signature holds.
    Message {
        /// Member whose connection brought it; answers go there.
        from: ValidatorIndex,
        /// The message.
        message: Box<Verified<Message>>,
    },
    /// A timer that was set, not cancelled and not replaced has fired.
    Timer(Timer),
    /// An admissible body is at hand: submitted, forwarded or fetched. The host refuses what an
    /// earlier block holds.
    BodyHeld(Body),
    /// A body is gone. The host keeps those of journaled proposals.
    BodyDropped(Hash),
    /// The answer to [`Action::FetchBlock`], hashed by decoding it.
    BlockFetched(Box<Block>),
    /// A statement of ours came back signed, journaled and synced, with all that was to be durable
    /// before it.
    Signed(Own),
    /// The batch of a decided height is synced.
    Executed {
        /// The height; heights come in order.
        height: Height,
        /// Root of the history that ends with it.
        root: Hash,
        /// Whether it left work over.
        work: Work,
    },
    /// The operator or the storage stops this replica.
    Halt(Halt),
}

/// Everything a replica wants done, strictly in order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// Append to the journal, with the bodies of [`Record::bodies`]; the next sync covers it, and
    /// is due at once where [`Record::is_urgent`] says so.
    Journal(Record),
    /// Let the signer admit the draft by the safety record and sign it; append [`Record::Own`];
    /// sync journal, then safety record; feed [`Input::Signed`] back. One sync may serve several.
    Sign(Draft),
    /// Send to one member.
    Send {
        /// The addressee.
        to: ValidatorIndex,
        /// The message.
        message: Arc<Message>,
    },
    /// Send to all other members.
    Broadcast(Arc<Message>),
    /// Sign and send; a status binds nobody, so nothing is journaled.
    SendStatus(Box<StatusDraft>),
    /// Send block and commit certificate of a height that left the replica's memory.
    Serve {
        /// The addressee.
        to: ValidatorIndex,
        /// A decided height.
        height: Height,
    },
    /// Wake the replica; replaces an earlier setting of the same timer.
    SetTimer {
        /// Which.
        timer: Timer,
        /// Milliseconds from now, by a clock that never jumps.
        after_ms: u64,
    },
    /// Do not wake it.
    CancelTimer(Timer),
    /// Send these bodies to all members again.
    ForwardBodies(Vec<Hash>),
    /// Ask for bodies; each comes back as [`Input::BodyHeld`], even with a full mempool.
    FetchBodies {
        /// Whom to ask.
        from: ValidatorIndex,
        /// Their leaves.
        leaves: Vec<Hash>,
    },
    /// Ask for a block that is not decided yet; comes back as [`Input::BlockFetched`].
    FetchBlock {
        /// Whom to ask.
        from: ValidatorIndex,
        /// Its hash.
        hash: BlockHash,
    },
    /// Ask for decided blocks; each comes back as a verified [`Message::Decided`], its bodies as
    /// [`Input::BodyHeld`] before it where the answer carries them.
    FetchBlocks {
        /// Whom to ask.
        from: ValidatorIndex,
        /// First height.
        first: Height,
        /// How many at most.
        count: u64,
    },
    /// Execute: the order up to this height is final. Block and bodies are here.
    Decide(Arc<Decided>),
    /// A quorum signed this checkpoint of executed history: store it.
    Certified(CheckpointCertificate),
    /// All members signed it: store it.
    Hardened(CheckpointCertificate),
    /// Journal records of heights below are no longer needed.
    Release {
        /// First height that still is.
        below: Height,
    },
    /// A member contradicted its own signature: keep for ever.
    Evidence(Box<Evidence>),
    /// A member broke a rule, as far as this replica can tell.
    Report(Misbehaviour),
    /// The mode changed; say so.
    ModeChanged(Mode),
}

/// A status without signature, for one member.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StatusDraft {
    /// The addressee.
    pub to: ValidatorIndex,
    /// What is signed.
    pub status: Status,
    /// Certificate of the highest decided height.
    pub decided: Option<CommitCertificate>,
    /// The highest checkpoint certificate.
    pub certified: Option<CheckpointCertificate>,
    /// The own last checkpoint.
    pub checkpoint: Option<Signed<Checkpoint>>,
    /// The highest signatures held of the addressee.
    pub seen: Vec<Seen>,
}

impl StatusDraft {
    /// The bytes to sign.
    pub fn signed_bytes(&self, chain: ChainId) -> Vec<u8> {
        self.status.signed_bytes(chain)
    }

    /// The message with its signature.
    pub fn complete(self, signer: ValidatorIndex, signature: Signature) -> Message {
        Message::Status(StatusMessage {
            signed: Signed { statement: self.status, signer, signature },
            decided: self.decided,
            certified: self.certified,
            checkpoint: self.checkpoint,
            seen: self.seen,
        })
    }
}

/// Where a replica stands, for logs, metrics and people.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Standing {
    /// What it does at all.
    pub mode: Mode,
    /// Open height.
    pub height: Height,
    /// Its view there.
    pub view: View,
    /// Primary of that view.
    pub primary: ValidatorIndex,
    /// How far the height is.
    pub phase: Phase,
    /// Highest decided height.
    pub decided: Height,
    /// Highest executed height.
    pub executed: Height,
    /// Size of the highest certified history.
    pub certified: u64,
    /// Size of the highest hardened history.
    pub hardened: u64,
    /// Bodies that wait for a block.
    pub bodies: usize,
    /// Members whose message is missing for the next step.
    pub waits_for: Vec<ValidatorIndex>,
}
