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
use contracts::query::alert::{self as alerts, AlertView, Filter, Scope};
use contracts::query::notice;
use contracts::release::ReleaseRecord;
use contracts::risk::alert::AlertState as Held;
use contracts::state::{State, StateFault};
use proto::Height;
use proto::receipt::SubjectKind;
use tonic::{Code, Request, Response, Status};

use super::Service;
use super::failure::{Failure, answered};
use super::place::{Located, quantities, text, unsigned};

/// Rows of a page where the caller names none.
const PAGE_DEFAULT: u32 = 100;

/// Most rows of a page.
const PAGE_MAX: u32 = 1_000;

/// Most rows that a list reaches; whoever needs more exports the ledger.
const LIST_MAX: usize = 100_000;

/// Entries of an alert's scope that an answer about it follows. A lot with its boxes over three
/// provinces has a few hundred; ten thousand are read in seconds. Beyond it the answer says so.
const SCOPE_MAX: usize = 10_000;

/// Entries of an alert's scope that a row of a list names: a page of a hundred rows stays readable in
/// seconds. Beyond it the row says so, and the answer about the alert names the rest.
const SCOPE_OF_ROW_MAX: usize = 1_000;

/// Where a page stands: a height and the rows before it.
struct Page {
    height: Height,
    offset: usize,
    size: usize,
}

impl Page {
    fn parse(head: Height, page_size: u32, token: &str) -> Result<Self, Failure> {
        if page_size > PAGE_MAX {
            let zh = format!("至多 {PAGE_MAX}，实为 {page_size}");
            let en = format!("expected at most {PAGE_MAX}, found {page_size}");
            return Err(Failure::field(("page_size", "PAGE_SIZE"), &zh, &en));
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
            let (zh, en) = ("应为上一页给出的标记", "expected the token of the page before");
            Failure::field(("page_token", "PAGE_TOKEN"), zh, en)
        })
    }

    /// Of the whole list, the rows of the page and the token of the next one.
    fn cut<T>(&self, rows: Vec<T>) -> (Vec<T>, String) {
        let next = self.offset.saturating_add(self.size);
        let more = rows.len() > next;
        let token = if more { format!("{}:{next}", self.height) } else { String::new() };
        (rows.into_iter().skip(self.offset).take(self.size).collect(), token)
    }
}

impl Service {
    /// Lists with `read` on the state of the page's height, and makes rows of what is on the page alone.
    fn page<T, U>(
        &self,
        (page_size, token): (u32, &str),
        read: impl FnOnce(&dyn State) -> Result<Vec<T>, StateFault>,
        row: impl Fn(&dyn State, T) -> Result<U, Failure>,
    ) -> Result<(u64, Vec<U>, String), Failure> {
        let view = self.reader.view()?;
        let page = Page::parse(view.head(), page_size, token)?;
        let state = view.at(page.height)?;
        let (found, next) = page.cut(read(&state)?);
        let rows: Result<Vec<U>, Failure> =
            found.into_iter().map(|found| row(&state, found)).collect();
        Ok((page.height.value(), rows?, next))
    }
}

#[tonic::async_trait]
impl AlertService for Service {
    async fn list_alerts(
        &self,
        request: Request<ListAlertsRequest>,
    ) -> Result<Response<ListAlertsResponse>, Status> {
        answered(&self.lanes.long, request, |asked| {
            let filter = if asked.include_closed { Filter::All } else { Filter::Active };
            let place = (asked.page_size, asked.page_token.as_str());
            // Ordered by urgency: the whole list is read, the page is cut from it.
            let list = |state: &dyn State| alerts::alerts(state, filter, LIST_MAX);
            let (height, alerts, next_page_token) = self.page(place, list, |state, view| {
                let scope = Followed::of(state, &view.id, SCOPE_OF_ROW_MAX)?;
                Ok(alert(view, &scope))
            })?;
            Ok(ListAlertsResponse { height, alerts, next_page_token })
        })
        .await
    }

    async fn get_alert(
        &self,
        request: Request<GetAlertRequest>,
    ) -> Result<Response<GetAlertResponse>, Status> {
        answered(&self.lanes.long, request, |GetAlertRequest { id }| {
            let one = |state: &dyn State| {
                alerts::one(state, id).map(|one| one.into_iter().collect::<Vec<_>>())
            };
            let (height, mut found, _) = self.page((1, ""), one, concerned)?;
            let answer = found.pop().ok_or_else(|| {
                let zh = format!("没有编号为 {id} 的预警");
                let en = format!("there is no alert {id}");
                Failure::new(Code::NotFound, "NO_SUCH_ALERT", zh, en)
            })?;
            Ok(GetAlertResponse { height, ..answer })
        })
        .await
    }
}

/// What a rule's search has found for an alert, as far as it is followed.
struct Followed {
    scope: Scope,
    /// Whether there is more.
    truncated: bool,
}

impl Followed {
    fn of(state: &dyn State, id: &str, limit: usize) -> Result<Self, Failure> {
        let read = |after, limit| alerts::scope(state, id, after, limit);
        let scope = read(None, limit)?;
        // A full page may be the last one: whether an entry follows it is to be asked.
        let truncated = scope.next.is_some() && read(scope.next, 1)?.next.is_some();
        Ok(Self { scope, truncated })
    }
}

/// An alert with the place of every unit that it concerns.
fn concerned(state: &dyn State, view: AlertView) -> Result<GetAlertResponse, Failure> {
    let followed = Followed::of(state, &view.id, SCOPE_MAX)?;
    let codes = Codes::load(state)?;
    let mut located = Located::default();
    for unit in &followed.scope.units {
        located.place((state, &codes), &unit.place)?;
    }
    let places = located.finish(0);
    let truncated = followed.truncated;
    let totals = followed.scope.totals.iter().map(|total| AlertTotal {
        origin_milli: unsigned(total.origin.saturating_sub(total.converted)),
        quantities: Some(quantities(total)),
        used_milli: unsigned(total.used),
        truncated,
    });
    Ok(GetAlertResponse {
        height: 0,
        totals: totals.collect(),
        alert: Some(alert(view, &followed)),
        holdings: places.holdings,
        trips: places.trips,
        truncated,
    })
}

/// An alert with everything that its rule's search has found.
fn alert(view: AlertView, followed: &Followed) -> Alert {
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
        truncated: followed.truncated,
    };
    for unit in &followed.scope.units {
        let place = &unit.place;
        row.units.push(text(&place.unit));
        row.parties.extend(place.holders.iter().map(|holder| text(&holder.party)));
        row.vehicles.extend(place.vehicles.iter().map(|key| text(key)));
        row.persons.extend(place.persons.iter().map(|key| text(key)));
    }
    for list in [&mut row.units, &mut row.parties, &mut row.vehicles, &mut row.persons] {
        list.sort();
        list.dedup();
    }
    row
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
        answered(&self.lanes.long, request, |asked| {
            let place = (asked.page_size, asked.page_token.as_str());
            let list = |state: &dyn State| {
                let mut found = notice::releases(state, LIST_MAX)?;
                found.retain(|one| asked.include_withdrawn || one.withdrawn_ms == 0);
                Ok(found)
            };
            let row = |_: &dyn State, record| Ok(release(record));
            let (height, releases, next_page_token) = self.page(place, list, row)?;
            Ok(ListReleasesResponse { height, releases, next_page_token })
        })
        .await
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
        answered(&self.lanes.long, request, |asked| {
            let place = (asked.page_size, asked.page_token.as_str());
            let list = |state: &dyn State| notice::evaluations(state, LIST_MAX);
            let row = |_: &dyn State, record| Ok(evaluation(record));
            let (height, evaluations, next_page_token) = self.page(place, list, row)?;
            Ok(ListEvaluationsResponse { height, evaluations, next_page_token })
        })
        .await
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
