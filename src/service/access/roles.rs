//! Roles: the built-in ones, and the organization's own as versions.

use std::collections::BTreeSet;

use serde_json::json;

use crate::db::access::catalogue::{self, StoredRole};
use crate::db::access::{AccessRow, RoleRow, assignments};
use crate::db::{DatabaseError, Tx};
use crate::model::{BUILT_IN_ROLES, Moment, OrganizationId, Permission, RoleError, RoleName, RoleVersion};

use super::{Administration, AdministrationError, Change, Result, offers};

/// A role as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownRole {
    /// Its current version.
    pub version: RoleVersion,
    /// Since when; `None`: it is built in.
    pub created_at: Option<Moment>,
}

impl Administration {
    /// The roles of an organization, the built-in ones first.
    ///
    /// # Errors
    /// [`AdministrationError::Database`].
    pub fn roles(&self, organization: OrganizationId) -> Result<Vec<ShownRole>> {
        let own = self.live.read(|tx| catalogue::roles(tx, organization))?;
        let built_in = BUILT_IN_ROLES.iter().filter_map(|role| role.version());
        let built_in = built_in.map(|version| ShownRole { version, created_at: None });
        Ok(built_in.chain(own.into_iter().map(ShownRole::from)).collect())
    }

    /// Every version of a role, oldest first.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`].
    pub fn role(&self, organization: OrganizationId, name: &RoleName) -> Result<Vec<ShownRole>> {
        if let Some(version) = built_in(name) {
            return Ok(vec![ShownRole { version, created_at: None }]);
        }
        let versions = self.live.read(|tx| catalogue::versions(tx, organization, name))?;
        if versions.is_empty() { Err(unknown(name)) } else { Ok(versions.into_iter().map(ShownRole::from).collect()) }
    }

    /// Makes a role. Making one that is there as wanted changes nothing.
    ///
    /// # Errors
    /// [`AdministrationError::Taken`] when it is there and allows something else, [`AdministrationError::Unfitting`] for
    /// a built-in name or a permission the catalogue does not know.
    pub fn create_role(
        &self,
        organization: OrganizationId,
        name: &RoleName,
        allowed: &BTreeSet<Permission>,
    ) -> Result<RoleVersion> {
        self.change_access(organization, |change| create(change, name, allowed))
    }

    /// Makes a role, or a new version of the one that is there.
    ///
    /// # Errors
    /// As for [`Self::create_role`] and [`Self::change_role`].
    pub fn put_role(
        &self,
        organization: OrganizationId,
        name: &RoleName,
        allowed: &BTreeSet<Permission>,
    ) -> Result<RoleVersion> {
        self.change_access(organization, |change| {
            if name.is_built_in() {
                return Err(unfitting(RoleError::BuiltIn(name.clone())));
            }
            // Looked up once: it may be made between two looks.
            match current(change.tx, organization, name)? {
                Some(stored) => follow(change, stored.version, allowed),
                None => begin(change, name, allowed),
            }
        })
    }

    /// Makes a new version of a role, which holds for all its assignments at once.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`], and [`AdministrationError::Unfitting`] as for a new one.
    pub fn change_role(
        &self,
        organization: OrganizationId,
        name: &RoleName,
        allowed: &BTreeSet<Permission>,
    ) -> Result<RoleVersion> {
        self.change_access(organization, |change| alter(change, name, allowed))
    }

    /// Removes a role; its versions stay on record. Assignments whose time is over go with it.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`], [`AdministrationError::InUse`] while it is assigned,
    /// [`AdministrationError::Unfitting`] for a built-in one.
    pub fn remove_role(&self, organization: OrganizationId, name: &RoleName) -> Result<()> {
        self.change_access(organization, |change| {
            if name.is_built_in() {
                return Err(unfitting(RoleError::BuiltIn(name.clone())));
            }
            current(change.tx, organization, name)?.ok_or_else(|| unknown(name))?;
            offers::none(change.tx, organization, |offer| offer.role == *name)?;
            for stored in assignments::of_role(change.tx, organization, name, i64::MAX)? {
                let assignment = stored.assignment;
                if assignment.validity.until().is_none_or(|until| until > change.now) {
                    let message = format!(
                        "the role `{name}` is assigned at `{}` (assignment `{}`); remove the assignment first",
                        assignment.scope, assignment.id
                    );
                    return Err(AdministrationError::InUse(message));
                }
                change.rows.push(AccessRow::AssignmentEnds(assignment.id));
            }
            change.rows.push(AccessRow::RoleEnds(name.clone()));
            change.takes_access = true;
            change.event("role.removed", organization, json!({ "role": name.as_str() }));
            Ok(())
        })
    }
}

fn create(change: &mut Change<'_, '_>, name: &RoleName, allowed: &BTreeSet<Permission>) -> Result<RoleVersion> {
    let organization = change.organization;
    if let Some(stored) = current(change.tx, organization, name)? {
        if stored.version.permissions == *allowed {
            return Ok(stored.version);
        }
        let message = format!("a role `{name}` exists already and allows something else; change it instead");
        return Err(AdministrationError::Taken(message));
    }
    begin(change, name, allowed)
}

/// The first version of a role that is not there.
fn begin(change: &mut Change<'_, '_>, name: &RoleName, allowed: &BTreeSet<Permission>) -> Result<RoleVersion> {
    let organization = change.organization;
    // A role that comes again goes on counting.
    let before = catalogue::versions(change.tx, organization, name)?;
    let number = before.last().map_or(1, |last| last.version.number.saturating_add(1));
    let known = catalogue::complete(change.tx, organization)?;
    let version = RoleVersion::custom(name.clone(), number, allowed.clone(), &known).map_err(unfitting)?;
    change.rows.push(AccessRow::Role(RoleRow::new(&version, change.now)));
    let details = json!({ "role": name.as_str(), "version": number, "permissions": names(&version) });
    change.event("role.created", organization, details);
    Ok(version)
}

fn alter(change: &mut Change<'_, '_>, name: &RoleName, allowed: &BTreeSet<Permission>) -> Result<RoleVersion> {
    if name.is_built_in() {
        return Err(unfitting(RoleError::BuiltIn(name.clone())));
    }
    let before = current(change.tx, change.organization, name)?.ok_or_else(|| unknown(name))?.version;
    follow(change, before, allowed)
}

/// The version after `before`.
fn follow(change: &mut Change<'_, '_>, before: RoleVersion, allowed: &BTreeSet<Permission>) -> Result<RoleVersion> {
    let (organization, name) = (change.organization, &before.role);
    if before.permissions == *allowed {
        return Ok(before);
    }
    let known = catalogue::complete(change.tx, organization)?;
    let number = before.number.saturating_add(1);
    let version = RoleVersion::custom(name.clone(), number, allowed.clone(), &known).map_err(unfitting)?;
    change.rows.push(AccessRow::RoleEnds(name.clone()));
    change.rows.push(AccessRow::Role(RoleRow::new(&version, change.now)));
    change.takes_access = !before.permissions.is_subset(allowed);
    let details =
        json!({ "role": name.as_str(), "version": number, "before": names(&before), "after": names(&version) });
    change.event("role.changed", organization, details);
    Ok(version)
}

impl From<StoredRole> for ShownRole {
    fn from(stored: StoredRole) -> Self {
        Self { version: stored.version, created_at: Some(stored.created_at) }
    }
}

fn names(version: &RoleVersion) -> Vec<&str> {
    version.permissions.iter().map(Permission::as_str).collect()
}

fn unfitting(error: RoleError) -> AdministrationError {
    AdministrationError::Unfitting(error.to_string())
}

fn unknown(name: &RoleName) -> AdministrationError {
    AdministrationError::NotFound(format!("the organization has no role `{name}`; `muster role list` shows them"))
}

fn built_in(name: &RoleName) -> Option<RoleVersion> {
    BUILT_IN_ROLES.iter().find(|role| role.name == name.as_str()).and_then(|role| role.version())
}

fn current(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    name: &RoleName,
) -> std::result::Result<Option<StoredRole>, DatabaseError> {
    Ok(catalogue::roles(tx, organization)?.into_iter().find(|stored| stored.version.role == *name))
}

/// Refuses a role that is not there.
pub(super) fn known(tx: &mut Tx<'_>, organization: OrganizationId, name: &RoleName) -> Result<()> {
    if name.is_built_in() || current(tx, organization, name)?.is_some() { Ok(()) } else { Err(unknown(name)) }
}
