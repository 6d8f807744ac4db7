//! The filter language (RFC 7644 §3.4.2.2): text is parsed to a [`Filter`], a filter is resolved against a resource type
//! to a [`Condition`], and a condition is evaluated on a resource. Evaluation is the one oracle of what matches: an
//! index may narrow the candidates ([`Condition::narrowings`]) but never decides.

mod across;
mod eval;
mod narrow;
mod parse;
mod print;
mod resolve;
#[cfg(test)]
mod samples;
mod scan;

use std::cmp::Ordering;

use chrono::{DateTime, Utc};
use serde_json::Number;

pub use eval::eval;
pub use narrow::Narrowing;
pub(super) use resolve::moment;

use super::path::AttributePath;

/// A filter as written, its names not yet looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filter {
    /// Every one of two or more holds.
    And(Vec<Self>),
    /// At least one of two or more holds.
    Or(Vec<Self>),
    /// It does not hold.
    Not(Box<Self>),
    /// `userName eq "bjensen"`.
    Compare {
        /// The attribute.
        path: AttributePath,
        /// How it is compared.
        operator: Operator,
        /// With what.
        literal: Literal,
    },
    /// `title pr`.
    Present(AttributePath),
    /// `emails[type eq "work" and value co "@example.com"]`: one and the same element fulfils the filter.
    ValuePath {
        /// The complex attribute.
        path: AttributePath,
        /// What an element must fulfil; its paths are sub-attributes.
        filter: Box<Self>,
    },
}

/// The path of a PATCH operation (RFC 7644 §3.5.2): an attribute, or the elements of one that fulfil a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValuePath {
    /// The attribute; holds the sub-attribute too when there is no filter.
    pub path: AttributePath,
    /// Which elements, where given; its paths are sub-attributes ([`Filter::resolve_elements`]).
    pub filter: Option<Filter>,
    /// The sub-attribute after the bracket, `emails[type eq "work"].value`.
    pub sub_attribute: Option<String>,
}

/// A comparison operator (RFC 7644 §3.4.2.2, table 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operator {
    /// `eq`
    Equal,
    /// `ne`
    NotEqual,
    /// `co`
    Contains,
    /// `sw`
    StartsWith,
    /// `ew`
    EndsWith,
    /// `gt`
    Greater,
    /// `ge`
    GreaterOrEqual,
    /// `lt`
    Less,
    /// `le`
    LessOrEqual,
}

impl Operator {
    const ALL: [Self; 9] = [
        Self::Equal,
        Self::NotEqual,
        Self::Contains,
        Self::StartsWith,
        Self::EndsWith,
        Self::Greater,
        Self::GreaterOrEqual,
        Self::Less,
        Self::LessOrEqual,
    ];

    /// As written in a filter.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "eq",
            Self::NotEqual => "ne",
            Self::Contains => "co",
            Self::StartsWith => "sw",
            Self::EndsWith => "ew",
            Self::Greater => "gt",
            Self::GreaterOrEqual => "ge",
            Self::Less => "lt",
            Self::LessOrEqual => "le",
        }
    }
}

/// What an attribute is compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal {
    /// Text.
    String(String),
    /// A number.
    Number(Number),
    /// `true` or `false`.
    Boolean(bool),
    /// `null`: `eq null` asks for absence.
    Null,
}

/// A filter whose names, types and case rules are settled: it owns what evaluation needs and asks no schema.
///
/// `ne` is `not eq`, so on a multi-valued attribute it means that no value equals, and it holds where the attribute is
/// unassigned. `eq null` is `not pr`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// Every one holds; of none: always.
    All(Vec<Self>),
    /// At least one holds; of none: never.
    Any(Vec<Self>),
    /// It does not hold.
    Not(Box<Self>),
    /// Some value at `path` passes `test`. The path is canonical; within an element it starts at the element.
    Holds {
        /// Where to look.
        path: AttributePath,
        /// What to ask.
        test: Test,
    },
    /// Some element of the attribute fulfils the condition.
    Element {
        /// The attribute, without a sub-attribute.
        path: AttributePath,
        /// What one element must fulfil; its paths start at the element.
        condition: Box<Self>,
    },
}

/// What is asked of one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// It is not null, empty, or made of such only (RFC 7643 §2.5).
    Present,
    /// Text compared with text.
    Text(Relation, Text),
    /// It is this.
    Boolean(bool),
    /// A number compared with a number.
    Number(Relation, Number),
    /// A moment compared with a moment, whatever offset each is written in.
    Moment(Relation, DateTime<Utc>),
}

/// Text to compare with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// As the client wrote it.
    pub exact: String,
    /// Folded, if case does not matter.
    pub folded: Option<String>,
}

/// How a value relates to the literal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Relation {
    /// The value is it.
    Equal,
    /// The value contains it.
    Contains,
    /// The value starts with it.
    StartsWith,
    /// The value ends with it.
    EndsWith,
    /// The value is greater.
    Greater,
    /// The value is greater or equal.
    GreaterOrEqual,
    /// The value is less.
    Less,
    /// The value is less or equal.
    LessOrEqual,
}

impl Relation {
    /// Whether it asks for an order, which truth values, binary data and objects do not have.
    pub const fn is_order(self) -> bool {
        matches!(self, Self::Greater | Self::GreaterOrEqual | Self::Less | Self::LessOrEqual)
    }

    /// Whether it looks for a part of a text.
    pub const fn is_part(self) -> bool {
        matches!(self, Self::Contains | Self::StartsWith | Self::EndsWith)
    }

    const fn admits(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Contains | Self::StartsWith | Self::EndsWith => false,
        }
    }
}
