//! What may stand in a filter.

use serde_json::json;

use super::{decide, each_profile};
use crate::support::{Client, ENTERPRISE, USER};

fn ada(client: &Client) {
    let user = json!({ "schemas": [USER, ENTERPRISE], "userName": "ada", "externalId": "271", "active": true,
        "emails": [{ "type": "work", "value": "a@x" }], (ENTERPRISE): { "department": "Engines" } });
    client.post("/Users", &user).expect(201);
}

/// Asserts that each filter finds Ada where it is `taken`, else that it is refused.
#[track_caller]
fn found(client: &Client, filters: &[&str], taken: bool) {
    for filter in filters {
        let answer = decide(client.filter("/Users", filter), taken, "invalidFilter");
        assert!(!taken || answer.json()["totalResults"] == 1, "{filter}");
    }
}

// Requirements 32, 39
on_both_databases! {
    fn what_the_grammar_lacks_is_read_where_the_profile_reads_it(database: &Database) {
        each_profile(database, |switches, client| {
            ada(client);
            found(client, &["userName eq ada", "externalId eq 271", "userName sw a"], switches.unquoted_filter_values);
            found(client, &["emails[type eq \"work\"].value eq \"a@x\""], switches.comparisons_behind_value_filters);
            found(client, &["active eq \"True\"", "active eq \"true\""], switches.booleans_as_text);
            found(client, &["department eq \"engines\""], switches.extension_attributes_without_urn);
            found(client, &[&format!("{ENTERPRISE}.department eq \"engines\"")], switches.dots_behind_urns);
        });
    }

    fn what_the_grammar_has_is_read_under_every_profile(database: &Database) {
        each_profile(database, |_switches, client| {
            ada(client);
            let department = format!("{ENTERPRISE}:department eq \"engines\"");
            let filters = ["userName eq \"ADA\"", "active eq true", "emails[type eq \"work\" and value eq \"a@x\"]",
                "not (userName eq \"x\")", "USERNAME EQ \"ada\" AND active pr", &department];
            found(client, &filters, true);
            for unknown in ["nothing eq \"x\"", "urn:x:y:department pr"] {
                client.filter("/Users", unknown).expect_error(400, "invalidFilter");
            }
        });
    }
}
