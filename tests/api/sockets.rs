//! Requests that two servers could read differently.

use serde_json::json;

use crate::support::Server;
use crate::support::rows::all_rows;
use crate::support::socket::{exchange, request, statuses};

on_both_databases! {
    fn a_request_of_two_lengths_is_one_request_or_none(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let before = all_rows(database);
        // What would be a second request if the first were read as shorter than it is.
        let inner = String::from_utf8(request(&client, "POST /scim/v2/Users", "Content-Type: application/json\r\nContent-Length: 20\r\n",
            "{\"userName\":\"inner\"}")).unwrap();
        let chunked = format!("0\r\n\r\n{inner}");
        let (length, whole) = (inner.len(), chunked.len());
        for head in [
            format!("Content-Length: {whole}\r\nTransfer-Encoding: chunked\r\n"),
            format!("Transfer-Encoding: chunked\r\nContent-Length: {whole}\r\n"),
            format!("Content-Length: 0\r\nContent-Length: {length}\r\n"),
            format!("Content-Length: {length}\r\nContent-Length: 0\r\n"),
            format!("Content-Length: {length}, 0\r\n"),
            format!("Content-Length: +{length}\r\n"),
            format!("Content-Length: -{length}\r\n"),
            format!("Content-Length: 0x{length:x}\r\n"),
            format!("Content-Length: {length} {length}\r\n"),
            "Transfer-Encoding: xchunked\r\n".to_owned(),
            "Transfer-Encoding: chunked, identity\r\n".to_owned(),
            "Transfer-Encoding: identity, chunked, chunked\r\n".to_owned(),
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n".to_owned(),
            "Transfer-Encoding : chunked\r\n".to_owned(),
            "Transfer-Encoding:\x0bchunked\r\n".to_owned(),
            " Transfer-Encoding: chunked\r\n".to_owned(),
            "Content-Length: 5\n Content-Length: 0\r\n".to_owned(),
            "Content-Length: 18446744073709551616\r\n".to_owned(),
        ] {
            let head = format!("Content-Type: application/json\r\n{head}");
            let bytes = request(&client, "POST /scim/v2/Users", &head, &chunked);
            let answer = exchange(&server, &bytes);
            let statuses = statuses(&answer);
            assert!(statuses.len() <= 1, "{head:?} was answered twice: {answer}");
            assert!(statuses.iter().all(|status| (400..500).contains(status)), "{head:?}: {answer}");
            assert_eq!(all_rows(database), before, "{head:?}");
        }
        client.get("/Users").expect(200);
    }

    fn a_body_nobody_reads_is_no_request(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let head = "Content-Type: application/json\r\nContent-Length: 20\r\n";
        let inner = request(&client, "POST /scim/v2/Users", head, "{\"userName\":\"inner\"}");
        let inner = String::from_utf8(inner).unwrap();
        let before = all_rows(database);
        for line in ["GET /scim/v2/Users", "DELETE /scim/v2/Users/x", "HEAD /scim/v2/Schemas", "OPTIONS /scim/v2/Users",
            "POST /scim/v2/Bulk", "POST /scim/v2/Nothing", "BREW /scim/v2/Users", "GET /healthz", "POST /healthz", "POST /nothing"]
        {
            let plain = format!("Content-Length: {}\r\n", inner.len());
            let wrong_type = format!("Content-Type: text/plain\r\n{plain}");
            let chunks = format!("{:x}\r\n{inner}\r\n0\r\n\r\n", inner.len());
            for (head, body) in [(plain.as_str(), &inner), (&wrong_type, &inner), ("Transfer-Encoding: chunked\r\n", &chunks)] {
                for admitted in [true, false] {
                    let mut bytes = String::from_utf8(request(&client, line, head, body)).unwrap();
                    if !admitted {
                        bytes = bytes.replacen("Bearer ", "Bearer x", 1);
                    }
                    let answer = exchange(&server, bytes.as_bytes());
                    assert_eq!(statuses(&answer).len(), 1, "{line} {head:?}: {answer}");
                    assert_eq!(all_rows(database), before, "{line} {head:?}");
                }
            }
        }
    }

    fn a_head_that_is_no_http_is_refused_and_the_server_goes_on(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let before = all_rows(database);
        let token = &client.token;
        for bytes in [
            format!("GET /scim/v2/Users HTTP/1.1\nHost: x\nAuthorization: Bearer {token}\r\nX: a\0b\r\n\r\n"),
            format!("GET /scim/v2/Users HTTP/9.9\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"),
            format!("GET  /scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"),
            format!("GET /scim/v2/Users\r\nAuthorization: Bearer {token}\r\n\r\n"),
            format!("GET /scim/v2/Users HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nX{}: y\r\n\r\n", "y".repeat(2_000_000)),
            format!("GET /scim/v2/Users HTTP/1.1\r\nHost: x\r\n{}\r\n", "X: y\r\n".repeat(100_000)),
            "\0\0\0\0\r\n\r\n".to_owned(),
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
            "\u{16}\u{3}\u{1}\r\n\r\n".to_owned(),
        ] {
            let answer = exchange(&server, bytes.as_bytes());
            let shown: String = bytes.chars().take(60).collect();
            assert!(!statuses(&answer).contains(&200) && !answer.contains("Resources"), "{shown:?}: {answer}");
            assert!(statuses(&answer).iter().all(|status| *status < 500), "{shown:?}: {answer}");
        }
        assert_eq!(all_rows(database), before);
        client.post("/Users", &json!({ "userName": "after" })).expect(201);
    }

    fn a_body_that_ends_early_changes_nothing(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let before = all_rows(database);
        for (head, body) in [
            ("Content-Length: 100\r\n", "{\"userName\":\"early\"}"),
            ("Transfer-Encoding: chunked\r\n", "14\r\n{\"userName\":\"early\"}\r\n"),
            ("Transfer-Encoding: chunked\r\n", "ffffffffffffffff\r\n{\"userName\":\"early\"}\r\n0\r\n\r\n"),
            ("Transfer-Encoding: chunked\r\n", "zz\r\n{\"userName\":\"early\"}\r\n0\r\n\r\n"),
        ] {
            let head = format!("Content-Type: application/json\r\n{head}");
            let answer = exchange(&server, &request(&client, "POST /scim/v2/Users", &head, body));
            assert!(statuses(&answer).iter().all(|status| (400..500).contains(status)), "{head:?}: {answer}");
            assert_eq!(all_rows(database), before, "{head:?}");
        }
        client.get("/Users").expect(200);
    }
}
