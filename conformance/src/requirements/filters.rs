//! Filters: requirements 32 to 39 (RFC 7644 §3.4.2.2).

use serde_json::{Value, json};

use super::Check;
use crate::announcement::Feature;
use crate::outcome::Stop;
use crate::session::{ENTERPRISE, Session};

pub const CHECKS: &[Check] = &[
    Check::new(32, "operators and words come in any letter case", words_in_any_case),
    Check::new(32, "grouping binds before not, not before and, and before or", precedence),
    Check::new(32, "texts have the escapes of JSON", escapes),
    Check::new(32, "names under an extension's URN are read whole", extension_names),
    Check::new(32, "every operator compares texts", operators),
    Check::new(33, "conditions in one value path speak of one value", same_element),
    Check::new(33, "conditions side by side may each find their own value", side_by_side),
    Check::new(34, "ne is the opposite of eq", not_equal),
    Check::new(35, "a multi-valued attribute without a sub-attribute means its value", default_sub_attribute),
    Check::new(36, "pr is false where nothing is assigned", presence),
    Check::new(37, "an order among booleans, an unknown operator and garbage are 400 invalidFilter", refused),
    Check::new(37, "an unknown attribute matches nobody or is 400 invalidFilter", unknown_attribute),
    Check::new(38, "% and _ mean themselves", wildcards),
    Check::new(38, "the case rule holds for all of Unicode", letters_of_all_kinds),
    Check::new(39, "emails[type eq \"work\"].value eq \"…\" finds by the work address", value_path_with_sub_attribute),
];

/// A user, its name, and whether filters that speak of it alone find it.
struct Person<'a> {
    session: &'a Session,
    name: String,
}

impl<'a> Person<'a> {
    fn with(session: &'a Session, attributes: Value) -> Result<Self, Stop> {
        session.needs(Feature::Filter)?;
        let name = session.name("sought");
        let mut attributes = attributes;
        attributes["userName"] = json!(name);
        session.user(&attributes)?;
        Ok(Self { session, name })
    }

    fn is(&self, filter: &str, expected: bool) -> Result<(), Stop> {
        let list = self.session.found("/Users", &format!("userName eq \"{}\" and ({filter})", self.name))?;
        let found = !list.ids().is_empty();
        list.check(found == expected, &format!("`{filter}` should be {expected} of this user"))
    }

    fn all(&self, filters: &[(&str, bool)]) -> Result<(), Stop> {
        filters.iter().try_for_each(|(filter, expected)| self.is(filter, *expected))
    }
}

fn ada(session: &Session) -> Result<Person<'_>, Stop> {
    let emails = json!([
        { "value": "ada@work.example", "type": "work", "primary": true },
        { "value": "ada@home.example", "type": "home" },
    ]);
    let attributes = json!({
        "title": "Countess", "displayName": "Ada", "active": true, "emails": emails,
        "name": { "givenName": "Ada", "familyName": "King" },
        (ENTERPRISE): { "employeeNumber": "1815", "department": "Engines" },
    });
    Person::with(session, attributes)
}

fn words_in_any_case(session: &Session) -> Result<(), Stop> {
    ada(session)?.all(&[
        ("title EQ \"Countess\" AND active Eq true", true),
        ("TITLE eq \"Countess\" And Not (active eq false)", true),
        ("title PR OR displayName Sw \"x\"", true),
    ])
}

fn precedence(session: &Session) -> Result<(), Stop> {
    ada(session)?.all(&[
        ("title eq \"Countess\" or title eq \"x\" and title eq \"y\"", true),
        ("(title eq \"Countess\" or title eq \"x\") and title eq \"y\"", false),
        ("title eq \"x\" and title eq \"y\" or title eq \"Countess\"", true),
        ("not (title eq \"x\") and title eq \"Countess\"", true),
        ("not(title eq \"Countess\") or title eq \"x\"", false),
        ("not (title eq \"Countess\" and title eq \"x\")", true),
    ])
}

fn escapes(session: &Session) -> Result<(), Stop> {
    let person = Person::with(session, json!({ "title": "say \"hé\" \\ now" }))?;
    person.all(&[
        (r#"title eq "say \"hé\" \\ now""#, true),
        (r#"title eq "say \"h\u00e9\" \\ now""#, true),
        (r#"title co "\"x\"""#, false),
    ])
}

fn extension_names(session: &Session) -> Result<(), Stop> {
    let number = format!("{ENTERPRISE}:employeeNumber");
    let department = format!("{}:department", ENTERPRISE.to_uppercase());
    let person = ada(session)?;
    person.is(&format!("{number} eq \"1815\""), true)?;
    person.is(&format!("{number} eq \"1\" or {department} sw \"Eng\""), true)?;
    person.is(&format!("urn:ietf:params:scim:schemas:core:2.0:User:title eq \"Countess\" and {number} pr"), true)?;
    person.is(&format!("{number} ne \"1815\""), false)
}

fn operators(session: &Session) -> Result<(), Stop> {
    ada(session)?.all(&[
        ("name.familyName eq \"king\"", true),
        ("name.familyName co \"IN\"", true),
        ("name.familyName sw \"ki\"", true),
        ("name.familyName ew \"NG\"", true),
        ("name.familyName sw \"ng\"", false),
        ("name.familyName gt \"Kinf\"", true),
        ("name.familyName ge \"King\"", true),
        ("name.familyName lt \"King\"", false),
        ("name.familyName le \"King\"", true),
        ("active eq true", true),
        ("active ne true", false),
    ])
}

fn same_element(session: &Session) -> Result<(), Stop> {
    ada(session)?.all(&[
        ("emails[type eq \"work\" and value co \"@work\"]", true),
        ("emails[type eq \"work\" and value co \"@home\"]", false),
        ("emails[type eq \"home\" and primary eq true]", false),
        ("emails[type eq \"home\" and not (primary eq true)]", true),
        ("emails[type eq \"x\" or value ew \"home.example\"]", true),
    ])
}

fn side_by_side(session: &Session) -> Result<(), Stop> {
    ada(session)?.all(&[
        ("emails.type eq \"work\" and emails.value co \"@home\"", true),
        ("emails.type eq \"other\" and emails.value co \"@home\"", false),
    ])
}

fn not_equal(session: &Session) -> Result<(), Stop> {
    ada(session)?.all(&[
        ("title ne \"Countess\"", false),
        ("title ne \"Baroness\"", true),
        ("emails.type ne \"other\"", true),
        ("emails[type eq \"work\" and value ne \"ada@work.example\"]", false),
    ])
}

fn default_sub_attribute(session: &Session) -> Result<(), Stop> {
    ada(session)?.all(&[
        ("emails co \"@work.example\"", true),
        ("emails eq \"ada@home.example\"", true),
        ("emails co \"@nowhere\"", false),
    ])
}

fn presence(session: &Session) -> Result<(), Stop> {
    let person = Person::with(
        session,
        json!({ "title": "", "nickName": null, "roles": [], "name": { "givenName": null }, "displayName": "D" }),
    )?;
    person.all(&[
        ("displayName pr", true),
        ("title pr", false),
        ("nickName pr", false),
        ("roles pr", false),
        ("name pr", false),
        ("emails pr", false),
    ])
}

fn refused(session: &Session) -> Result<(), Stop> {
    session.needs(Feature::Filter)?;
    for filter in [
        "active gt true",
        "userName zz \"x\"",
        "userName eq",
        "(userName eq \"x\"",
        "and",
        "userName eq \"x\" userName",
        "emails[type eq \"work\"",
    ] {
        session.filter("/Users", filter)?.expect_error(400, "invalidFilter")?;
    }
    Ok(())
}

fn unknown_attribute(session: &Session) -> Result<(), Stop> {
    session.needs(Feature::Filter)?;
    let answer = session.filter("/Users", "shoeSize eq \"38\"")?.expect_one_of(&[200, 400])?;
    if answer.status == 400 {
        answer.expect_error(400, "invalidFilter").map(drop)
    } else {
        answer.same("/totalResults", &json!(0))
    }
}

fn wildcards(session: &Session) -> Result<(), Stop> {
    let person = Person::with(session, json!({ "title": "50% off_now" }))?;
    person.all(&[
        ("title co \"50%\"", true),
        ("title co \"5%o\"", false),
        ("title co \"f_n\"", true),
        ("title co \"o_f\"", false),
        ("title sw \"%\"", false),
        ("title ew \"_____\"", false),
    ])
}

fn letters_of_all_kinds(session: &Session) -> Result<(), Stop> {
    let person = Person::with(session, json!({ "displayName": "Zoë Ærø ЖУК" }))?;
    person.all(&[
        ("displayName eq \"ZOË ÆRØ жук\"", true),
        ("displayName co \"ærø\"", true),
        ("displayName co \"zoe\"", false),
    ])
}

fn value_path_with_sub_attribute(session: &Session) -> Result<(), Stop> {
    ada(session)?.all(&[
        ("emails[type eq \"work\"].value eq \"ada@work.example\"", true),
        ("emails[type eq \"work\"].value eq \"ada@home.example\"", false),
    ])
}
