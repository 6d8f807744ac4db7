//! What stands in an index may not be longer than an index of PostgreSQL holds, on either database.

use muster::model::limits::KEY_BYTES;
use serde_json::{Value, json};

use crate::support::{GROUP, Server, USER};

/// Text that cannot be compressed, of so many bytes, none of which folding changes.
fn noise(bytes: usize) -> String {
    let mut state: u64 = 42;
    let letter = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from_digit(u32::try_from(state >> 60).unwrap() + u32::try_from((state >> 40) % 20).unwrap(), 36).unwrap()
    };
    (0..bytes).map(letter).collect()
}

fn bodies(length: usize) -> [(&'static str, &'static str, Value); 5] {
    let long = noise(length);
    [
        ("/Users", "userName", json!({ "schemas": [USER], "userName": long })),
        ("/Users", "externalId", json!({ "schemas": [USER], "userName": "ada", "externalId": long })),
        ("/Users", "emails.value", json!({ "schemas": [USER], "userName": "grace", "emails": [{ "value": long }] })),
        ("/Groups", "displayName", json!({ "schemas": [GROUP], "displayName": long })),
        ("/Groups", "externalId", json!({ "schemas": [GROUP], "displayName": "builders", "externalId": long })),
    ]
}

on_both_databases! {
    fn a_value_too_long_for_an_index_is_refused_and_one_that_just_fits_is_kept(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        for length in [KEY_BYTES + 1, 3000, 16_000] {
            for (endpoint, attribute, body) in bodies(length) {
                let answer = client.post(endpoint, &body).expect_error(400, "invalidValue");
                let detail = answer.json()["detail"].as_str().unwrap().to_owned();
                assert!(detail.contains(attribute) && detail.contains("1024"), "{detail}");
            }
        }
        for (endpoint, _, body) in bodies(KEY_BYTES) {
            let id = client.post(endpoint, &body).expect(201).id();
            let longer = json!([{ "op": "replace", "path": "externalId", "value": noise(KEY_BYTES + 1) }]);
            client.patch(&format!("{endpoint}/{id}"), &longer).expect_error(400, "invalidValue");
        }
    }
}
