//! Evaluation results: indicators with weights, the grade that follows from them, resource support.

use proto::schema::act::Indicator;

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
