//! Alerts, notices, evaluation results: pages, each as of the newest height.

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
use contracts::pages::Pages;
use contracts::query::alert::{self as alerts, AlertView, Filter, Scope};
use contracts::query::notice;
use contracts::release::ReleaseRecord;
use contracts::risk::alert::AlertState as Held;
use contracts::state::{State, StateFault};
use proto::receipt::SubjectKind;
use tonic::{Code, Request, Response, Status};

use super::Service;
use super::failure::{Failure, answered};
use super::place::{Located, Shown, beyond, quantities, text, unsigned};

/// Rows of a page where the caller names none.
const PAGE_DEFAULT: u32 = 100;

/// Most rows of a page.
const PAGE_MAX: u32 = 1_000;

/// Most rows that a list reaches; it says how many there are beyond. Whoever needs more exports the
/// ledger.
const LIST_MAX: usize = 100_000;

/// Entries of an alert's scope that an answer about it follows. A lot with its boxes over three
/// provinces has a few hundred; ten thousand are read in seconds. Beyond it the answer says so.
const SCOPE_MAX: usize = 10_000;

/// Entries of an alert's scope that a row of a list names: a page of a hundred rows stays readable in
/// seconds. Beyond it the row says so, and the answer about the alert names the rest.
const SCOPE_OF_ROW_MAX: usize = 1_000;

/// Rows of an answer about an alert: its ten thousand units at five places each, some 10 MB.
const CONCERNED: Shown = Shown { holdings: 50_000, trips: 10_000 };

/// Where a page stands: the rows before it.
struct Page {
    offset: usize,
    size: usize,
}

impl Page {
    fn parse(page_size: u32, token: &str) -> Result<Self, Failure> {
        if page_size > PAGE_MAX {
            let zh = format!("至多 {PAGE_MAX}，实为 {page_size}");
            let en = format!("expected at most {PAGE_MAX}, found {page_size}");
            return Err(Failure::field(("page_size", "PAGE_SIZE"), &zh, &en));
        }
        let rows = if page_size == 0 { PAGE_DEFAULT } else { page_size };
        let size = usize::try_from(rows).unwrap_or(usize::MAX);
        if token.is_empty() {
            return Ok(Self { offset: 0, size });
        }
        let parsed = token.parse().ok().and_then(|offset: usize| {
            let size = size.min(LIST_MAX.checked_sub(offset).filter(|rest| *rest > 0)?);
            Some(Self { offset, size })
        });
        parsed.ok_or_else(|| {
            let (zh, en) = ("应为上一页给出的标记", "expected the token of the page before");
            Failure::field(("page_token", "PAGE_TOKEN"), zh, en)
        })
    }

    /// Rows from the beginning of the list that tell what is on the page and whether one follows.
    fn reach(&self) -> usize {
        self.offset.saturating_add(self.size).saturating_add(1)
    }

    /// Of the beginning of the list, the rows of the page and the token of the next one.
    fn cut<T>(&self, rows: Vec<T>) -> (Vec<T>, String) {
        let next = self.offset.saturating_add(self.size);
        let more = rows.len() > next && next < LIST_MAX;
        let token = if more { next.to_string() } else { String::new() };
        (rows.into_iter().skip(self.offset).take(self.size).collect(), token)
    }
}

/// A page of a list, as an answer.
struct Listed<U> {
    height: u64,
    rows: Vec<U>,
    next_page_token: String,
    /// Rows beyond those that any page shows.
    left_out: u64,
}

impl Service {
    /// Lists of the set `pages` what `read` finds on the newest state, as far as the page reaches, and
    /// makes rows of what is on the page alone.
    fn page<T, U>(
        &self,
        (page_size, token): (u32, &str),
        pages: &Pages,
        read: impl FnOnce(&dyn State, usize) -> Result<Vec<T>, StateFault>,
        row: impl Fn(&dyn State, T) -> Result<U, Failure>,
    ) -> Result<Listed<U>, Failure> {
        let view = self.reader.view()?;
        let page = Page::parse(page_size, token)?;
        let (found, next_page_token) = page.cut(read(&view, page.reach())?);
        let rows: Result<Vec<U>, Failure> =
            found.into_iter().map(|found| row(&view, found)).collect();
        let left_out = beyond(&view, pages, LIST_MAX)?;
        Ok(Listed { height: view.head().value(), rows: rows?, next_page_token, left_out })
    }
}

#[tonic::async_trait]
impl AlertService for Service {
    async fn list_alerts(
        &self,
        request: Request<ListAlertsRequest>,
    ) -> Result<Response<ListAlertsResponse>, Status> {
        answered(&self.lanes.long, request, |asked| {
            let place = (asked.page_size, asked.page_token.as_str());
            let (filter, pages) = if asked.include_closed {
                (Filter::All, contracts::risk::alert::all())
            } else {
                (Filter::Active, contracts::risk::alert::active())
            };
            let list = |state: &dyn State, limit| alerts::alerts(state, filter, limit);
            let found = self.page(place, &pages, list, |state, view| {
                let scope = Followed::of(state, &view.id, SCOPE_OF_ROW_MAX)?;
                Ok(alert(view, &scope))
            })?;
            Ok(ListAlertsResponse {
                height: found.height,
                alerts: found.rows,
                next_page_token: found.next_page_token,
                truncated: found.left_out > 0,
                left_out: found.left_out,
            })
        })
        .await
    }

    async fn get_alert(
        &self,
        request: Request<GetAlertRequest>,
    ) -> Result<Response<GetAlertResponse>, Status> {
        answered(&self.lanes.long, request, |GetAlertRequest { id }| {
            let view = self.reader.view()?;
            let found = alerts::one(&view, id)?.ok_or_else(|| {
                let zh = format!("没有编号为 {id} 的预警");
                let en = format!("there is no alert {id}");
                Failure::new(Code::NotFound, "NO_SUCH_ALERT", zh, en)
            })?;
            Ok(GetAlertResponse { height: view.head().value(), ..concerned(&view, found)? })
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
    let mut located = Located::new();
    for unit in &followed.scope.units {
        located.place((state, &codes), &unit.place, alerts::UNIT_LIST_MAX)?;
    }
    // Sums are of the whole only where every unit was followed, and each of them to its end.
    let truncated = followed.truncated || located.is_partial();
    let places = located.finish(&CONCERNED);
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
        truncated: followed.truncated,
        left_out: places.left_out,
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
            // Which are withdrawn is known only once they are read.
            let list = |state: &dyn State, _| {
                let mut found = notice::releases(state, LIST_MAX)?;
                found.retain(|one| asked.include_withdrawn || one.withdrawn_ms == 0);
                Ok(found)
            };
            let row = |_: &dyn State, record| Ok(release(record));
            let found = self.page(place, &contracts::release::all(), list, row)?;
            Ok(ListReleasesResponse {
                height: found.height,
                releases: found.rows,
                next_page_token: found.next_page_token,
                truncated: found.left_out > 0,
                left_out: found.left_out,
            })
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
            let list = |state: &dyn State, limit| notice::evaluations(state, limit);
            let row = |_: &dyn State, record| Ok(evaluation(record));
            let found = self.page(place, &contracts::evaluation::all(), list, row)?;
            Ok(ListEvaluationsResponse {
                height: found.height,
                evaluations: found.rows,
                next_page_token: found.next_page_token,
                truncated: found.left_out > 0,
                left_out: found.left_out,
            })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_show_the_list_in_order_as_far_as_it_reaches_and_no_further() {
        let page = |size: u32, offset: usize| {
            Page::parse(size, &offset.to_string()).map(|page| {
                let rows: Vec<usize> = (0..page.reach().min(LIST_MAX + 10)).collect();
                let (shown, next) = page.cut(rows);
                (shown.first().copied(), shown.len(), next)
            })
        };
        for (size, offset, first, rows, next) in [
            (0, 0, 0, 100, "100"),
            (1_000, 98_000, 98_000, 1_000, "99000"),
            (1_000, 99_000, 99_000, 1_000, ""),
            (1_000, 99_990, 99_990, 10, ""),
        ] {
            let (found, len, token) = page(size, offset).expect("a token of a page");
            assert_eq!((found, len, &*token), (Some(first), rows, next), "{size} from {offset}");
        }
        assert!(page(10, LIST_MAX).is_err(), "no page begins where the list ends");
    }
}
