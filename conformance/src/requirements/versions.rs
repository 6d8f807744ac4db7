//! Versions, isolation and passwords: requirements 64 to 67 (RFC 7644 §3.14, §2, §7.6).

use serde_json::json;

use super::Check;
use crate::announcement::Feature;
use crate::exchange::{Answer, Request};
use crate::outcome::Stop;
use crate::session::{Session, in_parallel};

pub const CHECKS: &[Check] = &[
    Check::new(64, "If-None-Match with the version there is answers 304 without a body", not_modified),
    Check::new(64, "If-Match with another version is 412, and nothing is written", precondition_failed),
    Check::new(64, "of many who hold one version, one writes", one_writer),
    Check::new(65, "a version changes exactly when the resource does", versions_follow_changes),
    Check::new(65, "a group's version changes with its members", versions_follow_members),
    Check::new(66, "another organization's resources are 404 and in no list", isolation),
    Check::new(67, "changePassword is announced, and no PATCH answers with a password", passwords),
];

fn tag_of(answer: &Answer) -> Result<String, Stop> {
    let tag = answer.header("ETag").to_owned();
    answer.check(tag.starts_with("W/\""), "there is no weak `ETag` (RFC 7644 §3.14)")?;
    Ok(tag)
}

fn not_modified(session: &Session) -> Result<(), Stop> {
    session.needs(Feature::Etag)?;
    let user = session.user(&json!({}))?;
    let (path, tag) = (format!("/Users/{}", user.id()?), tag_of(&user)?);
    session.read(&path)?.same("/meta/version", &json!(tag))?;
    for tags in [tag.clone(), "*".to_owned(), format!("\"x\", {tag}")] {
        let answer = session.send(&Request::new("GET", &path).header("If-None-Match", &tags))?.expect(304)?;
        answer.check(answer.text.is_empty(), "304 came with a body")?;
    }
    session.send(&Request::new("GET", &path).header("If-None-Match", "W/\"another\""))?.expect(200).map(drop)
}

fn precondition_failed(session: &Session) -> Result<(), Stop> {
    session.needs(Feature::Etag)?;
    let user = session.user(&json!({ "title": "T" }))?;
    let (path, tag) = (format!("/Users/{}", user.id()?), tag_of(&user)?);
    let body = json!({ "schemas": user.body["schemas"], "userName": user.body["userName"], "title": "U" });
    let put = |tags: &str| session.send(&Request::new("PUT", &path).json(&body).header("If-Match", tags));
    put("W/\"another\"")?.expect_error(412, "")?;
    session.read(&path)?.same("/title", &json!("T"))?;
    session.send(&Request::new("DELETE", &path).header("If-Match", "W/\"another\""))?.expect_error(412, "")?;
    put(&format!("W/\"x\", {tag}"))?.expect(200)?;
    put(&tag)?.expect_error(412, "")?;
    put("*")?.expect(200).map(drop)
}

fn one_writer(session: &Session) -> Result<(), Stop> {
    session.needs(Feature::Etag)?;
    let user = session.user(&json!({}))?;
    let (path, tag) = (format!("/Users/{}", user.id()?), tag_of(&user)?);
    let answers = in_parallel(8, 8, |number| {
        let body =
            json!({ "schemas": user.body["schemas"], "userName": user.body["userName"], "title": number.to_string() });
        session.send(&Request::new("PUT", &path).json(&body).header("If-Match", &tag))
    });
    let answers = answers.into_iter().collect::<Result<Vec<_>, _>>()?;
    let count = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
    if (count(200), count(412)) == (1, 7) {
        return Ok(());
    }
    Err(Stop::failed(format!(
        "eight wrote under one version: {} succeeded, {} were refused with 412",
        count(200),
        count(412)
    )))
}

fn versions_follow_changes(session: &Session) -> Result<(), Stop> {
    session.needs(Feature::Etag)?;
    let user = session.user(&json!({ "title": "T" }))?;
    let (path, first) = (format!("/Users/{}", user.id()?), tag_of(&user)?);
    let read = session.read(&path)?;
    read.check(tag_of(&read)? == first, "the version changed by reading")?;
    let body = json!({ "schemas": user.body["schemas"], "userName": user.body["userName"], "title": "U" });
    let changed = session.put(&path, &body)?.expect(200)?;
    changed.check(tag_of(&changed)? != first, "the version stayed, the resource changed")
}

fn versions_follow_members(session: &Session) -> Result<(), Stop> {
    session.needs(Feature::Etag)?;
    session.needs(Feature::Patch)?;
    let people = session.people(1)?;
    let group = session.group::<&str>(&[])?;
    let (path, first) = (format!("/Groups/{}", group.id()?), tag_of(&group)?);
    let joined =
        session.patched(&path, &json!([{ "op": "add", "path": "members", "value": [{ "value": people.first() }] }]))?;
    let second = tag_of(&joined)?;
    joined.check(second != first, "the version stayed, a member came")?;
    let left = session.patched(&path, &json!([{ "op": "remove", "path": "members" }]))?;
    left.check(tag_of(&left)? != second, "the version stayed, a member went")
}

fn isolation(session: &Session) -> Result<(), Stop> {
    if !session.has_other() {
        return Err(Stop::Skipped("needs `--other-token`, a token of another organization".to_owned()));
    }
    let name = session.name("hidden");
    let body = session.user_body(&json!({ "userName": name }));
    let hidden = session.send(&Request::new("POST", "/Users").json(&body).as_other())?.expect(201)?;
    let path = format!("/Users/{}", hidden.id()?);
    session.get(&path)?.expect_error(404, "")?;
    session.put(&path, &body)?.expect_error(404, "")?;
    session.delete(&path)?.expect_error(404, "")?;
    if session.announcement().has(Feature::Patch) {
        session.patch(&path, &json!([{ "op": "replace", "path": "active", "value": false }]))?.expect_error(404, "")?;
    }
    if session.announcement().has(Feature::Filter) {
        let found = session.found("/Users", &format!("userName eq \"{name}\""))?;
        found.check(found.ids().is_empty(), "another organization's user is found")?;
    }
    session.post("/Users", &body)?.expect(201)?;
    let untouched = session.send(&Request::new("GET", &path).as_other())?.expect(200)?;
    untouched.check(
        untouched.text == hidden.text || untouched.body == hidden.body,
        "another organization's user was changed",
    )
}

fn passwords(session: &Session) -> Result<(), Stop> {
    let configuration = session.read("/ServiceProviderConfig")?;
    configuration.check(
        configuration.at("/changePassword/supported").is_boolean(),
        "`changePassword.supported` is missing (RFC 7643 §5)",
    )?;
    session.needs(Feature::Patch)?;
    let path = session.user_path(&json!({}))?;
    let answer =
        session.patch(&path, &json!([{ "op": "replace", "path": "password", "value": "Tr0ub4dor&3-horse" }]))?;
    let answer = answer.expect_one_of(&[200, 204, 400, 403])?;
    answer.check(!answer.text.contains("Tr0ub4dor"), "the answer holds the password")?;
    let read = session.read(&path)?;
    read.check(!read.text.contains("Tr0ub4dor") && read.body["password"].is_null(), "the password can be read")
}
