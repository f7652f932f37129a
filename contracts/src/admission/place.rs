//! Path of a field in a body, made without allocation: most places are never shown.

use std::fmt;

/// A field, an item of a list, or a field of an item.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    prefix: &'static str,
    field: &'static str,
    index: Option<usize>,
    leaf: &'static str,
}

impl Place {
    /// A field of the body.
    pub const fn field(field: &'static str) -> Self {
        Self { prefix: "", field, index: None, leaf: "" }
    }

    /// An item of a list of the body.
    pub const fn item(field: &'static str, index: usize) -> Self {
        Self { prefix: "", field, index: Some(index), leaf: "" }
    }

    /// The field inside this one.
    pub const fn leaf(self, leaf: &'static str) -> Self {
        Self { leaf, ..self }
    }

    /// This place inside the message that `prefix` names, such as `event.`.
    pub const fn within(self, prefix: &'static str) -> Self {
        Self { prefix, ..self }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.prefix, self.field)?;
        if let Some(index) = self.index {
            write!(f, "[{index}]")?;
        }
        if self.leaf.is_empty() { Ok(()) } else { write!(f, ".{}", self.leaf) }
    }
}
