//! Which matches lie on a circle: one pass over a class, whatever its size. What a class is, is
//! `class`'s business.

use std::collections::BTreeMap;

/// Gives each unit the number of its circle: two units have one number where each can be reached from
/// the other in the direction of the goods. Kosaraju's two walks, over every match once forward and
/// once back.
pub(super) fn circles<'a>(pairs: &[(&'a [u8], &'a [u8])]) -> BTreeMap<&'a [u8], usize> {
    let mut forward: BTreeMap<&[u8], Vec<&[u8]>> = BTreeMap::new();
    let mut back: BTreeMap<&[u8], Vec<&[u8]>> = BTreeMap::new();
    for (from, to) in pairs {
        forward.entry(from).or_default().push(to);
        back.entry(to).or_default().push(from);
        forward.entry(to).or_default();
        back.entry(from).or_default();
    }
    let mut left = Vec::new();
    let mut seen = BTreeMap::new();
    for unit in forward.keys() {
        walk(&forward, unit, 0, &mut seen, &mut left);
    }
    let mut circles = BTreeMap::new();
    for (number, unit) in left.iter().rev().enumerate() {
        walk(&back, unit, number, &mut circles, &mut Vec::new());
    }
    circles
}

/// Walks everything that can be reached from `start` and has no number yet, depth first; gives it
/// `number` and lists it in the order in which it is left.
fn walk<'a>(
    next: &BTreeMap<&'a [u8], Vec<&'a [u8]>>,
    start: &'a [u8],
    number: usize,
    numbered: &mut BTreeMap<&'a [u8], usize>,
    left: &mut Vec<&'a [u8]>,
) {
    if numbered.contains_key(start) {
        return;
    }
    numbered.insert(start, number);
    let of = |unit: &[u8]| next.get(unit).map(Vec::as_slice).unwrap_or_default().iter();
    let mut path = vec![(start, of(start))];
    while let Some((unit, rest)) = path.last_mut() {
        match rest.next() {
            Some(other) if !numbered.contains_key(other) => {
                numbered.insert(other, number);
                path.push((other, of(other)));
            }
            Some(_) => (), // it was met before
            None => {
                left.push(unit);
                path.pop();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pairs such as `ab bc`; which of them lie on a circle.
    fn check(pairs: &str, expected: &str) {
        let pairs: Vec<(&[u8], &[u8])> =
            pairs.split(' ').map(|pair| pair.as_bytes().split_at(1)).collect();
        let circles = circles(&pairs);
        let on = pairs.iter().filter(|(from, to)| circles[from] == circles[to]);
        let on: Vec<String> =
            on.map(|pair| String::from_utf8([pair.0, pair.1].concat()).unwrap()).collect();
        assert_eq!(on.join(" "), expected);
    }

    #[test]
    fn a_pair_lies_on_a_circle_where_its_taker_leads_back_to_its_giver() {
        check("ab bc cd", "");
        check("ab ba", "ab ba");
        check("ab bc ca cd", "ab bc ca");
        check("ab ac bd cd", "");
        check("ab bc cb cd de ed ea", "ab bc cb cd de ed ea");
        check("ab bc cb de ed bd", "bc cb de ed");
        check("ba ca da ab xd", "ba ab");
    }
}
