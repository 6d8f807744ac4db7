//! Making and changing local people. Of two who edit the same person, the second sees both versions.

use actix_web::http::StatusCode;
use askama::Template;
use serde_json::{Map, Value, json};

use crate::model::UserId;
use crate::service::people;

use super::super::answer::{Answer, Flash};
use super::super::frame::Frame;
use super::super::profile::display_name;
use super::super::refusal::{Refusal, sentence};
use super::super::route::{Needs, Page};
use super::super::visit::Visit;
use super::form::{self, Editable, Field};

const RIGHT: Needs = Needs::Right("organization:manage-people");

pub(in crate::http::console) const PAGES: &[Page] = &[
    Page::get("/o/{organization}/people/new", RIGHT, new),
    Page::post("/o/{organization}/people/new", RIGHT, create),
    Page::get("/o/{organization}/people/{id}/edit", RIGHT, edit),
    Page::post("/o/{organization}/people/{id}/edit", RIGHT, change),
];

/// What can be edited: the field, its label, its hint.
const FIELDS: [Editable; 6] = [
    ("userName", "User name", "What the person signs in by and pipelines ask by, often the e-mail address."),
    ("givenName", "Given name", ""),
    ("familyName", "Family name", ""),
    ("displayName", "Name as shown", "Left empty, given and family name are shown."),
    ("email", "E-mail address", ""),
    ("title", "Title", ""),
];

#[derive(Template)]
#[template(path = "console/people/edit.html")]
struct EditPage {
    frame: Frame,
    fields: Vec<Field>,
    problem: String,
    version: String,
    /// Whether somebody else changed the person meanwhile.
    is_stale: bool,
    back: String,
    action: &'static str,
}

fn new(visit: &Visit) -> Result<Answer, Refusal> {
    Answer::page(&EditPage {
        frame: visit.frame("Add a person", "people"),
        fields: form::fields(&FIELDS, |_name| Ok(String::new()))?,
        problem: String::new(),
        version: String::new(),
        is_stale: false,
        back: visit.address("/people")?,
        action: "Add the person",
    })
}

/// The attributes a form says; `null` takes one away.
fn attributes(visit: &Visit) -> Result<Map<String, Value>, Refusal> {
    let text = |name: &str| form::text(visit, name);
    let email = text("email")?;
    let emails =
        if email.is_null() { Value::Null } else { json!([{ "value": email, "type": "work", "primary": true }]) };
    let all = json!({
        "userName": visit.form.text("userName")?,
        "name": { "givenName": text("givenName")?, "familyName": text("familyName")? },
        "displayName": text("displayName")?,
        "title": text("title")?,
        "emails": emails,
    });
    match all {
        Value::Object(all) => Ok(all),
        _ => Err(Refusal::Fault),
    }
}

fn create(visit: &Visit) -> Result<Answer, Refusal> {
    let mut wanted = attributes(visit)?;
    wanted.retain(|_, value| !value.is_null());
    if let Some(Value::Object(name)) = wanted.get_mut("name") {
        name.retain(|_, value| !value.is_null());
    }
    match people::create(&visit.services, visit.caller()?, wanted) {
        Ok(person) => {
            let name = display_name(&person);
            Ok(Answer::see_other(visit.address(&format!("/people/{}", person.id))?).saying(&Flash::done(format!(
                "{name} was added. Nothing is allowed yet: give a role or add to a group."
            ))))
        }
        Err(error) => {
            let problem = sentence(&Refusal::from(error).about_the_form()?);
            Answer::invalid(&EditPage {
                frame: visit.frame("Error: Add a person", "people"),
                fields: form::filled_in(&FIELDS, visit, None)?,
                problem,
                version: String::new(),
                is_stale: false,
                back: visit.address("/people")?,
                action: "Add the person",
            })
        }
    }
}

fn edit(visit: &Visit) -> Result<Answer, Refusal> {
    let id: UserId = visit.parsed(1)?;
    let (person, _) = people::read(&visit.services, visit.caller()?, id)?;
    if let Some(manager) = &person.manager {
        let problem = format!("this person comes from {}; change it there", manager.name);
        return Err(Refusal::Refused(StatusCode::FORBIDDEN, problem));
    }
    Answer::page(&EditPage {
        frame: visit.frame(format!("Edit {}", display_name(&person)), "people"),
        fields: form::fields(&FIELDS, |name| Ok(form::value(&person, name)))?,
        problem: String::new(),
        version: person.entity_tag(),
        is_stale: false,
        back: visit.address(&format!("/people/{id}"))?,
        action: "Save",
    })
}

fn change(visit: &Visit) -> Result<Answer, Refusal> {
    let id: UserId = visit.parsed(1)?;
    let caller = visit.caller()?;
    let version = form::version(visit)?;
    let back = visit.address(&format!("/people/{id}"))?;
    let refused = match people::change(&visit.services, caller, id, attributes(visit)?, &version) {
        Ok(_) => return Ok(Answer::see_other(back).saying(&Flash::done("The profile was saved."))),
        Err(error) => Refusal::from(error),
    };
    let is_stale = refused.is_stale();
    let problem = if is_stale {
        "Somebody else changed this person since you opened the form. Look at both versions, then save yours or leave \
         theirs. Nothing of yours was saved yet."
            .to_owned()
    } else {
        sentence(&refused.about_the_form()?)
    };
    let (person, _) = people::read(&visit.services, caller, id)?;
    let page = EditPage {
        frame: visit.frame(format!("Error: Edit {}", display_name(&person)), "people"),
        fields: form::filled_in(&FIELDS, visit, is_stale.then_some(&person))?,
        problem,
        // The values are theirs to see: saving now is saving over them, knowingly.
        version: if is_stale { person.entity_tag() } else { visit.form.text("version")?.to_owned() },
        is_stale,
        back,
        action: if is_stale { "Save mine over theirs" } else { "Save" },
    };
    Answer::page_with(if is_stale { StatusCode::CONFLICT } else { StatusCode::UNPROCESSABLE_ENTITY }, &page)
}
