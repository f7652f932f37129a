//! Codes of the three demo schemes, each with its check characters.

use contracts::identifier::check::{gs1_mod10, mod37_36, mod97_10};

use super::cast::regions;
use super::stages::day_of;
use super::{BOXES, CONSIGNMENT_LOTS, Fault, Lots, Stage, pick};

/// The box of a lot whose code no scheme reads, where the lot has that fault.
pub(crate) const UNKNOWN_BOX: u64 = 7;

/// Declarations of domestic goods, which Tianjin numbers like those of the customs.
const DOMESTIC_SERIAL: u64 = 500_000_000;

/// Number of a consignment's declaration, without its line.
pub(crate) fn declaration(lot: u64) -> String {
    let serial = lot / CONSIGNMENT_LOTS;
    let serial = if Lots::is_imported(lot) { serial } else { DOMESTIC_SERIAL + serial };
    // Office of Tianjin, 2021, import.
    format!("020220211{serial:09}")
}

impl Lots {
    /// The code that a platform gives box `number` of a lot.
    pub fn code(&self, stage: Stage, lot: u64, number: u64) -> String {
        match stage {
            Stage::Hebei => self.hebei(lot, number),
            Stage::Tianjin => {
                let is_unknown =
                    self.fault(lot) == Some(Fault::UnknownCode) && number == UNKNOWN_BOX;
                if is_unknown { format!("XBQ-{lot}-{number}") } else { tianjin(lot, number) }
            }
            Stage::Beijing => self.beijing(lot, number),
        }
    }

    fn hebei(&self, lot: u64, number: u64) -> String {
        let count = lot * BOXES + number;
        let day = self.day(Stage::Hebei, lot).replace('-', "");
        // Sequence numbers start anew with each product, so that no two boxes share a code.
        let (product, sequence) = (count / 100_000 % 1_000_000, count % 100_000);
        let body = format!("HE{}{product:06}{day}{sequence:05}", self.owner(Stage::Hebei, lot));
        let check = mod37_36(&body).expect("capitals and digits");
        format!("{body}{check}")
    }

    fn beijing(&self, lot: u64, number: u64) -> String {
        let count = lot * BOXES + number;
        let product = format!("069{:010}", count / 10_000);
        let check = gs1_mod10(&product).expect("digits");
        let day = self.day(Stage::Beijing, lot).replace('-', "");
        let day = day.strip_prefix("20").expect("a day of this century");
        let region = pick(regions(Stage::Beijing), lot);
        let body = format!("BJ{region}{product}{check}{day}{:04}", count % 10_000);
        let check = mod37_36(&body).expect("capitals and digits");
        format!("{body}{check}")
    }

    /// The day on which a stage of a lot takes place, such as `2021-03-01`.
    fn day(&self, stage: Stage, lot: u64) -> String {
        day_of(self.begins_ms(stage, lot))
    }
}

fn tianjin(lot: u64, number: u64) -> String {
    let count = lot % CONSIGNMENT_LOTS * BOXES + number + 1;
    let body = format!("12{}001{count:06}", declaration(lot));
    let check = mod97_10(&body).expect("digits");
    format!("{body}{check}")
}
