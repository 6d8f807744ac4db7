//! Downstream systems, whose accounts belong to whom, and what comparisons came to.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Binary, Nullable, Text};

use crate::model::{IdError, Moment, OrganizationId, ResourceId, UserId, limits};

use super::sql::{Bind, Sql, Statement};
use super::{DatabaseError, Tx};

/// Where accounts are fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GithubSource {
    /// The organization at GitHub.
    pub organization: String,
    /// Where GitHub's API stands.
    pub api: String,
    /// The token it is asked with, sealed.
    pub secret: Vec<u8>,
}

/// A downstream system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DownstreamSystem {
    /// Its identifier.
    pub id: ResourceId,
    /// Its name.
    pub name: String,
    /// Its name, folded.
    pub name_key: String,
    /// Where its accounts are fetched; nothing where lists are uploaded.
    pub github: Option<GithubSource>,
    /// Since when.
    pub created_at: Moment,
}

/// One comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reconciliation {
    /// Its identifier.
    pub id: ResourceId,
    /// When.
    pub at: Moment,
    /// What it came to, JSON.
    pub report: String,
}

/// What is written.
#[derive(Debug, Clone)]
pub enum ReconciliationRow {
    /// A new system.
    System(Box<DownstreamSystem>),
    /// A system that is compared no more.
    RemoveSystem(ResourceId, Moment),
    /// Whose an account is.
    Owner {
        /// Of which system.
        system: ResourceId,
        /// The account: its identifier there, or its name.
        account: String,
        /// Whose.
        user: UserId,
    },
    /// An account is nobody's that could be said.
    RemoveOwner(ResourceId, String),
    /// A comparison of a system.
    Compared(ResourceId, Reconciliation),
}

const INSERT: Statement = Statement::both(
    "downstream_system_insert",
    "INSERT INTO downstream_system (organization, id, name, name_key, organization_name, api, secret, created_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
);
const REMOVE: Statement = Statement::both(
    "downstream_system_remove",
    "UPDATE downstream_system SET removed_at = $3, secret = NULL WHERE organization = $1 AND id = $2 \
     AND coalesce(removed_at, 0) = 0",
);
const LIST: Statement = Statement::both(
    "downstream_system_list",
    "SELECT id, name, name_key, organization_name, api, secret, created_at FROM downstream_system \
     WHERE organization = $1 AND removed_at IS NULL ORDER BY name_key",
);
const OWN: Statement = Statement::both(
    "account_owner_set",
    "INSERT INTO account_owner (organization, system, account, user_id) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (organization, system, account) DO UPDATE SET user_id = excluded.user_id",
);
const DISOWN: Statement = Statement::both(
    "account_owner_remove",
    "DELETE FROM account_owner WHERE organization = $1 AND system = $2 AND account = $3",
);
const OWNERS: Statement = Statement::both(
    "account_owner_list",
    "SELECT account, user_id FROM account_owner WHERE organization = $1 AND system = $2 ORDER BY account",
);
const COMPARED: Statement = Statement::both(
    "reconciliation_insert",
    "INSERT INTO reconciliation (organization, system, id, at, report) VALUES ($1, $2, $3, $4, $5)",
);
const FORGET: Statement = Statement::both(
    "reconciliation_forget",
    "DELETE FROM reconciliation WHERE organization = $1 AND system = $2 AND id <= (SELECT id FROM reconciliation \
     WHERE organization = $1 AND system = $2 ORDER BY id DESC LIMIT 1 OFFSET $3)",
);
const BEFORE: Statement = Statement::both(
    "reconciliation_before",
    "SELECT id, at, report FROM reconciliation WHERE organization = $1 AND system = $2 AND id < $3 \
     ORDER BY id DESC LIMIT $4",
);

/// Every statement of these tables.
pub(super) const STATEMENTS: &[&Statement] =
    &[&INSERT, &REMOVE, &LIST, &OWN, &DISOWN, &OWNERS, &COMPARED, &FORGET, &BEFORE];

impl ReconciliationRow {
    pub(super) fn write(&self, tx: &mut Tx<'_>, organization: OrganizationId) -> diesel::QueryResult<usize> {
        let of = Bind::Bytes(organization.as_bytes());
        match self {
            Self::System(system) => {
                let github = system.github.as_ref();
                let binds = vec![
                    of,
                    Bind::Bytes(system.id.as_bytes()),
                    Bind::Text(&system.name),
                    Bind::Text(&system.name_key),
                    Bind::OptionalText(github.map(|github| github.organization.as_str())),
                    Bind::OptionalText(github.map(|github| github.api.as_str())),
                    Bind::OptionalBytes(github.map(|github| github.secret.as_slice())),
                    Bind::Int(system.created_at.as_micros()),
                ];
                Sql(&INSERT, binds).run(tx)
            }
            Self::RemoveSystem(id, at) => {
                Sql(&REMOVE, vec![of, Bind::Bytes(id.as_bytes()), Bind::Int(at.as_micros())]).run(tx)
            }
            Self::Owner { system, account, user } => {
                let binds = vec![of, Bind::Bytes(system.as_bytes()), Bind::Text(account), Bind::Bytes(user.as_bytes())];
                Sql(&OWN, binds).run(tx)
            }
            Self::RemoveOwner(system, account) => {
                Sql(&DISOWN, vec![of, Bind::Bytes(system.as_bytes()), Bind::Text(account)]).run(tx)
            }
            Self::Compared(system, compared) => {
                let binds = vec![
                    of,
                    Bind::Bytes(system.as_bytes()),
                    Bind::Bytes(compared.id.as_bytes()),
                    Bind::Int(compared.at.as_micros()),
                    Bind::Text(&compared.report),
                ];
                let written = Sql(&COMPARED, binds).run(tx)?;
                let kept = Bind::Int(i64::try_from(limits::RECONCILIATIONS_KEPT).unwrap_or(i64::MAX));
                Sql(&FORGET, vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(system.as_bytes()), kept])
                    .run(tx)?;
                Ok(written)
            }
        }
    }
}

#[derive(QueryableByName)]
struct SystemRecord {
    #[diesel(sql_type = Binary)]
    id: Vec<u8>,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    name_key: String,
    #[diesel(sql_type = Nullable<Text>)]
    organization_name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    api: Option<String>,
    #[diesel(sql_type = Nullable<Binary>)]
    secret: Option<Vec<u8>>,
    #[diesel(sql_type = BigInt)]
    created_at: i64,
}

#[derive(QueryableByName)]
struct OwnerRecord {
    #[diesel(sql_type = Text)]
    account: String,
    #[diesel(sql_type = Binary)]
    user_id: Vec<u8>,
}

#[derive(QueryableByName)]
struct ComparedRecord {
    #[diesel(sql_type = Binary)]
    id: Vec<u8>,
    #[diesel(sql_type = BigInt)]
    at: i64,
    #[diesel(sql_type = Text)]
    report: String,
}

fn corrupt(table: &'static str) -> impl Fn(IdError) -> DatabaseError {
    move |error| DatabaseError::Corrupt { table, problem: error.to_string() }
}

/// The downstream systems of an organization, by name.
///
/// # Errors
/// [`DatabaseError`].
pub fn systems(tx: &mut Tx<'_>, organization: OrganizationId) -> Result<Vec<DownstreamSystem>, DatabaseError> {
    let read = |row: SystemRecord| {
        let github = match (row.organization_name, row.api, row.secret) {
            (Some(organization), Some(api), Some(secret)) => Some(GithubSource { organization, api, secret }),
            _ => None,
        };
        Ok(DownstreamSystem {
            id: ResourceId::from_bytes(&row.id).map_err(corrupt("downstream_system"))?,
            name: row.name,
            name_key: row.name_key,
            github,
            created_at: Moment::from_micros(row.created_at),
        })
    };
    Sql(&LIST, vec![Bind::Bytes(organization.as_bytes())]).rows(tx)?.into_iter().map(read).collect()
}

/// Whose the accounts of a system are, as far as administrators have said.
///
/// # Errors
/// [`DatabaseError`].
pub fn owners(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    system: ResourceId,
) -> Result<Vec<(String, UserId)>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(system.as_bytes())];
    let read =
        |row: OwnerRecord| Ok((row.account, UserId::from_bytes(&row.user_id).map_err(corrupt("account_owner"))?));
    Sql(&OWNERS, binds).rows(tx)?.into_iter().map(read).collect()
}

/// The comparisons of a system before `before`, newest first, at most `limit`.
///
/// # Errors
/// [`DatabaseError`].
pub fn before(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    system: ResourceId,
    before: ResourceId,
    limit: i64,
) -> Result<Vec<Reconciliation>, DatabaseError> {
    let binds = vec![
        Bind::Bytes(organization.as_bytes()),
        Bind::Bytes(system.as_bytes()),
        Bind::Bytes(before.as_bytes()),
        Bind::Int(limit),
    ];
    let read = |row: ComparedRecord| {
        Ok(Reconciliation {
            id: ResourceId::from_bytes(&row.id).map_err(corrupt("reconciliation"))?,
            at: Moment::from_micros(row.at),
            report: row.report,
        })
    };
    Sql(&BEFORE, binds).rows(tx)?.into_iter().map(read).collect()
}
