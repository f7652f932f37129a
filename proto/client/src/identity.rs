//! Who the caller is: the trusted genesis document and the submitter keys of a home folder.

use std::time::Duration;

use anyhow::Context as _;
use genesis::Genesis;
use genesis::home::Home;
use genesis::keys::KeyPurpose;
use genesis::keystore;
use genesis::password::Password;
use proto::hash::Tag;
use proto::operation::{OpUid, Operation, Salt};
use proto::schema::body::BODY_VERSION;
use proto::schema::{Body, OperationKind};
use proto::sign::SecretKey;
use proto::submitter::SubmitterRole;
use proto::transaction::Transaction;
use proto::{AgencyIndex, TimeMs};

use crate::args::Cli;

/// How long a transaction may wait for its block.
const TTL: Duration = Duration::from_secs(60 * 60);

/// A submitter.
pub(crate) struct Identity {
    genesis: Genesis,
    key: SecretKey,
}

/// The genesis document that the caller trusts.
pub(crate) fn trusted_genesis(cli: &Cli) -> anyhow::Result<Genesis> {
    Ok(Home::new(&cli.home).read_genesis()?)
}

impl Identity {
    /// Opens the key of a role.
    pub(crate) fn open(cli: &Cli, role: SubmitterRole) -> anyhow::Result<Self> {
        let home = Home::new(&cli.home);
        let genesis = home.read_genesis()?;
        let password = match &cli.password_file {
            Some(path) => Password::from_file(path)?,
            None => Password::ask("密码 password: ")?,
        };
        let purpose = KeyPurpose::Submitter(role);
        let key = keystore::open(&home.key_file(purpose), purpose, &password)?;
        Ok(Self { genesis, key })
    }

    /// Secret that salts are derived from: known to nobody else, the same for a resubmission.
    pub(crate) fn salt_secret(&self) -> [u8; 32] {
        *Tag::OpSalt.hash(&*self.key.seed()).as_bytes()
    }

    /// Index of the key's agency.
    pub(crate) fn agency(&self) -> anyhow::Result<AgencyIndex> {
        let record = self.genesis.submitters().get(&self.key.public());
        let unknown =
            "该密钥不是本创世文件的提交方 the key is not a submitter of this genesis document";
        Ok(record.context(unknown)?.agency)
    }

    /// An operation of this submitter; `record` is its identity within the agency.
    pub(crate) fn operation(
        &self,
        kind: OperationKind,
        record: &str,
        body: &Body,
    ) -> anyhow::Result<Operation> {
        let uid = uid(self.agency()?, record);
        let salt = Salt::derive(&self.salt_secret(), uid);
        let body = body.encode();
        Ok(Operation { kind: kind.code(), version: BODY_VERSION, uid, salt, body })
    }

    /// Signs a transaction that may wait an hour.
    pub(crate) fn sign(&self, operations: Vec<Operation>) -> anyhow::Result<Transaction> {
        let until = now()?.plus_ms(u64::try_from(TTL.as_millis()).unwrap_or(u64::MAX));
        Ok(Transaction::sign(self.genesis.chain(), &self.key, until, operations)?)
    }
}

/// Identity of the operation that `record` is within its agency: the same record is the same operation.
fn uid(agency: AgencyIndex, record: &str) -> OpUid {
    OpUid::of_record(&format!("jjj/{agency}"), record)
}

/// The record of an act that may be done again: `again` tells a repetition from the act before it,
/// which the ledger would otherwise take for the same act sent twice. Its length goes in so that no
/// text can pass for another act's.
pub(crate) fn repeatable(record: String, again: Option<&str>) -> String {
    match again {
        Some(again) => format!("again:{}:{again}:{record}", again.len()),
        None => record,
    }
}

/// The record of taking note of an alert that was raised at this height; raised again, it is another.
pub(crate) fn acknowledgement(alert: &str, raised_height: u64) -> String {
    format!("ack:{raised_height}:{alert}")
}

/// The caller's clock.
#[expect(clippy::disallowed_types, reason = "a submitter states how long its transaction is valid")]
pub(crate) fn now() -> anyhow::Result<TimeMs> {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .context("时钟早于 1970 年 the clock is before 1970")?;
    let ms = u64::try_from(since.as_millis());
    Ok(TimeMs::new(ms.context("时钟远在将来 the clock is far in the future")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_act_is_another_operation_and_one_sent_twice_is_not() {
        let uid_of = |value: u64, again: Option<&str>| {
            uid(AgencyIndex::new(0), &repeatable(format!("rule:settling_ms::{value}"), again))
        };
        let first = uid_of(1, None);
        assert_eq!(first, uid_of(1, None), "sent twice");
        let distinct = [
            ("first", first),
            ("another value", uid_of(2, None)),
            ("back to the first", uid_of(1, Some("2021-04-02"))),
            ("a second time", uid_of(1, Some("2021-04-03"))),
            ("an empty text", uid_of(1, Some(""))),
            ("another agency", uid(AgencyIndex::new(1), "rule:settling_ms::1")),
        ];
        for (at, (name, one)) in distinct.iter().enumerate() {
            for (other, two) in distinct.iter().skip(at + 1) {
                assert_ne!(one, two, "{name}, {other}");
            }
        }
        assert_eq!(uid_of(1, Some("x")), uid_of(1, Some("x")), "a repetition sent twice");
    }

    #[test]
    fn an_alert_raised_again_is_acknowledged_by_another_operation() {
        let uid_at = |height| uid(AgencyIndex::new(0), &acknowledgement("R12:a", height));
        assert_eq!(uid_at(7), uid_at(7), "sent twice");
        assert_ne!(uid_at(7), uid_at(12), "raised again");
    }

    #[test]
    fn no_text_makes_one_act_pass_for_another() {
        let one = repeatable("match:a:b".to_owned(), Some("c"));
        for (record, again) in
            [("a:b", Some("c:match")), ("b", Some("c:match:a")), ("match:a:b", None)]
        {
            assert_ne!(one, repeatable(record.to_owned(), again), "{record} {again:?}");
        }
    }
}
