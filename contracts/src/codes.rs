//! The active code schemes, and the unit key that a code has under them.

use proto::AgencyIndex;

use crate::state::{Overlay, StateFault};

/// The active code schemes.
#[derive(Clone, Debug, Default)]
pub struct Codes {}

impl Codes {
    /// The schemes that are active in `state`.
    pub fn load(_state: &Overlay<'_>) -> Result<Self, StateFault> {
        Ok(Self {})
    }

    /// The unit key of a code that a platform of `agency` wrote.
    pub fn unit(&self, agency: AgencyIndex, text: &str) -> Vec<u8> {
        if text.starts_with("urn:epc:") || text.starts_with("https://id.gs1.org/") {
            format!("GS1:{text}").into_bytes()
        } else {
            format!("OPAQUE:{agency}:{text}").into_bytes()
        }
    }
}
