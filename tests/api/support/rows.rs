//! What the database holds, behind the server's back.

use diesel::connection::SimpleConnection as _;
use diesel::sql_types::Text;
use diesel::{Connection as _, QueryableByName, RunQueryDsl as _, SqliteConnection};
use muster::model::OrganizationId;

use super::{Backend, Database, ask};

/// What the server keeps for itself and changes by the clock: not a row of the organization's own.
const TABLES_LEFT_OUT: [&str; 5] =
    ["server_applied", "request_log", "request_count", "connection_activity", "user_seen"];
const COLUMNS_LEFT_OUT: [&str; 2] = ["last_used_at", "seen_at"];
/// Since when servers deny a leaver is known, and written, after the request was answered.
const LEAVER_COLUMNS_LEFT_OUT: [&str; 4] = ["server", "denied_at", "settled_at", "servers"];

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    line: String,
}

/// The answer to a statement with one column, `line`.
pub fn lines(database: &Database, statement: &str) -> Vec<String> {
    match database.backend() {
        Backend::Sqlite => {
            let file = database.url().strip_prefix("sqlite:").unwrap();
            let mut connection = SqliteConnection::establish(file).unwrap();
            // Whoever opens a file that somebody died over keeps others waiting.
            connection.batch_execute("PRAGMA busy_timeout = 60000").unwrap();
            let found: Vec<Line> = diesel::sql_query(statement).load(&mut connection).unwrap();
            found.into_iter().map(|found| found.line).collect()
        }
        Backend::Postgres => ask(database.url(), statement).unwrap().lines().map(str::to_owned).collect(),
    }
}

/// The one number a statement answers.
pub fn number(database: &Database, statement: &str) -> i64 {
    let statement = format!("SELECT CAST(({statement}) AS TEXT) AS line");
    lines(database, &statement)[0].parse().unwrap()
}

/// Every row of an organization in every table, as text, in an order of its own: equal exactly if nothing changed.
pub fn rows_of(database: &Database, organization: OrganizationId) -> String {
    rows(database, Some(organization))
}

/// Every row of every organization.
pub fn all_rows(database: &Database) -> String {
    rows(database, None)
}

fn rows(database: &Database, organization: Option<OrganizationId>) -> String {
    let bytes = organization.map(|id| id.to_string().replace('-', "")).unwrap_or_default();
    let literal = match database.backend() {
        Backend::Sqlite => format!("x'{bytes}'"),
        Backend::Postgres => format!("'\\x{bytes}'"),
    };
    let selects: Vec<String> = tables(database)
        .iter()
        .filter_map(|(table, columns)| {
            let key = if table == "organization" { "id" } else { "organization" };
            columns.iter().any(|column| column == key).then(|| {
                let texts: Vec<String> = columns.iter().map(|column| text_of(database, column)).collect();
                let whose = if organization.is_some() { format!("{key} = {literal}") } else { "true".to_owned() };
                // That an id was named from outside is put on record by the clock.
                let rest = if table == "event" { "action NOT LIKE 'caller.%'" } else { "true" };
                let condition = format!("{whose} AND {rest}");
                format!("SELECT '{table}: ' || {} AS line FROM {table} WHERE {condition}", texts.join(" || ' | ' || "))
            })
        })
        .collect();
    assert!(selects.len() > 8, "the tables were not found");
    lines(database, &format!("{} ORDER BY 1", selects.join(" UNION ALL "))).join("\n")
}

fn text_of(database: &Database, column: &str) -> String {
    match database.backend() {
        Backend::Sqlite => format!("quote({column})"),
        Backend::Postgres => format!("coalesce({column}::text, 'NULL')"),
    }
}

/// Each table with its columns.
pub fn tables(database: &Database) -> Vec<(String, Vec<String>)> {
    let statement = match database.backend() {
        Backend::Sqlite => {
            "SELECT m.name || '|' || p.name AS line FROM sqlite_master m, pragma_table_info(m.name) p \
             WHERE m.type = 'table' ORDER BY 1"
        }
        Backend::Postgres => {
            "SELECT table_name || '|' || column_name AS line FROM information_schema.columns \
             WHERE table_schema = 'public' ORDER BY 1"
        }
    };
    let mut tables: Vec<(String, Vec<String>)> = Vec::new();
    for line in lines(database, statement) {
        let (table, column) = line.split_once('|').unwrap();
        let is_left_out = TABLES_LEFT_OUT.contains(&table)
            || COLUMNS_LEFT_OUT.contains(&column)
            || (table == "leaver" && LEAVER_COLUMNS_LEFT_OUT.contains(&column));
        if is_left_out {
            continue;
        }
        match tables.last_mut() {
            Some((name, columns)) if name == table => columns.push(column.to_owned()),
            _ => tables.push((table.to_owned(), vec![column.to_owned()])),
        }
    }
    tables
}
