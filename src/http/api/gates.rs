//! Gates: how many people can pass what somebody must be able to pass.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::gates::Gate;
use crate::model::{GateBounds, Permission, ScopePath};
use crate::service::access::gate_key;
use crate::service::administration::Expected;

use super::answer::Reply;
use super::call::Call;
use super::names;
use super::page::{Page, Paging};
use super::problem::Problem;
use super::route::{Resource, Route};

/// Its routes.
pub const RESOURCE: Resource = Resource {
    name: "gates",
    about: "What somebody must be able to pass, and how many people can: deploying and approving at every production \
            environment, and whatever else is set",
    routes: &[
        Route::read::<__path_list>(list),
        Route::change::<__path_set>(set).with_body(),
        Route::change::<__path_remove>(remove),
    ],
};

/// A gate.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Gate)]
struct Shown {
    /// Where
    scope: String,
    /// What passes it
    permission: String,
    /// How many users can pass, under the guardrails; those that read what only a caller knows are left out
    passing: usize,
    /// How many must be able to: one if nobody set it
    minimum: u32,
    /// How many may be able to; null: any number
    maximum: Option<u32>,
    /// `open`, `closed` (nobody can pass), `too few` or `too many`
    state: &'static str,
    #[serde(skip)]
    key: String,
}

impl From<Gate> for Shown {
    fn from(gate: Gate) -> Self {
        Self {
            scope: gate.scope.to_string(),
            permission: gate.permission.to_string(),
            passing: gate.passing,
            minimum: gate.bounds.minimum(),
            maximum: gate.bounds.maximum(),
            state: gate.state().as_str(),
            key: gate_key(&gate.scope, &gate.permission),
        }
    }
}

/// The bounds of a gate.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Bounds {
    /// Where
    scope: String,
    /// What passes it
    permission: String,
    /// How many must be able to pass
    minimum: u32,
    /// How many may be able to pass [default: any number]
    maximum: Option<u32>,
}

/// Which gate.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct NamedGate {
    /// Where
    scope: String,
    /// What passes it
    permission: String,
}

/// The gates, by scope and permission
#[utoipa::path(get, path = "/api/v1/gates", operation_id = "list_gates", params(Paging),
    responses((status = 200, body = Page<Shown>)))]
fn list(call: &Call) -> Result<Reply, Problem> {
    let stretch = names::Stretch::read(call, "gates")?;
    let gates = call.administration().gates_after(call.organization(), &stretch.after, stretch.rows())?;
    stretch.page(gates.into_iter().map(Shown::from).collect(), |shown| &shown.key)
}

/// Sets the bounds of a gate
#[utoipa::path(put, path = "/api/v1/gates", operation_id = "set_gate", request_body = Bounds,
    responses((status = 200, body = Shown), (status = 412, description = "It is not as `If-Match` says")))]
fn set(call: &Call) -> Result<Reply, Problem> {
    let Bounds { scope, permission, minimum, maximum } = call.body()?;
    let (scope, permission): (ScopePath, Permission) = (names::read(&scope)?, names::read(&permission)?);
    let bounds = GateBounds::new(minimum, maximum).map_err(|error| Problem::bad_request(error.to_string()))?;
    let administration = call.unchanged(|| tag(&found(call, &scope, &permission)?))?;
    administration.set_gate(call.organization(), &scope, &permission, bounds, &Expected::Anything)?;
    let shown = found(call, &scope, &permission)?;
    let tag = tag(&shown)?;
    Reply::changed(&shown, tag)
}

/// Sets no bounds for a gate any more
#[utoipa::path(delete, path = "/api/v1/gates", operation_id = "remove_gate", params(NamedGate),
    responses((status = 204), (status = 412, description = "It is not as `If-Match` says")))]
fn remove(call: &Call) -> Result<Reply, Problem> {
    let NamedGate { scope, permission } = call.query()?;
    let (scope, permission): (ScopePath, Permission) = (names::read(&scope)?, names::read(&permission)?);
    let administration = call.unchanged(|| tag(&found(call, &scope, &permission)?))?;
    administration.remove_gate(call.organization(), &scope, &permission)?;
    Ok(Reply::NoContent)
}

fn found(call: &Call, scope: &ScopePath, permission: &Permission) -> Result<Shown, Problem> {
    let gate = call.administration().gate(call.organization(), scope, permission)?;
    gate.map(Shown::from).ok_or_else(Problem::not_found)
}

/// The entity tag of a gate's bounds: how many can pass at the moment is not the gate's.
fn tag(shown: &Shown) -> Result<String, Problem> {
    names::tag(&(&shown.key, shown.minimum, shown.maximum))
}
