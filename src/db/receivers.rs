//! Receivers, and how far the sender has got with each.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Binary, Bool, Nullable, Text};

use crate::model::{CredentialId, Moment, OrganizationId, ResourceId};
use crate::signals::{DefaultSubjects, EventType, Method, Receiver, Status, SubjectFormat};

use super::sql::{Bind, Sql, Statement};
use super::{DatabaseError, Tx};

pub(super) const INSERT: Statement = Statement::both(
    "receiver_insert",
    "INSERT INTO receiver (organization, id, name, method, endpoint, secret, events, subject_format, \
     subject_issuer, audience, algorithm, credential, status, reason, version, created_at, subjects, chosen, notice, \
     claims_told) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, \
     CASE WHEN $20 THEN (SELECT revision FROM organization WHERE id = $1) END)",
);
pub(super) const REPLACE: Statement = Statement::both(
    "receiver_replace",
    "UPDATE receiver SET name = $3, method = $4, endpoint = $5, secret = $6, events = $7, \
     subject_format = $8, subject_issuer = $9, audience = $10, algorithm = $11, credential = $12, status = $13, \
     reason = $14, version = $15, subjects = $17, chosen = $18, notice = $19, next_attempt_at = 0, failures = 0, \
     failing_since = NULL, last_error = NULL, \
     claims_told = CASE WHEN $20 THEN COALESCE(claims_told, (SELECT revision FROM organization WHERE id = $1)) END WHERE organization = $1 AND id = $2 AND version = $15 - 1 AND created_at = $16 AND removed_at IS NULL",
);
pub(super) const REMOVE: Statement = Statement::both(
    "receiver_remove",
    "UPDATE receiver SET removed_at = $4, secret = NULL WHERE organization = $1 AND id = $2 AND version = $3 \
     AND removed_at IS NULL",
);
pub(super) const LIST: Statement = Statement::both(
    "receiver_list",
    "SELECT organization, id, name, method, endpoint, secret, events, subject_format, subject_issuer, audience, algorithm, \
     credential, status, reason, version, created_at, subjects, chosen, notice, failures, failing_since, last_error, \
     acknowledged_at FROM receiver \
     WHERE organization = $1 AND removed_at IS NULL ORDER BY id",
);
pub(super) const BY_ID: Statement = Statement::both(
    "receiver_by_id",
    "SELECT organization, id, name, method, endpoint, secret, events, subject_format, subject_issuer, audience, algorithm, \
     credential, status, reason, version, created_at, subjects, chosen, notice, failures, failing_since, last_error, \
     acknowledged_at FROM receiver \
     WHERE organization = $1 AND id = $2 AND removed_at IS NULL",
);
// Receivers of the whole deployment are few; for each one probe of an index tells whether anything waits. What is further off
// than any pause or claim is left of a clock that was put back.
pub(super) const DUE: Statement = Statement::both(
    "receiver_due",
    "SELECT organization, id FROM receiver r WHERE removed_at IS NULL AND method <> 'poll' \
     AND (next_attempt_at <= $1 OR next_attempt_at > $1 + 900000000) \
     AND (claimed_until <= $1 OR claimed_until > $1 + 900000000) AND (notice IS NOT NULL OR status = 'enabled' AND \
     (SELECT 1 FROM signal waiting WHERE waiting.organization = r.organization AND waiting.receiver = r.id \
     AND waiting.finished_at IS NULL LIMIT 1) = 1) \
     ORDER BY claimed_until LIMIT $2",
);
pub(super) const CLAIM: Statement = Statement::both(
    "receiver_claim",
    "UPDATE receiver SET claimed_by = $3, claimed_until = $4 WHERE organization = $1 AND id = $2 \
     AND (claimed_until <= $5 OR claimed_until > $5 + 900000000) AND (status = 'enabled' OR notice IS NOT NULL) \
     AND removed_at IS NULL",
);
// Whoever has told it something knows that it can be told, even when the claim is somebody else's by now.
pub(super) const SUCCEEDED: Statement = Statement::both(
    "receiver_succeeded",
    "UPDATE receiver SET claimed_until = CASE WHEN claimed_by = $3 THEN $4 ELSE claimed_until END, failures = 0, \
     next_attempt_at = 0, failing_since = NULL, last_error = NULL, acknowledged_at = $4, \
     notice = CASE WHEN notice = $5 THEN NULL ELSE notice END WHERE organization = $1 AND id = $2",
);
pub(super) const FAILED: Statement = Statement::both(
    "receiver_failed",
    "UPDATE receiver SET claimed_until = $4, failures = $5, next_attempt_at = $6, last_error = $7, \
     failing_since = COALESCE(failing_since, $4), notice = CASE WHEN failures < 8 THEN notice END \
     WHERE organization = $1 AND id = $2 AND claimed_by = $3",
);
/// Every statement of this table group.
pub(super) const STATEMENTS: &[&Statement] =
    &[&INSERT, &REPLACE, &REMOVE, &LIST, &BY_ID, &DUE, &CLAIM, &SUCCEEDED, &FAILED];

/// A receiver, and how it fares.
#[derive(Debug, Clone)]
pub struct StoredReceiver {
    /// The receiver.
    pub receiver: Receiver,
    /// How often in a row it could not be told.
    pub failures: i64,
    /// Since when it could not be told.
    pub failing_since: Option<Moment>,
    /// Why not.
    pub last_error: Option<String>,
    /// When it last acknowledged something.
    pub acknowledged_at: Option<Moment>,
}

#[derive(QueryableByName)]
struct ReceiverRecord {
    #[diesel(sql_type = Binary)]
    organization: Vec<u8>,
    #[diesel(sql_type = Binary)]
    id: Vec<u8>,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    method: String,
    #[diesel(sql_type = Nullable<Text>)]
    endpoint: Option<String>,
    #[diesel(sql_type = Nullable<Binary>)]
    secret: Option<Vec<u8>>,
    #[diesel(sql_type = Text)]
    events: String,
    #[diesel(sql_type = Text)]
    subject_format: String,
    #[diesel(sql_type = Nullable<Text>)]
    subject_issuer: Option<String>,
    #[diesel(sql_type = Text)]
    audience: String,
    #[diesel(sql_type = Text)]
    algorithm: String,
    #[diesel(sql_type = Nullable<Binary>)]
    credential: Option<Vec<u8>>,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Nullable<Text>)]
    reason: Option<String>,
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = BigInt)]
    created_at: i64,
    #[diesel(sql_type = Text)]
    subjects: String,
    #[diesel(sql_type = Bool)]
    chosen: bool,
    #[diesel(sql_type = Nullable<Binary>)]
    notice: Option<Vec<u8>>,
    #[diesel(sql_type = BigInt)]
    failures: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    failing_since: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    last_error: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    acknowledged_at: Option<i64>,
}

fn corrupt(problem: impl ToString) -> DatabaseError {
    DatabaseError::Corrupt { table: "receiver", problem: problem.to_string() }
}

impl ReceiverRecord {
    fn read(self) -> Result<StoredReceiver, DatabaseError> {
        let receiver = Receiver {
            organization: OrganizationId::from_bytes(&self.organization).map_err(corrupt)?,
            id: ResourceId::from_bytes(&self.id).map_err(corrupt)?,
            name: self.name,
            method: Method::from_name(&self.method).ok_or_else(|| corrupt("unknown method"))?,
            endpoint: self.endpoint,
            secret: self.secret,
            events: self.events.split_whitespace().filter_map(EventType::requested).collect(),
            subject_format: SubjectFormat::from_name(&self.subject_format).ok_or_else(|| corrupt("unknown format"))?,
            subject_issuer: self.subject_issuer,
            subjects: DefaultSubjects::from_name(&self.subjects).ok_or_else(|| corrupt("unknown subjects"))?,
            chosen: self.chosen,
            audience: self.audience,
            algorithm: self.algorithm,
            credential: self.credential.map(|id| CredentialId::from_bytes(&id)).transpose().map_err(corrupt)?,
            status: Status::from_name(&self.status).ok_or_else(|| corrupt("unknown status"))?,
            reason: self.reason,
            notice: self.notice.map(|id| ResourceId::from_bytes(&id)).transpose().map_err(corrupt)?,
            version: self.version,
            created_at: Moment::from_micros(self.created_at),
        };
        Ok(StoredReceiver {
            receiver,
            failures: self.failures,
            failing_since: self.failing_since.map(Moment::from_micros),
            last_error: self.last_error,
            acknowledged_at: self.acknowledged_at.map(Moment::from_micros),
        })
    }
}

/// The receivers of an organization, oldest first.
///
/// # Errors
/// [`DatabaseError`].
pub fn list(tx: &mut Tx<'_>, organization: OrganizationId) -> Result<Vec<StoredReceiver>, DatabaseError> {
    let rows: Vec<ReceiverRecord> = Sql(&LIST, vec![Bind::Bytes(organization.as_bytes())]).rows(tx)?;
    rows.into_iter().map(ReceiverRecord::read).collect()
}

/// One receiver, unless it was removed.
///
/// # Errors
/// [`DatabaseError`].
pub fn by_id(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    id: ResourceId,
) -> Result<Option<StoredReceiver>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(id.as_bytes())];
    Sql(&BY_ID, binds).row::<ReceiverRecord>(tx)?.map(ReceiverRecord::read).transpose()
}

#[derive(QueryableByName)]
struct DueRecord {
    #[diesel(sql_type = Binary)]
    organization: Vec<u8>,
    #[diesel(sql_type = Binary)]
    id: Vec<u8>,
}

/// Receivers for whom something waits and whom nobody is sending to, those served longest ago first.
///
/// # Errors
/// [`DatabaseError`].
pub fn due(tx: &mut Tx<'_>, now: Moment, most: i64) -> Result<Vec<(OrganizationId, ResourceId)>, DatabaseError> {
    let rows: Vec<DueRecord> = Sql(&DUE, vec![Bind::Int(now.as_micros()), Bind::Int(most)]).rows(tx)?;
    let read = |row: DueRecord| {
        let organization = OrganizationId::from_bytes(&row.organization).map_err(corrupt)?;
        Ok((organization, ResourceId::from_bytes(&row.id).map_err(corrupt)?))
    };
    rows.into_iter().map(read).collect()
}

/// Whom the sender is at, and as whom.
#[derive(Debug, Clone, Copy)]
pub struct Claim {
    /// Whose receiver.
    pub organization: OrganizationId,
    /// Which.
    pub receiver: ResourceId,
    /// Who sends.
    pub by: ResourceId,
}

impl Claim {
    fn binds(&self) -> Vec<Bind<'_>> {
        vec![
            Bind::Bytes(self.organization.as_bytes()),
            Bind::Bytes(self.receiver.as_bytes()),
            Bind::Bytes(self.by.as_bytes()),
        ]
    }

    /// Takes a receiver until then, unless somebody else has it; answers whether.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn take(&self, tx: &mut Tx<'_>, now: Moment, until: Moment) -> Result<bool, DatabaseError> {
        let mut binds = self.binds();
        binds.extend([Bind::Int(until.as_micros()), Bind::Int(now.as_micros())]);
        Ok(Sql(&CLAIM, binds).run(tx)? == 1)
    }

    /// Gives it back: it has answered, the notice that it is told nothing with it.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn succeeded(&self, tx: &mut Tx<'_>, now: Moment, notice: Option<&ResourceId>) -> Result<(), DatabaseError> {
        let mut binds = self.binds();
        binds.push(Bind::Int(now.as_micros()));
        binds.push(Bind::OptionalBytes(notice.map(|id| id.as_bytes().as_slice())));
        Sql(&SUCCEEDED, binds).run(tx)?;
        Ok(())
    }

    /// Gives it back until `next`: it has not answered, so often in a row, for this reason.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn failed(
        &self,
        tx: &mut Tx<'_>,
        (now, next): (Moment, Moment),
        failures: i64,
        why: &str,
    ) -> Result<(), DatabaseError> {
        let mut binds = self.binds();
        binds.extend([Bind::Int(now.as_micros()), Bind::Int(failures), Bind::Int(next.as_micros()), Bind::Text(why)]);
        Sql(&FAILED, binds).run(tx)?;
        Ok(())
    }
}

fn write(tx: &mut Tx<'_>, statement: &'static Statement, receiver: &Receiver) -> diesel::QueryResult<usize> {
    let events: Vec<&str> = receiver.events.iter().map(|event| event.uri()).collect();
    let events = events.join(" ");
    let binds = vec![
        Bind::Bytes(receiver.organization.as_bytes()),
        Bind::Bytes(receiver.id.as_bytes()),
        Bind::Text(&receiver.name),
        Bind::Text(receiver.method.as_str()),
        Bind::OptionalText(receiver.endpoint.as_deref()),
        Bind::OptionalBytes(receiver.secret.as_deref()),
        Bind::Text(&events),
        Bind::Text(receiver.subject_format.as_str()),
        Bind::OptionalText(receiver.subject_issuer.as_deref()),
        Bind::Text(&receiver.audience),
        Bind::Text(&receiver.algorithm),
        Bind::OptionalBytes(receiver.credential.as_ref().map(|id| id.as_bytes().as_slice())),
        Bind::Text(receiver.status.as_str()),
        Bind::OptionalText(receiver.reason.as_deref()),
        Bind::Int(receiver.version),
        Bind::Int(receiver.created_at.as_micros()),
        Bind::Text(receiver.subjects.as_str()),
        Bind::Flag(receiver.chosen),
        Bind::OptionalBytes(receiver.notice.as_ref().map(|id| id.as_bytes().as_slice())),
        Bind::Flag(receiver.wants(EventType::TokenClaimsChange)),
    ];
    Sql(statement, binds).run(tx)
}

pub(super) fn insert(tx: &mut Tx<'_>, receiver: &Receiver) -> diesel::QueryResult<usize> {
    write(tx, &INSERT, receiver)
}

/// Replaces the one of the version before.
pub(super) fn replace(tx: &mut Tx<'_>, receiver: &Receiver) -> diesel::QueryResult<usize> {
    write(tx, &REPLACE, receiver)
}

pub(super) fn remove(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    id: ResourceId,
    version: i64,
    at: Moment,
) -> diesel::QueryResult<usize> {
    let binds = vec![
        Bind::Bytes(organization.as_bytes()),
        Bind::Bytes(id.as_bytes()),
        Bind::Int(version),
        Bind::Int(at.as_micros()),
    ];
    Sql(&REMOVE, binds).run(tx)
}
