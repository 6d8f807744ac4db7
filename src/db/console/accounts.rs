//! Accounts: who signs in, and as whom in which organization.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Binary, Bool, Nullable, Text};

use crate::model::{AccountId, Moment, OrganizationId, UserId};

use super::super::sql::{Bind, Sql, Statement};
use super::super::{DatabaseError, Tx};
use super::corrupt;

/// Who signs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its identifier.
    pub id: AccountId,
    /// What it is called where it has no address: `Recovery administrator`.
    pub name: String,
    /// The verified address links are sent to, as given.
    pub email: Option<String>,
    /// The same, folded.
    pub email_key: Option<String>,
    /// The folded address it was invited at by a link that was shown, which proves nobody's; as given it is the name.
    pub claimed_key: Option<String>,
    /// By whom it is known otherwise: issuer and subject (OpenID Connect Core §5.7).
    pub subject: Option<(String, String)>,
    /// Since when.
    pub created_at: Moment,
}

impl Account {
    /// Where links are sent to that sign in: who reads them there is who joined by the address.
    pub fn address(&self) -> Option<&str> {
        self.email.as_deref().or_else(|| self.claimed_key.as_ref().map(|_| self.name.as_str()))
    }
}

/// An account in an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountLink {
    /// Which account.
    pub account: AccountId,
    /// The user it is; `None`: the recovery administrator.
    pub user: Option<UserId>,
    /// Since when.
    pub created_at: Moment,
}

/// An organization an account belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Belonging {
    /// The organization.
    pub organization: OrganizationId,
    /// Its name in URLs.
    pub slug: String,
    /// Its name for people.
    pub name: String,
    /// The user the account is there; `None`: the recovery administrator.
    pub user: Option<UserId>,
    /// Whether its users sign in by its identity provider alone.
    pub is_closed_to_links: bool,
}

pub(in crate::db) const INSERT: Statement = Statement::both(
    "account_insert",
    "INSERT INTO account (id, name, email, email_key, claimed_key, issuer, subject, created_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
);
pub(in crate::db) const BY_ID: Statement = Statement::both(
    "account_by_id",
    "SELECT id, name, email, email_key, claimed_key, issuer, subject, created_at FROM account WHERE id = $1",
);
pub(in crate::db) const BY_EMAIL: Statement = Statement::both(
    "account_by_email",
    "SELECT id, name, email, email_key, claimed_key, issuer, subject, created_at FROM account WHERE email_key = $1",
);
pub(in crate::db) const BY_CLAIMED: Statement = Statement::both(
    "account_by_claimed",
    "SELECT id, name, email, email_key, claimed_key, issuer, subject, created_at FROM account WHERE claimed_key = $1",
);
// The address as given is the name of whoever claimed it.
pub(in crate::db) const PROVE: Statement = Statement::both(
    "account_prove",
    "UPDATE account SET email = name, email_key = claimed_key, claimed_key = NULL \
     WHERE id = $1 AND claimed_key IS NOT NULL",
);
pub(in crate::db) const BY_SUBJECT: Statement = Statement::both(
    "account_by_subject",
    "SELECT id, name, email, email_key, claimed_key, issuer, subject, created_at FROM account WHERE issuer = $1 AND subject = $2",
);
pub(in crate::db) const INSERT_LINK: Statement = Statement::both(
    "account_link_insert",
    "INSERT INTO account_link (organization, account, user_id, created_at) VALUES ($1, $2, $3, $4)",
);
pub(in crate::db) const DELETE_LINK: Statement =
    Statement::both("account_link_delete", "DELETE FROM account_link WHERE organization = $1 AND account = $2");
pub(in crate::db) const OF_ACCOUNT: Statement = Statement::both(
    "account_link_of_account",
    "SELECT o.id AS organization, o.slug, o.name, l.user_id, COALESCE(p.is_only, FALSE) AS is_only FROM account_link l \
     JOIN organization o ON o.id = l.organization LEFT JOIN identity_provider p ON p.organization = l.organization \
     WHERE l.account = $1 AND o.suspended_at IS NULL ORDER BY o.slug",
);
pub(in crate::db) const OF_USER: Statement = Statement::both(
    "account_link_of_user",
    "SELECT a.id, a.name, a.email, a.email_key, a.claimed_key, a.issuer, a.subject, a.created_at FROM account_link l \
     JOIN account a ON a.id = l.account WHERE l.organization = $1 AND l.user_id = $2",
);
pub(in crate::db) const OF_RECOVERY: Statement = Statement::both(
    "account_link_of_recovery",
    "SELECT a.id, a.name, a.email, a.email_key, a.claimed_key, a.issuer, a.subject, a.created_at FROM account_link l \
     JOIN account a ON a.id = l.account WHERE l.organization = $1 AND l.user_id IS NULL",
);

/// Every statement of this table group.
pub(in crate::db) const STATEMENTS: &[&Statement] = &[
    &INSERT,
    &BY_ID,
    &BY_EMAIL,
    &BY_CLAIMED,
    &PROVE,
    &BY_SUBJECT,
    &INSERT_LINK,
    &DELETE_LINK,
    &OF_ACCOUNT,
    &OF_USER,
    &OF_RECOVERY,
];

#[derive(QueryableByName)]
struct AccountRecord {
    #[diesel(sql_type = Binary)]
    id: Vec<u8>,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Nullable<Text>)]
    email: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    email_key: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    claimed_key: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    issuer: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    subject: Option<String>,
    #[diesel(sql_type = BigInt)]
    created_at: i64,
}

#[derive(QueryableByName)]
struct BelongingRecord {
    #[diesel(sql_type = Binary)]
    organization: Vec<u8>,
    #[diesel(sql_type = Text)]
    slug: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Nullable<Binary>)]
    user_id: Option<Vec<u8>>,
    #[diesel(sql_type = Bool)]
    is_only: bool,
}

impl TryFrom<AccountRecord> for Account {
    type Error = DatabaseError;

    fn try_from(row: AccountRecord) -> Result<Self, DatabaseError> {
        Ok(Self {
            id: AccountId::from_bytes(&row.id).map_err(corrupt("account"))?,
            name: row.name,
            email: row.email,
            email_key: row.email_key,
            claimed_key: row.claimed_key,
            subject: row.issuer.zip(row.subject),
            created_at: Moment::from_micros(row.created_at),
        })
    }
}

fn accounts(
    tx: &mut Tx<'_>,
    statement: &'static Statement,
    binds: Vec<Bind<'_>>,
) -> Result<Vec<Account>, DatabaseError> {
    Sql(statement, binds).rows::<AccountRecord>(tx)?.into_iter().map(Account::try_from).collect()
}

/// One account.
///
/// # Errors
/// [`DatabaseError`].
pub fn by_id(tx: &mut Tx<'_>, id: AccountId) -> Result<Option<Account>, DatabaseError> {
    Ok(accounts(tx, &BY_ID, vec![Bind::Bytes(id.as_bytes())])?.pop())
}

/// The account of a folded address.
///
/// # Errors
/// [`DatabaseError`].
pub fn by_email(tx: &mut Tx<'_>, key: &str) -> Result<Option<Account>, DatabaseError> {
    Ok(accounts(tx, &BY_EMAIL, vec![Bind::Text(key)])?.pop())
}

/// The accounts that were invited at a folded address by links that were shown; each is of one organization.
///
/// # Errors
/// [`DatabaseError`].
pub fn by_claimed(tx: &mut Tx<'_>, key: &str) -> Result<Vec<Account>, DatabaseError> {
    accounts(tx, &BY_CLAIMED, vec![Bind::Text(key)])
}

/// The account of an issuer's subject.
///
/// # Errors
/// [`DatabaseError`].
pub fn by_subject(tx: &mut Tx<'_>, issuer: &str, subject: &str) -> Result<Option<Account>, DatabaseError> {
    Ok(accounts(tx, &BY_SUBJECT, vec![Bind::Text(issuer), Bind::Text(subject)])?.pop())
}

/// The accounts a user signs in by.
///
/// # Errors
/// [`DatabaseError`].
pub fn of_user(tx: &mut Tx<'_>, organization: OrganizationId, user: UserId) -> Result<Vec<Account>, DatabaseError> {
    accounts(tx, &OF_USER, vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(user.as_bytes())])
}

/// The recovery administrators of an organization.
///
/// # Errors
/// [`DatabaseError`].
pub fn of_recovery(tx: &mut Tx<'_>, organization: OrganizationId) -> Result<Vec<Account>, DatabaseError> {
    accounts(tx, &OF_RECOVERY, vec![Bind::Bytes(organization.as_bytes())])
}

/// The organizations an account belongs to, by slug.
///
/// # Errors
/// [`DatabaseError`].
pub fn belongings(tx: &mut Tx<'_>, account: AccountId) -> Result<Vec<Belonging>, DatabaseError> {
    let read = |row: BelongingRecord| {
        Ok(Belonging {
            organization: OrganizationId::from_bytes(&row.organization).map_err(corrupt("account_link"))?,
            slug: row.slug,
            name: row.name,
            is_closed_to_links: row.is_only && row.user_id.is_some(),
            user: row.user_id.map(|id| UserId::from_bytes(&id)).transpose().map_err(corrupt("account_link"))?,
        })
    };
    let rows = Sql(&OF_ACCOUNT, vec![Bind::Bytes(account.as_bytes())]).rows::<BelongingRecord>(tx)?;
    rows.into_iter().map(read).collect()
}

pub(super) fn insert(tx: &mut Tx<'_>, account: &Account) -> diesel::QueryResult<usize> {
    let subject = account.subject.as_ref();
    let binds = vec![
        Bind::Bytes(account.id.as_bytes()),
        Bind::Text(&account.name),
        Bind::OptionalText(account.email.as_deref()),
        Bind::OptionalText(account.email_key.as_deref()),
        Bind::OptionalText(account.claimed_key.as_deref()),
        Bind::OptionalText(subject.map(|(issuer, _)| issuer.as_str())),
        Bind::OptionalText(subject.map(|(_, subject)| subject.as_str())),
        Bind::Int(account.created_at.as_micros()),
    ];
    Sql(&INSERT, binds).run(tx)
}

pub(super) fn prove(tx: &mut Tx<'_>, account: AccountId) -> diesel::QueryResult<usize> {
    Sql(&PROVE, vec![Bind::Bytes(account.as_bytes())]).run(tx)
}

pub(super) fn insert_link(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    link: &AccountLink,
) -> diesel::QueryResult<usize> {
    let binds = vec![
        Bind::Bytes(organization.as_bytes()),
        Bind::Bytes(link.account.as_bytes()),
        Bind::OptionalBytes(link.user.as_ref().map(|user| user.as_bytes().as_slice())),
        Bind::Int(link.created_at.as_micros()),
    ];
    Sql(&INSERT_LINK, binds).run(tx)
}

pub(super) fn delete_link(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    account: AccountId,
) -> diesel::QueryResult<usize> {
    Sql(&DELETE_LINK, vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(account.as_bytes())]).run(tx)
}
