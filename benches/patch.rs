//! What a PATCH of one user costs: reading the body, carrying it out, and projecting the answer.

use std::hint::black_box;

use criterion::Criterion;
use muster::scim::projection::Projection;
use muster::scim::schema::ResourceTypes;
use muster::scim::{Switches, json, patch, resource};
use serde_json::{Map, Value};

/// About 1.1 kB, as Entra sends a user.
const USER: &str = r#"{
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
    "externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef", "userName": "ysmith@example.com", "active": true,
    "name": {"formatted": "Ms. Yara J Smith", "familyName": "Smith", "givenName": "Yara", "middleName": "Jo"},
    "displayName": "Yara Smith", "title": "Release engineer", "preferredLanguage": "en-GB", "timezone": "Europe/London",
    "emails": [{"value": "yara@home.example", "type": "home"},
               {"value": "ysmith@example.com", "type": "work", "primary": true}],
    "phoneNumbers": [{"value": "+44 20 7946 0000", "type": "work"}, {"value": "+44 7700 900000", "type": "mobile"}],
    "addresses": [{"type": "work", "streetAddress": "100 Universal Plaza", "locality": "London", "postalCode": "E1 6AN",
                   "country": "GB", "formatted": "100 Universal Plaza\nLondon E1 6AN"}],
    "roles": [{"primary": true, "type": "WindowsAzureActiveDirectoryRole", "value": "Deployer", "display": "Deployer"}],
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"employeeNumber": "70198", "department": "Delivery",
        "costCenter": "4130", "manager": {"value": "01890f3e-7a5c-7cc0-98d2-1d1f0c3a5b12"}}
}"#;

const BODY: &[u8] = br#"{"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [
    {"op": "Replace", "path": "displayName", "value": "Yara S"},
    {"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "yara.smith@example.com"},
    {"op": "Replace", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "value": "Ops"},
    {"op": "Replace", "path": "active", "value": "False"}
]}"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let types = ResourceTypes::builtin()?;
    let user: Map<String, Value> =
        resource::create(&Switches::DEFAULT, &types.user, serde_json::from_str(USER)?)?.document;
    let operations = patch::parse(&Switches::DEFAULT, json::parse(BODY)?)?;
    let projection = Projection::parse(Some("userName,emails.value,active"), None, &types.user)?;

    let mut criterion = Criterion::default().configure_from_args();
    criterion.bench_function("patch/parse", |bencher| {
        bencher.iter(|| json::parse(black_box(BODY)).and_then(|body| patch::parse(&Switches::DEFAULT, body)));
    });
    criterion.bench_function("patch/apply", |bencher| {
        bencher.iter(|| patch::apply(&Switches::DEFAULT, &types.user, black_box(&user), black_box(&operations)));
    });
    criterion.bench_function("resource/text", |bencher| bencher.iter(|| resource::text(black_box(&user))));
    criterion.bench_function("projection/apply", |bencher| {
        bencher.iter(|| projection.apply(&types.user, Value::Object(black_box(&user).clone())));
    });
    criterion.final_summary();
    Ok(())
}
