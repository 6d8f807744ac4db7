//! What a filter costs: reading it, and asking it of one user.

use std::hint::black_box;

use criterion::Criterion;
use muster::scim::Switches;
use muster::scim::filter::{Filter, eval};
use muster::scim::schema::ResourceTypes;
use serde_json::Value;

const FILTER: &str = r#"active eq true and (userName sw "b" or emails[type eq "work" and value co "@example.com"])"#;

const USER: &str = r#"{
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
    "id": "01890f3e-7a5c-7cc0-98d2-1d1f0c3a5b11", "externalId": "00u1abcd2EFGH3ijk4l5", "userName": "ysmith@example.com",
    "name": {"formatted": "Ms. Yara J Smith", "familyName": "Smith", "givenName": "Yara", "middleName": "Jo"},
    "displayName": "Yara Smith", "title": "Release engineer", "preferredLanguage": "en-GB", "timezone": "Europe/London",
    "active": true,
    "emails": [{"value": "yara@home.example", "type": "home"},
               {"value": "ysmith@example.com", "type": "work", "primary": true}],
    "phoneNumbers": [{"value": "+44 20 7946 0000", "type": "work"}, {"value": "+44 7700 900000", "type": "mobile"}],
    "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"employeeNumber": "70198", "department": "Delivery",
        "costCenter": "4130", "manager": {"value": "01890f3e-7a5c-7cc0-98d2-1d1f0c3a5b12"}},
    "meta": {"resourceType": "User", "created": "2026-01-23T04:56:22Z", "lastModified": "2026-05-13T04:42:34Z",
        "version": "W/\"17\"", "location": "https://muster.example/scim/v2/Users/01890f3e-7a5c-7cc0-98d2-1d1f0c3a5b11"}
}"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let types = ResourceTypes::builtin()?;
    let condition = Filter::parse(FILTER, &Switches::DEFAULT)?.resolve(&types.user, &Switches::DEFAULT)?;
    let user: Value = serde_json::from_str(USER)?;

    let mut criterion = Criterion::default().configure_from_args();
    criterion.bench_function("filter/parse", |bencher| {
        bencher.iter(|| Filter::parse(black_box(FILTER), &Switches::DEFAULT));
    });
    criterion.bench_function("filter/eval", |bencher| bencher.iter(|| eval(black_box(&condition), black_box(&user))));
    criterion.final_summary();
    Ok(())
}
