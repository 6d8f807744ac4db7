//! People: the list, each one's page, what can be done to them.

pub(super) mod edit;
pub(super) mod endings;
pub(super) mod form;
pub(super) mod list;
pub(super) mod many;
pub(super) mod person;
pub(super) mod roles;
pub(super) mod sessions;

use crate::service::people::Standing;

/// The word for a standing, and its tone.
fn standing(standing: Standing) -> (&'static str, &'static str) {
    match standing {
        Standing::Active => ("Active", "ok"),
        Standing::Inactive => ("Deactivated", "idle"),
        Standing::Suspended => ("Suspended", "pause"),
    }
}
