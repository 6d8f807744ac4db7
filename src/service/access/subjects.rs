//! Who is meant by a text: read from the database, where memory does not hold all that an organization looks up by.

use std::collections::BTreeSet;

use crate::access::graph::{Denial, Subject};
use crate::db::access::principals::{self, LookUp};
use crate::db::access::{AccessState, people, services, state};
use crate::db::users::Status;
use crate::db::{DatabaseError, Tx};
use crate::model::{OrganizationId, ServiceId, UserId, fold};
use serde_json::json;

use super::{Administration, Result};

/// Who is meant: an id, a userName or the name of a service; an e-mail address or externalId where the organization says
/// so. More than one is nobody. `past`: leavers can be meant too, by id.
pub(super) fn named(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    subject_type: &str,
    text: &str,
    past: bool,
) -> std::result::Result<std::result::Result<Subject, Denial>, DatabaseError> {
    let setting = state(tx, organization)?;
    let mut found: BTreeSet<Subject> = BTreeSet::new();
    match subject_type {
        "user" => {
            let mut users = principals::users(tx, organization, LookUp::UserName, &fold(text))?;
            if setting.subjects_by_email {
                users.extend(principals::users(tx, organization, LookUp::Email, &fold(text))?);
            }
            if setting.subjects_by_external_id {
                users.extend(principals::users(tx, organization, LookUp::ExternalId, text)?);
            }
            if let Ok(id) = text.parse::<UserId>() {
                let known = people::by_ids(tx, organization, [id])?;
                let meant = |status: Status| past || status != Status::Deleted;
                users.extend(known.iter().filter(|person| meant(person.status)).map(|person| person.id));
            }
            found.extend(users.into_iter().map(Subject::User));
        }
        "service" => {
            if let Ok(id) = text.parse::<ServiceId>()
                && services::by_id(tx, organization, id)?.is_some()
            {
                found.insert(Subject::Service(id));
            }
            found.extend(services::by_name(tx, organization, text)?.map(|row| Subject::Service(row.service.id)));
        }
        _ => {}
    }
    let mut found = found.into_iter();
    Ok(match (found.next(), found.next()) {
        (Some(only), None) => Ok(only),
        (None, _) => Err(Denial::UnknownSubject),
        (Some(_), Some(_)) => Err(Denial::AmbiguousSubject),
    })
}

impl Administration {
    /// Says what subjects may be named by, beside their id and userName; `None` stays as it is. By an address or an
    /// externalId several may be meant, and then nobody is.
    ///
    /// # Errors
    /// [`AdministrationError::Database`](super::AdministrationError::Database).
    pub fn look_subjects_up(
        &self,
        organization: OrganizationId,
        by_email: Option<bool>,
        by_external_id: Option<bool>,
    ) -> Result<AccessState> {
        self.change_access(organization, |change| {
            let before = change.state;
            change.state.subjects_by_email = by_email.unwrap_or(before.subjects_by_email);
            change.state.subjects_by_external_id = by_external_id.unwrap_or(before.subjects_by_external_id);
            let after = change.state;
            if after != before {
                // Whoever could be meant so far may be nobody now.
                change.takes_access = true;
                change.event(
                    "subjects.looked-up",
                    organization,
                    json!({ "by_email": after.subjects_by_email,
                    "by_external_id": after.subjects_by_external_id }),
                );
            }
            Ok(after)
        })
    }
}
