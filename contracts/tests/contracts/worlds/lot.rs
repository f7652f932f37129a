//! The way of one lot from Hebei through Tianjin to the stalls of Beijing, and what is said wrongly, late
//! or never of it.

use proto::operation::Operation;
use proto::schema::event::{Event, Item, Lot, Observation, TestOutcome};
use proto::schema::registry::{Certificate, CertificateType};
use proto::schema::{Body, OperationKind};

use super::Dice;
use crate::harness::{
    BJ, HE, TJ, Who, at, boxes, code, correction, event, gs1, item, kilograms, operation, platform,
    taken,
};

/// Minutes between the beginnings of two lots.
const MINUTES: u64 = 50;

/// Pallets that carry one lot after the other.
const PALLETS: u64 = 25;

/// Lorries.
const VEHICLES: u64 = 30;

/// Parties of each agency, each with a station of its own.
const PARTIES: u64 = 20;

/// One in so many lots is large: more boxes than one look at it would see.
const LARGE: u64 = 25;

/// What is told of one lot.
struct Story<'a> {
    dice: &'a mut Dice,
    number: u64,
    told: Vec<(Who, Operation)>,
}

/// Everything that is told of the lot of a number, in the order in which it happened.
pub(super) fn lot(dice: &mut Dice, number: u64) -> Vec<(Who, Operation)> {
    let mut story = Story { dice, number, told: Vec::new() };
    let count = if story.dice.one_in(LARGE) { 300 } else { 3 + story.dice.below(22) };
    story.papers();
    story.made(count);
    story.moved(count, &Leg { who: HE, to: TJ, from_code: "H", to_code: "T", minute: 10 });
    story.moved(count, &Leg { who: TJ, to: BJ, from_code: "T", to_code: "B", minute: 20 });
    story.ended(count);
    story.faults(count);
    story.tested(count);
    story.told
}

/// One delivery of all boxes of the lot.
struct Leg {
    who: u16,
    to: u16,
    from_code: &'static str,
    to_code: &'static str,
    minute: u64,
}

impl Story<'_> {
    fn minute(&self, of: u64) -> u64 {
        self.number * MINUTES + of
    }

    fn name(&self, side: &str, number: u64) -> String {
        format!("{side}-{}-{number}", self.number)
    }

    fn party(&self, agency: u16) -> String {
        let side = ["bj", "tj", "he"].get(usize::from(agency)).expect("one of three agencies");
        format!("p-{side}-{}", self.number % PARTIES)
    }

    fn declaration(&self) -> String {
        format!("020220211{:09}-1", self.number)
    }

    fn at(&self, minute: u64, agency: u16, items: Vec<Item>) -> Event {
        at(self.minute(minute), &self.party(agency), items)
    }

    /// Tells an event; now and then with a mistake, and what corrects it.
    fn tell(&mut self, agency: u16, kind: OperationKind, stated: Event) {
        let who = platform(agency);
        let fault = self.dice.below(60);
        let mut wrong = stated.clone();
        if let Some(first) = wrong.items.first_mut() {
            match fault {
                0..4 => {
                    if let Some(quantity) = &mut first.quantity {
                        quantity.milli *= 10;
                    }
                }
                4 => first.code.push_str("-TYPO"),
                5 => wrong.occurred_ms += 60_000,
                _ => (), // told as it is
            }
        }
        let is_wrong = wrong != stated;
        let first = event(kind, wrong);
        let (uid, minute) = (first.uid, self.minute(40));
        self.told.push((who, first));
        if is_wrong {
            let name = format!("right {:?}", uid.0);
            let right = correction(&name, (minute, uid), kind, Some(stated.clone()));
            // Some are corrected twice, some corrections are corrected themselves.
            if self.dice.one_in(4) {
                let of = if self.dice.one_in(2) { uid } else { right.uid };
                let again = format!("again {:?}", uid.0);
                self.told.push((who, correction(&again, (minute + 1, of), kind, Some(stated))));
            }
            self.told.push((who, right));
        } else if fault == 6 {
            let name = format!("never {:?}", uid.0);
            self.told.push((who, correction(&name, (minute, uid), kind, None)));
        }
    }

    /// Certificates of the declaration: all of them, or not.
    fn papers(&mut self) {
        let kinds = [
            CertificateType::EntryInspection,
            CertificateType::NucleicAcid,
            CertificateType::Disinfection,
        ];
        let missing = self.dice.below(8);
        for (at, kind) in (0..).zip(kinds) {
            if at == missing {
                continue;
            }
            let body = Certificate {
                number: format!("C-{}-{at}", self.number),
                certificate_type: kind.into(),
                declaration: self.declaration(),
                ..Certificate::default()
            };
            let body = Body::Certificate(body);
            self.told.push((platform(HE), operation(OperationKind::Certificate, &body)));
        }
    }

    /// The coding of the lot and its division into boxes.
    fn made(&mut self, count: u64) {
        let lot = self.name("L", 0);
        let imported = Lot { imported: !self.dice.one_in(4), ..Lot::default() };
        let coding = Event {
            declaration: self.declaration(),
            certificates: vec![format!("C-{}-0", self.number)],
            lot: Some(imported),
            ..self.at(1, HE, vec![item(&lot, boxes(count))])
        };
        self.tell(HE, OperationKind::Commission, coding);
        // In one go, or box by box.
        let part = if self.dice.one_in(3) { 1 } else { count };
        for first in (0..count).step_by(usize::try_from(part).expect("at most 300")) {
            let numbers = first..first + part;
            let outputs = numbers.map(|box_of| item(&self.name("H", box_of), boxes(1))).collect();
            let cut = self.at(2, HE, vec![item(&lot, boxes(part))]);
            self.tell(HE, OperationKind::Split, Event { outputs, ..cut });
        }
        if self.dice.one_in(2) {
            let stored = self.at(3, HE, vec![item(&self.name("H", 0), boxes(1))]);
            self.tell(HE, OperationKind::StorageIn, stored);
        }
    }

    /// A delivery under a document, on a pallet or box by box, in one go or in two.
    fn moved(&mut self, count: u64, leg: &Leg) {
        let document = format!("D-{}-{}", self.number, leg.minute);
        let (from, to) = (self.party(leg.who), self.party(leg.to));
        let vehicle = format!("冀A{:05}", self.number % VEHICLES);
        if self.dice.one_in(3) {
            self.packed(count, leg);
        }
        let lines = |numbers: std::ops::Range<u64>| {
            numbers.map(|one| item(&self.name(leg.from_code, one), boxes(1))).collect::<Vec<_>>()
        };
        let cut = if count % 2 == 0 { count } else { count / 2 };
        let parts = [lines(0..cut), lines(cut..count)];
        for items in parts.into_iter().filter(|items| !items.is_empty()) {
            let sent = Event {
                document: document.clone(),
                counterparty: to.clone(),
                vehicle: vehicle.clone(),
                ..self.at(leg.minute, leg.who, items)
            };
            self.tell(leg.who, OperationKind::Ship, sent);
        }
        let takes = |one: u64| {
            let (own, other) = (self.name(leg.to_code, one), self.name(leg.from_code, one));
            taken(&own, &other, boxes(1))
        };
        let got = Event {
            document,
            counterparty: from,
            ..self.at(leg.minute + 5, leg.to, (0..count).map(takes).collect())
        };
        self.tell(leg.to, OperationKind::Receive, got);
        if self.dice.one_in(2) {
            let one = self.name(leg.to_code, 0);
            let stored = self.at(leg.minute + 6, leg.to, vec![item(&one, boxes(1))]);
            self.tell(leg.to, OperationKind::StorageIn, stored);
        }
    }

    /// The boxes go on a pallet that others had before, and come off it afterwards.
    fn packed(&mut self, count: u64, leg: &Leg) {
        let pallet = format!("PALLET-{}", self.number % PALLETS);
        let names: Vec<Item> = (0..count).map(|one| code(&self.name(leg.from_code, one))).collect();
        let on = self.at(leg.minute - 1, leg.who, names.clone());
        let off = self.at(leg.minute + 4, leg.who, names);
        let container = gs1(&pallet);
        self.tell(leg.who, OperationKind::Pack, Event { container: container.clone(), ..on });
        let gone = Event {
            document: format!("P-{}-{}", self.number, leg.minute),
            counterparty: self.party(leg.to),
            ..self.at(leg.minute, leg.who, vec![item(&pallet, boxes(1))])
        };
        self.tell(leg.who, OperationKind::Ship, gone);
        if !self.dice.one_in(5) {
            self.tell(leg.who, OperationKind::Unpack, Event { container, ..off });
        }
    }

    /// Sold, cooked, used or thrown away.
    fn ended(&mut self, count: u64) {
        for one in 0..count.min(25) {
            let name = self.name("B", one);
            let goods = vec![item(&name, boxes(1))];
            match self.dice.below(12) {
                0 => {
                    let (dish, sauce) = (self.name("DISH", one), self.name("SAUCE", one % 3));
                    let inputs = vec![item(&name, boxes(1)), item(&sauce, kilograms(1))];
                    let cooked = self.at(30, BJ, inputs);
                    let outputs = vec![item(&dish, kilograms(2))];
                    self.tell(BJ, OperationKind::Process, Event { outputs, ..cooked });
                    let sold = self.at(31, BJ, vec![item(&dish, kilograms(2))]);
                    self.tell(BJ, OperationKind::Sale, sold);
                }
                1 => self.tell(BJ, OperationKind::Use, self.at(32, BJ, goods)),
                2 => (), // still in stock
                _ => self.tell(BJ, OperationKind::Sale, self.at(33 + one % 4, BJ, goods)),
            }
        }
    }

    /// What should not be.
    fn faults(&mut self, count: u64) {
        let one = self.dice.below(count);
        if self.dice.one_in(12) {
            let strange = Event {
                declaration: format!("020220211{:09}-2", self.dice.below(1_000)),
                ..self.at(26, BJ, vec![item(&self.name("B", one), boxes(1))])
            };
            self.tell(BJ, OperationKind::CustomsInspection, strange);
        }
        if self.dice.one_in(15) {
            let back = vec![taken(&self.name("H", one), &self.name("B", one), boxes(1))];
            let got = Event { document: format!("BACK-{}", self.number), ..self.at(38, HE, back) };
            let got = Event { counterparty: self.party(BJ), ..got };
            self.tell(HE, OperationKind::Receive, got);
        }
        if self.dice.one_in(15) {
            let more = vec![taken(&self.name("T", one), &self.name("H", one), boxes(3))];
            let document = format!("D-{}-10", self.number);
            let got = Event { document, counterparty: self.party(HE), ..self.at(16, TJ, more) };
            self.tell(TJ, OperationKind::Receive, got);
        }
        if self.dice.one_in(12) {
            let sold = self.at(39, BJ, vec![item(&self.name("B", one), boxes(9))]);
            self.tell(BJ, OperationKind::Sale, sold);
        }
        if self.dice.one_in(15) {
            let seen = Observation {
                occurred_ms: self.at(27, BJ, Vec::new()).occurred_ms,
                format: "epcis".to_owned(),
                inputs: vec![gs1(&self.name("B", one))],
                outputs: vec![gs1(&self.name("SLICE", one))],
                ..Observation::default()
            };
            let seen = operation(OperationKind::Observation, &Body::Observation(seen));
            self.told.push((platform(BJ), seen));
        }
    }

    /// A sample that was found positive, by its goods or by its document; some were not.
    fn tested(&mut self, count: u64) {
        if !self.dice.one_in(20) {
            return;
        }
        let side = ["L", "H", "T", "B"].get(self.dice.index(4)).expect("one of four");
        let one = if *side == "L" { 0 } else { self.dice.below(count) };
        let goods = vec![code(&self.name(side, one))];
        let sample = format!("S-{}", self.number);
        let is_by_sample = self.dice.one_in(2);
        if is_by_sample {
            let sampled = Event { document: sample.clone(), ..self.at(28, BJ, goods.clone()) };
            self.tell(BJ, OperationKind::Sampling, sampled);
        }
        let tested = Event {
            document: format!("REPORT-{}", self.number),
            agent: "SARS-CoV-2".to_owned(),
            ..self.at(29, BJ, Vec::new())
        };
        let result = |test: TestOutcome| {
            let tested = Event { test: test.into(), ..tested.clone() };
            if is_by_sample {
                Event { sample: sample.clone(), ..tested }
            } else {
                Event { items: goods.clone(), ..tested }
            }
        };
        let test = if self.dice.one_in(3) { TestOutcome::Suspected } else { TestOutcome::Positive };
        let (first, kind) =
            (event(OperationKind::TestResult, result(test)), OperationKind::TestResult);
        let uid = first.uid;
        self.told.push((platform(BJ), first));
        if self.dice.one_in(3) {
            let other =
                [None, Some(result(TestOutcome::Negative)), Some(result(TestOutcome::Positive))];
            let other = other.into_iter().nth(self.dice.index(3)).expect("one of three");
            let name = format!("result {:?}", uid.0);
            self.told.push((platform(BJ), correction(&name, (self.minute(45), uid), kind, other)));
        }
    }
}
