//! The store under stress: plans, migrations, encryption, what happens when a database or a server goes away.

mod client;
mod crash;
mod encryption;
mod failover;
mod filled;
mod locked;
mod long_keys;
mod migrations;
mod plans;
mod population;
mod put_back;

use diesel::connection::SimpleConnection as _;
use diesel::sql_types::Text;
use diesel::{QueryableByName, RunQueryDsl as _};
use muster::db::{Database as Store, DatabaseError, IfMissing, Tx};

/// Opens a database that is there.
fn open(url: &str) -> Store {
    Store::open(url, IfMissing::Refuse).unwrap()
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    text: String,
}

/// The rows of a query of one column named `text`.
fn rows(store: &Store, query: &str) -> Vec<String> {
    let rows: Result<Vec<Row>, DatabaseError> = store.with_own_connection(|tx| match tx {
        Tx::Sqlite(connection) => diesel::sql_query(query).load(*connection).map_err(DatabaseError::from),
        Tx::Postgres(pooled) => diesel::sql_query(query).load(&mut pooled.connection).map_err(DatabaseError::from),
    });
    rows.unwrap_or_else(|error| panic!("{query}: {error}")).into_iter().map(|row| row.text).collect()
}

/// Runs statements that are not the product's.
fn execute(store: &Store, statements: &str) {
    let ran: Result<(), DatabaseError> = store.with_own_connection(|tx| match tx {
        Tx::Sqlite(connection) => connection.batch_execute(statements).map_err(DatabaseError::from),
        Tx::Postgres(pooled) => pooled.connection.batch_execute(statements).map_err(DatabaseError::from),
    });
    ran.unwrap();
}

/// What does not hold of what must hold always.
fn broken(store: &Store) -> Vec<String> {
    let statements = include_str!("../consistency.sql").split(';').filter(|text| text.contains("SELECT"));
    statements.flat_map(|statement| rows(store, &statement.replace(" AS broken", " AS text"))).collect()
}
