//! Traces with proof, matches, places.

use std::collections::{BTreeMap, BTreeSet};

use api::trace::trace_service_server::TraceService;
use api::trace::{
    Direction, GetMatchesRequest, GetMatchesResponse, LocateRequest, LocateResponse, ProofMode,
    TraceEvent, TraceRequest, TraceResponse, TraceUnit,
};
use contracts::codes::Codes;
use contracts::query::locate;
use contracts::state::State;
use contracts::walk::{self, LogView, Walk, WalkError};
use ledger::LogPlace;
use ledger::bundle::{BUNDLE_BYTES_MAX, Bundle};
use ledger::prove::{Bodies, ProveError, Prover, TRACE_LOGS_MAX, TraceQuery};
use ledger::reader::{LogItem, ReadError, View};
use ledger::store::StoreRead;
use proto::codec::Canonical as _;
use proto::history::LogKey;
use proto::receipt::{ReceiptPayload, ReceiptSource, Subject, SubjectKind};
use proto::trie::Namespace;
use proto::{AgencyIndex, Height};
use tonic::{Code, Request, Response, Status};

use super::Service;
use super::failure::{Failure, answered};
use super::ledger_service::checked_pins;
use super::place::{READ_MAX, quantities, text};

/// Codes that one question may start from.
const CODES_MAX: usize = 16;

/// Bytes of a code in a question; the longest carrier of a scheme is shorter.
const CODE_BYTES_MAX: usize = 1_024;

#[tonic::async_trait]
impl TraceService for Service {
    async fn trace(
        &self,
        request: Request<TraceRequest>,
    ) -> Result<Response<TraceResponse>, Status> {
        answered(&self.lanes.long, request, |asked| self.answer_trace(asked)).await
    }

    async fn get_matches(
        &self,
        request: Request<GetMatchesRequest>,
    ) -> Result<Response<GetMatchesResponse>, Status> {
        answered(&self.lanes.long, request, |asked| self.answer_matches(asked)).await
    }

    async fn locate(
        &self,
        request: Request<LocateRequest>,
    ) -> Result<Response<LocateResponse>, Status> {
        answered(&self.lanes.long, request, |asked| self.answer_locate(asked)).await
    }
}

impl Service {
    fn answer_trace(&self, asked: &TraceRequest) -> Result<TraceResponse, Failure> {
        let pins = checked_pins(&asked.pins)?;
        let view = self.reader.view()?;
        if asked.codes.is_empty() || asked.codes.len() > CODES_MAX {
            let found = asked.codes.len();
            let zh = format!("应有 1 至 {CODES_MAX} 个，实有 {found} 个");
            let en = format!("expected 1 to {CODES_MAX}, found {found}");
            return Err(Failure::field(("codes", "CODES"), &zh, &en));
        }
        let mut starts = Vec::new();
        for code in &asked.codes {
            starts.extend(units_of(&view, code, asked.agency)?.into_iter().map(Subject::unit));
        }
        let query = TraceQuery {
            starts,
            direction: direction(asked.direction()),
            at: (asked.at_height > 0).then_some(Height::new(asked.at_height)),
            unit_limit: if asked.unit_limit == 0 { TRACE_LOGS_MAX } else { asked.unit_limit },
            bodies: Bodies::Shown,
        };
        let answer = match asked.proof_mode() {
            ProofMode::Unspecified | ProofMode::None => walked(&view, &query)?,
            ProofMode::Complete => {
                let bundle = Prover::new(&view, pins).trace(&query)?;
                TraceResponse { bundle: bundle.to_bytes(), ..read_bundle(&view, &bundle)? }
            }
            ProofMode::Inclusion => return Err(inclusion_refused()),
        };
        if answer.height < asked.min_height {
            let (height, least) = (answer.height, asked.min_height);
            let zh = format!("高度 {height} 低于 min_height {least}");
            let en = format!("height {height} is below min_height {least}");
            return Err(Failure::new(Code::Unavailable, "BELOW_MIN_HEIGHT", zh, en));
        }
        Ok(answer)
    }
}

fn inclusion_refused() -> Failure {
    let (zh, en) = ("追溯要么完整，要么不成立", "a trace is complete or not at all");
    let (zh, rule) =
        (format!("{zh}：请用 COMPLETE 或 NONE"), format!("{en}: ask for COMPLETE or NONE"));
    Failure::field(("proof_mode", "PROOF_MODE"), &zh, &rule)
        .with("field", "proof_mode")
        .with("rule", rule)
}

/// Units and events as the walk finds them, without building a proof. An answer that would be larger
/// than a bundle may be reaches less far and names what it leaves out, as a proven one does.
fn walked(view: &View<'_, impl StoreRead>, query: &TraceQuery) -> Result<TraceResponse, Failure> {
    let head = view.head();
    let at = query.at.unwrap_or(head);
    if at > head {
        // Logs are kept for ever: only what is not there yet cannot be read.
        return Err(ReadError::OutsideWindow { at, oldest: Height::GENESIS, head }.into());
    }
    let limit = usize::try_from(query.unit_limit.min(TRACE_LOGS_MAX)).unwrap_or(usize::MAX);
    let mut seen = Seen::default();
    let log = |subject: &Subject| seen.log(view, subject, (at, query.starts.contains(subject)));
    let found = walk::walk(&query.starts, query.direction, limit, log);
    let mut walk = found.map_err(|error| match error {
        WalkError::Log(error) => error,
        WalkError::StartKind { kind } => {
            ProveError::SubjectKind { kind: kind.code(), found: "logs by day" }
        }
        WalkError::TooManyStarts { starts, limit } => ProveError::TooManyStarts { starts, limit },
    })?;
    walk.truncated.append(&mut seen.large);
    seen.answer(view, at, &walk)
}

/// Entries of a log read at once.
const ENTRIES_PAGE: usize = 256;

/// What a walk without proof has met.
#[derive(Default)]
struct Seen {
    events: BTreeMap<(u64, u32), TraceEvent>,
    units: BTreeSet<Vec<u8>>,
    /// Subjects whose logs do not fit the answer.
    large: BTreeSet<Subject>,
    bytes: usize,
}

impl Seen {
    /// Takes in the log of a subject, page by page; what the walk needs of its entries. A log that does
    /// not fit what is left of the answer is named, and nothing of it is kept.
    fn log(
        &mut self,
        view: &View<'_, impl StoreRead>,
        subject: &Subject,
        (at, is_start): (Height, bool),
    ) -> Result<Vec<LogView>, ProveError> {
        let key = LogKey { kind: subject.kind, bucket: 0, subject: subject.key.clone() };
        let (mut entries, mut events, mut bytes) = (Vec::new(), Vec::new(), self.bytes);
        loop {
            let from = u64::try_from(entries.len()).unwrap_or(u64::MAX);
            let page = view.log(&key, at, from, ENTRIES_PAGE)?;
            let more = page.len() == ENTRIES_PAGE;
            for LogItem { place, receipt, .. } in page {
                let LogPlace { height, receipt_index } = place;
                if !self.events.contains_key(&(height.value(), receipt_index)) {
                    let body = view.source(height, receipt_index)?.unwrap_or_default();
                    bytes = bytes.saturating_add(body.len());
                    let system = matches!(receipt.source, ReceiptSource::System { .. });
                    let height = height.value();
                    events.push(TraceEvent { height, receipt_index, body, system });
                }
                let links = receipt.links.as_slice().to_vec();
                entries.push(LogView { height, receipt_index, links });
            }
            if bytes > BUNDLE_BYTES_MAX {
                let left = BUNDLE_BYTES_MAX.saturating_sub(self.bytes);
                if is_start {
                    // No start may be left out.
                    return Err(ProveError::LogTooLarge { subject: subject.clone(), left });
                }
                self.large.insert(subject.clone());
                return Ok(Vec::new());
            }
            if !more {
                break;
            }
        }
        self.bytes = bytes;
        let placed = |event: TraceEvent| ((event.height, event.receipt_index), event);
        self.events.extend(events.into_iter().map(placed));
        if subject.kind == SubjectKind::Unit && !entries.is_empty() {
            self.units.insert(subject.key.clone());
        }
        Ok(entries)
    }

    fn answer(
        self,
        view: &View<'_, impl StoreRead>,
        at: Height,
        walk: &Walk,
    ) -> Result<TraceResponse, Failure> {
        Ok(TraceResponse {
            height: at.value(),
            bundle: Vec::new(),
            units: trace_units(view, &self.units)?,
            events: self.events.into_values().collect(),
            truncated: walk.truncated.iter().map(|subject| text(&subject.key)).collect(),
        })
    }
}

/// Units and events of a finished bundle, so that what is shown is what is proven.
fn read_bundle(view: &View<'_, impl StoreRead>, bundle: &Bundle) -> Result<TraceResponse, Failure> {
    let mut events: BTreeMap<(u64, u32), TraceEvent> = BTreeMap::new();
    let (mut units, mut height) = (BTreeSet::new(), 0);
    for log in bundle.items.iter().flat_map(|item| &item.logs) {
        if log.kind == u32::from(SubjectKind::Unit.code()) && !log.entries.is_empty() {
            units.insert(log.subject.clone());
        }
        for entry in &log.entries {
            let payload = ReceiptPayload::decode(&entry.receipt);
            let system =
                matches!(payload, Ok(ReceiptPayload { source: ReceiptSource::System { .. }, .. }));
            let (height, receipt_index) = (entry.height, entry.receipt_index);
            let body = entry.body.clone().unwrap_or_default();
            let event = TraceEvent { height, receipt_index, body, system };
            events.insert((height, receipt_index), event);
        }
    }
    let mut truncated = Vec::new();
    for claim in &bundle.claims {
        if let Some(ledger::bundle::ClaimKind::Trace(trace)) = &claim.kind {
            height = trace.height;
            let left_out = trace.truncated.iter();
            truncated.extend(left_out.map(|at| String::from_utf8_lossy(&at.key).into_owned()));
        }
    }
    let units = trace_units(view, &units)?;
    let events = events.into_values().collect();
    Ok(TraceResponse { height, bundle: Vec::new(), units, events, truncated })
}

fn direction(asked: Direction) -> walk::Direction {
    match asked {
        Direction::Back => walk::Direction::Back,
        Direction::Forward => walk::Direction::Forward,
        Direction::Unspecified | Direction::Both => walk::Direction::Both,
    }
}

/// The unit keys that a code may have: one under a scheme; without one, that of each agency whose
/// platform recorded it.
pub(super) fn units_of(
    view: &View<'_, impl StoreRead>,
    code: &str,
    agency: Option<u32>,
) -> Result<Vec<Vec<u8>>, Failure> {
    if code.is_empty() || code.len() > CODE_BYTES_MAX {
        let found = code.len();
        let zh = format!("应有 1 至 {CODE_BYTES_MAX} 字节，实有 {found} 字节");
        let en = format!("expected 1 to {CODE_BYTES_MAX} bytes, found {found}");
        return Err(Failure::field(("code", "CODE"), &zh, &en));
    }
    let codes = Codes::load(view)?;
    let agencies = match agency {
        Some(agency) => vec![u16::try_from(agency).unwrap_or(u16::MAX)],
        None => (0..u16::try_from(view.genesis().agencies().len()).unwrap_or(u16::MAX)).collect(),
    };
    let mut keys: Vec<Vec<u8>> =
        agencies.into_iter().map(|at| codes.unit(AgencyIndex::new(at), code)).collect();
    keys.dedup();
    let mut known = Vec::new();
    for key in &keys {
        if view.state(Namespace::Unit, key)?.is_some() {
            known.push(key.clone());
        }
    }
    keys.truncate(1);
    Ok(if known.is_empty() { keys } else { known })
}

/// Units of a trace, each with its place as of the newest height: what a place is computed from is not
/// kept of older ones, and is this node's word at every height.
fn trace_units(
    view: &View<'_, impl StoreRead>,
    keys: &BTreeSet<Vec<u8>>,
) -> Result<Vec<TraceUnit>, Failure> {
    keys.iter().map(|key| trace_unit(view, key)).collect()
}

/// Where a unit of the trace is, as its events tell.
fn trace_unit(state: &dyn State, key: &[u8]) -> Result<TraceUnit, Failure> {
    let found = locate::unit(state, key, READ_MAX)?;
    let Some(place) = found else {
        return Ok(TraceUnit { unit: text(key), ..TraceUnit::default() });
    };
    let holder = place.holders.first();
    Ok(TraceUnit {
        unit: text(key),
        holder: holder.map(|holder| text(&holder.party)).unwrap_or_default(),
        station: holder.map(|holder| text(&holder.site.station)).unwrap_or_default(),
        alerts: place.alerts.clone(),
        quantities: place.balances.first().map(quantities),
    })
}
