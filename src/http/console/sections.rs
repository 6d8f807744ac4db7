//! The sections of the console, as they stand in the navigation.

use crate::service::accounts::Rights;

/// A section.
pub struct Section {
    /// Its key, by which pages say that they belong to it.
    pub key: &'static str,
    /// Its name.
    pub label: &'static str,
    /// Its address below the organization's.
    pub path: &'static str,
    /// The permission it takes; empty for none.
    pub right: &'static str,
}

/// Sections that belong together.
pub struct Chapter {
    /// What they are called together; empty for those that need no word.
    pub label: &'static str,
    /// The sections.
    pub sections: &'static [Section],
}

const fn section(key: &'static str, label: &'static str, path: &'static str, right: &'static str) -> Section {
    Section { key, label, path, right }
}

/// The navigation.
pub const CHAPTERS: &[Chapter] = &[
    Chapter {
        label: "",
        sections: &[
            section("home", "Overview", "", "organization:read"),
            section("profile", "Your profile", "/profile", ""),
        ],
    },
    Chapter {
        label: "Directory",
        sections: &[
            section("people", "People", "/people", "organization:read"),
            section("groups", "Groups", "/groups", "organization:read"),
            section("services", "Services", "/services", "organization:read"),
            section("invitations", "Invitations", "/invitations", "organization:manage-people"),
        ],
    },
    Chapter {
        label: "Access",
        sections: &[
            section("gates", "Gates", "/gates", "organization:read"),
            section("mappings", "Assignments", "/mappings", "organization:read"),
            section("roles", "Roles", "/roles", "organization:read"),
            section("guardrails", "Guardrails", "/guardrails", "organization:read"),
        ],
    },
    Chapter {
        label: "Provisioning",
        sections: &[section("connections", "Connections", "/connections", "organization:read")],
    },
    Chapter {
        label: "Evidence",
        sections: &[
            section("leavers", "Leavers", "/leavers", "organization:read-evidence"),
            section("systems", "Systems", "/systems", "organization:read-evidence"),
            section("past", "On a date", "/past", "organization:read-evidence"),
            section("log", "Log", "/log", "organization:read-evidence"),
            section("decisions", "Decisions", "/decisions", "organization:read-evidence"),
            section("exports", "Exports", "/exports", "organization:read-evidence"),
        ],
    },
    Chapter { label: "Organization", sections: &[section("settings", "Settings", "/settings", "organization:read")] },
];

impl Section {
    /// Whether it is shown to somebody of these rights.
    pub fn is_open_to(&self, rights: &Rights) -> bool {
        self.right.is_empty() || rights.include(self.right)
    }
}
