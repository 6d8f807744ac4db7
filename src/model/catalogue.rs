//! The permissions an organization knows.

use std::collections::BTreeMap;

use super::Permission;
use super::limits::CATALOGUE_PERMISSIONS;

/// What the catalogue says of one permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CatalogueEntry {
    /// What it allows, for people.
    pub description: String,
    /// Whether a decision on it is on disk before the answer goes out.
    pub durable: bool,
}

/// A permission cannot be declared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CatalogueError {
    /// Under `organization:`.
    #[error("`{0}` is under `organization:`, which is reserved for administration, choose another namespace")]
    Reserved(Permission),
    /// Too many.
    #[error("the catalogue holds {CATALOGUE_PERMISSIONS} permissions already, remove one first")]
    Full,
}

/// The permissions an organization knows, each with what it means. Asking for any other is denied.
///
/// Those under `organization:` are the same everywhere and cannot be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalogue(BTreeMap<Permission, CatalogueEntry>);

/// What every organization begins with: name, whether durable, description.
const DEFAULT: [(&str, bool, &str); 7] = [
    ("build:view", false, "see builds and their results"),
    ("build:run", false, "start, stop and repeat builds"),
    ("build:ssh", true, "open a shell in a running build"),
    ("secret:read", true, "read secrets in clear"),
    ("deploy:run", false, "deploy"),
    ("deploy:approve", false, "approve deployments of others"),
    ("deploy:configure", false, "change how deployments are made"),
];

/// Administration: name, description.
const RESERVED: [(&str, &str); 6] = [
    ("organization:read", "see people, groups, roles, scopes and assignments"),
    ("organization:read-evidence", "read the log, certificates and reports"),
    ("organization:manage-people", "suspend people, keep local users and local groups"),
    ("organization:manage-access", "change roles, scopes, assignments, guardrails and services"),
    ("organization:manage-connections", "change connections, credentials and receivers"),
    ("organization:edit-own-profile", "edit of the own profile what no connection sends"),
];

impl Default for Catalogue {
    fn default() -> Self {
        let mut catalogue = Self::reserved();
        for (name, durable, description) in DEFAULT {
            if let Ok(permission) = name.parse() {
                catalogue.0.insert(permission, CatalogueEntry { description: description.to_owned(), durable });
            }
        }
        catalogue
    }
}

impl Catalogue {
    /// Administration alone: what the declared permissions are added to.
    pub fn reserved() -> Self {
        let entries = RESERVED.into_iter().filter_map(|(name, description)| {
            let entry = CatalogueEntry { description: description.to_owned(), durable: true };
            Some((name.parse().ok()?, entry))
        });
        Self(entries.collect())
    }

    /// Adds a permission, or says anew what it means.
    ///
    /// # Errors
    /// [`CatalogueError`] when it is reserved or there are too many.
    pub fn declare(&mut self, permission: Permission, entry: CatalogueEntry) -> Result<(), CatalogueError> {
        if permission.is_reserved() {
            return Err(CatalogueError::Reserved(permission));
        }
        if self.0.len() >= CATALOGUE_PERMISSIONS && !self.0.contains_key(&permission) {
            return Err(CatalogueError::Full);
        }
        self.0.insert(permission, entry);
        Ok(())
    }

    /// Removes a declared permission; the reserved ones stay. `true` if it was there.
    pub fn remove(&mut self, permission: &Permission) -> bool {
        !permission.is_reserved() && self.0.remove(permission).is_some()
    }

    /// What it says of a permission.
    pub fn get(&self, permission: &Permission) -> Option<&CatalogueEntry> {
        self.0.get(permission)
    }

    /// A permission by its name, and what the catalogue says of it.
    pub fn entry(&self, name: &str) -> Option<(&Permission, &CatalogueEntry)> {
        self.0.get_key_value(name)
    }

    /// Whether a role may hold it: it is in the catalogue, or it is `organization:*`.
    pub fn knows(&self, permission: &Permission) -> bool {
        permission.is_wildcard() || self.0.contains_key(permission)
    }

    /// Every permission in order, `organization:*` not among them.
    pub fn permissions(&self) -> impl Iterator<Item = (&Permission, &CatalogueEntry)> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_permission_is_there_and_the_grave_ones_are_durable() {
        let catalogue = Catalogue::default();
        assert_eq!(catalogue.permissions().count(), DEFAULT.len() + RESERVED.len());
        let durable = |name: &str| catalogue.get(&name.parse().unwrap()).unwrap().durable;
        for grave in ["secret:read", "build:ssh", "organization:manage-access", "organization:read-evidence"] {
            assert!(durable(grave), "{grave}");
        }
        assert!(!durable("deploy:run") && !durable("build:view"));
    }

    #[test]
    fn what_is_reserved_can_neither_be_declared_nor_removed() {
        let mut catalogue = Catalogue::default();
        let entry = CatalogueEntry { description: String::new(), durable: false };
        for name in ["organization:read", "organization:mine", "organization:*"] {
            let permission: Permission = name.parse().unwrap();
            assert!(matches!(
                catalogue.declare(permission.clone(), entry.clone()),
                Err(CatalogueError::Reserved(named)) if named == permission
            ));
            assert!(!catalogue.remove(&permission));
        }
        let read: Permission = "read".parse().unwrap();
        assert!(!catalogue.knows(&read));
        catalogue.declare(read.clone(), entry).unwrap();
        assert!(catalogue.knows(&read) && catalogue.remove(&read) && !catalogue.knows(&read));
    }
}
