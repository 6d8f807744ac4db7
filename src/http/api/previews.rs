//! What a change of access would come to, before it is made; and making it only if it still comes to that.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::graph::Subject;
use crate::model::{AssignmentId, ConnectionId, OrganizationId, Permission, ResourceId};
use crate::service::access::Preview;
use crate::service::administration::{Administration, AdministrationError};

use super::answer::Reply;
use super::assignments::WantedAssignment;
use super::call::Call;
use super::names;
use super::problem::Problem;
use super::route::{Resource, Route};

/// Its routes.
pub const RESOURCE: Resource = Resource {
    name: "previews",
    about: "What a change of access would come to, person by person, before it is made",
    routes: &[Route::change::<__path_preview>(preview).with_body(), Route::change::<__path_apply>(apply).with_body()],
};

/// A role to make or to change.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WantedRole {
    /// Its name
    name: String,
    /// What it is to allow
    permissions: Vec<String>,
}

/// A role at a scope to offer to a connection.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WantedOffer {
    /// The connection's id
    connection: String,
    /// The role
    role: String,
    /// Where
    scope: String,
}

/// Something offered to a connection.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct GivenOffer {
    /// The connection's id
    connection: String,
    /// The offer's id
    offer: String,
}

/// One change of access: exactly one member besides `fingerprint`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AccessChange {
    /// Assign a role
    assign: Option<WantedAssignment>,
    /// End the assignment of this id
    end_assignment: Option<String>,
    /// Make a role, or a new version of it
    role: Option<WantedRole>,
    /// Save this Cedar policy
    guardrail: Option<String>,
    /// Remove the guardrail of this name
    remove_guardrail: Option<String>,
    /// Offer a role at a scope to a connection
    offer: Option<WantedOffer>,
    /// Withdraw an offer
    withdraw_offer: Option<GivenOffer>,
    /// What its preview said; needed to apply it
    fingerprint: Option<String>,
}

/// What a change would come to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Preview)]
struct Shown {
    /// Stands for all of this: give it to apply the change
    fingerprint: String,
    /// Who could do what they cannot now
    gains: Vec<Right>,
    /// Who could not do any more what they can now
    losses: Vec<Right>,
    /// Who would hold roles that must be kept apart
    conflicts: Vec<Conflict>,
    /// Gates nobody could pass any more
    closed_gates: Vec<ClosedGate>,
    /// How many active users would be `admin` at `/`
    administrators: usize,
    /// The same as text, a line each
    text: Vec<String>,
}

/// What somebody gains or loses.
#[derive(Debug, Serialize, ToSchema)]
struct Right {
    /// The id of the user or service
    subject: String,
    /// What it is called
    name: Option<String>,
    /// What
    permission: String,
    /// Where, and in everything within
    scope: String,
}

/// Roles held together that must be kept apart.
#[derive(Debug, Serialize, ToSchema)]
struct Conflict {
    /// The id of the user
    subject: String,
    /// What it is called
    name: Option<String>,
    /// The roles
    roles: Vec<String>,
    /// Where
    scope: String,
}

/// A gate nobody could pass.
#[derive(Debug, Serialize, ToSchema)]
struct ClosedGate {
    /// Where
    scope: String,
    /// What passes it
    permission: String,
}

impl From<Preview> for Shown {
    fn from(preview: Preview) -> Self {
        let name = |subject: &Subject| preview.names.get(&subject.id()).cloned();
        let right = |subject: &Subject, (scope, permission): &(_, Permission)| Right {
            subject: subject.id().to_string(),
            name: name(subject),
            permission: permission.to_string(),
            scope: crate::model::ScopePath::to_string(scope),
        };
        let rights = |people: &std::collections::BTreeMap<Subject, std::collections::BTreeSet<_>>| {
            people.iter().flat_map(|(subject, rights)| rights.iter().map(|one| right(subject, one))).collect()
        };
        let difference = &preview.difference;
        let conflicts = difference.conflicts.iter().map(|one| Conflict {
            subject: one.subject.id().to_string(),
            name: name(&one.subject),
            roles: one.roles.iter().map(ToString::to_string).collect(),
            scope: one.scope.to_string(),
        });
        let closed = difference.closed.iter();
        let closed =
            closed.map(|gate| ClosedGate { scope: gate.scope.to_string(), permission: gate.permission.to_string() });
        Self {
            fingerprint: preview.fingerprint.clone(),
            gains: rights(&difference.gains),
            losses: rights(&difference.losses),
            conflicts: conflicts.collect(),
            closed_gates: closed.collect(),
            administrators: difference.administrators,
            text: preview.lines(),
        }
    }
}

/// Says what a change would come to; changes nothing
#[utoipa::path(post, path = "/api/v1/previews", operation_id = "preview_change", request_body = AccessChange,
    responses((status = 200, body = Shown)))]
fn preview(call: &Call) -> Result<Reply, Problem> {
    let wanted: AccessChange = call.body()?;
    let wanted = Proposal::read(&wanted)?;
    let organization = call.organization();
    let (preview, ()) = call.administration().try_out(|administration| wanted.make(administration, organization))?;
    Reply::ok(&Shown::from(preview))
}

/// Makes a change if it still comes to what its preview said
#[utoipa::path(post, path = "/api/v1/changes", operation_id = "apply_change", request_body = AccessChange,
    responses((status = 204), (status = 412, description = "It would come to something else by now")))]
fn apply(call: &Call) -> Result<Reply, Problem> {
    let wanted: AccessChange = call.body()?;
    let fingerprint = wanted.fingerprint.clone().ok_or_else(|| {
        Problem::bad_request("`fingerprint` is missing; ask for a preview of the change and give what it says")
    })?;
    Proposal::read(&wanted)?.make(&call.administration().expecting(fingerprint), call.organization())?;
    Ok(Reply::NoContent)
}

/// A change, read.
enum Proposal {
    Assign(Box<crate::service::access::NewAssignment>),
    End(AssignmentId),
    Role(crate::model::RoleName, std::collections::BTreeSet<Permission>),
    Guardrail(String),
    RemoveGuardrail(crate::model::GuardrailId),
    Offer(ConnectionId, crate::model::RoleName, crate::model::ScopePath),
    Withdraw(ConnectionId, ResourceId),
}

impl Proposal {
    fn read(wanted: &AccessChange) -> Result<Self, Problem> {
        let mut found = Vec::new();
        if let Some(assign) = &wanted.assign {
            found.push(Self::Assign(Box::new(assign.read()?)));
        }
        if let Some(id) = &wanted.end_assignment {
            found.push(Self::End(id.parse().map_err(|_other| Problem::not_found())?));
        }
        if let Some(role) = &wanted.role {
            let permissions: Result<_, Problem> = role.permissions.iter().map(|text| names::read(text)).collect();
            found.push(Self::Role(names::read(&role.name)?, permissions?));
        }
        if let Some(text) = &wanted.guardrail {
            found.push(Self::Guardrail(text.clone()));
        }
        if let Some(name) = &wanted.remove_guardrail {
            found.push(Self::RemoveGuardrail(names::read(name)?));
        }
        let unknown = |_other: crate::model::IdError| Problem::not_found();
        if let Some(offer) = &wanted.offer {
            let connection = offer.connection.parse().map_err(unknown)?;
            found.push(Self::Offer(connection, names::read(&offer.role)?, names::read(&offer.scope)?));
        }
        if let Some(given) = &wanted.withdraw_offer {
            let connection = given.connection.parse().map_err(unknown)?;
            found.push(Self::Withdraw(connection, given.offer.parse().map_err(unknown)?));
        }
        match (found.pop(), found.is_empty()) {
            (Some(only), true) => Ok(only),
            _ => Err(Problem::bad_request(
                "expected exactly one of `assign`, `end_assignment`, `role`, `guardrail`, `remove_guardrail`, `offer` and \
                 `withdraw_offer`",
            )),
        }
    }

    fn make(&self, administration: &Administration, organization: OrganizationId) -> Result<(), AdministrationError> {
        match self {
            Self::Assign(wanted) => administration.assign(organization, wanted).map(drop),
            Self::End(id) => administration.end_assignment(organization, *id, None),
            Self::Role(name, allowed) => administration.put_role(organization, name, allowed).map(drop),
            // What it would close is what the preview says.
            Self::Guardrail(text) => administration.save_guardrail(organization, text, true).map(drop),
            Self::Offer(connection, role, scope) => {
                administration.offer_role(organization, *connection, role, scope).map(drop)
            }
            Self::Withdraw(connection, offer) => administration.withdraw_role(organization, *connection, *offer),
            Self::RemoveGuardrail(id) => administration.remove_guardrail(organization, id),
        }
    }
}
