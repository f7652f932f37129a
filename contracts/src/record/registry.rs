//! Registry entries as the state keeps them: the latest body, and whose it is.

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
    /// Namespace CERT, key = certificate subject.
    CertificateRecord(registry::Certificate);
    /// Namespace DECLARATION, key = declaration subject.
    DeclarationRecord(registry::Declaration);
}
