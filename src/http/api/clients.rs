//! Clients that are granted access tokens at `/oauth2/token`, and outside issuers whose tokens admit. Both are credentials
//! and are revoked as such.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::live::ClientId;
use crate::model::{CredentialKind, Keys, OutsideIssuer, Proof, limits};
use crate::service::administration::{NewClient, NewIssuer};
use crate::service::oauth::scopes_of;

use super::answer::Reply;
use super::call::Call;
use super::page::{Page, Paging, Stretch};
use super::problem::Problem;
use super::route::{Resource, Route};

const DAY_MICROS: i64 = 86_400 * 1_000_000;
/// How long a client is good when nothing else is said.
const USUAL_DAYS: i64 = 365;

/// Its routes.
pub const RESOURCE: Resource = Resource {
    name: "clients",
    about: "Clients that are granted access tokens, by a secret or by a key of their own",
    routes: &[Route::read::<__path_list>(list), Route::change::<__path_register>(register).with_body()],
};

/// Its routes.
pub const ISSUERS: Resource = Resource {
    name: "issuers",
    about: "Outside issuers whose tokens provision",
    routes: &[
        Route::read::<__path_list_issuers>(list_issuers),
        Route::change::<__path_register_issuer>(register_issuer).with_body(),
    ],
};

/// A client that signs.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Client)]
struct Shown {
    /// The id of its credential: revoking that ends the client and every access token it was granted
    credential: String,
    /// Its `client_id`
    client_id: String,
    /// Where its keys are published; nothing: they were given
    keys_url: Option<String>,
}

fn shown(proof: Proof) -> Shown {
    let client = ClientId { organization: proof.organization, credential: proof.credential };
    let keys_url = match proof.keys {
        Keys::At(url) => Some(url),
        Keys::Given(_) => None,
    };
    Shown { credential: proof.credential.to_string(), client_id: client.to_string(), keys_url }
}

/// A client to register.
#[derive(Deserialize, ToSchema)]
#[schema(as = NewClient)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// `scim`, `pep` or `receiver`
    kind: String,
    /// The connection it provisions for: needed where the kind is `scim`, and nowhere else
    connection: Option<String>,
    /// The public keys it signs assertions with (RFC 7523), as a JSON Web Key Set; without keys it is given a secret
    keys: Option<Value>,
    /// Where they are published, instead
    keys_url: Option<String>,
    /// Days until it expires [default: 365]
    #[schema(minimum = 1, maximum = 3650)]
    expires_in_days: Option<i64>,
}

/// A client just registered.
#[derive(Serialize, ToSchema)]
struct RegisteredClient {
    /// The id of its credential
    credential: String,
    /// Its `client_id`
    client_id: String,
    /// Its secret; shown this once and kept nowhere
    client_secret: Option<String>,
    /// What it may be granted
    scopes: &'static [&'static str],
}

/// An outside issuer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Issuer)]
struct ShownIssuer {
    /// The id of its credential: revoking that ends its power at once
    credential: String,
    /// The `iss` of its tokens
    issuer: String,
    /// Their `aud`
    audience: String,
    /// What they must say besides
    claims: BTreeMap<String, String>,
    /// Where its keys are published
    keys_url: Option<String>,
}

/// An outside issuer to register.
#[derive(Deserialize, ToSchema)]
#[schema(as = NewIssuer)]
#[serde(deny_unknown_fields)]
struct WantedIssuer {
    /// The connection its tokens provision for
    connection: String,
    /// The `iss` of its tokens
    #[schema(example = "https://sts.windows.net/5f1d0c6e-5a3b-4f6c-9d7e-2b8a1c4e6f70/")]
    issuer: String,
    /// Their `aud`
    audience: String,
    /// What they must say besides: which tenant, which application
    #[serde(default)]
    #[schema(example = json!({ "tid": "5f1d0c6e-5a3b-4f6c-9d7e-2b8a1c4e6f70" }))]
    claims: BTreeMap<String, String>,
    /// Where its keys are published
    keys_url: String,
    /// Days until it expires [default: 365]
    #[schema(minimum = 1, maximum = 3650)]
    expires_in_days: Option<i64>,
}

fn valid_micros(days: Option<i64>) -> Result<i64, Problem> {
    let longest = i64::try_from(limits::TOKEN_DAYS).unwrap_or(i64::MAX);
    let days = days.unwrap_or(USUAL_DAYS);
    if (1..=longest).contains(&days) {
        Ok(days.saturating_mul(DAY_MICROS))
    } else {
        Err(Problem::bad_request(format!("`expires_in_days` must be from 1 to {longest}")))
    }
}

fn connection<T: std::str::FromStr>(text: &str) -> Result<T, Problem> {
    text.parse().map_err(|_not_ours| {
        Problem::bad_request("`connection` is no id of a connection; `/api/v1/connections` lists them")
    })
}

/// The clients that sign; every credential of kind `scim`, `pep` or `receiver` is a client with a secret
#[utoipa::path(get, path = "/api/v1/clients", operation_id = "list_clients", params(Paging),
    responses((status = 200, body = Page<Shown>)))]
fn list(call: &Call) -> Result<Reply, Problem> {
    let asked: Paging = call.query()?;
    let stretch = Stretch::read(call, &["clients"], asked.limit.as_deref(), asked.cursor.as_deref())?;
    let mut all = call.administration().proofs(call.organization())?;
    all.retain(|proof| proof.issuer.is_none());
    Reply::ok(&stretch.page_of_all(all, |proof| proof.credential.into(), shown))
}

/// Registers a client and shows its secret this once
#[utoipa::path(post, path = "/api/v1/clients", operation_id = "register_client", request_body = Wanted,
    responses((status = 201, body = RegisteredClient)))]
fn register(call: &Call) -> Result<Reply, Problem> {
    let wanted: Wanted = call.body()?;
    let kind = CredentialKind::from_name(&wanted.kind)
        .ok_or_else(|| Problem::bad_request("`kind` must be `scim`, `pep` or `receiver`"))?;
    let keys = match (wanted.keys, wanted.keys_url) {
        (None, None) => None,
        (Some(keys), None) => Some(Keys::Given(keys.to_string())),
        (None, Some(url)) => Some(Keys::At(url)),
        (Some(_), Some(_)) => return Err(Problem::bad_request("send `keys` or `keys_url`, not both")),
    };
    let client = NewClient {
        kind,
        connection: wanted.connection.as_deref().map(connection).transpose()?,
        keys,
        valid_micros: valid_micros(wanted.expires_in_days)?,
    };
    let (id, secret) = call.administration().register_client(call.organization(), &client)?;
    let registered = RegisteredClient {
        credential: id.credential.to_string(),
        client_id: id.to_string(),
        client_secret: secret.map(|secret| secret.to_string()),
        scopes: scopes_of(kind),
    };
    Reply::created(call, &registered, &format!("credentials/{}", id.credential), None)
}

/// The outside issuers whose tokens provision
#[utoipa::path(get, path = "/api/v1/issuers", operation_id = "list_issuers", params(Paging),
    responses((status = 200, body = Page<ShownIssuer>)))]
fn list_issuers(call: &Call) -> Result<Reply, Problem> {
    let asked: Paging = call.query()?;
    let stretch = Stretch::read(call, &["issuers"], asked.limit.as_deref(), asked.cursor.as_deref())?;
    let all = call.administration().proofs(call.organization())?;
    let issuers: Vec<(Proof, OutsideIssuer)> =
        all.into_iter().filter_map(|proof| proof.issuer.clone().map(|issuer| (proof, issuer))).collect();
    let show = |(proof, issuer): (Proof, OutsideIssuer)| {
        let OutsideIssuer { issuer, audience, claims } = issuer;
        let Shown { credential, keys_url, .. } = shown(proof);
        ShownIssuer { credential, issuer, audience, claims, keys_url }
    };
    Reply::ok(&stretch.page_of_all(issuers, |(proof, _)| proof.credential.into(), show))
}

/// Registers an outside issuer: its tokens provision for a connection
#[utoipa::path(post, path = "/api/v1/issuers", operation_id = "register_issuer", request_body = WantedIssuer,
    responses((status = 201, body = ShownIssuer)))]
fn register_issuer(call: &Call) -> Result<Reply, Problem> {
    let wanted: WantedIssuer = call.body()?;
    let WantedIssuer { issuer, audience, claims, keys_url, .. } = wanted;
    let new = NewIssuer {
        connection: connection(&wanted.connection)?,
        issuer: OutsideIssuer { issuer, audience, claims },
        keys_url,
        valid_micros: valid_micros(wanted.expires_in_days)?,
    };
    let credential = call.administration().register_issuer(call.organization(), &new)?.to_string();
    let OutsideIssuer { issuer, audience, claims } = new.issuer;
    let location = format!("credentials/{credential}");
    let registered = ShownIssuer { credential, issuer, audience, claims, keys_url: Some(new.keys_url) };
    Reply::created(call, &registered, &location, None)
}
