//! Who is told, and how far the sender has got with each.

use std::collections::BTreeSet;

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Binary, Nullable, Text};

use crate::model::{AccountId, Moment, NoticeKind, OrganizationId, ResourceId, read_kinds};

use super::super::sql::{Bind, Sql, Statement};
use super::super::{DatabaseError, Tx};
use super::{corrupt, write_kinds};

/// How somebody is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// By mail to the address of an account, whatever it is then.
    Mail(AccountId),
    /// By webhook.
    Webhook {
        /// Where.
        endpoint: String,
        /// Its key, sealed.
        secret: Vec<u8>,
    },
}

/// Who is told of what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Its identifier.
    pub id: ResourceId,
    /// How.
    pub target: Target,
    /// Of what.
    pub kinds: BTreeSet<NoticeKind>,
    /// Since when.
    pub created_at: Moment,
}

/// A subscription, and how it fares.
#[derive(Debug, Clone)]
pub struct StoredSubscription {
    /// The subscription.
    pub subscription: Subscription,
    /// How often in a row it could not be told.
    pub failures: i64,
    /// Why not.
    pub last_error: Option<String>,
}

const INSERT: Statement = Statement::both(
    "subscription_insert",
    "INSERT INTO subscription (organization, id, account, endpoint, secret, kinds, created_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
);
const KINDS: Statement =
    Statement::both("subscription_kinds", "UPDATE subscription SET kinds = $3 WHERE organization = $1 AND id = $2");
const REMOVE: Statement =
    Statement::both("subscription_remove", "DELETE FROM subscription WHERE organization = $1 AND id = $2");
const LIST: Statement = Statement::both(
    "subscription_list",
    "SELECT id, account, endpoint, secret, kinds, created_at, failures, last_error FROM subscription \
     WHERE organization = $1 ORDER BY id",
);
const BY_ID: Statement = Statement::both(
    "subscription_by_id",
    "SELECT id, account, endpoint, secret, kinds, created_at, failures, last_error FROM subscription \
     WHERE organization = $1 AND id = $2",
);
// Subscribers of the whole deployment are few; for each one probe of an index tells whether anything waits. What is further off
// than any pause or claim is left of a clock that was put back.
const DUE: Statement = Statement::both(
    "subscription_due",
    "SELECT organization, id FROM subscription s WHERE (next_attempt_at <= $1 OR next_attempt_at > $1 + 900000000) \
     AND (claimed_until <= $1 OR claimed_until > $1 + 900000000) \
     AND (SELECT 1 FROM notification waiting WHERE waiting.organization = s.organization \
     AND waiting.subscription = s.id AND waiting.finished_at IS NULL LIMIT 1) = 1 ORDER BY next_attempt_at LIMIT $2",
);
const CLAIM: Statement = Statement::both(
    "subscription_claim",
    "UPDATE subscription SET claimed_until = $3 WHERE organization = $1 AND id = $2 \
     AND (claimed_until <= $4 OR claimed_until > $4 + 900000000)",
);
const DONE: Statement = Statement::both(
    "subscription_done",
    "UPDATE subscription SET claimed_until = 0, failures = $3, next_attempt_at = $4, last_error = $5 \
     WHERE organization = $1 AND id = $2",
);

/// Every statement of this table.
pub(super) const STATEMENTS: &[&Statement] = &[&INSERT, &KINDS, &REMOVE, &LIST, &BY_ID, &DUE, &CLAIM, &DONE];

#[derive(QueryableByName)]
struct SubscriptionRecord {
    #[diesel(sql_type = Binary)]
    id: Vec<u8>,
    #[diesel(sql_type = Nullable<Binary>)]
    account: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<Text>)]
    endpoint: Option<String>,
    #[diesel(sql_type = Nullable<Binary>)]
    secret: Option<Vec<u8>>,
    #[diesel(sql_type = Text)]
    kinds: String,
    #[diesel(sql_type = BigInt)]
    created_at: i64,
    #[diesel(sql_type = BigInt)]
    failures: i64,
    #[diesel(sql_type = Nullable<Text>)]
    last_error: Option<String>,
}

#[derive(QueryableByName)]
struct DueRecord {
    #[diesel(sql_type = Binary)]
    organization: Vec<u8>,
    #[diesel(sql_type = Binary)]
    id: Vec<u8>,
}

fn read(row: SubscriptionRecord) -> Result<StoredSubscription, DatabaseError> {
    let bad = corrupt("subscription");
    let target = match (row.account, row.endpoint, row.secret) {
        (Some(account), ..) => Target::Mail(AccountId::from_bytes(&account).map_err(&bad)?),
        (None, Some(endpoint), Some(secret)) => Target::Webhook { endpoint, secret },
        _ => {
            let problem = "neither an account nor an address".to_owned();
            return Err(DatabaseError::Corrupt { table: "subscription", problem });
        }
    };
    let subscription = Subscription {
        id: ResourceId::from_bytes(&row.id).map_err(&bad)?,
        target,
        kinds: read_kinds(&row.kinds),
        created_at: Moment::from_micros(row.created_at),
    };
    Ok(StoredSubscription { subscription, failures: row.failures, last_error: row.last_error })
}

pub(super) fn insert(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    subscription: &Subscription,
) -> diesel::QueryResult<usize> {
    let kinds = write_kinds(&subscription.kinds);
    let (account, endpoint, secret) = match &subscription.target {
        Target::Mail(account) => (Some(account.as_bytes().as_slice()), None, None),
        Target::Webhook { endpoint, secret } => (None, Some(endpoint.as_str()), Some(secret.as_slice())),
    };
    let binds = vec![
        Bind::Bytes(organization.as_bytes()),
        Bind::Bytes(subscription.id.as_bytes()),
        Bind::OptionalBytes(account),
        Bind::OptionalText(endpoint),
        Bind::OptionalBytes(secret),
        Bind::Text(&kinds),
        Bind::Int(subscription.created_at.as_micros()),
    ];
    Sql(&INSERT, binds).run(tx)
}

pub(super) fn set_kinds(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    id: ResourceId,
    kinds: &str,
) -> diesel::QueryResult<usize> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(id.as_bytes()), Bind::Text(kinds)];
    Sql(&KINDS, binds).run(tx)
}

pub(super) fn remove(tx: &mut Tx<'_>, organization: OrganizationId, id: ResourceId) -> diesel::QueryResult<usize> {
    Sql(&REMOVE, vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(id.as_bytes())]).run(tx)
}

/// The subscriptions of an organization, oldest first.
///
/// # Errors
/// [`DatabaseError`].
pub fn list(tx: &mut Tx<'_>, organization: OrganizationId) -> Result<Vec<StoredSubscription>, DatabaseError> {
    Sql(&LIST, vec![Bind::Bytes(organization.as_bytes())]).rows(tx)?.into_iter().map(read).collect()
}

/// One subscription.
///
/// # Errors
/// [`DatabaseError`].
pub fn by_id(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    id: ResourceId,
) -> Result<Option<StoredSubscription>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(id.as_bytes())];
    Sql(&BY_ID, binds).row(tx)?.map(read).transpose()
}

/// Subscriptions for which something waits and whom nobody is sending to.
///
/// # Errors
/// [`DatabaseError`].
pub fn due(tx: &mut Tx<'_>, now: Moment, most: i64) -> Result<Vec<(OrganizationId, ResourceId)>, DatabaseError> {
    let rows: Vec<DueRecord> = Sql(&DUE, vec![Bind::Int(now.as_micros()), Bind::Int(most)]).rows(tx)?;
    let bad = corrupt("subscription");
    let read = |row: DueRecord| {
        let organization = OrganizationId::from_bytes(&row.organization).map_err(&bad)?;
        Ok((organization, ResourceId::from_bytes(&row.id).map_err(&bad)?))
    };
    rows.into_iter().map(read).collect()
}

/// Whom the sender is at.
#[derive(Debug, Clone, Copy)]
pub struct Claim {
    /// Whose subscription.
    pub organization: OrganizationId,
    /// Which.
    pub subscription: ResourceId,
}

impl Claim {
    /// Takes a subscription until then, unless somebody else has it; answers whether.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn take(&self, tx: &mut Tx<'_>, now: Moment, until: Moment) -> Result<bool, DatabaseError> {
        let binds = vec![
            Bind::Bytes(self.organization.as_bytes()),
            Bind::Bytes(self.subscription.as_bytes()),
            Bind::Int(until.as_micros()),
            Bind::Int(now.as_micros()),
        ];
        Ok(Sql(&CLAIM, binds).run(tx)? == 1)
    }

    /// Gives it back until `next`: so often in a row it could not be told, for this reason.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn done(&self, tx: &mut Tx<'_>, next: Moment, failures: i64, why: Option<&str>) -> Result<(), DatabaseError> {
        let binds = vec![
            Bind::Bytes(self.organization.as_bytes()),
            Bind::Bytes(self.subscription.as_bytes()),
            Bind::Int(failures),
            Bind::Int(next.as_micros()),
            Bind::OptionalText(why),
        ];
        Sql(&DONE, binds).run(tx)?;
        Ok(())
    }
}
