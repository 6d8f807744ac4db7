//! Lists, paging, sorting, projection, `.search` and the root: requirements 27 to 31, 40 to 43 (RFC 7644 §3.4, §3.9).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Check;
use crate::announcement::Feature;
use crate::exchange::Answer;
use crate::outcome::Stop;
use crate::session::{ENTERPRISE, Session, USER, encoded};

const SEARCH: &str = "urn:ietf:params:scim:api:messages:2.0:SearchRequest";

pub const CHECKS: &[Check] = &[
    Check::new(27, "a query without a match is an empty list, and counts are numbers", no_match),
    Check::new(28, "startIndex and count out of bounds are brought within them", bounds),
    Check::new(29, "totalResults counts all matches, itemsPerPage those of the page", totals),
    Check::new(30, "pages neither repeat nor leave out anybody, twice in the same order", stable_pages),
    Check::new(31, "sorting follows the case rule, ascending unless told otherwise", sorted_by_name),
    Check::new(31, "sorting by a sub-attribute puts those without a value last, first when descending", missing_values),
    Check::new(31, "sorting by a multi-valued attribute goes by its primary value", sorted_by_primary),
    Check::new(40, "`attributes` and `excludedAttributes` choose what comes back of a read", projected_reads),
    Check::new(40, "`attributes` works on POST, PUT and PATCH", projected_writes),
    Check::new(40, "what is always returned cannot be excluded", always_returned),
    Check::new(41, ".search under a resource type means what GET means", search_of_users),
    Check::new(41, ".search at the root runs over all resource types", search_at_the_root),
    Check::new(42, "a query at the root runs over all resource types", root_query),
    Check::new(43, "a filter that is too long or too deep is refused, or answered", bounded_filters),
];

/// Users whose names begin alike, and a filter that finds them alone.
fn family(session: &Session, members: &[Value]) -> Result<String, Stop> {
    session.needs(Feature::Filter)?;
    let family = session.name("family");
    for (number, attributes) in members.iter().enumerate() {
        let mut attributes = attributes.clone();
        if attributes["userName"].is_null() {
            attributes["userName"] = json!(format!("{family}-{number}"));
        } else {
            let name = attributes["userName"].as_str().unwrap_or_default();
            attributes["userName"] = json!(format!("{family}-{name}"));
        }
        session.user(&attributes)?;
    }
    Ok(format!("/Users?filter={}", encoded(&format!("userName sw \"{family}-\""))))
}

fn no_match(session: &Session) -> Result<(), Stop> {
    session.needs(Feature::Filter)?;
    let list = session.found("/Users", &format!("userName eq \"{}\"", session.name("nobody")))?;
    list.same("/schemas", &json!(["urn:ietf:params:scim:api:messages:2.0:ListResponse"]))?;
    list.same("/totalResults", &json!(0))?;
    list.check(list.ids().is_empty(), "somebody was found")?;
    let some = session.read("/Users?count=1")?;
    for count in ["totalResults", "startIndex", "itemsPerPage"] {
        some.check(some.body[count].is_u64(), &format!("`{count}` is not a number"))?;
    }
    Ok(())
}

fn bounds(session: &Session) -> Result<(), Stop> {
    let family = family(session, &[json!({}), json!({}), json!({})])?;
    let whole = session.read(&family)?;
    for start in ["0", "-3"] {
        let page = session.read(&format!("{family}&startIndex={start}"))?;
        page.check(page.ids() == whole.ids(), &format!("startIndex={start} does not mean 1"))?;
        page.same("/startIndex", &json!(1))?;
    }
    for count in ["0", "-1"] {
        let page = session.read(&format!("{family}&count={count}"))?;
        page.same("/totalResults", &json!(3))?;
        page.check(page.ids().is_empty(), &format!("count={count} returned resources"))?;
    }
    let beyond = session.read(&format!("{family}&startIndex=100"))?;
    beyond.same("/totalResults", &json!(3))?;
    beyond.check(beyond.ids().is_empty(), "a page past the end is not empty")?;
    session.read(&format!("{family}&count=1000000"))?.same("/totalResults", &json!(3))
}

fn totals(session: &Session) -> Result<(), Stop> {
    let family = family(session, &[json!({}), json!({}), json!({})])?;
    for (start, here) in [(1, 2), (3, 1)] {
        let page = session.read(&format!("{family}&startIndex={start}&count=2"))?;
        page.same("/totalResults", &json!(3))?;
        page.same("/itemsPerPage", &json!(here))?;
        page.same("/startIndex", &json!(start))?;
        page.check(page.ids().len() == here, "the page has another number of resources")?;
    }
    Ok(())
}

fn stable_pages(session: &Session) -> Result<(), Stop> {
    let family = family(session, &vec![json!({}); 7])?;
    let walk = || -> Result<Vec<String>, Stop> {
        let mut seen = Vec::new();
        for start in 1..=7 {
            seen.extend(session.read(&format!("{family}&startIndex={start}&count=1"))?.ids());
        }
        Ok(seen)
    };
    let (first, second) = (walk()?, walk()?);
    let distinct: BTreeSet<&String> = first.iter().collect();
    if first.len() != 7 || distinct.len() != 7 {
        let (shown, distinct) = (first.len(), distinct.len());
        return Err(Stop::failed(format!(
            "seven pages of one of seven users showed {shown} users, {distinct} of them distinct"
        )));
    }
    if first == second { Ok(()) } else { Err(Stop::failed("the order changed from one walk to the next")) }
}

/// The last letter of each userName of a list.
fn letters(list: &Answer) -> String {
    let resources = list.body["Resources"].as_array().into_iter().flatten();
    resources.filter_map(|user| user["userName"].as_str()?.chars().last()).collect()
}

fn in_order(session: &Session, query: &str, expected: &str) -> Result<(), Stop> {
    let list = session.read(query)?;
    let found = letters(&list);
    list.check(found == expected, &format!("expected the users in the order {expected}, found {found}"))
}

fn sorted_by_name(session: &Session) -> Result<(), Stop> {
    session.needs(Feature::Sort)?;
    let family = family(session, &["b", "A", "d", "C"].map(|letter| json!({ "userName": letter })))?;
    in_order(session, &format!("{family}&sortBy=userName"), "AbCd")?;
    in_order(session, &format!("{family}&sortBy=USERNAME&sortOrder=ascending"), "AbCd")?;
    in_order(session, &format!("{family}&sortBy=userName&sortOrder=descending"), "dCbA")?;
    in_order(session, &format!("{family}&sortBy=userName&startIndex=2&count=2"), "bC")
}

fn missing_values(session: &Session) -> Result<(), Stop> {
    session.needs(Feature::Sort)?;
    let person = |letter: &str, name: &str| json!({ "userName": letter, "name": { "familyName": name } });
    let family = family(session, &[json!({ "userName": "x" }), person("2", "Lovelace"), person("1", "hopper")])?;
    in_order(session, &format!("{family}&sortBy=name.familyName"), "12x")?;
    in_order(session, &format!("{family}&sortBy=name.familyName&sortOrder=descending"), "x21")
}

fn sorted_by_primary(session: &Session) -> Result<(), Stop> {
    session.needs(Feature::Sort)?;
    let person = |letter: &str, first: &str, primary: &str| json!({ "userName": letter, "emails": [{ "value": first, "type": "home" }, { "value": primary, "type": "work", "primary": true }] });
    let family = family(session, &[person("2", "a@x.io", "m@x.io"), person("1", "z@x.io", "b@x.io")])?;
    in_order(session, &format!("{family}&sortBy=emails.value"), "12")?;
    in_order(session, &format!("{family}&sortBy=emails"), "12")
}

fn projected_reads(session: &Session) -> Result<(), Stop> {
    let attributes = json!({ "title": "T", "nickName": "N", "name": { "givenName": "G", "familyName": "F" }, (ENTERPRISE): { "employeeNumber": "7", "department": "D" } });
    let path = session.user_path(&attributes)?;
    let chosen = session.read(&format!("{path}?attributes=title,name.givenName,{ENTERPRISE}:department"))?;
    chosen.same("/title", &json!("T"))?;
    chosen.same("/name", &json!({ "givenName": "G" }))?;
    chosen.check(
        chosen.body[ENTERPRISE] == json!({ "department": "D" }),
        "the extension's attribute was not chosen by its URN",
    )?;
    chosen.check(
        chosen.body["nickName"].is_null() && chosen.body["userName"].is_null(),
        "attributes that were not asked for came back",
    )?;
    let without = session.read(&format!("{path}?excludedAttributes=title,name.givenName"))?;
    without.check(without.body["title"].is_null(), "an excluded attribute came back")?;
    without.same("/name", &json!({ "familyName": "F" }))?;
    without.same("/nickName", &json!("N"))?;
    let people = session.people(1)?;
    let group = format!("/Groups/{}", session.group(&people)?.id()?);
    let lean = session.read(&format!("{group}?excludedAttributes=members"))?;
    lean.check(
        lean.body["members"].is_null() && lean.body["displayName"].is_string(),
        "`excludedAttributes=members` did not leave out the members alone",
    )
}

fn projected_writes(session: &Session) -> Result<(), Stop> {
    let body = session.user_body(&json!({ "title": "T", "nickName": "N" }));
    let created = session.post("/Users?attributes=title", &body)?.expect(201)?;
    let only = |answer: &Answer| {
        answer.same("/title", &json!("T"))?;
        answer.check(answer.body["nickName"].is_null(), "an attribute that was not asked for came back")
    };
    only(&created)?;
    let path = format!("/Users/{}", created.id()?);
    only(&session.put(&format!("{path}?attributes=title"), &body)?.expect(200)?)?;
    session.needs(Feature::Patch)?;
    only(
        &session
            .patch(&format!("{path}?attributes=title"), &json!([{ "op": "add", "path": "displayName", "value": "D" }]))?
            .expect(200)?,
    )
}

fn always_returned(session: &Session) -> Result<(), Stop> {
    let path = session.user_path(&json!({ "title": "T" }))?;
    for query in ["excludedAttributes=id,schemas", "attributes=title"] {
        let user = session.read(&format!("{path}?{query}"))?;
        user.id()?;
        user.check(user.body["schemas"].is_array(), "`schemas` was left out")?;
    }
    Ok(())
}

/// The answer of a part the server may lack: 501 says so.
fn unless_missing(answer: Answer, what: &str) -> Result<Answer, Stop> {
    if answer.status == 501 {
        Err(Stop::NotSupported(format!("{what} is answered with 501")))
    } else {
        answer.expect(200)
    }
}

fn search_of_users(session: &Session) -> Result<(), Stop> {
    let family = family(session, &[json!({ "title": "T" }), json!({}), json!({})])?;
    let whole = session.read(&family)?;
    let name = whole.at("/Resources/0/userName").as_str().unwrap_or_default();
    let filter = format!("userName sw \"{}\"", name.rsplit_once('-').unwrap_or_default().0);
    let body =
        json!({ "schemas": [SEARCH], "filter": filter, "startIndex": 1, "count": 2, "attributes": ["userName"] });
    let found = unless_missing(session.post("/Users/.search", &body)?, ".search")?;
    found.same("/totalResults", &json!(3))?;
    found.check(found.ids() == whole.ids().into_iter().take(2).collect::<Vec<_>>(), ".search found others than GET")?;
    found.check(
        found.at("/Resources/0/userName").is_string() && found.at("/Resources/0/meta").is_null(),
        "`attributes` of .search was not followed",
    )?;
    session
        .post("/Users/.search", &json!({ "schemas": [SEARCH], "filter": "userName zz 1" }))?
        .expect_error(400, "invalidFilter")
        .map(drop)
}

/// A user and a group that one filter finds.
fn pair(session: &Session) -> Result<(String, BTreeSet<String>), Stop> {
    session.needs(Feature::Filter)?;
    let shared = session.name("shared");
    let user = session.user(&json!({ "externalId": shared }))?.id()?;
    let group =
        json!({ "schemas": [crate::session::GROUP], "displayName": session.name("group"), "externalId": shared });
    let group = session.post("/Groups", &group)?.expect(201)?.id()?;
    Ok((format!("externalId eq \"{shared}\""), BTreeSet::from([user, group])))
}

fn search_at_the_root(session: &Session) -> Result<(), Stop> {
    let (filter, both) = pair(session)?;
    let found = unless_missing(
        session.post("/.search", &json!({ "schemas": [SEARCH], "filter": filter }))?,
        ".search at the root",
    )?;
    found.check(
        found.ids().into_iter().collect::<BTreeSet<_>>() == both,
        "a user and a group with one externalId were not both found, alone",
    )
}

fn root_query(session: &Session) -> Result<(), Stop> {
    let (filter, both) = pair(session)?;
    let ask = |filter: &str| {
        let answer = session.get(&format!("/?filter={}", encoded(filter)))?;
        // No announcement speaks of it, and the RFC only says that one may ask (RFC 7644 §3.4.2.1).
        if [403, 404].contains(&answer.status) {
            return Err(Stop::NotSupported(format!("a query at the root is answered with {}", answer.status)));
        }
        unless_missing(answer, "a query at the root")
    };
    let found = ask(&filter)?;
    found.check(
        found.ids().into_iter().collect::<BTreeSet<_>>() == both,
        "a user and a group with one externalId were not both found, alone",
    )?;
    let users = ask(&format!("{filter} and meta.resourceType eq \"User\""))?;
    users.check(
        users.ids().len() == 1 && users.at("/Resources/0/schemas/0") == USER,
        "`meta.resourceType eq \"User\"` did not find the user alone",
    )?;
    let named = ask(&format!("{filter} and userName pr"))?;
    named.check(named.ids() == users.ids(), "an attribute that a type lacks is not unassigned there")
}

fn bounded_filters(session: &Session) -> Result<(), Stop> {
    session.needs(Feature::Filter)?;
    let nobody = format!("userName eq \"{}\"", session.name("nobody"));
    let deep = format!("{}{nobody}{}", "(".repeat(500), ")".repeat(500));
    let long = vec![nobody.as_str(); 100].join(" or ");
    for filter in [deep, long] {
        let answer = session.filter("/Users", &filter)?.expect_one_of(&[200, 400, 413, 414, 431])?;
        if answer.status == 400 {
            answer.expect_error(400, "")?;
        } else if answer.status == 200 {
            answer.same("/totalResults", &json!(0))?;
        }
    }
    Ok(())
}
