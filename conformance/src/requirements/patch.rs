//! PATCH: requirements 45 to 58 (RFC 7644 §3.5.2).

use serde_json::{Value, json};

use super::Check;
use crate::announcement::Feature;
use crate::exchange::{Answer, Request};
use crate::outcome::Stop;
use crate::session::{ENTERPRISE, PATCH, Session, in_parallel, member_ids};

pub const CHECKS: &[Check] = &[
    Check::new(45, "op comes in any letter case; a message that is none is 400 invalidSyntax", messages),
    Check::new(46, "all operations or none", atomic),
    Check::new(47, "remove without a path is 400 noTarget", remove_without_path),
    Check::new(47, "remove of a required or read-only attribute is 400 mutability", remove_required),
    Check::new(48, "replace of an unassigned attribute adds it", replace_adds),
    Check::new(
        48,
        "replace by a value path that matches nothing is 400 noTarget, or makes the value",
        replace_without_match,
    ),
    Check::new(48, "removing a member who is none changes nothing", remove_stranger),
    Check::new(49, "adding what is there changes neither version nor lastModified", add_again),
    Check::new(49, "adding a member again changes neither version nor lastModified", join_again),
    Check::new(50, "replace of a complex attribute leaves other sub-attributes alone", replace_complex),
    Check::new(51, "without a path the value is merged", merge),
    Check::new(51, "without a path, keys may be dotted or stand under a URN", merge_dotted),
    Check::new(52, "a read-only attribute by its path is 400 mutability", read_only),
    Check::new(52, "a value without a path may repeat the id", own_id),
    Check::new(53, "a different set of members is no violation of mutability", other_members),
    Check::new(54, "remove with path members and a value removes these alone", remove_by_value),
    Check::new(54, "remove with path members[value eq …] removes that one", remove_by_filter),
    Check::new(55, "one object stands for a list of one, and $ref may be null", value_shapes),
    Check::new(55, "a manager may be a bare string, and comes back as an object", bare_manager),
    Check::new(56, "with `attributes` the answer is 200 with these", answers),
    Check::new(57, "members added in parallel are all there", parallel_joins),
    Check::new(57, "members who come and go in parallel end where they should", parallel_changes),
    Check::new(58, "a value path with a sub-attribute changes every value that matches", every_match),
];

fn titled(session: &Session) -> Result<String, Stop> {
    session.needs(Feature::Patch)?;
    session.user_path(&json!({ "title": "T", "nickName": "N" }))
}

fn messages(session: &Session) -> Result<(), Stop> {
    let path = titled(session)?;
    for op in ["Replace", "REPLACE", "Add"] {
        session.patched(&path, &json!([{ "op": op, "path": "title", "value": op }]))?.same("/title", &json!(op))?;
    }
    let wrong = [
        json!({ "schemas": [PATCH] }),
        json!({ "schemas": [PATCH], "Operations": [{ "op": "move", "path": "title", "value": "x" }] }),
        json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "Operations": [{ "op": "add", "path": "title", "value": "x" }] }),
    ];
    for message in wrong {
        session.send(&Request::new("PATCH", &path).json(&message))?.expect_error(400, "invalidSyntax")?;
    }
    Ok(())
}

fn atomic(session: &Session) -> Result<(), Stop> {
    let path = titled(session)?;
    let before = session.read(&path)?;
    let operations = json!([
        { "op": "replace", "path": "title", "value": "changed" },
        { "op": "add", "path": "nickName", "value": "changed" },
        { "op": "replace", "path": "noSuchAttribute", "value": "x" },
    ]);
    let refused = session.patch(&path, &operations)?;
    refused.expect_error(400, "")?;
    unchanged(&before, &session.read(&path)?)
}

fn unchanged(before: &Answer, after: &Answer) -> Result<(), Stop> {
    after.check(before.body == after.body, &format!("the resource changed; before it was {}", before.body))?;
    after.check(before.header("ETag") == after.header("ETag"), "the `ETag` changed, the resource did not")
}

fn remove_without_path(session: &Session) -> Result<(), Stop> {
    let path = titled(session)?;
    session.patch(&path, &json!([{ "op": "remove" }]))?.expect_error(400, "noTarget").map(drop)
}

fn remove_required(session: &Session) -> Result<(), Stop> {
    let path = titled(session)?;
    for attribute in ["userName", "id"] {
        session.patch(&path, &json!([{ "op": "remove", "path": attribute }]))?.expect_error(400, "mutability")?;
    }
    Ok(())
}

fn replace_adds(session: &Session) -> Result<(), Stop> {
    let path = titled(session)?;
    let operations = json!([
        { "op": "replace", "path": "displayName", "value": "D" },
        { "op": "replace", "path": "name.givenName", "value": "G" },
        { "op": "replace", "path": "emails", "value": [{ "value": "a@x.io", "type": "work" }] },
    ]);
    let user = session.patched(&path, &operations)?;
    user.same("/displayName", &json!("D"))?;
    user.same("/name/givenName", &json!("G"))?;
    user.same("/emails/0/value", &json!("a@x.io"))
}

fn replace_without_match(session: &Session) -> Result<(), Stop> {
    let path = titled(session)?;
    let by_text = json!([{ "op": "replace", "path": "emails[value sw \"nobody\"].display", "value": "x" }]);
    session.patch(&path, &by_text)?.expect_error(400, "noTarget")?;
    let by_type = json!([{ "op": "replace", "path": "emails[type eq \"work\"].value", "value": "w@x.io" }]);
    let answer = session.patch(&path, &by_type)?.expect_one_of(&[200, 204, 400])?;
    if answer.status == 400 {
        return answer.expect_error(400, "noTarget").map(drop);
    }
    let user = session.read(&path)?;
    user.same("/emails/0/value", &json!("w@x.io"))?;
    user.same("/emails/0/type", &json!("work"))
}

fn remove_stranger(session: &Session) -> Result<(), Stop> {
    session.needs(Feature::Patch)?;
    let people = session.people(2)?;
    let (Some(member), Some(stranger)) = (people.first(), people.last()) else { return Ok(()) };
    let path = format!("/Groups/{}", session.group(&[member])?.id()?);
    let remove = json!([{ "op": "remove", "path": format!("members[value eq \"{stranger}\"]") }]);
    session.patch(&path, &remove)?.expect_one_of(&[200, 204, 400])?;
    let group = session.read(&path)?;
    group.check(member_ids(&group) == [member.as_str()], "the members changed")
}

fn add_again(session: &Session) -> Result<(), Stop> {
    session.needs(Feature::Patch)?;
    let email = json!({ "value": "a@x.io", "type": "work" });
    let path = session.user_path(&json!({ "title": "T", "emails": [email] }))?;
    let before = session.read(&path)?;
    let same =
        json!([{ "op": "add", "path": "title", "value": "T" }, { "op": "add", "path": "emails", "value": [email] }]);
    let after = session.patched(&path, &same)?;
    unchanged(&before, &after)
}

fn join_again(session: &Session) -> Result<(), Stop> {
    session.needs(Feature::Patch)?;
    let people = session.people(1)?;
    let path = format!("/Groups/{}", session.group(&people)?.id()?);
    let before = session.read(&path)?;
    let members: Vec<Value> = people.iter().map(|id| json!({ "value": id })).collect();
    let after = session.patched(&path, &json!([{ "op": "add", "path": "members", "value": members }]))?;
    unchanged(&before, &after)
}

fn replace_complex(session: &Session) -> Result<(), Stop> {
    session.needs(Feature::Patch)?;
    let path = session.user_path(&json!({ "name": { "givenName": "Ada", "familyName": "King" } }))?;
    let user =
        session.patched(&path, &json!([{ "op": "replace", "path": "name", "value": { "familyName": "Byron" } }]))?;
    user.same("/name/familyName", &json!("Byron"))?;
    user.same("/name/givenName", &json!("Ada"))
}

fn merge(session: &Session) -> Result<(), Stop> {
    let path = titled(session)?;
    for (op, value) in
        [("replace", json!({ "title": "U", "active": false })), ("add", json!({ "title": "U", "active": false }))]
    {
        let user = session.patched(&path, &json!([{ "op": op, "value": value }]))?;
        user.same("/title", &json!("U"))?;
        user.same("/active", &json!(false))?;
        user.same("/nickName", &json!("N"))?;
    }
    Ok(())
}

fn merge_dotted(session: &Session) -> Result<(), Stop> {
    let path = titled(session)?;
    let value = json!({ "name.givenName": "Ada", (format!("{ENTERPRISE}:employeeNumber")): "7" });
    let user = session.patched(&path, &json!([{ "op": "replace", "value": value }]))?;
    user.same("/name/givenName", &json!("Ada"))?;
    user.check(user.body[ENTERPRISE]["employeeNumber"] == "7", "the extension's attribute was not set")
}

fn read_only(session: &Session) -> Result<(), Stop> {
    let path = titled(session)?;
    for (attribute, value) in
        [("id", json!("x")), ("meta.created", json!("2001-01-01T00:00:00Z")), ("groups", json!([{ "value": "x" }]))]
    {
        session
            .patch(&path, &json!([{ "op": "replace", "path": attribute, "value": value }]))?
            .expect_error(400, "mutability")?;
    }
    Ok(())
}

fn own_id(session: &Session) -> Result<(), Stop> {
    let path = titled(session)?;
    let id = path.trim_start_matches("/Users/");
    let user = session.patched(&path, &json!([{ "op": "replace", "value": { "id": id, "title": "U" } }]))?;
    user.same("/title", &json!("U"))
}

fn other_members(session: &Session) -> Result<(), Stop> {
    let people = session.people(2)?;
    let (Some(first), Some(second)) = (people.first(), people.last()) else { return Ok(()) };
    let group = session.group(&[first])?;
    let path = format!("/Groups/{}", group.id()?);
    let body = json!({ "schemas": group.body["schemas"], "displayName": group.body["displayName"], "members": [{ "value": second }] });
    session.put(&path, &body)?.expect(200)?;
    let put = session.read(&path)?;
    put.check(member_ids(&put) == [second.as_str()], "PUT with another member did not replace the members")?;
    session.needs(Feature::Patch)?;
    let patched =
        session.patched(&path, &json!([{ "op": "replace", "path": "members", "value": [{ "value": first }] }]))?;
    patched.check(member_ids(&patched) == [first.as_str()], "`replace` with another member did not replace the members")
}

/// A group of three, its path and its members.
fn trio(session: &Session) -> Result<(String, Vec<String>), Stop> {
    session.needs(Feature::Patch)?;
    let mut people = session.people(3)?;
    people.sort();
    Ok((format!("/Groups/{}", session.group(&people)?.id()?), people))
}

fn remove_by_value(session: &Session) -> Result<(), Stop> {
    let (path, people) = trio(session)?;
    let first: Vec<Value> = people.iter().take(1).map(|id| json!({ "value": id })).collect();
    let group = session.patched(&path, &json!([{ "op": "Remove", "path": "members", "value": first }]))?;
    group.check(member_ids(&group) == people.get(1..).unwrap_or_default(), "not the named member alone was removed")?;
    let group = session.patched(&path, &json!([{ "op": "remove", "path": "members" }]))?;
    group.check(member_ids(&group).is_empty(), "`remove` without a value left members")
}

fn remove_by_filter(session: &Session) -> Result<(), Stop> {
    let (path, people) = trio(session)?;
    let Some(first) = people.first() else { return Ok(()) };
    let group =
        session.patched(&path, &json!([{ "op": "remove", "path": format!("members[value eq \"{first}\"]") }]))?;
    group.check(member_ids(&group) == people.get(1..).unwrap_or_default(), "not the named member alone was removed")
}

fn value_shapes(session: &Session) -> Result<(), Stop> {
    session.needs(Feature::Patch)?;
    let mut people = session.people(2)?;
    people.sort();
    let (Some(first), Some(second)) = (people.first(), people.last()) else { return Ok(()) };
    let path = format!("/Groups/{}", session.group::<&str>(&[])?.id()?);
    session.patched(&path, &json!([{ "op": "add", "path": "members", "value": { "value": first } }]))?;
    let group = session
        .patched(&path, &json!([{ "op": "add", "path": "members", "value": [{ "$ref": null, "value": second }] }]))?;
    group.check(member_ids(&group) == people, "a single object, or one with `$ref: null`, was not taken for a member")
}

fn bare_manager(session: &Session) -> Result<(), Stop> {
    let path = titled(session)?;
    let people = session.people(1)?;
    let Some(manager) = people.first() else { return Ok(()) };
    let user =
        session.patched(&path, &json!([{ "op": "add", "path": format!("{ENTERPRISE}:manager"), "value": manager }]))?;
    user.check(
        user.body[ENTERPRISE]["manager"]["value"] == manager.as_str(),
        "`manager` is not an object with this `value`",
    )
}

fn answers(session: &Session) -> Result<(), Stop> {
    let path = titled(session)?;
    let whole =
        session.patch(&path, &json!([{ "op": "add", "path": "title", "value": "U" }]))?.expect_one_of(&[200, 204])?;
    if whole.status == 200 {
        whole.same("/title", &json!("U"))?;
        whole.check(whole.body["userName"].is_string(), "200 came without the whole resource")?;
    }
    let part = session
        .patch(&format!("{path}?attributes=title"), &json!([{ "op": "add", "path": "title", "value": "V" }]))?
        .expect(200)?;
    part.same("/title", &json!("V"))?;
    part.check(part.body["nickName"].is_null(), "an attribute that was not asked for came back")
}

fn parallel_joins(session: &Session) -> Result<(), Stop> {
    session.needs(Feature::Patch)?;
    let mut people = session.people(20)?;
    let path = format!("/Groups/{}", session.group::<&str>(&[])?.id()?);
    let joined = in_parallel(10, people.len(), |at| {
        session
            .patch(&path, &json!([{ "op": "add", "path": "members", "value": [{ "value": people.get(at) }] }]))?
            .expect_one_of(&[200, 204])
    });
    joined.into_iter().collect::<Result<Vec<_>, _>>()?;
    people.sort();
    let group = session.read(&path)?;
    let found = member_ids(&group);
    group.check(found == people, &format!("20 members were added, each with success, and {} are there", found.len()))
}

fn parallel_changes(session: &Session) -> Result<(), Stop> {
    session.needs(Feature::Patch)?;
    let people = session.people(20)?;
    let (leaving, coming) = people.split_at(10);
    let path = format!("/Groups/{}", session.group(leaving)?.id()?);
    let done = in_parallel(10, people.len(), |at| {
        let operation = match leaving.get(at) {
            Some(id) => json!({ "op": "remove", "path": format!("members[value eq \"{id}\"]") }),
            None => json!({ "op": "add", "path": "members", "value": [{ "value": people.get(at) }] }),
        };
        session.patch(&path, &json!([operation]))?.expect_one_of(&[200, 204])
    });
    done.into_iter().collect::<Result<Vec<_>, _>>()?;
    let mut expected = coming.to_vec();
    expected.sort();
    let group = session.read(&path)?;
    group.check(member_ids(&group) == expected, "ten came and ten went, each with success, and others are there")
}

fn every_match(session: &Session) -> Result<(), Stop> {
    session.needs(Feature::Patch)?;
    let emails = json!([{ "value": "a@x.io", "type": "work" }, { "value": "b@x.io", "type": "work" }, { "value": "c@x.io", "type": "home" }]);
    let path = session.user_path(&json!({ "emails": emails }))?;
    let user = session
        .patched(&path, &json!([{ "op": "replace", "path": "emails[type eq \"work\"].display", "value": "W" }]))?;
    for email in user.body["emails"].as_array().into_iter().flatten() {
        let expected = if email["type"] == "work" { json!("W") } else { Value::Null };
        user.check(email["display"] == expected, "not every value that matches was changed, or others were")?;
    }
    user.check(user.body["emails"].as_array().is_some_and(|emails| emails.len() == 3), "the number of values changed")
}
