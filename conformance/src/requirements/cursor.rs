//! Cursor pagination (RFC 9865), numbered 9865-1 to 9865-6.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::Check;
use crate::announcement::Feature;
use crate::exchange::Answer;
use crate::outcome::Stop;
use crate::session::{Session, encoded};

pub const CHECKS: &[Check] = &[
    Check::of_rfc_9865(1, "ServiceProviderConfig says how pages are made", announced),
    Check::of_rfc_9865(2, "an empty cursor begins; every page but the last names the next", walks),
    Check::of_rfc_9865(2, "a cursor stays sound while users come and go", walks_among_changes),
    Check::of_rfc_9865(3, "a forged cursor is 400 invalidCursor", forged),
    Check::of_rfc_9865(4, "a cursor of another query is 400 invalidCursor", bound_to_its_query),
    Check::of_rfc_9865(5, "a count that changes or is too large is 400 invalidCount", counts),
    Check::of_rfc_9865(6, ".search pages by cursors too", search),
];

/// Seven users, and a query that finds them alone.
fn seven(session: &Session) -> Result<(String, BTreeSet<String>), Stop> {
    session.needs(Feature::Cursor)?;
    session.needs(Feature::Filter)?;
    let family = session.name("page");
    let mut ids = BTreeSet::new();
    for number in 0..7 {
        ids.insert(session.user(&json!({ "userName": format!("{family}-{number}") }))?.id()?);
    }
    Ok((format!("/Users?filter={}", encoded(&format!("userName sw \"{family}-\""))), ids))
}

fn next(page: &Answer) -> Option<String> {
    page.body["nextCursor"].as_str().map(str::to_owned)
}

fn announced(session: &Session) -> Result<(), Stop> {
    session.needs(Feature::Cursor)?;
    let configuration = session.read("/ServiceProviderConfig")?;
    let pagination = configuration.at("/pagination");
    for method in ["cursor", "index"] {
        configuration
            .check(pagination[method].is_boolean(), &format!("`pagination.{method}` is missing (RFC 9865 §4)"))?;
    }
    for number in ["defaultPageSize", "maxPageSize", "cursorTimeout"] {
        let fits = pagination[number].is_null() || pagination[number].is_u64();
        configuration.check(fits, &format!("`pagination.{number}` is no number"))?;
    }
    Ok(())
}

/// Every page by cursors; between two pages, `between` is called.
fn walk(
    session: &Session,
    query: &str,
    count: usize,
    between: impl Fn() -> Result<(), Stop>,
) -> Result<Vec<String>, Stop> {
    let mut seen = Vec::new();
    let mut page = session.read(&format!("{query}&cursor=&count={count}"))?;
    page.check(page.body["previousCursor"].is_null(), "the first page has a `previousCursor` (RFC 9865 §2)")?;
    for _page in 0..50 {
        seen.extend(page.ids());
        let Some(cursor) = next(&page) else { return Ok(seen) };
        let unreserved = cursor.chars().all(|letter| letter.is_ascii_alphanumeric() || "-._~".contains(letter));
        page.check(unreserved, "`nextCursor` has letters that a URL would encode (RFC 9865 §2)")?;
        between()?;
        page = session.read(&format!("{query}&cursor={cursor}&count={count}"))?;
    }
    Err(page.fail("fifty pages, and no end"))
}

fn walks(session: &Session) -> Result<(), Stop> {
    let (query, everybody) = seven(session)?;
    for count in [1, 3, 7, 100] {
        let seen = walk(session, &query, count, || Ok(()))?;
        let same = seen.len() == 7 && seen.into_iter().collect::<BTreeSet<_>>() == everybody;
        if !same {
            return Err(Stop::failed(format!("pages of {count} by cursors did not show each of seven users once")));
        }
    }
    Ok(())
}

fn walks_among_changes(session: &Session) -> Result<(), Stop> {
    let (query, everybody) = seven(session)?;
    let first = session.read(&format!("{query}&cursor=&count=1"))?;
    let gone = first.ids();
    let seen = walk(session, &query, 2, || {
        session.user(&json!({}))?;
        gone.iter().try_for_each(|id| session.delete(&format!("/Users/{id}")).map(drop))
    })?;
    let distinct: BTreeSet<String> = seen.iter().cloned().collect();
    if distinct.len() == seen.len() && everybody.iter().all(|id| distinct.contains(id)) {
        return Ok(());
    }
    Err(Stop::failed(
        "while one user of the first page was deleted and others came, pages repeated or left out somebody",
    ))
}

fn forged(session: &Session) -> Result<(), Stop> {
    let (query, _) = seven(session)?;
    let page = session.read(&format!("{query}&cursor=&count=2"))?;
    let Some(cursor) = next(&page) else { return Err(page.fail("there is no `nextCursor`, though more are to come")) };
    let last = if cursor.ends_with('A') { 'B' } else { 'A' };
    let mut middle: String = cursor.chars().take(cursor.chars().count() / 2).collect();
    middle.push(last);
    middle.extend(cursor.chars().skip(cursor.chars().count() / 2 + 1));
    for wrong in ["made-up".to_owned(), middle, format!("{cursor}A")] {
        if wrong != cursor {
            session.get(&format!("{query}&cursor={wrong}&count=2"))?.expect_error(400, "invalidCursor")?;
        }
    }
    Ok(())
}

fn bound_to_its_query(session: &Session) -> Result<(), Stop> {
    let (query, _) = seven(session)?;
    let page = session.read(&format!("{query}&cursor=&count=2"))?;
    let Some(cursor) = next(&page) else { return Err(page.fail("there is no `nextCursor`, though more are to come")) };
    session
        .get(&format!("/Users?filter=userName%20pr&cursor={cursor}&count=2"))?
        .expect_error(400, "invalidCursor")
        .map(drop)
}

fn counts(session: &Session) -> Result<(), Stop> {
    let (query, _) = seven(session)?;
    let page = session.read(&format!("{query}&cursor=&count=2"))?;
    let Some(cursor) = next(&page) else { return Err(page.fail("there is no `nextCursor`, though more are to come")) };
    session.get(&format!("{query}&cursor={cursor}&count=3"))?.expect_error(400, "invalidCount")?;
    if let Some(most) = session.announcement().number("/pagination/maxPageSize") {
        session.get(&format!("{query}&cursor=&count={}", most + 1))?.expect_error(400, "invalidCount")?;
    }
    let none = session.read(&format!("{query}&cursor=&count=0"))?;
    none.check(
        none.ids().is_empty() && none.body["totalResults"] == 7,
        "count=0 does not answer the total alone (RFC 9865 §2.1)",
    )
}

fn search(session: &Session) -> Result<(), Stop> {
    let (query, everybody) = seven(session)?;
    let first = session.read(&query)?;
    let name = first.at("/Resources/0/userName").as_str().unwrap_or_default();
    let filter = format!("userName sw \"{}-\"", name.rsplit_once('-').unwrap_or_default().0);
    let mut seen = BTreeSet::new();
    let mut cursor = String::new();
    for _page in 0..7 {
        let body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": filter, "cursor": cursor, "count": 3 });
        let page = session.post("/Users/.search", &body)?.expect(200)?;
        seen.extend(page.ids());
        match page.at("/nextCursor") {
            Value::String(next) => cursor.clone_from(next),
            _ => return page.check(seen == everybody, "pages of .search by cursors did not show each of seven users"),
        }
    }
    Err(Stop::failed("seven pages of three, and no end"))
}
