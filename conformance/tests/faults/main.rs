//! The kit against a small server that is right, and against the same server with one fault after the other: what should
//! be red is red, and nothing else is.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests say what went wrong by panicking")]

mod server;

use std::collections::BTreeSet;

use conformance::client::Target;
use conformance::report::Report;
use conformance::selection::Selection;
use conformance::{Options, run};
use server::{Fault, Server};

/// What the small server is good enough for.
const WITHIN_REACH: &[&str] = &["3", "5", "10", "18", "19", "20", "22", "26", "66", "OK-1", "RI-1"];

fn look(server: &Server) -> Report {
    let names: Vec<String> = WITHIN_REACH.iter().map(|name| (*name).to_owned()).collect();
    let target = Target::new(&server.url, "good", Some("other")).unwrap();
    run(target, &Options { selection: Selection::of(&names).unwrap(), thorough: false }).unwrap()
}

/// Conversations and requirements with a failure.
fn red(report: &Report) -> BTreeSet<String> {
    report.failures().iter().map(|(name, _)| name.split(' ').next().unwrap().to_owned()).collect()
}

#[test]
fn a_server_that_is_right_is_green_and_left_as_it_was() {
    let server = Server::start(None);
    let report = look(&server);
    assert_eq!(red(&report), BTreeSet::new(), "{}", report.render(conformance::report::Form::Text));
    assert!(report.conversation_counts().passed == 2 && report.requirement_counts().passed > 7);
    assert!(report.left_behind.is_empty());
    assert_eq!(server.resources(), 0);
}

#[test]
fn every_fault_is_found_where_it_belongs() {
    for (fault, expected) in [
        (Fault::IdFromTheClient, &["3", "22"][..]),
        (Fault::MetaFromTheClient, &["5"]),
        (Fault::PasswordReturned, &["10", "OK-1"]),
        (Fault::NoLocation, &["18"]),
        (Fault::PutCreates, &["19", "20", "26", "66"]),
        (Fault::ErrorsAsText, &["19", "20", "22", "26", "66", "RI-1"]),
        (Fault::NothingIsUnique, &["22", "26", "RI-1"]),
        (Fault::OneOrganization, &["66"]),
        (Fault::PutForgetsActive, &["OK-1", "RI-1"]),
    ] {
        let server = Server::start(Some(fault));
        let report = look(&server);
        let expected: BTreeSet<String> = expected.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(red(&report), expected, "{fault:?}\n{}", report.render(conformance::report::Form::Text));
        assert_eq!(server.resources(), 0, "{fault:?}: everything is deleted whatever failed");
    }
}

#[test]
fn a_failure_shows_request_and_answer_without_the_token() {
    let server = Server::start(Some(Fault::NoLocation));
    let report = look(&server);
    let failures = report.failures();
    let (_, failure) = failures.first().unwrap_or_else(|| panic!("nothing failed"));
    let exchange = failure.exchange.as_ref().unwrap();
    assert!(exchange.request.starts_with(&format!("POST {}/Users\n", server.url)), "{}", exchange.request);
    assert!(exchange.answer.starts_with("201"), "{}", exchange.answer);
    assert!(exchange.request.contains("Bearer ***") && !exchange.request.contains("good"), "{}", exchange.request);
}

#[test]
fn a_server_that_refuses_the_token_or_is_not_there_is_no_report() {
    let server = Server::start(None);
    let refused = run(Target::new(&server.url, "wrong", None).unwrap(), &Options::default());
    assert!(refused.unwrap_err().contains("refuses the token"));
    let nobody = run(Target::new("http://127.0.0.1:9/scim", "good", None).unwrap(), &Options::default());
    assert!(nobody.unwrap_err().contains("no answer"));
}
