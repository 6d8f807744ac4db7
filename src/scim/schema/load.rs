//! Reads schema and resource type documents and refuses those the engine could not honour.

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{
    Attribute, Extension, Kind, Mutability, Offered, ResourceType, ResourceTypes, Returned, Schema, Uniqueness,
    WithRoles,
};
use crate::scim::path::is_name;

/// Why a schema document cannot be used. The text names the schema, the attribute and what was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// It is not JSON, or not a schema document.
    #[error("cannot read the schema document: {0}")]
    Unreadable(String),
    /// The schema as a whole is wrong.
    #[error("schema `{schema}` {problem}")]
    Schema {
        /// The schema's URN, as it stands in the document.
        schema: String,
        /// What is wrong with it.
        problem: String,
    },
    /// One attribute is wrong.
    #[error("attribute `{attribute}` of schema `{schema}` {problem}")]
    Attribute {
        /// The schema's URN.
        schema: String,
        /// The attribute, a sub-attribute behind a dot.
        attribute: String,
        /// What is wrong with it.
        problem: &'static str,
    },
}

/// A resource type document (RFC 7643 §6), with the one member that is ours.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ResourceTypeDocument {
    name: String,
    description: String,
    endpoint: String,
    schema: String,
    schema_extensions: Vec<ExtensionDocument>,
    rows_attribute: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExtensionDocument {
    schema: String,
    required: bool,
}

impl Schema {
    /// Reads and checks a schema document (RFC 7643 §7). Other members of the document (`schemas`, `meta`) are ignored,
    /// unknown members of an attribute are not.
    pub fn from_json(text: &str) -> Result<Self, SchemaError> {
        let mut schema: Self = read(text)?;
        if !schema.id.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("urn:"))
            || schema.id.contains(|c: char| c.is_whitespace() || c.is_control())
        {
            return Err(schema.problem("is not identified by a URN; give `id` a value that begins with `urn:`"));
        }
        if schema.name.is_empty() {
            return Err(schema.problem("has no name; give `name` a value"));
        }
        schema.attributes.iter_mut().for_each(compare_exactly);
        check(&schema.id, None, &schema.attributes)?;
        Ok(schema)
    }

    pub(super) fn problem(&self, problem: impl Into<String>) -> SchemaError {
        SchemaError::Schema { schema: self.id.clone(), problem: problem.into() }
    }
}

impl ResourceType {
    /// Adds an extension; refuses a schema this resource type has already.
    pub fn extend(&mut self, schema: Schema, required: bool) -> Result<(), SchemaError> {
        if self.schemas().any(|present| present.is(&schema.id)) {
            return Err(schema.problem(format!("belongs to resource type `{}` already", self.name)));
        }
        self.extensions.push(Extension { schema, required });
        self.hides.take();
        Ok(())
    }
}

impl ResourceTypes {
    /// The resource types of RFC 7643 with the enterprise extension, read from the documents in `schemas/`.
    pub fn builtin() -> Result<Self, SchemaError> {
        let mut common: Vec<Attribute> = read(include_str!("../../../schemas/common.json"))?;
        common.iter_mut().for_each(compare_exactly);
        check("common attributes", None, &common)?;
        let schemas = [
            Schema::from_json(include_str!("../../../schemas/user.json"))?,
            Schema::from_json(include_str!("../../../schemas/group.json"))?,
            Schema::from_json(include_str!("../../../schemas/enterprise-user.json"))?,
            Schema::from_json(include_str!("../../../schemas/role.json"))?,
            Schema::from_json(include_str!("../../../schemas/entitlement.json"))?,
        ];
        let documents: Vec<ResourceTypeDocument> = read(include_str!("../../../schemas/resource-types.json"))?;
        let resource_type = |name: &str| {
            let document = documents
                .iter()
                .find(|document| document.name == name)
                .ok_or_else(|| SchemaError::Unreadable(format!("resource type `{name}` is missing")))?;
            assemble(document, &common, &schemas)
        };
        let access = Schema::from_json(include_str!("../../../schemas/access-user.json"))?;
        let user: Arc<ResourceType> = resource_type("User")?.into();
        let offered =
            Offered { role: resource_type("Role")?.into(), entitlement: resource_type("Entitlement")?.into() };
        let with_roles = Arc::new(WithRoles { user: Arc::clone(&user), offered, access });
        let types = Self { user, group: resource_type("Group")?.into(), offered: None, with_roles };
        types.extended()
    }
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, SchemaError> {
    serde_json::from_str(text).map_err(|error| SchemaError::Unreadable(error.to_string()))
}

fn assemble(
    document: &ResourceTypeDocument,
    common: &[Attribute],
    schemas: &[Schema],
) -> Result<ResourceType, SchemaError> {
    let schema = |urn: &str| {
        schemas.iter().find(|schema| schema.is(urn)).cloned().ok_or_else(|| SchemaError::Schema {
            schema: urn.to_owned(),
            problem: format!("is named by resource type `{}`, but there is no such document", document.name),
        })
    };
    let mut resource_type = ResourceType {
        name: document.name.clone(),
        description: document.description.clone(),
        endpoint: document.endpoint.clone(),
        common: common.to_vec(),
        schema: schema(&document.schema)?,
        extensions: Vec::new(),
        rows_attribute: document.rows_attribute.clone(),
        hides: OnceLock::new(),
    };
    for extension in &document.schema_extensions {
        resource_type.extend(schema(&extension.schema)?, extension.required)?;
    }
    for attribute in common {
        if resource_type.schema.attribute(&attribute.name).is_some() {
            return Err(resource_type.schema.problem(format!("redefines the common attribute `{}`", attribute.name)));
        }
    }
    if let Some(rows) = &document.rows_attribute
        && !resource_type.schema.attribute(rows).is_some_and(|attribute| attribute.multi_valued)
    {
        return Err(resource_type.schema.problem(format!("has no multi-valued attribute `{rows}` to keep as rows")));
    }
    Ok(resource_type)
}

/// References and binary values are case exact whatever the document says: erratum 6001 to RFC 7643.
fn compare_exactly(attribute: &mut Attribute) {
    attribute.case_exact |= matches!(attribute.kind, Kind::Reference | Kind::Binary);
    attribute.sub_attributes.iter_mut().for_each(compare_exactly);
}

fn check(schema: &str, parent: Option<&str>, attributes: &[Attribute]) -> Result<(), SchemaError> {
    let mut seen = HashSet::new();
    for attribute in attributes {
        let unique = seen.insert(attribute.name.to_ascii_lowercase());
        let problem = if unique { problem(attribute, parent.is_some()) } else { Some("is defined twice") };
        if let Some(problem) = problem {
            let attribute = match parent {
                Some(parent) => format!("{parent}.{}", attribute.name),
                None => attribute.name.clone(),
            };
            return Err(SchemaError::Attribute { schema: schema.to_owned(), attribute, problem });
        }
        check(schema, Some(&attribute.name), &attribute.sub_attributes)?;
    }
    Ok(())
}

fn problem(attribute: &Attribute, nested: bool) -> Option<&'static str> {
    let complex = attribute.kind == Kind::Complex;
    if !is_name(&attribute.name) {
        Some("has no valid name; begin with a letter and go on with letters, digits, `-`, `_` and `$`")
    } else if nested && complex {
        Some("is a complex sub-attribute, which no schema may have (RFC 7643 §2.3.8); use a simple type")
    } else if complex && attribute.sub_attributes.is_empty() {
        Some("is complex without sub-attributes; define `subAttributes`")
    } else if !complex && !attribute.sub_attributes.is_empty() {
        Some("has sub-attributes but is not complex; set `type` to `complex`")
    } else if complex && attribute.uniqueness != Uniqueness::None {
        Some("is complex and cannot be unique; put `uniqueness` on a sub-attribute")
    } else if attribute.mutability == Mutability::WriteOnly && attribute.returned != Returned::Never {
        Some("is writeOnly and must not be returned; set `returned` to `never`")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema(attributes: &serde_json::Value) -> Result<Schema, SchemaError> {
        Schema::from_json(&json!({"id": "urn:x", "name": "X", "description": "", "attributes": attributes}).to_string())
    }

    fn refusal(attributes: &serde_json::Value) -> String {
        schema(attributes).unwrap_err().to_string()
    }

    #[test]
    fn the_builtin_documents_load_and_are_looked_up_without_regard_to_case() {
        let types = ResourceTypes::builtin().unwrap();
        assert_eq!(types.user.attribute("USERNAME").unwrap().name, "userName");
        assert_eq!(types.user.attribute("emails").unwrap().sub_attribute("Value").unwrap().name, "value");
        assert_eq!(types.user.attribute("externalid").unwrap().name, "externalId");
        let enterprise = types.user.extension("URN:ietf:params:scim:schemas:extension:ENTERPRISE:2.0:user").unwrap();
        assert_eq!(enterprise.schema.attribute("EMPLOYEENUMBER").unwrap().name, "employeeNumber");
        assert!(types.user.attribute("employeeNumber").is_none());
        assert_eq!(types.group.rows_attribute.as_deref(), Some("members"));
        assert_eq!(types.user.rows_attribute, None);
    }

    #[test]
    fn the_verified_errata_are_built_in() {
        let types = ResourceTypes::builtin().unwrap();
        assert!(types.group.attribute("displayName").unwrap().required);
        let manager = types.user.extensions[0].schema.attribute("manager").unwrap();
        assert!(manager.sub_attribute("value").unwrap().case_exact);
        let groups = types.user.attribute("groups").unwrap();
        assert_eq!(groups.sub_attribute("$ref").unwrap().reference_types, ["Group"]);
        assert!(types.user.attribute("profileUrl").unwrap().case_exact);
        let user_name = types.user.attribute("userName").unwrap();
        assert!(user_name.required && !user_name.case_exact && user_name.uniqueness == Uniqueness::Server);
    }

    #[test]
    fn what_a_document_leaves_out_has_the_defaults_of_the_rfc() {
        let schema = schema(&json!([{"name": "a", "description": ""}])).unwrap();
        let attribute = schema.attribute("A").unwrap();
        assert_eq!(attribute.kind, Kind::String);
        assert_eq!(attribute.mutability, Mutability::ReadWrite);
        assert_eq!(attribute.returned, Returned::Default);
        assert!(!attribute.required && !attribute.case_exact && !attribute.multi_valued);
    }

    #[test]
    fn a_document_the_engine_could_not_honour_is_refused_by_name() {
        let sub = json!([{"name": "b", "description": ""}]);
        for (attributes, expected) in [
            (
                json!([{"name": "a", "description": ""}, {"name": "A", "description": ""}]),
                "attribute `A` of schema `urn:x` is defined twice",
            ),
            (
                json!([{"name": "a", "type": "complex", "description": ""}]),
                "`a` of schema `urn:x` is complex without sub-attributes",
            ),
            (json!([{"name": "a", "description": "", "subAttributes": sub}]), "has sub-attributes but is not complex"),
            (
                json!([{"name": "a", "type": "complex", "description": "",
                    "subAttributes": [{"name": "b", "type": "complex", "description": "", "subAttributes": sub}]}]),
                "attribute `a.b` of schema `urn:x` is a complex sub-attribute",
            ),
            (json!([{"name": "1a", "description": ""}]), "has no valid name"),
            (json!([{"name": "a", "description": "", "mutability": "writeOnly"}]), "set `returned` to `never`"),
            (json!([{"name": "a", "description": "", "caseexact": true}]), "unknown field `caseexact`"),
            (json!([{"name": "a", "description": "", "type": "text"}]), "unknown variant `text`"),
        ] {
            let refusal = refusal(&attributes);
            assert!(refusal.contains(expected), "{refusal}");
        }
    }

    #[test]
    fn an_extension_is_added_once() {
        let mut user = ResourceTypes::builtin().unwrap().user;
        let badge = schema(&json!([{"name": "badge", "description": ""}])).unwrap();
        Arc::make_mut(&mut user).extend(badge.clone(), false).unwrap();
        assert!(user.extension("URN:X").is_some());
        assert_eq!(
            Arc::make_mut(&mut user).extend(badge, false).unwrap_err().to_string(),
            "schema `urn:x` belongs to resource type `User` already"
        );
    }
}
