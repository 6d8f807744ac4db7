//! Lists in the order of an index: a page begins behind a key and an id, or so many places further on.

use diesel::QueryableByName;
use diesel::pg::Pg;
use diesel::sqlite::Sqlite;

use crate::model::{ResourceId, SortKey};

use super::sql::{Bind, Sql, Statement};
use super::{DatabaseError, Tx};

/// The two statements of one order. The first parameters say whose list it is, then come the key and the id it begins
/// behind, how many rows, and how many are passed over.
pub(super) struct Ordered {
    pub(super) ascending: Statement,
    pub(super) descending: Statement,
}

/// Where a page of a sorted list begins.
#[derive(Debug, Clone, Copy)]
pub struct Start<'a> {
    /// Whether the list runs backwards.
    pub descending: bool,
    /// Behind this entry; otherwise at the beginning.
    pub after: Option<(&'a SortKey, ResourceId)>,
    /// How many entries are passed over.
    pub skip: i64,
}

/// What the key of an order is in the database.
#[derive(Debug, Clone, Copy)]
pub(super) enum Key {
    Text,
    Moment,
    /// None: the order of identifiers is that of creation.
    Created,
}

/// Sorts behind every text that is stored.
const LAST: &str = "\u{10FFFF}\u{10FFFF}";

macro_rules! ordered {
    ($name:literal, $columns:expr, $list:literal, $key:literal, $order:literal, $reverse:literal) => {
        ordered!($name, $columns, $list, $key, $order, $reverse, "$2", "$3", "$4", "$5")
    };
    ($name:literal, $columns:expr, $list:literal, $key:literal, $order:literal, $reverse:literal,
     $value:literal, $id:literal, $limit:literal, $skip:literal) => {
        $crate::db::ordered::Ordered {
            ascending: $crate::db::sql::Statement::both(
                concat!($name, "_ascending"),
                concat!(
                    "SELECT ",
                    $columns,
                    " FROM ",
                    $list,
                    " AND (",
                    $key,
                    ", id) > (",
                    $value,
                    ", ",
                    $id,
                    ") AND deleted_at IS NULL ORDER BY ",
                    $order,
                    " LIMIT ",
                    $limit,
                    " OFFSET ",
                    $skip
                ),
            ),
            descending: $crate::db::sql::Statement::both(
                concat!($name, "_descending"),
                concat!(
                    "SELECT ",
                    $columns,
                    " FROM ",
                    $list,
                    " AND (",
                    $key,
                    ", id) < (",
                    $value,
                    ", ",
                    $id,
                    ") AND deleted_at IS NULL ORDER BY ",
                    $reverse,
                    " LIMIT ",
                    $limit,
                    " OFFSET ",
                    $skip
                ),
            ),
        }
    };
}
pub(super) use ordered;

impl Ordered {
    /// Reads at most `limit` rows of the list that the ids in `list` name.
    pub(super) fn rows<R>(
        &'static self,
        tx: &mut Tx<'_>,
        list: &[&[u8; 16]],
        key: Key,
        start: &Start<'_>,
        limit: i64,
    ) -> Result<Vec<R>, DatabaseError>
    where
        R: QueryableByName<Sqlite> + QueryableByName<Pg> + 'static,
    {
        let edge = match (key, start.descending) {
            (Key::Created, true) => ("", ResourceId::LAST),
            (Key::Text | Key::Moment, true) => (LAST, ResourceId::FIRST),
            (_, false) => ("", ResourceId::FIRST),
        };
        let (text, id) = start.after.map_or(edge, |(key, id)| (key.as_str(), id));
        let mut binds: Vec<Bind<'_>> = list.iter().map(|id| Bind::Bytes(id.as_slice())).collect();
        match key {
            Key::Text => binds.push(Bind::Text(text)),
            Key::Moment => {
                binds.push(Bind::Int(text.parse().unwrap_or(if start.descending { i64::MAX } else { i64::MIN })));
            }
            Key::Created => {}
        }
        binds.extend([Bind::Bytes(id.as_bytes()), Bind::Int(limit), Bind::Int(start.skip)]);
        let statement = if start.descending { &self.descending } else { &self.ascending };
        Ok(Sql(statement, binds).rows(tx)?)
    }
}
