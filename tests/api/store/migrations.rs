//! The twin migrations make the same schema, once, whoever runs them at the same time, and can be undone.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use diesel_migrations::{FileBasedMigrations, MigrationHarness as _};
use muster::db::{Database as Store, DatabaseError, IfMissing, MigrationState, Tx};

use super::{execute, open, rows};
use crate::support::{Backend, Database, Program};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(name)
}

fn names(database: &str) -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder(database)).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Tables, columns, nullability and indexes, in the words of SQLite.
fn schema(store: &Store, backend: Backend) -> BTreeSet<String> {
    let queries: [&str; 2] = match backend {
        Backend::Sqlite => [
            "SELECT t.name || '.' || c.name || ' ' || c.type || CASE WHEN c.\"notnull\" THEN ' not null' ELSE '' END AS text \
             FROM sqlite_master t, pragma_table_xinfo(t.name) c \
             WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' AND t.name NOT LIKE '\\_\\_%' ESCAPE '\\'",
            "SELECT CASE i.origin WHEN 'pk' THEN 'primary key' ELSE i.name END || ' of ' || t.name || ' (' || \
             (SELECT group_concat(c.name, ', ') FROM pragma_index_info(i.name) c) || ')' || \
             CASE WHEN i.\"unique\" THEN ' unique' ELSE '' END || \
             CASE WHEN i.partial THEN ' where ' || substr(s.sql, instr(s.sql, ' WHERE ') + 7) ELSE '' END AS text \
             FROM sqlite_master t, pragma_index_list(t.name) i LEFT JOIN sqlite_master s ON s.name = i.name \
             WHERE t.type = 'table' AND t.name NOT LIKE '\\_\\_%' ESCAPE '\\'",
        ],
        Backend::Postgres => [
            "SELECT table_name || '.' || column_name || ' ' || CASE data_type WHEN 'bytea' THEN 'BLOB' \
             WHEN 'text' THEN 'TEXT' WHEN 'bigint' THEN 'INTEGER' WHEN 'boolean' THEN 'INTEGER' ELSE data_type END || \
             CASE is_nullable WHEN 'NO' THEN ' not null' ELSE '' END AS text \
             FROM information_schema.columns WHERE table_schema = 'public' AND table_name NOT LIKE '\\_\\_%'",
            "SELECT CASE WHEN x.indisprimary THEN 'primary key' ELSE i.relname END || ' of ' || t.relname || ' (' || \
             (SELECT string_agg(a.attname, ', ' ORDER BY k.place) FROM unnest(x.indkey) WITH ORDINALITY AS k(number, place) \
              JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = k.number) || ')' || \
             CASE WHEN x.indisunique THEN ' unique' ELSE '' END || \
             coalesce(' where ' || pg_get_expr(x.indpred, x.indrelid), '') AS text \
             FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid \
             WHERE t.relnamespace = 'public'::regnamespace AND t.relname NOT LIKE '\\_\\_%'",
        ],
    };
    let plain = |line: String| match line.split_once(" where ") {
        Some((index, condition)) => {
            let condition = condition.replace("::bigint", "").replace(['(', ')', '\''], "");
            format!("{index} where {condition}")
        }
        None => line,
    };
    queries.iter().flat_map(|query| rows(store, query)).map(plain).collect()
}

fn migrated(backend: Backend) -> (Database, Store) {
    let database = Database::fresh(backend);
    let store = Store::open(database.url(), IfMissing::Create).unwrap();
    store.migrate().unwrap();
    (database, store)
}

#[test]
fn the_twin_folders_hold_the_same_migrations_and_make_the_same_schema() {
    assert_eq!(names("sqlite"), names("postgres"));
    let (_file, sqlite) = migrated(Backend::Sqlite);
    let (_server, postgres) = migrated(Backend::Postgres);
    let (sqlite, postgres) = (schema(&sqlite, Backend::Sqlite), schema(&postgres, Backend::Postgres));
    let only = |one: &BTreeSet<String>, other: &BTreeSet<String>| one.difference(other).cloned().collect::<Vec<_>>();
    assert_eq!(only(&sqlite, &postgres), only(&postgres, &sqlite), "on SQLite alone, on PostgreSQL alone");
    assert!(sqlite.len() > 80, "{sqlite:?}");
    // Whoever adds a rule also says what breaking it means: `db::Constraint`, and the test that provokes each; `ON CONFLICT` in the
    // statements of notices, subscriptions and downstream systems makes breaking theirs a stale write.
    let rules: Vec<&str> = sqlite
        .iter()
        .filter(|line| line.contains(" unique") && !line.starts_with("primary key"))
        .map(|line| line.split(' ').next().unwrap())
        .collect();
    let known = [
        "account_email",
        "account_subject",
        "connection_name",
        "downstream_system_name",
        "invitation_open",
        "keyring_purpose",
        "membership_current",
        "notice_standing",
        "organization_slug",
        "proof_of_issuer",
        "quarantine_open",
        "scim_group_unique_name",
        "scim_user_name",
        "service_name",
        "session_attempt",
        "subscription_of_account",
    ];
    assert_eq!(rules, known);
}

#[test]
fn indexed_text_sorts_by_its_bytes_on_postgresql_as_on_sqlite() {
    let (_database, store) = migrated(Backend::Postgres);
    let query = "SELECT DISTINCT a.attrelid::regclass || '.' || a.attname AS text FROM pg_index x \
                 JOIN pg_class t ON t.oid = x.indrelid JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = ANY(x.indkey) \
                 WHERE t.relnamespace = 'public'::regnamespace AND t.relname NOT LIKE '\\_\\_%' \
                 AND a.attcollation NOT IN (0, 'pg_catalog.\"C\"'::regcollation)";
    assert_eq!(rows(&store, query), Vec::<String>::new());
}

on_both_databases! {
    fn migrations_can_be_undone_and_run_again(database: &Database) {
        let backend = database.backend();
        let store = Store::open(database.url(), IfMissing::Create).unwrap();
        store.migrate().unwrap();
        let before = schema(&store, backend);
        let undone: Result<usize, DatabaseError> = store.with_own_connection(|tx| Ok(match tx {
            Tx::Sqlite(connection) => {
                let migrations = FileBasedMigrations::from_path(folder("sqlite")).unwrap();
                connection.revert_all_migrations(migrations).unwrap().len()
            }
            Tx::Postgres(pooled) => {
                let migrations = FileBasedMigrations::from_path(folder("postgres")).unwrap();
                pooled.connection.revert_all_migrations(migrations).unwrap().len()
            }
        }));
        assert_eq!(undone.unwrap(), names("sqlite").len());
        assert_eq!(schema(&store, backend), BTreeSet::new());
        assert_eq!(store.migration_state().unwrap(), MigrationState::Empty);
        assert_eq!(store.migrate().unwrap(), names("sqlite").len());
        assert_eq!(schema(&store, backend), before);
    }

    fn people_who_were_there_before_lists_were_sorted_are_given_what_they_are_sorted_by(database: &Database) {
        let store = Store::open(database.without_tables().url(), IfMissing::Create).unwrap();
        let first: Result<(), DatabaseError> = store.with_own_connection(|tx| {
            match tx {
                Tx::Sqlite(connection) => {
                    connection.run_next_migration(FileBasedMigrations::from_path(folder("sqlite")).unwrap()).unwrap();
                }
                Tx::Postgres(pooled) => {
                    let migrations = FileBasedMigrations::from_path(folder("postgres")).unwrap();
                    pooled.connection.run_next_migration(migrations).unwrap();
                }
            }
            Ok(())
        });
        first.unwrap();
        let bytes = |number: u8| match database.backend() {
            Backend::Sqlite => format!("X'{number:032x}'"),
            Backend::Postgres => format!("'\\x{number:032x}'::bytea"),
        };
        let on = if database.backend() == Backend::Sqlite { "1" } else { "true" };
        for (number, external_id, document) in [
            (1, "'X1'", r#"{"displayName":"  Ada LOVELACE ","name":{"familyName":"Lovelace"}}"#),
            (2, "NULL", r#"{"displayName":"","name":{"givenName":"Grace"}}"#),
            (3, "NULL", "{}"),
        ] {
            let (nobody, id) = (bytes(0), bytes(number));
            let user = format!(
                "INSERT INTO scim_user (organization, id, connection, user_name_key, external_id, active, version, \
                 created_at, modified_at, document) \
                 VALUES ({nobody}, {id}, {nobody}, 'u{number}', {external_id}, {on}, 1, 0, 0, '{document}')"
            );
            execute(&store, &user);
        }
        store.migrate().unwrap();
        let keys = "SELECT user_name_key || ' ' || display_name_key || '|' || family_name_key || '|' || external_id_key \
                    AS text FROM scim_user ORDER BY id";
        let missing = "\u{10FFFF}";
        let expected = [
            "u1 ada lovelace|lovelace|X1".to_owned(),
            format!("u2 {missing}|{missing}|{missing}"),
            format!("u3 {missing}|{missing}|{missing}"),
        ];
        assert_eq!(rows(&store, keys), expected);
    }

    fn processes_that_migrate_at_once_do_it_once(database: &Database) {
        let backend = database.backend();
        for round in 0..5 {
            let fresh = Database::fresh(backend);
            let program = Program::on(fresh.without_tables());
            let printed: Vec<String> = std::thread::scope(|scope| {
                let running: Vec<_> = (0..3).map(|_| scope.spawn(|| program.done(&["migrate"]))).collect();
                running.into_iter().map(|one| one.join().unwrap()).collect()
            });
            let ran = printed.iter().filter(|line| line.starts_with("ran ")).count();
            assert_eq!(ran, 1, "round {round}: {printed:?}");
            let applied = rows(&open(fresh.url()), "SELECT version AS text FROM __diesel_schema_migrations");
            assert_eq!(applied.len(), names("sqlite").len());
        }
    }

    fn a_database_of_a_newer_version_is_refused_by_whoever_asks(database: &Database) {
        let program = Program::on(database);
        program.done(&["migrate"]);
        execute(&open(database.url()), "INSERT INTO __diesel_schema_migrations (version) VALUES ('29991231000000')");
        for command in [&["serve", "--listen", "127.0.0.1:0"][..], &["migrate"], &["token", "list"]] {
            let ended = program.run(command);
            assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{command:?}: {ended:?}");
            assert!(ended.stderr.contains("newer version"), "{command:?}: {ended:?}");
        }
    }
}

#[test]
fn servers_that_start_at_once_on_an_empty_postgresql_set_it_up_once() {
    for _ in 0..3 {
        let database = Database::fresh(Backend::Postgres);
        let program = Program::on(&database);
        let printed: Vec<String> = std::thread::scope(|scope| {
            let running: Vec<_> = (0..3).map(|_| scope.spawn(|| program.serve(&[]).terminate().stdout)).collect();
            running.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert_eq!(printed.iter().filter(|text| text.contains("SCIM token: ")).count(), 1, "{printed:?}");
        assert_eq!(rows(&open(database.url()), "SELECT slug AS text FROM organization"), ["default"]);
    }
}
