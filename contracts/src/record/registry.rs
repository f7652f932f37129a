//! Registry entries as the state keeps them: the latest body, and whose it is; of a certificate the
//! latest of each agency.

use proto::schema::registry;

macro_rules! entries {
    ($($(#[$doc:meta])* $name:ident($inner:ty);)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, PartialEq, Eq, prost::Message)]
            pub struct $name {
                /// The entry as last written.
                #[prost(message, optional, tag = "1")]
                pub entry: Option<$inner>,
                /// Agency that wrote it last.
                #[prost(uint32, tag = "2")]
                pub agency: u32,
                /// Height at which it was last written.
                #[prost(uint64, tag = "3")]
                pub height: u64,
                /// Times it was written.
                #[prost(uint64, tag = "4")]
                pub revision: u64,
            }
        )*
    };
}

entries! {
    /// Namespace PARTY, key = party subject.
    PartyRecord(registry::Party);
    /// Namespace STATION, key = station subject.
    StationRecord(registry::Station);
    /// Namespace PRODUCT, key = agency u16, product id.
    ProductRecord(registry::Product);
    /// Namespace VEHICLE, key = vehicle subject.
    VehicleRecord(registry::Vehicle);
    /// Namespace DECLARATION, key = declaration subject.
    DeclarationRecord(registry::Declaration);
}

/// What an agency last registered of a certificate.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct CertificateEntry {
    /// The entry.
    #[prost(message, optional, tag = "1")]
    pub entry: Option<registry::Certificate>,
    /// The agency.
    #[prost(uint32, tag = "2")]
    pub agency: u32,
    /// Height at which it wrote it.
    #[prost(uint64, tag = "3")]
    pub height: u64,
}

/// Namespace CERT, key = certificate subject. Two agencies may know one certificate by different goods:
/// what one of them registers takes nothing from the other's.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub struct CertificateRecord {
    /// The entry as last written.
    #[prost(message, optional, tag = "1")]
    pub entry: Option<registry::Certificate>,
    /// Agency that wrote it last.
    #[prost(uint32, tag = "2")]
    pub agency: u32,
    /// Height at which it was last written.
    #[prost(uint64, tag = "3")]
    pub height: u64,
    /// Times it was written.
    #[prost(uint64, tag = "4")]
    pub revision: u64,
    /// The latest entries of the other agencies, ascending by agency.
    #[prost(message, repeated, tag = "5")]
    pub others: Vec<CertificateEntry>,
}

impl CertificateRecord {
    /// The entries of all agencies.
    pub fn entries(&self) -> impl Iterator<Item = &registry::Certificate> {
        self.entry.iter().chain(self.others.iter().filter_map(|other| other.entry.as_ref()))
    }

    /// Writes the entry of an agency; its former one, where it has one.
    pub(crate) fn write(&mut self, now: CertificateEntry) -> Option<registry::Certificate> {
        let latest = self.entry.take();
        if latest.is_some() {
            let (agency, height) = (self.agency, self.height);
            self.others.push(CertificateEntry { entry: latest, agency, height });
        }
        let own = self.others.iter().position(|other| other.agency == now.agency);
        let former = own.map(|own| self.others.swap_remove(own));
        self.others.sort_by_key(|other| other.agency);
        self.entry = now.entry;
        self.agency = now.agency;
        self.height = now.height;
        self.revision = self.revision.saturating_add(1);
        former.and_then(|former| former.entry)
    }
}
