//! Users: rows, keys, status history, and the statements that read and write them.

mod read;
mod rows;

use super::sql::Statement;

pub use read::*;
pub use rows::*;

/// Every statement of this table group.
pub(super) const STATEMENTS: &[&Statement] = &[
    &INSERT,
    &UPDATE,
    &DELETE,
    &INSERT_EMAIL,
    &DELETE_EMAIL,
    &INSERT_FIRST_STATUS,
    &CLOSE_STATUS,
    &OPEN_STATUS,
    &BY_ID,
    &WITH_GROUPS,
    &BY_USER_NAME,
    &BY_EXTERNAL_ID,
    &BY_EMAIL,
    &BY_GROUP,
    &PAGE_AFTER,
    &SKIP,
    &GROUPS_OF,
    &KNOWN,
];
