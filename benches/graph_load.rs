//! How long an organization takes to load, and what it takes of memory: 100,000 users, each in 20 of 2,000 groups, and
//! 5,000 assignments.
//!
//! On SQLite; on PostgreSQL too where `MUSTER_TEST_POSTGRES_URL` names a server. Prints one JSON line a database:
//! milliseconds on the clock and of this process's own work, and MiB.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::format_push_string,
    clippy::print_stdout,
    reason = "a measurement"
)]

use diesel::connection::SimpleConnection as _;
use muster::clock::Clock;
use muster::db::{Database, DatabaseError, Dialect, IfMissing, Pooled, Tx};
use muster::live::{Live, LiveSettings};
use muster::model::OrganizationId;

const USERS: u32 = 100_000;
const GROUPS: u32 = 2_000;
const EACH: u32 = 20;
const ASSIGNMENTS: u32 = 5_000;

/// Table, columns, how many rows, and their values by `i`; `#06(i)` is the id of kind 06 and number `i`.
fn rows() -> Vec<(&'static str, &'static str, u32, String)> {
    let groups = GROUPS;
    vec![
        ("organization", "id, slug, name, revision, created_at", 1, "#01(i), 'acme', 'Acme', 9, 0".to_owned()),
        (
            "scim_user",
            "organization, id, connection, user_name_key, active, version, created_at, modified_at, document",
            USERS,
            "#01(1), #06(i), #02(1), 'user.' || i || '@example.com', on, 1, 0, 0, '{}'".to_owned(),
        ),
        (
            "user_status",
            "organization, user_id, from_revision, until_revision, status, since",
            USERS,
            "#01(1), #06(i), 1, ever, 1, 0".to_owned(),
        ),
        (
            "membership",
            "organization, group_id, member_id, from_revision, until_revision, member_kind",
            USERS * EACH,
            // Spread so that no two users share all their groups.
            format!("#01(1), #07((i / {USERS} * 97 + i % {USERS} * 31) % {groups}), #06(i % {USERS} + 1), 2, ever, 1"),
        ),
        (
            "assignment",
            "organization, id, from_revision, until_revision, role, scope, principal_kind, principal, valid_from, \
             valid_until, source, connection, created_at",
            ASSIGNMENTS,
            format!("#01(1), #0a(i), 3, ever, 'viewer', '/', 'group', #07(i % {groups}), 0, ever, 'server', #00(0), 0"),
        ),
    ]
}

fn insert(dialect: Dialect, (table, columns, count, values): &(&str, &str, u32, String)) -> String {
    let (numbers, on) = match dialect {
        Dialect::Sqlite => {
            (format!("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})"), "1")
        }
        Dialect::Postgres => (format!("WITH n(i) AS (SELECT generate_series(1, {count}))"), "true"),
    };
    let mut text = String::new();
    for (at, part) in values.split('#').enumerate() {
        if at == 0 {
            text.push_str(part);
            continue;
        }
        let kind = &part[..2];
        let mut depth = 0_usize;
        let end = part.char_indices().find(|(_, letter)| {
            depth += usize::from(*letter == '(');
            depth -= usize::from(*letter == ')');
            *letter == ')' && depth == 0
        });
        let end = end.expect("a closing bracket").0;
        let (number, rest) = (&part[3..end], &part[end + 1..]);
        text.push_str(&match dialect {
            Dialect::Sqlite => format!("unhex(printf('{kind}%030x', {number}))"),
            Dialect::Postgres => format!("decode('{kind}' || lpad(to_hex({number}), 30, '0'), 'hex')"),
        });
        text.push_str(rest);
    }
    let text = text.replace(" on,", &format!(" {on},")).replace("ever", "9223372036854775807");
    format!("INSERT INTO {table} ({columns}) {numbers} SELECT {text} FROM n")
}

fn execute(database: &Database, text: &str) {
    let ran: Result<(), DatabaseError> = database.with_own_connection(|tx| match tx {
        Tx::Sqlite(connection) => connection.batch_execute(text).map_err(DatabaseError::from),
        Tx::Postgres(Pooled { connection, .. }) => {
            connection.batch_execute("SET statement_timeout = 0")?;
            connection.batch_execute(text).map_err(DatabaseError::from)
        }
    });
    ran.unwrap();
}

/// A number of `/proc/self/status` in MiB. What SQLite maps of its file is the operating system's to take back: it does
/// not count.
fn memory(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

/// What this process has worked so far, in milliseconds.
fn worked() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    (fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()) * 10
}

fn measure(name: &str, url: &str) {
    let database = Database::open(url, IfMissing::Create).unwrap();
    database.migrate().unwrap();
    for row in rows() {
        execute(&database, &insert(database.dialect(), &row));
    }
    if database.dialect() == Dialect::Postgres {
        execute(&database, "VACUUM ANALYZE");
    }
    let organization = OrganizationId::from_bytes(&[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]).unwrap();
    let settings = LiveSettings { serves: true, root_key: None };
    let (live, threads) = Live::start(database.clone(), Clock::system(), settings).unwrap();
    assert!(live.wait_until_current(std::time::Duration::from_secs(10)));
    let (before, work, began) = (memory("RssAnon:"), worked(), Clock::monotonic());
    let assignments = live.judge(organization, |rules, _| rules.graph.assignments().count()).unwrap();
    let (clock, work) = (began.elapsed().as_millis(), worked() - work);
    let grown = memory("RssAnon:") - before;
    assert_eq!(assignments, usize::try_from(ASSIGNMENTS).unwrap());
    println!("{{\"database\":\"{name}\",\"clock_ms\":{clock},\"own_work_ms\":{work},\"memory_mib\":{grown}}}");
    live.shut_down();
    drop(live);
    threads.join();
}

/// Each database in a process of its own, so that none finds the memory of the other.
fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    // `cargo test` runs benches too, to see that they work; this one has nothing to say then.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return;
    }
    match arguments.last().map(String::as_str) {
        Some("sqlite") => {
            let folder = tempfile::tempdir().unwrap();
            measure("sqlite", &format!("sqlite:{}", folder.path().join("muster.db").display()));
        }
        Some("postgres") => on_postgres(&std::env::var("MUSTER_TEST_POSTGRES_URL").unwrap()),
        _ => {
            let postgres = std::env::var_os("MUSTER_TEST_POSTGRES_URL").map(|_| "postgres");
            for database in ["sqlite"].into_iter().chain(postgres) {
                let one = std::env::current_exe().unwrap();
                let ended = std::process::Command::new(one).args(["--bench", database]).status().unwrap();
                assert!(ended.success());
            }
        }
    }
}

fn on_postgres(server: &str) {
    let maintenance = Database::open(server, IfMissing::Refuse).unwrap();
    let name = format!("graph_load_{}", std::process::id());
    execute(&maintenance, &format!("CREATE DATABASE {name} TEMPLATE template0"));
    let mut url: url::Url = server.parse().unwrap();
    url.set_path(&name);
    measure("postgres", url.as_str());
    execute(&maintenance, &format!("DROP DATABASE {name} WITH (FORCE)"));
}
