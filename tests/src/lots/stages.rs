//! What each agency says of a lot, event by event.

use proto::schema::event::{Event, Item, Lot as Stated, Quantity, Uom};
use proto::schema::{Body, OperationKind};

use super::cast::{foreign_station, plate, station};
use super::codes::UNKNOWN_BOX;
use super::registry::{certificates, declaration_line, product};
use super::{BOXES, Fault, Lots, Made, SLOT_MS, START_MS, Stage, draw};

/// Last day that certificates hold: 2029-12-31.
pub(crate) const MAX_DAY: u32 = 21_914;

const DAY_MS: u64 = 86_400_000;

/// China is eight hours ahead.
const ZONE_MS: u64 = 8 * 3_600_000;

/// Time between two events of one agency about one lot.
const STEP_MS: u64 = SLOT_MS / 60;

/// The box that differs where a lot has a fault of one box.
const FAULTY_BOX: u64 = 3;

/// Less than this of a box arrives where quantities differ.
const MISSING_MILLI: u64 = 4_000;

/// Days since 1970 in China.
pub(crate) fn day_number(ms: u64) -> u32 {
    u32::try_from((ms + ZONE_MS) / DAY_MS).expect("a day of this century")
}

/// The day in China, such as `2021-03-01`.
pub(crate) fn day_of(ms: u64) -> String {
    // Years that begin in March have their leap day last: every month before it has a fixed place.
    let days = u64::from(day_number(ms)) + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (year, month) = (era * 400 + year, month + 3);
    let (year, month) = if month > 12 { (year + 1, month - 12) } else { (year, month) };
    format!("{year:04}-{month:02}-{day:02}")
}

impl Lots {
    /// When a stage of a lot begins.
    pub(crate) const fn begins_ms(&self, stage: Stage, lot: u64) -> u64 {
        START_MS + (lot + stage.before() * self.apart_lots()) * SLOT_MS
    }

    /// The enterprise that has the goods of a lot in a province.
    pub(crate) fn owner(&self, stage: Stage, lot: u64) -> &str {
        self.cast.party(stage, draw(&[self.plan.seed, 3, stage.before(), lot]))
    }

    /// The event with number `number` of an agency's.
    pub fn event(&self, stage: Stage, number: u64) -> Made {
        let (lot, step) = (number / stage.events(), number % stage.events());
        let (kind, event) = match stage {
            Stage::Hebei => self.hebei_event(lot, step),
            Stage::Tianjin => self.tianjin_event(lot, step),
            Stage::Beijing => self.beijing_event(lot, step),
        };
        let occurred_ms = self.begins_ms(stage, lot) + step * STEP_MS;
        let event = Event { occurred_ms, ..event };
        let lines = u64::try_from(event.items.len()).expect("at most 20 items");
        let name = format!("{}:{number}", stage.before());
        Made { operation: self.operation(&name, kind, &Body::Event(event)), lines }
    }

    fn hebei_event(&self, lot: u64, step: u64) -> (OperationKind, Event) {
        match step {
            0..BOXES => (OperationKind::Commission, self.coding(lot, step)),
            BOXES..40 => (OperationKind::StorageIn, self.storing(Stage::Hebei, lot, step - BOXES)),
            40.. => (OperationKind::Ship, self.shipping((Stage::Hebei, Stage::Tianjin), lot)),
        }
    }

    fn tianjin_event(&self, lot: u64, step: u64) -> (OperationKind, Event) {
        match step {
            0 => (OperationKind::Receive, self.receiving((Stage::Hebei, Stage::Tianjin), lot)),
            1..=BOXES => (OperationKind::StorageIn, self.storing(Stage::Tianjin, lot, step - 1)),
            21.. => (OperationKind::Ship, self.shipping((Stage::Tianjin, Stage::Beijing), lot)),
        }
    }

    fn beijing_event(&self, lot: u64, step: u64) -> (OperationKind, Event) {
        match step {
            0 => (OperationKind::Receive, self.receiving((Stage::Tianjin, Stage::Beijing), lot)),
            1.. => (OperationKind::Sale, self.selling(lot, step - 1)),
        }
    }

    /// What a box of a lot weighs, as Hebei and whoever received all of it say.
    fn weight(&self, lot: u64) -> u64 {
        10_000 + draw(&[self.plan.seed, 4, lot]) % 16 * 1_000
    }

    /// What a province says that a box weighs.
    fn stated(&self, stage: Stage, lot: u64, number: u64) -> u64 {
        let differs = self.fault(lot) == Some(Fault::QuantityDiffers) && number == FAULTY_BOX;
        match stage {
            Stage::Tianjin | Stage::Beijing if differs => self.weight(lot) - MISSING_MILLI,
            Stage::Hebei | Stage::Tianjin | Stage::Beijing => self.weight(lot),
        }
    }

    fn item(&self, stage: Stage, lot: u64, number: u64) -> Item {
        let milli = self.stated(stage, lot, number);
        let quantity = Some(Quantity { milli, uom: Uom::Kgm.into() });
        Item { code: self.code(stage, lot, number), quantity, counterpart: String::new() }
    }

    fn at_home(&self, stage: Stage, lot: u64) -> Event {
        Event {
            party: self.owner(stage, lot).to_owned(),
            station: station(stage, lot),
            person: self.cast.person(stage, lot),
            ..Event::default()
        }
    }

    fn papers_named(lot: u64) -> Vec<String> {
        certificates(lot).into_iter().map(|(number, _)| number).collect()
    }

    fn coding(&self, lot: u64, number: u64) -> Event {
        let is_imported = Self::is_imported(lot);
        let is_missing = self.fault(lot) == Some(Fault::MissingCertificate);
        let day = day_number(self.begins_ms(Stage::Hebei, lot));
        // Papers of the declaration cover the goods as well, so it is missing too.
        let has_line = is_imported && !is_missing;
        Event {
            items: vec![self.item(Stage::Hebei, lot, number)],
            certificates: if is_missing { Vec::new() } else { Self::papers_named(lot) },
            declaration: if has_line { declaration_line(lot) } else { String::new() },
            lot: Some(Stated {
                product: product(lot),
                batch: format!("P{lot:07}"),
                produced_day: day - 60,
                expires_day: day + 300,
                origin_country: if is_imported { "NOR" } else { "CHN" }.to_owned(),
                imported: is_imported,
                ..Stated::default()
            }),
            ..self.at_home(Stage::Hebei, lot)
        }
    }

    fn storing(&self, stage: Stage, lot: u64, number: u64) -> Event {
        Event {
            items: vec![self.item(stage, lot, number)],
            document: format!("RK-{}-{lot:07}-{number:02}", stage.before()),
            ..self.at_home(stage, lot)
        }
    }

    /// Number of the waybill, which both sides of a delivery hold.
    fn waybill(from: Stage, lot: u64) -> String {
        format!("YD-{}-{lot:07}", from.before())
    }

    fn shipping(&self, (from, to): (Stage, Stage), lot: u64) -> Event {
        Event {
            items: (0..BOXES).map(|number| self.item(from, lot, number)).collect(),
            document: Self::waybill(from, lot),
            counterparty: self.owner(to, lot).to_owned(),
            counterparty_station: foreign_station(to, lot),
            vehicle: plate(from, lot),
            ..self.at_home(from, lot)
        }
    }

    fn receiving(&self, (from, to): (Stage, Stage), lot: u64) -> Event {
        let taken = |number| {
            let counterpart = self.code(from, lot, number);
            Item { counterpart, ..self.item(to, lot, number) }
        };
        Event {
            items: (0..BOXES).map(taken).collect(),
            document: Self::waybill(from, lot),
            counterparty: self.owner(from, lot).to_owned(),
            counterparty_station: foreign_station(from, lot),
            vehicle: plate(from, lot),
            ..self.at_home(to, lot)
        }
    }

    fn selling(&self, lot: u64, number: u64) -> Event {
        let mut item = self.item(Stage::Beijing, lot, number);
        let is_over = self.fault(lot) == Some(Fault::OverQuantity) && number == UNKNOWN_BOX;
        if let Some(quantity) = item.quantity.as_mut().filter(|_| is_over) {
            quantity.milli *= 3;
        }
        Event {
            items: vec![item],
            document: format!("XS-{lot:07}-{number:02}"),
            ..self.at_home(Stage::Beijing, lot)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::day_of;

    #[test]
    fn days_are_those_of_the_calendar() {
        for (ms, expected) in [
            (1_614_528_000_000, "2021-03-01"),
            (1_614_527_999_999, "2021-02-28"),
            (1_709_136_000_000, "2024-02-29"),
            (1_735_660_799_999, "2024-12-31"),
        ] {
            assert_eq!(day_of(ms), expected, "{ms}");
        }
    }
}
