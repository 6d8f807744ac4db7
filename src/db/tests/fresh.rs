//! Throw-away databases for tests beside the code.

use diesel::connection::SimpleConnection;
use tempfile::TempDir;

use super::super::{Database, DatabaseError, Dialect, IfMissing, Tx};
use crate::clock::Clock;
use crate::ids;

/// A migrated, empty database, gone when dropped.
pub(crate) struct Fresh {
    /// The database.
    pub(crate) database: Database,
    _folder: Option<TempDir>,
    dropped: Option<(Database, String)>,
}

impl Fresh {
    /// One of this kind. PostgreSQL: on the server that `MUSTER_TEST_POSTGRES_URL` names.
    pub(crate) fn new(dialect: Dialect) -> Self {
        let fresh = match dialect {
            Dialect::Sqlite => {
                let folder = TempDir::new().unwrap();
                let url = format!("sqlite:{}", folder.path().join("muster.db").display());
                let database = Database::open(&url, IfMissing::Create).unwrap();
                Self { database, _folder: Some(folder), dropped: None }
            }
            Dialect::Postgres => {
                let server = std::env::var("MUSTER_TEST_POSTGRES_URL")
                    .expect("run `scripts/test.sh`, or `export MUSTER_TEST_POSTGRES_URL=$(scripts/postgres.sh start)`");
                let name = format!("test_{}", ids::resource(Clock::system().now()).to_string().replace('-', "_"));
                let maintenance = Database::open(&server, IfMissing::Refuse).unwrap();
                let template = std::env::var("MUSTER_TEST_POSTGRES_TEMPLATE");
                let template = template.as_deref().unwrap_or("template0");
                batch(&maintenance, &format!("CREATE DATABASE {name} TEMPLATE {template}"));
                let mut url: url::Url = server.parse().unwrap();
                url.set_path(&name);
                let database = Database::open(url.as_str(), IfMissing::Refuse).unwrap();
                Self { database, _folder: None, dropped: Some((maintenance, name)) }
            }
        };
        fresh.database.migrate().unwrap();
        fresh
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        if let Some((maintenance, name)) = &self.dropped {
            batch(maintenance, &format!("DROP DATABASE {name} WITH (FORCE)"));
        }
    }
}

/// Runs statements that are not the product's.
pub(crate) fn batch(database: &Database, text: &str) {
    let ran: Result<(), DatabaseError> = database.with_own_connection(|tx| match tx {
        Tx::Sqlite(connection) => connection.batch_execute(text).map_err(DatabaseError::from),
        Tx::Postgres(pooled) => pooled.connection.batch_execute(text).map_err(DatabaseError::from),
    });
    ran.unwrap();
}

#[derive(diesel::QueryableByName)]
struct TextRecord {
    #[diesel(sql_type = diesel::sql_types::Text)]
    broken: String,
}

fn texts(database: &Database, query: &str) -> Vec<String> {
    use diesel::RunQueryDsl as _;
    let rows: Result<Vec<TextRecord>, DatabaseError> = database.read(|tx| match tx {
        Tx::Sqlite(connection) => diesel::sql_query(query).load(*connection).map_err(DatabaseError::from),
        Tx::Postgres(pooled) => diesel::sql_query(query).load(&mut pooled.connection).map_err(DatabaseError::from),
    });
    rows.unwrap_or_else(|error| panic!("{query}: {error}")).into_iter().map(|row| row.broken).collect()
}

/// What does not hold of what must hold always.
pub(crate) fn broken(database: &Database) -> Vec<String> {
    let statements = include_str!("../../../tests/consistency.sql").split(';').filter(|text| text.contains("SELECT"));
    statements.flat_map(|statement| texts(database, statement)).collect()
}

/// A picture of all that is stored: it changes when anything is written.
pub(crate) fn picture(database: &Database) -> String {
    let sums = [
        "SELECT count(*) FROM event",
        "SELECT count(*) * 1000 + sum(version) FROM scim_user",
        "SELECT count(*) * 1000 + sum(version) FROM scim_group",
        "SELECT count(*) FROM user_email",
        "SELECT sum(CASE WHEN until_revision = 9223372036854775807 THEN 1 ELSE 1000 END) FROM user_status",
        "SELECT sum(CASE WHEN until_revision = 9223372036854775807 THEN 1 ELSE 1000 END) FROM membership",
        "SELECT sum(present) * 1000 + sum(deleted) FROM resource_count",
        "SELECT count(*) * 1000 + sum(revision) FROM organization",
        "SELECT count(*) FROM connection",
        "SELECT count(*) * 1000 + count(revoked_at) FROM credential",
        "SELECT sum(revision) FROM access_administration",
    ];
    let columns: Vec<String> = sums.iter().map(|sum| format!("coalesce(CAST(({sum}) AS TEXT), '0')")).collect();
    texts(database, &format!("SELECT {} AS broken", columns.join(" || ' ' || "))).concat()
}

/// Two tests of one body, `name::on_sqlite` and `name::on_postgres`.
macro_rules! on_both_databases {
    ($(fn $name:ident($fresh:ident: &Fresh) $body:block)+) => {$(
        fn $name($fresh: &$crate::db::tests::fresh::Fresh) $body

        mod $name {
            use $crate::db::{Dialect, tests::fresh::Fresh};

            #[test]
            fn on_sqlite() {
                super::$name(&Fresh::new(Dialect::Sqlite));
            }

            #[test]
            fn on_postgres() {
                super::$name(&Fresh::new(Dialect::Postgres));
            }
        }
    )+};
}
pub(crate) use on_both_databases;
