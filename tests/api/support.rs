//! Throw-away databases.
//!
//! [`Database::fresh`] gives a test a database of its own; [`on_both_databases`] makes two tests of one body.
//! [`Cluster`] is a PostgreSQL server of the test's own, for what would disturb others: TLS, standbys, stopping it.

pub mod allocations;
mod balancer;
mod certificates;
mod cluster;
mod database;
mod dice;
mod far_side;
mod listener;
mod mail_server;
mod program;
mod resources;
pub mod rows;
mod server;
mod signer;
pub mod socket;
pub mod statements;

pub use certificates::Authority;
pub use cluster::{Cluster, Options, Shutdown};
pub use database::{Backend, Database};
pub use dice::{Dice, is_long};
pub use far_side::{FarSide, Seen};
pub use listener::{ACCEPTED, Listener, Received};
pub use mail_server::MailServer;
pub use program::{Program, Server as ServerProcess};
pub use resources::{BULK, ENTERPRISE, GROUP, USER, group, ids, in_parallel, user};
pub use server::{Answer, Client, Organization, Server};
pub use signer::{Signer, spoilt};

/// Tests of one body, one for each place: what the two macros below are made of.
macro_rules! on_databases {
    ([$(fn $name:ident($database:ident: &Database) $body:block)+], $places:tt) => {$(
        fn $name($database: &$crate::support::Database) $body

        mod $name {
            on_databases!(@ $name, $places);
        }
    )+};
    (@ $name:ident, [$($place:ident: $fresh:expr),+]) => {$(
        #[test]
        fn $place() {
            super::$name(&$fresh);
        }
    )+};
}

/// Two tests of one body, `name::on_sqlite` and `name::on_postgres`.
///
/// ```ignore
/// on_both_databases! {
///     fn a_user_comes_back_as_sent(database: &Database) { … }
/// }
/// ```
macro_rules! on_both_databases {
    ($($tests:tt)+) => {
        on_databases!([$($tests)+], [
            on_sqlite: $crate::support::Database::fresh($crate::support::Backend::Sqlite),
            on_postgres: $crate::support::Database::fresh($crate::support::Backend::Postgres)
        ]);
    };
}

/// The same, and `name::on_several_servers`: three servers on one PostgreSQL, of which each request asks the next.
macro_rules! on_both_databases_and_several_servers {
    ($($tests:tt)+) => {
        on_databases!([$($tests)+], [
            on_sqlite: $crate::support::Database::fresh($crate::support::Backend::Sqlite),
            on_postgres: $crate::support::Database::fresh($crate::support::Backend::Postgres),
            on_several_servers: $crate::support::Database::fresh($crate::support::Backend::Postgres).served_by(3)
        ]);
    };
}

/// `scripts/postgres.sh run PROGRAM`: knows where PostgreSQL's programs are and as whom they may run.
fn postgres_program(program: &str) -> std::process::Command {
    let mut command = postgres_script();
    command.arg("run").arg(program);
    command
}

fn postgres_script() -> std::process::Command {
    std::process::Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/postgres.sh"))
}

/// Every byte of it percent-encoded.
pub fn percent_encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |encoded, byte| encoded + &format!("%{byte:02X}"))
}

/// Runs it and returns what it printed.
///
/// # Panics
/// With its errors, unless it succeeds.
fn run(command: &mut std::process::Command) -> String {
    try_run(command).unwrap_or_else(|failure| panic!("{failure}"))
}

fn try_run(command: &mut std::process::Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        Ok(String::from_utf8(output.stdout).unwrap().trim_end().to_owned())
    } else {
        Err(format!("{command:?}: {}: {}", output.status, String::from_utf8_lossy(&output.stderr)))
    }
}

/// The answer of the server at `url` to one statement, columns separated by `|`, asked by `psql`.
pub fn ask(url: &str, statement: &str) -> Result<String, String> {
    let arguments = ["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"];
    try_run(postgres_program("psql").args(arguments).arg("--command").arg(statement).arg(url))
}
