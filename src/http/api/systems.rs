//! Downstream systems, and what comparing their accounts with the people here came to.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use crate::model::{DownstreamAccount, Name, Report, ResourceId, UserId};
use crate::service::reconciliation::DownstreamSystem;
use crate::service::reconciliation::{Compared, NewSystem, Source, read_csv};

use super::answer::Reply;
use super::call::Call;
use super::page::{Page, Paging, Stretch};
use super::problem::Problem;
use super::route::{Resource, Route};

/// Its routes.
pub const RESOURCE: Resource = Resource {
    name: "systems",
    about: "Downstream systems whose accounts are compared with the people here: accounts nobody has, accounts of people \
            who are gone, people without one, groups that differ",
    routes: &[
        Route::read::<__path_list>(list),
        Route::change::<__path_create>(create).with_body(),
        Route::change::<__path_remove>(remove),
        Route::change::<__path_tie>(tie).with_body(),
        Route::change::<__path_reconcile>(reconcile).with_body(),
        Route::read::<__path_reconciliations>(reconciliations),
    ],
};

/// Comparisons listed, the newest.
const MOST: i64 = 100;
/// Where GitHub's API stands.
const GITHUB: &str = "https://api.github.com";

/// A downstream system.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = System)]
struct Shown {
    /// Its id
    id: String,
    /// Its name
    name: String,
    /// The organization at GitHub whose accounts are fetched; not there where lists are sent
    github: Option<String>,
    /// Since when
    #[schema(format = DateTime)]
    created_at: String,
}

impl From<DownstreamSystem> for Shown {
    fn from(system: DownstreamSystem) -> Self {
        Self {
            id: system.id.to_string(),
            name: system.name,
            github: system.github.map(|github| github.organization),
            created_at: system.created_at.to_string(),
        }
    }
}

/// Where accounts are fetched.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Github {
    /// The organization at GitHub
    organization: String,
    /// A token that may read its members; shown never again
    token: String,
    /// Where GitHub's API stands [default: `https://api.github.com`]
    api: Option<String>,
}

/// A system to be added.
#[derive(Deserialize, ToSchema)]
#[schema(as = NewSystem)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Its name
    name: String,
    /// Where its accounts are fetched; left out where lists are sent
    github: Option<Github>,
}

/// Whose an account is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Tie {
    /// The account: its identifier there, or its name where it has none
    account: String,
    /// Whose; left out: nobody's that could be said
    user: Option<String>,
}

/// An account of the system.
#[derive(Deserialize, ToSchema)]
#[schema(as = DownstreamAccount)]
#[serde(deny_unknown_fields)]
struct Account {
    /// What it is called there
    #[serde(rename = "account")]
    name: String,
    /// Its identifier there
    id: Option<String>,
    /// Its address
    email: Option<String>,
    /// The userName it says it belongs to
    user_name: Option<String>,
    /// The externalId it says it belongs to
    external_id: Option<String>,
    /// The groups it is in there
    #[serde(default)]
    groups: Vec<String>,
}

/// The accounts of the system; neither of both: they are fetched.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = AccountList)]
#[serde(deny_unknown_fields)]
struct Accounts {
    /// As CSV: a line with the names of the columns, of which `account` must be one
    csv: Option<String>,
    /// One by one
    accounts: Option<Vec<Account>>,
}

/// A comparison.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Reconciliation)]
struct ShownComparison {
    /// Its id
    id: String,
    /// When
    #[schema(format = DateTime)]
    at: String,
    /// How many accounts there were
    accounts: usize,
    /// Accounts nobody is known to have
    orphans: Vec<ShownOrphan>,
    /// Accounts of people who are gone
    leavers: Vec<ShownOwned>,
    /// People without an account
    missing: Vec<ShownMissing>,
    /// Memberships on one side only, of groups that are on both
    groups: Vec<ShownDiffering>,
    /// Groups downstream that are not here
    unknown_groups: Vec<String>,
}

/// An account nobody is known to have.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Orphan)]
struct ShownOrphan {
    /// The account
    account: String,
    /// What it can be tied by
    key: String,
    /// Whether several people might have it
    ambiguous: bool,
}

/// An account of somebody who is gone.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LeaverAccount)]
struct ShownOwned {
    /// The account
    account: String,
    /// Whose
    user: String,
}

/// Somebody without an account.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MissingAccount)]
struct ShownMissing {
    /// Who
    user: String,
    /// The userName
    user_name: String,
}

/// A membership on one side only.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DifferingMembership)]
struct ShownDiffering {
    /// The group
    group: String,
    /// Who
    user: String,
    /// Where it is: `downstream` or `here`
    only: String,
}

impl From<Compared> for ShownComparison {
    fn from(compared: Compared) -> Self {
        let Report { accounts, orphans, leavers, missing, groups, unknown_groups } = compared.report;
        let orphan =
            |one: crate::model::Orphan| ShownOrphan { account: one.account, key: one.key, ambiguous: one.ambiguous };
        let owned = |one: crate::model::Owned| ShownOwned { account: one.account, user: one.user };
        let lacking = |one: crate::model::Missing| ShownMissing { user: one.user, user_name: one.user_name };
        let differing =
            |one: crate::model::Differing| ShownDiffering { group: one.group, user: one.user, only: one.only };
        Self {
            id: compared.id.to_string(),
            at: compared.at.to_string(),
            accounts,
            orphans: orphans.into_iter().map(orphan).collect(),
            leavers: leavers.into_iter().map(owned).collect(),
            missing: missing.into_iter().map(lacking).collect(),
            groups: groups.into_iter().map(differing).collect(),
            unknown_groups,
        }
    }
}

/// The downstream systems, oldest first
#[utoipa::path(get, path = "/api/v1/systems", operation_id = "list_systems", params(Paging),
    responses((status = 200, body = Page<Shown>)))]
fn list(call: &Call) -> Result<Reply, Problem> {
    let asked: Paging = call.query()?;
    let stretch = Stretch::read(call, &["systems"], asked.limit.as_deref(), asked.cursor.as_deref())?;
    let all = call.administration().systems(call.organization())?;
    Reply::ok(&stretch.page_of_all(all, |system| system.id, Shown::from))
}

/// Adds a downstream system
#[utoipa::path(post, path = "/api/v1/systems", operation_id = "create_system", request_body = Wanted,
    responses((status = 201, body = Shown)))]
fn create(call: &Call) -> Result<Reply, Problem> {
    let wanted: Wanted = call.body()?;
    let name: Name = wanted.name.parse()?;
    let github = wanted.github.map(|github| Source {
        organization: github.organization,
        api: github.api.unwrap_or_else(|| GITHUB.to_owned()),
        token: Zeroizing::new(github.token),
    });
    let system = call.administration().add_system(call.organization(), &NewSystem { name, github })?;
    let path = format!("systems/{}", system.id);
    Reply::created(call, &Shown::from(system), &path, None)
}

/// Compares a system no more; what was found stays on record
#[utoipa::path(delete, path = "/api/v1/systems/{id}", operation_id = "remove_system",
    params(("id" = String, Path, description = "Its id")), responses((status = 204)))]
fn remove(call: &Call) -> Result<Reply, Problem> {
    call.administration().remove_system(call.organization(), call.id(0)?)?;
    Ok(Reply::NoContent)
}

/// Says whose an account is
#[utoipa::path(put, path = "/api/v1/systems/{id}/accounts", operation_id = "tie_account", request_body = Tie,
    params(("id" = String, Path, description = "The system")), responses((status = 204)))]
fn tie(call: &Call) -> Result<Reply, Problem> {
    let system: ResourceId = call.id(0)?;
    let wanted: Tie = call.body()?;
    match wanted.user {
        None => call.administration().untie_account(call.organization(), system, &wanted.account)?,
        Some(user) => {
            let unknown = |_not_ours| Problem::bad_request("`user` must be the id of a user");
            let user: UserId = user.parse().map_err(unknown)?;
            call.administration().tie_account(call.organization(), system, &wanted.account, user)?;
        }
    }
    Ok(Reply::NoContent)
}

/// Compares the accounts of a system, sent or fetched, with the people here
#[utoipa::path(post, path = "/api/v1/systems/{id}/reconciliations", operation_id = "reconcile_system",
    request_body = Accounts, params(("id" = String, Path, description = "The system")),
    responses((status = 200, body = ShownComparison), (status = 409, description = "The accounts cannot be fetched now")))]
fn reconcile(call: &Call) -> Result<Reply, Problem> {
    let system: ResourceId = call.id(0)?;
    let sent: Accounts = call.body()?;
    let administration = call.administration();
    let accounts = match (sent.csv, sent.accounts) {
        (None, None) => {
            let compared = administration.reconcile_fetched(call.organization(), system)?;
            return Reply::ok(&ShownComparison::from(compared));
        }
        (Some(csv), None) => read_csv(&csv).map_err(|problem| Problem::bad_request(format!("`csv`: {problem}")))?,
        (None, Some(accounts)) => accounts.into_iter().map(account).collect(),
        (Some(_), Some(_)) => return Err(Problem::bad_request("give either `csv` or `accounts`")),
    };
    Reply::ok(&ShownComparison::from(administration.reconcile(call.organization(), system, &accounts)?))
}

fn account(sent: Account) -> DownstreamAccount {
    DownstreamAccount {
        name: sent.name,
        id: sent.id,
        email: sent.email,
        user_name: sent.user_name,
        external_id: sent.external_id,
        groups: sent.groups.into_iter().collect(),
    }
}

/// The last hundred comparisons of a system, oldest first
#[utoipa::path(get, path = "/api/v1/systems/{id}/reconciliations", operation_id = "list_reconciliations",
    params(("id" = String, Path, description = "The system"), Paging),
    responses((status = 200, body = Page<ShownComparison>)))]
fn reconciliations(call: &Call) -> Result<Reply, Problem> {
    let system: ResourceId = call.id(0)?;
    let asked: Paging = call.query()?;
    let list = ["reconciliations", &system.to_string()];
    let stretch = Stretch::read(call, &list, asked.limit.as_deref(), asked.cursor.as_deref())?;
    let all = call.administration().reconciliations(call.organization(), system, ResourceId::LAST, MOST)?;
    Reply::ok(&stretch.page_of_all(all, |compared| compared.id, ShownComparison::from))
}
