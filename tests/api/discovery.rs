//! What the server says of itself.

use serde_json::{Value, json};

use crate::support::{ENTERPRISE, GROUP, Server, USER};

// Requirement 15
on_both_databases! {
    fn every_attribute_is_described_with_all_its_characteristics(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let schemas = client.get("/Schemas").expect(200).json();
        let mut seen = Vec::new();
        for schema in schemas["Resources"].as_array().unwrap() {
            let id = schema["id"].as_str().unwrap();
            seen.push(id.to_owned());
            assert_eq!(client.get(&format!("/Schemas/{id}")).expect(200).json(), *schema);
            assert_eq!(schema["meta"]["location"], format!("{}/scim/v2/Schemas/{id}", server.url));
            for attribute in schema["attributes"].as_array().unwrap() {
                let name = attribute["name"].as_str().unwrap();
                assert!(!["id", "externalId", "meta", "schemas"].contains(&name), "{id}");
                described(attribute);
            }
        }
        assert_eq!(seen, [USER, ENTERPRISE, GROUP]);
        client.get("/Schemas/urn:example:none").expect_error(404, "");
    }
}

fn described(attribute: &Value) {
    for (name, kind) in [
        ("type", "string"),
        ("multiValued", "boolean"),
        ("required", "boolean"),
        ("mutability", "string"),
        ("returned", "string"),
        ("description", "string"),
    ] {
        let value = &attribute[name];
        assert!(if kind == "string" { value.is_string() } else { value.is_boolean() }, "{name} of {attribute}");
    }
    let subs = attribute["subAttributes"].as_array();
    assert_eq!(subs.is_some(), attribute["type"] == "complex", "{attribute}");
    subs.into_iter().flatten().for_each(described);
}

// Requirement 24
on_both_databases! {
    fn discovery_is_read_only_unsorted_unpaged_and_unfiltered(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        for path in
            ["/ServiceProviderConfig", "/ResourceTypes", "/Schemas", "/ResourceTypes/User", &format!("/Schemas/{USER}")]
        {
            let whole = client.get(path).expect(200).json();
            let asked = client.get(&format!("{path}?sortBy=id&sortOrder=descending&startIndex=2&count=1")).expect(200);
            assert_eq!(asked.json(), whole, "{path}");
            client.filter(path, "id eq \"User\"").expect_error(403, "");
            for method in ["POST", "PUT", "PATCH", "DELETE"] {
                let refused = client.send(method, path, &[], Some("{}")).expect_error(405, "");
                assert!(refused.header("Allow").contains("GET"), "{method} {path}");
            }
        }
        let types = client.get("/ResourceTypes").expect(200).json();
        assert_eq!(types["totalResults"], 2);
        let user = client.get("/ResourceTypes/User").expect(200).json();
        assert_eq!(user, types["Resources"][0]);
        assert_eq!(user["endpoint"], "/Users");
        assert_eq!(user["schemaExtensions"], json!([{ "schema": ENTERPRISE, "required": false }]));
    }
}

// Requirement 25
on_both_databases! {
    fn me_is_not_implemented(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
            client.send(method, "/Me", &[], None).expect_error(501, "");
        }
    }
}
