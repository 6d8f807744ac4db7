//! The outbox: what receivers are still to be told, and what they have answered.

/// What says that somebody is gone, as a list of SQL.
macro_rules! gone {
    () => {
        "('https://schemas.openid.net/secevent/caep/event-type/session-revoked', \
         'https://schemas.openid.net/secevent/risc/event-type/account-disabled', \
         'https://schemas.openid.net/secevent/risc/event-type/account-purged', \
         'urn:ietf:params:scim:event:prov:delete', \
         'urn:ietf:params:scim:event:prov:deactivate')"
    };
}

mod kept;

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Binary, Nullable, Text};

use crate::model::{Moment, OrganizationId, RequestId, ResourceId};

use super::sql::{Bind, Sql, Statement};
use super::{DatabaseError, Tx};

pub use kept::{forget, refused};

pub(super) const INSERT: Statement = Statement {
    name: "signal_insert",
    sqlite: "INSERT INTO signal (organization, receiver, id, subject, request, event, content, created_at, attempts) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0)",
    postgres: "INSERT INTO signal (organization, receiver, id, subject, request, event, content, created_at, attempts) \
               SELECT v.*, 0 FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bytea[], $5::bytea[], $6::text[], \
               $7::text[], $8::bigint[]) AS v",
};
pub(super) const WAITING: Statement = Statement::both(
    "signal_waiting",
    "SELECT receiver, id, subject, request, event, content, created_at, attempts, first_attempt_at, finished_at, outcome, \
     error FROM signal WHERE organization = $1 AND receiver = $2 AND finished_at IS NULL ORDER BY id LIMIT $3",
);
pub(super) const FINISH: Statement = Statement {
    name: "signal_finish",
    sqlite: concat!(
        "UPDATE signal SET attempts = attempts + 1, first_attempt_at = COALESCE(first_attempt_at, $4), finished_at = $5, \
         outcome = $6, error = $7, content = '', refused_at = CASE WHEN $6 = 'refused' THEN $5 END, \
         passing_at = CASE WHEN event NOT IN ",
        gone!(),
        " THEN $5 END WHERE organization = $1 AND receiver = $2 AND id = $3 AND finished_at IS NULL"
    ),
    postgres: concat!(
        "UPDATE signal AS s SET attempts = s.attempts + 1, first_attempt_at = COALESCE(s.first_attempt_at, v.sent_at), \
         finished_at = v.answered_at, outcome = v.outcome, error = v.error, content = '', \
         refused_at = CASE WHEN v.outcome = 'refused' THEN v.answered_at END, \
         passing_at = CASE WHEN s.event NOT IN ",
        gone!(),
        " THEN v.answered_at END FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bigint[], $5::bigint[], $6::text[], $7::text[]) \
         AS v(organization, receiver, id, sent_at, answered_at, outcome, error) WHERE s.organization = v.organization \
         AND s.receiver = v.receiver AND s.id = v.id AND s.finished_at IS NULL"
    ),
};
pub(super) const TRIED: Statement = Statement {
    name: "signal_tried",
    sqlite: "UPDATE signal SET attempts = attempts + 1, first_attempt_at = COALESCE(first_attempt_at, $4), error = $5 \
             WHERE organization = $1 AND receiver = $2 AND id = $3 AND finished_at IS NULL",
    postgres: "UPDATE signal AS s SET attempts = s.attempts + 1, first_attempt_at = COALESCE(s.first_attempt_at, v.sent_at), \
               error = v.error FROM unnest($1::bytea[], $2::bytea[], $3::bytea[], $4::bigint[], $5::text[]) \
               AS v(organization, receiver, id, sent_at, error) WHERE s.organization = v.organization \
               AND s.receiver = v.receiver AND s.id = v.id AND s.finished_at IS NULL",
};
pub(super) const HANDED_OUT: Statement = Statement::both(
    "signal_handed_out",
    "UPDATE signal SET first_attempt_at = COALESCE(first_attempt_at, $4) \
     WHERE organization = $1 AND receiver = $2 AND id = $3 AND finished_at IS NULL",
);
pub(super) const OF_SUBJECT: Statement = Statement::both(
    "signal_of_subject",
    "SELECT receiver, id, subject, request, event, content, created_at, attempts, first_attempt_at, finished_at, outcome, \
     error FROM signal WHERE organization = $1 AND subject = $2 ORDER BY id DESC LIMIT $3",
);

const BY_ID: Statement = Statement::both(
    "signal_by_id",
    "SELECT receiver, id, subject, request, event, content, created_at, attempts, first_attempt_at, finished_at, outcome, \
     error FROM signal WHERE organization = $1 AND receiver = $2 AND id = $3",
);
const DROP: Statement = Statement::both(
    "signal_drop",
    concat!(
        "UPDATE signal SET finished_at = $4, outcome = 'dropped', content = '', passing_at = CASE WHEN event NOT IN ",
        gone!(),
        " THEN CAST($4 AS BIGINT) END WHERE organization = $1 AND receiver = $2 AND id <> $3 AND finished_at IS NULL"
    ),
);

/// Every statement of this table group.
pub(super) const STATEMENTS: &[&Statement] =
    &[&INSERT, &WAITING, &FINISH, &TRIED, &HANDED_OUT, &OF_SUBJECT, &BY_ID, &DROP, &kept::FORGET, &kept::REFUSED];

/// The outcome of what a receiver has taken.
const ACKNOWLEDGED: &str = "acknowledged";

/// One event for one receiver, written in the transaction of what it tells.
#[derive(Debug, Clone)]
pub struct SignalRow {
    /// For whom.
    pub receiver: ResourceId,
    /// Its identifier: the `jti`.
    pub id: ResourceId,
    /// About whom.
    pub subject: ResourceId,
    /// What caused it: the `txn`.
    pub request: RequestId,
    /// The URI of the event.
    pub event: &'static str,
    /// JSON: `sub_id`, and what the event says besides.
    pub content: String,
    /// When it happened.
    pub created_at: Moment,
}

impl SignalRow {
    pub(super) fn binds<'a>(&'a self, organization: &'a OrganizationId) -> Vec<Bind<'a>> {
        vec![
            Bind::Bytes(organization.as_bytes()),
            Bind::Bytes(self.receiver.as_bytes()),
            Bind::Bytes(self.id.as_bytes()),
            Bind::Bytes(self.subject.as_bytes()),
            Bind::Bytes(self.request.as_bytes()),
            Bind::Text(self.event),
            Bind::Text(&self.content),
            Bind::Int(self.created_at.as_micros()),
        ]
    }
}

/// A signal as read back.
#[derive(Debug, Clone)]
pub struct StoredSignal {
    /// For whom.
    pub receiver: ResourceId,
    /// Its identifier: the `jti`.
    pub id: ResourceId,
    /// About whom.
    pub subject: ResourceId,
    /// What caused it: the `txn`.
    pub request: RequestId,
    /// The URI of the event.
    pub event: String,
    /// JSON: `sub_id`, and what the event says besides; empty once the receiver has answered.
    pub content: String,
    /// When it happened.
    pub created_at: Moment,
    /// How often it was sent.
    pub attempts: i64,
    /// When it was sent for the first time.
    pub first_attempt_at: Option<Moment>,
    /// When the receiver answered.
    pub finished_at: Option<Moment>,
    /// What it answered: `acknowledged` or `refused`; or `dropped`: it was disabled before it was told.
    pub outcome: Option<String>,
    /// Why it was refused, or not sent the last time.
    pub error: Option<String>,
}

#[derive(QueryableByName)]
struct SignalRecord {
    #[diesel(sql_type = Binary)]
    receiver: Vec<u8>,
    #[diesel(sql_type = Binary)]
    id: Vec<u8>,
    #[diesel(sql_type = Binary)]
    subject: Vec<u8>,
    #[diesel(sql_type = Binary)]
    request: Vec<u8>,
    #[diesel(sql_type = Text)]
    event: String,
    #[diesel(sql_type = Text)]
    content: String,
    #[diesel(sql_type = BigInt)]
    created_at: i64,
    #[diesel(sql_type = BigInt)]
    attempts: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    first_attempt_at: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    finished_at: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    outcome: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    error: Option<String>,
}

impl SignalRecord {
    fn read(self) -> Result<StoredSignal, DatabaseError> {
        let corrupt =
            |error: crate::model::IdError| DatabaseError::Corrupt { table: "signal", problem: error.to_string() };
        Ok(StoredSignal {
            receiver: ResourceId::from_bytes(&self.receiver).map_err(corrupt)?,
            id: ResourceId::from_bytes(&self.id).map_err(corrupt)?,
            subject: ResourceId::from_bytes(&self.subject).map_err(corrupt)?,
            request: RequestId::from_bytes(&self.request).map_err(corrupt)?,
            event: self.event,
            content: self.content,
            created_at: Moment::from_micros(self.created_at),
            attempts: self.attempts,
            first_attempt_at: self.first_attempt_at.map(Moment::from_micros),
            finished_at: self.finished_at.map(Moment::from_micros),
            outcome: self.outcome,
            error: self.error,
        })
    }
}

impl StoredSignal {
    /// When the receiver acknowledged it; `None` while it waits, and where it was refused.
    pub fn acknowledged_at(&self) -> Option<Moment> {
        self.finished_at.filter(|_at| self.outcome.as_deref() == Some(ACKNOWLEDGED))
    }
}

/// What waits for a receiver, oldest first, at most `most`.
///
/// # Errors
/// [`DatabaseError`].
pub fn waiting(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    receiver: ResourceId,
    most: i64,
) -> Result<Vec<StoredSignal>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(receiver.as_bytes()), Bind::Int(most)];
    Sql(&WAITING, binds).rows::<SignalRecord>(tx)?.into_iter().map(SignalRecord::read).collect()
}

/// One signal.
///
/// # Errors
/// [`DatabaseError`].
pub fn by_id(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    (receiver, id): (ResourceId, ResourceId),
) -> Result<Option<StoredSignal>, DatabaseError> {
    let binds =
        vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(receiver.as_bytes()), Bind::Bytes(id.as_bytes())];
    Sql(&BY_ID, binds).row::<SignalRecord>(tx)?.map(SignalRecord::read).transpose()
}

/// Gives up what waits for a receiver, one signal aside; answers 1, however much that is.
pub(super) fn drop_waiting(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    (receiver, but): (ResourceId, ResourceId),
    at: Moment,
) -> diesel::QueryResult<usize> {
    let binds = vec![
        Bind::Bytes(organization.as_bytes()),
        Bind::Bytes(receiver.as_bytes()),
        Bind::Bytes(but.as_bytes()),
        Bind::Int(at.as_micros()),
    ];
    Sql(&DROP, binds).run(tx)?;
    Ok(1)
}

/// Puts signals on record beside the change they tell of.
///
/// # Errors
/// [`DatabaseError`].
pub fn add(tx: &mut Tx<'_>, organization: OrganizationId, rows: &[SignalRow]) -> Result<(), DatabaseError> {
    INSERT.write_rows(tx, rows.iter().map(|row| row.binds(&organization)).collect())?;
    Ok(())
}

/// What receivers were told of somebody, the latest first, at most `most`.
///
/// # Errors
/// [`DatabaseError`].
pub fn of_subject(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    subject: ResourceId,
    most: i64,
) -> Result<Vec<StoredSignal>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(subject.as_bytes()), Bind::Int(most)];
    Sql(&OF_SUBJECT, binds).rows::<SignalRecord>(tx)?.into_iter().map(SignalRecord::read).collect()
}

/// What became of sending a signal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    /// The receiver has it.
    Acknowledged,
    /// The receiver does not want it, and would not the next time.
    Refused(String),
    /// To be sent again.
    Failed(String),
}

/// One signal that was sent or answered: which, when, when it was answered, and how.
pub type Attempt = (ResourceId, (Moment, Moment), Sent);

/// Records what became of signals; what is finished stays as it is.
///
/// # Errors
/// [`DatabaseError`].
pub fn record(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    receiver: ResourceId,
    attempts: &[Attempt],
) -> Result<(), DatabaseError> {
    let (mut finished, mut tried) = (Vec::new(), Vec::new());
    for (id, (sent_at, answered_at), sent) in attempts {
        let mut row = vec![
            Bind::Bytes(organization.as_bytes()),
            Bind::Bytes(receiver.as_bytes()),
            Bind::Bytes(id.as_bytes()),
            Bind::Int(sent_at.as_micros()),
        ];
        let (outcome, why) = match sent {
            Sent::Acknowledged => (ACKNOWLEDGED, None),
            Sent::Refused(why) => ("refused", Some(why.as_str())),
            Sent::Failed(why) => {
                row.push(Bind::Text(why));
                tried.push(row);
                continue;
            }
        };
        row.extend([Bind::Int(answered_at.as_micros()), Bind::Text(outcome), Bind::OptionalText(why)]);
        finished.push(row);
    }
    FINISH.write_rows(tx, finished)?;
    TRIED.write_rows(tx, tried)?;
    Ok(())
}

/// Records that a receiver has fetched a signal, which it has yet to acknowledge.
///
/// # Errors
/// [`DatabaseError`].
pub fn handed_out(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    (receiver, id): (ResourceId, ResourceId),
    at: Moment,
) -> Result<(), DatabaseError> {
    let binds = vec![
        Bind::Bytes(organization.as_bytes()),
        Bind::Bytes(receiver.as_bytes()),
        Bind::Bytes(id.as_bytes()),
        Bind::Int(at.as_micros()),
    ];
    Sql(&HANDED_OUT, binds).run(tx)?;
    Ok(())
}
