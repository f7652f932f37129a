//! Who and what takes part: enterprises, stations, vehicles, with codes that pass their checks.

use contracts::identifier::check::{gb32100_mod31, organisation_mod11};

use super::{Stage, draw, pick};

/// Enterprises of the three provinces together.
const PARTIES: u64 = 2_000;

/// Stations of the three provinces together.
const STATIONS: u64 = 30;

/// Lorries of one province.
pub(crate) const VEHICLES: u64 = 100;

/// Drivers and keepers of one province.
const PERSONS: u64 = 200;

/// Divisions of a province that enterprises are registered in.
pub(crate) const fn regions(stage: Stage) -> &'static [&'static str; 3] {
    match stage {
        Stage::Hebei => &["130104", "130181", "130209"],
        Stage::Tianjin => &["120101", "120102", "120116"],
        Stage::Beijing => &["110105", "110106", "110108"],
    }
}

/// Enterprises of a province.
pub(crate) const fn parties(stage: Stage) -> u64 {
    match stage {
        Stage::Hebei | Stage::Beijing => 700,
        Stage::Tianjin => PARTIES - 2 * 700,
    }
}

/// Everybody who takes part.
#[derive(Clone, Debug)]
pub(crate) struct Cast {
    seed: u64,
    parties: Vec<Vec<String>>,
}

impl Cast {
    /// The cast of a seed.
    pub(crate) fn of(seed: u64) -> Self {
        let of_stage =
            |stage| (0..parties(stage)).map(|number| credit_code(seed, stage, number)).collect();
        Self { seed, parties: Stage::ALL.map(of_stage).to_vec() }
    }

    /// An enterprise of a province.
    pub(crate) fn party(&self, stage: Stage, number: u64) -> &str {
        let parties: &Vec<String> = pick(&self.parties, stage.before());
        let party: &String = pick(parties, number);
        party
    }

    /// The enterprise that runs a station.
    pub(crate) fn keeper(&self, stage: Stage, station: u64) -> &str {
        self.party(stage, station * 7)
    }

    /// Commitment of a person of a province.
    pub(crate) fn person(&self, stage: Stage, number: u64) -> String {
        let number = draw(&[self.seed, 2, stage.before(), number % PERSONS]);
        format!("{number:064x}")
    }
}

/// Stations of a province.
pub(crate) const fn stations(_: Stage) -> u64 {
    STATIONS / 3
}

/// A station as its own agency names it.
pub(crate) fn station(stage: Stage, number: u64) -> String {
    let letters = match stage {
        Stage::Hebei => "HB",
        Stage::Tianjin => "TJ",
        Stage::Beijing => "BJ",
    };
    format!("{letters}-CK-{:02}", number % stations(stage))
}

/// A station as the other agencies name it.
pub(crate) fn foreign_station(stage: Stage, number: u64) -> String {
    format!("{}:{}", stage.agency(), station(stage, number))
}

/// Plate of a lorry.
pub(crate) fn plate(stage: Stage, number: u64) -> String {
    let province = match stage {
        Stage::Hebei => "冀A",
        Stage::Tianjin => "津C",
        Stage::Beijing => "京A",
    };
    format!("{province}{:05}", 20_000 + number % VEHICLES)
}

/// An invented unified social credit code with valid check characters.
fn credit_code(seed: u64, stage: Stage, number: u64) -> String {
    let region = pick(regions(stage), number);
    // Ten seeds share no enterprise; more need none of their own.
    let organisation = format!("MA{:02}{number:04}", seed % 10 * 10 + stage.before());
    let check = organisation_mod11(&organisation).expect("capitals and digits");
    let body = format!("91{region}{organisation}{check}");
    let check = gb32100_mod31(&body).expect("none of the letters that the alphabet leaves out");
    format!("{body}{check}")
}
