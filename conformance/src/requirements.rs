//! The requirements that SCIM servers get wrong most often, each with the checks that can be made from outside.
//!
//! Numbered as in the product's `docs/scim.md`; those of RFC 9865 are numbered on their own.

mod bulk;
mod cursor;
mod filters;
mod http;
mod patch;
mod queries;
mod representation;
mod titles;
mod versions;

use std::fmt;

use crate::outcome::{Outcome, Stop};
use crate::session::Session;

pub use titles::{HIDDEN, TITLES};

/// Which requirement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Number {
    /// One of the sixty-eight.
    Plain(u8),
    /// One of those of RFC 9865.
    Rfc9865(u8),
}

impl fmt::Display for Number {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(number) => write!(formatter, "{number}"),
            Self::Rfc9865(number) => write!(formatter, "9865-{number}"),
        }
    }
}

/// One thing to find out.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// Of which requirement.
    pub requirement: Number,
    /// What should hold, as a sentence.
    pub says: &'static str,
    run: fn(&Session) -> Result<(), Stop>,
}

impl Check {
    const fn new(requirement: u8, says: &'static str, run: fn(&Session) -> Result<(), Stop>) -> Self {
        Self { requirement: Number::Plain(requirement), says, run }
    }

    const fn of_rfc_9865(requirement: u8, says: &'static str, run: fn(&Session) -> Result<(), Stop>) -> Self {
        Self { requirement: Number::Rfc9865(requirement), says, run }
    }

    /// Makes it.
    pub fn run(&self, session: &Session) -> Outcome {
        (self.run)(session).into()
    }
}

/// Every check, in the order of the requirements.
pub fn checks() -> Vec<Check> {
    let chapters = [
        representation::CHECKS,
        http::CHECKS,
        queries::CHECKS,
        filters::CHECKS,
        patch::CHECKS,
        bulk::CHECKS,
        versions::CHECKS,
        cursor::CHECKS,
    ];
    let mut checks = chapters.concat();
    checks.sort_by_key(|check| check.requirement);
    checks
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_requirement_is_checked_or_says_why_it_is_not() {
        let titled: Vec<Number> = TITLES.iter().map(|(number, _)| *number).collect();
        let mut sorted = titled.clone();
        sorted.sort();
        assert_eq!(titled, sorted);
        let plain = titled.iter().filter(|number| matches!(number, Number::Plain(_))).count();
        assert_eq!((plain, plain - HIDDEN.len()), (68, 66));
        let checked: BTreeSet<Number> = checks().iter().map(|check| check.requirement).collect();
        let hidden: BTreeSet<Number> = HIDDEN.iter().map(|(number, _)| *number).collect();
        assert!(checked.is_disjoint(&hidden));
        assert_eq!(checked.union(&hidden).copied().collect::<Vec<_>>(), titled);
    }

    #[test]
    fn every_check_says_something_of_its_own() {
        let sentences: BTreeSet<&str> = checks().iter().map(|check| check.says).collect();
        assert_eq!(sentences.len(), checks().len());
    }
}
