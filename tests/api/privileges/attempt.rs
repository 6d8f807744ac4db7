//! What may be tried on each surface: calls that might open a way, about what is there.

use serde_json::{Value, json};

use super::stage::{Stage, Walker};
use crate::support::{BULK, Dice, GROUP, USER, user};

/// What a credential is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Surface {
    Scim,
    Administration,
    Decisions,
    Signals,
    Console,
}

/// One call.
pub(super) struct Attempt {
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) sent: Sent,
}

pub(super) enum Sent {
    /// With a bearer token; null for nothing.
    Json(Value),
    /// A form of a page, as a browser sends it.
    Form { page: String, fields: Vec<(&'static str, String)> },
}

impl Sent {
    pub(super) fn text(&self) -> String {
        match self {
            Self::Json(body) => body.to_string(),
            Self::Form { fields, .. } => format!("{fields:?}"),
        }
    }
}

/// An attempt of a walker: where its credential is for, and now and then where it is not.
pub(super) fn any(stage: &Stage, walker: &Walker, dice: &mut Dice) -> Attempt {
    let elsewhere = [Surface::Scim, Surface::Administration, Surface::Decisions, Surface::Signals];
    let strays = walker.surface != Surface::Console && dice.once_in(12);
    let surface = if strays { elsewhere[dice.below(elsewhere.len())] } else { walker.surface };
    let tried = Tried::choose(stage, surface, dice);
    match surface {
        Surface::Scim => tried.scim(dice),
        Surface::Administration => tried.administration(stage, dice),
        Surface::Decisions => tried.decisions(dice),
        Surface::Signals => signals(dice),
        Surface::Console => tried.console(stage, dice),
    }
}

/// Who is to get what, this time.
struct Tried {
    who: String,
    group: String,
    other: String,
    /// Who is to be in a group: mostly a user.
    member: String,
    role: &'static str,
    name: String,
}

fn json(method: &'static str, path: String, body: Value) -> Attempt {
    Attempt { method, path, sent: Sent::Json(body) }
}

fn operations(operations: Value) -> Value {
    json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations })
}

fn signals(dice: &mut Dice) -> Attempt {
    let session = "https://schemas.openid.net/secevent/caep/event-type/session-revoked";
    match dice.below(3) {
        0 => json("GET", "/ssf/stream".to_owned(), Value::Null),
        1 => {
            let delivery = json!({ "method": "urn:ietf:rfc:8936" });
            json("POST", "/ssf/stream".to_owned(), json!({ "events_requested": [session], "delivery": delivery }))
        }
        _ => json("PATCH", "/ssf/stream".to_owned(), json!({ "events_requested": [session], "aud": "admins" })),
    }
}

impl Tried {
    fn choose(stage: &Stage, surface: Surface, dice: &mut Dice) -> Self {
        let mut any = |known: &super::stage::Known| known.any(surface, dice).to_owned();
        let (who, group, other) = (any(&stage.users), any(&stage.groups), any(&stage.groups));
        let role = dice.pick(&["admin", "release-manager", "deployer"]);
        let member = if dice.once_in(3) { other.clone() } else { who.clone() };
        let taken = dice.pick(&["admins", "deployers", "idle", "Admins", "ada", "eve"]);
        let name = if dice.once_in(4) { taken.to_owned() } else { format!("new{}", dice.below(10_000)) };
        Self { who, group, other, member, role, name }
    }

    fn principal(&self, dice: &mut Dice) -> Value {
        let (kind, whom) = if dice.once_in(2) { ("group", &self.group) } else { ("user", &self.who) };
        json!({ "type": kind, "id": whom })
    }

    fn scim(self, dice: &mut Dice) -> Attempt {
        let Self { who, group, other, member, role, name } = self;
        let one_group = format!("/scim/v2/Groups/{group}");
        let one_user = format!("/scim/v2/Users/{who}");
        let entry = json!([{ "value": role, "primary": true }, { "value": format!("{role}@/") },
            { "value": "deployer@/billing/production" }, { "value": "viewer@/" }]);
        match dice.below(24) {
            0..=3 => {
                let add = json!([{ "op": "add", "path": "members", "value": [{ "value": member }] }]);
                json("PATCH", one_group, operations(add))
            }
            4 | 5 => {
                let rename = json!([{ "op": "replace", "path": "displayName", "value": name }]);
                json("PATCH", one_group, operations(rename))
            }
            6 | 7 => {
                let whole = json!({ "schemas": [GROUP], "displayName": name, "members": [{ "value": member }] });
                json("PUT", one_group, whole)
            }
            8 | 9 => {
                let made = json!({ "schemas": [GROUP], "displayName": name, "externalId": group,
                    "members": [{ "value": member }] });
                json("POST", "/scim/v2/Groups".to_owned(), made)
            }
            10..=13 => {
                let path = dice.pick(&["roles", "entitlements", "groups"]);
                json("PATCH", one_user, operations(json!([{ "op": "add", "path": path, "value": entry }])))
            }
            14 | 15 => {
                let whole = json!({ "schemas": [USER], "userName": name, "roles": entry,
                    "groups": [{ "value": group }], "entitlements": entry });
                json("PUT", one_user, whole)
            }
            16 | 17 => {
                let rename = json!([{ "op": "replace", "path": "userName", "value": name }]);
                json("PATCH", one_user, operations(rename))
            }
            18 | 19 => {
                let nested =
                    operations(json!([{ "op": "add", "path": "members", "value": [{ "value": "bulkId:g" }] }]));
                let members = json!([{ "value": who }, { "value": group }]);
                let bulk = json!({ "schemas": [BULK], "Operations": [
                    { "method": "POST", "path": "/Groups", "bulkId": "g",
                        "data": { "schemas": [GROUP], "displayName": name, "members": members } },
                    { "method": "PATCH", "path": format!("/Groups/{other}"), "data": nested }] });
                json("POST", "/scim/v2/Bulk".to_owned(), bulk)
            }
            20 | 21 => json("POST", "/scim/v2/Users".to_owned(), user(&name)),
            22 => json("DELETE", one_group, Value::Null),
            _ => json("DELETE", one_user, Value::Null),
        }
    }

    fn administration(self, stage: &Stage, dice: &mut Dice) -> Attempt {
        let principal = self.principal(dice);
        let Self { who, group, member, role, name, .. } = self;
        let assignment = &stage.assignments[dice.below(stage.assignments.len())];
        let one_assignment = format!("/api/v1/assignments/{assignment}");
        let assigned = json!({ "principal": principal, "role": role, "scope": "/" });
        match dice.below(13) {
            0 => json("POST", "/api/v1/assignments".to_owned(), assigned),
            1 => json("PUT", format!("/api/v1/groups/{group}/members/{member}"), Value::Null),
            2 => json("PATCH", format!("/api/v1/groups/{group}"), json!({ "display_name": name })),
            3 => {
                let permissions = json!({ "permissions": ["deploy:run", "deploy:approve"] });
                json("PUT", format!("/api/v1/roles/{}", dice.pick(&["viewer", "people", "mine"])), permissions)
            }
            4 => json("PATCH", one_assignment, json!({ "until": "2999-01-01T00:00:00Z" })),
            5 => json("POST", "/api/v1/credentials".to_owned(), json!({ "kind": "admin" })),
            6 => {
                let change = json!({ "assign": assigned, "fingerprint": "x" });
                json("POST", "/api/v1/changes".to_owned(), change)
            }
            7 => {
                let service = json!({ "name": name, "owner": who, "expires_at": "2999-01-01T00:00:00Z" });
                json("POST", "/api/v1/services".to_owned(), service)
            }
            8 => {
                let path = format!("/api/v1/connections/{}/offers", stage.connection);
                json("POST", path, json!({ "role": role, "scope": "/" }))
            }
            9 => json("DELETE", "/api/v1/guardrails/closed".to_owned(), Value::Null),
            10 => json("DELETE", one_assignment, Value::Null),
            11 => {
                let scope = json!({ "path": "/billing/production", "production": false });
                json("PATCH", "/api/v1/scopes".to_owned(), scope)
            }
            _ => json("POST", "/api/v1/users".to_owned(), json!({ "userName": name, "roles": [role] })),
        }
    }

    fn decisions(self, dice: &mut Dice) -> Attempt {
        let Self { who, group, .. } = self;
        let subject = json!({ "type": "user", "id": who, "properties": { "role": "admin", "groups": [group] } });
        let (action, resource) =
            (json!({ "name": "deploy:run" }), json!({ "type": "environment", "id": "/billing/production" }));
        let question = json!({ "subject": subject, "action": action, "resource": resource });
        match dice.below(3) {
            0 => json("POST", "/access/v1/evaluation".to_owned(), question),
            1 => json("POST", "/access/v1/evaluations".to_owned(), json!({ "evaluations": [question] })),
            _ => {
                let whoever = json!({ "subject": { "type": "user" }, "action": action, "resource": resource });
                json("POST", "/access/v1/search/subject".to_owned(), whoever)
            }
        }
    }

    fn console(self, stage: &Stage, dice: &mut Dice) -> Attempt {
        let Self { who, group, member, role, name, .. } = self;
        let base = format!("/o/{}", stage.slug);
        let (role, scope) = (("role", role.to_owned()), ("scope", "/".to_owned()));
        let assignment = &stage.assignments[dice.below(stage.assignments.len())];
        let address = ("address", format!("{name}@example.com"));
        let (page, path, fields) = match dice.below(15) {
            0..=2 => {
                let page = format!("{base}/groups/{group}");
                (page.clone(), format!("{page}/add"), vec![("names", member)])
            }
            3 => (format!("{base}/invitations/new"), format!("{base}/invitations"), vec![address, ("groups", group)]),
            4 => (format!("{base}/invitations/new"), format!("{base}/invitations"), vec![address, role, scope]),
            5 | 6 => {
                let page = format!("{base}/people/new");
                (page.clone(), page, vec![("userName", name), ("displayName", "New".to_owned())])
            }
            7 => {
                let page = format!("{base}/people/{who}/roles/new");
                (page.clone(), page, vec![role, scope])
            }
            8 | 9 => {
                let fields = vec![("kind", "group".to_owned()), ("name", group), role, scope];
                (format!("{base}/mappings"), format!("{base}/mappings"), fields)
            }
            10 => (base.clone(), format!("{base}/mappings/{assignment}/end"), Vec::new()),
            11 => {
                let path = format!("{base}/roles/people");
                (path.clone(), path, vec![("permission", "organization:manage-access".to_owned())])
            }
            12 => (base.clone(), format!("{base}/settings/tokens"), vec![("kind", "admin".to_owned())]),
            13 => (base.clone(), format!("{base}/guardrails/closed/remove"), Vec::new()),
            _ => (base.clone(), format!("{base}/connections/{}/token", stage.connection), Vec::new()),
        };
        Attempt { method: "POST", path, sent: Sent::Form { page, fields } }
    }
}
