//! A GitHub that asks to be asked less: what it says is kept to, and nothing is changed by an answer that is not whole.

use std::collections::VecDeque;
use std::sync::PoisonError;

use muster::model::CredentialKind;
use muster::service::mirrors;
use serde_json::{Value, json};

use super::{Fixture, SECOND, SECRET, by_login, issue, problem, services, signature, sorted};

/// A secondary limit as GitHub words it.
const SECONDARY: &str = "{\"message\":\"You have exceeded a secondary rate limit. Please wait a few minutes.\"}";

impl Fixture {
    /// The next requests are answered like this.
    fn limit(&self, answers: &[(u16, String, &str)]) {
        let answers = answers.iter().map(|(status, headers, body)| (*status, headers.clone(), (*body).to_owned()));
        let limited: VecDeque<_> = answers.collect();
        self.world.lock().unwrap_or_else(PoisonError::into_inner).limited = limited;
    }

    /// In seconds, by the clock of the server.
    fn now(&self) -> i64 {
        self.server.clock.now().as_micros() / SECOND
    }

    fn asked(&self) -> usize {
        self.world.lock().unwrap_or_else(PoisonError::into_inner).asked
    }
}

fn reset(seconds: i64) -> String {
    format!("X-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: {seconds}\r\n")
}

on_both_databases! {
    fn what_github_asks_to_wait_for_a_moment_is_waited_for(database: &Database) {
        let fixture = Fixture::new(database);
        let [ada, ben, cyn] = fixture.people();
        let system = fixture.mirror(&by_login());
        let at_once = "Retry-After: 0\r\n".to_owned();
        let over = reset(fixture.now() - 1);
        fixture.limit(&[(429, at_once.clone(), ""), (403, at_once.clone(), SECONDARY), (403, over.clone(), ""), (429, over, "")]);
        fixture.refresh(&system, &json!({})).expect(200);
        assert_eq!(fixture.members("@acme/crew"), sorted(&[&ada, &ben, &cyn]));
        // Five times, and not for ever.
        let before = fixture.asked();
        fixture.limit(&vec![(429, at_once, ""); 20]);
        problem(&fixture.refresh(&system, &json!({})), 409, "GitHub asks to wait");
        assert_eq!(fixture.asked() - before, 6);
        assert_eq!(fixture.members("@acme/crew"), sorted(&[&ada, &ben, &cyn]), "nothing was changed");
    }

    fn github_is_not_asked_again_before_its_limit_is_over_whatever_webhooks_say(database: &Database) {
        let mut fixture = Fixture::new(database);
        // Good for longer than this takes.
        fixture.admin.token = issue(&fixture.server, fixture.made.id, CredentialKind::Admin);
        fixture.people();
        let system = fixture.mirror(&json!({ "subject": "{login}", "webhook_secret": SECRET }));
        fixture.refresh(&system, &json!({})).expect(200);
        let place = fixture.state(&system)["webhook"].as_str().unwrap().split_once("/webhooks").unwrap().1.to_owned();
        let (clock, services) = (&fixture.server.clock, services(&fixture.server));
        let mut number = 0;
        let mut nudge = || {
            number += 1;
            let body = format!("{number}");
            fixture.deliver(&format!("/webhooks{place}"), &signature(SECRET, body.as_bytes()), body.as_bytes()).expect(200);
        };
        let hour = 3_600;
        for (status, headers, body, seconds) in [
            (403, reset(fixture.now() + hour), "", hour),
            (429, format!("Retry-After: {hour}\r\n"), "", hour),
            (403, format!("Retry-After: {hour}\r\n"), SECONDARY, hour),
            (403, String::new(), SECONDARY, 60),
            (429, String::new(), "", 60),
            // Longer than a day it is not waited for, whatever is asked.
            (429, "Retry-After: 9000000000000000000\r\n".to_owned(), "", 24 * hour),
        ] {
            fixture.limit(&[(status, headers.clone(), body)]);
            problem(&fixture.refresh(&system, &json!({})), 409, "GitHub asks to wait for");
            assert!(fixture.state(&system)["problem"].as_str().unwrap().contains("asks to wait"));
            let before = fixture.asked();
            nudge();
            mirrors::look(&services, || true).unwrap();
            // A reset is a moment, of which a few seconds pass while this runs.
            clock.advance((seconds - 30) * SECOND);
            nudge();
            mirrors::look(&services, || true).unwrap();
            assert_eq!(fixture.asked(), before, "{status} {headers}");
            clock.advance(31 * SECOND);
            while fixture.asked() == before {
                mirrors::look(&services, || true).unwrap();
            }
            let over = || fixture.state(&system).get("problem").is_none_or(Value::is_null);
            while !over() {
                std::thread::yield_now();
            }
        }
    }

    fn a_refusal_that_is_no_limit_is_told_as_one(database: &Database) {
        let fixture = Fixture::new(database);
        fixture.people();
        let system = fixture.mirror(&by_login());
        fixture.limit(&[(403, String::new(), "{\"message\":\"Must have admin rights to Repository.\"}")]);
        problem(&fixture.refresh(&system, &json!({})), 409, "GitHub answers 403 to `/orgs/acme/teams`");
    }
}
