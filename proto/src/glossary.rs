//! The words that people read: one row per term, in Chinese and in English, for the command line,
//! proofs and documents. The same table stands in the front page, and a test compares the two.

use crate::quorum::Quorum;

macro_rules! terms {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $zh:literal, $en:literal, $meaning:literal;)*) => {
        /// A word of the glossary.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, std::hash::Hash, Debug)]
        pub enum Term { $($(#[$doc])* $variant,)* }

        impl Term {
            /// Every term, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The term as code, documents and machine output write it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What a person reads in Chinese.
            pub const fn zh(self) -> &'static str {
                match self { $(Self::$variant => $zh,)* }
            }

            /// What a person reads in English.
            pub const fn en(self) -> &'static str {
                match self { $(Self::$variant => $en,)* }
            }

            /// What it means.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)* }
            }

            /// The term of a name.
            pub fn from_name(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

terms! {
    /// The order is final.
    Committed = "COMMITTED", "已上链（顺序已定）", "committed (the order is final)",
        "q COMMITs of one view; says nothing of results; not a proof level";
    /// A quorum has signed the result.
    Certified = "CERTIFIED", "多数签认", "certified by a quorum",
        "q CHECKPOINTs of one history root; the least level of any proof, but for RECOVERED";
    /// Every validator has signed the result.
    Hardened = "HARDENED", "三地全部签认", "signed by every validator",
        "n of n CHECKPOINTs, all hand-offs full; final even if all but one are malicious";
    /// Outside witnesses have signed the result.
    Anchored = "ANCHORED", "第三方存证", "cosigned by outside witnesses",
        "a hardened checkpoint that outside witnesses cosigned; final against later collusion of all";
    /// The four numbers of a validator set.
    Quorum = "n, b, q, u", "共 3 家，需 2 家签认，可停 1 家", "3 validators, 2 must agree, 1 may stop",
        "validators, malicious ones tolerated, votes that decide, validators that may be down";
    /// A member named in genesis.
    Validator = "validator", "共识节点", "validator",
        "a member of an epoch's set, one vote each; its running instance is a replica";
    /// The proposer of a view.
    Primary = "primary", "本轮出块节点", "primary",
        "the validator that proposes the block of a height and view";
    /// Where goods came from.
    TraceBack = "trace back", "溯源（来源）", "trace back (source)",
        "from a code to what it was made of, and where that came from";
    /// Where goods went.
    TraceForward = "trace forward", "追踪（去向）", "trace forward (destination)",
        "from a code to what was made of it, and where that went";
    /// Two codes of the same goods.
    Same = "SAME", "同货两码", "same goods, two codes",
        "a match between the codes that two agencies gave to the same goods";
    /// A unit divided.
    Split = "SPLIT", "拆分", "split",
        "a recorded relation between a unit and the parts it was divided into";
    /// A container and its contents.
    Contains = "CONTAINS", "装载", "contains",
        "a recorded relation between a container and the units in it";
    /// Inputs become outputs.
    Transform = "TRANSFORM", "加工转换", "transform",
        "a recorded relation between the inputs and the outputs of processing";
    /// A code that no active scheme can read.
    Opaque = "OPAQUE", "暂不识别的码（已原样保存）", "code not recognised yet (kept as it is)",
        "a code of no active scheme; kept verbatim and linked when its scheme becomes active";
    /// The file that proves an answer.
    ProofBundle = "proof bundle", "存证文件", "proof bundle",
        "a file that a stranger checks offline with the genesis hash alone";
    /// To check a proof.
    Verify = "verify", "核验", "verify",
        "to check a proof bundle without trusting any node";
    /// Transactions that wait.
    Mempool = "mempool", "待上链队列", "queue of transactions not yet in a block",
        "admitted transactions that wait for a block";
    /// A signed tree head.
    Checkpoint = "checkpoint", "签认点", "checkpoint",
        "size and root of the history, signed by each validator after execution";
    /// What stands for personal data.
    Commitment = "commitment", "隐私登记号", "privacy reference",
        "a keyed hash that stands for personal data, which never enters a block";
    /// What stands for an individual household.
    PartyRef = "party_ref", "隐私登记号", "privacy reference of a party",
        "the commitment that stands for an individual household in place of its identity";
    /// What is traced.
    Unit = "unit", "追溯单元（批/箱）", "traced unit (lot, box)",
        "the goods behind one code: lot, box, pallet, packet";
    /// Who has the goods now.
    Holder = "holder", "现持有单位", "current holder",
        "a party that still has some of the unit, by the sums of what all events say";
    /// Why something was not accepted.
    Refusal = "refusal", "拒绝原因", "refusal",
        "a sentence with numbers (超量出库：入库 100 箱，出库 120 箱) and a stable code";
}

/// The quorum of a validator set in words, Chinese and English: the row [`Term::Quorum`] with the
/// numbers of the set.
///
/// ```
/// use proto::glossary::{Term, quorum_in_words};
/// use proto::quorum::{Mode, Quorum};
/// let (zh, en) = quorum_in_words(Quorum::of(3, Mode::Standard)?);
/// assert_eq!((zh.as_str(), en.as_str()), (Term::Quorum.zh(), Term::Quorum.en()));
/// # Ok::<(), proto::quorum::NoValidators>(())
/// ```
pub fn quorum_in_words(quorum: Quorum) -> (String, String) {
    let (n, q, u) = (quorum.validators(), quorum.votes(), quorum.down_max());
    (
        format!("共 {n} 家，需 {q} 家签认，可停 {u} 家"),
        format!("{n} validators, {q} must agree, {u} may stop"),
    )
}
