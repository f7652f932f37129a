//! Reading ahead: what the operations of a block name is read at once, before the first of them is
//! executed. It changes nothing but the time that reading takes.

use std::rc::Rc;

use proto::operation::{OpUid, Operation};
use proto::schema::roles::Normaliser;
use proto::schema::{Body, OperationKind};
use proto::sign::PublicKey;

use super::Block;
use crate::key::{match_key, shipment_key, uid_key};
use crate::links::{self, Names, Naming};
use crate::state::{Said, StateFault, Wanted};

/// An operation that was decoded, and what it names.
pub(super) struct Prepared {
    /// The operation; none where its body is not of its type.
    pub(super) said: Option<Rc<Said>>,
    /// What it names.
    pub(super) names: Option<Names>,
}

impl Prepared {
    pub(super) fn of(operation: &Operation) -> Self {
        let kind = OperationKind::from_code(operation.kind);
        let said = kind.and_then(|kind| {
            let body = Body::decode(kind, &operation.body).ok()?;
            Some(Rc::new(Said { uid: operation.uid, kind, body }))
        });
        Self { said, names: None }
    }
}

impl Block<'_> {
    /// Reads what the operations name, all at once. They are to be executed next, in this order.
    pub fn read_ahead<'o>(
        &mut self,
        operations: impl IntoIterator<Item = (&'o Operation, &'o PublicKey)>,
    ) -> Result<(), StateFault> {
        let codes = self.codes()?;
        let mut wanted = Wanted::default();
        let mut ahead = Vec::new();
        for (operation, key) in operations {
            let mut prepared = Prepared::of(operation);
            if let (Some(submitter), Some(said)) = (self.submitter(key)?, &prepared.said) {
                let naming = Naming::new(submitter.agency, &codes);
                wanted.operations.insert(uid_key(submitter.agency, operation.uid));
                want(&mut wanted, &naming, said);
                prepared.names = Some(naming.into_names());
            }
            ahead.push(prepared);
        }
        self.prepared.extend(ahead);
        self.rows.read_ahead(&wanted)
    }
}

/// Notes the rows that an operation names.
fn want(wanted: &mut Wanted, naming: &Naming<'_>, said: &Said) {
    for (field, text) in proto::schema::roles::named(&said.body) {
        if field.normaliser() == Normaliser::Unit {
            wanted.units.insert(naming.key(Normaliser::Unit, text));
        }
    }
    if let Body::Correction(correction) = &said.body
        && let Ok(uid) = <[u8; 16]>::try_from(&*correction.supersedes)
    {
        wanted.operations.insert(uid_key(naming.agency, OpUid(uid)));
    }
    let Body::Event(event) = &said.body else { return };
    if !matches!(said.kind, OperationKind::Ship | OperationKind::Receive) {
        return;
    }
    let document = links::document(&event.document);
    for item in &event.items {
        let unit = naming.unit(&item.code);
        let is_taken = said.kind == OperationKind::Receive && !item.counterpart.is_empty();
        let sent = if is_taken { naming.unit(&item.counterpart) } else { unit.clone() };
        wanted.shipments.insert(shipment_key(document.as_bytes(), &sent));
        wanted.matches.insert(match_key(&sent, &unit));
    }
}
