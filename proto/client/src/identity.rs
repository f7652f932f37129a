//! Who the caller is: the trusted genesis document and the submitter keys of a home folder.

use std::time::Duration;

use anyhow::Context as _;
use genesis::Genesis;
use genesis::home::Home;
use genesis::keys::KeyPurpose;
use genesis::keystore;
use genesis::password::Password;
use proto::TimeMs;
use proto::hash::Tag;
use proto::operation::{OpUid, Operation, Salt};
use proto::schema::body::BODY_VERSION;
use proto::schema::{Body, OperationKind};
use proto::sign::SecretKey;
use proto::submitter::SubmitterRole;
use proto::transaction::Transaction;

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
    pub(crate) fn agency(&self) -> anyhow::Result<proto::AgencyIndex> {
        let record = self.genesis.submitters().get(&self.key.public());
        Ok(record.context("the key is not a submitter of this genesis document")?.agency)
    }

    /// An operation of this submitter; `record` is its identity within the agency.
    pub(crate) fn operation(
        &self,
        kind: OperationKind,
        record: &str,
        body: &Body,
    ) -> anyhow::Result<Operation> {
        let uid = OpUid::of_record(&format!("jjj/{}", self.agency()?), record);
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

/// The caller's clock.
#[expect(clippy::disallowed_types, reason = "a submitter states how long its transaction is valid")]
pub(crate) fn now() -> anyhow::Result<TimeMs> {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .context("the clock is before 1970")?;
    Ok(TimeMs::new(u64::try_from(since.as_millis()).context("the clock is far in the future")?))
}
