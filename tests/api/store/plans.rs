//! How both databases carry out every registered statement, at an organization that holds nearly all rows.
//!
//! The plans are recorded in `tests/plans/`. `MUSTER_ACCEPT_PLANS=1 cargo nextest run --test api store::plans` records them anew.

use std::collections::BTreeMap;
use std::path::Path;

use diesel::connection::SimpleConnection as _;
use diesel::sql_types::{Integer, Text};
use diesel::{QueryableByName, RunQueryDsl as _};
use muster::db::sql::Statement;
use muster::db::{Database as Store, DatabaseError, IfMissing, Tx, statements};

use crate::support::{Backend, Database, ask};

/// Tables whose rows belong to an organization.
const TABLES: [&str; 9] = [
    "connection",
    "credential",
    "scim_user",
    "user_email",
    "user_status",
    "scim_group",
    "membership",
    "resource_count",
    "event",
];

/// Statements that may read all rows an organization has in a table, and why.
const WHOLE_ORGANIZATION: [(&str, &str); 2] = [
    ("connection_list", "an organization has a handful of connections, and all are asked for"),
    ("credential_list", "an organization has tens of credentials, and all are asked for"),
];

/// Names of the plans by name of the statement.
type Plans = BTreeMap<&'static str, String>;

fn all() -> Vec<&'static Statement> {
    statements::all().collect()
}

/// 20,000 users in 200 groups, 2,000 events and 300 tombstones in one organization, and 500 organizations beside it.
fn fill(database: &Database) {
    let store = Store::open(database.url(), IfMissing::Create).unwrap();
    store.migrate().unwrap();
    let (numbers, id): (fn(u32) -> String, fn(&str, &str) -> String) = match database.backend() {
        Backend::Sqlite => (
            |n| format!("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {n})"),
            |kind, i| format!("unhex(printf('{kind}%030x', {i}))"),
        ),
        Backend::Postgres => (
            |n| format!("WITH n(i) AS (SELECT generate_series(1, {n}))"),
            |kind, i| format!("decode('{kind}' || lpad(to_hex({i}), 30, '0'), 'hex')"),
        ),
    };
    let (flag, max) = (if database.backend() == Backend::Sqlite { "1" } else { "true" }, "9223372036854775807");
    let (org, con) = (id("01", "1"), id("02", "1"));
    let bytes = id("0f", "1");
    // SQLite wants the common table expression after INSERT INTO; both take it there.
    let mut script = vec![];
    let mut insert = |table: &str, columns: &str, count: u32, values: String| {
        script.push(format!("INSERT INTO {table} ({columns}) {} SELECT {values} FROM n", numbers(count)));
    };
    let of = |kind: &str, i: &str| id(kind, i);
    insert(
        "organization",
        "id, slug, name, revision, created_at",
        500,
        format!("{}, 'slug' || i, 'name', 9, 0", of("01", "i")),
    );
    insert(
        "keyring",
        "id, organization, purpose, wrapped, material, created_at",
        500,
        format!("{}, {}, 'persons', {flag}, {bytes}, 0", of("03", "i"), of("01", "i")),
    );
    insert("server", "instance, started_at, lease_until", 100, format!("{}, 0, 0", of("04", "i")));
    insert(
        "server_applied",
        "organization, instance, revision",
        5000,
        format!("{}, {}, 9", of("01", "i % 500 + 1"), of("04", "i / 500 + 1")),
    );
    insert(
        "connection",
        "organization, id, name, profile, paused, created_at",
        2000,
        format!("{org}, {}, 'name' || i, 'default', {flag}, 0", of("02", "i")),
    );
    insert(
        "credential",
        "organization, id, kind, connection, secret_hash, created_at, expires_at",
        1000,
        format!("{org}, {}, 'scim', {con}, {bytes}, 0, 0", of("05", "i")),
    );
    insert(
        "scim_user",
        "organization, id, connection, user_name_key, external_id, active, version, created_at, modified_at, deleted_at, document",
        20_000,
        format!(
            "{org}, {}, {con}, 'user' || i, 'external' || i, {flag}, 1, 0, 0, CASE WHEN i % 67 = 0 THEN 1 END, '{{}}'",
            of("06", "i")
        ),
    );
    insert(
        "user_email",
        "organization, address_key, user_id",
        20_000,
        format!("{org}, 'user' || i || '@example.com', {}", of("06", "i")),
    );
    insert(
        "user_status",
        "organization, user_id, from_revision, until_revision, status, since",
        20_000,
        format!("{org}, {}, 1, {max}, 1, 0", of("06", "i")),
    );
    insert(
        "scim_group",
        "organization, id, connection, display_name, display_name_key, unique_name_key, external_id, version, created_at, modified_at, document",
        2000,
        format!(
            "{org}, {}, {con}, 'group' || i, 'group' || i, 'group' || i, 'external' || i, 1, 0, 0, '{{}}'",
            of("07", "i")
        ),
    );
    insert(
        "membership",
        "organization, group_id, member_id, from_revision, until_revision, member_kind",
        20_000,
        format!(
            "{org}, {}, {}, 1, {max}, CASE WHEN i % 50 = 0 THEN 2 ELSE 1 END",
            of("07", "i % 200 + 1"),
            of("06", "i")
        ),
    );
    insert(
        "membership",
        "organization, group_id, member_id, from_revision, until_revision, member_kind",
        5000,
        format!("{org}, {}, {}, 0, 1, 1", of("07", "i % 200 + 1"), of("06", "i")),
    );
    insert(
        "resource_count",
        "organization, connection, resource_kind, shard, present, deleted",
        16_000,
        format!("{org}, {}, 2, i % 16, 1, 0", of("02", "i / 16 + 1")),
    );
    insert(
        "event",
        "organization, id, at, actor_kind, connection, request, action, resource_id, details",
        20_000,
        format!("{org}, {}, 0, 'connection', {con}, {bytes}, 'user.created', {}, '{{}}'", of("08", "i"), of("06", "i")),
    );
    batch(&store, &script.join(";\n"));
}

fn batch(store: &Store, text: &str) {
    let ran: Result<(), DatabaseError> = store.with_own_connection(|tx| match tx {
        Tx::Sqlite(connection) => connection.batch_execute(text).map_err(DatabaseError::from),
        Tx::Postgres(connection) => connection.batch_execute(text).map_err(DatabaseError::from),
    });
    ran.unwrap();
}

#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = Text)]
    detail: String,
}

fn sqlite_plans(store: &Store) -> Plans {
    let explain = |statement: &'static Statement| {
        let text = format!("EXPLAIN QUERY PLAN {}", statement.sqlite.replace('$', "?"));
        let steps: Result<Vec<Step>, DatabaseError> = store.with_own_connection(|tx| match tx {
            Tx::Sqlite(connection) => diesel::sql_query(&text).load(*connection).map_err(DatabaseError::from),
            Tx::Postgres(_) => unreachable!(),
        });
        let steps = steps.unwrap_or_else(|error| panic!("{}: {error}", statement.name));
        (statement.name, steps.into_iter().map(|step| format!("  {}\n", step.detail)).collect())
    };
    all().into_iter().map(explain).collect()
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text, column_name = "QUERY PLAN")]
    line: String,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = Integer)]
    number: i32,
}

/// As the product's own sessions would carry it out, whatever the values.
fn postgres_plan(tx: &mut Tx<'_>, statement: &'static Statement) -> Result<String, DatabaseError> {
    let Tx::Postgres(connection) = tx else { unreachable!() };
    connection.batch_execute(&format!("PREPARE explained AS {}", statement.postgres))?;
    let number = "SELECT coalesce(cardinality(parameter_types), 0) AS number FROM pg_prepared_statements \
                  WHERE name = 'explained'";
    let number: Number = diesel::sql_query(number).get_result(*connection)?;
    let values = vec!["NULL"; usize::try_from(number.number).unwrap()].join(", ");
    let values = if values.is_empty() { values } else { format!("({values})") };
    let explain = format!("EXPLAIN (COSTS OFF) EXECUTE explained{values}");
    let lines: Vec<Line> = diesel::sql_query(explain).load(*connection)?;
    connection.batch_execute("DEALLOCATE explained")?;
    // Which index, by which columns, in which order; the rest is told differently from version to version.
    let told = |line: &&Line| {
        ["Scan", " on ", "Nested Loop", "Join", "Index Cond"].iter().any(|word| line.line.contains(word))
    };
    Ok(lines.iter().filter(told).map(|line| format!("  {}\n", line.line)).collect())
}

fn postgres_plans(store: &Store) -> Plans {
    let plans: Result<Plans, DatabaseError> = store.with_own_connection(|tx| {
        let mut plan = |statement: &'static Statement| Ok((statement.name, postgres_plan(tx, statement)?));
        all().into_iter().map(&mut plan).collect()
    });
    plans.unwrap()
}

/// Compares with what is recorded.
fn assert_recorded(plans: &Plans, file: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plans").join(file);
    let found: String = plans.iter().map(|(name, plan)| format!("{name}\n{plan}\n")).collect();
    if std::env::var_os("MUSTER_ACCEPT_PLANS").is_some() {
        std::fs::write(&path, &found).unwrap();
    }
    let recorded = std::fs::read_to_string(&path).unwrap_or_default();
    let blocks = |text: &str| -> BTreeMap<String, String> {
        let blocks = text.split("\n\n").filter_map(|block| block.split_once('\n'));
        blocks.map(|(name, plan)| (name.to_owned(), plan.trim_end().to_owned())).collect()
    };
    let (recorded, found) = (blocks(&recorded), blocks(&found));
    let mut differences = String::new();
    for name in recorded.keys().chain(found.keys()).collect::<std::collections::BTreeSet<_>>() {
        let (before, now) = (recorded.get(name), found.get(name));
        if before != now {
            let text = |plan: Option<&String>| plan.map_or("  (none)", String::as_str).to_owned();
            differences += &format!("{name}, recorded:\n{}\n{name}, now:\n{}\n\n", text(before), text(now));
        }
    }
    assert!(
        differences.is_empty(),
        "plans have changed; if they are good, `MUSTER_ACCEPT_PLANS=1 cargo nextest run --test api store::plans`:\n{differences}"
    );
}

/// No statement reads a table from end to end, or all rows of an organization.
fn assert_deep(plans: &Plans, read_too_much: impl Fn(&str) -> Vec<&str>) {
    let shallow: Vec<String> = plans
        .iter()
        .filter(|(name, _)| !WHOLE_ORGANIZATION.iter().any(|(statement, _why)| statement == *name))
        .filter(|(_, plan)| !read_too_much(plan).is_empty())
        .map(|(name, plan)| format!("{name}, {:?}\n{plan}", read_too_much(plan)))
        .collect();
    assert!(shallow.is_empty(), "these read a whole organization:\n{}", shallow.join("\n"));
}

/// The steps of a plan of SQLite's that read a table from end to end, or all rows of an organization.
fn sqlite_reads_too_much(plan: &str) -> Vec<&str> {
    let made_here = |step: &str| {
        let name = step.split_whitespace().nth(1).unwrap_or_default();
        ["MATERIALIZE", "CO-ROUTINE"].iter().any(|how| plan.contains(&format!("{how} {name}\n")))
    };
    plan.lines().filter(|step| is_shallow(step) && !made_here(step)).collect()
}

fn is_shallow(step: &str) -> bool {
    let words: Vec<&str> = step.split_whitespace().collect();
    match words.as_slice() {
        // A list of ids that came with the statement.
        ["SCAN", _, "VIRTUAL", ..] => false,
        ["SCAN", table, ..] => alias_of_table(table),
        // Deeper than the organization, and than a connection, which may be all there is of it.
        ["SEARCH", table, ..] if alias_of_table(table) => {
            let given = step.rsplit_once('(').map_or("", |(_, given)| given);
            ["organization=?)", "organization=? AND connection=?)"].contains(&given)
        }
        _ => false,
    }
}

/// Statements call their tables by their names, or by these.
fn alias_of_table(name: &str) -> bool {
    TABLES.contains(&name) || ["u", "g", "m", "e", "n", "p"].contains(&name)
}

/// The steps of a plan of PostgreSQL's that read a table from end to end, or all rows of an organization.
fn postgres_reads_too_much(plan: &str) -> Vec<&str> {
    let lines: Vec<&str> = plan.lines().collect();
    let mut found = Vec::new();
    for (i, line) in lines.iter().enumerate() {
        let sequential =
            line.contains("Seq Scan on") && TABLES.iter().any(|table| line.contains(&format!("Seq Scan on {table}")));
        let condition = lines[i + 1..].iter().take(3).find(|line| line.contains("Index Cond:"));
        let indexed = line.contains("Index Scan using")
            || line.contains("Index Only Scan using")
            || line.contains("Bitmap Index Scan on");
        // Tables of the deployment have keys of one column.
        let own = ["organization", "server", "keyring"].iter().any(|table| {
            [format!(" on {table} "), format!(" on {table}_"), format!("using {table}_")]
                .iter()
                .any(|text| format!("{line} ").contains(text))
        });
        let shallow = indexed && !own && condition.is_none_or(|condition| !condition.contains(" AND "));
        if sequential || shallow {
            found.push(*line);
        }
    }
    found
}

#[test]
fn sqlite_finds_everything_by_an_index_with_and_without_statistics() {
    let database = Database::fresh(Backend::Sqlite);
    fill(&database);
    let store = Store::open(database.url(), IfMissing::Refuse).unwrap();
    let plans = sqlite_plans(&store);
    assert_deep(&plans, sqlite_reads_too_much);
    assert_recorded(&plans, "sqlite.txt");
    // Statistics are not needed, and do no harm where an administrator has them made.
    batch(&store, "ANALYZE");
    assert_deep(&sqlite_plans(&store), sqlite_reads_too_much);
}

#[test]
fn postgres_finds_everything_by_an_index() {
    let database = Database::fresh(Backend::Postgres);
    fill(&database);
    ask(database.url(), "VACUUM ANALYZE").unwrap();
    let plans = postgres_plans(&Store::open(database.url(), IfMissing::Refuse).unwrap());
    assert_deep(&plans, postgres_reads_too_much);
    assert_recorded(&plans, "postgres.txt");
}

#[test]
fn statements_have_names_of_their_own() {
    let mut names: Vec<&str> = all().iter().map(|statement| statement.name).collect();
    let number = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), number);
}
