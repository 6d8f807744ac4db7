//! Databases that go away, come back, hang, or are replaced by their standby. The server is not restarted.

use std::time::Duration;

use muster::clock::Clock;
use serde_json::json;

use super::client::{Client, until};
use crate::support::{Cluster, Options, Program, ServerProcess, Shutdown};

/// So many requests that are not kept waiting are answered long before …
const AT_ONCE: usize = 100;
/// … this, and so many that each wait for a connection to a database that hangs are not: three seconds each.
const LONGER: Duration = Duration::from_mins(2);

fn serve(url: &str, arguments: &[&str]) -> (ServerProcess, Client) {
    let program = Program::alone().with("MUSTER_DATABASE_URL", url).with("MUSTER_RATE_LIMIT", "0");
    let server = program.serve(arguments);
    let (_, token) = server.first_lines();
    let client = Client::new(server.base(), &token);
    (server, client)
}

/// The user's id, once the server takes it. Every answer before is 503 in the protocol's form; answers how many.
fn created_at_last(client: &Client, name: &str) -> (String, usize) {
    let mut refused = 0;
    let id = until("the user is created", || match client.create(name) {
        Ok(answer) if answer.status == 201 => Some(answer.body["id"].as_str().unwrap().to_owned()),
        Ok(answer) => {
            assert_eq!(answer.status, 503, "{answer:?}");
            assert!(answer.retry_after, "{answer:?}");
            assert_eq!(answer.body["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]), "{answer:?}");
            refused += 1;
            None
        }
        // A request that was under way when the database went silent.
        Err(_) => None,
    });
    (id, refused)
}

#[test]
fn a_standby_that_takes_over_is_written_to_without_a_restart() {
    let primary = Cluster::start(Options::default());
    let standby = primary.standby();
    let (server, client) = serve(&Cluster::url_of(&[&primary, &standby], "sslmode=disable"), &[]);
    let (before, _) = created_at_last(&client, "before");
    standby.catch_up_with(&primary);

    primary.stop(Shutdown::Immediate);
    let answer = until("the loss is noticed", || client.create("nobody").ok().filter(|answer| answer.status == 503));
    assert!(answer.retry_after);
    standby.promote();
    let promoted = Clock::monotonic();
    let (after, refused) = created_at_last(&client, "after");
    println!("written again {:?} after the promotion, {refused} requests refused", promoted.elapsed());
    for id in [before, after] {
        assert_eq!(client.get(&format!("/Users/{id}")).unwrap().status, 200);
    }
    assert!(!server.terminate().stderr.contains("has gone back"), "nothing was lost");
}

#[test]
fn writes_that_an_asynchronous_standby_had_not_received_are_missed() {
    let primary = Cluster::start(Options::default());
    let standby = primary.standby();
    let url = Cluster::url_of(&[&primary, &standby], "sslmode=disable");
    let (server, client) = serve(&url, &["--metrics-listen", "127.0.0.1:0"]);
    let (kept, _) = created_at_last(&client, "kept");
    standby.catch_up_with(&primary);
    // The standby stops receiving.
    standby.ask("ALTER SYSTEM SET primary_conninfo = ''");
    standby.ask("SELECT pg_reload_conf()");
    until("the receiver ends", || (standby.ask("SELECT count(*) FROM pg_stat_wal_receiver") == "0").then_some(()));

    let lost: Vec<String> = (0..20).map(|n| created_at_last(&client, &format!("lost {n}")).0).collect();
    primary.stop(Shutdown::Immediate);
    standby.promote();
    let (_, _) = created_at_last(&client, "after");
    assert_eq!(client.get(&format!("/Users/{kept}")).unwrap().status, 200);
    for id in &lost {
        assert_eq!(client.get(&format!("/Users/{id}")).unwrap().status, 404);
    }
    let page = until("the loss is counted", || {
        let page = ureq::get(format!("{}/metrics", server.metrics())).call().ok()?.body_mut().read_to_string().ok()?;
        page.contains("muster_database_times_gone_back 1").then_some(page)
    });
    assert!(page.contains("muster_lease_current 1"), "{page}");
    assert!(server.terminate().stderr.contains("the database has gone back"));
}

#[test]
fn a_database_that_stops_and_starts_again_is_served_from_again() {
    let cluster = Cluster::start(Options::default());
    let (server, client) = serve(&cluster.url("sslmode=disable"), &[]);
    let (before, _) = created_at_last(&client, "before");
    let ready = || ureq::get(format!("{}/readyz", server.base())).call().is_ok();
    assert!(ready());
    cluster.stop(Shutdown::Fast);
    for answer in [client.create("nobody"), client.get(&format!("/Users/{before}"))] {
        let answer = answer.unwrap();
        assert_eq!((answer.status, answer.retry_after), (503, true), "{answer:?}");
    }
    assert!(!ready());
    cluster.start_again();
    let (after, _) = created_at_last(&client, "after");
    for id in [before, after] {
        assert_eq!(client.get(&format!("/Users/{id}")).unwrap().status, 200);
    }
    until("it is ready again", || ready().then_some(()));
}

#[test]
fn a_database_that_hangs_is_not_waited_for_by_later_requests() {
    let cluster = Cluster::start(Options::default());
    let (_server, client) = serve(&cluster.url("sslmode=disable"), &[]);
    let (before, _) = created_at_last(&client, "before");
    cluster.suspend();
    // Those under way wait; when the lease is over the others are told at once.
    until("requests are refused", || client.create("nobody").ok().filter(|answer| answer.status == 503));
    let began = Clock::monotonic();
    for _ in 0..AT_ONCE {
        assert_eq!(client.get(&format!("/Users/{before}")).unwrap().status, 503);
    }
    assert!(began.elapsed() < LONGER, "{:?}", began.elapsed());
    cluster.resume();
    let resumed = Clock::monotonic();
    created_at_last(&client, "after");
    println!("written again {:?} after it went on", resumed.elapsed());
}

#[test]
fn a_primary_that_hangs_does_not_keep_a_server_from_the_one_that_took_over() {
    let primary = Cluster::start(Options::default());
    let standby = primary.standby();
    let url = Cluster::url_of(&[&primary, &standby], "sslmode=disable");
    {
        let (server, client) = serve(&url, &[]);
        created_at_last(&client, "before");
        standby.catch_up_with(&primary);
        assert_eq!(server.terminate().code, Some(0));
    }
    primary.suspend();
    standby.promote();
    let program = Program::alone().with("MUSTER_DATABASE_URL", &url);
    assert!(program.done(&["org", "list"]).contains("default"));
    primary.resume();
}
