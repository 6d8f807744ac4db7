//! Roles and the permissions they hold, as numbers.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Catalogue, Permission, RoleName, RoleVersion};

use super::dense::{Bits, Dense};

/// The catalogue and the roles.
#[derive(Debug, Clone)]
pub(super) struct Roles {
    catalogue: Catalogue,
    /// The catalogue's permissions; a removed one keeps its number and is in no role's bits.
    permissions: Dense<Permission, ()>,
    by_name: Dense<RoleName, RoleRecord>,
}

#[derive(Debug, Clone, Default)]
struct RoleRecord {
    /// `None`: named by an assignment, not known.
    current: Option<RoleVersion>,
    /// The catalogue's permissions it allows.
    allows: Bits,
}

impl Roles {
    /// The built-in roles over a catalogue.
    pub fn new(catalogue: Catalogue, built_in: impl Iterator<Item = RoleVersion>) -> Self {
        let empty = Catalogue::reserved();
        let mut roles = Self { catalogue: empty, permissions: Dense::default(), by_name: Dense::default() };
        roles.set_catalogue(catalogue);
        for version in built_in {
            roles.set(version);
        }
        roles
    }

    /// The catalogue.
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// Another catalogue, for every role.
    pub fn set_catalogue(&mut self, catalogue: Catalogue) {
        for (permission, _) in catalogue.permissions() {
            self.permissions.intern(permission);
        }
        self.catalogue = catalogue;
        let versions: Vec<RoleVersion> = self.by_name.iter().filter_map(|(_, _, role)| role.current.clone()).collect();
        for version in versions {
            self.set(version);
        }
    }

    /// A role's current version.
    pub fn set(&mut self, version: RoleVersion) {
        let mut allows = Bits::default();
        for (permission, _) in self.catalogue.permissions().filter(|(permission, _)| version.allows(permission)) {
            allows.insert(self.permissions.intern(permission));
        }
        if let Some(record) = self.by_name.entry(&version.role.clone()) {
            *record = RoleRecord { current: Some(version), allows };
        }
    }

    /// The role is no more: assignments of it give nothing.
    pub fn remove(&mut self, role: &RoleName) {
        if let Some(record) = self.by_name.entry(role) {
            *record = RoleRecord::default();
        }
    }

    /// The number of a role, known or not.
    pub fn intern(&mut self, role: &RoleName) -> u32 {
        self.by_name.intern(role)
    }

    /// The number of a role that something names.
    pub fn number(&self, role: &RoleName) -> Option<u32> {
        self.by_name.number(role)
    }

    /// The number of a permission of the catalogue.
    pub fn permission(&self, name: &str) -> Option<PermissionNumber> {
        let (permission, _) = self.catalogue.entry(name)?;
        self.permissions.number(permission).map(PermissionNumber)
    }

    /// Whether a role allows a permission.
    pub fn allows(&self, role: u32, permission: PermissionNumber) -> bool {
        self.by_name.get(role).is_some_and(|role| role.allows.contains(permission.0))
    }

    /// A role's current version.
    pub fn version(&self, role: u32) -> Option<&RoleVersion> {
        self.by_name.get(role)?.current.as_ref()
    }

    /// The current version of a role by its name.
    pub fn named(&self, role: &RoleName) -> Option<&RoleVersion> {
        self.version(self.by_name.number(role)?)
    }

    /// Every role that is known, by name.
    pub fn versions(&self) -> BTreeMap<&RoleName, &RoleVersion> {
        self.by_name.iter().filter_map(|(_, name, role)| Some((name, role.current.as_ref()?))).collect()
    }

    /// The permissions of the catalogue that some of these roles allow.
    pub fn allowed_by(&self, roles: impl Iterator<Item = u32>) -> BTreeSet<&Permission> {
        let mut allowed = Bits::default();
        for role in roles.filter_map(|role| self.by_name.get(role)) {
            allowed.extend(&role.allows);
        }
        allowed.iter().filter_map(|number| self.permissions.key(number)).collect()
    }
}

/// A permission of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct PermissionNumber(u32);
