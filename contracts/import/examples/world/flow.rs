//! The events of one platform, one after the other, with the numbers that it gives them.

use proto::schema::event::{Event, InspectionOutcome, Item, Lot, Quantity, TestOutcome, Uom};
use proto::schema::registry::{Certificate, CertificateType, Declaration};
use proto::schema::{Body, OperationKind};

use super::ids::{Day, container, declaration, file_hash};
use super::places::{Goods, Site, Truck};

/// A record of a platform: its number, its type, what it says.
#[derive(Clone)]
pub(crate) struct Record {
    pub(crate) no: String,
    pub(crate) kind: OperationKind,
    pub(crate) body: Body,
}

/// What one platform exports.
pub(crate) struct Platform {
    letters: &'static str,
    pub(crate) registry: Vec<Record>,
    pub(crate) events: Vec<Record>,
}

/// An import: who brings what from where, and the code it gets.
#[derive(Clone)]
pub(crate) struct Import {
    pub(crate) importer: Site,
    pub(crate) port: &'static str,
    pub(crate) goods: Goods,
    pub(crate) establishment: &'static str,
    pub(crate) country: &'static str,
    pub(crate) office: &'static str,
    pub(crate) serial: u32,
    pub(crate) quantity: Quantity,
    pub(crate) day: Day,
    pub(crate) code: String,
    pub(crate) missing: Option<CertificateType>,
}

/// A hand-over.
pub(crate) struct Delivery<'a> {
    pub(crate) document: &'a str,
    pub(crate) from: &'a Site,
    pub(crate) to: &'a Site,
    pub(crate) truck: &'a Truck,
    pub(crate) sent: u64,
    pub(crate) received: u64,
}

/// Boxes.
pub(crate) fn boxes(count: u64) -> Quantity {
    Quantity { milli: count * 1_000, uom: Uom::Xbx.into() }
}

/// Kilograms.
pub(crate) fn kilograms(count: u64) -> Quantity {
    Quantity { milli: count * 1_000, uom: Uom::Kgm.into() }
}

/// So much of a code.
pub(crate) fn item(code: &str, quantity: Quantity) -> Item {
    Item { code: code.to_owned(), quantity: Some(quantity), counterpart: String::new() }
}

/// So much of a code that the sender calls otherwise.
pub(crate) fn renamed(code: &str, quantity: Quantity, counterpart: &str) -> Item {
    Item { counterpart: counterpart.to_owned(), ..item(code, quantity) }
}

/// An event at a site with the fields that every one has.
pub(crate) fn at(site: &Site, occurred_ms: u64, items: Vec<Item>) -> Event {
    let (party, station) = (site.party.clone(), site.station.to_owned());
    Event { occurred_ms, party, station, items, ..Event::default() }
}

impl Import {
    /// The declaration line.
    pub(crate) fn line(&self) -> String {
        format!("{}-1", self.number())
    }

    /// The declaration number.
    pub(crate) fn number(&self) -> String {
        declaration(self.office, self.serial)
    }

    /// Number of a certificate of the lot; none where it is missing.
    pub(crate) fn certificate(&self, kind: CertificateType) -> Option<String> {
        let (office, serial) = (self.office, self.serial);
        (self.missing != Some(kind)).then(|| match kind {
            CertificateType::EntryInspection => format!("RJ{office}210{serial:05}"),
            CertificateType::NucleicAcid => format!("HSJC-{office}-{serial}"),
            CertificateType::Disinfection => format!("XD-{office}-{serial}"),
            CertificateType::Unspecified
            | CertificateType::WarehouseExit
            | CertificateType::Quality => format!("QT-{office}-{serial}"),
        })
    }

    fn certificates(&self) -> Vec<String> {
        PAPERS.into_iter().filter_map(|kind| self.certificate(kind)).collect()
    }

    fn lot(&self) -> Lot {
        let produced = self.day.plus(-60);
        let shelf_life = i32::try_from(self.goods.shelf_life_days).expect("a few years");
        Lot {
            product: self.goods.gtin.clone(),
            batch: format!("{}-{:04}", self.establishment, self.serial),
            produced_day: produced.number(),
            expires_day: produced.plus(shelf_life).number(),
            origin_country: self.country.to_owned(),
            establishment: self.establishment.to_owned(),
            imported: true,
        }
    }
}

/// The papers that imported food of March 2021 needs.
const PAPERS: [CertificateType; 3] =
    [CertificateType::EntryInspection, CertificateType::NucleicAcid, CertificateType::Disinfection];

impl Platform {
    /// A platform whose record numbers begin with `letters`.
    pub(crate) fn new(letters: &'static str) -> Self {
        Self { letters, registry: Vec::new(), events: Vec::new() }
    }

    /// Adds a registry entry under its own number.
    pub(crate) fn register(&mut self, no: &str, kind: OperationKind, body: Body) {
        self.registry.push(Record { no: no.to_owned(), kind, body });
    }

    /// Adds an event under the next number.
    pub(crate) fn event(&mut self, kind: OperationKind, event: Event) {
        let no = format!("{}{:04}", self.letters, self.events.len() + 1);
        self.events.push(Record { no, kind, body: Body::Event(event) });
    }

    /// Papers and events of an import, up to the first station's store.
    pub(crate) fn import(&mut self, import: &Import, laboratory: &Site, keeper: &str) {
        self.papers(import, laboratory);
        let (site, day) = (&import.importer, import.day);
        let all = || vec![item(&import.code, import.quantity)];
        let line = import.line();
        self.event(
            OperationKind::CustomsInspection,
            Event {
                station: import.port.to_owned(),
                declaration: line.clone(),
                inspection: InspectionOutcome::Released.into(),
                ..at(site, day.at(9, 10), Vec::new())
            },
        );
        self.event(
            OperationKind::Commission,
            Event {
                declaration: line.clone(),
                certificates: import.certificates(),
                lot: Some(import.lot()),
                ..at(site, day.at(14, 0), all())
            },
        );
        let sampling = format!("CY-{}-{}", import.office, import.serial);
        self.event(
            OperationKind::Sampling,
            Event {
                document: sampling.clone(),
                agent: "新型冠状病毒核酸".to_owned(),
                person: keeper.to_owned(),
                ..at(site, day.at(14, 30), all())
            },
        );
        if let Some(report) = import.certificate(CertificateType::NucleicAcid) {
            let result = test(laboratory, (day.at(20, 15), &report), &sampling, all());
            self.event(OperationKind::TestResult, result);
        }
        self.event(
            OperationKind::Disinfection,
            Event {
                document: import.certificate(CertificateType::Disinfection).unwrap_or_default(),
                agent: "次氯酸钠 1000mg/L".to_owned(),
                ..at(site, day.at(15, 20), all())
            },
        );
        self.event(
            OperationKind::StorageIn,
            Event {
                document: format!("RK-{}-{}", import.office, import.serial),
                person: keeper.to_owned(),
                ..at(site, day.at(16, 45), all())
            },
        );
    }

    fn papers(&mut self, import: &Import, laboratory: &Site) {
        let (number, line) = (import.number(), import.line());
        let box_of = |n: u32| container(&format!("JJJU{:06}", import.serial * 10 + n));
        self.register(
            &line,
            OperationKind::Declaration,
            Body::Declaration(Declaration {
                number: line.clone(),
                consignee: import.importer.party.clone(),
                establishment: import.establishment.to_owned(),
                origin_country: import.country.to_owned(),
                port: import.port.to_owned(),
                hs_code: import.goods.hs_code.to_owned(),
                quantity: Some(import.quantity),
                entry_day: import.day.number(),
                file_hash: file_hash(&number),
                containers: vec![box_of(1)],
            }),
        );
        for kind in PAPERS {
            let Some(number) = import.certificate(kind) else { continue };
            let issuer = if kind == CertificateType::EntryInspection {
                format!("海关 {}", import.office)
            } else {
                laboratory.party.clone()
            };
            let certificate = Certificate {
                certificate_type: kind.into(),
                issuer,
                issued_day: import.day.number(),
                valid_to_day: 0,
                file_hash: file_hash(&number),
                declaration: line.clone(),
                codes: vec![import.code.clone()],
                number: number.clone(),
            };
            self.register(&number, OperationKind::Certificate, Body::Certificate(certificate));
        }
    }

    /// Goods leave the store and are sent.
    pub(crate) fn send(&mut self, delivery: &Delivery<'_>, items: Vec<Item>) {
        let Delivery { document, from, to, truck, sent, .. } = *delivery;
        let out = Event {
            document: format!("CK-{document}"),
            counterparty: to.party.clone(),
            ..at(from, sent - 40 * 60_000, items.clone())
        };
        self.event(OperationKind::StorageOut, out);
        self.event(
            OperationKind::Disinfection,
            Event {
                vehicle: truck.plate.to_owned(),
                agent: "过氧乙酸 0.2%".to_owned(),
                ..at(from, sent - 90 * 60_000, Vec::new())
            },
        );
        self.event(OperationKind::Ship, moved(delivery, Side::Sender, items));
    }

    /// Goods arrive and are put into store.
    pub(crate) fn take(&mut self, delivery: &Delivery<'_>, items: Vec<Item>) {
        let stored: Vec<Item> =
            items.iter().map(|i| Item { counterpart: String::new(), ..i.clone() }).collect();
        self.event(OperationKind::Receive, moved(delivery, Side::Receiver, items));
        let document = format!("RK-{}", delivery.document);
        let store = at(delivery.to, delivery.received + 30 * 60_000, stored);
        self.event(OperationKind::StorageIn, Event { document, ..store });
    }

    /// A sample at a shop, with the laboratory's negative result.
    pub(crate) fn check(&mut self, site: &Site, laboratory: &Site, (time, code): (u64, &str)) {
        let number = self.events.len() + 1;
        let items = || vec![Item { code: code.to_owned(), ..Item::default() }];
        let sampling = format!("CY-{}-{number}", self.letters);
        self.event(
            OperationKind::Sampling,
            Event {
                document: sampling.clone(),
                agent: "新型冠状病毒核酸".to_owned(),
                ..at(site, time, items())
            },
        );
        let report = format!("JC-{}-{number}", self.letters);
        let later = time + 8 * 3_600_000;
        self.event(
            OperationKind::TestResult,
            test(laboratory, (later, &report), &sampling, items()),
        );
    }

    /// Sales of one code, one a day.
    pub(crate) fn sell(&mut self, site: &Site, code: &str, first: Day, amounts: &[Quantity]) {
        for (days, quantity) in (0..).zip(amounts) {
            let number = self.events.len() + 1;
            let sold = at(site, first.plus(days).at(18, 30), vec![item(code, *quantity)]);
            let document = format!("XS-{}-{number}", self.letters);
            self.event(OperationKind::Sale, Event { document, ..sold });
        }
    }
}

/// A laboratory's negative result.
fn test(laboratory: &Site, (time, report): (u64, &str), sampling: &str, items: Vec<Item>) -> Event {
    Event {
        document: report.to_owned(),
        sample: sampling.to_owned(),
        test: TestOutcome::Negative.into(),
        agent: "新型冠状病毒核酸".to_owned(),
        ..at(laboratory, time, items)
    }
}

/// Which side of a delivery speaks.
#[derive(Clone, Copy)]
enum Side {
    Sender,
    Receiver,
}

fn moved(delivery: &Delivery<'_>, side: Side, items: Vec<Item>) -> Event {
    let Delivery { document, from, to, truck, sent, received } = *delivery;
    let (own, other, time) = match side {
        Side::Sender => (from, to, sent),
        Side::Receiver => (to, from, received),
    };
    Event {
        document: document.to_owned(),
        counterparty: other.party.clone(),
        vehicle: truck.plate.to_owned(),
        person: truck.driver.clone(),
        ..at(own, time, items)
    }
}
