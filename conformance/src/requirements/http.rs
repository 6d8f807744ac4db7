//! How HTTP is used: requirements 16 to 26 (RFC 7644 §2 to §4, §3.12).

use serde_json::json;

use super::Check;
use crate::announcement::Feature;
use crate::exchange::{Answer, Request};
use crate::outcome::Stop;
use crate::session::{Session, USER};

/// Looks like an id of most servers, and is one of none.
const NOBODY: &str = "0192f0c1-2b3c-7d4e-8f5a-6b7c8d9e0f1a";

pub const CHECKS: &[Check] = &[
    Check::new(16, "bodies come as either type of JSON, with parameters", media_types),
    Check::new(16, "answers are application/scim+json", answer_type),
    Check::new(17, "401 says how to authenticate, in the protocol's form", unauthorized),
    Check::new(
        17,
        "an unknown route, a wrong method and a broken body answer in the protocol's form",
        framework_errors,
    ),
    Check::new(18, "POST answers 201 with Location, equal to meta.location", created),
    Check::new(19, "PUT, PATCH and DELETE of nobody are 404; nothing is made", nobody),
    Check::new(19, "DELETE answers 204 without a body", deleted),
    Check::new(20, "a deleted user is gone from everywhere, and its name is free", gone),
    Check::new(20, "an inactive user is still there", inactive),
    Check::new(21, "PUT ignores what is read-only and answers the whole resource", put_read_only),
    Check::new(21, "PUT without a required attribute is 400 invalidValue", put_required),
    Check::new(22, "a taken userName is 409 uniqueness on POST, PUT and PATCH", conflicts),
    Check::new(22, "POST ignores what is read-only", post_read_only),
    Check::new(23, "unknown query parameters are ignored", unknown_parameters),
    Check::new(24, "discovery ignores paging and sorting, and refuses a filter with 403", discovery_queries),
    Check::new(24, "discovery refuses writing methods with 405", discovery_is_read_only),
    Check::new(25, "/Me is 501, 308, or somebody", me),
    Check::new(26, "errors have a status as text and a detail for people", details),
];

fn media_types(session: &Session) -> Result<(), Stop> {
    for media in [
        "application/scim+json",
        "application/json",
        "application/scim+json; charset=utf-8",
        "application/json;charset=UTF-8",
    ] {
        let request = Request::new("POST", "/Users").json(&session.user_body(&json!({}))).header("Content-Type", media);
        session.send(&request)?.expect(201)?;
    }
    Ok(())
}

fn answer_type(session: &Session) -> Result<(), Stop> {
    let path = session.user_path(&json!({}))?;
    for (path, status) in
        [(path.as_str(), 200), ("/Users?count=1", 200), ("/ServiceProviderConfig", 200), ("/Users/nobody-at-all", 404)]
    {
        let answer = session.get(path)?.expect(status)?;
        let media = answer.header("Content-Type").to_lowercase();
        answer.check(
            media.starts_with("application/scim+json"),
            "the answer is not `application/scim+json` (RFC 7644 §8.1)",
        )?;
    }
    let plain = session.send(&Request::new("GET", &path).header("Accept", "application/json"))?;
    plain.expect(200).map(drop)
}

fn unauthorized(session: &Session) -> Result<(), Stop> {
    let answer = session.send(&Request::new("GET", "/Users").header("Authorization", "Bearer not-a-token"))?;
    let answer = answer.expect_error(401, "")?;
    answer.check(!answer.header("WWW-Authenticate").is_empty(), "401 lacks `WWW-Authenticate` (RFC 7644 §2)")?;
    let request = Request { headers: vec![("Authorization".to_owned(), None)], ..Request::new("GET", "/Users") };
    session.send(&request)?.expect_error(401, "").map(drop)
}

fn framework_errors(session: &Session) -> Result<(), Stop> {
    session.get("/NoSuchThing/at/all")?.expect_error(404, "")?;
    session.delete("/Users")?.expect_error(405, "").or_else(|stop| {
        // Some servers know no such route at all, which says the same.
        session.delete("/Users")?.expect_error(404, "").map_err(|_other| stop)
    })?;
    for broken in ["{", "[]", "\"text\"", "{\"userName\": tru"] {
        let request = Request { body: Some(broken.to_owned()), ..Request::new("POST", "/Users") };
        session.send(&request)?.expect_error(400, "invalidSyntax")?;
    }
    Ok(())
}

fn created(session: &Session) -> Result<(), Stop> {
    let user = session.user(&json!({}))?;
    let (id, location) = (user.id()?, user.header("Location").to_owned());
    user.check(
        location.contains("://") && location.ends_with(&format!("/Users/{id}")),
        "`Location` is not the absolute URL of the new user",
    )?;
    user.same("/meta/location", &json!(location))?;
    user.same("/schemas/0", &json!(USER))
}

fn nobody(session: &Session) -> Result<(), Stop> {
    let path = format!("/Users/{NOBODY}");
    session.put(&path, &session.user_body(&json!({})))?.expect_error(404, "")?;
    session.delete(&path)?.expect_error(404, "")?;
    session.get(&path)?.expect_error(404, "")?;
    session.needs(Feature::Patch)?;
    session.patch(&path, &json!([{ "op": "replace", "path": "title", "value": "T" }]))?.expect_error(404, "").map(drop)
}

fn deleted(session: &Session) -> Result<(), Stop> {
    let answer = session.delete(&session.user_path(&json!({}))?)?.expect(204)?;
    answer.check(answer.text.is_empty(), "204 came with a body")
}

fn gone(session: &Session) -> Result<(), Stop> {
    let name = session.name("gone");
    let body = session.user_body(&json!({ "userName": name }));
    let path = format!("/Users/{}", session.user(&body)?.id()?);
    session.delete(&path)?.expect(204)?;
    session.get(&path)?.expect_error(404, "")?;
    session.put(&path, &body)?.expect_error(404, "")?;
    session.delete(&path)?.expect_error(404, "")?;
    if session.announcement().has(Feature::Patch) {
        session.patch(&path, &json!([{ "op": "replace", "path": "active", "value": true }]))?.expect_error(404, "")?;
    }
    if session.announcement().has(Feature::Filter) {
        let found = session.found("/Users", &format!("userName eq \"{name}\""))?;
        found.check(found.ids().is_empty(), "a deleted user is found")?;
    }
    session.post("/Users", &body)?.expect(201).map(drop)
}

fn inactive(session: &Session) -> Result<(), Stop> {
    let name = session.name("inactive");
    let user = session.user(&json!({ "userName": name, "active": false }))?;
    user.same("/active", &json!(false))?;
    session.read(&format!("/Users/{}", user.id()?))?.same("/active", &json!(false))?;
    session.needs(Feature::Filter)?;
    let found = session.found("/Users", &format!("userName eq \"{name}\""))?;
    found.check(found.ids() == [user.id()?], "an inactive user is not found")
}

fn put_read_only(session: &Session) -> Result<(), Stop> {
    let name = session.name("put");
    let id = session.user(&json!({ "userName": name }))?.id()?;
    let body = json!({ "userName": name, "id": "other", "groups": [{ "value": "x" }], "meta": { "resourceType": "User", "created": "2001-01-01T00:00:00Z" }, "title": "T" });
    let put = session.put(&format!("/Users/{id}"), &session.user_body(&body))?.expect(200)?;
    put.same("/id", &json!(id))?;
    put.same("/title", &json!("T"))?;
    put.same("/userName", &json!(name))?;
    put.check(put.body["meta"]["created"] != "2001-01-01T00:00:00Z", "PUT changed `meta.created`")?;
    let groups = put.body["groups"].as_array().is_some_and(|groups| !groups.is_empty());
    put.check(!groups, "PUT put the user into a group by its read-only `groups`")
}

fn put_required(session: &Session) -> Result<(), Stop> {
    let path = session.user_path(&json!({}))?;
    session.put(&path, &json!({ "schemas": [USER], "title": "T" }))?.expect_error(400, "invalidValue").map(drop)
}

fn conflicts(session: &Session) -> Result<(), Stop> {
    let name = session.name("taken");
    let body = session.user_body(&json!({ "userName": name }));
    session.user(&body)?;
    let other = session.user_path(&json!({}))?;
    session.post("/Users", &body)?.expect_error(409, "uniqueness")?;
    session.put(&other, &body)?.expect_error(409, "uniqueness")?;
    session.needs(Feature::Patch)?;
    let rename = json!([{ "op": "replace", "path": "userName", "value": name }]);
    session.patch(&other, &rename)?.expect_error(409, "uniqueness").map(drop)
}

fn post_read_only(session: &Session) -> Result<(), Stop> {
    let user = session.user(&json!({ "id": "mine", "groups": [{ "value": "x" }] }))?;
    user.check(user.body["id"] != "mine", "the `id` was taken from the client")?;
    user.check(!user.text.contains("\"x\""), "the read-only `groups` was stored")
}

fn unknown_parameters(session: &Session) -> Result<(), Stop> {
    let path = session.user_path(&json!({}))?;
    session.read(&format!("{path}?aadOptscim062020&unknown=1&_=x"))?;
    session.read("/Users?count=1&unknown=1&").map(drop)
}

fn discovery_queries(session: &Session) -> Result<(), Stop> {
    for path in ["/ServiceProviderConfig", "/ResourceTypes", "/Schemas"] {
        let whole = session.read(path)?;
        let asked = session.read(&format!("{path}?startIndex=2&count=1&sortBy=id&sortOrder=descending"))?;
        asked.check(
            asked.body["totalResults"] == whole.body["totalResults"] && asked.ids().len() == whole.ids().len(),
            "paging or sorting changed the answer (RFC 7644 §4)",
        )?;
        session.filter(path, "id eq \"User\"")?.expect_error(403, "")?;
        if path != "/ServiceProviderConfig" {
            let count = whole.body["Resources"].as_array().map_or(0, Vec::len);
            whole.same("/totalResults", &json!(count))?;
        }
    }
    let one = session.read("/ResourceTypes/User")?;
    one.same("/name", &json!("User"))
}

fn discovery_is_read_only(session: &Session) -> Result<(), Stop> {
    for path in ["/ServiceProviderConfig", "/ResourceTypes", "/Schemas"] {
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            let request = Request::new(method, path);
            let request = if method == "DELETE" { request } else { request.json(&json!({})) };
            session.send(&request)?.expect_error(405, "")?;
        }
    }
    Ok(())
}

fn me(session: &Session) -> Result<(), Stop> {
    let answer = session.get("/Me")?.expect_one_of(&[200, 308, 501])?;
    match answer.status {
        501 => answer.expect_error(501, "").map(drop),
        308 => answer.check(!answer.header("Location").is_empty(), "308 lacks `Location` (RFC 7644 §3.11)"),
        _ => answer.id().map(drop),
    }
}

fn details(session: &Session) -> Result<(), Stop> {
    let name = session.name("twice");
    let body = session.user_body(&json!({ "userName": name }));
    session.user(&body)?;
    let answers = [
        session.get(&format!("/Users/{NOBODY}"))?.expect_error(404, "")?,
        session.post("/Users", &body)?.expect_error(409, "")?,
        session.post("/Users", &json!({ "schemas": [USER] }))?.expect_error(400, "")?,
    ];
    answers.iter().try_for_each(told)
}

fn told(answer: &Answer) -> Result<(), Stop> {
    let detail = answer.body["detail"].as_str().unwrap_or_default();
    answer.check(detail.contains(' '), "`detail` is no sentence an administrator could act on")
}
