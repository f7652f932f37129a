//! Events that say, in our own URNs, everything that an event of ours needs and nothing more: these
//! become events of ours. All others are kept as observations, so that nothing of them is lost.

use contracts::admission::admit_body;
use proto::operation::OpUid;
use proto::schema::event::Correction;
use proto::schema::{Body, OperationKind};

use super::event::{EventType, bare};
use super::{PLATFORM, event_id};
use crate::build;
use crate::decimal;
use crate::time;
use crate::tree::Tree;

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
    ("jjj:driver", "person"),
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

/// The event as one of ours; none where it says more, or less, than one of ours can.
pub(super) fn event(event: &Tree) -> Option<(OperationKind, Body)> {
    let word = |name: &str| event.member(name).and_then(Tree::scalar).unwrap_or_default();
    let (action, business) = (word("action"), word("bizStep"));
    let kind = EventType::of(&word("type"))?;
    let step = STEPS.iter().find(|step| {
        step.event == kind && step.action == action && step.business == bare(&business)
    })?;
    let disposition = word("disposition");
    if !disposition.is_empty() && !step.dispositions.contains(&bare(&disposition)) {
        return None;
    }
    let body = build::body(step.kind, &fields(event, step)?, &[]).ok()?;
    admit_body(step.kind, &body).ok()?;
    match event.member("errorDeclaration") {
        None => Some((step.kind, body)),
        Some(error) => correction(event, error, step.kind),
    }
}

/// The declaration that an event of ours did not occur. That its data was wrong says what is wrong
/// only by events of other ids: it is kept as it stands.
fn correction(event: &Tree, error: &Tree, kind: OperationKind) -> Option<(OperationKind, Body)> {
    let Tree::Object(members) = error else { return None };
    let known = ["declarationTime", "reason"];
    let reason = error.member("reason").and_then(Tree::scalar)?;
    if members.iter().any(|(name, _)| !known.contains(&&**name)) || bare(&reason) != "did_not_occur"
    {
        return None;
    }
    let occurred_ms = time::rfc3339(&error.member("declarationTime")?.scalar()?)?;
    let supersedes = OpUid::of_record(PLATFORM, &event_id(event)?).0.to_vec();
    let kind = u32::from(kind.code());
    let reason = "did_not_occur".to_owned();
    let body = Body::Correction(Correction { occurred_ms, supersedes, reason, kind, event: None });
    admit_body(OperationKind::Correction, &body).ok()?;
    Some((OperationKind::Correction, body))
}

/// The fields of the body; none where a member has no field.
fn fields(event: &Tree, step: &Step) -> Option<Tree> {
    let Tree::Object(members) = event else { return None };
    let mut fields = Fields::default();
    let time = time::rfc3339(&event.member("eventTime")?.scalar()?)?;
    fields.put("occurred_ms", Tree::Number(time.to_string()));
    for (name, value) in members {
        match name.as_str() {
            name if COMMON.contains(&name) => (),
            "epcList" | "childEPCs" | "inputEPCList" => fields.instances("items", value)?,
            "outputEPCList" => fields.instances("outputs", value)?,
            "quantityList" | "childQuantityList" | "inputQuantityList" => {
                fields.quantities("items", value)?;
            }
            "outputQuantityList" => fields.quantities("outputs", value)?,
            "parentID" => fields.put("container", Tree::Text(code(value)?)),
            "bizLocation" => {
                let station = urn(&value.member("id")?.scalar()?, "urn:jjj:station:")?;
                fields.put("station", Tree::Text(station));
            }
            "bizTransactionList" => fields.papers(value)?,
            "sourceList" | "destinationList" => fields.end(name, value, step.kind)?,
            "ilmd" => fields.put("lot", renamed(value, &LOT)?),
            own => {
                let (_, field) = OWN.iter().find(|(member, _)| *member == own)?;
                fields.put(field, value.clone());
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
}

impl Fields {
    fn put(&mut self, name: &str, value: Tree) {
        self.members.push((name.to_owned(), value));
    }

    fn item(&mut self, list: &str, members: Vec<(String, Tree)>) {
        let list = if list == "outputs" { &mut self.outputs } else { &mut self.items };
        list.push(Tree::Object(members));
    }

    fn instances(&mut self, list: &str, codes: &Tree) -> Option<()> {
        for element in codes.elements() {
            self.item(list, vec![("code".to_owned(), Tree::Text(code(element)?))]);
        }
        Some(())
    }

    fn quantities(&mut self, list: &str, quantities: &Tree) -> Option<()> {
        for element in quantities.elements() {
            let Tree::Object(members) = element else { return None };
            let known = ["epcClass", "quantity", "uom", "jjj:counterpart"];
            if members.iter().any(|(name, _)| !known.contains(&name.as_str())) {
                return None;
            }
            let mut item =
                vec![("code".to_owned(), Tree::Text(code(element.member("epcClass")?)?))];
            if let Some(amount) = element.member("quantity") {
                let milli = decimal::scaled(&amount.scalar()?, 3)?;
                let quantity = Tree::Object(vec![
                    ("milli".to_owned(), Tree::Number(milli.to_string())),
                    ("uom".to_owned(), element.member("uom")?.clone()),
                ]);
                item.push(("quantity".to_owned(), quantity));
            }
            if let Some(counterpart) = element.member("jjj:counterpart") {
                item.push(("counterpart".to_owned(), Tree::Text(code(counterpart)?)));
            }
            self.item(list, item);
        }
        Some(())
    }

    /// Document, certificates and declaration, each by its URN.
    fn papers(&mut self, list: &Tree) -> Option<()> {
        for paper in list.elements() {
            let id = paper.member("bizTransaction")?.scalar()?;
            if let Some(document) = urn(&id, "urn:jjj:document:") {
                self.put("document", Tree::Text(document));
            } else if let Some(line) = urn(&id, "urn:jjj:declaration:") {
                self.put("declaration", Tree::Text(line));
            } else {
                self.certificates.push(Tree::Text(urn(&id, "urn:jjj:certificate:")?));
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
        self.put(if acts { "party" } else { "counterparty" }, Tree::Text(party));
        Some(())
    }

    fn finish(mut self) -> Tree {
        let lists =
            [("items", self.items), ("outputs", self.outputs), ("certificates", self.certificates)];
        for (name, list) in lists {
            if !list.is_empty() {
                self.members.push((name.to_owned(), Tree::List(list)));
            }
        }
        Tree::Object(self.members)
    }
}

/// An object under other names; none where it has a member without one.
fn renamed(tree: &Tree, names: &[(&str, &str)]) -> Option<Tree> {
    let Tree::Object(members) = tree else { return None };
    let one = |(name, value): &(String, Tree)| {
        let (_, field) = names.iter().find(|(member, _)| member == name)?;
        Some(((*field).to_owned(), value.clone()))
    };
    members.iter().map(one).collect::<Option<Vec<_>>>().map(Tree::Object)
}

fn code(tree: &Tree) -> Option<String> {
    let Tree::Text(text) = tree else { return None };
    Some(urn(text, super::event::CODE_URN).unwrap_or_else(|| text.clone()))
}

fn urn(text: &str, prefix: &str) -> Option<String> {
    text.strip_prefix(prefix).map(str::to_owned)
}
