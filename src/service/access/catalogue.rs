//! The permissions an organization knows.

use serde_json::json;

use crate::db::access::catalogue::{self, PermissionRow};
use crate::db::access::{AccessRow, scopes};
use crate::db::{DatabaseError, Tx};
use crate::model::{Catalogue, CatalogueEntry, OrganizationId, Permission};

use super::{Administration, AdministrationError, Result};

impl Administration {
    /// The permissions an organization knows.
    ///
    /// # Errors
    /// [`AdministrationError::Database`].
    pub fn catalogue(&self, organization: OrganizationId) -> Result<Catalogue> {
        Ok(self.live.read(|tx| catalogue::complete(tx, organization))?)
    }

    /// Declares a permission, or says anew what it means.
    ///
    /// # Errors
    /// [`AdministrationError::Unfitting`] for a reserved one, and when there are too many.
    pub fn declare_permission(
        &self,
        organization: OrganizationId,
        name: &Permission,
        entry: &CatalogueEntry,
    ) -> Result<()> {
        self.change_access(organization, |change| {
            let mut known = catalogue::complete(change.tx, organization)?;
            if known.get(name) == Some(entry) {
                return Ok(());
            }
            let unfitting = |error: crate::model::CatalogueError| AdministrationError::Unfitting(error.to_string());
            known.declare(name.clone(), entry.clone()).map_err(unfitting)?;
            if is_declared(change.tx, organization, name)? {
                change.rows.push(AccessRow::PermissionEnds(name.clone()));
            }
            let row = PermissionRow { name: name.clone(), entry: entry.clone() };
            change.rows.push(AccessRow::Permission(row));
            let details = json!({ "permission": name.as_str(), "durable": entry.durable });
            change.event("permission.declared", organization, details);
            Ok(())
        })
    }

    /// Declares a permission no more; one that comes with every organization is again as it came.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`] for one that was not declared, [`AdministrationError::InUse`] while a role
    /// holds it or a gate watches it.
    pub fn remove_permission(&self, organization: OrganizationId, name: &Permission) -> Result<()> {
        self.change_access(organization, |change| {
            if !is_declared(change.tx, organization, name)? {
                let message = format!("the organization has declared no permission `{name}`");
                return Err(AdministrationError::NotFound(message));
            }
            if !Catalogue::default().knows(name) {
                let roles = catalogue::roles(change.tx, organization)?;
                if let Some(role) = roles.iter().find(|role| role.version.permissions.contains(name)) {
                    let message = format!("the role `{}` holds `{name}`; change the role first", role.version.role);
                    return Err(AdministrationError::InUse(message));
                }
                let gates = scopes::gates(change.tx, organization)?;
                if let Some(gate) = gates.iter().find(|gate| gate.permission == *name) {
                    let message = format!("`{name}` is watched at `{}`; remove the gate first", gate.scope);
                    return Err(AdministrationError::InUse(message));
                }
            }
            change.rows.push(AccessRow::PermissionEnds(name.clone()));
            change.takes_access = true;
            change.event("permission.removed", organization, json!({ "permission": name.as_str() }));
            Ok(())
        })
    }
}

fn is_declared(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    name: &Permission,
) -> std::result::Result<bool, DatabaseError> {
    Ok(catalogue::permissions(tx, organization)?.iter().any(|row| row.name == *name))
}

/// Refuses a permission that is not known.
pub(super) fn known(tx: &mut Tx<'_>, organization: OrganizationId, name: &Permission) -> Result<()> {
    if catalogue::complete(tx, organization)?.knows(name) {
        return Ok(());
    }
    Err(AdministrationError::NotFound(format!("the catalogue of the organization has no permission `{name}`")))
}
