//! What others hold locked, and what servers that died leave behind.

use std::sync::mpsc::channel;
use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use muster::clock::Clock;
use muster::db::{DatabaseError, Tx};

use super::{execute, open, rows};
use crate::support::{Backend, Client, Database, Program, ServerProcess, user};

fn serve(database: &Database) -> (ServerProcess, Client) {
    let server = Program::on(database).serve(&[]);
    let (_, token) = server.first_lines();
    let client = Client { base: format!("{}/scim/v2", server.base()), token };
    (server, client)
}

/// Does the work while another process keeps everybody who would write users waiting.
fn while_locked(database: &Database, work: impl FnOnce()) {
    let done: Result<(), DatabaseError> = open(database.url()).with_own_connection(|tx| {
        let mut run = |text: &str| match tx {
            Tx::Sqlite(connection) => connection.batch_execute(text).unwrap(),
            Tx::Postgres(pooled) => pooled.connection.batch_execute(text).unwrap(),
        };
        run(match database.backend() {
            Backend::Sqlite => "BEGIN IMMEDIATE",
            Backend::Postgres => "BEGIN; LOCK TABLE scim_user IN EXCLUSIVE MODE",
        });
        work();
        run("ROLLBACK");
        Ok(())
    });
    done.unwrap();
}

on_both_databases! {
    fn a_write_waits_for_a_lock_only_so_long_and_is_then_refused_for_now(database: &Database) {
        let (_server, client) = serve(database);
        client.create_user("before");
        while_locked(database, || {
            let began = Clock::monotonic();
            let refused = client.post("/Users", &user("meanwhile")).expect(503);
            assert_eq!(refused.json()["status"], "503");
            assert!(began.elapsed() < Duration::from_mins(1), "{:?}", began.elapsed());
        });
        // Whoever asks again is served, however often it takes until the lease is back.
        while client.post("/Users", &user("after")).status != 201 {}
        let there = "SELECT user_name_key AS text FROM scim_user ORDER BY 1";
        assert_eq!(rows(&open(database.url()), there), ["after", "before"], "what was refused is not there");
    }

    fn a_lock_of_a_moment_is_waited_for(database: &Database) {
        let (_server, client) = serve(database);
        let (sent, answered) = channel();
        while_locked(database, || {
            std::thread::spawn(move || sent.send(client.post("/Users", &user("patient")).status));
            assert!(answered.recv_timeout(Duration::from_secs(1)).is_err(), "it cannot be written while it is locked");
        });
        assert_eq!(answered.recv_timeout(Duration::from_mins(2)), Ok(201));
    }

    fn what_dead_servers_leave_behind_is_swept_by_the_next_one(database: &Database) {
        let (server, client) = serve(database);
        client.create_user("ada");
        server.kill();
        let store = open(database.url());
        let count = "SELECT CAST(count(*) AS text) AS text FROM server";
        assert_eq!(rows(&store, count), ["1"], "a server that was killed cannot give up its lease");
        execute(&store, "UPDATE server SET lease_until = lease_until - 7200000000");
        let _next = Program::on(database).serve(&[]);
        assert_eq!(rows(&store, count), ["1"]);
        let orphans = "SELECT CAST(count(*) AS text) AS text FROM server_applied WHERE instance NOT IN (SELECT instance FROM server)";
        assert_eq!(rows(&store, orphans), ["0"]);
    }
}
