//! Bulk: requirements 59 to 63 (RFC 7644 §3.7).

use serde_json::{Value, json};

use super::Check;
use crate::announcement::Feature;
use crate::exchange::Answer;
use crate::outcome::Stop;
use crate::session::{GROUP, PATCH, Session, member_ids};

const BULK: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";

pub const CHECKS: &[Check] = &[
    Check::new(59, "more operations than maxOperations are 413", too_many_operations),
    Check::new(59, "more bytes than maxPayloadSize are 413", too_many_bytes),
    Check::new(60, "a bulkId is demanded on POST and echoed", bulk_ids),
    Check::new(60, "a bulkId stands for an id in values, forward too", references),
    Check::new(60, "a bulkId stands for an id in paths", references_in_paths),
    Check::new(60, "groups that hold each other are made, or refused with 409", circles),
    Check::new(60, "a bulkId of nobody is 409 or 400, and nothing else", unresolved),
    Check::new(61, "failOnErrors stops the work; without it the work goes on; both are 200", fail_on_errors),
    Check::new(62, "every operation is answered with method, location, status as text, and errors in full", results),
    Check::new(62, "an operation's version is its precondition", preconditions),
    Check::new(63, "the data of a PATCH is a whole PATCH message", patches),
];

fn bulk(session: &Session, operations: &Value) -> Result<Answer, Stop> {
    session.needs(Feature::Bulk)?;
    session.post("/Bulk", &json!({ "schemas": [BULK], "Operations": operations }))
}

fn post_user(session: &Session, bulk_id: &str, attributes: &Value) -> Value {
    json!({ "method": "POST", "path": "/Users", "bulkId": bulk_id, "data": session.user_body(attributes) })
}

fn post_group(session: &Session, bulk_id: &str, member: &str) -> Value {
    let data = json!({ "schemas": [GROUP], "displayName": session.name("group"), "members": [{ "value": member }] });
    json!({ "method": "POST", "path": "/Groups", "bulkId": bulk_id, "data": data })
}

/// The status of the operation at this place, as a number; 0 if it is not the string it must be (erratum 7916).
fn status(answer: &Answer, at: usize) -> u16 {
    answer.body["Operations"][at]["status"].as_str().and_then(|status| status.parse().ok()).unwrap_or_default()
}

fn all_done(answer: Answer) -> Result<Answer, Stop> {
    let answer = answer.expect(200)?;
    let count = answer.body["Operations"].as_array().map_or(0, Vec::len);
    for at in 0..count {
        let done = (200..300).contains(&status(&answer, at));
        answer.check(done, &format!("operation {at} failed, or its `status` is no string"))?;
    }
    Ok(answer)
}

/// The path of what the operation at this place made.
fn made(session: &Session, answer: &Answer, at: usize) -> Result<String, Stop> {
    let location = answer.body["Operations"][at]["location"].as_str().unwrap_or_default();
    let path = location.strip_prefix(session.base_url()).unwrap_or(location);
    answer.check(path.starts_with('/'), &format!("operation {at} has no `location`"))?;
    Ok(path.to_owned())
}

fn too_many_operations(session: &Session) -> Result<(), Stop> {
    session.needs(Feature::Bulk)?;
    let Some(limit) = session.announcement().number("/bulk/maxOperations").filter(|limit| *limit > 0) else {
        return Err(Stop::failed("ServiceProviderConfig lacks `bulk.maxOperations` (RFC 7643 §5)"));
    };
    if limit > 100_000 {
        return Err(Stop::Skipped(format!("maxOperations is {limit}: a request that large is not sent")));
    }
    let operation = json!({ "method": "DELETE", "path": "/Users/nobody-at-all" });
    bulk(session, &json!(vec![operation; limit + 1]))?.expect_error(413, "").map(drop)
}

fn too_many_bytes(session: &Session) -> Result<(), Stop> {
    session.needs(Feature::Bulk)?;
    let Some(limit) = session.announcement().number("/bulk/maxPayloadSize").filter(|limit| *limit > 0) else {
        return Err(Stop::failed("ServiceProviderConfig lacks `bulk.maxPayloadSize` (RFC 7643 §5)"));
    };
    if limit > 64 * 1024 * 1024 {
        return Err(Stop::Skipped(format!("maxPayloadSize is {limit} bytes: a request that large is not sent")));
    }
    let large = json!({ "title": "x".repeat(limit) });
    bulk(session, &json!([post_user(session, "large", &large)]))?.expect_error(413, "").map(drop)
}

fn bulk_ids(session: &Session) -> Result<(), Stop> {
    let made = all_done(bulk(session, &json!([post_user(session, "qwerty", &json!({}))]))?)?;
    made.same("/Operations/0/bulkId", &json!("qwerty"))?;
    let mut without = post_user(session, "", &json!({}));
    if let Some(operation) = without.as_object_mut() {
        operation.remove("bulkId");
    }
    let answer = bulk(session, &json!([without]))?;
    let refused = answer.status == 400 || answer.status == 200 && status(&answer, 0) == 400;
    answer.check(refused, "a POST without a `bulkId` was not refused (RFC 7644 §3.7)")
}

fn references(session: &Session) -> Result<(), Stop> {
    let forward = post_group(session, "group", "bulkId:later");
    let answer = all_done(bulk(session, &json!([forward, post_user(session, "later", &json!({}))]))?)?;
    let user = made(session, &answer, 1)?;
    let members = session.members(&made(session, &answer, 0)?)?;
    let resolved = members.iter().map(|id| format!("/Users/{id}")).collect::<Vec<_>>() == [user];
    answer.check(resolved, "the new group's member is not the user made after it (RFC 7644 §3.7.1)")
}

fn references_in_paths(session: &Session) -> Result<(), Stop> {
    let patch = json!({ "schemas": [PATCH], "Operations": [{ "op": "add", "path": "title", "value": "T" }] });
    let operations = json!([
        post_user(session, "new", &json!({})),
        { "method": "PATCH", "path": "/Users/bulkId:new", "data": patch },
    ]);
    let answer = all_done(bulk(session, &operations)?)?;
    session.read(&made(session, &answer, 0)?)?.same("/title", &json!("T"))
}

fn circles(session: &Session) -> Result<(), Stop> {
    let operations = json!([post_group(session, "one", "bulkId:two"), post_group(session, "two", "bulkId:one")]);
    let answer = bulk(session, &operations)?;
    if answer.status == 409 {
        return answer.expect_error(409, "").map(drop);
    }
    let answer = answer.expect(200)?;
    if status(&answer, 0) == 409 || status(&answer, 1) == 409 {
        return Ok(());
    }
    let answer = all_done(answer)?;
    let (one, two) = (made(session, &answer, 0)?, made(session, &answer, 1)?);
    for (group, member) in [(&one, &two), (&two, &one)] {
        let members = session.members(group)?;
        let holds = members.iter().any(|id| member.ends_with(id.as_str()));
        answer.check(holds, "two groups were to hold each other, and do not")?;
    }
    Ok(())
}

fn unresolved(session: &Session) -> Result<(), Stop> {
    let answer = bulk(session, &json!([post_group(session, "group", "bulkId:nobody")]))?;
    if [400, 409].contains(&answer.status) {
        return answer.clone().expect_error(answer.status, "").map(drop);
    }
    let answer = answer.expect(200)?;
    answer.check([400, 409].contains(&status(&answer, 0)), "a reference to a `bulkId` of nobody was not refused")
}

fn fail_on_errors(session: &Session) -> Result<(), Stop> {
    let gone = json!({ "method": "DELETE", "path": "/Users/nobody-at-all" });
    let operations = |last: &str| json!([gone, gone, post_user(session, last, &json!({}))]);
    let on = bulk(session, &operations("on"))?.expect(200)?;
    on.check(
        [status(&on, 0), status(&on, 1), status(&on, 2)] == [404, 404, 201],
        "without `failOnErrors` the work did not go on to the end",
    )?;
    let body = json!({ "schemas": [BULK], "failOnErrors": 2, "Operations": operations("off") });
    let stopped = session.post("/Bulk", &body)?.expect(200)?;
    let count = stopped.body["Operations"].as_array().map_or(0, Vec::len);
    stopped
        .check(count == 2, &format!("with `failOnErrors: 2` there are {count} results, not the 2 of what was done"))?;
    let body = json!({ "schemas": [BULK], "failOnErrors": 3, "Operations": operations("enough") });
    let patient = session.post("/Bulk", &body)?.expect(200)?;
    patient.check(status(&patient, 2) == 201, "with `failOnErrors: 3` two errors stopped the work")
}

fn results(session: &Session) -> Result<(), Stop> {
    let operations = json!([post_user(session, "new", &json!({})), { "method": "DELETE", "path": "/Users/nobody-at-all" }, post_user(session, "bad", &json!({ "userName": "" }))]);
    let answer = bulk(session, &operations)?.expect(200)?;
    answer.same("/schemas", &json!(["urn:ietf:params:scim:api:messages:2.0:BulkResponse"]))?;
    answer.same("/Operations/0/method", &json!("POST"))?;
    answer.same("/Operations/0/status", &json!("201"))?;
    made(session, &answer, 0)?;
    answer.same("/Operations/1/status", &json!("404"))?;
    answer.check(
        answer.at("/Operations/1/location").is_string(),
        "a failed DELETE lacks `location`: only a failed POST may (RFC 7644 §3.7.3)",
    )?;
    answer.same("/Operations/2/status", &json!("400"))?;
    for at in [1, 2] {
        let error = &answer.body["Operations"][at]["response"];
        answer.check(
            error["status"].is_string() && error["schemas"].is_array(),
            &format!("operation {at} failed without an error object in `response`"),
        )?;
    }
    Ok(())
}

fn preconditions(session: &Session) -> Result<(), Stop> {
    session.needs(Feature::Bulk)?;
    session.needs(Feature::Etag)?;
    let user = session.user(&json!({}))?;
    let path = format!("/Users/{}", user.id()?);
    let put = |version: &str| json!([{ "method": "PUT", "path": path, "version": version, "data": session.user_body(&json!({ "title": "T" })) }]);
    let old = bulk(session, &put("W/\"not-this-one\""))?.expect(200)?;
    old.same("/Operations/0/status", &json!("412"))?;
    let new = bulk(session, &put(user.header("ETag")))?.expect(200)?;
    new.same("/Operations/0/status", &json!("200"))?;
    let version = new.at("/Operations/0/version").as_str().unwrap_or_default();
    new.check(
        !version.is_empty() && version != user.header("ETag"),
        "the operation's `version` is missing, or the old one",
    )
}

fn patches(session: &Session) -> Result<(), Stop> {
    session.needs(Feature::Bulk)?;
    let group = session.group::<&str>(&[])?;
    let path = format!("/Groups/{}", group.id()?);
    let join = json!({ "schemas": [PATCH], "Operations": [{ "op": "add", "path": "members", "value": [{ "value": "bulkId:new" }] }] });
    let operations = json!([post_user(session, "new", &json!({})), { "method": "PATCH", "path": path, "data": join }]);
    all_done(bulk(session, &operations)?)?;
    let after = session.read(&path)?;
    after.check(member_ids(&after).len() == 1, "a bulk PATCH did not add the user made beside it")
}
