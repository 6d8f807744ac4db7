//! The organization of the credential.

use serde::Serialize;
use utoipa::ToSchema;

use super::answer::Reply;
use super::call::Call;
use super::problem::Problem;
use super::route::{Resource, Route};

/// Its routes.
pub const RESOURCE: Resource = Resource {
    name: "organization",
    about: "The tenant the credential belongs to",
    routes: &[Route::read::<__path_read>(read)],
};

/// The tenant.
#[derive(Debug, Serialize, ToSchema)]
struct Organization {
    /// Its id
    id: String,
    /// Its name on the command line and in URLs
    slug: String,
    /// Its name for people
    name: String,
    /// Counts the changes that can alter a decision
    revision: i64,
}

/// The organization of the credential
#[utoipa::path(get, path = "/api/v1/organization", operation_id = "read_organization",
    responses((status = 200, body = Organization)))]
fn read(call: &Call) -> Result<Reply, Problem> {
    let found = call.administration().organization(call.organization())?;
    Reply::ok(&Organization {
        id: found.id.to_string(),
        slug: found.slug,
        name: found.name,
        revision: found.revision.as_i64(),
    })
}
