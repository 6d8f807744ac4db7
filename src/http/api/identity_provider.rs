//! The identity provider the organization's people sign in to the console by.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use crate::model::{IdentityProvider, JoinedBy};
use crate::service::accounts::StoredProvider;
use crate::service::administration::{Expected, ProviderSecret};

use super::answer::Reply;
use super::call::Call;
use super::problem::Problem;
use super::route::{Resource, Route};

/// Its routes.
pub const RESOURCE: Resource = Resource {
    name: "identity provider",
    about: "By which identity provider the organization's people sign in to the console (OpenID Connect)",
    routes: &[
        Route::read::<__path_read>(read),
        Route::change::<__path_set>(set).with_body(),
        Route::change::<__path_remove>(remove),
    ],
};

/// An identity provider; its secret is never shown.
#[derive(Debug, Serialize, ToSchema)]
struct ShownIdentityProvider {
    /// Its issuer identifier
    issuer: String,
    /// As whom Muster is registered there
    client_id: String,
    /// Whether Muster has a secret there
    has_secret: bool,
    /// How somebody is found who signs in for the first time: `external-id`, `user-name` or `email`
    joined_by: &'static str,
    /// By which claim
    claim: String,
    /// What the ID token must say besides
    required_claims: BTreeMap<String, String>,
    /// Whether users sign in by it alone
    only: bool,
    /// What is to be registered at the identity provider
    redirect_uri: String,
}

/// An identity provider to sign in by.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WantedIdentityProvider {
    /// Its issuer identifier, exactly as its ID tokens bear it
    #[schema(example = "https://idp.example.com/realms/acme")]
    issuer: String,
    /// As whom Muster is registered there
    client_id: String,
    /// Its secret; left out, the one from before stays, for the same issuer and client alone; null for none
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    client_secret: Secret,
    /// How somebody is found who signs in for the first time: `external-id`, `user-name` or `email` [default: external-id]
    joined_by: Option<String>,
    /// By which claim [default: `sub`, `preferred_username` or `email`]
    claim: Option<String>,
    /// What the ID token must say besides: which tenant, which domain
    #[serde(default)]
    required_claims: BTreeMap<String, String>,
    /// Whether users sign in by it alone, links by mail included; the recovery administrator keeps its links
    #[serde(default)]
    only: bool,
}

/// Left out, null, or given.
#[derive(Default)]
enum Secret {
    #[default]
    Kept,
    None,
    New(Zeroizing<String>),
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let given = Option::<String>::deserialize(deserializer)?;
        Ok(given.map_or(Self::None, |secret| Self::New(Zeroizing::new(secret))))
    }
}

fn shown(call: &Call, stored: StoredProvider) -> Result<ShownIdentityProvider, Problem> {
    let organization = call.administration().organization(call.organization())?;
    let provider = stored.provider;
    Ok(ShownIdentityProvider {
        issuer: provider.issuer,
        client_id: provider.client_id,
        has_secret: stored.secret.is_some(),
        joined_by: provider.joined_by.as_str(),
        claim: provider.claim,
        required_claims: provider.required,
        only: provider.is_only,
        redirect_uri: call.services.redirect_uri(&organization.slug),
    })
}

/// The identity provider; 404 where there is none
#[utoipa::path(get, path = "/api/v1/identity-provider", operation_id = "read_identity_provider",
    responses((status = 200, body = ShownIdentityProvider)))]
fn read(call: &Call) -> Result<Reply, Problem> {
    let stored = call.administration().identity_provider(call.organization())?.ok_or_else(Problem::not_found)?;
    Reply::ok(&shown(call, stored)?)
}

/// Sets the identity provider; it must answer
#[utoipa::path(put, path = "/api/v1/identity-provider", operation_id = "set_identity_provider",
    request_body = WantedIdentityProvider, responses((status = 200, body = ShownIdentityProvider)))]
fn set(call: &Call) -> Result<Reply, Problem> {
    let wanted: WantedIdentityProvider = call.body()?;
    let joined_by = match &wanted.joined_by {
        None => JoinedBy::ExternalId,
        Some(name) => JoinedBy::from_name(name)
            .ok_or_else(|| Problem::bad_request("`joined_by` must be `external-id`, `user-name` or `email`"))?,
    };
    let provider = IdentityProvider {
        issuer: wanted.issuer,
        client_id: wanted.client_id,
        joined_by,
        claim: wanted.claim.unwrap_or_else(|| joined_by.usual_claim().to_owned()),
        required: wanted.required_claims,
        is_only: wanted.only,
    };
    provider.check().map_err(|error| Problem::bad_request(error.to_string()))?;
    let secret = match wanted.client_secret {
        Secret::Kept => ProviderSecret::Kept,
        Secret::None => ProviderSecret::None,
        Secret::New(secret) => ProviderSecret::New(secret),
    };
    let administration = call.administration();
    administration.try_identity_provider(&provider.issuer)?;
    let stored = administration.set_identity_provider(call.organization(), &provider, &secret, &Expected::Anything)?;
    Reply::ok(&shown(call, stored)?)
}

/// Removes the identity provider; whoever signed in by it is signed out
#[utoipa::path(delete, path = "/api/v1/identity-provider", operation_id = "remove_identity_provider",
    responses((status = 204)))]
fn remove(call: &Call) -> Result<Reply, Problem> {
    call.administration().remove_identity_provider(call.organization())?;
    Ok(Reply::NoContent)
}
