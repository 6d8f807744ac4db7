//! Users with the groups a connection sees them in, in one statement, as answers show them.

use std::collections::BTreeMap;

use diesel::sql_types::{BigInt, Binary, Text};

use crate::model::{ConnectionId, GroupId, Moment, OrganizationId, UserId, Version};

use super::super::sql::{Bind, Sql, Statement, by_place};
use super::super::{DatabaseError, Tx};
use super::read::{StoredUser, corrupt};

/// A user as answers show it.
#[derive(Debug, Clone)]
pub struct ListedUser {
    /// Its identifier.
    pub id: UserId,
    /// Its version.
    pub version: Version,
    /// When it was created.
    pub created_at: Moment,
    /// When it was last changed.
    pub modified_at: Moment,
    /// Canonical JSON without id, meta and groups.
    pub document: String,
    /// The direct groups the connection sees, identifier and name, by identifier; `None` where they were not read.
    pub groups: Option<Vec<(GroupId, String)>>,
}

impl From<StoredUser> for ListedUser {
    fn from(user: StoredUser) -> Self {
        let StoredUser { id, version, created_at, modified_at, document, .. } = user;
        Self { id, version, created_at, modified_at, document, groups: None }
    }
}

// First the users, whose version is never 0, then a row for each group of each of them. `$1` is the organization, `$2`
// what is looked up, `$3` the connection, `$4` the limit. Nothing is ordered: an order would lure the planner away from
// the index; the groups hang on the users found (`CROSS JOIN` and `INDEXED BY` in SQLite, `LATERAL` in PostgreSQL keep
// planners to it). `p` is the user in `$from`.
macro_rules! with_groups {
    ($name:literal, $sqlite:expr, $from:literal, $where:literal) => {
        Statement {
            name: $name,
            sqlite: $sqlite,
            postgres: concat!(
                "WITH u AS MATERIALIZED (SELECT p.id, p.version, p.created_at, p.modified_at, p.document FROM ",
                $from,
                " WHERE ",
                $where,
                " LIMIT $4) SELECT u.id AS user_id, u.id, u.version, u.created_at, u.modified_at, u.document AS text \
                 FROM u UNION ALL SELECT u.id, x.id, 0::bigint, 0::bigint, 0::bigint, x.display_name FROM u \
                 CROSS JOIN LATERAL (SELECT g.id, g.display_name FROM membership m \
                 JOIN scim_group g ON g.organization = $1 AND g.id = m.group_id AND g.connection = $3 \
                 WHERE m.organization = $1 AND m.member_id = u.id AND m.until_revision = 9223372036854775807 OFFSET 0) x"
            ),
        }
    };
}

// SQLite would keep the users found in a table of its own, which costs more than finding a few of them again.
macro_rules! found_twice {
    ($from:literal, $where:literal) => {
        concat!(
            "SELECT * FROM (SELECT p.id AS user_id, p.id, p.version, p.created_at, p.modified_at, p.document AS text FROM ",
            $from,
            " WHERE ",
            $where,
            " LIMIT $4) UNION ALL SELECT m.member_id, g.id, 0, 0, 0, g.display_name FROM ",
            $from,
            " CROSS JOIN membership m INDEXED BY membership_of_member ON m.organization = $1 AND m.member_id = p.id \
             AND m.until_revision = 9223372036854775807 \
             CROSS JOIN scim_group g ON g.organization = $1 AND g.id = m.group_id AND g.connection = $3 WHERE ",
            $where
        )
    };
}

// A stretch of users is found once.
macro_rules! found_once {
    ($from:literal, $where:literal) => {
        concat!(
            "WITH u AS (SELECT p.id, p.version, p.created_at, p.modified_at, p.document FROM ",
            $from,
            " WHERE ",
            $where,
            " LIMIT $4) SELECT u.id AS user_id, u.id, u.version, u.created_at, u.modified_at, u.document AS text FROM u \
             UNION ALL SELECT m.member_id, g.id, 0, 0, 0, g.display_name FROM u \
             CROSS JOIN membership m INDEXED BY membership_of_member ON m.organization = $1 AND m.member_id = u.id \
             AND m.until_revision = 9223372036854775807 \
             CROSS JOIN scim_group g ON g.organization = $1 AND g.id = m.group_id AND g.connection = $3"
        )
    };
}

pub(super) const BY_ID: Statement = Statement {
    name: "user_listed_by_id",
    sqlite: "SELECT id AS user_id, id, version, created_at, modified_at, document AS text FROM scim_user \
     WHERE organization = $1 AND id = $2 AND deleted_at IS NULL \
     UNION ALL \
     SELECT m.member_id, g.id, CAST(0 AS BIGINT), CAST(0 AS BIGINT), CAST(0 AS BIGINT), g.display_name FROM membership m INDEXED BY membership_of_member \
     CROSS JOIN scim_group g ON g.organization = m.organization AND g.id = m.group_id \
     WHERE m.organization = $1 AND m.member_id = $2 AND m.until_revision = 9223372036854775807 AND g.connection = $3",
    postgres: "SELECT id AS user_id, id, version, created_at, modified_at, document AS text FROM scim_user \
     WHERE organization = $1 AND id = $2 AND deleted_at IS NULL \
     UNION ALL \
     SELECT m.member_id, g.id, CAST(0 AS BIGINT), CAST(0 AS BIGINT), CAST(0 AS BIGINT), g.display_name FROM membership m \
     JOIN scim_group g ON g.organization = m.organization AND g.id = m.group_id \
     WHERE m.organization = $1 AND m.member_id = $2 AND m.until_revision = 9223372036854775807 AND g.connection = $3",
};

pub(super) const BY_USER_NAME: Statement = with_groups!(
    "user_listed_by_user_name",
    found_twice!("scim_user p", "p.organization = $1 AND p.user_name_key = $2 AND p.deleted_at IS NULL"),
    "scim_user p",
    "p.organization = $1 AND p.user_name_key = $2 AND p.deleted_at IS NULL"
);

pub(super) const BY_EXTERNAL_ID: Statement = with_groups!(
    "user_listed_by_external_id",
    found_twice!("scim_user p", "p.organization = $1 AND p.external_id_key = $2 AND p.deleted_at IS NULL"),
    "scim_user p",
    "p.organization = $1 AND p.external_id_key = $2 AND p.deleted_at IS NULL"
);

pub(super) const BY_EMAIL: Statement = with_groups!(
    "user_listed_by_email",
    found_twice!(
        "user_email e CROSS JOIN scim_user p",
        "p.organization = e.organization AND p.id = e.user_id AND p.deleted_at IS NULL AND e.organization = $1 AND e.address_key = $2"
    ),
    "user_email e CROSS JOIN scim_user p",
    "p.organization = e.organization AND p.id = e.user_id AND p.deleted_at IS NULL AND e.organization = $1 AND e.address_key = $2"
);

pub(super) const BY_GROUP: Statement = with_groups!(
    "user_listed_by_group",
    found_once!(
        "membership n CROSS JOIN scim_user p",
        "p.organization = n.organization AND p.id = n.member_id AND p.deleted_at IS NULL AND n.organization = $1 AND n.group_id = $2 AND n.until_revision = 9223372036854775807"
    ),
    "membership n CROSS JOIN scim_user p",
    "p.organization = n.organization AND p.id = n.member_id AND p.deleted_at IS NULL AND n.organization = $1 AND n.group_id = $2 AND n.until_revision = 9223372036854775807"
);

pub(super) const PAGE: Statement = with_groups!(
    "user_listed_page",
    found_once!("scim_user p", "p.organization = $1 AND p.id > $2 AND p.deleted_at IS NULL ORDER BY p.id"),
    "scim_user p",
    "p.organization = $1 AND p.id > $2 AND p.deleted_at IS NULL ORDER BY p.id"
);

by_place!(Part {
    user_id: Vec<u8> => Binary,
    id: Vec<u8> => Binary,
    version: i64 => BigInt,
    created_at: i64 => BigInt,
    modified_at: i64 => BigInt,
    text: String => Text,
});

fn read(
    tx: &mut Tx<'_>,
    statement: &'static Statement,
    binds: Vec<Bind<'_>>,
) -> Result<Vec<ListedUser>, DatabaseError> {
    let mut users: BTreeMap<UserId, ListedUser> = BTreeMap::new();
    for part in Sql(statement, binds).rows::<Part>(tx)? {
        let user = UserId::from_bytes(&part.user_id).map_err(|e| corrupt(&e))?;
        if part.version > 0 {
            let listed = ListedUser {
                id: user,
                version: Version::new(part.version),
                created_at: Moment::from_micros(part.created_at),
                modified_at: Moment::from_micros(part.modified_at),
                document: part.text,
                groups: Some(Vec::new()),
            };
            users.insert(user, listed);
        } else if let Some(groups) = users.get_mut(&user).and_then(|listed| listed.groups.as_mut()) {
            groups.push((GroupId::from_bytes(&part.id).map_err(|e| corrupt(&e))?, part.text));
        }
    }
    for groups in users.values_mut().filter_map(|listed| listed.groups.as_mut()) {
        groups.sort_unstable_by_key(|(id, _)| *id);
    }
    Ok(users.into_values().collect())
}

/// How users are looked up.
#[derive(Debug, Clone, Copy)]
pub enum Key<'a> {
    /// By folded userName.
    UserName(&'a str),
    /// By externalId.
    ExternalId(&'a str),
    /// By a folded e-mail address.
    Email(&'a str),
    /// By a group they are direct members of.
    Group(GroupId),
    /// By their place in the order of lists: those after this one.
    After(UserId),
}

/// A user that is not deleted, with the direct groups of `connection`.
pub fn by_id(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    connection: ConnectionId,
    id: UserId,
) -> Result<Option<ListedUser>, DatabaseError> {
    let binds =
        vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(id.as_bytes()), Bind::Bytes(connection.as_bytes())];
    Ok(read(tx, &BY_ID, binds)?.into_iter().next())
}

/// Users who are not deleted, with the direct groups of `connection`, at most `limit`, in the order of lists.
pub fn by_key(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    connection: ConnectionId,
    key: Key<'_>,
    limit: i64,
) -> Result<Vec<ListedUser>, DatabaseError> {
    let (statement, bind) = match &key {
        Key::UserName(folded) => (&BY_USER_NAME, Bind::Text(folded)),
        Key::ExternalId(text) => (&BY_EXTERNAL_ID, Bind::Text(text)),
        Key::Email(folded) => (&BY_EMAIL, Bind::Text(folded)),
        Key::Group(id) => (&BY_GROUP, Bind::Bytes(id.as_bytes())),
        Key::After(id) => (&PAGE, Bind::Bytes(id.as_bytes())),
    };
    let (organization, connection) = (Bind::Bytes(organization.as_bytes()), Bind::Bytes(connection.as_bytes()));
    read(tx, statement, vec![organization, bind, connection, Bind::Int(limit)])
}
