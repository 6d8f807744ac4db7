//! Clients that open connections and dawdle.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use muster::clock::Clock;
use serde_json::json;

use crate::support::{Client, Database, Program, ServerProcess};

/// Connections that get nowhere.
const DAWDLING: usize = 400;
/// Requests of an honest client meanwhile.
const REQUESTS: usize = 400;
/// Longer than a head may take to arrive; reached only when a test fails.
const PATIENCE: Duration = Duration::from_mins(2);

fn serve(database: &Database) -> (ServerProcess, Client) {
    let server = Program::on(database).with("MUSTER_RATE_LIMIT", "0").serve(&[]);
    let (_, token) = server.first_lines();
    let client = Client { base: format!("{}/scim/v2", server.base()), token };
    (server, client)
}

/// A connection on which the beginning of a request has arrived.
fn begun(server: &ServerProcess, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.base().strip_prefix("http://").unwrap()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(text.as_bytes()).unwrap();
    stream
}

on_both_databases! {
    fn who_dawdles_keeps_nobody_waiting_costs_little_and_is_not_waited_for(database: &Database) {
        let (server, client) = serve(database);
        let path = format!("/Users/{}", client.post("/Users", &json!({ "userName": "ada" })).expect(201).id());
        for _ in 0..20 {
            client.get(&path).expect(200);
        }
        let before = server.own_memory();
        let head = "GET /scim/v2/Users HTTP/1.1\r\nHost: muster\r\n";
        let body = format!(
            "POST /scim/v2/Users HTTP/1.1\r\nHost: muster\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{{",
            client.token, 1_000_000
        );
        let mut dawdling: Vec<TcpStream> = (0..DAWDLING).map(|number| begun(&server, if number % 2 == 0 { head } else { &body })).collect();
        let began = Clock::monotonic();
        for number in 0..REQUESTS {
            // A byte here and a byte there: the value of a header, a blank in the body.
            let _ = dawdling[number % DAWDLING].write_all(if number % 2 == 0 { b"X" } else { b" " });
            client.get(&path).expect(200);
        }
        // Had each waited for one of those who dawdle, as long as a head may take, it would have been an hour.
        println!("{REQUESTS} requests beside {DAWDLING} who dawdle: {:?}", began.elapsed());
        assert!(began.elapsed() < PATIENCE * 5, "{:?}", began.elapsed());
        let cost = server.own_memory() - before;
        assert!(cost < 16, "{cost} MiB");
        // A head that does not come is not waited for; the answer, if there is one, is a refusal.
        let mut answer = String::new();
        dawdling[0].read_to_string(&mut answer).unwrap();
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
        client.post("/Users", &json!({ "userName": "grace" })).expect(201);
        assert_eq!(client.get("/Users").expect(200).json()["totalResults"], 2);
    }
}
