//! Representation and schema: requirements 1 to 15 (RFC 7643).

use serde_json::{Value, json};

use super::Check;
use crate::announcement::Feature;
use crate::exchange::Answer;
use crate::outcome::Stop;
use crate::session::{ENTERPRISE, GROUP, Session, USER};

pub const CHECKS: &[Check] = &[
    Check::new(1, "schemas names the base schema, and an extension only while it is used", schemas_in_use),
    Check::new(1, "a PATCH by URN path adds the extension to schemas", schemas_follow_patch),
    Check::new(2, "names in a body come in any letter case and come back in the schema's", names_in_bodies),
    Check::new(2, "names in filters, paths and `attributes` come in any letter case", names_in_queries),
    Check::new(3, "an id is made by the server, kept, and never given out again", ids),
    Check::new(4, "externalId is compared exactly", external_id_is_exact),
    Check::new(4, "two users may have one externalId", external_id_may_repeat),
    Check::new(5, "meta is the server's own", meta),
    Check::new(6, "dates are compared as moments, whatever their offset", moments),
    Check::new(7, "null, [] and absence are the same", unassigned),
    Check::new(8, "a new primary value takes the place of the old one", one_primary_after_patch),
    Check::new(8, "two primary values are refused or made one", one_primary_on_create),
    Check::new(9, "the same value of the same type does not come back twice", no_duplicates),
    Check::new(10, "a password is in no answer", passwords_are_never_returned),
    Check::new(11, "userName is unique and found under one case rule", user_name_case),
    Check::new(12, "a group needs a displayName", groups_have_names),
    Check::new(13, "an unknown attribute is ignored, or refused with 400", unknown_attributes),
    Check::new(14, "a boolean is a boolean: other text is refused with 400", booleans),
    Check::new(15, "/Schemas describes every attribute with its characteristics", schema_documents),
];

fn schemas_in_use(session: &Session) -> Result<(), Stop> {
    let plain = session.user(&json!({}))?;
    plain.same("/schemas", &json!([USER]))?;
    let employee = session.user(&json!({ (ENTERPRISE): { "employeeNumber": "7" } }))?;
    names(&employee, USER)?;
    names(&employee, ENTERPRISE)?;
    employee.check(employee.body[ENTERPRISE]["employeeNumber"] == "7", "the extension's attribute is not under its URN")
}

fn names(answer: &Answer, schema: &str) -> Result<(), Stop> {
    let listed = answer.body["schemas"].as_array().is_some_and(|schemas| schemas.iter().any(|one| one == schema));
    answer.check(listed, &format!("`schemas` lacks `{schema}`"))
}

fn schemas_follow_patch(session: &Session) -> Result<(), Stop> {
    session.needs(Feature::Patch)?;
    let path = session.user_path(&json!({}))?;
    let number = format!("{ENTERPRISE}:employeeNumber");
    let user = session.patched(&path, &json!([{ "op": "add", "path": number, "value": "7" }]))?;
    user.check(user.body[ENTERPRISE]["employeeNumber"] == "7", "the attribute was not set")?;
    names(&user, ENTERPRISE)
}

fn names_in_bodies(session: &Session) -> Result<(), Stop> {
    let name = session.name("cased");
    let body = json!({ "schemas": [USER], "USERNAME": name, "Name": { "GIVENNAME": "Ada" }, "EMAILS": [{ "Value": "a@x.io", "TYPE": "work" }] });
    let user = session.post("/Users", &body)?.expect(201)?;
    user.same("/userName", &json!(name))?;
    user.same("/name/givenName", &json!("Ada"))?;
    user.same("/emails/0/value", &json!("a@x.io"))
}

fn names_in_queries(session: &Session) -> Result<(), Stop> {
    session.needs(Feature::Filter)?;
    let user = session.user(&json!({ "title": "T" }))?;
    let (id, name) = (user.id()?, user.body["userName"].as_str().unwrap_or_default().to_owned());
    let found = session.found("/Users", &format!("USERNAME eq \"{name}\""))?;
    found.check(found.ids() == [id.as_str()], "a filter by `USERNAME` does not find the user")?;
    let chosen = session.read(&format!("/Users/{id}?attributes=TITLE"))?;
    chosen.same("/title", &json!("T"))?;
    session.needs(Feature::Patch)?;
    let patched =
        session.patched(&format!("/Users/{id}"), &json!([{ "op": "replace", "path": "TITLE", "value": "U" }]))?;
    patched.same("/title", &json!("U"))
}

fn ids(session: &Session) -> Result<(), Stop> {
    let name = session.name("kept");
    let wanted = json!({ "userName": name, "id": "chosen-by-the-client" });
    let user = session.user(&wanted)?;
    let id = user.id()?;
    user.check(id != "chosen-by-the-client" && !id.contains("bulkId"), "the `id` was taken from the client")?;
    let put = session.put(&format!("/Users/{id}"), &session.user_body(&wanted))?.expect(200)?;
    put.same("/id", &json!(id))?;
    session.delete(&format!("/Users/{id}"))?.expect(204)?;
    let again = session.user(&wanted)?;
    again.check(again.id()? != id, "the `id` of a deleted user was given out again")
}

fn external_id_is_exact(session: &Session) -> Result<(), Stop> {
    session.needs(Feature::Filter)?;
    let external = session.name("Ext");
    let id = session.user(&json!({ "externalId": external }))?.id()?;
    let found = session.found("/Users", &format!("externalId eq \"{external}\""))?;
    found.check(found.ids() == [id], "the user is not found by its externalId")?;
    let other = session.found("/Users", &format!("externalId eq \"{}\"", external.to_lowercase()))?;
    other.check(other.ids().is_empty(), "externalId is caseExact (RFC 7643 §3.1), yet was found in another letter case")
}

fn external_id_may_repeat(session: &Session) -> Result<(), Stop> {
    let external = session.name("ext");
    session.user(&json!({ "externalId": external }))?;
    session.user(&json!({ "externalId": external })).map(drop)
}

fn meta(session: &Session) -> Result<(), Stop> {
    let sent = json!({ "resourceType": "Group", "created": "2001-01-01T00:00:00Z", "location": "https://nowhere", "version": "W/\"x\"" });
    let user = session.user(&json!({ "meta": sent }))?;
    let meta = &user.body["meta"];
    user.same("/meta/resourceType", &json!("User"))?;
    user.check(
        meta["created"].is_string() && meta["created"] != sent["created"],
        "`meta.created` was taken from the client",
    )?;
    user.check(meta["created"] == meta["lastModified"], "`created` and `lastModified` of a new user differ")?;
    let location = meta["location"].as_str().unwrap_or_default();
    user.check(
        location.contains("://") && location != "https://nowhere",
        "`meta.location` is not an absolute URL of the server's",
    )?;
    if session.announcement().has(Feature::Etag) {
        user.check(
            !user.header("ETag").is_empty() && meta["version"] == user.header("ETag"),
            "`meta.version` is not the `ETag` header",
        )?;
    }
    Ok(())
}

fn moments(session: &Session) -> Result<(), Stop> {
    session.needs(Feature::Filter)?;
    let user = session.user(&json!({}))?;
    let (name, created) =
        (user.body["userName"].as_str().unwrap_or_default(), user.body["meta"]["created"].as_str().unwrap_or_default());
    let Some(elsewhere) = in_another_zone(created) else {
        return Err(user.fail(format!("`meta.created` is no date and time with a zone: `{created}`")));
    };
    for (operator, found) in [("eq", true), ("ge", true), ("le", true), ("gt", false), ("lt", false)] {
        let filter = format!("userName eq \"{name}\" and meta.created {operator} \"{elsewhere}\"");
        let list = session.found("/Users", &filter)?;
        list.check(
            list.ids().is_empty() != found,
            &format!("`created` is {created}; wrong answer to {operator} {elsewhere}, the same moment"),
        )?;
    }
    Ok(())
}

/// The same moment as the clocks show it five hours away, on the same day.
fn in_another_zone(utc: &str) -> Option<String> {
    let local = utc.strip_suffix('Z').or_else(|| utc.strip_suffix("+00:00"))?;
    let (date, time) = local.split_once('T')?;
    let (hour, rest) = time.split_once(':')?;
    let hour: u8 = hour.parse().ok()?;
    let (hour, zone) = if hour < 12 { (hour + 5, "+05:00") } else { (hour - 5, "-05:00") };
    Some(format!("{date}T{hour:02}:{rest}{zone}"))
}

fn unassigned(session: &Session) -> Result<(), Stop> {
    session.needs(Feature::Filter)?;
    let name = session.name("empty");
    let attributes =
        json!({ "userName": name, "title": null, "roles": [], "phoneNumbers": [{ "value": "1", "type": "work" }] });
    let user = session.user(&attributes)?;
    user.check(user.body["title"].is_null(), "`title` was sent as null and has a value")?;
    for attribute in ["title", "roles"] {
        let list = session.found("/Users", &format!("userName eq \"{name}\" and {attribute} pr"))?;
        list.check(list.ids().is_empty(), &format!("`{attribute} pr` is true, though nothing is assigned"))?;
    }
    let cleared = json!({ "userName": name, "phoneNumbers": [] });
    let put = session.put(&format!("/Users/{}", user.id()?), &session.user_body(&cleared))?.expect(200)?;
    let left = put.body["phoneNumbers"].as_array().is_some_and(|numbers| !numbers.is_empty());
    put.check(!left, "PUT with `phoneNumbers: []` did not clear them")
}

fn primaries(user: &Answer) -> usize {
    user.body["emails"].as_array().into_iter().flatten().filter(|email| email["primary"] == true).count()
}

fn one_primary_after_patch(session: &Session) -> Result<(), Stop> {
    session.needs(Feature::Patch)?;
    let path = session.user_path(&json!({ "emails": [{ "value": "a@x.io", "type": "work", "primary": true }] }))?;
    let new =
        json!([{ "op": "add", "path": "emails", "value": [{ "value": "b@x.io", "type": "home", "primary": true }] }]);
    let user = session.patched(&path, &new)?;
    let flipped = primaries(&user) == 1
        && user.body["emails"]
            .as_array()
            .is_some_and(|emails| emails.iter().any(|email| email["value"] == "b@x.io" && email["primary"] == true));
    user.check(flipped, "after a PATCH that adds a primary value, it is not the only one (RFC 7644 §3.5.2)")
}

fn one_primary_on_create(session: &Session) -> Result<(), Stop> {
    let emails = json!([{ "value": "a@x.io", "primary": true }, { "value": "b@x.io", "primary": true }]);
    let answer =
        session.post("/Users", &session.user_body(&json!({ "emails": emails })))?.expect_one_of(&[201, 400])?;
    answer.check(answer.status == 400 || primaries(&answer) < 2, "two values came back as primary (RFC 7643 §2.4)")
}

fn no_duplicates(session: &Session) -> Result<(), Stop> {
    let email = json!({ "value": "a@x.io", "type": "work" });
    let answer =
        session.post("/Users", &session.user_body(&json!({ "emails": [email, email] })))?.expect_one_of(&[201, 400])?;
    let count = answer.body["emails"].as_array().map_or(0, Vec::len);
    answer.check(answer.status == 400 || count == 1, "the same e-mail of the same type came back twice (RFC 7643 §2.4)")
}

fn passwords_are_never_returned(session: &Session) -> Result<(), Stop> {
    let name = session.name("secretive");
    let body = session.user_body(&json!({ "userName": name, "password": "Tr0ub4dor&3-horse" }));
    let created = session.post("/Users", &body)?;
    if created.status == 400 {
        return Err(Stop::NotSupported("passwords are refused, as the IPSIE profile demands".to_owned()));
    }
    let path = format!("/Users/{}", created.clone().expect(201)?.id()?);
    let answers = [
        created,
        session.get(&path)?,
        session.get(&format!("{path}?attributes=password,userName"))?,
        session.put(&path, &body)?,
        session.get(&format!("{path}?attributes=password"))?,
    ];
    for answer in answers {
        let leaks = answer.text.contains("Tr0ub4dor") || answer.body.get("password").is_some();
        answer.check(!leaks, "an answer holds the password")?;
    }
    Ok(())
}

fn user_name_case(session: &Session) -> Result<(), Stop> {
    let name = session.name("Mixed.Case");
    let id = session.user(&json!({ "userName": name }))?.id()?;
    let upper = json!({ "userName": name.to_uppercase() });
    session.post("/Users", &session.user_body(&upper))?.expect_error(409, "uniqueness")?;
    session.needs(Feature::Filter)?;
    let found = session.found("/Users", &format!("userName eq \"{}\"", name.to_lowercase()))?;
    found.check(
        found.ids() == [id],
        "userName is not caseExact (RFC 7643 §4.1.1), yet is not found in another letter case",
    )
}

fn groups_have_names(session: &Session) -> Result<(), Stop> {
    session.post("/Groups", &json!({ "schemas": [GROUP] }))?.expect_error(400, "invalidValue").map(drop)
}

fn unknown_attributes(session: &Session) -> Result<(), Stop> {
    let body = session.user_body(&json!({ "shoeSize": 38, "title": "T" }));
    let answer = session.post("/Users", &body)?.expect_one_of(&[201, 400])?;
    if answer.status == 400 {
        answer.expect_error(400, "invalidSyntax").map(drop)
    } else {
        answer.same("/title", &json!("T"))
    }
}

fn booleans(session: &Session) -> Result<(), Stop> {
    for wrong in [json!("yes"), json!([1]), json!({ "on": 1 })] {
        session.post("/Users", &session.user_body(&json!({ "active": wrong })))?.expect_error(400, "")?;
    }
    let answer =
        session.post("/Users", &session.user_body(&json!({ "active": "False" })))?.expect_one_of(&[201, 400])?;
    answer.check(
        answer.status == 400 || answer.body["active"] == false,
        "\"False\" was neither refused nor taken for false",
    )
}

fn schema_documents(session: &Session) -> Result<(), Stop> {
    let all = session.read("/Schemas")?;
    for urn in [USER, GROUP] {
        let listed = all.body["Resources"].as_array().into_iter().flatten().find(|schema| schema["id"] == urn);
        let Some(schema) = listed else { return Err(all.fail(format!("/Schemas lacks `{urn}`"))) };
        let one = session.read(&format!("/Schemas/{urn}"))?;
        one.check(one.body["attributes"] == schema["attributes"], "the schema alone differs from the one in the list")?;
        for attribute in schema["attributes"].as_array().into_iter().flatten() {
            let common = ["id", "externalId", "meta", "schemas"].iter().any(|name| attribute["name"] == *name);
            all.check(!common, "a common attribute stands among those of a schema (RFC 7643 §7)")?;
            described(&all, attribute)?;
        }
    }
    Ok(())
}

fn described(answer: &Answer, attribute: &Value) -> Result<(), Stop> {
    let name = attribute["name"].as_str().unwrap_or("(without a name)");
    for characteristic in ["type", "mutability", "returned"] {
        answer.check(attribute[characteristic].is_string(), &format!("`{name}` lacks `{characteristic}`"))?;
    }
    for characteristic in ["multiValued", "required"] {
        answer.check(attribute[characteristic].is_boolean(), &format!("`{name}` lacks `{characteristic}`"))?;
    }
    let nulls = attribute.as_object().into_iter().flatten().any(|(_, value)| value.is_null());
    answer.check(!nulls, &format!("`{name}` has a characteristic that is null"))?;
    attribute["subAttributes"].as_array().into_iter().flatten().try_for_each(|sub| described(answer, sub))
}

#[cfg(test)]
mod tests {
    use super::in_another_zone;

    #[test]
    fn the_same_moment_is_told_in_another_zone_on_the_same_day() {
        assert_eq!(in_another_zone("2026-03-31T23:59:01.5Z").as_deref(), Some("2026-03-31T18:59:01.5-05:00"));
        assert_eq!(in_another_zone("2026-03-31T00:00:00+00:00").as_deref(), Some("2026-03-31T05:00:00+05:00"));
        assert_eq!(in_another_zone("2026-03-31"), None);
    }
}
