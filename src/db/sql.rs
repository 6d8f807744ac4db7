//! One small query type: constant SQL text with `$1…`, prepared once per connection and cached by its text.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use diesel::RunQueryDsl;
use diesel::deserialize::FromSqlRow;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::sql_types::{Array, BigInt, Binary, Bool, Nullable, Text, Untyped};
use diesel::sqlite::Sqlite;

use super::Tx;

/// A value for one `$n`.
#[derive(Debug, Clone)]
pub enum Bind<'a> {
    /// A whole number: counts, moments, revisions, versions.
    Int(i64),
    /// A whole number that may be missing.
    OptionalInt(Option<i64>),
    /// Text.
    Text(&'a str),
    /// Text that may be missing.
    OptionalText(Option<&'a str>),
    /// Bytes: ids, keys, sealed values.
    Bytes(&'a [u8]),
    /// Bytes that may be missing.
    OptionalBytes(Option<&'a [u8]>),
    /// A flag.
    Flag(bool),
    /// A column of whole numbers (PostgreSQL only).
    Ints(Vec<i64>),
    /// A column of whole numbers that may be missing (PostgreSQL only).
    OptionalInts(Vec<Option<i64>>),
    /// A column of texts (PostgreSQL only).
    Texts(Vec<&'a str>),
    /// A column of texts that may be missing (PostgreSQL only).
    OptionalTexts(Vec<Option<&'a str>>),
    /// A column of bytes (PostgreSQL only).
    ManyBytes(Vec<&'a [u8]>),
    /// A column of bytes that may be missing (PostgreSQL only).
    OptionalManyBytes(Vec<Option<&'a [u8]>>),
    /// A column of flags (PostgreSQL only).
    Flags(Vec<bool>),
    /// A list of ids to look up, on either database.
    Ids(IdList<'a>),
}

/// Ids for `= ANY($n)` on PostgreSQL and `IN (SELECT unhex(value) FROM json_each($n))` on SQLite.
#[derive(Debug, Clone)]
pub struct IdList<'a> {
    array: Vec<&'a [u8]>,
    json: String,
}

impl<'a> IdList<'a> {
    /// From the sixteen bytes of each id.
    pub fn new(ids: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let array: Vec<&[u8]> = ids.into_iter().collect();
        let mut json = String::with_capacity(array.len().saturating_mul(35).saturating_add(2));
        json.push('[');
        for (i, id) in array.iter().enumerate() {
            json.push_str(if i == 0 { "\"" } else { ",\"" });
            for byte in *id {
                json.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
                json.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
            }
            json.push('"');
        }
        json.push(']');
        Self { array, json }
    }
}

impl Bind<'_> {
    /// Turns the values of one column, one a row, into one array. The first value says the type.
    pub(super) fn column(values: Vec<Self>) -> QueryResult<Self> {
        macro_rules! gather {
            ($one:ident, $many:ident) => {
                values
                    .into_iter()
                    .map(|value| match value {
                        Bind::$one(inner) => Ok(inner),
                        other => Err(mixed(&other)),
                    })
                    .collect::<QueryResult<Vec<_>>>()
                    .map(Bind::$many)
            };
        }
        match values.first() {
            Some(Bind::Int(_)) => gather!(Int, Ints),
            Some(Bind::OptionalInt(_)) => gather!(OptionalInt, OptionalInts),
            Some(Bind::Text(_)) => gather!(Text, Texts),
            Some(Bind::OptionalText(_)) => gather!(OptionalText, OptionalTexts),
            Some(Bind::Bytes(_)) => gather!(Bytes, ManyBytes),
            Some(Bind::OptionalBytes(_)) => gather!(OptionalBytes, OptionalManyBytes),
            Some(Bind::Flag(_)) => gather!(Flag, Flags),
            Some(array) => Err(mixed(array)),
            None => Ok(Bind::Ints(Vec::new())),
        }
    }
}

fn mixed(value: &Bind<'_>) -> diesel::result::Error {
    diesel::result::Error::QueryBuilderError(
        format!("one column holds values of several types, such as {value:?}").into(),
    )
}

/// A registered statement: constant text for each database, under the name its plan is recorded by.
#[derive(Debug, Clone, Copy)]
pub struct Statement {
    /// Unique in the registry.
    pub name: &'static str,
    /// The text SQLite runs, once a row where the statement writes rows.
    pub sqlite: &'static str,
    /// The text PostgreSQL runs, over arrays where the statement writes rows.
    pub postgres: &'static str,
}

impl Statement {
    /// One text for both databases.
    pub const fn both(name: &'static str, text: &'static str) -> Self {
        Self { name, sqlite: text, postgres: text }
    }

    /// Runs the statement for every row; answers how many rows it touched in all.
    ///
    /// SQLite has no round trips to save and runs the text once a row; PostgreSQL gets one array a column.
    pub(super) fn write_rows(&'static self, tx: &mut Tx<'_>, rows: Vec<Vec<Bind<'_>>>) -> QueryResult<usize> {
        if rows.is_empty() {
            return Ok(0);
        }
        match tx {
            Tx::Sqlite(_) => {
                let mut touched = 0_usize;
                for row in rows {
                    touched = touched.saturating_add(Sql(self, row).run(tx)?);
                }
                Ok(touched)
            }
            Tx::Postgres(_) => self.over(rows)?.run(tx),
        }
    }

    /// The statement over rows, as PostgreSQL gets them: one array a column.
    pub(super) fn over<'a>(&'static self, rows: Vec<Vec<Bind<'a>>>) -> QueryResult<Sql<'a>> {
        Ok(Sql(self, columns(rows)?))
    }
}

fn columns(rows: Vec<Vec<Bind<'_>>>) -> QueryResult<Vec<Bind<'_>>> {
    let mut columns: Vec<Vec<Bind<'_>>> = Vec::new();
    for row in rows {
        columns.resize_with(row.len().max(columns.len()), Vec::new);
        for (column, value) in columns.iter_mut().zip(row) {
            column.push(value);
        }
    }
    columns.into_iter().map(Bind::column).collect()
}

/// A statement and its values.
pub struct Sql<'a>(pub &'static Statement, pub Vec<Bind<'a>>);

impl Sql<'_> {
    /// Runs a statement that returns no rows; answers how many rows it touched.
    pub fn run(self, tx: &mut Tx<'_>) -> QueryResult<usize> {
        #[cfg(test)]
        super::tests::faults::before(self.0.name)?;
        match tx {
            Tx::Sqlite(connection) => RunQueryDsl::execute(self.on_sqlite(), *connection),
            Tx::Postgres(pooled) => RunQueryDsl::execute(self, &mut pooled.connection),
        }
    }

    /// Runs a statement and reads every row.
    pub fn rows<R>(self, tx: &mut Tx<'_>) -> QueryResult<Vec<R>>
    where
        R: FromSqlRow<Untyped, Sqlite> + FromSqlRow<Untyped, Pg> + 'static,
    {
        #[cfg(test)]
        super::tests::faults::before(self.0.name)?;
        match tx {
            Tx::Sqlite(connection) => RunQueryDsl::load(self.on_sqlite(), *connection),
            Tx::Postgres(pooled) => RunQueryDsl::load(self, &mut pooled.connection),
        }
    }

    /// Runs a statement and reads the first row, if there is one.
    pub fn row<R>(self, tx: &mut Tx<'_>) -> QueryResult<Option<R>>
    where
        R: FromSqlRow<Untyped, Sqlite> + FromSqlRow<Untyped, Pg> + 'static,
    {
        Ok(self.rows(tx)?.into_iter().next())
    }
}

impl<'a> Sql<'a> {
    fn on_sqlite(self) -> OnSqlite<'a> {
        OnSqlite { text: by_position(self.0), binds: self.1 }
    }
}

/// A statement as SQLite reads it. Diesel walks it three times an execution, so the text is made before.
struct OnSqlite<'a> {
    text: Rc<str>,
    binds: Vec<Bind<'a>>,
}

/// `?1` is a position; SQLite would take `$1` for a name and number it by first appearance. Each thread does this once a
/// statement: the texts are long and the statements run often.
fn by_position(statement: &'static Statement) -> Rc<str> {
    thread_local! {
        static TEXTS: RefCell<BTreeMap<(usize, usize), Rc<str>>> = const { RefCell::new(BTreeMap::new()) };
    }
    let key = (statement.sqlite.as_ptr().addr(), statement.sqlite.len());
    let text = || Rc::from(statement.sqlite.replace('$', "?"));
    TEXTS.with_borrow_mut(|texts| Rc::clone(texts.entry(key).or_insert_with(text)))
}

/// A row whose columns are read by their places instead of their names, which is several times as fast: for rows that are
/// read by the hundred, and with every request. The fields stand in the order of the columns.
macro_rules! by_place {
    ($visibility:vis $record:ident { $($field:ident: $kind:ty => $column:ty),+ $(,)? }) => {
        $visibility struct $record {
            $($field: $kind,)+
        }

        $crate::db::sql::by_place!(on diesel::sqlite::Sqlite, $record { $($field: $kind => $column),+ });
        $crate::db::sql::by_place!(on diesel::pg::Pg, $record { $($field: $kind => $column),+ });
    };
    (on $backend:ty, $record:ident { $($field:ident: $kind:ty => $column:ty),+ }) => {
        impl diesel::deserialize::FromSqlRow<diesel::sql_types::Untyped, $backend> for $record {
            fn build_from_row<'a>(row: &impl diesel::row::Row<'a, $backend>) -> diesel::deserialize::Result<Self> {
                let mut places = 0_usize..;
                let mut place = || places.next().unwrap_or_default();
                Ok(Self { $($field: row.get_value::<$column, $kind, usize>(place())?,)+ })
            }
        }
    };
}
pub(super) use by_place;

macro_rules! query {
    ($($name:ident),+) => {
        $(
            impl QueryId for $name<'_> {
                // No static id: the cache key is the text, which is constant and registered.
                type QueryId = ();
                const HAS_STATIC_QUERY_ID: bool = false;
            }

            impl Query for $name<'_> {
                type SqlType = Untyped;
            }

            impl<C> RunQueryDsl<C> for $name<'_> {}
        )+
    };
}

query!(Sql, OnSqlite);

impl QueryFragment<Sqlite> for OnSqlite<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql(&self.text);
        for bind in &self.binds {
            match bind {
                Bind::Int(v) => out.push_bind_param_value_only::<BigInt, _>(v)?,
                Bind::OptionalInt(v) => out.push_bind_param_value_only::<Nullable<BigInt>, _>(v)?,
                Bind::Text(v) => out.push_bind_param_value_only::<Text, _>(*v)?,
                Bind::OptionalText(v) => out.push_bind_param_value_only::<Nullable<Text>, _>(v)?,
                Bind::Bytes(v) => out.push_bind_param_value_only::<Binary, _>(*v)?,
                Bind::OptionalBytes(v) => out.push_bind_param_value_only::<Nullable<Binary>, _>(v)?,
                Bind::Flag(v) => out.push_bind_param_value_only::<Bool, _>(v)?,
                Bind::Ids(v) => out.push_bind_param_value_only::<Text, _>(&v.json)?,
                Bind::Ints(_)
                | Bind::OptionalInts(_)
                | Bind::Texts(_)
                | Bind::OptionalTexts(_)
                | Bind::ManyBytes(_)
                | Bind::OptionalManyBytes(_)
                | Bind::Flags(_) => {
                    return Err(diesel::result::Error::QueryBuilderError("SQLite takes no arrays".into()));
                }
            }
        }
        Ok(())
    }
}

impl QueryFragment<Pg> for Sql<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(self.0.postgres);
        for bind in &self.1 {
            match bind {
                Bind::Int(v) => out.push_bind_param_value_only::<BigInt, _>(v)?,
                Bind::OptionalInt(v) => out.push_bind_param_value_only::<Nullable<BigInt>, _>(v)?,
                Bind::Text(v) => out.push_bind_param_value_only::<Text, _>(*v)?,
                Bind::OptionalText(v) => out.push_bind_param_value_only::<Nullable<Text>, _>(v)?,
                Bind::Bytes(v) => out.push_bind_param_value_only::<Binary, _>(*v)?,
                Bind::OptionalBytes(v) => out.push_bind_param_value_only::<Nullable<Binary>, _>(v)?,
                Bind::Flag(v) => out.push_bind_param_value_only::<Bool, _>(v)?,
                Bind::Ints(v) => out.push_bind_param_value_only::<Array<BigInt>, _>(v)?,
                Bind::OptionalInts(v) => out.push_bind_param_value_only::<Array<Nullable<BigInt>>, _>(v)?,
                Bind::Texts(v) => out.push_bind_param_value_only::<Array<Text>, _>(v)?,
                Bind::OptionalTexts(v) => out.push_bind_param_value_only::<Array<Nullable<Text>>, _>(v)?,
                Bind::ManyBytes(v) => out.push_bind_param_value_only::<Array<Binary>, _>(v)?,
                Bind::OptionalManyBytes(v) => out.push_bind_param_value_only::<Array<Nullable<Binary>>, _>(v)?,
                Bind::Flags(v) => out.push_bind_param_value_only::<Array<Bool>, _>(v)?,
                Bind::Ids(v) => out.push_bind_param_value_only::<Array<Binary>, _>(&v.array)?,
            }
        }
        Ok(())
    }
}
