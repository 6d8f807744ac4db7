//! One declarative document of access: what is in it is made so, in one write.
//!
//! Assignments and offers that a document made and that it names no more end. Everything else it does not name stays,
//! whoever made it; a user who is there stays as it is.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use toml::Spanned;

use crate::access::guardrail::ReadyParameters;

/// The document as it is written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    #[serde(default, rename = "permission")]
    pub permissions: Vec<Spanned<PermissionEntry>>,
    #[serde(default, rename = "role")]
    pub roles: Vec<Spanned<RoleEntry>>,
    #[serde(default, rename = "scope")]
    pub scopes: Vec<Spanned<ScopeEntry>>,
    #[serde(default, rename = "gate")]
    pub gates: Vec<Spanned<GateEntry>>,
    #[serde(default, rename = "user")]
    pub users: Vec<Spanned<UserEntry>>,
    #[serde(default, rename = "service")]
    pub services: Vec<Spanned<ServiceEntry>>,
    #[serde(default, rename = "attribute")]
    pub attributes: Vec<Spanned<AttributeEntry>>,
    #[serde(default, rename = "resource")]
    pub resources: Vec<Spanned<ResourceEntry>>,
    #[serde(default, rename = "assignment")]
    pub assignments: Vec<Spanned<AssignmentEntry>>,
    #[serde(default, rename = "offer")]
    pub offers: Vec<Spanned<OfferEntry>>,
    #[serde(default, rename = "guardrail")]
    pub guardrails: Vec<Spanned<GuardrailEntry>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PermissionEntry {
    pub name: String,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub durable: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RoleEntry {
    pub name: String,
    pub permissions: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ScopeEntry {
    pub path: String,
    #[serde(default)]
    pub production: bool,
    pub description: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GateEntry {
    pub scope: String,
    pub permission: String,
    pub minimum: u32,
    pub maximum: Option<u32>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UserEntry {
    /// As in SCIM.
    pub user_name: String,
    /// Further attributes of SCIM.
    #[serde(default)]
    pub attributes: serde_json::Map<String, serde_json::Value>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ServiceEntry {
    pub name: String,
    pub owner: String,
    /// Left out: whoever was named stays; empty: nobody.
    pub successor: Option<String>,
    pub expires_at: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AttributeEntry {
    pub owner: String,
    pub name: String,
    pub kind: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ResourceEntry {
    #[serde(rename = "type")]
    pub resource_type: String,
    pub id: String,
    #[serde(default = "root")]
    pub scope: String,
    #[serde(default)]
    pub attributes: BTreeMap<String, FactEntry>,
}

/// What is known of a resource.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, expecting = "an attribute of a resource must be a flag, a whole number, a text or a list of texts")]
pub(super) enum FactEntry {
    Flag(bool),
    Number(i64),
    Text(String),
    Texts(BTreeSet<String>),
}

fn root() -> String {
    "/".to_owned()
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AssignmentEntry {
    pub group: Option<String>,
    pub user: Option<String>,
    pub service: Option<String>,
    pub role: String,
    #[serde(default = "root")]
    pub scope: String,
    pub until: Option<String>,
    pub reason: Option<String>,
}

/// A role at a scope that a connection may assign.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OfferEntry {
    pub connection: String,
    pub role: String,
    #[serde(default = "root")]
    pub scope: String,
}

/// A Cedar policy, or a ready guardrail.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GuardrailEntry {
    pub text: Option<String>,
    pub ready: Option<ReadyParameters>,
}

/// A document cannot be read or does not fit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct DocumentError {
    /// Where, counted from 1.
    pub line: usize,
    /// What is wrong, and what was expected.
    pub message: String,
}

impl DocumentError {
    pub(super) fn at<T>(text: &str, entry: &Spanned<T>, message: impl Into<String>) -> Self {
        Self { line: line(text, entry.span().start), message: message.into() }
    }
}

fn line(text: &str, at: usize) -> usize {
    text.get(..at).unwrap_or(text).matches('\n').count().saturating_add(1)
}

/// Reads a document: no unknown tables, no unknown keys.
pub(super) fn read(text: &str) -> Result<Document, DocumentError> {
    toml::from_str(text).map_err(|error| DocumentError {
        line: error.span().map_or(1, |span| line(text, span.start)),
        message: error.message().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unknown_or_missing_is_refused_with_its_line() {
        for (text, at, word) in [
            ("[[rol]]\nname = \"x\"\n", 1, "rol"),
            ("\n[[role]]\nname = \"x\"\npermissions = []\ncolour = \"red\"\n", 5, "colour"),
            ("[[scope]]\npath = 7\n", 2, "string"),
            ("[[role]]\nname = \"a\"\n", 1, "permissions"),
            ("[[role]\n", 1, ""),
        ] {
            let error = read(text).unwrap_err();
            assert_eq!(error.line, at, "{text}: {error}");
            assert!(error.message.contains(word), "{text}: {error}");
        }
    }

    #[test]
    fn entries_know_their_lines() {
        let text = "# access\n\n[[scope]]\npath = \"/billing\"\n\n[[scope]]\npath = \"/payroll\"\n";
        let document = read(text).unwrap();
        let lines: Vec<usize> = document.scopes.iter().map(|entry| DocumentError::at(text, entry, "").line).collect();
        assert_eq!(lines, [3, 6]);
    }
}
