//! The table from kind of event to effects. A kind means nothing that does not stand here.

use proto::receipt::Role;
use proto::schema::OperationKind;

use crate::fact::{Fact, Line};
use crate::key::UnitKey;
use crate::record::shipment::{Amount, Side, add_amount};
use crate::record::unit::{Flow, Packs};

/// Which units of an event its lot describes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Lines {
    /// Those that it acts on.
    Items,
    /// Those that it makes.
    Outputs,
}

/// The effects of a kind of event on the units that it names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Meaning {
    /// The sum that the quantities of its items add to.
    pub(super) items: Option<Flow>,
    /// The sum that the quantities of its outputs add to.
    pub(super) outputs: Option<Flow>,
    /// The roles of its items and of its outputs in the lineage.
    pub(super) lineage: Option<(Role, Role)>,
    /// Its effect on its container and the list of the units that it packs.
    pub(super) packs: Option<Packs>,
    /// The side of a delivery that it speaks for.
    pub(super) side: Option<Side>,
    /// Which units its lot describes.
    pub(super) described: Lines,
}

/// Goods are looked at or treated: nothing comes or goes.
const NOTHING: Meaning = Meaning {
    items: None,
    outputs: None,
    lineage: None,
    packs: None,
    side: None,
    described: Lines::Items,
};

const fn adds(flow: Flow) -> Meaning {
    Meaning { items: Some(flow), ..NOTHING }
}

/// The effects of a kind of event: the one table.
pub(super) const fn meaning(kind: OperationKind) -> Meaning {
    match kind {
        OperationKind::OpeningStock => adds(Flow::Opening),
        OperationKind::Commission => adds(Flow::Made),
        OperationKind::StorageIn => adds(Flow::StoredIn),
        OperationKind::StorageOut => adds(Flow::StoredOut),
        OperationKind::Sale => adds(Flow::Sold),
        OperationKind::Use => adds(Flow::Used),
        OperationKind::Disposal => adds(Flow::Disposed),
        OperationKind::Ship => Meaning { side: Some(Side::Sender), ..adds(Flow::Shipped) },
        OperationKind::Receive => Meaning { side: Some(Side::Receiver), ..adds(Flow::Received) },
        OperationKind::Split => Meaning {
            outputs: Some(Flow::Made),
            lineage: Some((Role::SplitFrom, Role::SplitTo)),
            described: Lines::Outputs,
            ..adds(Flow::Divided)
        },
        OperationKind::Process => Meaning {
            outputs: Some(Flow::Made),
            lineage: Some((Role::Input, Role::Output)),
            described: Lines::Outputs,
            ..adds(Flow::Consumed)
        },
        OperationKind::Pack => Meaning { packs: Some(Packs::In), ..NOTHING },
        OperationKind::Unpack => Meaning { packs: Some(Packs::Out), ..NOTHING },
        OperationKind::Observation => Meaning {
            lineage: Some((Role::Input, Role::Output)),
            packs: Some(Packs::In),
            ..NOTHING
        },
        OperationKind::CustomsInspection
        | OperationKind::Sampling
        | OperationKind::TestResult
        | OperationKind::Disinfection
        // No other type makes a fact.
        | OperationKind::Party
        | OperationKind::Station
        | OperationKind::Product
        | OperationKind::Vehicle
        | OperationKind::Certificate
        | OperationKind::Declaration
        | OperationKind::Correction
        | OperationKind::MatchDeclare
        | OperationKind::MatchConfirm
        | OperationKind::MatchDispute
        | OperationKind::MatchVoid
        | OperationKind::AlertAcknowledge
        | OperationKind::ReleasePublish
        | OperationKind::ReleaseWithdraw
        | OperationKind::Evaluation
        | OperationKind::SchemePropose
        | OperationKind::RulePropose
        | OperationKind::Approve => NOTHING,
    }
}

/// A quantity of a unit that an event moves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moved<'a> {
    /// The unit.
    pub(crate) unit: &'a UnitKey,
    /// How much.
    pub(crate) amount: Amount,
    /// Which sum it adds to.
    pub(crate) flow: Flow,
}

/// Which sum each line of an event adds to. A split that does not say how much of the unit it divides
/// divides what its parts add up to.
pub(super) fn flows<'a>(fact: &'a Fact, meaning: &Meaning) -> Vec<Moved<'a>> {
    let of = |lines: &'a [Line], flow: Option<Flow>| {
        let flow = flow.into_iter();
        flow.flat_map(move |flow| {
            lines.iter().map(move |line| Moved { unit: &line.unit, amount: line.amount, flow })
        })
    };
    let outputs = of(&fact.outputs, meaning.outputs);
    match fact.items.as_slice() {
        [only] if fact.kind == OperationKind::Split && only.amount.uom == 0 => {
            let mut parts: Vec<Amount> = Vec::new();
            fact.outputs.iter().for_each(|output| add_amount(&mut parts, output.amount));
            let divided = parts.into_iter();
            let divided =
                divided.map(|amount| Moved { unit: &only.unit, amount, flow: Flow::Divided });
            divided.chain(outputs).collect()
        }
        items => of(items, meaning.items).chain(outputs).collect(),
    }
}
