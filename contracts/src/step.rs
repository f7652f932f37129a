//! Makes SYSTEM receipts: a record, its links, its alerts.

use prost::Message as _;
use proto::limits::{ALERTS_MAX, LINKS_MAX};
use proto::receipt::{AlertNotice, Alerts, Link, Links};

use crate::context::{BlockContext, Raised, Step};
use crate::record::step::{StepKind, StepRecord};

/// A step with its links and alerts.
///
/// # Panics
/// Where it has more than a receipt holds: every caller bounds what it names.
pub(crate) fn of(record: &StepRecord, links: Vec<Link>, alerts: Vec<AlertNotice>) -> Step {
    Step {
        record: record.encode_to_vec(),
        links: Links::collect(links, LINKS_MAX).expect("a step names a few subjects"),
        alerts: Alerts::collect(alerts, ALERTS_MAX).expect("a step has a few alerts"),
        day: None,
    }
}

/// The steps of what the risk rules raised by themselves; none where they raised nothing.
pub(crate) fn of_raised(
    context: &BlockContext,
    kind: StepKind,
    detail: &[u8],
    raised: Raised,
) -> Vec<Step> {
    let mut steps = Vec::new();
    if !raised.alerts.is_empty() || !raised.links.is_empty() {
        let record = StepRecord {
            kind: kind.into(),
            height: context.height.value(),
            detail: detail.to_vec(),
            ..StepRecord::default()
        };
        steps.push(of(&record, raised.links, raised.alerts));
    }
    steps.extend(raised.steps);
    steps
}
