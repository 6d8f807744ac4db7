//! Leavers: the proof that somebody is gone.

use actix_web::http::StatusCode;
use url::Url;

use crate::service::leavers;

use super::answer::Reply;
use super::call::Call;
use super::problem::Problem;
use super::route::{Resource, Route};

/// Its routes.
pub const RESOURCE: Resource = Resource {
    name: "leavers",
    about: "The signed proof that somebody is gone; `muster verify` checks it without the server",
    routes: &[Route::read::<__path_certificate>(certificate)],
};

/// The leaver certificate: canonical JSON (RFC 8785), to be kept byte for byte; members are never added or reordered
#[utoipa::path(get, path = "/api/v1/users/{id}/leaver-certificate", operation_id = "read_leaver_certificate",
    params(("id" = String, Path, description = "Its id; of somebody who was deleted too")),
    responses((status = 200, body = Object, example = json!({ "format": 1, "key": "muster.example/acme+3f2a91c0+AQ…",
        "signature": "…", "statement": { "kind": "leaver-certificate", "content": {} } })),
        (status = 409, description = "The user has not left")))]
fn certificate(call: &Call) -> Result<Reply, Problem> {
    let host = Url::parse(&call.services.public_url).ok();
    let host = host.as_ref().and_then(Url::host_str).unwrap_or("localhost");
    let body = leavers::certificate(&call.services, &call.caller, call.id(0)?, host)?;
    Ok(Reply::Json { status: StatusCode::OK, body, entity_tag: None, location: None })
}
