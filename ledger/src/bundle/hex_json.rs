//! How the fields of a bundle look in JSON: bytes in lower-case hexadecimal, a direction by name.

/// One string of hexadecimal digits.
pub(super) mod bytes {
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(in super::super) fn serialize<S: Serializer>(
        value: &[u8],
        out: S,
    ) -> Result<S::Ok, S::Error> {
        out.serialize_str(&hex::encode(value))
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        input: D,
    ) -> Result<Vec<u8>, D::Error> {
        super::parse(&String::deserialize(input)?)
    }
}

/// A list of strings of hexadecimal digits.
pub(super) mod list {
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(in super::super) fn serialize<S: Serializer>(
        value: &[Vec<u8>],
        out: S,
    ) -> Result<S::Ok, S::Error> {
        out.collect_seq(value.iter().map(hex::encode))
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        input: D,
    ) -> Result<Vec<Vec<u8>>, D::Error> {
        Vec::<String>::deserialize(input)?.iter().map(|text| super::parse(text)).collect()
    }
}

/// A string of hexadecimal digits, or nothing: an absent value is not an empty one.
pub(super) mod optional {
    use serde::{Deserialize as _, Deserializer, Serializer};

    #[expect(clippy::ref_option, reason = "the signature that serde's `with` demands")]
    pub(in super::super) fn serialize<S: Serializer>(
        value: &Option<Vec<u8>>,
        out: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(bytes) => out.serialize_some(&hex::encode(bytes)),
            None => out.serialize_none(),
        }
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        input: D,
    ) -> Result<Option<Vec<u8>>, D::Error> {
        Option::<String>::deserialize(input)?.map(|text| super::parse(&text)).transpose()
    }
}

/// A direction of a trace by its name; a number that has none is written as it is, and read by nobody.
pub(super) mod direction {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    use super::super::Direction;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's `with` demands it")]
    pub(in super::super) fn serialize<S: Serializer>(
        value: &i32,
        out: S,
    ) -> Result<S::Ok, S::Error> {
        match Direction::try_from(*value) {
            Ok(direction) => direction.serialize(out),
            Err(_) => out.serialize_i32(*value),
        }
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
        input: D,
    ) -> Result<i32, D::Error> {
        let direction = Direction::deserialize(input)?;
        if direction == Direction::Unspecified {
            return Err(D::Error::custom("a direction is back, forward or both"));
        }
        Ok(direction.into())
    }
}

fn parse<E: serde::de::Error>(text: &str) -> Result<Vec<u8>, E> {
    // One bundle has one JSON, so upper-case digits are refused.
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err(E::custom("hexadecimal digits are in lower case"));
    }
    hex::decode(text).map_err(E::custom)
}
