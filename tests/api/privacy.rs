//! What is nobody else's business: not in the log, and not told to who was not admitted.

use crate::support::Program;

const CANARY: &str = "canary.lovelace";

// Requirements 44, 67
on_both_databases! {
    fn the_log_holds_nothing_of_queries_and_bodies(database: &Database) {
        let program = Program::on(database);
        let server = program.serve(&["--log", "trace"]);
        let (_, token) = server.first_lines();
        let body = format!(
            "{{\"userName\":\"{CANARY}@example.com\",\"password\":\"{CANARY}\",\"emails\":[{{\"value\":\"{CANARY}@example.com\"}}]}}"
        );
        assert_eq!(server.post("/scim/v2/Users", &token, &body).status, 201);
        assert_eq!(server.post("/scim/v2/Users", &token, &body).status, 409);
        assert_eq!(server.post("/scim/v2/Users", &token, body.trim_start_matches('{')).status, 400);
        for (filter, status) in [
            (format!("userName eq \"{CANARY}@example.com\""), 200),
            (format!("title co \"{CANARY}\""), 200),
            (format!("active eq \"{CANARY}\""), 400),
            (format!("userName xx \"{CANARY}\""), 400),
            (format!("shoeSize eq \"{CANARY}\""), 400),
            (format!("(userName eq \"{CANARY}\""), 400),
            (format!("meta.created gt \"{CANARY}\""), 400),
            (format!("userName eq \"{CANARY}{}\"", "x".repeat(20_000)), 400),
        ] {
            let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("filter", &filter).finish();
            let answer = server.get(&format!("/scim/v2/Users?{query}"), &token);
            assert_eq!(answer.status, status, "{filter:.80}");
        }
        let refused = server.get(&format!("/scim/v2/Users?filter=active+eq+{CANARY}"), "muster_scim_wrong");
        assert_eq!(refused.status, 401);
        assert!(!refused.body.contains(CANARY), "{refused:?}");
        let log = server.terminate().stderr;
        assert!(log.contains("/Users"), "{log}");
        assert!(!log.contains(CANARY) && !log.contains(&token), "{log}");
    }
}
