//! Assignments: a role at a scope for a group, a user or a service.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::model::{AssignmentId, AssignmentSource, Moment, ResourceId};
use crate::service::access::{Narrowing, NewAssignment, ShownAssignment, WantedPrincipal};

use super::answer::Reply;
use super::call::Call;
use super::names;
use super::page::{Page, Stretch};
use super::problem::Problem;
use super::route::{Resource, Route};

/// Its routes.
pub const RESOURCE: Resource = Resource {
    name: "assignments",
    about: "Roles at scopes for groups, users and services",
    routes: &[
        Route::read::<__path_list>(list),
        Route::change::<__path_create>(create).with_body(),
        Route::read::<__path_read>(read),
        Route::change::<__path_change>(change).with_body(),
        Route::change::<__path_remove>(remove),
    ],
};

/// To whom a role is assigned.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Principal)]
pub struct PrincipalOfAssignment {
    /// `group`, `user` or `service`
    #[serde(rename = "type")]
    kind: String,
    /// Its id, or a name only one bears
    id: String,
    /// What it is called; null if it is gone
    #[serde(default)]
    name: Option<String>,
}

/// An assignment.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Assignment)]
struct Shown {
    /// Its id
    id: String,
    /// Which role
    role: String,
    /// Where; it holds in everything within
    scope: String,
    /// To whom
    principal: PrincipalOfAssignment,
    /// From when on
    #[schema(format = DateTime)]
    from: String,
    /// Until when; null: for ever
    #[schema(format = DateTime)]
    until: Option<String>,
    /// Where it comes from
    source: &'static str,
    /// Who approved it
    approver: Option<String>,
    /// Why
    reason: Option<String>,
    /// When it was made
    #[schema(format = DateTime)]
    created_at: String,
}

impl From<ShownAssignment> for Shown {
    fn from(shown: ShownAssignment) -> Self {
        let ShownAssignment { assignment, created_at, principal_name } = shown;
        Self {
            id: assignment.id.to_string(),
            role: assignment.role.to_string(),
            scope: assignment.scope.to_string(),
            principal: PrincipalOfAssignment {
                kind: assignment.principal.kind().to_owned(),
                id: assignment.principal.id().to_string(),
                name: principal_name,
            },
            from: assignment.validity.from().to_string(),
            until: assignment.validity.until().map(|until| until.to_string()),
            source: assignment.source.as_str(),
            approver: assignment.approver.map(|id| id.to_string()),
            reason: assignment.reason.map(|reason| reason.to_string()),
            created_at: created_at.to_string(),
        }
    }
}

/// An assignment to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewAssignment)]
pub struct WantedAssignment {
    /// To whom
    principal: PrincipalOfAssignment,
    /// Which role
    role: String,
    /// Where
    scope: String,
    /// From when on [default: now]
    #[schema(format = DateTime)]
    from: Option<String>,
    /// Until when [default: for ever]
    #[schema(format = DateTime)]
    until: Option<String>,
    /// Why
    reason: Option<String>,
}

impl WantedAssignment {
    /// What it asks for.
    ///
    /// # Errors
    /// 400.
    pub fn read(&self) -> Result<NewAssignment, Problem> {
        let name = self.principal.id.clone();
        let principal = match self.principal.kind.as_str() {
            "group" => WantedPrincipal::Group(name),
            "user" => WantedPrincipal::User(name),
            "service" => WantedPrincipal::Service(name),
            _ => return Err(Problem::bad_request("`principal.type` must be `group`, `user` or `service`")),
        };
        Ok(NewAssignment {
            principal,
            role: names::read(&self.role)?,
            scope: names::read(&self.scope)?,
            from: names::read_optional::<Moment>(self.from.as_deref())?,
            until: names::read_optional::<Moment>(self.until.as_deref())?,
            source: AssignmentSource::Administrator,
            approver: None::<ResourceId>,
            reason: names::read_optional(self.reason.as_deref())?,
        })
    }
}

/// When an assignment is to end.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ChangedAssignment {
    /// Until when
    #[schema(format = DateTime)]
    until: String,
}

/// Which assignments to list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// Only those of this role
    role: Option<String>,
    /// Only those at exactly this scope
    scope: Option<String>,
    /// Only those to this principal, by its id
    principal: Option<String>,
    /// How many at most, 1 to 1,000 [default: 100]
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1000)]
    limit: Option<String>,
    /// Where to go on: `next_cursor` of the page before
    cursor: Option<String>,
}

/// The assignments, in the order of their creation
#[utoipa::path(get, path = "/api/v1/assignments", operation_id = "list_assignments", params(Asked),
    responses((status = 200, body = Page<Shown>)))]
fn list(call: &Call) -> Result<Reply, Problem> {
    let asked: Asked = call.query()?;
    let [role, scope, principal] = [&asked.role, &asked.scope, &asked.principal].map(Option::as_deref);
    let [of_role, at_scope, of_principal] = [role, scope, principal].map(Option::unwrap_or_default);
    let name = ["assignments", of_role, at_scope, of_principal];
    let stretch = Stretch::read(call, &name, asked.limit.as_deref(), asked.cursor.as_deref())?;
    let rows = match (fitting(role), fitting(scope), fitting(principal)) {
        (Ok(role), Ok(scope), Ok(principal)) => {
            let narrowing = Narrowing { role, scope, principal };
            call.administration().assignments_after(call.organization(), &narrowing, stretch.after, stretch.rows())?
        }
        _ => Vec::new(),
    };
    Reply::ok(&stretch.page(rows, |shown| shown.assignment.id.into(), Shown::from))
}

/// What a list is narrowed to; an error for a text that nothing fits, because it can be no such thing.
fn fitting<T: FromStr>(text: Option<&str>) -> Result<Option<T>, T::Err> {
    text.map(str::parse).transpose()
}

/// Assigns a role at a scope
#[utoipa::path(post, path = "/api/v1/assignments", operation_id = "create_assignment", request_body = WantedAssignment,
    responses((status = 201, body = Shown), (status = 404, description = "The role, the scope or the principal is not there")))]
fn create(call: &Call) -> Result<Reply, Problem> {
    let wanted: WantedAssignment = call.body()?;
    let made = call.administration().assign(call.organization(), &wanted.read()?)?;
    let shown = found(call, made.id)?;
    let tag = names::tag(&shown)?;
    Reply::created(call, &shown, &format!("assignments/{}", made.id), Some(tag))
}

/// An assignment
#[utoipa::path(get, path = "/api/v1/assignments/{id}", operation_id = "read_assignment",
    params(("id" = String, Path, description = "Its id")), responses((status = 200, body = Shown)))]
fn read(call: &Call) -> Result<Reply, Problem> {
    let shown = found(call, call.id(0)?)?;
    let tag = names::tag(&shown)?;
    Reply::resource(call, &shown, tag)
}

/// Lets an assignment end at another time
#[utoipa::path(patch, path = "/api/v1/assignments/{id}", operation_id = "change_assignment",
    params(("id" = String, Path, description = "Its id")), request_body = ChangedAssignment,
    responses((status = 200, body = Shown), (status = 412, description = "It is not as `If-Match` says")))]
fn change(call: &Call) -> Result<Reply, Problem> {
    let id: AssignmentId = call.id(0)?;
    let ChangedAssignment { until } = call.body()?;
    let until: Moment = names::read(&until)?;
    let administration = call.unchanged(|| names::tag(&found(call, id)?))?;
    administration.end_assignment(call.organization(), id, Some(until))?;
    let shown = found(call, id)?;
    let tag = names::tag(&shown)?;
    Reply::changed(&shown, tag)
}

/// Ends an assignment; when this is answered, no server allows anything by it
#[utoipa::path(delete, path = "/api/v1/assignments/{id}", operation_id = "remove_assignment",
    params(("id" = String, Path, description = "Its id")),
    responses((status = 204), (status = 409, description = "Nobody active would be left who is `admin` at `/`"),
        (status = 412, description = "It is not as `If-Match` says")))]
fn remove(call: &Call) -> Result<Reply, Problem> {
    let id: AssignmentId = call.id(0)?;
    let administration = call.unchanged(|| names::tag(&found(call, id)?))?;
    administration.end_assignment(call.organization(), id, None)?;
    Ok(Reply::NoContent)
}

fn found(call: &Call, id: AssignmentId) -> Result<Shown, Problem> {
    let found = call.administration().assignment(call.organization(), id)?;
    found.map(Shown::from).ok_or_else(Problem::not_found)
}
