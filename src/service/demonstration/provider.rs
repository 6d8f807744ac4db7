//! What identity providers write when somebody joins, moves or leaves: each in its own dialect, as in `conformance/cases`.

use serde_json::{Value, json};

use super::company::Person;
use super::exchange::{Kind, Request};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// Who provisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Provider {
    Okta,
    Entra,
    OneLogin,
}

impl Provider {
    /// How somebody is looked for before it is created.
    pub(super) fn find(self, person: &Person) -> Request {
        let filter = match self {
            Self::Okta | Self::OneLogin => format!("userName eq \"{}\"", person.user_name),
            Self::Entra => format!("externalId eq \"{}\"", self.external_id(person)),
        };
        Request::Find(Kind::User, filter)
    }

    fn external_id(self, person: &Person) -> String {
        let number = person.number;
        match self {
            Self::Okta => format!("00u{number:05}k7Qm2Xd9FH5d7"),
            Self::Entra => format!("b1f6a5de-0000-4c5e-9a0e-{number:012}"),
            Self::OneLogin => format!("{}", 218_400_000_usize.saturating_add(number)),
        }
    }

    /// Everything of a person: what a provider sends to create it, and Okta to replace it.
    pub(super) fn person(self, person: &Person, active: bool) -> Value {
        let name = format!("{} {}", person.given, person.family);
        let mut body = json!({
            "schemas": [USER, ENTERPRISE],
            "userName": person.user_name,
            "name": { "givenName": person.given, "familyName": person.family, "formatted": name },
            "displayName": name,
            "emails": [{ "primary": true, "value": person.user_name, "type": "work" }],
            "externalId": self.external_id(person),
            "title": person.title,
            "userType": if self == Self::OneLogin { "Contractor" } else { "Employee" },
            "active": active,
        });
        let enterprise = json!({
            "employeeNumber": format!("{}", 1000_usize.saturating_add(person.number)),
            "department": person.department,
            "organization": if self == Self::Entra { "Fathom Software" } else { "Kestrel Freight" },
        });
        if let Some(body) = body.as_object_mut() {
            body.insert(ENTERPRISE.to_owned(), enterprise);
            let address = json!([{ "type": "work", "locality": person.city, "country": person.country }]);
            match self {
                Self::Okta => {
                    body.insert("locale".to_owned(), Value::from("en-GB"));
                    body.insert("timezone".to_owned(), Value::from(person.timezone));
                    body.insert("addresses".to_owned(), address);
                    body.insert("groups".to_owned(), json!([]));
                }
                Self::Entra => {
                    body.insert("addresses".to_owned(), address);
                    body.insert("roles".to_owned(), json!([]));
                    body.insert("preferredLanguage".to_owned(), Value::Null);
                    body.insert("phoneNumbers".to_owned(), Value::Null);
                }
                Self::OneLogin => {}
            }
        }
        body
    }

    /// What a provider sends when a person's work changes.
    pub(super) fn change(self, person: &Person, id: &str) -> Request {
        match self {
            // An app made in Okta's wizard, and OneLogin, send the whole person.
            Self::Okta | Self::OneLogin => Request::Replace(Kind::User, id.to_owned(), self.person(person, true)),
            Self::Entra => Request::Patch(
                Kind::User,
                id.to_owned(),
                json!({ "schemas": [PATCH], "Operations": [
                    { "op": "Replace", "path": "title", "value": person.title },
                    { "op": "Replace", "path": format!("{ENTERPRISE}:department"), "value": person.department },
                ] }),
            ),
        }
    }

    /// What a provider sends when a person leaves.
    pub(super) fn deactivate(self, id: &str) -> Request {
        let operation = match self {
            Self::Okta => json!({ "op": "replace", "value": { "active": false } }),
            // The older dialect: capital verbs, booleans as text.
            Self::Entra => json!({ "op": "Replace", "path": "active", "value": "False" }),
            Self::OneLogin => json!({ "op": "replace", "path": "active", "value": false }),
        };
        Request::Patch(Kind::User, id.to_owned(), json!({ "schemas": [PATCH], "Operations": [operation] }))
    }

    /// A new group: Okta names its members at once, Entra afterwards.
    pub(super) fn group(self, name: &str, members: &[String]) -> Request {
        let named = if self == Self::Entra { &[] } else { members };
        let members: Vec<Value> = named.iter().map(|id| json!({ "value": id })).collect();
        Request::Create(Kind::Group, json!({ "schemas": [GROUP], "displayName": name, "members": members }))
    }

    /// Members that join a group.
    pub(super) fn join(self, group: &str, members: &[String]) -> Request {
        let op = if self == Self::Entra { "Add" } else { "add" };
        let members: Vec<Value> = members.iter().map(|id| json!({ "value": id })).collect();
        let operation = json!({ "op": op, "path": "members", "value": members });
        Request::Patch(Kind::Group, group.to_owned(), json!({ "schemas": [PATCH], "Operations": [operation] }))
    }

    /// A member that leaves a group.
    pub(super) fn leave(self, group: &str, member: &str) -> Request {
        let operation = match self {
            Self::Okta | Self::OneLogin => json!({ "op": "remove", "path": format!("members[value eq \"{member}\"]") }),
            Self::Entra => json!({ "op": "Remove", "path": "members", "value": [{ "value": member }] }),
        };
        Request::Patch(Kind::Group, group.to_owned(), json!({ "schemas": [PATCH], "Operations": [operation] }))
    }
}
