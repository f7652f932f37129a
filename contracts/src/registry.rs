//! Registry entries: parties, stations, products, vehicles, certificates, declarations. The latest
//! writing stands, of a certificate that of each agency; what it covers is known to the units that it
//! names.

use proto::codec::Writer;
use proto::schema::Body;
use proto::schema::registry::Certificate;
use proto::schema::roles::{Field, Normaliser};
use proto::trie::Namespace;

use crate::codes;
use crate::context::BlockContext;
use crate::effect::Sign;
use crate::effect::matches::touch_class;
use crate::effect::papers::{Covered, cover};
use crate::key::UnitKey;
use crate::links::{self, Naming};
use crate::record::registry::{
    CertificateEntry, CertificateRecord, DeclarationRecord, PartyRecord, ProductRecord,
    StationRecord, VehicleRecord,
};
use crate::refusal::Refusal;
use crate::state::{Rows, StateFault};

/// State key, namespace PRODUCT.
pub fn product_key(naming: &Naming<'_>, id: &str) -> Vec<u8> {
    let mut key = Writer::default();
    key.u16(naming.agency.value()).raw(links::document(id).as_bytes());
    key.into_bytes()
}

/// The registered station at a station subject.
pub fn station(state: &Rows<'_>, key: &[u8]) -> Result<Option<StationRecord>, StateFault> {
    state.load(Namespace::Station, key)
}

/// The registered party at a party subject.
pub fn party(state: &Rows<'_>, key: &[u8]) -> Result<Option<PartyRecord>, StateFault> {
    state.load(Namespace::Party, key)
}

/// The registered certificate at a certificate subject.
pub fn certificate(state: &Rows<'_>, key: &[u8]) -> Result<Option<CertificateRecord>, StateFault> {
    state.load(Namespace::Certificate, key)
}

macro_rules! write {
    ($state:ident, $context:ident, $naming:ident, $namespace:ident, $record:ident, $key:expr, $entry:expr) => {{
        let key: Vec<u8> = $key;
        let before: Option<$record> = $state.load(Namespace::$namespace, &key)?;
        let revision = before.map_or(0, |before| before.revision);
        let record = $record {
            entry: Some($entry.clone()),
            agency: $naming.agency.value().into(),
            height: $context.height.value(),
            revision: revision.saturating_add(1),
        };
        $state.store(Namespace::$namespace, &key, &record)?;
    }};
}

/// Writes an entry. A station is of the agency that registered it: where it stands, and so whom an
/// alert is told, no other agency changes.
pub(crate) fn record(
    state: &mut Rows<'_>,
    context: &BlockContext,
    naming: &Naming<'_>,
    body: &Body,
) -> Result<Result<(), Refusal>, StateFault> {
    let key = |field, text: &str| naming.subject(field, text).key;
    match body {
        Body::Party(party) => {
            let key = key(Field::Party, &party.id);
            write!(state, context, naming, Party, PartyRecord, key, party);
        }
        Body::Station(station) => {
            let key = key(Field::Station, &station.id);
            let held = self::station(state, &key)?;
            if let Some(held) = held.filter(|held| held.agency != naming.agency.value().into()) {
                let station = String::from_utf8_lossy(&key).into_owned();
                return Ok(Err(Refusal::StationForeign { station, agency: held.agency }));
            }
            write!(state, context, naming, Station, StationRecord, key, station);
        }
        Body::Product(product) => {
            let key = product_key(naming, &product.id);
            write!(state, context, naming, Product, ProductRecord, key, product);
        }
        Body::Vehicle(vehicle) => {
            let key = key(Field::Vehicle, &vehicle.plate);
            write!(state, context, naming, Vehicle, VehicleRecord, key, vehicle);
        }
        Body::Certificate(certificate) => certify(state, context, naming, certificate)?,
        Body::Declaration(declaration) => {
            let key = key(Field::Declaration, &declaration.number);
            write!(state, context, naming, Declaration, DeclarationRecord, key, declaration);
        }
        Body::Event(_)
        | Body::Observation(_)
        | Body::Correction(_)
        | Body::MatchDeclare(_)
        | Body::MatchDecision(_)
        | Body::AlertAcknowledge(_)
        | Body::ReleasePublish(_)
        | Body::ReleaseWithdraw(_)
        | Body::Evaluation(_)
        | Body::SchemePropose(_)
        | Body::RulePropose(_)
        | Body::Approve(_) => (), // other contracts write these
    }
    Ok(Ok(()))
}

/// Writes an agency's entry of a certificate in place of its own former one.
fn certify(
    state: &mut Rows<'_>,
    context: &BlockContext,
    naming: &Naming<'_>,
    certificate: &Certificate,
) -> Result<(), StateFault> {
    let key = naming.subject(Field::Certificates, &certificate.number).key;
    let held: Option<CertificateRecord> = state.load(Namespace::Certificate, &key)?;
    let mut record = held.unwrap_or_default();
    let former = record.write(CertificateEntry {
        entry: Some(certificate.clone()),
        agency: naming.agency.value().into(),
        height: context.height.value(),
    });
    state.store(Namespace::Certificate, &key, &record)?;
    if let Some(former) = &former {
        covers(state, naming, (&key, former), Sign::TakeBack)?;
    }
    covers(state, naming, (&key, certificate), Sign::Add)
}

fn covers(
    state: &mut Rows<'_>,
    naming: &Naming<'_>,
    (key, certificate): (&[u8], &Certificate),
    sign: Sign,
) -> Result<(), StateFault> {
    let units: Vec<UnitKey> = certificate.codes.iter().map(|code| naming.unit(code)).collect();
    let declaration = match &*certificate.declaration {
        "" => Vec::new(),
        text => naming.key(Normaliser::Declaration, text),
    };
    let covered = Covered { certificate: key, declaration: &declaration, units: &units };
    cover(state, &covered, sign)?;
    for unit in &units {
        codes::note_unit(state, unit);
        touch_class(state, unit)?;
    }
    Ok(())
}
