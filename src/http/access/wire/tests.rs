//! Requests as they arrive.

use serde_json::json;

use super::*;

const WHOLE: &str =
    r#"{"subject":{"type":"user","id":"alice"},"action":{"name":"read"},"resource":{"type":"record","id":"1"}}"#;

fn body(text: &str) -> Body<'_> {
    Body::parse(text.as_bytes()).unwrap()
}

fn without(path: &[&str]) -> String {
    let mut value: Value = serde_json::from_str(WHOLE).unwrap();
    let (last, above) = path.split_last().unwrap();
    let parent = above.iter().fold(&mut value, |value, name| &mut value[*name]);
    parent.as_object_mut().unwrap().remove(*last);
    value.to_string()
}

#[test]
fn a_question_is_read_whatever_stands_beside_it() {
    let text = r#"{"foo":[1],"context":{"ip":"::1"},"resource":{"id":"a\u0062c","type":"record","properties":{"status":"active"},"x":1},
        "action":{"name":"read","y":{}},"subject":{"type":"user","id":"alice"}}"#;
    let body = body(text);
    let read = body.evaluation().unwrap();
    assert_eq!((read.subject.kind, read.subject.id, read.action.name), ("user", "alice", "read"));
    assert_eq!((read.resource.kind, read.resource.id), ("record", "abc"));
    assert_eq!(read.resource.properties.unwrap()["status"], "active");
    assert_eq!(read.context.unwrap()["ip"], "::1");
}

#[test]
fn what_is_missing_is_named() {
    for (path, name) in [
        (&["subject"][..], "subject"),
        (&["action"], "action"),
        (&["resource"], "resource"),
        (&["subject", "type"], "subject.type"),
        (&["subject", "id"], "subject.id"),
        (&["action", "name"], "action.name"),
        (&["resource", "type"], "resource.type"),
        (&["resource", "id"], "resource.id"),
    ] {
        let text = without(path);
        assert_eq!(body(&text).evaluation(), Err(RequestError::Missing(name)), "{text}");
    }
}

#[test]
fn what_is_no_request_is_refused() {
    for text in [
        "",
        "[]",
        "null",
        "{",
        "x",
        r#"{"subject":"alice"}"#,
        r#"{"action":{"name":123}}"#,
        r#"{"resource":[1]}"#,
        r#"{"context":3}"#,
        r#"{"evaluations":{}}"#,
        r#"{"options":[]}"#,
        r#"{"page":{"limit":-1}}"#,
        r#"{"subject":{"type":"user","properties":"x"}}"#,
        r#"{"subject":{"type":"user","id":"a"},"subject":{"type":"user","id":"b"}}"#,
    ] {
        let error = Body::parse(text.as_bytes()).unwrap_err();
        assert!(matches!(&error, RequestError::Form(message) if !message.contains("struct")), "{text}: {error}");
    }
}

#[test]
fn a_batch_fills_in_whole_members_and_leaves_holes_to_the_one_that_has_them() {
    let text = json!({
        "subject": { "type": "user", "id": "alice", "properties": { "role": "admin" } },
        "action": { "name": "read" },
        "context": { "time": "then" },
        "evaluations": [
            { "resource": { "type": "record", "id": "1" } },
            { "subject": { "type": "user", "id": "bob" }, "resource": { "type": "record", "id": "2" }, "context": {} },
            {},
        ],
    })
    .to_string();
    let body = body(&text);
    let read: Vec<_> = body.evaluations().collect();
    let (first, second) = (read[0].as_ref().unwrap(), read[1].as_ref().unwrap());
    assert_eq!((first.subject.id, first.resource.id, first.context.unwrap().len()), ("alice", "1", 1));
    assert_eq!((second.subject.id, second.action.name, second.context.unwrap().len()), ("bob", "read", 0));
    assert_eq!(second.subject.properties, None, "a member that is given replaces the default whole");
    assert_eq!(read[2], Err(RequestError::Missing("resource")));
}

#[test]
fn the_three_ways_through_a_batch_end_where_they_say() {
    let semantic = |name: &str| {
        let text = json!({ "options": { "evaluations_semantic": name, "another": 1 } }).to_string();
        Body::parse(text.as_bytes()).unwrap().semantic()
    };
    assert_eq!(body("{}").semantic(), Ok(Semantic::ExecuteAll));
    for (name, after_allow, after_deny) in
        [("execute_all", false, false), ("deny_on_first_deny", false, true), ("permit_on_first_permit", true, false)]
    {
        let read = semantic(name).unwrap();
        assert_eq!((read.ends_with(true), read.ends_with(false)), (after_allow, after_deny), "{name}");
    }
    assert!(matches!(semantic("first_come"), Err(RequestError::Semantic(_))));
}

#[test]
fn a_search_ignores_the_identifier_of_what_it_looks_for() {
    let text = without(&["subject", "id"]);
    let found = body(&text);
    let (subject, act, resource) = found.subjects().unwrap();
    assert_eq!((subject.kind, act.name, resource.id), ("user", "read", "1"));
    assert!(body(WHOLE).subjects().is_ok());
    assert_eq!(body(&text).resources().err(), Some(RequestError::Missing("subject.id")));
    assert!(body(&without(&["resource", "id"])).resources().is_ok());
    assert!(body(&without(&["action"])).actions().is_ok());
    let paged = body(r#"{"page":{"token":"t","limit":2,"properties":{}}}"#);
    assert_eq!(paged.page(), Some(&Page { token: Some("t".to_owned()), limit: Some(2) }));
}

#[test]
fn a_batch_has_a_largest_size() {
    let text = |count: usize| format!("{{\"evaluations\":[{}{{}}]}}", "{},".repeat(count - 1));
    assert_eq!(body(&text(EVALUATIONS)).evaluations().len(), EVALUATIONS);
    let error = Body::parse(text(EVALUATIONS + 1).as_bytes()).unwrap_err();
    assert_eq!(error, RequestError::TooMany(EVALUATIONS + 1));
}
