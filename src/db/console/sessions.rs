//! Sessions: browsers that are signed in. Only hashes of their secrets are kept.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Binary, Nullable, Text};

use crate::model::{AccountId, Moment, OrganizationId, SessionId};

use super::super::sql::{Bind, Sql, Statement};
use super::super::{DatabaseError, Tx};
use super::corrupt;

/// Which organizations a session reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Every one its account belongs to: a link that came by mail opened it, or it is a recovery administrator's.
    All,
    /// The one whose identity provider opened it, or into which a link led that was shown.
    One(OrganizationId),
}

impl Reach {
    /// Whether an organization is among them.
    pub fn includes(&self, organization: OrganizationId) -> bool {
        match self {
            Self::All => true,
            Self::One(only) => *only == organization,
        }
    }
}

/// A browser that is signed in.
#[derive(Clone, PartialEq, Eq)]
pub struct Session {
    /// Its identifier.
    pub id: SessionId,
    /// Who.
    pub account: AccountId,
    /// The hash of its secret.
    pub secret_hash: Vec<u8>,
    /// The hash of the secret before, good for requests that were on their way.
    pub former_hash: Option<Vec<u8>>,
    /// Since when it has its secret.
    pub rotated_at: Moment,
    /// What its forms are marked with.
    pub form_key: Vec<u8>,
    /// What the browser calls itself.
    pub client: String,
    /// When it signed in.
    pub signed_in_at: Moment,
    /// When it was last heard of, to the minute.
    pub seen_at: Moment,
    /// When it ends, used or not.
    pub expires_at: Moment,
    /// Which organizations it reaches.
    pub reach: Reach,
    /// The attempt to sign in that it comes of: of one comes one session.
    pub attempt: Option<Vec<u8>>,
}

impl Session {
    /// Whether an identity provider opened it.
    pub const fn is_provided(&self) -> bool {
        self.attempt.is_some()
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Session({})", self.id)
    }
}

pub(in crate::db) const INSERT: Statement = Statement::both(
    "session_insert",
    "INSERT INTO session (id, account, secret_hash, rotated_at, form_key, client, signed_in_at, seen_at, expires_at, \
     organization, attempt) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
);
pub(in crate::db) const BY_ID: Statement = Statement::both(
    "session_by_id",
    "SELECT id, account, secret_hash, former_hash, rotated_at, form_key, client, signed_in_at, seen_at, expires_at, \
     organization, attempt FROM session WHERE id = $1",
);
pub(in crate::db) const OF_ACCOUNT: Statement = Statement::both(
    "session_of_account",
    "SELECT id, account, secret_hash, former_hash, rotated_at, form_key, client, signed_in_at, seen_at, expires_at, \
     organization, attempt FROM session WHERE account = $1",
);
pub(in crate::db) const SEEN: Statement =
    Statement::both("session_seen", "UPDATE session SET seen_at = $2 WHERE id = $1 AND seen_at < $2");
// Of two requests at once one rotates.
pub(in crate::db) const ROTATE: Statement = Statement::both(
    "session_rotate",
    "UPDATE session SET former_hash = secret_hash, secret_hash = $3, rotated_at = $4, seen_at = $4 \
     WHERE id = $1 AND secret_hash = $2",
);
pub(in crate::db) const END: Statement = Statement::both("session_end", "DELETE FROM session WHERE id = $1");
pub(in crate::db) const BY_ATTEMPT: Statement = Statement::both(
    "session_by_attempt",
    "SELECT id, account, secret_hash, former_hash, rotated_at, form_key, client, signed_in_at, seen_at, expires_at, \
     organization, attempt FROM session WHERE attempt = $1",
);
pub(in crate::db) const END_OTHERS: Statement =
    Statement::both("session_end_others", "DELETE FROM session WHERE account = $1 AND id <> $2");
pub(in crate::db) const END_PROVIDED: Statement =
    Statement::both("session_end_provided", "DELETE FROM session WHERE organization = $1 AND attempt IS NOT NULL");
// Of the whole deployment.
pub(in crate::db) const END_EVERY: Statement = Statement::both("session_end_every", "DELETE FROM session");
/// Every statement of this table group.
pub(in crate::db) const STATEMENTS: &[&Statement] =
    &[&INSERT, &BY_ID, &BY_ATTEMPT, &OF_ACCOUNT, &SEEN, &ROTATE, &END, &END_OTHERS, &END_PROVIDED, &END_EVERY];

#[derive(QueryableByName)]
struct SessionRecord {
    #[diesel(sql_type = Binary)]
    id: Vec<u8>,
    #[diesel(sql_type = Binary)]
    account: Vec<u8>,
    #[diesel(sql_type = Binary)]
    secret_hash: Vec<u8>,
    #[diesel(sql_type = Nullable<Binary>)]
    former_hash: Option<Vec<u8>>,
    #[diesel(sql_type = BigInt)]
    rotated_at: i64,
    #[diesel(sql_type = Binary)]
    form_key: Vec<u8>,
    #[diesel(sql_type = Text)]
    client: String,
    #[diesel(sql_type = BigInt)]
    signed_in_at: i64,
    #[diesel(sql_type = BigInt)]
    seen_at: i64,
    #[diesel(sql_type = BigInt)]
    expires_at: i64,
    #[diesel(sql_type = Nullable<Binary>)]
    organization: Option<Vec<u8>>,
    #[diesel(sql_type = Nullable<Binary>)]
    attempt: Option<Vec<u8>>,
}

impl TryFrom<SessionRecord> for Session {
    type Error = DatabaseError;

    fn try_from(row: SessionRecord) -> Result<Self, DatabaseError> {
        Ok(Self {
            id: SessionId::from_bytes(&row.id).map_err(corrupt("session"))?,
            account: AccountId::from_bytes(&row.account).map_err(corrupt("session"))?,
            secret_hash: row.secret_hash,
            former_hash: row.former_hash,
            rotated_at: Moment::from_micros(row.rotated_at),
            form_key: row.form_key,
            client: row.client,
            signed_in_at: Moment::from_micros(row.signed_in_at),
            seen_at: Moment::from_micros(row.seen_at),
            expires_at: Moment::from_micros(row.expires_at),
            reach: match row.organization {
                None => Reach::All,
                Some(id) => Reach::One(OrganizationId::from_bytes(&id).map_err(corrupt("session"))?),
            },
            attempt: row.attempt,
        })
    }
}

/// One session, ended by its time or not.
///
/// # Errors
/// [`DatabaseError`].
pub fn by_id(tx: &mut Tx<'_>, id: SessionId) -> Result<Option<Session>, DatabaseError> {
    Sql(&BY_ID, vec![Bind::Bytes(id.as_bytes())]).row::<SessionRecord>(tx)?.map(Session::try_from).transpose()
}

/// The sessions of an account, newest first.
///
/// # Errors
/// [`DatabaseError`].
pub fn of_account(tx: &mut Tx<'_>, account: AccountId) -> Result<Vec<Session>, DatabaseError> {
    let rows = Sql(&OF_ACCOUNT, vec![Bind::Bytes(account.as_bytes())]).rows::<SessionRecord>(tx)?;
    let mut sessions = rows.into_iter().map(Session::try_from).collect::<Result<Vec<_>, _>>()?;
    sessions.sort_unstable_by_key(|session| std::cmp::Reverse(session.id));
    Ok(sessions)
}

/// The session that came of an attempt to sign in.
///
/// # Errors
/// [`DatabaseError`].
pub fn by_attempt(tx: &mut Tx<'_>, attempt: &[u8]) -> Result<Option<Session>, DatabaseError> {
    Sql(&BY_ATTEMPT, vec![Bind::Bytes(attempt)]).row::<SessionRecord>(tx)?.map(Session::try_from).transpose()
}

/// Notes that a session was heard of.
///
/// # Errors
/// [`DatabaseError`].
pub fn seen(tx: &mut Tx<'_>, id: SessionId, at: Moment) -> Result<(), DatabaseError> {
    Sql(&SEEN, vec![Bind::Bytes(id.as_bytes()), Bind::Int(at.as_micros())]).run(tx)?;
    Ok(())
}

/// Gives a session another secret; answers whether it had the one expected.
///
/// # Errors
/// [`DatabaseError`].
pub fn rotate(
    tx: &mut Tx<'_>,
    id: SessionId,
    expected: &[u8],
    secret_hash: &[u8],
    at: Moment,
) -> Result<bool, DatabaseError> {
    let binds =
        vec![Bind::Bytes(id.as_bytes()), Bind::Bytes(expected), Bind::Bytes(secret_hash), Bind::Int(at.as_micros())];
    Ok(Sql(&ROTATE, binds).run(tx)? == 1)
}

pub(super) fn insert(tx: &mut Tx<'_>, session: &Session) -> diesel::QueryResult<usize> {
    let binds = vec![
        Bind::Bytes(session.id.as_bytes()),
        Bind::Bytes(session.account.as_bytes()),
        Bind::Bytes(&session.secret_hash),
        Bind::Int(session.rotated_at.as_micros()),
        Bind::Bytes(&session.form_key),
        Bind::Text(&session.client),
        Bind::Int(session.signed_in_at.as_micros()),
        Bind::Int(session.seen_at.as_micros()),
        Bind::Int(session.expires_at.as_micros()),
        Bind::OptionalBytes(match &session.reach {
            Reach::All => None,
            Reach::One(id) => Some(id.as_bytes().as_slice()),
        }),
        Bind::OptionalBytes(session.attempt.as_deref()),
    ];
    Sql(&INSERT, binds).run(tx)
}

pub(super) fn end(tx: &mut Tx<'_>, id: SessionId) -> diesel::QueryResult<usize> {
    // Whoever was faster ended it all the same.
    Sql(&END, vec![Bind::Bytes(id.as_bytes())]).run(tx).map(|_count| 1)
}

pub(super) fn end_others(tx: &mut Tx<'_>, account: AccountId, kept: Option<SessionId>) -> diesel::QueryResult<usize> {
    let kept = kept.as_ref().map_or([0; 16], |id| *id.as_bytes());
    Sql(&END_OTHERS, vec![Bind::Bytes(account.as_bytes()), Bind::Bytes(&kept)]).run(tx).map(|_count| 1)
}

pub(super) fn end_provided(tx: &mut Tx<'_>, organization: OrganizationId) -> diesel::QueryResult<usize> {
    Sql(&END_PROVIDED, vec![Bind::Bytes(organization.as_bytes())]).run(tx).map(|_count| 1)
}

pub(super) fn end_every(tx: &mut Tx<'_>) -> diesel::QueryResult<usize> {
    Sql(&END_EVERY, vec![]).run(tx).map(|_count| 1)
}
