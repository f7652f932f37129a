//! Alerts, notices, evaluation results: pages pinned to a height.

use api::alert::alert_service_server::AlertService;
use api::alert::{
    Alert, AlertState, AlertTotal, GetAlertRequest, GetAlertResponse, ListAlertsRequest,
    ListAlertsResponse,
};
use api::evaluation::evaluation_service_server::EvaluationService;
use api::evaluation::{Evaluation, ListEvaluationsRequest, ListEvaluationsResponse};
use api::release::release_service_server::ReleaseService;
use api::release::{ListReleasesRequest, ListReleasesResponse, Release};
use contracts::codes::Codes;
use contracts::evaluation::EvaluationRecord;
use contracts::query::alert::{self as alerts, AlertView, Filter};
use contracts::query::notice;
use contracts::release::ReleaseRecord;
use contracts::risk::alert::AlertState as Held;
use contracts::state::State;
use proto::Height;
use proto::receipt::SubjectKind;
use tonic::{Code, Request, Response, Status};

use super::Service;
use super::failure::{failure, read_failed, state_failed, store_failed};
use super::place::{Located, quantities, text, unsigned};

/// Rows of a page where the caller names none.
const PAGE_DEFAULT: u32 = 100;

/// Most rows of a page.
const PAGE_MAX: u32 = 1_000;

/// Most rows that a list reaches; whoever needs more exports the ledger.
const LIST_MAX: usize = 100_000;

/// Units of an alert's scope that an answer names.
const SCOPE_MAX: usize = 1_000;

/// Where a page stands: a height and the rows before it.
struct Page {
    height: Height,
    offset: usize,
    size: usize,
}

impl Page {
    fn parse(head: Height, page_size: u32, token: &str) -> Result<Self, Status> {
        if page_size > PAGE_MAX {
            let text = format!("page_size: expected at most {PAGE_MAX}, found {page_size}");
            return Err(failure(Code::InvalidArgument, "PAGE_SIZE", text, &[]));
        }
        let rows = if page_size == 0 { PAGE_DEFAULT } else { page_size };
        let size = usize::try_from(rows).unwrap_or(usize::MAX);
        if token.is_empty() {
            return Ok(Self { height: head, offset: 0, size });
        }
        let parts = token.split_once(':');
        let parsed = parts.and_then(|(height, offset)| {
            let (height, offset) = (height.parse().ok()?, offset.parse().ok()?);
            (offset < LIST_MAX).then_some(Self { height: Height::new(height), offset, size })
        });
        parsed.ok_or_else(|| {
            let text = "page_token: expected the token of the page before";
            failure(Code::InvalidArgument, "PAGE_TOKEN", text, &[])
        })
    }

    /// Rows to read: those before the page, the page, and one to see whether there is more.
    fn reach(&self) -> usize {
        self.offset.saturating_add(self.size).saturating_add(1).min(LIST_MAX)
    }

    /// The rows of the page and the token of the next one.
    fn cut<T>(&self, rows: Vec<T>) -> (Vec<T>, String) {
        let more = rows.len() > self.offset.saturating_add(self.size);
        let next = self.offset.saturating_add(self.size);
        let token = if more { format!("{}:{next}", self.height) } else { String::new() };
        (rows.into_iter().skip(self.offset).take(self.size).collect(), token)
    }
}

impl Service {
    /// Runs `read` on the state of the page's height.
    fn page<T>(
        &self,
        (page_size, token): (u32, &str),
        read: impl FnOnce(&dyn State, &Page) -> Result<Vec<T>, Status>,
    ) -> Result<(u64, Vec<T>, String), Status> {
        tokio::task::block_in_place(|| {
            let view = self.reader.view().map_err(|error| store_failed(&error))?;
            let page = Page::parse(view.head(), page_size, token)?;
            let state = view.at(page.height).map_err(|error| read_failed(&error))?;
            let (rows, next) = page.cut(read(&state, &page)?);
            Ok((page.height.value(), rows, next))
        })
    }
}

#[tonic::async_trait]
impl AlertService for Service {
    async fn list_alerts(
        &self,
        request: Request<ListAlertsRequest>,
    ) -> Result<Response<ListAlertsResponse>, Status> {
        let asked = request.into_inner();
        let filter = if asked.include_closed { Filter::All } else { Filter::Active };
        let place = (asked.page_size, asked.page_token.as_str());
        let (height, alerts, next_page_token) = self.page(place, |state, page| {
            // Ordered by urgency: the whole list is read, the page is cut from it.
            let views = alerts::alerts(state, filter, LIST_MAX);
            let views = views.map_err(|error| state_failed(&error))?;
            let mut rows = Vec::new();
            for view in views.into_iter().take(page.reach()) {
                rows.push(alert(state, view)?);
            }
            Ok(rows)
        })?;
        Ok(Response::new(ListAlertsResponse { height, alerts, next_page_token }))
    }

    async fn get_alert(
        &self,
        request: Request<GetAlertRequest>,
    ) -> Result<Response<GetAlertResponse>, Status> {
        let id = request.into_inner().id;
        let (height, mut found, _) = self.page((1, ""), |state, _| {
            let view = alerts::one(state, &id).map_err(|error| state_failed(&error))?;
            view.into_iter().map(|view| concerned(state, view)).collect()
        })?;
        let Some(answer) = found.pop() else {
            let text = format!("没有编号为 {id} 的预警 there is no alert {id}");
            return Err(failure(Code::NotFound, "NO_SUCH_ALERT", text, &[]));
        };
        Ok(Response::new(GetAlertResponse { height, ..answer }))
    }
}

/// An alert with the place of every unit that it concerns.
fn concerned(state: &dyn State, view: AlertView) -> Result<GetAlertResponse, Status> {
    let scope = alerts::scope(state, &view.id, None, SCOPE_MAX);
    let scope = scope.map_err(|error| state_failed(&error))?;
    let codes = Codes::load(state).map_err(|error| state_failed(&error))?;
    let mut located = Located::default();
    for unit in &scope.units {
        located.place((state, &codes), &unit.place)?;
    }
    let places = located.finish(0);
    let totals = scope.totals.iter().map(|total| AlertTotal {
        origin_milli: unsigned(total.origin.saturating_sub(total.converted)),
        quantities: Some(quantities(total)),
        used_milli: unsigned(total.used),
    });
    Ok(GetAlertResponse {
        height: 0,
        alert: Some(alert(state, view)?),
        holdings: places.holdings,
        trips: places.trips,
        totals: totals.collect(),
    })
}

/// An alert with everything that its rule's search has found.
fn alert(state: &dyn State, view: AlertView) -> Result<Alert, Status> {
    let record = &view.record;
    let of = |kind: SubjectKind| -> Vec<String> {
        let named = record.subjects.iter().filter(|at| at.kind == u32::from(kind.code()));
        named.map(|at| text(&at.key)).collect()
    };
    let mut row = Alert {
        rule: format!("R{:02}", record.rule().number()),
        rule_version: record.version,
        level: u32::try_from(record.level).unwrap_or_default(),
        state: state_of(record.state()).into(),
        units: of(SubjectKind::Unit),
        parties: of(SubjectKind::Party),
        vehicles: of(SubjectKind::Vehicle),
        persons: of(SubjectKind::Person),
        agencies: record.addressees.clone(),
        raised_height: record.raised_height,
        raised_ms: record.raised_ms,
        changed_height: record.changed_height,
        id: view.id,
        text_zh: view.zh,
        text_en: view.en,
    };
    let scope = alerts::scope(state, &row.id, None, SCOPE_MAX);
    for unit in scope.map_err(|error| state_failed(&error))?.units {
        let place = unit.place;
        row.units.push(text(&place.unit));
        row.parties.extend(place.holders.iter().map(|holder| text(&holder.party)));
        row.vehicles.extend(place.vehicles.iter().map(|key| text(key)));
        row.persons.extend(place.persons.iter().map(|key| text(key)));
    }
    for list in [&mut row.units, &mut row.parties, &mut row.vehicles, &mut row.persons] {
        list.sort();
        list.dedup();
    }
    Ok(row)
}

fn state_of(held: Held) -> AlertState {
    match held {
        Held::Unspecified => AlertState::Unspecified,
        Held::Open => AlertState::Open,
        Held::Acknowledged => AlertState::Acknowledged,
        Held::Closed => AlertState::Closed,
        Held::Withdrawn => AlertState::Withdrawn,
    }
}

#[tonic::async_trait]
impl ReleaseService for Service {
    async fn list_releases(
        &self,
        request: Request<ListReleasesRequest>,
    ) -> Result<Response<ListReleasesResponse>, Status> {
        let asked = request.into_inner();
        let place = (asked.page_size, asked.page_token.as_str());
        let (height, releases, next_page_token) = self.page(place, |state, _| {
            let found = notice::releases(state, LIST_MAX).map_err(|error| state_failed(&error))?;
            let wanted = |one: &ReleaseRecord| asked.include_withdrawn || one.withdrawn_ms == 0;
            Ok(found.into_iter().filter(wanted).map(release).collect())
        })?;
        Ok(Response::new(ListReleasesResponse { height, releases, next_page_token }))
    }
}

fn release(record: ReleaseRecord) -> Release {
    let notice = record.notice.unwrap_or_default();
    Release {
        id: notice.id,
        agency: record.agency,
        kind: notice.kind,
        title: notice.title,
        body: notice.body,
        audience: notice.audience,
        level: notice.level,
        codes: notice.codes,
        alerts: notice.alerts,
        withdrawn: record.withdrawn_ms > 0,
        withdrawn_reason: record.withdrawn_reason,
        published_ms: record.published_ms,
    }
}

#[tonic::async_trait]
impl EvaluationService for Service {
    async fn list_evaluations(
        &self,
        request: Request<ListEvaluationsRequest>,
    ) -> Result<Response<ListEvaluationsResponse>, Status> {
        let asked = request.into_inner();
        let place = (asked.page_size, asked.page_token.as_str());
        let (height, evaluations, next_page_token) = self.page(place, |state, _| {
            let found = notice::evaluations(state, LIST_MAX);
            let found = found.map_err(|error| state_failed(&error))?;
            Ok(found.into_iter().map(evaluation).collect())
        })?;
        Ok(Response::new(ListEvaluationsResponse { height, evaluations, next_page_token }))
    }
}

fn evaluation(record: EvaluationRecord) -> Evaluation {
    let result = record.result.unwrap_or_default();
    let resources = result
        .resources
        .iter()
        .map(|line| format!("{} {} {} ({})", line.resource, line.amount, line.unit, line.source));
    Evaluation {
        resources: resources.collect(),
        id: result.id,
        agency: record.agency,
        object_kind: result.object_kind,
        object: result.object,
        score_permille: u32::try_from(record.score_permille).unwrap_or(u32::MAX),
        grade: result.grade,
        recorded_ms: record.recorded_ms,
    }
}
