#![cfg(test)]
//! The walk of a trace: which link leads on, in which mode, and that order never matters.

use std::collections::{BTreeMap, BTreeSet};

use contracts::walk::{Direction, LogView, Mode, Walk, WalkError, walk};
use proptest::prelude::*;
use proto::receipt::{Link, Role, Subject, SubjectKind};
use proto::types::Height;

fn unit(name: &str) -> Subject {
    Subject::unit(name.as_bytes().to_vec())
}

fn name(subject: &Subject) -> String {
    String::from_utf8(subject.key.clone()).unwrap()
}

/// Receipts as lists of (role, unit), one height each.
#[derive(Clone, Debug, Default)]
struct World {
    receipts: Vec<Vec<(Role, Subject)>>,
}

impl World {
    fn of(receipts: &[&[(Role, &str)]]) -> Self {
        let one = |receipt: &&[(Role, &str)]| {
            receipt.iter().map(|(role, name)| (*role, unit(name))).collect()
        };
        Self { receipts: receipts.iter().map(one).collect() }
    }

    fn log(&self, subject: &Subject) -> Vec<LogView> {
        (1..)
            .zip(&self.receipts)
            .filter(|(_, receipt)| receipt.iter().any(|(_, named)| named == subject))
            .map(|(height, receipt)| LogView {
                height: Height::new(height),
                receipt_index: 0,
                links: receipt
                    .iter()
                    .map(|(role, subject)| Link { role: *role, subject: subject.clone() })
                    .collect(),
            })
            .collect()
    }

    fn walk(&self, starts: &[Subject], direction: Direction, limit: usize) -> Walk {
        walk::<()>(starts, direction, limit, |subject| Ok(self.log(subject))).unwrap()
    }

    fn reached(&self, start: &str, direction: Direction) -> String {
        let found = self.walk(&[unit(start)], direction, 1000);
        let names = found.reached.iter().map(|(subject, mode)| {
            let mark = match mode {
                Mode::Goods => "",
                Mode::Carrier => "(carrier)",
                Mode::Scoped => "(scoped)",
            };
            format!("{}{mark}", name(subject))
        });
        names.collect::<Vec<_>>().join(" ")
    }
}

const DIRECTIONS: [Direction; 3] = [Direction::Back, Direction::Forward, Direction::Both];

/// D5, row by row: `s` has the first role, `x` the second, in one receipt; which directions lead
/// from `s` to `x`, and in which mode.
#[test]
fn each_pair_of_roles_is_followed_as_the_rule_says() {
    use Role::{
        Carry, Container, Content, DerivedChild, DerivedParent, Input, Other, Output, Relabel,
        Same, Scope, SplitFrom, SplitTo, Void,
    };
    let lineage = [
        (Output, Input, Direction::Back),
        (SplitTo, SplitFrom, Direction::Back),
        (DerivedChild, DerivedParent, Direction::Back),
        (Input, Output, Direction::Forward),
        (SplitFrom, SplitTo, Direction::Forward),
        (DerivedParent, DerivedChild, Direction::Forward),
    ];
    for own in Role::ALL {
        for role in Role::ALL {
            for direction in DIRECTIONS {
                let in_direction =
                    |wanted: Direction| direction == Direction::Both || direction == wanted;
                let expected = match role {
                    Same | Relabel | Carry | Void => Some(Mode::Goods),
                    Scope => Some(Mode::Scoped),
                    Container if *own == Content => Some(Mode::Carrier),
                    Content if *own == Container => Some(Mode::Goods),
                    Input | Output | Container | Content | SplitFrom | SplitTo | DerivedParent
                    | DerivedChild | Other => lineage
                        .iter()
                        .any(|(o, r, d)| o == own && r == role && in_direction(*d))
                        .then_some(Mode::Goods),
                };
                let world = World { receipts: vec![vec![(*own, unit("s")), (*role, unit("x"))]] };
                let found = world.walk(&[unit("s")], direction, 10);
                let found = found.reached.get(&unit("x")).copied();
                assert_eq!(found, expected, "own {own:?}, link {role:?}, {direction:?}");
            }
        }
    }
}

/// The same rows from a subject that is only a carrier, or only in scope.
#[test]
fn a_carrier_follows_all_but_content_and_a_scoped_subject_only_alias_and_scope() {
    use Role::{Container, Content, Scope};
    for own in Role::ALL {
        for role in Role::ALL {
            let pair = vec![(*own, unit("m")), (*role, unit("x"))];
            let goods = World { receipts: vec![pair.clone()] };
            let as_goods = goods.walk(&[unit("m")], Direction::Both, 10);
            let as_goods = as_goods.reached.get(&unit("x")).copied();
            let carrier = World {
                receipts: vec![vec![(Content, unit("s")), (Container, unit("m"))], pair.clone()],
            };
            let found = carrier.walk(&[unit("s")], Direction::Both, 10);
            let expected = match (role, as_goods) {
                (Content, _) => None,
                (_, Some(Mode::Goods)) if role.is_alias_of_the_table() => Some(Mode::Carrier),
                (_, mode) => mode,
            };
            let found = found.reached.get(&unit("x")).copied();
            assert_eq!(found, expected, "carrier: own {own:?}, link {role:?}");
            let scoped =
                World { receipts: vec![vec![(Role::Other, unit("s")), (Scope, unit("m"))], pair] };
            let found = scoped.walk(&[unit("s")], Direction::Both, 10);
            let expected = (role.is_alias_of_the_table() || *role == Scope).then_some(Mode::Scoped);
            let found = found.reached.get(&unit("x")).copied();
            assert_eq!(found, expected, "scoped: own {own:?}, link {role:?}");
        }
    }
}

trait Table {
    fn is_alias_of_the_table(&self) -> bool;
}

impl Table for Role {
    fn is_alias_of_the_table(&self) -> bool {
        (5..=8).contains(&self.code())
    }
}

#[test]
fn stories_reach_what_belongs_to_them_and_nothing_else() {
    use Role::{Container, Content, Input, Other, Output, Same, SplitFrom, SplitTo};
    let world = World::of(&[
        &[(SplitFrom, "lot"), (SplitTo, "box1"), (SplitTo, "box2")],
        &[(Container, "pallet"), (Content, "box1"), (Content, "alien")],
        &[(Same, "box1"), (Same, "tj1")],
        &[(Input, "tj1"), (Input, "salt"), (Output, "packet1"), (Output, "packet2")],
        &[(Other, "packet1"), (Other, "stranger")],
        &[(Container, "truck"), (Content, "pallet")],
        &[(Input, "alien"), (Output, "soup")],
    ]);
    for (start, direction, expected) in [
        ("packet1", Direction::Back, "box1 lot packet1 pallet(carrier) salt tj1 truck(carrier)"),
        ("packet1", Direction::Forward, "packet1"),
        (
            "lot",
            Direction::Forward,
            "box1 box2 lot packet1 packet2 pallet(carrier) tj1 truck(carrier)",
        ),
        ("lot", Direction::Back, "lot"),
        ("pallet", Direction::Back, "alien box1 lot pallet tj1 truck(carrier)"),
        ("box2", Direction::Back, "box2 lot"),
        ("alien", Direction::Both, "alien pallet(carrier) soup truck(carrier)"),
        ("stranger", Direction::Both, "stranger"),
        ("never", Direction::Both, "never"),
    ] {
        assert_eq!(world.reached(start, direction), expected, "{start} {direction:?}");
    }
}

/// A pallet that carries the goods, and is then itself consumed, becomes goods and is unpacked.
#[test]
fn a_subject_reached_again_in_a_higher_mode_is_expanded_again() {
    use Role::{Container, Content, Same, Scope, SplitFrom, SplitTo};
    let world = World::of(&[
        &[(Container, "pallet"), (Content, "box"), (Content, "sibling")],
        &[(SplitFrom, "pallet"), (SplitTo, "box")],
    ]);
    assert_eq!(world.reached("box", Direction::Back), "box pallet sibling");
    assert_eq!(world.reached("box", Direction::Forward), "box pallet(carrier)");
    let world = World::of(&[
        &[(Role::Other, "start"), (Scope, "case")],
        &[(Same, "case"), (Same, "other")],
        &[(SplitFrom, "other"), (SplitTo, "start")],
        &[(SplitFrom, "source"), (SplitTo, "case")],
    ]);
    assert_eq!(world.reached("start", Direction::Back), "case other source start");
}

#[test]
fn parties_and_places_are_never_followed_and_never_a_start() {
    let station = Subject { kind: SubjectKind::Station, key: b"place".to_vec() };
    let world =
        World { receipts: vec![vec![(Role::Same, unit("s")), (Role::Same, station.clone())]] };
    let found = world.walk(&[unit("s")], Direction::Both, 10);
    assert_eq!(found.reached.len(), 1);
    for kind in SubjectKind::ALL {
        let start = Subject { kind: *kind, key: b"x".to_vec() };
        let found = walk::<()>(&[start], Direction::Both, 10, |_| Ok(Vec::new()));
        assert_eq!(found.is_ok(), kind.has_one_log(), "{kind:?}");
    }
    let _ = station;
}

#[test]
fn the_limit_keeps_the_nearest_in_order_and_names_the_rest() {
    use Role::{SplitFrom, SplitTo};
    let world = World::of(&[
        &[(SplitFrom, "a"), (SplitTo, "c"), (SplitTo, "b"), (SplitTo, "d")],
        &[(SplitFrom, "b"), (SplitTo, "b1")],
        &[(SplitFrom, "d"), (SplitTo, "d1")],
    ]);
    for (limit, truncated) in [
        (1, &["b", "c", "d"][..]),
        (2, &["c", "d", "b1"]),
        (3, &["d", "b1"]),
        (4, &["b1", "d1"]),
        (5, &["d1"]),
        (6, &[]),
    ] {
        let found = world.walk(&[unit("a")], Direction::Forward, limit);
        let expected: BTreeSet<Subject> = truncated.iter().map(|name| unit(name)).collect();
        assert_eq!(found.truncated, expected, "limit {limit}");
        assert_eq!(found.expanded().count(), limit, "limit {limit}");
        assert!(found.edges.iter().all(|edge| !expected.contains(&edge.from)), "limit {limit}");
    }
}

#[test]
fn starts_must_fit_the_limit_and_errors_of_logs_come_through() {
    let starts = [unit("a"), unit("b"), unit("a")];
    let found = walk::<()>(&starts, Direction::Both, 1, |_| Ok(Vec::new()));
    assert_eq!(found, Err(WalkError::TooManyStarts { starts: 2, limit: 1 }));
    let found = walk(&starts, Direction::Both, 2, |subject| {
        if *subject == unit("b") { Err("disk") } else { Ok(Vec::new()) }
    });
    assert_eq!(found, Err(WalkError::Log("disk")));
}

#[test]
fn each_log_is_read_once() {
    use Role::{Container, Content, SplitFrom, SplitTo};
    let world = World::of(&[
        &[(Container, "pallet"), (Content, "box")],
        &[(SplitFrom, "pallet"), (SplitTo, "box")],
    ]);
    let mut read: BTreeMap<Subject, usize> = BTreeMap::new();
    walk::<()>(&[unit("box")], Direction::Both, 10, |subject| {
        *read.entry(subject.clone()).or_default() += 1;
        Ok(world.log(subject))
    })
    .unwrap();
    assert!(read.values().all(|times| *times == 1), "{read:?}");
}

fn worlds() -> impl Strategy<Value = World> {
    let role = (0..Role::ALL.len()).prop_map(|at| Role::ALL[at]);
    let named = (0..10_u8).prop_map(|number| unit(&format!("u{number}")));
    let receipt = prop::collection::vec((role, named), 1..5);
    prop::collection::vec(receipt, 0..14).prop_map(|receipts| World { receipts })
}

/// D5 read literally, without rounds, sets or a limit: follow any link whose target can still be
/// raised, until none can. It takes the links in the order that `pick` chooses.
fn naive(
    world: &World,
    starts: &[Subject],
    direction: Direction,
    mut pick: impl FnMut(usize) -> usize,
) -> BTreeMap<Subject, Mode> {
    let mut modes: BTreeMap<Subject, Mode> =
        starts.iter().map(|start| (start.clone(), Mode::Goods)).collect();
    loop {
        let mut raises: Vec<(Subject, Mode)> = Vec::new();
        for (s, mode) in &modes {
            for entry in world.log(s) {
                let own =
                    |role: Role| entry.links.iter().any(|l| l.subject == *s && l.role == role);
                for link in &entry.links {
                    let back = direction != Direction::Forward && *mode > Mode::Scoped;
                    let forward = direction != Direction::Back && *mode > Mode::Scoped;
                    let next = match link.role {
                        Role::Same | Role::Relabel | Role::Carry | Role::Void => Some(*mode),
                        Role::Scope => Some(Mode::Scoped),
                        Role::Input if back && own(Role::Output) => Some(Mode::Goods),
                        Role::SplitFrom if back && own(Role::SplitTo) => Some(Mode::Goods),
                        Role::DerivedParent if back && own(Role::DerivedChild) => Some(Mode::Goods),
                        Role::Output if forward && own(Role::Input) => Some(Mode::Goods),
                        Role::SplitTo if forward && own(Role::SplitFrom) => Some(Mode::Goods),
                        Role::DerivedChild if forward && own(Role::DerivedParent) => {
                            Some(Mode::Goods)
                        }
                        Role::Container if *mode > Mode::Scoped && own(Role::Content) => {
                            Some(Mode::Carrier)
                        }
                        Role::Content if *mode == Mode::Goods && own(Role::Container) => {
                            Some(Mode::Goods)
                        }
                        Role::Input
                        | Role::Output
                        | Role::Container
                        | Role::Content
                        | Role::SplitFrom
                        | Role::SplitTo
                        | Role::DerivedParent
                        | Role::DerivedChild
                        | Role::Other => None,
                    };
                    if let Some(next) = next
                        && link.subject != *s
                        && modes.get(&link.subject).is_none_or(|known| *known < next)
                    {
                        raises.push((link.subject.clone(), next));
                    }
                }
            }
        }
        if raises.is_empty() {
            return modes;
        }
        let (subject, mode) = raises.swap_remove(pick(raises.len()));
        modes.insert(subject, mode);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_starts_entries_and_links_is_nothing(
        world in worlds(),
        starts in prop::collection::vec(0..10_u8, 1..4),
        direction in prop::sample::select(&DIRECTIONS[..]),
        limit in 4..11_usize,
        seed in any::<u64>(),
    ) {
        let starts: Vec<Subject> = starts.iter().map(|n| unit(&format!("u{n}"))).collect();
        let straight = world.walk(&starts, direction, limit);
        let turned: Vec<Subject> = starts.iter().rev().cloned().collect();
        let shuffled = walk::<()>(&turned, direction, limit, |subject| {
            let mut entries = world.log(subject);
            entries.reverse();
            let turn = usize::try_from(seed % 7).unwrap().min(entries.len());
            entries.rotate_left(turn);
            for entry in &mut entries {
                entry.links.reverse();
            }
            Ok(entries)
        })
        .unwrap();
        prop_assert_eq!(straight, shuffled);
    }

    #[test]
    fn the_walk_reaches_what_the_rule_read_literally_reaches(
        world in worlds(),
        starts in prop::collection::vec(0..10_u8, 1..4),
        direction in prop::sample::select(&DIRECTIONS[..]),
        mut seed in any::<u64>(),
    ) {
        let starts: Vec<Subject> = starts.iter().map(|n| unit(&format!("u{n}"))).collect();
        let found = world.walk(&starts, direction, 1000);
        let literal = naive(&world, &starts, direction, |count| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            usize::try_from(seed >> 33).unwrap() % count
        });
        prop_assert_eq!(found.reached, literal);
    }

    #[test]
    fn a_limited_walk_is_a_part_of_the_whole(
        world in worlds(),
        start in 0..10_u8,
        direction in prop::sample::select(&DIRECTIONS[..]),
        limit in 1..10_usize,
    ) {
        let start = [unit(&format!("u{start}"))];
        let whole = world.walk(&start, direction, 1000);
        let part = world.walk(&start, direction, limit);
        prop_assert!(part.expanded().count() <= limit);
        prop_assert!(!part.truncated.contains(&start[0]));
        for (subject, mode) in &part.reached {
            prop_assert!(whole.reached.get(subject).is_some_and(|whole| whole >= mode));
        }
        if part.truncated.is_empty() {
            prop_assert_eq!(&part, &whole);
        }
    }
}
