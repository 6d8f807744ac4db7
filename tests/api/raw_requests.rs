//! Requests as no well-behaved client sends them.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::support::{Client, Server, user};

/// Sends bytes, with the token in the place of `TOKEN`; answers the status and the body.
fn raw(server: &Server, client: &Client, head: &str, body: &[u8]) -> (u16, String) {
    let mut stream = TcpStream::connect(server.url.trim_start_matches("http://")).unwrap();
    let head = head.replace("TOKEN", &client.token);
    let length = body.len();
    let request = format!("{head}\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n");
    // The server may answer and close before it has read everything.
    let _ = stream.write_all(request.as_bytes());
    let _ = stream.write_all(body);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8(answer).unwrap();
    let status = answer.split(' ').nth(1).unwrap_or_else(|| panic!("no answer to {head:.60}: {answer:?}"));
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default();
    (status.parse().unwrap(), body)
}

// Requirements 17, 43
on_both_databases! {
    fn bytes_that_are_no_text_and_queries_without_end_are_refused_in_the_protocols_form(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let bearer = "Authorization: Bearer TOKEN";
        for (head, body, status) in [
            (format!("POST /scim/v2/Users HTTP/1.1\r\n{bearer}"), &b"{\"userName\":\"\xff\xfe\"}"[..], 400),
            (format!("POST /scim/v2/Users HTTP/1.1\r\n{bearer}"), b"{\"userName\":\"\\ud800\"}", 400),
            (format!("POST /scim/v2/Users HTTP/1.1\r\n{bearer}\r\nContent-Encoding: gzip"), b"\x1f\x8b", 415),
            (format!("GET /scim/v2/Users?filter=userName+eq+%22%ff%22 HTTP/1.1\r\n{bearer}"), b"", 400),
            (format!("GET /scim/v2/Users?filter=userName+eq+%22%zz%22 HTTP/1.1\r\n{bearer}"), b"", 200),
            (format!("GET /scim/v2/Users?filter={} HTTP/1.1\r\n{bearer}", "a".repeat(60_000)), b"", 400),
            (format!("GET /scim/v2/Users/%ff HTTP/1.1\r\n{bearer}"), b"", 404),
            (format!("GET /scim/v2/Users HTTP/1.1\r\n{bearer}\r\n{bearer}"), b"", 401),
            ("GET /scim/v2/Users HTTP/1.1\r\nAuthorization: Bearer \u{e4}".to_owned(), b"", 401),
        ] {
            let (answered, body) = raw(&server, &client, &head, body);
            assert_eq!(answered, status, "{head:.90}: {body}");
            if status != 200 {
                let error: serde_json::Value = serde_json::from_str(&body).unwrap();
                assert_eq!(error["status"], status.to_string(), "{head:.90}");
            }
        }
        // Beyond what a request line may hold there is no reading who asks.
        let (answered, _) = raw(
            &server,
            &client,
            &format!("GET /scim/v2/Users?filter={} HTTP/1.1\r\n{bearer}", "a".repeat(1 << 20)),
            b"",
        );
        assert!((400..500).contains(&answered), "{answered}");
        assert_eq!(client.get("/Users").expect(200).json()["totalResults"], 0);
    }
}

// Requirement 16
on_both_databases! {
    fn head_and_options_answer_without_a_body(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let ada = client.post("/Users", &user("ada")).expect(201);
        let head = client.send("HEAD", &format!("/Users/{}", ada.id()), &[], None).expect(200);
        assert_eq!((head.text.as_str(), head.header("ETag")), ("", ada.header("ETag")));
        let options = client.send("OPTIONS", "/Users", &[], None).expect(204);
        assert_eq!(options.header("Allow"), "GET, HEAD, POST, OPTIONS");
        client.send("OPTIONS", "/Users", &[("Authorization", "")], None).expect_error(401, "");
    }
}
