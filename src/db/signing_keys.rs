//! Keys with which the deployment signs tokens, wrapped by the root key where there is one.

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Binary, Bool, Text};

use crate::model::Moment;

use super::sql::{Bind, Sql, Statement};
use super::{DatabaseError, Tx};

// Two servers may make the same generation at once: the first one counts.
pub(super) const INSERT: Statement = Statement::both(
    "signing_key_insert",
    "INSERT INTO signing_key (algorithm, generation, wrapped, material, created_at, signs_from, replaces_at_once) \
     VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (algorithm, generation) DO NOTHING",
);
pub(super) const ALL: Statement = Statement::both(
    "signing_key_all",
    "SELECT algorithm, generation, wrapped, material, created_at, signs_from, replaces_at_once FROM signing_key \
     ORDER BY algorithm, generation",
);

/// Every statement of this table group.
pub(super) const STATEMENTS: &[&Statement] = &[&INSERT, &ALL];

/// A key as it stands in the table.
#[derive(Clone)]
pub struct SigningKeyRow {
    /// `RS256` or `ES256` (RFC 7518 §3.1).
    pub algorithm: String,
    /// Counts the keys of the algorithm, from 1.
    pub generation: i64,
    /// Whether the material is encrypted under the root key.
    pub wrapped: bool,
    /// The private key in PKCS #8, or what the root key made of it.
    pub material: Vec<u8>,
    /// Since when it is published.
    pub created_at: Moment,
    /// Since when it signs.
    pub signs_from: Moment,
    /// Whether its predecessors are not published any more.
    pub replaces_at_once: bool,
}

impl std::fmt::Debug for SigningKeyRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (algorithm, generation) = (&self.algorithm, self.generation);
        write!(f, "SigningKeyRow({algorithm}, {generation})")
    }
}

#[derive(QueryableByName)]
struct SigningKeyRecord {
    #[diesel(sql_type = Text)]
    algorithm: String,
    #[diesel(sql_type = BigInt)]
    generation: i64,
    #[diesel(sql_type = Bool)]
    wrapped: bool,
    #[diesel(sql_type = Binary)]
    material: Vec<u8>,
    #[diesel(sql_type = BigInt)]
    created_at: i64,
    #[diesel(sql_type = BigInt)]
    signs_from: i64,
    #[diesel(sql_type = Bool)]
    replaces_at_once: bool,
}

/// Every key, by algorithm and generation.
///
/// # Errors
/// [`DatabaseError`].
pub fn all(tx: &mut Tx<'_>) -> Result<Vec<SigningKeyRow>, DatabaseError> {
    let rows: Vec<SigningKeyRecord> = Sql(&ALL, vec![]).rows(tx)?;
    let read = |row: SigningKeyRecord| SigningKeyRow {
        algorithm: row.algorithm,
        generation: row.generation,
        wrapped: row.wrapped,
        material: row.material,
        created_at: Moment::from_micros(row.created_at),
        signs_from: Moment::from_micros(row.signs_from),
        replaces_at_once: row.replaces_at_once,
    };
    Ok(rows.into_iter().map(read).collect())
}

/// Adds a key, unless there is one of its algorithm and generation.
///
/// # Errors
/// [`DatabaseError`].
pub fn insert(tx: &mut Tx<'_>, key: &SigningKeyRow) -> Result<(), DatabaseError> {
    let binds = vec![
        Bind::Text(&key.algorithm),
        Bind::Int(key.generation),
        Bind::Flag(key.wrapped),
        Bind::Bytes(&key.material),
        Bind::Int(key.created_at.as_micros()),
        Bind::Int(key.signs_from.as_micros()),
        Bind::Flag(key.replaces_at_once),
    ];
    Sql(&INSERT, binds).run(tx)?;
    Ok(())
}
