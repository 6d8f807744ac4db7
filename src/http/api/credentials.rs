//! Credentials: what admits callers. A token is shown once, when it is issued.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::model::{Believed, BelievedError, ConnectionId, CredentialId, CredentialKind, limits};
use crate::service::administration::StoredCredential;

use super::answer::Reply;
use super::call::Call;
use super::page::{Page, Paging, Stretch};
use super::problem::Problem;
use super::route::{Resource, Route};

const DAY_MICROS: i64 = 86_400 * 1_000_000;
/// How long a credential is good when nothing else is said.
const USUAL_DAYS: i64 = 365;

/// Its routes.
pub const RESOURCE: Resource = Resource {
    name: "credentials",
    about: "What admits callers; the token of one is shown once, when it is issued",
    routes: &[
        Route::read::<__path_list>(list),
        Route::change::<__path_issue>(issue).with_body(),
        Route::read::<__path_read>(read),
        Route::change::<__path_revoke>(revoke),
    ],
};

/// What admits a caller, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Credential)]
struct Shown {
    /// Its id
    id: String,
    /// What it is good for
    #[schema(example = "scim")]
    kind: &'static str,
    /// The connection it provisions for, where the kind is `scim`
    connection: Option<String>,
    /// What its caller may say of an act and is believed, where the kind is `pep`
    #[schema(example = json!(["branch", "commit_authors"]))]
    believed: Option<Vec<String>>,
    /// When it was issued
    #[schema(format = DateTime)]
    created_at: String,
    /// Not admitted from then on
    #[schema(format = DateTime)]
    expires_at: String,
    /// When it last admitted somebody, to the minute
    #[schema(format = DateTime)]
    last_used_at: Option<String>,
    /// Not admitted since then
    #[schema(format = DateTime)]
    revoked_at: Option<String>,
}

impl From<StoredCredential> for Shown {
    fn from(stored: StoredCredential) -> Self {
        let credential = stored.credential;
        let connection = credential.connection;
        Self {
            id: credential.id.to_string(),
            kind: credential.kind.as_str(),
            believed: (credential.kind == CredentialKind::Pep)
                .then(|| credential.believed.names().into_iter().map(str::to_owned).collect()),
            connection: (!connection.is_nobody()).then(|| connection.to_string()),
            created_at: stored.created_at.to_string(),
            expires_at: credential.expires_at.to_string(),
            last_used_at: stored.last_used_at.map(|at| at.to_string()),
            revoked_at: credential.revoked_at.map(|at| at.to_string()),
        }
    }
}

/// A credential to issue.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewCredential {
    /// `scim`, `pep`, `receiver`, `admin` or `auditor`
    kind: String,
    /// The connection it provisions for: needed where the kind is `scim`, and nowhere else
    connection: Option<String>,
    /// What its caller is believed of an act: `branch`, `resource.status`, `subject.device_trust`; only where the kind is
    /// `pep` [default: what deployment systems usually know]
    believed: Option<Vec<String>>,
    /// Days until it expires [default: 365]
    #[schema(minimum = 1, maximum = 3650)]
    expires_in_days: Option<i64>,
}

/// A credential just issued.
#[derive(Serialize, ToSchema)]
struct Issued {
    /// The credential
    #[serde(flatten)]
    credential: Shown,
    /// The bearer token; shown this once and kept nowhere
    token: String,
}

/// The credentials, revoked and expired ones too, oldest first
#[utoipa::path(get, path = "/api/v1/credentials", operation_id = "list_credentials", params(Paging),
    responses((status = 200, body = Page<Shown>)))]
fn list(call: &Call) -> Result<Reply, Problem> {
    let asked: Paging = call.query()?;
    let stretch = Stretch::read(call, &["credentials"], asked.limit.as_deref(), asked.cursor.as_deref())?;
    let rows = call.administration().tokens_after(call.organization(), stretch.after, stretch.rows())?;
    Reply::ok(&stretch.page(rows, |stored| stored.credential.id.into(), Shown::from))
}

/// Issues a credential and shows its token this once
#[utoipa::path(post, path = "/api/v1/credentials", operation_id = "issue_credential", request_body = NewCredential,
    responses((status = 201, body = Issued)))]
fn issue(call: &Call) -> Result<Reply, Problem> {
    let wanted: NewCredential = call.body()?;
    let issuable = CredentialKind::ALL;
    let kind = CredentialKind::from_name(&wanted.kind)
        .filter(|kind| issuable.contains(kind))
        .ok_or_else(|| Problem::bad_request("`kind` must be `scim`, `pep`, `receiver`, `admin` or `auditor`"))?;
    let longest = i64::try_from(limits::TOKEN_DAYS).unwrap_or(i64::MAX);
    let days = wanted.expires_in_days.unwrap_or(USUAL_DAYS);
    if !(1..=longest).contains(&days) {
        return Err(Problem::bad_request(format!("`expires_in_days` must be from 1 to {longest}")));
    }
    let connection: Option<ConnectionId> = match wanted.connection.as_deref() {
        None => None,
        Some(text) => Some(text.parse().map_err(|_not_ours| {
            Problem::bad_request("`connection` is no id of a connection; `/api/v1/connections` lists them")
        })?),
    };
    let administration = call.administration();
    let valid_micros = days.saturating_mul(DAY_MICROS);
    let (id, token) = match (kind, wanted.believed, connection) {
        (CredentialKind::Pep, Some(names), None) => {
            let believed: Believed =
                names.join(",").parse().map_err(|error: BelievedError| Problem::bad_request(error.to_string()))?;
            administration.issue_enforcement_point(call.organization(), Some(&believed), valid_micros)?
        }
        (_, Some(_), _) => return Err(Problem::bad_request("only where `kind` is `pep` is anything `believed`")),
        (_, None, _) => administration.issue_credential(call.organization(), kind, connection, valid_micros)?,
    };
    let credential = Shown::from(administration.credential(call.organization(), id)?);
    Reply::created(call, &Issued { credential, token: token.to_string() }, &format!("credentials/{id}"), None)
}

/// A credential
#[utoipa::path(get, path = "/api/v1/credentials/{id}", operation_id = "read_credential",
    params(("id" = String, Path, description = "Its id")), responses((status = 200, body = Shown)))]
fn read(call: &Call) -> Result<Reply, Problem> {
    let id: CredentialId = call.id(0)?;
    Reply::ok(&Shown::from(call.administration().credential(call.organization(), id)?))
}

/// Revokes a credential; when this is answered no server admits it any more
#[utoipa::path(delete, path = "/api/v1/credentials/{id}", operation_id = "revoke_credential",
    params(("id" = String, Path, description = "Its id")), responses((status = 204)))]
fn revoke(call: &Call) -> Result<Reply, Problem> {
    let id: CredentialId = call.id(0)?;
    call.administration().revoke_token(call.organization(), id)?;
    Ok(Reply::NoContent)
}
