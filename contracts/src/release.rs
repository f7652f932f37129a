//! Information release: notices of an agency, published and withdrawn. A withdrawn notice stays and
//! says that it was withdrawn.

use proto::AgencyIndex;
use proto::codec::Writer;
use proto::receipt::{Link, Role};
use proto::schema::act::{ReleasePublish, ReleaseWithdraw};
use proto::schema::roles::Field;
use proto::trie::Namespace;

use crate::context::{BlockContext, Raised};
use crate::links::Naming;
use crate::refusal::Refusal;
use crate::risk::alert;
use crate::state::{Rows, StateFault};

/// Namespace RELEASE, key = agency u16, identifier.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct ReleaseRecord {
    /// The notice as published.
    #[prost(message, optional, tag = "1")]
    pub notice: Option<ReleasePublish>,
    /// Agency that published it.
    #[prost(uint32, tag = "2")]
    pub agency: u32,
    /// Time of the block that published it.
    #[prost(uint64, tag = "3")]
    pub published_ms: u64,
    /// Height of that block.
    #[prost(uint64, tag = "4")]
    pub published_height: u64,
    /// Time of the block that withdrew it; 0 while it stands.
    #[prost(uint64, tag = "5")]
    pub withdrawn_ms: u64,
    /// Height of that block.
    #[prost(uint64, tag = "6")]
    pub withdrawn_height: u64,
    /// Why it was withdrawn.
    #[prost(string, tag = "7")]
    pub withdrawn_reason: String,
}

/// State key of a notice.
pub fn key(agency: AgencyIndex, id: &str) -> Vec<u8> {
    let mut key = Writer::default();
    key.u16(agency.value()).raw(id.as_bytes());
    key.into_bytes()
}

/// A notice by its agency and identifier.
pub fn of(
    state: &Rows<'_>,
    agency: AgencyIndex,
    id: &str,
) -> Result<Option<ReleaseRecord>, StateFault> {
    state.load(Namespace::Release, &key(agency, id))
}

/// Publishes a notice. Alerts that it names must be there.
pub(crate) fn publish(
    context: &BlockContext,
    naming: &Naming<'_>,
    notice: &ReleasePublish,
    state: &mut Rows<'_>,
) -> Result<Result<Raised, Refusal>, StateFault> {
    let key = key(naming.agency, &notice.id);
    if state.get(Namespace::Release, &key)?.is_some() {
        return Ok(Err(Refusal::ReleaseExists { id: notice.id.clone() }));
    }
    for id in &notice.alerts {
        if alert::of(state, id)?.is_none_or(|held| held.raised_height == 0) {
            return Ok(Err(Refusal::AlertUnknown { alert: id.clone() }));
        }
    }
    let release = ReleaseRecord {
        notice: Some(notice.clone()),
        agency: naming.agency.value().into(),
        published_ms: context.time.value(),
        published_height: context.height.value(),
        ..ReleaseRecord::default()
    };
    state.store(Namespace::Release, &key, &release)?;
    Ok(Ok(Raised::default()))
}

/// A withdrawal that nothing stands against.
pub(crate) struct Withdrawal {
    key: Vec<u8>,
    held: ReleaseRecord,
    /// The notice's subjects: their logs say that it was withdrawn.
    pub(crate) links: Vec<Link>,
}

/// Judges the withdrawal of a notice of the same agency.
pub(crate) fn judge_withdrawal(
    context: &BlockContext,
    naming: &Naming<'_>,
    withdrawal: &ReleaseWithdraw,
    state: &Rows<'_>,
) -> Result<Result<Withdrawal, Refusal>, StateFault> {
    let id = || withdrawal.id.clone();
    let key = key(naming.agency, &withdrawal.id);
    let Some(mut held) = of(state, naming.agency, &withdrawal.id)? else {
        for agency in (0..context.agencies).map(AgencyIndex::new) {
            if of(state, agency, &withdrawal.id)?.is_some() {
                return Ok(Err(Refusal::ReleaseForeign { id: id(), agency: agency.value() }));
            }
        }
        return Ok(Err(Refusal::ReleaseUnknown { id: id() }));
    };
    if held.withdrawn_height > 0 {
        let height = held.withdrawn_height;
        return Ok(Err(Refusal::ReleaseWithdrawn { id: id(), height }));
    }
    held.withdrawn_ms = context.time.value();
    held.withdrawn_height = context.height.value();
    held.withdrawn_reason.clone_from(&withdrawal.reason);
    let links = held.notice.as_ref().map(|notice| links(naming, notice)).unwrap_or_default();
    Ok(Ok(Withdrawal { key, held, links }))
}

/// Withdraws a notice.
pub(crate) fn withdraw(state: &mut Rows<'_>, withdrawal: &Withdrawal) -> Result<(), StateFault> {
    state.store(Namespace::Release, &withdrawal.key, &withdrawal.held)
}

fn links(naming: &Naming<'_>, notice: &ReleasePublish) -> Vec<Link> {
    let of = |field, texts: &[String]| {
        let link = |text: &String| Link { role: Role::Other, subject: naming.subject(field, text) };
        texts.iter().map(link).collect::<Vec<_>>()
    };
    [of(Field::Items, &notice.codes), of(Field::Party, &notice.parties)].concat()
}
