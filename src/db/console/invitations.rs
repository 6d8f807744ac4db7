//! Invitations by e-mail.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Binary, Nullable, Text};

use crate::model::{AccountId, InvitationId, Moment, OrganizationId, UserId};

use super::super::sql::{Bind, Sql, Statement};
use super::super::{DatabaseError, Tx};
use super::corrupt;

/// An invitation as it was made.
#[derive(Clone, PartialEq, Eq)]
pub struct Invitation {
    /// Its identifier.
    pub id: InvitationId,
    /// To whom, as given.
    pub email: String,
    /// The same, folded.
    pub email_key: String,
    /// The hash of the secret in its link.
    pub secret_hash: Vec<u8>,
    /// Ids of the groups to join, as a JSON array.
    pub groups: String,
    /// The role to be given, and where.
    pub role: Option<(String, String)>,
    /// Who invites; `None`: nobody signed in.
    pub invited_by: Option<AccountId>,
    /// Since when.
    pub created_at: Moment,
    /// When its last link was made.
    pub sent_at: Moment,
    /// Until when that is good.
    pub expires_at: Moment,
    /// What became of the mail: `waiting`, `sent`, `shown` where none is sent, else what the mail server said.
    pub delivery: String,
}

/// What [`Invitation::delivery`] says of a link that was shown to whoever invited.
pub const SHOWN: &str = "shown";

impl Invitation {
    /// Whether the link that is good was shown to whoever made it; else mail alone brings it.
    pub fn is_shown(&self) -> bool {
        self.delivery == SHOWN
    }
}

impl std::fmt::Debug for Invitation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Invitation({})", self.id)
    }
}

/// An invitation as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredInvitation {
    /// As it was made, or last sent.
    pub invitation: Invitation,
    /// How it ended.
    pub ending: Option<Ending>,
}

/// A new link of an open invitation.
#[derive(Clone)]
pub struct Sending {
    /// The hash of the secret in the link.
    pub secret_hash: Vec<u8>,
    /// When.
    pub at: Moment,
    /// Until when it is good.
    pub expires_at: Moment,
    /// What becomes of the mail.
    pub delivery: String,
}

impl std::fmt::Debug for Sending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sending({})", self.at)
    }
}

/// The end of an invitation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// When.
    pub at: Moment,
    /// `joined`, `withdrawn`, `orphaned` (whoever made it has left) or `left` (whoever it was sent to has).
    pub outcome: String,
    /// Who joined.
    pub user: Option<UserId>,
}

macro_rules! columns {
    () => {
        "id, email, email_key, secret_hash, groups, role, scope, invited_by, created_at, sent_at, expires_at, \
         delivery, ended_at, outcome, user_id"
    };
}

pub(in crate::db) const INSERT: Statement = Statement::both(
    "invitation_insert",
    "INSERT INTO invitation (organization, id, email, email_key, secret_hash, groups, role, scope, invited_by, \
     created_at, sent_at, expires_at, delivery) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
);
pub(in crate::db) const BY_ID: Statement = Statement::both(
    "invitation_by_id",
    concat!("SELECT ", columns!(), " FROM invitation WHERE organization = $1 AND id = $2"),
);
pub(in crate::db) const OPEN_BY_EMAIL: Statement = Statement::both(
    "invitation_open_by_email",
    concat!("SELECT ", columns!(), " FROM invitation WHERE organization = $1 AND email_key = $2 AND ended_at IS NULL"),
);
pub(in crate::db) const BEFORE: Statement = Statement::both(
    "invitation_before",
    concat!("SELECT ", columns!(), " FROM invitation WHERE organization = $1 AND id < $2 ORDER BY id DESC LIMIT $3"),
);
pub(in crate::db) const SET_SENT: Statement = Statement::both(
    "invitation_send",
    "UPDATE invitation SET secret_hash = $3, sent_at = $4, expires_at = $5, delivery = $6 \
     WHERE organization = $1 AND id = $2 AND ended_at IS NULL",
);
pub(in crate::db) const SET_ENDED: Statement = Statement::both(
    "invitation_end",
    "UPDATE invitation SET ended_at = $3, outcome = $4, user_id = $5 \
     WHERE organization = $1 AND id = $2 AND ended_at IS NULL",
);
pub(in crate::db) const END_OPEN: Statement = Statement::both(
    "invitation_end_open",
    "UPDATE invitation SET ended_at = $2, outcome = 'withdrawn' WHERE organization = $1 AND ended_at IS NULL",
);
// Of a link that was replaced meanwhile nothing is said any more.
pub(in crate::db) const SET_DELIVERY: Statement = Statement::both(
    "invitation_delivery",
    "UPDATE invitation SET delivery = $4 WHERE organization = $1 AND id = $2 AND sent_at = $3",
);

/// Every statement of this table group.
pub(in crate::db) const STATEMENTS: &[&Statement] =
    &[&INSERT, &BY_ID, &OPEN_BY_EMAIL, &BEFORE, &SET_SENT, &SET_ENDED, &END_OPEN, &SET_DELIVERY];

#[derive(QueryableByName)]
struct InvitationRecord {
    #[diesel(sql_type = Binary)]
    id: Vec<u8>,
    #[diesel(sql_type = Text)]
    email: String,
    #[diesel(sql_type = Text)]
    email_key: String,
    #[diesel(sql_type = Binary)]
    secret_hash: Vec<u8>,
    #[diesel(sql_type = Text)]
    groups: String,
    #[diesel(sql_type = Nullable<Text>)]
    role: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    scope: Option<String>,
    #[diesel(sql_type = Nullable<Binary>)]
    invited_by: Option<Vec<u8>>,
    #[diesel(sql_type = BigInt)]
    created_at: i64,
    #[diesel(sql_type = BigInt)]
    sent_at: i64,
    #[diesel(sql_type = BigInt)]
    expires_at: i64,
    #[diesel(sql_type = Text)]
    delivery: String,
    #[diesel(sql_type = Nullable<BigInt>)]
    ended_at: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    outcome: Option<String>,
    #[diesel(sql_type = Nullable<Binary>)]
    user_id: Option<Vec<u8>>,
}

impl TryFrom<InvitationRecord> for StoredInvitation {
    type Error = DatabaseError;

    fn try_from(row: InvitationRecord) -> Result<Self, DatabaseError> {
        let corrupt = corrupt("invitation");
        let user = row.user_id.map(|id| UserId::from_bytes(&id)).transpose().map_err(&corrupt)?;
        let ending = row.ended_at.zip(row.outcome);
        let ending = ending.map(|(at, outcome)| Ending { at: Moment::from_micros(at), outcome, user });
        let invitation = Invitation {
            id: InvitationId::from_bytes(&row.id).map_err(&corrupt)?,
            email: row.email,
            email_key: row.email_key,
            secret_hash: row.secret_hash,
            groups: row.groups,
            role: row.role.zip(row.scope),
            invited_by: row.invited_by.map(|id| AccountId::from_bytes(&id)).transpose().map_err(&corrupt)?,
            created_at: Moment::from_micros(row.created_at),
            sent_at: Moment::from_micros(row.sent_at),
            expires_at: Moment::from_micros(row.expires_at),
            delivery: row.delivery,
        };
        Ok(Self { invitation, ending })
    }
}

fn read(
    tx: &mut Tx<'_>,
    statement: &'static Statement,
    binds: Vec<Bind<'_>>,
) -> Result<Vec<StoredInvitation>, DatabaseError> {
    Sql(statement, binds).rows::<InvitationRecord>(tx)?.into_iter().map(StoredInvitation::try_from).collect()
}

/// One invitation, ended ones too.
///
/// # Errors
/// [`DatabaseError`].
pub fn by_id(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    id: InvitationId,
) -> Result<Option<StoredInvitation>, DatabaseError> {
    Ok(read(tx, &BY_ID, vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(id.as_bytes())])?.pop())
}

/// The open invitation of a folded address, expired or not.
///
/// # Errors
/// [`DatabaseError`].
pub fn open_by_email(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    key: &str,
) -> Result<Option<StoredInvitation>, DatabaseError> {
    Ok(read(tx, &OPEN_BY_EMAIL, vec![Bind::Bytes(organization.as_bytes()), Bind::Text(key)])?.pop())
}

/// The invitations made before one, newest first.
///
/// # Errors
/// [`DatabaseError`].
pub fn before(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    before: InvitationId,
    limit: i64,
) -> Result<Vec<StoredInvitation>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(before.as_bytes()), Bind::Int(limit)];
    read(tx, &BEFORE, binds)
}

/// Notes what became of the mail with the link that was made at `sent_at`.
///
/// # Errors
/// [`DatabaseError`].
pub fn set_delivery(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    id: InvitationId,
    sent_at: Moment,
    delivery: &str,
) -> Result<(), DatabaseError> {
    let binds = vec![
        Bind::Bytes(organization.as_bytes()),
        Bind::Bytes(id.as_bytes()),
        Bind::Int(sent_at.as_micros()),
        Bind::Text(delivery),
    ];
    Sql(&SET_DELIVERY, binds).run(tx)?;
    Ok(())
}

pub(super) fn insert(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    invitation: &Invitation,
) -> diesel::QueryResult<usize> {
    let role = invitation.role.as_ref();
    let binds = vec![
        Bind::Bytes(organization.as_bytes()),
        Bind::Bytes(invitation.id.as_bytes()),
        Bind::Text(&invitation.email),
        Bind::Text(&invitation.email_key),
        Bind::Bytes(&invitation.secret_hash),
        Bind::Text(&invitation.groups),
        Bind::OptionalText(role.map(|(role, _)| role.as_str())),
        Bind::OptionalText(role.map(|(_, scope)| scope.as_str())),
        Bind::OptionalBytes(invitation.invited_by.as_ref().map(|id| id.as_bytes().as_slice())),
        Bind::Int(invitation.created_at.as_micros()),
        Bind::Int(invitation.sent_at.as_micros()),
        Bind::Int(invitation.expires_at.as_micros()),
        Bind::Text(&invitation.delivery),
    ];
    Sql(&INSERT, binds).run(tx)
}

pub(super) fn set_sent(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    id: InvitationId,
    sending: &Sending,
) -> diesel::QueryResult<usize> {
    let binds = vec![
        Bind::Bytes(organization.as_bytes()),
        Bind::Bytes(id.as_bytes()),
        Bind::Bytes(&sending.secret_hash),
        Bind::Int(sending.at.as_micros()),
        Bind::Int(sending.expires_at.as_micros()),
        Bind::Text(&sending.delivery),
    ];
    Sql(&SET_SENT, binds).run(tx)
}

pub(super) fn set_ended(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    id: InvitationId,
    ending: &Ending,
) -> diesel::QueryResult<usize> {
    let binds = vec![
        Bind::Bytes(organization.as_bytes()),
        Bind::Bytes(id.as_bytes()),
        Bind::Int(ending.at.as_micros()),
        Bind::Text(&ending.outcome),
        Bind::OptionalBytes(ending.user.as_ref().map(|id| id.as_bytes().as_slice())),
    ];
    Sql(&SET_ENDED, binds).run(tx)
}

pub(super) fn end_open(tx: &mut Tx<'_>, organization: OrganizationId, at: Moment) -> diesel::QueryResult<usize> {
    Sql(&END_OPEN, vec![Bind::Bytes(organization.as_bytes()), Bind::Int(at.as_micros())]).run(tx).map(|_count| 1)
}
