//! Schemas that an organization adds to its resource types (RFC 7643 §3.3), and what they must not say.

use std::sync::Arc;

use super::{Attribute, Mutability, ResourceType, ResourceTypes, Schema, SchemaError, Uniqueness, WithRoles};
use crate::model::limits;
use crate::scim::json;
use crate::scim::path::AttributePath;

/// What of `urn:ietf:params:scim:` is free for extensions.
const EXTENSIONS: &str = "urn:ietf:params:scim:schemas:extension:";
const RESERVED: &str = "urn:ietf:params:scim:";

impl Schema {
    /// Reads the document of an extension that an organization adds. It must be one that this server can honour.
    ///
    /// # Errors
    /// [`SchemaError`].
    pub fn extension(text: &str) -> Result<Self, SchemaError> {
        if text.len() > limits::SCHEMA_BYTES {
            let most = limits::SCHEMA_BYTES;
            return Err(SchemaError::Unreadable(format!("it has {} bytes; {most} are allowed", text.len())));
        }
        // The one strict reader: two members of one name would be read in two ways.
        json::parse(text.as_bytes()).map_err(|error| SchemaError::Unreadable(error.to_string()))?;
        let schema = Self::from_json(text)?;
        let urn = AttributePath::read(&format!("{}:x", schema.id)).and_then(|path| path.schema);
        if urn.as_deref() != Some(&schema.id) || schema.id.len() > limits::URN_BYTES {
            return Err(schema.problem(format!(
                "has a URN that no attribute path can be written with; use letters, digits, `.`, `-`, `_` and `:`, {} bytes at most",
                limits::URN_BYTES
            )));
        }
        if starts_with(&schema.id, RESERVED) && !starts_with(&schema.id, EXTENSIONS) {
            return Err(schema.problem(format!(
                "has a URN that belongs to the protocol; use one of your own, or one that begins with `{EXTENSIONS}`"
            )));
        }
        let count: usize =
            schema.attributes.iter().map(|attribute| attribute.sub_attributes.len().saturating_add(1)).sum();
        if count == 0 || count > limits::SCHEMA_ATTRIBUTES {
            let most = limits::SCHEMA_ATTRIBUTES;
            return Err(schema.problem(format!("has {count} attributes; define 1 to {most}, sub-attributes included")));
        }
        for attribute in &schema.attributes {
            for (attribute, of) in std::iter::once((attribute, None))
                .chain(attribute.sub_attributes.iter().map(|sub| (sub, Some(attribute))))
            {
                if let Some(problem) = cannot_be_honoured(attribute) {
                    let name = of.map_or_else(String::new, |of| format!("{}.", of.name)) + &attribute.name;
                    return Err(SchemaError::Attribute { schema: schema.id.clone(), attribute: name, problem });
                }
            }
        }
        Ok(schema)
    }
}

impl ResourceType {
    /// Adds a schema of the organization.
    ///
    /// # Errors
    /// [`SchemaError`] if another schema of the type has its URN, or one that begins or ends where this one does, or an
    /// attribute of the same name: clients write attributes without their URN, too.
    pub fn add(&mut self, schema: Schema) -> Result<(), SchemaError> {
        for other in self.schemas() {
            if starts_with(&schema.id, &format!("{}:", other.id)) || starts_with(&other.id, &format!("{}:", schema.id))
            {
                return Err(schema.problem(format!("has a URN that cannot be told from a path into `{}`", other.id)));
            }
            let shadows = |attribute: &&Attribute| {
                other.attribute(&attribute.name).is_some() || self.attribute(&attribute.name).is_some()
            };
            if let Some(shadow) = schema.attributes.iter().find(shadows) {
                return Err(SchemaError::Attribute {
                    schema: schema.id.clone(),
                    attribute: shadow.name.clone(),
                    problem: "has the name of an attribute that this resource type has already; choose another",
                });
            }
        }
        self.extend(schema, false)
    }
}

impl ResourceTypes {
    /// These, with schemas of an organization for users and for groups.
    ///
    /// # Errors
    /// [`SchemaError`].
    pub fn with(
        &self,
        users: impl IntoIterator<Item = Schema>,
        groups: impl IntoIterator<Item = Schema>,
    ) -> Result<Self, SchemaError> {
        let mut types = self.clone();
        users.into_iter().try_for_each(|schema| Arc::make_mut(&mut types.user).add(schema))?;
        groups.into_iter().try_for_each(|schema| Arc::make_mut(&mut types.group).add(schema))?;
        types.extended()
    }

    /// With the users of connections that assign roles as the others are.
    pub(super) fn extended(mut self) -> Result<Self, SchemaError> {
        let WithRoles { offered, access, .. } = &*self.with_roles;
        let mut user = (*self.user).clone();
        user.add(access.clone())?;
        self.with_roles = Arc::new(WithRoles { user: user.into(), offered: offered.clone(), access: access.clone() });
        Ok(self)
    }
}

fn starts_with(urn: &str, start: &str) -> bool {
    urn.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start))
}

fn cannot_be_honoured(attribute: &Attribute) -> Option<&'static str> {
    if attribute.uniqueness != Uniqueness::None {
        Some("is unique, which this server promises of its own attributes only; set `uniqueness` to `none`")
    } else if attribute.mutability == Mutability::ReadOnly {
        Some("is readOnly, so that nothing would ever set it; choose another `mutability`")
    } else if attribute.mutability == Mutability::WriteOnly || attribute.returned == super::Returned::Never {
        Some("is never returned, so that nothing would ever show it; leave it out")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn document(urn: &str, attributes: &Value) -> String {
        json!({ "id": urn, "name": "Badge", "description": "", "attributes": attributes }).to_string()
    }

    fn refusal(urn: &str, attributes: &Value) -> String {
        let added = Schema::extension(&document(urn, attributes))
            .and_then(|schema| ResourceTypes::builtin().unwrap().with([schema], []));
        added.unwrap_err().to_string()
    }

    #[test]
    fn an_extension_is_looked_up_like_any_other() {
        let attributes = json!([{ "name": "badgeNumber", "type": "integer", "description": "" }]);
        let schema = Schema::extension(&document("urn:example:badge:1.0:User", &attributes)).unwrap();
        let types = ResourceTypes::builtin().unwrap().with([schema], []).unwrap();
        let found = types.user.extension("URN:example:BADGE:1.0:User").unwrap();
        assert!(!found.required && found.schema.attribute("badgenumber").is_some());
        assert!(types.group.extensions.is_empty());
        assert_eq!(ResourceTypes::builtin().unwrap().user.extensions.len(), 1);
    }

    #[test]
    fn what_contradicts_itself_shadows_the_core_or_cannot_be_honoured_is_refused() {
        let one = |attribute: Value| json!([attribute]);
        let fine = one(json!({ "name": "badge", "description": "" }));
        for (urn, attributes, word) in [
            ("https://example.com/badge", fine.clone(), "urn:"),
            ("urn:", fine.clone(), "URN"),
            ("urn:example:a b", fine.clone(), "URN"),
            ("urn:example:\"x", fine.clone(), "URN"),
            ("urn:ietf:params:scim:schemas:core:2.0:Badge", fine.clone(), "protocol"),
            ("URN:ietf:params:scim:api:messages:2.0:PatchOp", fine.clone(), "protocol"),
            ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:USER", fine.clone(), "already"),
            ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager", fine.clone(), "path into"),
            ("urn:x:User", json!([]), "attributes"),
            ("urn:x:User", one(json!({ "name": "USERNAME", "description": "" })), "already"),
            ("urn:x:User", one(json!({ "name": "id", "description": "" })), "already"),
            ("urn:x:User", one(json!({ "name": "schemas", "description": "" })), "already"),
            ("urn:x:User", one(json!({ "name": "Department", "description": "" })), "already"),
            ("urn:x:User", one(json!({ "name": "a", "description": "", "uniqueness": "server" })), "unique"),
            ("urn:x:User", one(json!({ "name": "a", "description": "", "mutability": "readOnly" })), "readOnly"),
            ("urn:x:User", one(json!({ "name": "a", "description": "", "returned": "never" })), "never"),
            ("urn:x:User", one(json!({ "name": "a", "description": "", "type": "complex" })), "subAttributes"),
            ("urn:x:User", one(json!({ "name": "a", "description": "", "type": "text" })), "text"),
            ("urn:x:User", one(json!({ "name": "a", "description": "", "secret": true })), "secret"),
            ("urn:x:User", json!([{ "name": "a", "description": "" }, { "name": "A", "description": "" }]), "twice"),
            (
                "urn:x:User",
                one(json!({ "name": "a", "description": "", "type": "complex", "subAttributes": [
                    { "name": "b", "description": "", "uniqueness": "global" }] })),
                "a.b",
            ),
        ] {
            let detail = refusal(urn, &attributes);
            assert!(detail.contains(word), "{urn} {attributes}: {detail}");
        }
        let many: Vec<Value> =
            (0..=limits::SCHEMA_ATTRIBUTES).map(|n| json!({ "name": format!("a{n}"), "description": "" })).collect();
        assert!(refusal("urn:x:User", &json!(many)).contains("attributes"));
        let long = json!([{ "name": "a", "description": "x".repeat(15_000) }, { "name": "b", "description": "x".repeat(15_000) },
            { "name": "c", "description": "x".repeat(15_000) }, { "name": "d", "description": "x".repeat(15_000) }, { "name": "e", "description": "x".repeat(15_000) }]);
        assert!(refusal("urn:x:User", &long).contains("bytes"));
        let twice =
            "{\"id\":\"urn:x:User\",\"ID\":\"urn:y:User\",\"name\":\"x\",\"description\":\"\",\"attributes\":[]}";
        assert!(Schema::extension(twice).unwrap_err().to_string().contains("twice"));
    }
}
