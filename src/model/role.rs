//! Roles: versioned sets of permissions.

use std::collections::BTreeSet;

use super::reserved::{self, ReservedName};
use super::{Catalogue, Permission, RoleName};

/// A role at one of its versions. Assignments follow the role: a new version holds for all of them at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleVersion {
    /// The role.
    pub role: RoleName,
    /// Counts from 1.
    pub number: u32,
    /// What it allows.
    pub permissions: BTreeSet<Permission>,
}

/// A role cannot be as described.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RoleError {
    /// Nobody's to take.
    #[error(transparent)]
    Reserved(#[from] ReservedName),
    /// Comes with every organization.
    #[error("the role `{0}` is built in and cannot be changed, make one of your own beside it")]
    BuiltIn(RoleName),
    /// Not in the catalogue.
    #[error("the permission `{0}` is not in the catalogue, add it there first")]
    UnknownPermission(Permission),
}

impl RoleVersion {
    /// Whether the role allows it.
    pub fn allows(&self, permission: &Permission) -> bool {
        self.permissions.iter().any(|held| held.covers(permission))
    }

    /// A version of a role of the organization's own.
    ///
    /// # Errors
    /// [`RoleError`] when the role is built in, a new one has a reserved name, or a permission is not in the catalogue.
    pub fn custom(
        role: RoleName,
        number: u32,
        permissions: BTreeSet<Permission>,
        catalogue: &Catalogue,
    ) -> Result<Self, RoleError> {
        if role.is_built_in() {
            return Err(RoleError::BuiltIn(role));
        }
        if number == 1 {
            reserved::check_name(role.as_str())?;
        }
        if let Some(unknown) = permissions.iter().find(|permission| !catalogue.knows(permission)) {
            return Err(RoleError::UnknownPermission(unknown.clone()));
        }
        Ok(Self { role, number, permissions })
    }
}

/// A role that comes with every organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuiltInRole {
    /// Its name.
    pub name: &'static str,
    /// What it allows.
    pub permissions: &'static [&'static str],
}

/// The roles that come with every organization, at version 1 for ever.
///
/// `admin` deploys nothing: who decides on access and who uses it are different people.
pub const BUILT_IN_ROLES: &[BuiltInRole] = &[
    BuiltInRole { name: "viewer", permissions: &["build:view"] },
    BuiltInRole { name: "developer", permissions: &["build:view", "build:run"] },
    BuiltInRole { name: "deployer", permissions: &["build:view", "deploy:run"] },
    BuiltInRole { name: "release-manager", permissions: &["build:view", "deploy:run", "deploy:approve"] },
    BuiltInRole { name: "auditor", permissions: &["organization:read-evidence"] },
    BuiltInRole { name: "admin", permissions: &[Permission::EVERYTHING_RESERVED] },
    BuiltInRole { name: "user", permissions: &["organization:edit-own-profile"] },
];

impl BuiltInRole {
    /// The role as a version.
    pub fn version(self) -> Option<RoleVersion> {
        let permissions = self.permissions.iter().map(|name| name.parse()).collect::<Result<_, _>>().ok()?;
        Some(RoleVersion { role: self.name.parse().ok()?, number: 1, permissions })
    }
}

impl RoleName {
    /// The name of the administrators' role.
    pub const ADMIN: &'static str = "admin";

    /// Whether the role comes with every organization.
    pub fn is_built_in(&self) -> bool {
        BUILT_IN_ROLES.iter().any(|role| role.name == self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_roles_hold_what_the_default_catalogue_knows() {
        for role in BUILT_IN_ROLES {
            let version = role.version().unwrap();
            assert!(version.permissions.iter().all(|permission| Catalogue::default().knows(permission)));
            assert!(version.role.is_built_in());
        }
    }

    #[test]
    fn an_administrator_administers_and_neither_deploys_nor_sees_a_build() {
        let admin = BUILT_IN_ROLES.iter().find(|role| role.name == RoleName::ADMIN).unwrap().version().unwrap();
        for (permission, _) in Catalogue::default().permissions() {
            assert_eq!(admin.allows(permission), permission.is_reserved(), "{permission}");
        }
    }

    #[test]
    fn a_role_of_ones_own_holds_only_known_permissions_and_takes_no_built_in_name() {
        let known: BTreeSet<Permission> = ["build:ssh".parse().unwrap()].into();
        let catalogue = Catalogue::default();
        assert!(RoleVersion::custom("debugger".parse().unwrap(), 1, known.clone(), &catalogue).is_ok());
        let taken = RoleVersion::custom("admin".parse().unwrap(), 2, known, &catalogue);
        assert!(matches!(taken, Err(RoleError::BuiltIn(_))));
        for name in ["root", "muster", "system"] {
            let reserved = RoleVersion::custom(name.parse().unwrap(), 1, [].into(), &catalogue);
            assert!(matches!(reserved, Err(RoleError::Reserved(_))), "{name}");
        }
        let unknown = RoleVersion::custom("r".parse().unwrap(), 1, ["fly".parse().unwrap()].into(), &catalogue);
        assert!(matches!(unknown, Err(RoleError::UnknownPermission(_))));
    }
}
