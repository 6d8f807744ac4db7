//! What a request costs does not grow with the people there are.

use serde_json::{Value, json};

use super::{execute, open};
use crate::support::{Backend, Client, Database, Program};

const PEOPLE: u32 = 100_000;
/// What lists may cost over what the server has anyway, in MiB; the pages of SQLite's file are the kernel's.
const MOST: u64 = 64;

/// Makes `PEOPLE` users of the first organization, as rows.
fn populate(database: &Database) {
    let document = r#"'{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"person' || i || '","name":{"familyName":"family' || i || '","givenName":"given"},"active":true,"emails":[{"value":"person' || i || '@example.com","type":"work"}]}'"#;
    let columns =
        "organization, id, connection, user_name_key, external_id, active, version, created_at, modified_at, document";
    let (numbers, id, on, nobody) = match database.backend() {
        Backend::Sqlite => (
            format!("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {PEOPLE})"),
            "unhex(printf('019b%028x', i))",
            "1",
            "zeroblob(16)",
        ),
        Backend::Postgres => (
            format!("WITH n(i) AS (SELECT generate_series(1, {PEOPLE}))"),
            "decode('019b' || lpad(to_hex(i), 28, '0'), 'hex')",
            "true",
            "decode(repeat('00', 16), 'hex')",
        ),
    };
    let statements = [
        format!(
            "INSERT INTO scim_user ({columns}) {numbers} SELECT organization.id, {id}, {nobody}, 'person' || i, 'external' || i, {on}, 1, 0, 0, {document} FROM n, organization"
        ),
        format!(
            "INSERT INTO resource_count (organization, connection, resource_kind, shard, present, deleted) SELECT id, {nobody}, 1, 0, {PEOPLE}, 0 FROM organization"
        ),
    ];
    execute(&open(database.url()), &statements.join(";\n"));
}

on_both_databases! {
    fn lists_of_an_organization_of_a_hundred_thousand_cost_a_page(database: &Database) {
        let program = Program::on(database).with("MUSTER_RATE_LIMIT", "0");
        let server = program.serve(&[]);
        let (_, token) = server.first_lines();
        assert_eq!(server.terminate().code, Some(0));
        populate(database);
        let server = program.serve(&[]);
        let client = Client { base: format!("{}/scim/v2", server.base()), token };
        client.get("/Users?count=1").expect(200);
        let before = server.own_memory();
        let mut most = before;
        for (query, items) in [
            ("", 100),
            ("count=100000", 1000),
            ("startIndex=99901&count=100", 100),
            ("startIndex=1&count=0", 0),
            ("count=1000&attributes=userName", 1000),
            ("startIndex=100001", 0),
        ] {
            let page = client.get(&format!("/Users?{query}")).expect(200).json();
            assert_eq!(page["totalResults"], PEOPLE, "{query}");
            assert_eq!(page["itemsPerPage"], items, "{query}");
            most = most.max(server.own_memory());
        }
        // No index narrows these; what they may read is bounded.
        for filter in ["displayName pr", "not (userName pr)", "name.familyName co \"family\"", "userName sw \"person9999\" or title pr"] {
            let answer = client.filter("/Users", filter);
            assert!([200, 400].contains(&answer.status), "{filter}: {}", answer.text);
            assert!(answer.status == 200 || answer.json()["scimType"] == "tooMany", "{filter}: {}", answer.text);
            most = most.max(server.own_memory());
        }
        let found = client.filter("/Users", "userName eq \"PERSON77777\"").expect(200).json();
        assert_eq!((&found["totalResults"], &found["Resources"][0]["externalId"]), (&json!(1), &Value::Null));
        let cost = most - before;
        assert!(cost < MOST, "{cost} MiB");
    }
}
