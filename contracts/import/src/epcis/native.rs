//! Events that say, in our own URNs, everything that an event of ours needs and nothing more: these
//! become events of ours, or are refused where a value is wrong. All others are kept as observations,
//! so that nothing of them is lost.

use std::collections::BTreeMap;

use contracts::admission::{self, admit_body};
use proto::operation::OpUid;
use proto::schema::event::Correction;
use proto::schema::{Body, OperationKind};

use super::event::{EventType, bare};
use crate::decimal;
use crate::gate::{Fault, not_admitted};
use crate::rule::Rule;
use crate::time;
use crate::tree::Tree;
use crate::{Rejected, build};

/// A step of the CBV that is a type of ours, and the dispositions that it implies.
struct Step {
    event: EventType,
    action: &'static str,
    business: &'static str,
    kind: OperationKind,
    dispositions: &'static [&'static str],
}

const fn step(
    (event, action): (EventType, &'static str),
    business: &'static str,
    kind: OperationKind,
    dispositions: &'static [&'static str],
) -> Step {
    Step { event, action, business, kind, dispositions }
}

const STEPS: [Step; 11] = {
    use EventType::{Aggregation, Object, Transformation};
    use OperationKind as K;
    [
        step((Object, "ADD"), "commissioning", K::Commission, &["active"]),
        step((Object, "OBSERVE"), "storing", K::StorageIn, &["sellable_not_accessible"]),
        step((Object, "OBSERVE"), "shipping", K::Ship, &["in_transit"]),
        step((Object, "OBSERVE"), "receiving", K::Receive, &["in_progress"]),
        step((Object, "DELETE"), "retail_selling", K::Sale, &["retail_sold"]),
        step((Object, "DELETE"), "dispensing", K::Use, &["dispensed"]),
        step((Object, "DELETE"), "destroying", K::Disposal, &["destroyed"]),
        step((Aggregation, "ADD"), "packing", K::Pack, &["in_progress"]),
        step((Aggregation, "DELETE"), "unpacking", K::Unpack, &["in_progress"]),
        step((Transformation, ""), "commissioning", K::Process, &["active", "in_progress"]),
        step((Transformation, ""), "repackaging", K::Split, &["active", "in_progress"]),
    ]
};

/// Members that every event has, or that say nothing beyond it.
const COMMON: [&str; 10] = [
    "type",
    "eventID",
    "eventTime",
    "eventTimeZoneOffset",
    "recordTime",
    "action",
    "bizStep",
    "disposition",
    "@context",
    "errorDeclaration",
];

/// Members of our own vocabulary and the fields that they fill.
const OWN: [(&str, &str); 7] = [
    ("jjj:party", "party"),
    ("jjj:counterparty", "counterparty"),
    ("jjj:vehicle", "vehicle"),
    (super::original::DRIVER, "person"),
    ("jjj:agent", "agent"),
    ("jjj:method", "method"),
    ("jjj:sample", "sample"),
];

/// Members of `ilmd` and the fields of a lot that they fill.
const LOT: [(&str, &str); 7] = [
    ("jjj:product", "product"),
    ("jjj:batch", "batch"),
    ("jjj:producedDay", "produced_day"),
    ("jjj:expiresDay", "expires_day"),
    ("jjj:originCountry", "origin_country"),
    ("jjj:establishment", "establishment"),
    ("jjj:imported", "imported"),
];

/// The event as one of ours; none where it says more, or less, than one of ours can. What speaks our
/// vocabulary and is wrong in it is refused: as an observation its fault would stay for ever.
pub(super) fn event(
    row: u64,
    event: &Tree,
) -> Result<Option<(OperationKind, Body)>, Box<Rejected>> {
    let Some(step) = step_of(event) else { return Ok(None) };
    let Some((fields, origins)) = fields(event, step) else { return Ok(None) };
    let body = match build::body(step.kind, &fields, &[]) {
        Ok(body) => body,
        Err(fault) if is_wrong_value(fault.rule) => {
            let column = origin(&origins, &fault.field);
            return Err(Box::new(fault.rejected(row, column)));
        }
        Err(_) => return Ok(None),
    };
    match admit_body(step.kind, &body) {
        Ok(()) => Ok(Some((step.kind, body))),
        Err(error) if says_something_else(&error.rule) => Ok(None),
        Err(error) => {
            let column = origin(&origins, &error.field);
            Err(Box::new(not_admitted(row, column, &error.rule, error.value)))
        }
    }
}

/// The step that the event tells of.
fn step_of(event: &Tree) -> Option<&'static Step> {
    let word = |name: &str| event.member(name).and_then(Tree::scalar).unwrap_or_default();
    let (action, business) = (word("action"), word("bizStep"));
    let kind = EventType::of(&word("type"))?;
    let step = STEPS.iter().find(|step| {
        step.event == kind && step.action == action && step.business == bare(&business)
    })?;
    let disposition = word("disposition");
    (disposition.is_empty() || step.dispositions.contains(&bare(&disposition))).then_some(step)
}

/// Whether a value is wrong, and not only more than a field of ours can say.
const fn is_wrong_value(rule: Rule) -> bool {
    matches!(rule, Rule::UnreadableDay | Rule::UnreadableNumber | Rule::InexactNumber)
}

/// Whether the members are right by themselves, but do not make an event of ours.
const fn says_something_else(rule: &admission::Rule) -> bool {
    use admission::Rule as R;
    matches!(
        rule,
        R::FieldRequired { .. }
            | R::FieldForbidden { .. }
            | R::SubjectMissing { .. }
            | R::EnumUnspecified
            | R::SplitOneItem { .. }
            | R::SelfReference { .. }
            | R::ListTooLong { .. }
            | R::TextTooLong { .. }
    )
}

/// Members of the event by the fields that they fill.
type Origins = BTreeMap<String, String>;

/// The member that fills a field, or that in which it lies.
fn origin(origins: &Origins, field: &str) -> String {
    let mut field = field;
    loop {
        if let Some(member) = origins.get(field) {
            return member.clone();
        }
        let Some(outer) = field.rfind(['.', '[']).and_then(|cut| field.get(..cut)) else {
            return String::new();
        };
        field = outer;
    }
}

/// Reasons of the CBV for which an event is taken back.
const ERROR_REASONS: [&str; 2] = ["did_not_occur", "incorrect_data"];

/// The error that an event declares of itself, where its reason takes the event back. What is right
/// instead is said by the corrective events, which count by themselves.
pub(super) fn declared(event: &Tree) -> Option<(&Tree, &'static str)> {
    let error = event.member("errorDeclaration")?;
    let stated = error.member("reason").and_then(Tree::scalar)?;
    let reason = ERROR_REASONS.into_iter().find(|reason| *reason == bare(&stated))?;
    Some((error, reason))
}

/// The correction that takes back `of`, an event of type `kind`.
pub(super) fn taken_back(
    (error, reason): (&Tree, &str),
    of: OpUid,
    kind: OperationKind,
) -> Result<Body, Fault> {
    let at = "errorDeclaration.declarationTime";
    let stated = error.member("declarationTime").and_then(Tree::scalar).unwrap_or_default();
    if stated.is_empty() {
        return Err(Fault::new(at, Rule::MissingValue));
    }
    let occurred_ms =
        time::rfc3339(&stated).ok_or_else(|| Fault::of(at, Rule::UnreadableTime, stated))?;
    let (supersedes, reason) = (of.0.to_vec(), reason.to_owned());
    let kind = u32::from(kind.code());
    Ok(Body::Correction(Correction { occurred_ms, supersedes, reason, kind, event: None }))
}

/// The fields of the body and where they come from; none where a member has no field.
fn fields(event: &Tree, step: &Step) -> Option<(Tree, Origins)> {
    let Tree::Object(members) = event else { return None };
    let mut fields = Fields::default();
    let time = time::rfc3339(&event.member("eventTime")?.scalar()?)?;
    fields.put("occurred_ms", "eventTime", Tree::Number(time.to_string()));
    for (name, value) in members {
        match name.as_str() {
            name if COMMON.contains(&name) => (),
            "epcList" | "childEPCs" | "inputEPCList" => fields.instances("items", name, value)?,
            "outputEPCList" => fields.instances("outputs", name, value)?,
            "quantityList" | "childQuantityList" | "inputQuantityList" => {
                fields.quantities("items", name, value)?;
            }
            "outputQuantityList" => fields.quantities("outputs", name, value)?,
            "parentID" => fields.put("container", name, Tree::Text(code(value)?)),
            "bizLocation" => {
                let station = urn(&value.member("id")?.scalar()?, "urn:jjj:station:")?;
                fields.put("station", "bizLocation.id", Tree::Text(station));
            }
            "bizTransactionList" => fields.papers(value)?,
            "sourceList" | "destinationList" => fields.end(name, value, step.kind)?,
            "ilmd" => fields.lot(value)?,
            own => {
                let (_, field) = OWN.iter().find(|(member, _)| *member == own)?;
                fields.put(field, own, value.clone());
            }
        }
    }
    Some(fields.finish())
}

/// The fields of a body in the making.
#[derive(Default)]
struct Fields {
    members: Vec<(String, Tree)>,
    items: Vec<Tree>,
    outputs: Vec<Tree>,
    certificates: Vec<Tree>,
    origins: Origins,
}

impl Fields {
    fn put(&mut self, name: &str, member: &str, value: Tree) {
        self.origins.insert(name.to_owned(), member.to_owned());
        self.members.push((name.to_owned(), value));
    }

    /// Adds an item, of which each member came from the one named beside it.
    fn item(&mut self, list: &str, at: &str, members: Vec<(&str, &str, Tree)>) {
        let items = if list == "outputs" { &mut self.outputs } else { &mut self.items };
        let mut item = Vec::new();
        for (name, member, value) in members {
            let field = format!("{list}[{}].{name}", items.len());
            self.origins.insert(field, format!("{at}{member}"));
            item.push((name.to_owned(), value));
        }
        items.push(Tree::Object(item));
    }

    fn instances(&mut self, list: &str, name: &str, codes: &Tree) -> Option<()> {
        for (index, element) in codes.elements().into_iter().enumerate() {
            let member = vec![("code", "", Tree::Text(code(element)?))];
            self.item(list, &format!("{name}[{index}]"), member);
        }
        Some(())
    }

    fn quantities(&mut self, list: &str, name: &str, quantities: &Tree) -> Option<()> {
        for (index, element) in quantities.elements().into_iter().enumerate() {
            let Tree::Object(members) = element else { return None };
            let known = ["epcClass", "quantity", "uom", "jjj:counterpart"];
            if members.iter().any(|(name, _)| !known.contains(&name.as_str())) {
                return None;
            }
            let class = Tree::Text(code(element.member("epcClass")?)?);
            let mut item = vec![("code", ".epcClass", class)];
            if let Some(amount) = element.member("quantity") {
                let milli = decimal::scaled(&amount.scalar()?, 3)?;
                let quantity = Tree::Object(vec![
                    ("milli".to_owned(), Tree::Number(milli.to_string())),
                    ("uom".to_owned(), element.member("uom")?.clone()),
                ]);
                item.push(("quantity", ".quantity", quantity));
            }
            if let Some(counterpart) = element.member("jjj:counterpart") {
                let counterpart = Tree::Text(code(counterpart)?);
                item.push(("counterpart", ".jjj:counterpart", counterpart));
            }
            self.item(list, &format!("{name}[{index}]"), item);
        }
        Some(())
    }

    /// Document, certificates and declaration, each by its URN.
    fn papers(&mut self, list: &Tree) -> Option<()> {
        for (index, paper) in list.elements().into_iter().enumerate() {
            let id = paper.member("bizTransaction")?.scalar()?;
            let member = format!("bizTransactionList[{index}].bizTransaction");
            if let Some(document) = urn(&id, "urn:jjj:document:") {
                self.put("document", &member, Tree::Text(document));
            } else if let Some(line) = urn(&id, "urn:jjj:declaration:") {
                self.put("declaration", &member, Tree::Text(line));
            } else {
                let number = Tree::Text(urn(&id, "urn:jjj:certificate:")?);
                self.origins.insert(format!("certificates[{}]", self.certificates.len()), member);
                self.certificates.push(number);
            }
        }
        Some(())
    }

    /// An end of a hand-over: the acting party or the other one, by the side that speaks.
    fn end(&mut self, name: &str, list: &Tree, kind: OperationKind) -> Option<()> {
        let [end] = list.elements()[..] else { return None };
        let member = if name == "sourceList" { "source" } else { "destination" };
        let party = urn(&end.member(member)?.scalar()?, "urn:jjj:party:")?;
        if bare(&end.member("type")?.scalar()?) != "possessing_party" {
            return None;
        }
        let acts = (name == "sourceList") != (kind == OperationKind::Receive);
        let field = if acts { "party" } else { "counterparty" };
        self.put(field, &format!("{name}[0].{member}"), Tree::Text(party));
        Some(())
    }

    /// What `ilmd` says of the lot; none where it has a member without a field.
    fn lot(&mut self, ilmd: &Tree) -> Option<()> {
        let Tree::Object(members) = ilmd else { return None };
        let mut lot = Vec::new();
        for (member, value) in members {
            let (_, field) = LOT.iter().find(|(known, _)| known == member)?;
            self.origins.insert(format!("lot.{field}"), format!("ilmd.{member}"));
            lot.push(((*field).to_owned(), value.clone()));
        }
        self.put("lot", "ilmd", Tree::Object(lot));
        Some(())
    }

    fn finish(mut self) -> (Tree, Origins) {
        let lists =
            [("items", self.items), ("outputs", self.outputs), ("certificates", self.certificates)];
        for (name, list) in lists {
            if !list.is_empty() {
                self.members.push((name.to_owned(), Tree::List(list)));
            }
        }
        (Tree::Object(self.members), self.origins)
    }
}

fn code(tree: &Tree) -> Option<String> {
    let Tree::Text(text) = tree else { return None };
    Some(urn(text, super::event::CODE_URN).unwrap_or_else(|| text.clone()))
}

fn urn(text: &str, prefix: &str) -> Option<String> {
    text.strip_prefix(prefix).map(str::to_owned)
}
