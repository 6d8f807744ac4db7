//! The own profile: all there is for somebody without rights. People change of it what no connection sends, and nothing
//! that decides who they are or what they may do.

use actix_web::http::StatusCode;
use askama::Template;
use serde_json::{Map, Value, json};

use crate::model::UserId;
use crate::service::people::{self, Person};

use super::answer::{Answer, Flash};
use super::frame::Frame;
use super::people::form::{self, Editable, Field};
use super::refusal::{Refusal, sentence};
use super::route::{Needs, Page};
use super::visit::Visit;

pub(super) const PAGES: &[Page] = &[
    Page::get("/o/{organization}/profile", Needs::Member, show),
    Page::post("/o/{organization}/profile", Needs::Member, change),
    Page::post("/o/{organization}/profile/identity", Needs::Member, connect),
];

/// What people change of themselves: the field, its label, its hint. Never a user name, an address, a title or a language:
/// those say who somebody is, or guardrails read them.
const FIELDS: [Editable; 4] = [
    ("givenName", "Given name", ""),
    ("familyName", "Family name", ""),
    ("displayName", "Name as shown", "Left empty, given and family name are shown."),
    ("timezone", "Time zone", "Such as Europe/Vienna."),
];

#[derive(Template)]
#[template(path = "console/profile.html")]
struct ProfilePage {
    frame: Frame,
    /// What cannot be changed here.
    facts: Vec<(&'static str, String)>,
    fields: Vec<Field>,
    version: String,
    problem: String,
    is_stale: bool,
    manager: String,
    groups: Vec<String>,
    /// Whether an identity can be joined.
    connects: bool,
}

#[derive(Template)]
#[template(path = "console/identity_joined.html")]
struct ConnectPage {
    frame: Frame,
    name: String,
    issuer: String,
    /// Where it goes on.
    href: String,
}

fn page(visit: &Visit, user: UserId) -> Result<(ProfilePage, Person), Refusal> {
    let member = visit.member()?;
    let (person, groups) = people::read(&visit.services, &member.caller, user)?;
    let is_local = person.manager.is_none();
    let editable = if is_local { FIELDS.as_slice() } else { &[] };
    let session = &visit.signed_in()?.session;
    let has_provider = visit.services.provider_of(&member.organization.slug)?.is_some();
    let page = ProfilePage {
        frame: visit.frame(display_name(&person), "profile"),
        facts: facts(&person),
        fields: form::fields(editable, |name| Ok(form::value(&person, name)))?,
        version: person.entity_tag(),
        problem: String::new(),
        is_stale: false,
        manager: person.manager.as_ref().map(|manager| manager.name.clone()).unwrap_or_default(),
        groups: groups.into_iter().map(|group| group.display_name).collect(),
        connects: has_provider && !session.is_provided(),
    };
    Ok((page, person))
}

fn own(visit: &Visit) -> Result<UserId, Refusal> {
    visit.member()?.user.ok_or(Refusal::NotFound)
}

fn show(visit: &Visit) -> Result<Answer, Refusal> {
    Answer::page(&page(visit, own(visit)?)?.0)
}

/// The attributes a form says; `null` takes one away.
fn attributes(visit: &Visit) -> Result<Map<String, Value>, Refusal> {
    let text = |name: &str| form::text(visit, name);
    let mut all = Map::new();
    all.insert("name".to_owned(), json!({ "givenName": text("givenName")?, "familyName": text("familyName")? }));
    for name in ["displayName", "timezone"] {
        all.insert(name.to_owned(), text(name)?);
    }
    Ok(all)
}

fn change(visit: &Visit) -> Result<Answer, Refusal> {
    let user = own(visit)?;
    let version = form::version(visit)?;
    let (person, _) = people::read(&visit.services, visit.caller()?, user)?;
    if let Some(manager) = &person.manager {
        let problem = format!("your profile comes from {}; change it there", manager.name);
        return Err(Refusal::Refused(StatusCode::FORBIDDEN, problem));
    }
    let changed = people::change(&visit.services, visit.caller()?, user, attributes(visit)?, &version);
    let refused = match changed {
        Ok(_) => {
            let saved = Flash::done("Your profile was saved.");
            return Ok(Answer::see_other(visit.address("/profile")?).saying(&saved));
        }
        Err(error) => Refusal::from(error),
    };
    let is_stale = refused.is_stale();
    let problem = if is_stale {
        "Somebody else changed your profile since you opened this page. Look at both versions, then save yours or leave \
         theirs. Nothing of yours was saved yet."
            .to_owned()
    } else {
        sentence(&refused.about_the_form()?)
    };
    let (mut page, person) = page(visit, user)?;
    page.fields = form::filled_in(&FIELDS, visit, is_stale.then_some(&person))?;
    page.frame = visit.frame(format!("Error: {}", display_name(&person)), "profile");
    page.problem = problem;
    page.is_stale = is_stale;
    if !is_stale {
        visit.form.text("version")?.clone_into(&mut page.version);
    }
    Answer::page_with(if is_stale { StatusCode::CONFLICT } else { StatusCode::UNPROCESSABLE_ENTITY }, &page)
}

/// An identity is to be joined to whoever says so here. The identity provider is reached by a link: the policy lets forms lead
/// to the console alone, wherever they are sent on to.
fn connect(visit: &Visit) -> Result<Answer, Refusal> {
    let user = own(visit)?;
    visit.require_fresh()?;
    let member = visit.member()?;
    let slug = &member.organization.slug;
    let (organization, stored) = visit.services.provider_of(slug)?.ok_or(Refusal::NotFound)?;
    let (person, _) = people::read(&visit.services, &member.caller, user)?;
    let intent = visit.services.intent_to_connect(organization.id, &visit.signed_in()?.session)?;
    Answer::page(&ConnectPage {
        frame: visit.frame("Join your identity", "profile"),
        name: display_name(&person),
        issuer: stored.provider.issuer,
        href: format!("/sign-in/to/{slug}?connect={intent}"),
    })
}

/// What a person is called.
pub(super) fn display_name(person: &Person) -> String {
    let name = person.attributes.get("name").and_then(|name| name.as_object());
    let part = |key: &str| name.and_then(|name| name.get(key)).and_then(|part| part.as_str()).unwrap_or_default();
    let joined = format!("{} {}", part("givenName"), part("familyName"));
    let candidates = [person.text("displayName"), part("formatted"), joined.trim(), person.text("userName")];
    candidates.into_iter().find(|text| !text.trim().is_empty()).unwrap_or("A person without a name").to_owned()
}

/// What is known of a person, with the words for it.
pub(super) fn facts(person: &Person) -> Vec<(&'static str, String)> {
    let emails = person.attributes.get("emails").and_then(|emails| emails.as_array());
    let emails: Vec<&str> =
        emails.into_iter().flatten().filter_map(|email| email.get("value").and_then(|value| value.as_str())).collect();
    let all = [
        ("User name", person.text("userName").to_owned()),
        ("E-mail", emails.join(", ")),
        ("Title", person.text("title").to_owned()),
        ("Kind of user", person.text("userType").to_owned()),
        ("Language", person.text("preferredLanguage").to_owned()),
        ("Time zone", person.text("timezone").to_owned()),
    ];
    all.into_iter().filter(|(_, value)| !value.is_empty()).collect()
}
