//! How both databases carry out every registered statement, at an organization that holds nearly all rows.
//!
//! The plans are recorded in `tests/plans/`. `MUSTER_ACCEPT_PLANS=1 cargo nextest run --test api store::plans` records them anew.

use std::collections::BTreeMap;
use std::path::Path;

use diesel::connection::SimpleConnection as _;
use diesel::sql_types::{Integer, Text};
use diesel::{QueryableByName, RunQueryDsl as _};
use muster::db::sql::Statement;
use muster::db::{Database as Store, DatabaseError, IfMissing, Pooled, Tx, statements};

use super::execute;
use super::filled::fill;
use crate::support::{Backend, Database, ask};

/// Tables whose rows belong to an organization.
const TABLES: &[&str] = &[
    "proof",
    "account_link",
    "invitation",
    "signal",
    "connection",
    "credential",
    "scim_user",
    "user_email",
    "user_status",
    "scim_group",
    "membership",
    "resource_count",
    "event",
    "permission",
    "role_version",
    "scope",
    "gate",
    "assignment",
    "service",
    "leaf",
    "user_identified",
    "guardrail",
    "attribute",
    "user_facts",
    "leaver",
    "finding",
    "quarantine",
    "downstream_system",
    "account_owner",
    "reconciliation",
    "mirror",
    "deleted_group",
    "ended_credential",
    "subscription",
    "notice",
    "notification",
    "role_offer",
    "user_seen",
    "export",
    "export_part",
];

/// Statements that may read all rows an organization has in a table, or all members of a group, and why.
const MAY_READ_MANY: &[(&str, &str)] = &[
    ("request_log_forget", "deletes in small steps, by the clock; on an empty table any index is as good"),
    ("notification_forget", "by the clock; what is kept is a month of what few subscribers were told"),
    ("notice_forget", "by the clock; what is kept is a month of what few causes came to"),
    ("connection_activity", "an organization has a handful of connections, and all are asked for"),
    ("connection_activity_everywhere", "a metric of the deployment counts all connections"),
    ("brake_everywhere", "the job that looks after brakes asks for all of the deployment, which are few"),
    ("quarantine_last_of_connection", "reads one row, the newest, by the order of the index"),
    ("notice_standing", "what stands is little, in an index of its own, and all of it is compared"),
    ("downstream_system_list", "an organization has a handful of systems, and all are asked for"),
    ("deleted_group_count", "counts what was deleted lately"),
    ("held_purge_after", "the job that lets go of purges goes through all that wait, which are few"),
    ("mirror_due", "the job that refreshes mirrors asks for all of the deployment, which are few"),
    ("mirror_list", "an organization has a handful of mirrors, and all are asked for"),
    ("account_owner_list", "a comparison goes by all accounts that are tied"),
    ("subscription_list", "an organization has a handful of subscriptions, and all are asked for"),
    ("subscription_due", "subscribers of the deployment are few; for each one probe of an index"),
    ("finding_everywhere", "a metric of the deployment counts what stands of all organizations"),
    ("leaver_count", "counts who left lately"),
    ("invitation_end_open", "all that are open end, in an index of those alone, when a backup was put back"),
    ("account_link_of_recovery", "an organization has one recovery administrator or two, in an index of their own"),
    ("role_offer_of_connection", "a connection is offered a handful of roles, and all are asked for"),
    ("role_offer_list", "an organization offers a handful of roles, and all are asked for"),
    ("connection_list", "an organization has a handful of connections, and all are asked for"),
    ("credential_list", "an organization has tens of credentials, and all are asked for"),
    ("receiver_list", "an organization has a handful of receivers, and all are told"),
    ("receiver_claims_due", "receivers of the deployment are few, and those that ask for claims fewer"),
    ("receiver_everywhere", "a metric of the deployment counts all receivers"),
    ("proof_list", "an organization has a handful of clients that sign and of outside issuers"),
    ("proof_by_issuer", "a token names its issuer and no organization; an issuer has a handful"),
    ("extension_schema_list", "an organization has a handful of schemas, and all are asked for"),
    ("membership_empty", "a deleted group loses all its members"),
    ("membership_of_group", "all members are asked for"),
    ("membership_members_until", "a group that is restored has all its members again"),
    ("membership_of_groups", "all members are asked for"),
    ("membership_nested_groups", "finds the groups among the members, by their kind on PostgreSQL"),
    ("user_listed_by_group", "all members are asked for"),
    ("person_all", "everybody is asked for, page by page, when an organization is loaded"),
    ("membership_users_of_groups", "all members are asked for, page by page, when an organization is loaded"),
    ("membership_of_group_at", "all who were members are asked for"),
    ("export_waiting", "the job asks for what is to be made of all organizations, by an index of that alone"),
    ("export_advance", "files that are being made are a handful in all of the deployment, and of one moment one"),
    ("export_made", "the job asks for what is to be thrown away of all organizations, by its age"),
    ("user_seen_since", "whoever was seen since a moment is asked for, so many at most"),
    ("permission_at", "an organization declares a handful of permissions"),
    ("guardrail_at", "an organization has tens of guardrails, with their history"),
    ("attribute_at", "an organization declares a handful of attributes"),
    ("role_version_at", "an organization has tens of roles, with their history"),
    ("membership_active_users", "stops at the first few who are active"),
    ("membership_groups_of_groups", "all groups in groups are asked for when an organization is loaded"),
];

/// Names of the plans by name of the statement.
type Plans = BTreeMap<&'static str, String>;

fn all() -> Vec<&'static Statement> {
    statements::all().collect()
}

fn indented(lines: impl Iterator<Item = String>) -> String {
    lines.fold(String::new(), |text, line| text + "  " + &line + "\n")
}

#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = Text)]
    detail: String,
}

fn sqlite_plan(tx: &mut Tx<'_>, statement: &'static Statement) -> Result<String, DatabaseError> {
    let Tx::Sqlite(connection) = tx else { panic!("not SQLite") };
    let text = format!("EXPLAIN QUERY PLAN {}", statement.sqlite.replace('$', "?"));
    let steps: Vec<Step> = diesel::sql_query(text).load(*connection)?;
    Ok(indented(steps.into_iter().map(|step| step.detail)))
}

/// The plans of all statements; fails on one that the database does not understand.
fn plans(store: &Store, plan: fn(&mut Tx<'_>, &'static Statement) -> Result<String, DatabaseError>) -> Plans {
    let of = |statement: &'static Statement| {
        let plan = store.with_own_connection(|tx| plan(tx, statement));
        (statement.name, plan.unwrap_or_else(|error| panic!("{}: {error}", statement.name)))
    };
    all().into_iter().map(of).collect()
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
    // Which index, by which columns, in which order; the rest is told differently from version to version.
    let told =
        |line: &String| ["Scan", " on ", "Nested Loop", "Join", "Index Cond"].iter().any(|word| line.contains(word));
    Ok(indented(postgres_lines(tx, statement)?.into_iter().filter(told)))
}

/// The whole of it.
fn postgres_lines(tx: &mut Tx<'_>, statement: &'static Statement) -> Result<Vec<String>, DatabaseError> {
    let Tx::Postgres(Pooled { connection, .. }) = tx else { panic!("not PostgreSQL") };
    connection.batch_execute(&format!("PREPARE explained AS {}", statement.postgres))?;
    let number = "SELECT coalesce(cardinality(parameter_types), 0) AS number FROM pg_prepared_statements \
                  WHERE name = 'explained'";
    let number: Number = diesel::sql_query(number).get_result(&mut *connection)?;
    let values = vec!["NULL"; usize::try_from(number.number).unwrap()].join(", ");
    let values = if values.is_empty() { values } else { format!("({values})") };
    let explain = format!("EXPLAIN (COSTS OFF) EXECUTE explained{values}");
    let lines: Vec<Line> = diesel::sql_query(explain).load(connection)?;
    Ok(lines.into_iter().map(|line| line.line).collect())
}

/// The statements that read one page of a list of administration, behind a key and in its order.
fn pages() -> Vec<&'static Statement> {
    let found: Vec<_> =
        all().into_iter().filter(|one| one.name.contains("_listed") && !one.name.starts_with("user")).collect();
    assert!(found.len() >= 8, "{found:?}");
    for statement in &found {
        for text in [statement.sqlite, statement.postgres] {
            assert!(text.contains(" > $2") && text.ends_with(" LIMIT $3"), "{text}");
        }
    }
    found
}

/// Compares with what is recorded.
fn assert_recorded(plans: &Plans, file: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plans").join(file);
    let found = plans.iter().fold(String::new(), |text, (name, plan)| text + name + "\n" + plan + "\n");
    if std::env::var_os("MUSTER_ACCEPT_PLANS").is_some() {
        std::fs::write(&path, &found).unwrap();
    }
    let recorded = std::fs::read_to_string(&path).unwrap_or_default();
    let blocks = |text: &str| -> BTreeMap<String, String> {
        let blocks = text.split("\n\n").filter_map(|block| block.split_once('\n'));
        blocks.map(|(name, plan)| (name.to_owned(), plan.trim_end().to_owned())).collect()
    };
    let (recorded, found) = (blocks(&recorded), blocks(&found));
    let mut differences = Vec::new();
    for name in recorded.keys().chain(found.keys()).collect::<std::collections::BTreeSet<_>>() {
        let (before, now) = (recorded.get(name), found.get(name));
        if before != now {
            let text = |plan: Option<&String>| plan.map_or("  (none)", String::as_str).to_owned();
            differences.push(format!("{name}, recorded:\n{}\n{name}, now:\n{}\n", text(before), text(now)));
        }
    }
    assert!(
        differences.is_empty(),
        "plans have changed; if they are good, `MUSTER_ACCEPT_PLANS=1 cargo nextest run --test api store::plans`:\n{}",
        differences.join("\n")
    );
}

/// No statement reads a table from end to end, or all rows of an organization.
fn assert_deep(plans: &Plans, read_too_much: impl Fn(&str) -> Vec<&str>) {
    let shallow: Vec<String> = plans
        .iter()
        .filter(|(name, _)| !MAY_READ_MANY.iter().any(|(statement, _why)| statement == *name))
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
        ["SCAN", table, rest @ ..] => alias_of_table(table) && rest.first() != Some(&"VIRTUAL"),
        // Deeper than the organization, and than a connection, which may be all there is of it.
        ["SEARCH", table, ..] if alias_of_table(table) => {
            let given = step.rsplit_once('(').map_or("", |(_, given)| given);
            ["organization=?)", "organization=? AND connection=?)", "organization=? AND group_id=?)"].contains(&given)
        }
        _ => false,
    }
}

/// Statements call their tables by their names, or by these.
fn alias_of_table(name: &str) -> bool {
    TABLES.contains(&name) || ["u", "g", "m", "e", "n", "p", "s"].contains(&name)
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
        let of_the_deployment = [
            "organization",
            "server",
            "keyring",
            "signing_key",
            "access_administration",
            "account",
            "session",
            "sign_in_link",
            "demonstration",
            "identity_provider",
            "watch",
        ];
        // Tables of the deployment have keys of one column, and so has a table of one row an organization.
        let own = of_the_deployment.iter().any(|table| {
            [format!(" on {table} "), format!(" on {table}_"), format!("using {table}_")]
                .iter()
                .any(|text| format!("{line} ").contains(text))
        });
        let shallow = indexed
            && !own
            && condition.is_none_or(|condition| {
                let whole_group = condition.contains("(group_id") && !condition.contains("(member_id");
                !condition.contains(" AND ") || whole_group
            });
        if sequential || shallow {
            found.push(*line);
        }
    }
    found
}

#[test]
fn sqlite_finds_everything_by_an_index_with_and_without_statistics() {
    let database = Database::fresh(Backend::Sqlite);
    let store = fill(&database);
    let found = plans(&store, sqlite_plan);
    assert_deep(&found, sqlite_reads_too_much);
    assert_recorded(&found, "sqlite.txt");
    // Statistics are not needed, and do no harm where an administrator has them made.
    execute(&store, "ANALYZE");
    assert_deep(&plans(&store, sqlite_plan), sqlite_reads_too_much);
}

#[test]
fn postgres_finds_everything_by_an_index() {
    let database = Database::fresh(Backend::Postgres);
    let store = fill(&database);
    ask(database.url(), "VACUUM ANALYZE").unwrap();
    let found = plans(&store, postgres_plan);
    assert_deep(&found, postgres_reads_too_much);
    assert_recorded(&found, "postgres.txt");
}

// A connection keeps a plan once made: one that is good only while there are few rows is met again when there are many.
#[test]
fn postgres_finds_everything_by_an_index_before_there_are_any_rows() {
    let database = Database::fresh(Backend::Postgres);
    let store = Store::open(database.url(), IfMissing::Refuse).unwrap();
    store.migrate().unwrap();
    assert_deep(&plans(&store, postgres_plan), postgres_reads_too_much);
}

// What a page does not show is not read: the rows come in order from where the page begins, and reading stops at its end.
#[test]
fn a_page_is_read_from_an_index_that_has_its_order() {
    let sqlite = Database::fresh(Backend::Sqlite);
    let store = fill(&sqlite);
    for statement in pages() {
        let plan = store.with_own_connection(|tx| sqlite_plan(tx, statement)).unwrap();
        assert!(plan.contains("SEARCH") && !plan.contains("TEMP B-TREE"), "{}\n{plan}", statement.name);
        assert!(plan.contains("id>?") || plan.contains("path>?"), "{}\n{plan}", statement.name);
    }
    let postgres = Database::fresh(Backend::Postgres);
    let store = fill(&postgres);
    ask(postgres.url(), "VACUUM ANALYZE").unwrap();
    for statement in pages() {
        let lines = store.with_own_connection(|tx| postgres_lines(tx, statement)).unwrap();
        let plan = lines.join("\n");
        assert!(plan.contains("Limit") && !plan.contains("Sort"), "{}\n{plan}", statement.name);
        assert!(lines.iter().any(|line| line.contains("Index Cond:") && line.contains(" > $2")), "{plan}");
    }
}

#[test]
fn statements_have_names_of_their_own() {
    let mut names: Vec<&str> = all().iter().map(|statement| statement.name).collect();
    let number = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), number);
}
