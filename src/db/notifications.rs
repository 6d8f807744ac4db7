//! What administrators are told: who is, of what, what is so now, and what waits to be sent.

mod subscriptions;

use diesel::QueryableByName;
use diesel::sql_types::{Binary, Text};

use crate::model::{Moment, NoticeKind, OrganizationId, ResourceId, write_kinds};

use super::sql::{Bind, Sql, Statement};
use super::{DatabaseError, Tx};

pub use subscriptions::{Claim, StoredSubscription, Subscription, Target, by_id, due, list};

/// A notice that stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Its identifier.
    pub id: ResourceId,
    /// Of what kind.
    pub kind: NoticeKind,
    /// What of.
    pub cause: String,
    /// A sentence.
    pub said: String,
    /// Since when.
    pub began_at: Moment,
}

/// What a subscriber is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// Its identifier.
    pub id: ResourceId,
    /// Of what kind.
    pub kind: String,
    /// `began`, `ended` or `test`.
    pub state: String,
    /// A sentence.
    pub said: String,
    /// Since when it is to be told.
    pub created_at: Moment,
}

/// What is written.
#[derive(Debug, Clone)]
pub enum NotificationRow {
    /// Somebody wants to be told.
    Subscribes(Box<Subscription>),
    /// Somebody wants to be told of these kinds from now on.
    Kinds(ResourceId, String),
    /// Somebody wants to be told no more.
    Unsubscribes(ResourceId),
    /// Something is so from now on.
    Begins(Notice),
    /// Something is so no more.
    Ends(ResourceId, Moment),
    /// A subscriber is to be told.
    Tells(ResourceId, Notification),
}

const BEGIN: Statement = Statement::both(
    "notice_begin",
    "INSERT INTO notice (organization, id, kind, cause, said, began_at) VALUES ($1, $2, $3, $4, $5, $6) \
     ON CONFLICT (organization, kind, cause) WHERE ended_at IS NULL DO NOTHING",
);
const END: Statement = Statement::both(
    "notice_end",
    "UPDATE notice SET ended_at = $3 WHERE organization = $1 AND id = $2 AND coalesce(ended_at, 0) = 0",
);
const STANDING: Statement = Statement {
    name: "notice_standing",
    sqlite: "SELECT id, kind, cause, said, began_at FROM notice INDEXED BY notice_standing \
             WHERE organization = $1 AND ended_at IS NULL",
    postgres: "SELECT id, kind, cause, said, began_at FROM notice WHERE organization = $1 AND ended_at IS NULL",
};
const TELL: Statement = Statement::both(
    "notification_insert",
    "INSERT INTO notification (organization, subscription, id, kind, state, said, created_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7)",
);
const WAITING: Statement = Statement::both(
    "notification_waiting",
    "SELECT id, kind, state, said, created_at FROM notification \
     WHERE organization = $1 AND subscription = $2 AND finished_at IS NULL ORDER BY id LIMIT $3",
);
const FINISH: Statement = Statement::both(
    "notification_finish",
    "UPDATE notification SET finished_at = $4, outcome = $5 \
     WHERE organization = $1 AND subscription = $2 AND id = $3 AND coalesce(finished_at, 0) = 0",
);

const FORGET: Statement =
    Statement::both("notification_forget", "DELETE FROM notification WHERE organization = $1 AND created_at < $2");
const FORGET_NOTICES: Statement =
    Statement::both("notice_forget", "DELETE FROM notice WHERE organization = $1 AND ended_at < $2");

const OWN: &[&Statement] = &[&BEGIN, &END, &STANDING, &TELL, &WAITING, &FINISH, &FORGET, &FORGET_NOTICES];

/// Every statement of these tables.
pub(super) const STATEMENTS: &[&[&Statement]] = &[OWN, subscriptions::STATEMENTS];

impl NotificationRow {
    pub(super) fn write(&self, tx: &mut Tx<'_>, organization: OrganizationId) -> diesel::QueryResult<usize> {
        let of = Bind::Bytes(organization.as_bytes());
        match self {
            Self::Subscribes(subscription) => subscriptions::insert(tx, organization, subscription),
            Self::Kinds(id, kinds) => subscriptions::set_kinds(tx, organization, *id, kinds),
            Self::Unsubscribes(id) => subscriptions::remove(tx, organization, *id),
            Self::Begins(notice) => {
                let binds = vec![
                    of,
                    Bind::Bytes(notice.id.as_bytes()),
                    Bind::Text(notice.kind.as_str()),
                    Bind::Text(&notice.cause),
                    Bind::Text(&notice.said),
                    Bind::Int(notice.began_at.as_micros()),
                ];
                Sql(&BEGIN, binds).run(tx)
            }
            Self::Ends(id, at) => Sql(&END, vec![of, Bind::Bytes(id.as_bytes()), Bind::Int(at.as_micros())]).run(tx),
            Self::Tells(subscription, told) => {
                let binds = vec![
                    of,
                    Bind::Bytes(subscription.as_bytes()),
                    Bind::Bytes(told.id.as_bytes()),
                    Bind::Text(&told.kind),
                    Bind::Text(&told.state),
                    Bind::Text(&told.said),
                    Bind::Int(told.created_at.as_micros()),
                ];
                Sql(&TELL, binds).run(tx)
            }
        }
    }
}

#[derive(QueryableByName)]
struct NoticeRecord {
    #[diesel(sql_type = Binary)]
    id: Vec<u8>,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    cause: String,
    #[diesel(sql_type = Text)]
    said: String,
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    began_at: i64,
}

#[derive(QueryableByName)]
struct NotificationRecord {
    #[diesel(sql_type = Binary)]
    id: Vec<u8>,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = Text)]
    said: String,
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    created_at: i64,
}

fn corrupt(table: &'static str) -> impl Fn(crate::model::IdError) -> DatabaseError {
    move |error| DatabaseError::Corrupt { table, problem: error.to_string() }
}

/// The notices that stand; those of kinds of a later version are left out.
///
/// # Errors
/// [`DatabaseError`].
pub fn standing(tx: &mut Tx<'_>, organization: OrganizationId) -> Result<Vec<Notice>, DatabaseError> {
    let rows = Sql(&STANDING, vec![Bind::Bytes(organization.as_bytes())]).rows::<NoticeRecord>(tx)?;
    let read = |row: NoticeRecord| {
        let kind = NoticeKind::from_name(&row.kind)?;
        let id = ResourceId::from_bytes(&row.id).map_err(corrupt("notice"));
        let (cause, said, began_at) = (row.cause, row.said, Moment::from_micros(row.began_at));
        Some(id.map(|id| Notice { id, kind, cause, said, began_at }))
    };
    rows.into_iter().filter_map(read).collect()
}

/// What waits for a subscriber, oldest first, at most `limit`.
///
/// # Errors
/// [`DatabaseError`].
pub fn waiting(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    subscription: ResourceId,
    limit: i64,
) -> Result<Vec<Notification>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(subscription.as_bytes()), Bind::Int(limit)];
    let read = |row: NotificationRecord| {
        Ok(Notification {
            id: ResourceId::from_bytes(&row.id).map_err(corrupt("notification"))?,
            kind: row.kind,
            state: row.state,
            said: row.said,
            created_at: Moment::from_micros(row.created_at),
        })
    };
    Sql(&WAITING, binds).rows(tx)?.into_iter().map(read).collect()
}

/// Puts on record what became of a notification: `sent`, or why it was not.
///
/// # Errors
/// [`DatabaseError`].
pub fn finish(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    (subscription, id): (ResourceId, ResourceId),
    at: Moment,
    outcome: &str,
) -> Result<(), DatabaseError> {
    let binds = vec![
        Bind::Bytes(organization.as_bytes()),
        Bind::Bytes(subscription.as_bytes()),
        Bind::Bytes(id.as_bytes()),
        Bind::Int(at.as_micros()),
        Bind::Text(outcome),
    ];
    Sql(&FINISH, binds).run(tx)?;
    Ok(())
}

/// Forgets what was to be told before then, and what was over by then; answers how much that was.
///
/// # Errors
/// [`DatabaseError`].
pub fn forget(tx: &mut Tx<'_>, organization: OrganizationId, before: Moment) -> Result<usize, DatabaseError> {
    let binds = || vec![Bind::Bytes(organization.as_bytes()), Bind::Int(before.as_micros())];
    let (told, over) = (Sql(&FORGET, binds()).run(tx)?, Sql(&FORGET_NOTICES, binds()).run(tx)?);
    Ok(told.saturating_add(over))
}
