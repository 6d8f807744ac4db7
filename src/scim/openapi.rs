//! The SCIM surface as an OpenAPI 3.1 document, made from the schemas in force: what is in it follows from
//! `schemas/*.json` and an organization's own extensions.

use serde_json::{Map, Value, json};

use super::schema::{Attribute, Extension, Kind, Mutability, ResourceType, ResourceTypes, Returned};
use crate::model::limits;

const JSON: &str = "application/scim+json";
/// Characters of a filter that fit a URL however they are encoded; longer ones are asked for with `.search`.
const IN_A_URL: usize = 4_096;

/// What a schema of the document is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    /// What clients send.
    Sent,
    /// What the server answers.
    Answered,
}

/// The document.
pub fn document(types: &ResourceTypes, base_url: &str, version: &str) -> Value {
    let mut paths = Map::new();
    let mut schemas = messages();
    for resource_type in types.all() {
        let name = &resource_type.name;
        schemas.insert(name.clone(), resource(resource_type, Direction::Answered));
        schemas.insert(format!("{name}Sent"), resource(resource_type, Direction::Sent));
        schemas.insert(format!("{name}List"), list(&json!([reference(name)])));
        if resource_type.is_read_only() {
            looked_up(&mut paths, resource_type);
        } else {
            resource_paths(&mut paths, resource_type);
        }
    }
    let names: Vec<Value> = types.all().map(|resource_type| reference(&resource_type.name)).collect();
    schemas.insert("AnyList".to_owned(), list(&Value::Array(names)));
    paths.insert("/".to_owned(), json!({ "get": listing("Lists all resources of all types", "AnyList") }));
    paths.insert("/.search".to_owned(), json!({ "post": search("AnyList") }));
    let bulk = operation("Carries out several operations", Some("Bulk"), &[("200", Some("BulkResponse"))]);
    paths.insert("/Bulk".to_owned(), json!({ "post": bulk }));
    for (path, summary) in [
        ("/ServiceProviderConfig", "What the server can do"),
        ("/ResourceTypes", "The resource types"),
        ("/Schemas", "The schemas"),
        ("/openapi.json", "This document"),
    ] {
        paths.insert(path.to_owned(), json!({ "get": operation(summary, None, &[("200", Some("Document"))]) }));
    }
    for path in ["/ResourceTypes/{id}", "/Schemas/{id}"] {
        let get = operation("One of them", None, &[("200", Some("Document"))]);
        paths.insert(path.to_owned(), json!({ "get": get, "parameters": [id_parameter()] }));
    }
    json!({
        "openapi": "3.1.0",
        "info": { "title": "Muster SCIM", "version": version, "description": "SCIM 2.0 (RFC 7643, 7644, 9865)" },
        "servers": [{ "url": base_url }],
        "security": [{ "bearer": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": { "bearer": { "type": "http", "scheme": "bearer" } },
        },
    })
}

/// An object with one more member.
fn with(mut object: Value, name: &str, member: Value) -> Value {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), member);
    }
    object
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn resource_paths(paths: &mut Map<String, Value>, resource_type: &ResourceType) {
    let ResourceType { name, endpoint, .. } = resource_type;
    let (sent, list) = (format!("{name}Sent"), format!("{name}List"));
    let projected = |operation: Value| with(operation, "parameters", projection());
    let create = operation("Creates one", Some(&sent), &[("201", Some(name)), ("409", Some("Error"))]);
    paths.insert(endpoint.clone(), json!({ "get": listing("Lists them", &list), "post": projected(create) }));
    paths.insert(format!("{endpoint}/.search"), json!({ "post": search(&list) }));
    let found = &[("200", Some(name.as_str())), ("404", Some("Error"))];
    let written = &[&found[..], &[("409", Some("Error")), ("412", Some("Error"))]].concat();
    let patched = &[&written[..], &[("204", None)]].concat();
    let removed = &[("204", None), ("404", Some("Error")), ("412", Some("Error"))];
    paths.insert(
        format!("{endpoint}/{{id}}"),
        json!({
            "parameters": [id_parameter()],
            "get": projected(operation("One of them", None, found)),
            "put": projected(operation("Replaces it", Some(&sent), written)),
            "patch": projected(operation("Changes it", Some("Patch"), patched)),
            "delete": operation("Deletes it", None, removed),
        }),
    );
}

/// What can only be read.
fn looked_up(paths: &mut Map<String, Value>, ResourceType { name, endpoint, .. }: &ResourceType) {
    paths.insert(endpoint.clone(), json!({ "get": listing("Lists them", &format!("{name}List")) }));
    let found = operation("One of them", None, &[("200", Some(name.as_str())), ("404", Some("Error"))]);
    let get = with(found, "parameters", projection());
    paths.insert(format!("{endpoint}/{{id}}"), json!({ "parameters": [id_parameter()], "get": get }));
}

fn id_parameter() -> Value {
    json!({ "name": "id", "in": "path", "required": true, "schema": { "type": "string", "minLength": 1 } })
}

fn operation(summary: &str, body: Option<&str>, answers: &[(&str, Option<&str>)]) -> Value {
    // What any request may be refused with (RFC 7644 §3.12).
    let refusals = ["400", "401", "403", "404", "413", "415", "429", "500", "501", "503"];
    let mut responses = Map::new();
    for status in refusals {
        responses.insert(status.to_owned(), answer(Some("Error")));
    }
    for (status, schema) in answers {
        responses.insert((*status).to_owned(), answer(*schema));
    }
    let operation = json!({ "summary": summary, "responses": responses });
    let Some(body) = body else { return operation };
    let body = json!({ "required": true, "content": { JSON: { "schema": reference(body) } } });
    with(operation, "requestBody", body)
}

fn answer(schema: Option<&str>) -> Value {
    match schema {
        Some(name) => json!({ "description": name, "content": { JSON: { "schema": reference(name) } } }),
        None => json!({ "description": "Nothing to say" }),
    }
}

fn parameter(name: &str, schema: Value) -> Value {
    json!({ "name": name, "in": "query", "schema": schema })
}

/// RFC 7644 §3.9.
fn projection() -> Value {
    let text = || json!({ "type": "string" });
    json!([parameter("attributes", text()), parameter("excludedAttributes", text())])
}

/// RFC 7644 §3.4.2, RFC 9865 §2.
fn listing(summary: &str, answered: &str) -> Value {
    let operation = operation(summary, None, &[("200", Some(answered))]);
    let text = || json!({ "type": "string" });
    let parameters = json!([
        parameter("filter", json!({ "type": "string", "maxLength": IN_A_URL })),
        parameter("sortBy", text()),
        parameter("sortOrder", json!({ "enum": ["ascending", "descending"] })),
        parameter("startIndex", json!({ "type": "integer" })),
        parameter("count", json!({ "type": "integer" })),
        parameter("cursor", text()),
        parameter("attributes", text()),
        parameter("excludedAttributes", text()),
    ]);
    with(operation, "parameters", parameters)
}

fn search(answered: &str) -> Value {
    operation("Lists what is asked for in the body", Some("Search"), &[("200", Some(answered))])
}

fn list(of: &Value) -> Value {
    json!({
        "type": "object",
        "required": ["schemas", "totalResults"],
        "properties": {
            "schemas": { "const": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"] },
            "totalResults": { "type": "integer", "minimum": 0 },
            "itemsPerPage": { "type": "integer", "minimum": 0 },
            "startIndex": { "type": "integer", "minimum": 1 },
            "nextCursor": { "type": "string" },
            "Resources": { "type": "array", "items": { "anyOf": of } },
        },
    })
}

/// The messages of RFC 7644 §8.2, and documents whose shape RFC 7643 §5–§7 gives.
fn messages() -> Map<String, Value> {
    let text = json!({ "type": "string" });
    let message = |name: &str| json!([format!("urn:ietf:params:scim:api:messages:2.0:{name}")]);
    let operations =
        |of: Value| json!({ "type": "array", "minItems": 1, "maxItems": limits::BULK_OPERATIONS, "items": of });
    let error = json!({
        "type": "object",
        "required": ["schemas", "status"],
        "properties": {
            "schemas": { "const": message("Error") },
            "status": { "type": "string", "pattern": "^[1-5][0-9][0-9]$" }, "scimType": text, "detail": text,
        },
    });
    let patch = json!({
        "type": "object",
        "required": ["schemas", "Operations"],
        "properties": {
            "schemas": { "const": message("PatchOp") },
            "Operations": operations(json!({
                "type": "object",
                "required": ["op"],
                "properties": { "op": { "enum": ["add", "remove", "replace"] }, "path": text, "value": {} },
            })),
        },
    });
    let bulk = json!({
        "type": "object",
        "required": ["schemas", "Operations"],
        "properties": {
            "schemas": { "const": message("BulkRequest") },
            "failOnErrors": { "type": "integer", "minimum": 1 },
            "Operations": operations(json!({
                "type": "object",
                "required": ["method", "path"],
                "properties": {
                    "method": { "enum": ["POST", "PUT", "PATCH", "DELETE"] },
                    "path": text, "bulkId": text, "version": text, "data": { "type": "object" },
                },
            })),
        },
    });
    let bulk_response = json!({
        "type": "object",
        "required": ["schemas", "Operations"],
        "properties": {
            "schemas": { "const": message("BulkResponse") },
            "Operations": { "type": "array", "items": {
                "type": "object",
                "required": ["method", "status"],
                "properties": {
                    "method": text, "status": text, "bulkId": text, "location": text, "version": text,
                    "response": { "type": "object" },
                },
            } },
        },
    });
    let search = json!({
        "type": "object",
        "required": ["schemas"],
        "properties": {
            "schemas": { "const": message("SearchRequest") },
            "filter": text, "sortBy": text, "sortOrder": { "enum": ["ascending", "descending"] },
            "startIndex": { "type": "integer" }, "count": { "type": "integer" }, "cursor": text,
            "attributes": { "type": "array", "items": text },
            "excludedAttributes": { "type": "array", "items": text },
        },
    });
    let document = json!({ "type": "object" });
    [
        ("Error", error),
        ("Patch", patch),
        ("Bulk", bulk),
        ("BulkResponse", bulk_response),
        ("Search", search),
        ("Document", document),
    ]
    .map(|(name, schema)| (name.to_owned(), schema))
    .into_iter()
    .collect()
}

fn resource(resource_type: &ResourceType, direction: Direction) -> Value {
    let attributes: Vec<&Attribute> = resource_type.attributes().collect();
    let urns: Vec<&str> = resource_type.schemas().map(|schema| schema.id.as_str()).collect();
    let schemas = json!({ "type": "array", "items": { "enum": urns }, "minItems": 1, "uniqueItems": true });
    let mut properties = properties(&attributes, direction);
    properties.insert("schemas".to_owned(), schemas);
    for Extension { schema, .. } in &resource_type.extensions {
        let attributes: Vec<&Attribute> = schema.attributes.iter().collect();
        properties.insert(schema.id.clone(), object(&attributes, direction));
    }
    let required = match direction {
        Direction::Sent => required(&attributes),
        // An answer may leave out by request whatever is not always returned.
        Direction::Answered => json!(["schemas", "id"]),
    };
    json!({ "type": "object", "properties": properties, "required": required })
}

fn properties(attributes: &[&Attribute], direction: Direction) -> Map<String, Value> {
    let shown = |attribute: &&&Attribute| match direction {
        Direction::Sent => attribute.mutability != Mutability::ReadOnly,
        Direction::Answered => attribute.returned != Returned::Never,
    };
    let attributes = attributes.iter().filter(shown);
    attributes.map(|attribute| (attribute.name.clone(), values(attribute, direction))).collect()
}

/// What clients must send.
fn required(attributes: &[&Attribute]) -> Value {
    let required = |attribute: &&&Attribute| attribute.required && attribute.mutability != Mutability::ReadOnly;
    attributes.iter().filter(required).map(|attribute| json!(attribute.name)).collect()
}

fn object(attributes: &[&Attribute], direction: Direction) -> Value {
    let schema = json!({ "type": "object", "properties": properties(attributes, direction) });
    match direction {
        Direction::Sent => with(schema, "required", required(attributes)),
        Direction::Answered => schema,
    }
}

fn values(attribute: &Attribute, direction: Direction) -> Value {
    let one = value(attribute, direction);
    if attribute.multi_valued {
        json!({ "type": "array", "items": one, "description": attribute.description })
    } else {
        one
    }
}

fn value(attribute: &Attribute, direction: Direction) -> Value {
    let text = || json!({ "type": "string" });
    let bounded = || json!({ "type": "string", "maxLength": limits::STRING_CHARACTERS });
    let schema = match attribute.kind {
        Kind::Complex => object(&attribute.sub_attributes.iter().collect::<Vec<_>>(), direction),
        Kind::Boolean => json!({ "type": "boolean" }),
        Kind::Integer => json!({ "type": "integer" }),
        Kind::Decimal => json!({ "type": "number" }),
        Kind::DateTime => with(text(), "format", json!("date-time")),
        Kind::Binary => with(text(), "contentEncoding", json!("base64")),
        Kind::String | Kind::Reference if direction == Direction::Answered => text(),
        Kind::String | Kind::Reference if attribute.required => with(bounded(), "minLength", json!(1)),
        Kind::String | Kind::Reference => bounded(),
    };
    with(schema, "description", json!(attribute.description))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> Value {
        super::document(&ResourceTypes::builtin().unwrap(), "https://host/scim/v2", "1")
    }

    #[test]
    fn the_document_follows_the_schemas() {
        let document = document();
        let schemas = &document["components"]["schemas"];
        let user = &schemas["User"]["properties"];
        assert_eq!(user["emails"]["items"]["properties"]["primary"]["type"], "boolean");
        assert_eq!(user["meta"]["properties"]["created"]["format"], "date-time");
        assert_eq!(user.get("password"), None, "it is never returned");
        let sent = &schemas["UserSent"];
        assert_eq!(sent["properties"].get("groups"), None, "only the server sets it");
        assert!(sent["required"].as_array().unwrap().contains(&json!("userName")));
        assert!(user.get("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User").is_some());
    }

    #[test]
    fn every_reference_is_to_something() {
        fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
            match value {
                Value::Array(values) => values.iter().for_each(|value| references(value, found)),
                Value::Object(members) => {
                    found.extend(members.get("$ref").and_then(Value::as_str));
                    members.values().for_each(|value| references(value, found));
                }
                _ => {}
            }
        }
        let document = document();
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > 50);
        for reference in found {
            assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
        }
    }
}
