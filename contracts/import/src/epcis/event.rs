//! The members of an EPCIS event: what was seen, what was used up and what was made, where and by whom.

use std::collections::BTreeSet;

use proto::schema::Body;
use proto::schema::event::Observation;

use crate::build::canonical;
use crate::gate::Fault;
use crate::limits::EVENT_CODES_MAX;
use crate::rule::Rule;
use crate::time;
use crate::tree::Tree;

/// Format of the kept original.
pub(super) const FORMAT: &str = "epcis-2.0-json";

/// The event types of EPCIS 2.0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum EventType {
    Object,
    Aggregation,
    Transaction,
    Transformation,
    Association,
}

impl EventType {
    /// The type of a name, with or without a prefix.
    pub(super) fn of(name: &str) -> Option<Self> {
        let bare = name.rsplit([':', '/', '#']).next().unwrap_or(name);
        match bare {
            "ObjectEvent" => Some(Self::Object),
            "AggregationEvent" => Some(Self::Aggregation),
            "TransactionEvent" => Some(Self::Transaction),
            "TransformationEvent" => Some(Self::Transformation),
            "AssociationEvent" => Some(Self::Association),
            _ => None,
        }
    }
}

/// URNs of this project: the platforms' own trace codes among the keys of GS1.
pub(super) const CODE_URN: &str = "urn:jjj:code:";

/// What the objects of an event did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Action {
    Add,
    Observe,
    Delete,
}

/// The member that a field of an observation is told as.
pub(super) fn column(field: &str) -> &str {
    let name = field.split(['[', '.']).next().unwrap_or(field);
    match name {
        "occurred_ms" => "eventTime",
        "codes" => "epcList",
        "inputs" => "inputEPCList",
        "outputs" => "outputEPCList",
        "container" => "parentID",
        "contents" => "childEPCs",
        "stations" => "bizLocation",
        "parties" => "sourceList",
        "business_step" => "bizStep",
        "original" => "",
        other => other,
    }
}

/// The observation of an event: every code that it names, with its lineage role.
pub(super) fn observation(event: &Tree, original: Vec<u8>) -> Result<Body, Fault> {
    let kind = text(event, "type")?;
    let kind = EventType::of(&kind).ok_or_else(|| Fault::of("type", Rule::EpcisType, kind))?;
    let action = action(event, kind)?;
    let occurred = text(event, "eventTime")?;
    let occurred_ms = time::rfc3339(&occurred)
        .ok_or_else(|| Fault::of("eventTime", Rule::UnreadableTime, occurred))?;
    let mut seen = Observation {
        occurred_ms,
        format: FORMAT.to_owned(),
        original,
        business_step: bare(&text(event, "bizStep")?).to_owned(),
        ..Observation::default()
    };
    // An event that declares an error says of an earlier one that it was wrong: it names the codes,
    // it does not once more make one from the other.
    if event.member("errorDeclaration").is_some() {
        seen.codes = all_codes(event)?;
    } else {
        roles(event, kind, action, &mut seen)?;
    }
    (seen.stations, seen.parties) = (stations(event)?, parties(event)?);
    let named = seen.codes.len() + seen.inputs.len() + seen.outputs.len() + seen.contents.len();
    if named == 0 && seen.container.is_empty() {
        return Err(Fault::new("epcList", Rule::EpcisNoCode));
    }
    if named > EVENT_CODES_MAX {
        return Err(Fault::new("epcList", Rule::TooManyCodes));
    }
    Ok(Body::Observation(seen))
}

fn action(event: &Tree, kind: EventType) -> Result<Option<Action>, Fault> {
    let word = text(event, "action")?;
    match (word.as_str(), kind) {
        ("", EventType::Transformation) => Ok(None),
        ("", _) => Err(Fault::new("action", Rule::MissingValue)),
        ("ADD", _) => Ok(Some(Action::Add)),
        ("OBSERVE", _) => Ok(Some(Action::Observe)),
        ("DELETE", _) => Ok(Some(Action::Delete)),
        _ => Err(Fault::of("action", Rule::UnknownWord, word)),
    }
}

/// Sorts the codes by what the event did with them.
fn roles(
    event: &Tree,
    kind: EventType,
    action: Option<Action>,
    seen: &mut Observation,
) -> Result<(), Fault> {
    let objects = codes(event, &["epcList"], &["quantityList"])?;
    let children = codes(event, &["childEPCs"], &["childQuantityList"])?;
    let inputs = codes(event, &["inputEPCList"], &["inputQuantityList"])?;
    let outputs = codes(event, &["outputEPCList"], &["outputQuantityList"])?;
    let parent = parent(event)?;
    let mut found = Observation::default();
    match kind {
        EventType::Object => match action {
            Some(Action::Add) => found.outputs = objects,
            Some(Action::Delete) => found.inputs = objects,
            Some(Action::Observe) | None => found.codes = objects,
        },
        EventType::Aggregation | EventType::Association if parent.is_empty() => {
            found.codes = children;
        }
        EventType::Aggregation | EventType::Association => found.contents = children,
        EventType::Transaction if parent.is_empty() => found.codes = objects,
        EventType::Transaction => found.contents = objects,
        EventType::Transformation => {
            let id = text(event, "transformationID")?;
            (found.inputs, found.outputs) = transformed(inputs, outputs, id);
        }
    }
    found.contents.retain(|code| *code != parent);
    seen.container = parent;
    // A class or pattern of instances is not a unit: as a lineage role it would tie together all
    // goods of a product.
    for (list, into) in [
        (&mut found.inputs, &mut seen.inputs),
        (&mut found.outputs, &mut seen.outputs),
        (&mut found.contents, &mut seen.contents),
    ] {
        let (classes, units): (Vec<String>, Vec<String>) =
            list.drain(..).partition(|code| is_class(code));
        *into = units;
        found.codes.extend(classes);
    }
    seen.codes = distinct(found.codes);
    Ok(())
}

/// Inputs and outputs of a transformation. Its id stands as a unit between events that say only what
/// was used up and events that say only what was made. A lot that is topped up is its own output:
/// what went into it is its source, not it itself.
fn transformed(
    mut inputs: Vec<String>,
    mut outputs: Vec<String>,
    id: String,
) -> (Vec<String>, Vec<String>) {
    if !id.is_empty() && inputs.is_empty() {
        inputs.push(id);
    } else if !id.is_empty() {
        outputs.push(id);
    }
    inputs.retain(|code| !outputs.contains(code));
    (inputs, outputs)
}

fn all_codes(event: &Tree) -> Result<Vec<String>, Fault> {
    let mut all = codes(
        event,
        &["epcList", "childEPCs", "inputEPCList", "outputEPCList"],
        &["quantityList", "childQuantityList", "inputQuantityList", "outputQuantityList"],
    )?;
    all.extend(Some(parent(event)?).filter(|parent| !parent.is_empty()));
    Ok(distinct(all))
}

/// The container, as a code like those of the lists.
fn parent(event: &Tree) -> Result<String, Fault> {
    let parent = text(event, "parentID")?;
    Ok(parent.strip_prefix(CODE_URN).map_or(parent.clone(), canonical))
}

/// Whether a code names a product rather than a unit: a pattern of instances, or a GTIN alone.
fn is_class(code: &str) -> bool {
    let link = code.strip_prefix("https://id.gs1.org/01/").map(|rest| !rest.contains('/'));
    code.starts_with("urn:epc:idpat:") || link.unwrap_or(false)
}

fn distinct(codes: Vec<String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    codes.into_iter().filter(|code| seen.insert(code.clone())).collect()
}

/// The codes of lists of instances and of lists of quantities, each once.
fn codes(event: &Tree, instances: &[&str], quantities: &[&str]) -> Result<Vec<String>, Fault> {
    let mut found = Vec::new();
    for name in instances {
        for (index, element) in list(event, name)?.iter().enumerate() {
            let wrong = || Fault::new(format!("{name}[{index}]"), Rule::WrongShape);
            let Tree::Text(code) = element else { return Err(wrong()) };
            found.push(canonical(code.strip_prefix(CODE_URN).unwrap_or(code)));
        }
    }
    for name in quantities {
        for (index, element) in list(event, name)?.iter().enumerate() {
            let class = element.member("epcClass").and_then(Tree::scalar);
            let missing = || Fault::new(format!("{name}[{index}].epcClass"), Rule::MissingValue);
            let class = class.filter(|code| !code.is_empty()).ok_or_else(missing)?;
            found.push(canonical(class.strip_prefix(CODE_URN).unwrap_or(&class)));
        }
    }
    found.retain(|code| !code.is_empty());
    Ok(distinct(found))
}

fn list<'a>(event: &'a Tree, name: &str) -> Result<&'a [Tree], Fault> {
    match event.member(name) {
        None | Some(Tree::Null) => Ok(&[]),
        Some(Tree::List(list)) => Ok(list),
        Some(Tree::Flag(_) | Tree::Number(_) | Tree::Inexact | Tree::Text(_) | Tree::Object(_)) => {
            Err(Fault::new(name, Rule::WrongShape))
        }
    }
}

fn text(event: &Tree, name: &str) -> Result<String, Fault> {
    match event.member(name) {
        None | Some(Tree::Null) => Ok(String::new()),
        Some(Tree::Text(text)) => Ok(canonical(text)),
        Some(Tree::Flag(_) | Tree::Number(_) | Tree::Inexact | Tree::List(_) | Tree::Object(_)) => {
            Err(Fault::new(name, Rule::WrongShape))
        }
    }
}

/// The word of a CBV value, whichever of its spellings stands there.
pub(super) fn bare(value: &str) -> &str {
    const PREFIXES: [&str; 12] = [
        "urn:epcglobal:cbv:bizstep:",
        "urn:epcglobal:cbv:disp:",
        "urn:epcglobal:cbv:er:",
        "https://ref.gs1.org/cbv/ER-",
        "cbv:ER-",
        "https://ref.gs1.org/cbv/Disp-",
        "urn:epcglobal:cbv:sdt:",
        "https://ref.gs1.org/cbv/BizStep-",
        "https://ref.gs1.org/cbv/SDT-",
        "https://ns.gs1.org/cbv/BizStep-",
        "cbv:BizStep-",
        "cbv:SDT-",
    ];
    PREFIXES.iter().find_map(|prefix| value.strip_prefix(prefix)).unwrap_or(value)
}

/// Ends of a hand-over of one of the types in `types`.
fn ends(event: &Tree, types: &[&str]) -> Result<Vec<String>, Fault> {
    let mut found = Vec::new();
    for (name, member) in [("sourceList", "source"), ("destinationList", "destination")] {
        for end in list(event, name)? {
            if types.contains(&bare(&text(end, "type")?)) {
                found.push(text(end, member)?);
            }
        }
    }
    Ok(found)
}

fn stations(event: &Tree) -> Result<Vec<String>, Fault> {
    let mut found = Vec::new();
    for name in ["readPoint", "bizLocation"] {
        if let Some(place) = event.member(name) {
            found.push(if matches!(place, Tree::Text(_)) {
                text(event, name)?
            } else {
                text(place, "id")?
            });
        }
    }
    found.extend(ends(event, &["location"])?);
    found.retain(|place| !place.is_empty());
    Ok(distinct(found))
}

/// Members of master data and of GDST that name a party.
const PARTY_MEMBERS: [&str; 2] = ["gdst:productOwner", "cbvmda:informationProvider"];

fn parties(event: &Tree) -> Result<Vec<String>, Fault> {
    let mut found = ends(event, &["owning_party", "possessing_party"])?;
    for name in PARTY_MEMBERS {
        found.push(text(event, name)?);
    }
    found.retain(|party| !party.is_empty());
    Ok(distinct(found))
}
