//! Webhooks by which GitHub says that teams, repositories or people have changed: `/webhooks/mirrors/{slug}/{system}`.
//!
//! Nothing is read of what they say: whoever sends an old one again, or many, brings about a look at GitHub and nothing else.

use actix_web::http::header::HeaderMap;
use secrecy::{ExposeSecret as _, SecretString};

use crate::evidence::digest;
use crate::model::{OrganizationId, RequestId, ResourceId};
use crate::service::{ServiceError, Services, mirrors};

use super::{Refusal, signature};

/// A mirror that takes webhooks.
pub(super) struct Place {
    organization: OrganizationId,
    system: ResourceId,
    secret: SecretString,
}

/// The organization and the system of a path.
pub(super) fn parse(path: &str) -> Option<(String, ResourceId)> {
    let (slug, system) = path.strip_prefix("/webhooks/mirrors/")?.split_once('/')?;
    Some((slug.to_owned(), system.parse().ok()?))
}

/// Finds the mirror. Blocks.
///
/// # Errors
/// 404 for none, and for one that takes no webhooks; 503.
pub(super) fn find(services: &Services, slug: &str, system: ResourceId, id: RequestId) -> Result<Place, Refusal> {
    let found = mirrors::webhook_secret(services, slug, system).map_err(|error| cannot(&error, id))?;
    let (organization, secret) = found.ok_or(Refusal::NoSuchGate)?;
    Ok(Place { organization, system, secret: SecretString::from(secret.as_str()) })
}

impl Place {
    /// Sees to it that the mirror is refreshed soon. Blocks.
    ///
    /// # Errors
    /// 401 for a body GitHub has not signed; 503.
    pub(super) fn take(
        &self,
        services: &Services,
        headers: &HeaderMap,
        body: &[u8],
        id: RequestId,
    ) -> Result<(), Refusal> {
        signature::check(&signature::key(self.secret.expose_secret()), headers, body)?;
        let digest = digest::of_body(body).map(|digest| digest::text(&digest)).unwrap_or_default();
        mirrors::nudge(services, self.organization, self.system, &digest).map_err(|error| cannot(&error, id))
    }
}

fn cannot(error: &ServiceError, id: RequestId) -> Refusal {
    tracing::warn!(request.id = %id, error = %error, "a webhook about a mirror cannot be taken");
    Refusal::CannotJudge
}
