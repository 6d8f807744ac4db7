//! What somebody may do in the console of an organization.

use std::collections::BTreeSet;

/// The permissions under `organization:` that somebody holds at `/`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rights {
    everything: bool,
    held: BTreeSet<String>,
}

impl Rights {
    /// Those of the recovery administrator.
    pub fn everything() -> Self {
        Self { everything: true, held: BTreeSet::new() }
    }

    /// Those named; others than of administration do not count.
    pub fn of<'a>(permissions: impl IntoIterator<Item = &'a str>) -> Self {
        let held = permissions.into_iter().filter(|name| name.starts_with("organization:"));
        Self { everything: false, held: held.map(str::to_owned).collect() }
    }

    /// Whether they include a permission of administration.
    pub fn include(&self, permission: &str) -> bool {
        self.everything || self.held.contains(permission)
    }

    /// Whether anything but the own profile may be seen.
    pub fn read(&self) -> bool {
        self.include("organization:read")
    }

    /// Whether people and local groups may be changed.
    pub fn manage_people(&self) -> bool {
        self.include("organization:manage-people")
    }

    /// Whether roles, scopes and assignments may be changed.
    pub fn manage_access(&self) -> bool {
        self.include("organization:manage-access")
    }

    /// Whether connections and tokens may be changed.
    pub fn manage_connections(&self) -> bool {
        self.include("organization:manage-connections")
    }

    /// Whether the log and what is made of it may be read.
    pub fn read_evidence(&self) -> bool {
        self.include("organization:read-evidence")
    }
}
