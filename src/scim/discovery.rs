//! What the server can do and which resources it has, for clients to read (RFC 7644 §4, RFC 7643 §5–§7).
//!
//! Every function takes the base URL (`https://host/scim/v2`), because `meta.location` is absolute.

use serde_json::{Map, Value, json};

use super::list::{Named, list_response};
use super::path::excerpt;
use super::schema::{Attribute, Kind, ResourceType, ResourceTypes, Returned, Schema};
use super::{ScimError, Switches};
use crate::model::limits;

/// `/ServiceProviderConfig` (RFC 7643 §5, RFC 9865 §4); with roles and entitlements where `types` has them.
pub fn service_provider_config(switches: &Switches, types: &ResourceTypes, base_url: &str) -> Value {
    let mut document = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": { "supported": true },
        "bulk": {
            "supported": true,
            "maxOperations": limits::BULK_OPERATIONS,
            "maxPayloadSize": limits::BODY_BYTES,
        },
        "filter": { "supported": true, "maxResults": limits::PAGE_SIZE },
        "changePassword": { "supported": false },
        "sort": { "supported": true },
        "etag": { "supported": switches.entity_tags_announced },
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "OAuth Bearer Token",
            "description": "The token of a credential, sent as a bearer token in the header Authorization",
            "specUri": "https://www.rfc-editor.org/info/rfc6750",
            "primary": true,
        }],
        "meta": meta("ServiceProviderConfig", base_url, "/ServiceProviderConfig"),
    });
    let Some(members) = document.as_object_mut() else { return document };
    if switches.cursors_announced {
        let pagination = json!({
            "cursor": true,
            "index": true,
            "defaultPaginationMethod": "index",
            "defaultPageSize": limits::DEFAULT_PAGE_SIZE,
            "maxPageSize": limits::PAGE_SIZE,
            "cursorTimeout": limits::CURSOR_SECONDS,
        });
        members.insert("pagination".to_owned(), pagination);
    }
    if types.offered.is_some() {
        let kind = |several: &str| json!({ "supported": true, several: true, "primarySupported": true, "typeSupported": true });
        // draft-ietf-scim-roles-entitlements-01.
        let offered = json!({
            "roles": kind("multipleRolesSupported"),
            "entitlements": kind("multipleEntitlementsSupported"),
        });
        members.insert("RolesAndEntitlements".to_owned(), offered);
    }
    if switches.interop_profile_announced {
        members.insert("interopProfileConformant".to_owned(), Value::Bool(true));
    }
    document
}

/// Says in `/ServiceProviderConfig` that requests are answered by events where a client prefers it, and which events there
/// are (RFC 9967 §4).
pub fn announce_security_events(document: &mut Value, uris: &[&str]) {
    if let Some(members) = document.as_object_mut() {
        members.insert("securityEvents".to_owned(), json!({ "asyncRequest": "request", "eventUris": uris }));
    }
}

/// `/ResourceTypes` (RFC 7643 §6), a list response.
pub fn resource_types(types: &ResourceTypes, base_url: &str) -> String {
    list(types.all().map(|resource_type| describe(resource_type, base_url)))
}

/// `/ResourceTypes/{id}`; the id is the name.
///
/// # Errors
/// `NotFound` if there is no such resource type.
pub fn resource_type(types: &ResourceTypes, id: &str, base_url: &str) -> Result<Value, ScimError> {
    types
        .all()
        .find(|resource_type| resource_type.name == id)
        .map(|resource_type| describe(resource_type, base_url))
        .ok_or_else(|| ScimError::NotFound(format!("there is no resource type `{}`; see /ResourceTypes", excerpt(id))))
}

/// `/Schemas` (RFC 7643 §7), a list response.
pub fn schemas(switches: &Switches, types: &ResourceTypes, base_url: &str) -> String {
    list(distinct(types).into_iter().map(|schema| schema_document(switches, schema, base_url)))
}

/// `/Schemas/{urn}`.
///
/// # Errors
/// `NotFound` if there is no such schema.
pub fn schema(switches: &Switches, types: &ResourceTypes, urn: &str, base_url: &str) -> Result<Value, ScimError> {
    distinct(types)
        .into_iter()
        .find(|schema| schema.is(urn))
        .map(|schema| schema_document(switches, schema, base_url))
        .ok_or_else(|| ScimError::NotFound(format!("there is no schema `{}`; see /Schemas", excerpt(urn))))
}

/// Each schema once, although resource types may share one.
fn distinct(types: &ResourceTypes) -> Vec<&Schema> {
    let mut schemas: Vec<&Schema> = Vec::new();
    for schema in types.all().flat_map(ResourceType::schemas) {
        if !schemas.iter().any(|present| present.is(&schema.id)) {
            schemas.push(schema);
        }
    }
    schemas
}

fn list(resources: impl Iterator<Item = Value>) -> String {
    let resources: Vec<String> = resources.map(|resource| resource.to_string()).collect();
    list_response(u64::try_from(resources.len()).unwrap_or(u64::MAX), Named::Index(1), &resources)
}

fn meta(resource_type: &str, base_url: &str, path: &str) -> Value {
    json!({ "resourceType": resource_type, "location": format!("{}{path}", base_url.trim_end_matches('/')) })
}

fn describe(resource_type: &ResourceType, base_url: &str) -> Value {
    let extensions: Vec<Value> = resource_type
        .extensions
        .iter()
        .map(|extension| json!({ "schema": extension.schema.id, "required": extension.required }))
        .collect();
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
        "id": resource_type.name,
        "name": resource_type.name,
        "description": resource_type.description,
        "endpoint": resource_type.endpoint,
        "schema": resource_type.schema.id,
        "schemaExtensions": extensions,
        "meta": meta("ResourceType", base_url, &format!("/ResourceTypes/{}", resource_type.name)),
    })
}

fn schema_document(switches: &Switches, schema: &Schema, base_url: &str) -> Value {
    let known = |attribute: &&Attribute| switches.password_thrown_away || attribute.returned != Returned::Never;
    let attributes: Vec<Value> = schema.attributes.iter().filter(known).map(attribute_document).collect();
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
        "id": schema.id,
        "name": schema.name,
        "description": schema.description,
        "attributes": attributes,
        "meta": meta("Schema", base_url, &format!("/Schemas/{}", schema.id)),
    })
}

/// Every characteristic that means something for the attribute's type, defaults spelled out, nothing null: strict
/// readers stop at either. Complex attributes have no `uniqueness` (erratum 6004 to RFC 7643).
fn attribute_document(attribute: &Attribute) -> Value {
    let mut document = Map::new();
    let mut put = |name: &str, value: Value| document.insert(name.to_owned(), value);
    put("name", json!(attribute.name));
    put("type", json!(attribute.kind));
    put("multiValued", json!(attribute.multi_valued));
    put("description", json!(attribute.description));
    put("required", json!(attribute.required));
    put("mutability", json!(attribute.mutability));
    put("returned", json!(attribute.returned));
    if matches!(attribute.kind, Kind::String | Kind::Reference | Kind::Binary) {
        put("caseExact", json!(attribute.case_exact));
    }
    if attribute.kind == Kind::Complex {
        put("subAttributes", attribute.sub_attributes.iter().map(attribute_document).collect());
    } else {
        put("uniqueness", json!(attribute.uniqueness));
    }
    if !attribute.canonical_values.is_empty() {
        put("canonicalValues", json!(attribute.canonical_values));
    }
    if !attribute.reference_types.is_empty() {
        put("referenceTypes", json!(attribute.reference_types));
    }
    Value::Object(document)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "https://host/scim/v2";
    const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";

    fn types() -> ResourceTypes {
        ResourceTypes::builtin().unwrap()
    }

    fn any(value: &Value, test: &impl Fn(&Value) -> bool) -> bool {
        test(value)
            || match value {
                Value::Array(values) => values.iter().any(|value| any(value, test)),
                Value::Object(members) => members.values().any(|value| any(value, test)),
                _ => false,
            }
    }

    #[test]
    fn the_configuration_has_every_required_member_and_none_beyond_the_rfcs() {
        let config = service_provider_config(&Switches::DEFAULT, &types(), "https://host/scim/v2/");
        let mut members: Vec<&String> = config.as_object().unwrap().keys().collect();
        members.sort();
        assert_eq!(
            members,
            [
                "authenticationSchemes",
                "bulk",
                "changePassword",
                "etag",
                "filter",
                "meta",
                "pagination",
                "patch",
                "schemas",
                "sort"
            ]
        );
        assert_eq!(
            config["pagination"],
            json!({
                "cursor": true, "index": true, "defaultPaginationMethod": "index",
                "defaultPageSize": 100, "maxPageSize": 1000, "cursorTimeout": 3600,
            })
        );
        assert_eq!(config["sort"], json!({"supported": true}));
        assert_eq!(
            config["bulk"],
            json!({"supported": true, "maxOperations": 1000, "maxPayloadSize": limits::BODY_BYTES})
        );
        assert_eq!(config["filter"], json!({"supported": true, "maxResults": 1000}));
        assert_eq!(config["meta"]["location"], "https://host/scim/v2/ServiceProviderConfig");
    }

    // Requirement 15
    #[test]
    fn schemas_spell_out_every_characteristic_and_leave_out_the_common_attributes() {
        let list: Value = serde_json::from_str(&schemas(&Switches::DEFAULT, &types(), BASE)).unwrap();
        assert_eq!(list["totalResults"], 3);
        assert!(!any(&list, &Value::is_null));
        let user = schema(&Switches::DEFAULT, &types(), USER, BASE).unwrap();
        assert_eq!(list["Resources"][0], user);
        let attributes = user["attributes"].as_array().unwrap();
        let find = |name: &str| attributes.iter().find(|attribute| attribute["name"] == name);
        for common in ["id", "externalId", "meta", "schemas"] {
            assert!(find(common).is_none(), "{common}");
        }
        assert_eq!(
            find("userName").unwrap(),
            &json!({
                "name": "userName", "type": "string", "multiValued": false, "required": true, "caseExact": false,
                "description": "The name the user signs in with; unique in the organization.",
                "mutability": "readWrite", "returned": "default", "uniqueness": "server",
            })
        );
        let emails = find("emails").unwrap();
        assert_eq!((&emails["multiValued"], &emails["uniqueness"]), (&json!(true), &Value::Null));
        for sub in emails["subAttributes"].as_array().unwrap() {
            for characteristic in
                ["type", "multiValued", "description", "required", "mutability", "returned", "uniqueness"]
            {
                assert!(sub.get(characteristic).is_some(), "{characteristic} of {sub}");
            }
        }
        assert_eq!(find("photos").unwrap()["subAttributes"][0]["referenceTypes"], json!(["external"]));
        assert_eq!(find("groups").unwrap()["subAttributes"][3]["canonicalValues"], json!(["direct", "indirect"]));
    }

    #[test]
    fn a_resource_type_is_found_by_its_name() {
        let user = resource_type(&types(), "User", BASE).unwrap();
        assert_eq!(user["id"], user["name"]);
        assert_eq!(user["endpoint"], "/Users");
        assert_eq!(user["schema"], USER);
        assert_eq!(user["schemaExtensions"][0]["required"], false);
        assert_eq!(user["meta"]["location"], "https://host/scim/v2/ResourceTypes/User");
        let list: Value = serde_json::from_str(&resource_types(&types(), BASE)).unwrap();
        assert_eq!((&list["totalResults"], &list["Resources"][0]), (&json!(2), &user));
    }

    #[test]
    fn what_there_is_not_is_not_found() {
        assert!(matches!(resource_type(&types(), "Device", BASE), Err(ScimError::NotFound(_))));
        assert!(matches!(schema(&Switches::DEFAULT, &types(), "urn:x", BASE), Err(ScimError::NotFound(_))));
    }
}
