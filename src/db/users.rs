//! Users: rows, keys, status history, and the statements that read and write them.

pub mod keys;
pub mod listed;
mod ordered;
mod read;
mod rows;
mod suspension;

use super::sql::Statement;

pub use listed::ListedUser;
pub use ordered::{UserOrder, in_order};
pub use read::*;
pub use rows::*;
pub use suspension::*;

/// Every statement of this table group.
pub(super) const STATEMENTS: &[&Statement] = &[
    &INSERT,
    &UPDATE,
    &DELETE,
    &RESTORE,
    &INSERT_EMAIL,
    &DELETE_EMAIL,
    &INSERT_FIRST_STATUS,
    &CLOSE_STATUS,
    &OPEN_STATUS,
    &IDENTIFY,
    &BY_ID,
    &EVEN_DELETED,
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
    &BY_IDS,
    &ordered::BY_USER_NAME.ascending,
    &ordered::BY_USER_NAME.descending,
    &ordered::BY_DISPLAY_NAME.ascending,
    &ordered::BY_DISPLAY_NAME.descending,
    &ordered::BY_FAMILY_NAME.ascending,
    &ordered::BY_FAMILY_NAME.descending,
    &ordered::BY_EXTERNAL_ID.ascending,
    &ordered::BY_EXTERNAL_ID.descending,
    &ordered::BY_CREATED.ascending,
    &ordered::BY_CREATED.descending,
    &keys::BY_USER_NAME,
    &keys::BY_DISPLAY_NAME,
    &keys::BY_FAMILY_NAME,
    &keys::KEYS,
    &SUSPEND,
    &PARDON,
];
