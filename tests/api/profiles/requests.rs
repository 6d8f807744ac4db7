//! How a request arrives: its path, its query, the type of its body.

use serde_json::json;

use super::each_profile;
use crate::support::user;

on_both_databases! {
    fn a_base_url_may_end_in_a_slash(database: &Database) {
        each_profile(database, |switches, client| {
            client.get("/Users").expect(200);
            for path in ["//Users", "/Users/", "//ServiceProviderConfig"] {
                let answer = client.get(path);
                if switches.empty_path_segments { answer.expect(200) } else { answer.expect_error(404, "") };
            }
        });
    }

    fn a_body_may_be_of_another_type_or_none(database: &Database) {
        each_profile(database, |switches, client| {
            for (number, (content_type, taken)) in [
                ("application/scim+json; charset=utf-8", true),
                ("application/json", switches.plain_json_bodies),
                ("", switches.untyped_bodies),
                ("text/plain", false),
            ].into_iter().enumerate() {
                let body = user(&format!("typed {number}")).to_string();
                let answer = client.send("POST", "/Users", &[("Content-Type", content_type)], Some(&body));
                if taken { answer.expect(201) } else { answer.expect_error(415, "") };
            }
        });
    }

    fn parameters_may_be_spelled_in_any_letter_case(database: &Database) {
        each_profile(database, |switches, client| {
            client.create_user("ada");
            let page = client.get("/Users?COUNT=0").expect(200).json();
            assert_eq!(page["itemsPerPage"], u8::from(!switches.parameter_names_in_any_case));
            assert_eq!(client.get("/Users?count=0").expect(200).json()["itemsPerPage"], 0);
        });
    }

    fn a_plus_sign_nobody_escaped_is_tried_as_itself(database: &Database) {
        each_profile(database, |switches, client| {
            client.create_user("john+x@example.com");
            let page = client.get("/Users?filter=userName%20eq%20%22john+x@example.com%22").expect(200).json();
            assert_eq!(page["totalResults"], u8::from(switches.raw_plus_signs_in_filters));
        });
    }

    fn a_patch_of_a_group_is_answered_with_the_group_or_without(database: &Database) {
        each_profile(database, |switches, client| {
            let group = client.create_group("Builders", &[]);
            let rename = json!([{ "op": "replace", "path": "displayName", "value": "Breakers" }]);
            let answer = client.patch(&format!("/Groups/{group}"), &rename);
            if switches.groups_in_patch_answers {
                assert_eq!(answer.expect(200).json()["displayName"], "Breakers");
            } else {
                assert_eq!(answer.expect(204).text, "");
            }
            client.patch(&format!("/Groups/{group}?attributes=displayName"), &rename).expect(200);
            let user = client.create_user("ada");
            let touch = json!([{ "op": "replace", "path": "title", "value": "x" }]);
            client.patch(&format!("/Users/{user}"), &touch).expect(200);
        });
    }

    fn groups_may_share_a_name_only_to_the_letter_of_the_rfc(database: &Database) {
        each_profile(database, |switches, client| {
            client.create_group("Builders", &[]);
            let second = client.post("/Groups", &crate::support::group("BUILDERS", &[]));
            if switches.unique_group_names { second.expect_error(409, "uniqueness") } else { second.expect(201) };
        });
    }

    fn cursors_are_announced_where_clients_may_know_them_and_work_everywhere(database: &Database) {
        each_profile(database, |switches, client| {
            let announced = client.get("/ServiceProviderConfig").expect(200).json()["pagination"]["cursor"].as_bool();
            assert_eq!(announced, switches.cursors_announced.then_some(true));
            client.create_user("ada");
            client.create_user("bob");
            assert!(client.get("/Users?cursor=&count=1").expect(200).json()["nextCursor"].is_string());
        });
    }

    fn entity_tags_work_announced_or_not(database: &Database) {
        each_profile(database, |switches, client| {
            let announced = client.get("/ServiceProviderConfig").expect(200).json()["etag"]["supported"].as_bool();
            assert_eq!(announced, Some(switches.entity_tags_announced));
            let path = format!("/Users/{}", client.create_user("ada"));
            client.send("DELETE", &path, &[("If-Match", "W/\"another\"")], None).expect_error(412, "");
        });
    }

    fn only_the_interoperability_profile_announces_itself(database: &Database) {
        each_profile(database, |switches, client| {
            let announced = client.get("/ServiceProviderConfig").expect(200).json()["interopProfileConformant"].as_bool();
            assert_eq!(announced, switches.interop_profile_announced.then_some(true));
        });
    }
}
