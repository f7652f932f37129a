//! Evaluation results: indicators with weights, the grade that follows from them, resource support.

use proto::AgencyIndex;
use proto::schema::act::{Evaluation, Indicator};
use proto::trie::Namespace;

use crate::context::{BlockContext, Raised};
use crate::links::Naming;
use crate::refusal::Refusal;
use crate::release::key;
use crate::state::{Rows, StateFault};

/// Permille of the whole.
pub const PERMILLE: u64 = 1_000;

/// Least weighted score of each grade, in permille.
pub const GRADES: [(&str, u64); 4] = [("A", 900), ("B", 750), ("C", 600), ("D", 0)];

/// The weighted score in permille, rounded down.
pub fn weighted_score(indicators: &[Indicator]) -> u64 {
    let weigh = |i: &Indicator| u64::from(i.score_permille) * u64::from(i.weight_permille);
    indicators.iter().map(weigh).fold(0, u64::saturating_add) / PERMILLE
}

/// The grade of a weighted score.
///
/// ```
/// use contracts::evaluation::grade_of;
///
/// assert_eq!((grade_of(900), grade_of(899), grade_of(0)), ("A", "B", "D"));
/// ```
pub fn grade_of(score_permille: u64) -> &'static str {
    GRADES.iter().find(|(_, least)| score_permille >= *least).map_or("D", |(grade, _)| *grade)
}

/// Namespace EVALUATION, key = agency u16, identifier.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct EvaluationRecord {
    /// The result as recorded.
    #[prost(message, optional, tag = "1")]
    pub result: Option<Evaluation>,
    /// Agency that recorded it.
    #[prost(uint32, tag = "2")]
    pub agency: u32,
    /// Time of the block.
    #[prost(uint64, tag = "3")]
    pub recorded_ms: u64,
    /// Height of the block.
    #[prost(uint64, tag = "4")]
    pub recorded_height: u64,
    /// Weighted score in permille.
    #[prost(uint64, tag = "5")]
    pub score_permille: u64,
}

/// A result by its agency and identifier.
pub fn of(
    state: &Rows<'_>,
    agency: AgencyIndex,
    id: &str,
) -> Result<Option<EvaluationRecord>, StateFault> {
    state.load(Namespace::Evaluation, &key(agency, id))
}

/// Records a result.
pub(crate) fn record_result(
    context: &BlockContext,
    naming: &Naming<'_>,
    result: &Evaluation,
    state: &mut Rows<'_>,
) -> Result<Result<Raised, Refusal>, StateFault> {
    let key = key(naming.agency, &result.id);
    if state.get(Namespace::Evaluation, &key)?.is_some() {
        return Ok(Err(Refusal::EvaluationExists { id: result.id.clone() }));
    }
    let score_permille = weighted_score(&result.indicators);
    let computed = grade_of(score_permille);
    if result.grade != computed {
        let (stated, computed) = (result.grade.clone(), computed.to_owned());
        return Ok(Err(Refusal::EvaluationGrade { stated, computed }));
    }
    let evaluation = EvaluationRecord {
        result: Some(result.clone()),
        agency: naming.agency.value().into(),
        recorded_ms: context.time.value(),
        recorded_height: context.height.value(),
        score_permille,
    };
    state.store(Namespace::Evaluation, &key, &evaluation)?;
    Ok(Ok(Raised::default()))
}
