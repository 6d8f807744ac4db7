//! Users: rows, keys, status history, and the statements that read and write them.

pub mod listed;
mod read;
mod rows;
mod suspension;

use super::sql::Statement;

pub use listed::ListedUser;
pub use read::*;
pub use rows::*;
pub use suspension::*;

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
    &IDENTIFY,
    &BY_ID,
    &FOR_CHANGE,
    &listed::BY_ID,
    &listed::BY_USER_NAME,
    &listed::BY_EXTERNAL_ID,
    &listed::BY_EMAIL,
    &listed::BY_GROUP,
    &listed::PAGE,
    &PAGE_AFTER,
    &SKIP,
    &GROUPS_OF,
    &KNOWN,
    &SUSPEND,
    &PARDON,
];
