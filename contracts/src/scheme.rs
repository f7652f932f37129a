//! Code schemes: a declarative grammar that says what a trace code is made of, which parts identify
//! the unit, and by which vectors that can be tested. Owns reading; which schemes are active is the
//! registry's business.
//!
//! Reading is total and linear in the code: no regular expressions, no look-back, no clock.

mod canonical;
mod definition;
pub mod demo;
mod grammar;
mod key;
mod read;

use std::fmt;

use thiserror::Error;

use crate::identifier::Reason;

pub use canonical::canonical;
pub use grammar::{Granularity, Scheme};
pub use key::{KeySource, Near, UnitKey, normalise};
pub use read::ParsedCode;

/// Characters of the longest code that is read.
pub const CODE_CHARS_MAX: usize = 256;

/// Fewest vectors that a definition must read.
pub const POSITIVE_VECTORS_MIN: usize = 3;

/// Fewest vectors that a definition must refuse.
pub const NEGATIVE_VECTORS_MIN: usize = 5;

/// Why a text is no code of a scheme.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum CodeReason {
    /// A part of it is not what its segment holds.
    Part(Reason),
    /// An address of another host: a copied code on a foreign site.
    Host,
    /// No carrier of the scheme has this form.
    Carrier,
    /// A value outside the segment's list.
    Value,
    /// Two parts that do not go together.
    Constraint,
    /// A date after the day of reading.
    Future,
}

impl CodeReason {
    /// Every reason.
    const ALL: [Self; 11] = [
        Self::Part(Reason::Length),
        Self::Part(Reason::Char),
        Self::Part(Reason::Prefix),
        Self::Part(Reason::Region),
        Self::Part(Reason::Date),
        Self::Part(Reason::Check),
        Self::Host,
        Self::Carrier,
        Self::Value,
        Self::Constraint,
        Self::Future,
    ];

    /// The stable name, as vectors state it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Part(reason) => reason.code(),
            Self::Host => "BAD_HOST",
            Self::Carrier => "BAD_CARRIER",
            Self::Value => "BAD_VALUE",
            Self::Constraint => "BAD_CONSTRAINT",
            Self::Future => "BAD_FUTURE",
        }
    }

    /// The reason of a stable name.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }

    /// What is wrong, in Chinese.
    pub const fn chinese(self) -> &'static str {
        match self {
            Self::Part(reason) => reason.chinese(),
            Self::Host => "网址不属于该平台",
            Self::Carrier => "不是该方案的载体形式",
            Self::Value => "取值不在列表中",
            Self::Constraint => "各段互相矛盾",
            Self::Future => "日期在未来",
        }
    }
}

impl fmt::Display for CodeReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A text that is no code of the scheme.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("{reason}")]
pub struct CodeError {
    /// Why.
    pub reason: CodeReason,
}

impl From<Reason> for CodeError {
    fn from(reason: Reason) -> Self {
        Self { reason: CodeReason::Part(reason) }
    }
}

impl From<CodeReason> for CodeError {
    fn from(reason: CodeReason) -> Self {
        Self { reason }
    }
}

/// Why two schemes cannot be in force together.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum Clash {
    /// One code would be a code of two schemes.
    #[error("{scheme} reads {code} too")]
    BothRead {
        /// The first of the two.
        scheme: String,
        /// The code.
        code: String,
    },
    /// Two versions of one scheme make two units of one code.
    #[error("{code} is {key} by version {version} and {other_key} by version {other_version}")]
    OtherKey {
        /// The code.
        code: String,
        /// Version of the first.
        version: u32,
        /// Key that it gives.
        key: String,
        /// Version of the other.
        other_version: u32,
        /// Key that it gives.
        other_key: String,
    },
}

/// Why a definition is no scheme.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum SchemeError {
    /// Not TOML, or not of the grammar's keys and types.
    #[error("the definition is not of the grammar: {detail}")]
    Syntax {
        /// What the reader says.
        detail: String,
    },
    /// A rule of the grammar is broken.
    #[error("{place}: {rule}")]
    Rule {
        /// Where.
        place: String,
        /// What the grammar demands there.
        rule: &'static str,
    },
    /// Too few vectors.
    #[error("{found} vectors that must {outcome}, at least {least} are needed")]
    TooFewVectors {
        /// `read` or `be refused`.
        outcome: &'static str,
        /// Vectors given.
        found: usize,
        /// Vectors needed.
        least: usize,
    },
    /// A vector comes out otherwise than it says.
    #[error("vector {list}[{index}] should give {expected}, gives {found}")]
    Vector {
        /// `ok` or `bad`.
        list: &'static str,
        /// Position in the list.
        index: usize,
        /// What it states.
        expected: String,
        /// What reading gives.
        found: String,
    },
}
