//! What identity providers send, request by request as they send it: Okta and Microsoft Entra over connections with
//! their profiles, the others over one without.

mod convergence;
mod entra;
mod entra_groups;
mod okta;
mod okta_groups;
mod others;
mod tolerance;

use muster::model::Profile;
use serde_json::{Value, json};

use crate::support::{Answer, Client, Server};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// The headers Okta's client sends.
const OKTA: &[(&str, &str)] = &[
    ("User-Agent", "Okta SCIM Client 1.0.0"),
    ("Accept", "application/scim+json"),
    ("Accept-Charset", "utf-8"),
    ("Accept-Encoding", "gzip,deflate"),
    ("Content-Type", "application/scim+json; charset=utf-8"),
    ("Connection", "Keep-Alive"),
];

/// Entra's: no `User-Agent`, no `Accept`.
const ENTRA: &[(&str, &str)] = &[("Content-Type", "application/scim+json; charset=utf-8")];

/// An identity provider: a client with the headers it sends.
struct Provider {
    client: Client,
    headers: &'static [(&'static str, &'static str)],
}

impl Provider {
    /// One with a connection of this profile, in an organization of its own.
    fn over(server: &Server, profile: Profile, headers: &'static [(&'static str, &'static str)]) -> Self {
        let organization = server.organization("acme").id;
        Self { client: server.connection(organization, "provider", profile), headers }
    }

    fn get(&self, path: &str) -> Answer {
        let without_type: Vec<_> = self.headers.iter().copied().filter(|(name, _)| *name != "Content-Type").collect();
        self.client.send("GET", path, &without_type, None)
    }

    fn post(&self, path: &str, body: &Value) -> Answer {
        self.client.send("POST", path, self.headers, Some(&body.to_string()))
    }

    fn put(&self, path: &str, body: &Value) -> Answer {
        self.client.send("PUT", path, self.headers, Some(&body.to_string()))
    }

    fn patch(&self, path: &str, operations: &Value) -> Answer {
        let body = json!({ "schemas": [PATCH], "Operations": operations });
        self.client.send("PATCH", path, self.headers, Some(&body.to_string()))
    }

    fn delete(&self, path: &str) -> Answer {
        self.client.send("DELETE", path, self.headers, None)
    }

    /// The ids a query finds; its counts must be numbers.
    fn found(&self, path: &str) -> Vec<String> {
        let list = self.get(path).expect(200).json();
        assert_eq!(list["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:ListResponse"]), "{path}");
        for count in ["totalResults", "startIndex", "itemsPerPage"] {
            assert!(list[count].is_u64(), "{path}: {list}");
        }
        let resources = list["Resources"].as_array().unwrap();
        resources.iter().map(|resource| resource["id"].as_str().unwrap().to_owned()).collect()
    }

    /// The members of a group, by id, sorted.
    fn members(&self, group: &str) -> Vec<String> {
        let group = self.get(&format!("/Groups/{group}")).expect(200).json();
        let members = group["members"].as_array().into_iter().flatten();
        let mut ids: Vec<String> = members.map(|member| member["value"].as_str().unwrap().to_owned()).collect();
        ids.sort();
        ids
    }

    /// Makes this many users, sorted by id.
    fn users(&self, count: usize) -> Vec<String> {
        let user = |number: usize| json!({ "schemas": [USER], "userName": format!("person{number}@example.com") });
        let mut ids: Vec<String> =
            (0..count).map(|number| self.post("/Users", &user(number)).expect(201).id()).collect();
        ids.sort();
        ids
    }
}
