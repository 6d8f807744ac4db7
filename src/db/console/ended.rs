//! What ends with people who cease to be active, in the transaction that says so: their sessions that lead here, the links
//! that would sign them in, the invitations they have made, and those that were sent to them.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Binary};

use crate::db::pipeline::Pipeline;
use crate::db::sql::{Bind, IdList, Sql, Statement};
use crate::db::users::EmailRow;
use crate::db::{DatabaseError, Dialect, Tx, WriteError};
use crate::model::{Moment, OrganizationId, ResourceId, UserId};

/// What admitted somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndedKind {
    /// A session of the console.
    Session,
    /// A link that would have signed in.
    SignInLink,
    /// An invitation the leaver had made.
    Invitation,
    /// An invitation to an address of the leaver.
    ReceivedInvitation,
}

impl EndedKind {
    const fn from_i64(number: i64) -> Option<Self> {
        match number {
            1 => Some(Self::Session),
            2 => Some(Self::SignInLink),
            3 => Some(Self::Invitation),
            4 => Some(Self::ReceivedInvitation),
            _ => None,
        }
    }

    /// In a word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::SignInLink => "sign-in-link",
            Self::Invitation => "invitation",
            Self::ReceivedInvitation => "received-invitation",
        }
    }
}

// On PostgreSQL one statement does it all; on SQLite, where a statement costs next to nothing, this one says what is about
// to end and the others end it.
const END: Statement = Statement {
    name: "ended_credential_insert",
    sqlite: "INSERT INTO ended_credential (organization, user_id, at, kind, id) \
             SELECT l.organization, l.user_id, $3, 1, s.id FROM json_each($2) j CROSS JOIN account_link l \
             INDEXED BY account_link_user ON l.organization = $1 AND l.user_id = unhex(j.value) \
             CROSS JOIN session s ON s.account = l.account AND (s.organization IS NULL OR s.organization = l.organization) \
             UNION ALL SELECT l.organization, l.user_id, $3, 2, k.id FROM json_each($2) j CROSS JOIN account_link l \
             INDEXED BY account_link_user ON l.organization = $1 AND l.user_id = unhex(j.value) \
             CROSS JOIN sign_in_link k ON k.account = l.account AND k.organization = l.organization \
             AND k.used_at IS NULL AND k.expires_at > $3 \
             UNION ALL SELECT l.organization, l.user_id, $3, 3, i.id FROM json_each($2) j CROSS JOIN account_link l \
             INDEXED BY account_link_user ON l.organization = $1 AND l.user_id = unhex(j.value) \
             CROSS JOIN invitation i ON i.organization = $1 AND i.invited_by = l.account AND i.ended_at IS NULL",
    postgres: "WITH gone AS MATERIALIZED (SELECT organization, account, user_id FROM account_link \
               WHERE organization = $1 AND user_id = ANY($2)), \
               s AS (DELETE FROM session USING gone WHERE session.account = gone.account \
               AND (session.organization IS NULL OR session.organization = gone.organization) \
               RETURNING gone.user_id, session.id), \
               k AS (UPDATE sign_in_link SET expires_at = created_at FROM gone WHERE sign_in_link.account = gone.account \
               AND sign_in_link.organization = gone.organization AND used_at IS NULL AND expires_at > $3 \
               RETURNING gone.user_id, sign_in_link.id), \
               i AS (UPDATE invitation SET ended_at = $3, outcome = 'orphaned' FROM gone WHERE invitation.organization = $1 \
               AND invited_by = gone.account AND ended_at IS NULL RETURNING gone.user_id, invitation.id), \
               a AS MATERIALIZED (SELECT v.address_key, v.user_id FROM unnest($4::text[], $5::bytea[]) \
               AS v(address_key, user_id) UNION SELECT COALESCE(account.email_key, account.claimed_key), gone.user_id FROM gone \
               JOIN account ON account.id = gone.account WHERE COALESCE(account.email_key, account.claimed_key) IS NOT NULL), \
               r AS (UPDATE invitation SET ended_at = $3, outcome = 'left' FROM a WHERE invitation.organization = $1 \
               AND invitation.email_key = a.address_key AND ended_at IS NULL \
               AND NOT EXISTS (SELECT FROM gone WHERE gone.account = invitation.invited_by) \
               RETURNING a.user_id, invitation.id) \
               INSERT INTO ended_credential (organization, user_id, at, kind, id) \
               SELECT $1, user_id, $3, 1, id FROM s UNION ALL SELECT $1, user_id, $3, 2, id FROM k \
               UNION ALL SELECT $1, user_id, $3, 3, id FROM i UNION ALL SELECT $1, user_id, $3, 4, id FROM r",
};
const SESSIONS: Statement = Statement {
    name: "session_end_of_users",
    sqlite: "DELETE FROM session WHERE account IN (SELECT l.account FROM json_each($2) j CROSS JOIN account_link l \
             INDEXED BY account_link_user ON l.organization = $1 AND l.user_id = unhex(j.value)) \
             AND (organization IS NULL OR organization = $1)",
    postgres: "DELETE FROM session WHERE account IN (SELECT account FROM account_link \
               WHERE organization = $1 AND user_id = ANY($2)) AND (organization IS NULL OR organization = $1)",
};
const LINKS: Statement = Statement {
    name: "sign_in_link_end_of_users",
    sqlite: "UPDATE sign_in_link SET expires_at = created_at WHERE used_at IS NULL AND organization = $1 AND expires_at > $3 \
             AND account IN (SELECT l.account FROM json_each($2) j CROSS JOIN account_link l \
             INDEXED BY account_link_user ON l.organization = $1 AND l.user_id = unhex(j.value))",
    postgres: "UPDATE sign_in_link SET expires_at = created_at WHERE used_at IS NULL AND organization = $1 AND expires_at > $3 \
               AND account IN (SELECT account FROM account_link WHERE organization = $1 AND user_id = ANY($2))",
};
const INVITATIONS: Statement = Statement {
    name: "invitation_end_of_users",
    sqlite: "UPDATE invitation SET ended_at = $3, outcome = 'orphaned' WHERE organization = $1 AND ended_at IS NULL \
             AND invited_by IN (SELECT l.account FROM json_each($2) j CROSS JOIN account_link l \
             INDEXED BY account_link_user ON l.organization = $1 AND l.user_id = unhex(j.value))",
    postgres: "UPDATE invitation SET ended_at = $3, outcome = 'orphaned' WHERE organization = $1 AND ended_at IS NULL \
               AND invited_by IN (SELECT account FROM account_link WHERE organization = $1 AND user_id = ANY($2))",
};
// These two after the others: what leavers had sent to themselves has ended by then. `$4` is a JSON array of addresses, each
// with the id of its person.
const RECEIVED: Statement = Statement {
    name: "ended_credential_insert_received",
    postgres: "INSERT INTO ended_credential (organization, user_id, at, kind, id) \
     SELECT i.organization, decode(j.value ->> 1, 'hex'), $3::bigint, 4::bigint, i.id FROM json_array_elements($4::json) j \
     CROSS JOIN invitation i WHERE i.organization = $1 AND i.email_key = j.value ->> 0 AND i.ended_at IS NULL \
     UNION SELECT i.organization, l.user_id, $3::bigint, 4::bigint, i.id FROM account_link l JOIN account a ON a.id = l.account \
     JOIN invitation i ON i.organization = l.organization AND i.email_key = COALESCE(a.email_key, a.claimed_key) AND i.ended_at IS NULL \
     WHERE l.organization = $1 AND l.user_id = ANY($2)",
    sqlite: "INSERT INTO ended_credential (organization, user_id, at, kind, id) \
     SELECT i.organization, unhex(j.value ->> 1), $3, 4, i.id FROM json_each($4) j CROSS JOIN invitation i \
     INDEXED BY invitation_open ON i.organization = $1 AND i.email_key = j.value ->> 0 AND i.ended_at IS NULL \
     UNION SELECT i.organization, l.user_id, $3, 4, i.id FROM json_each($2) j CROSS JOIN account_link l \
     INDEXED BY account_link_user ON l.organization = $1 AND l.user_id = unhex(j.value) \
     CROSS JOIN account a ON a.id = l.account CROSS JOIN invitation i INDEXED BY invitation_open \
     ON i.organization = $1 AND i.email_key = COALESCE(a.email_key, a.claimed_key) AND i.ended_at IS NULL",
};
const RECEIVED_END: Statement = Statement {
    name: "invitation_end_of_received",
    sqlite: "UPDATE invitation SET ended_at = $3, outcome = 'left' WHERE organization = $1 AND ended_at IS NULL \
             AND id IN (SELECT e.id FROM json_each($2) j CROSS JOIN ended_credential e ON e.organization = $1 \
             AND e.user_id = unhex(j.value) AND e.at = $3 AND e.kind = 4)",
    postgres: "UPDATE invitation SET ended_at = $3, outcome = 'left' WHERE organization = $1 AND ended_at IS NULL \
               AND id = ANY(ARRAY(SELECT e.id FROM ended_credential e WHERE e.organization = $1 AND e.user_id = ANY($2) \
               AND e.at = $3 AND e.kind = 4))",
};
const OF_USER: Statement = Statement::both(
    "ended_credential_of_user",
    "SELECT kind, id FROM ended_credential WHERE organization = $1 AND user_id = $2 AND at = $3 ORDER BY kind, id",
);

/// Every statement of this table group.
pub(in crate::db) const STATEMENTS: &[&Statement] =
    &[&END, &SESSIONS, &LINKS, &INVITATIONS, &RECEIVED, &RECEIVED_END, &OF_USER];

/// Ends what admitted these people, who have these addresses, and says what that was.
pub(super) fn end<'a>(
    pipeline: &mut Pipeline<'_, '_, 'a>,
    organization: &'a OrganizationId,
    (users, addresses): (&[&'a UserId], &'a [EmailRow]),
    at: Moment,
) -> Result<(), WriteError> {
    let ids = || IdList::new(users.iter().map(|id| id.as_bytes().as_slice()));
    let place = || vec![Bind::Bytes(organization.as_bytes()), Bind::Ids(ids())];
    let timed = || [place(), vec![Bind::Int(at.as_micros())]].concat();
    if pipeline.dialect() == Dialect::Postgres {
        let keys = addresses.iter().map(|row| row.address_key.as_str()).collect();
        let whose = addresses.iter().map(|row| row.user.as_bytes().as_slice()).collect();
        return pipeline.run(Sql(&END, [timed(), vec![Bind::Texts(keys), Bind::ManyBytes(whose)]].concat()));
    }
    let tx = pipeline.answered()?;
    let addresses: Vec<[String; 2]> =
        addresses.iter().map(|row| [row.address_key.clone(), row.user.to_string().replace('-', "")]).collect();
    let addresses = serde_json::json!(addresses).to_string();
    Sql(&END, timed()).run(tx)?;
    Sql(&SESSIONS, place()).run(tx)?;
    Sql(&LINKS, timed()).run(tx)?;
    Sql(&INVITATIONS, timed()).run(tx)?;
    Sql(&RECEIVED, [timed(), vec![Bind::Text(&addresses)]].concat()).run(tx)?;
    Sql(&RECEIVED_END, timed()).run(tx)?;
    Ok(())
}

#[derive(QueryableByName)]
struct Record {
    #[diesel(sql_type = BigInt)]
    kind: i64,
    #[diesel(sql_type = Binary)]
    id: Vec<u8>,
}

/// What ended with somebody who left at this moment.
///
/// # Errors
/// [`DatabaseError`].
pub fn of_user(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    user: UserId,
    at: Moment,
) -> Result<Vec<(EndedKind, ResourceId)>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Bytes(user.as_bytes()), Bind::Int(at.as_micros())];
    let corrupt = super::corrupt("ended_credential");
    let read = |row: Record| {
        let kind = EndedKind::from_i64(row.kind).ok_or_else(|| DatabaseError::Corrupt {
            table: "ended_credential",
            problem: format!("`kind` is {}", row.kind),
        })?;
        Ok((kind, ResourceId::from_bytes(&row.id).map_err(&corrupt)?))
    };
    Sql(&OF_USER, binds).rows::<Record>(tx)?.into_iter().map(read).collect()
}
