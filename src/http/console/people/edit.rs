//! Making and changing local people. Of two who edit the same person, the second sees both versions.

use actix_web::http::StatusCode;
use askama::Template;
use serde_json::{Map, Value, json};

use crate::model::{Precondition, UserId};
use crate::service::people::{self, Person};

use super::super::answer::{Answer, Flash};
use super::super::frame::Frame;
use super::super::profile::display_name;
use super::super::refusal::{Refusal, sentence};
use super::super::route::{Needs, Page};
use super::super::visit::Visit;

const RIGHT: Needs = Needs::Right("organization:manage-people");

pub(in crate::http::console) const PAGES: &[Page] = &[
    Page::get("/o/{organization}/people/new", RIGHT, new),
    Page::post("/o/{organization}/people/new", RIGHT, create),
    Page::get("/o/{organization}/people/{id}/edit", RIGHT, edit),
    Page::post("/o/{organization}/people/{id}/edit", RIGHT, change),
];

/// What can be edited: the field, its label, its hint.
const FIELDS: [(&str, &str, &str); 6] = [
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

struct Field {
    name: &'static str,
    label: &'static str,
    hint: &'static str,
    value: String,
    /// What stands there by now, where somebody else changed it.
    theirs: Option<String>,
}

fn value(person: &Person, name: &str) -> String {
    let named = |part: &str| person.attributes.get("name").and_then(|it| it.get(part)).and_then(Value::as_str);
    let email = || person.attributes.get("emails").and_then(|it| it.get(0)).and_then(|it| it.get("value"));
    match name {
        "givenName" | "familyName" => named(name).unwrap_or_default().to_owned(),
        "email" => email().and_then(Value::as_str).unwrap_or_default().to_owned(),
        _ => person.text(name).to_owned(),
    }
}

fn fields(of: impl Fn(&'static str) -> Result<String, Refusal>) -> Result<Vec<Field>, Refusal> {
    FIELDS
        .into_iter()
        .map(|(name, label, hint)| Ok(Field { name, label, hint, value: of(name)?, theirs: None }))
        .collect()
}

fn new(visit: &Visit) -> Result<Answer, Refusal> {
    Answer::page(&EditPage {
        frame: visit.frame("Add a person", "people"),
        fields: fields(|_name| Ok(String::new()))?,
        problem: String::new(),
        version: String::new(),
        is_stale: false,
        back: visit.address("/people")?,
        action: "Add the person",
    })
}

/// The attributes a form says; `null` takes one away.
fn attributes(visit: &Visit) -> Result<Map<String, Value>, Refusal> {
    let text = |name: &str| -> Result<Value, Refusal> {
        let text = visit.form.text(name)?;
        Ok(if text.is_empty() { Value::Null } else { json!(text) })
    };
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
                fields: fields(|name| Ok(visit.form.text(name)?.to_owned()))?,
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
        fields: fields(|name| Ok(value(&person, name)))?,
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
    let version = Precondition::parse(visit.form.text("version")?);
    if visit.form.text("version")?.is_empty() || !matches!(version, Precondition::Tags(_)) {
        return Err(Refusal::bad("The form does not say which version it changes. Load the page again."));
    }
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
    let mut fields = fields(|name| Ok(visit.form.text(name)?.to_owned()))?;
    for field in &mut fields {
        let theirs = value(&person, field.name);
        field.theirs = (is_stale && theirs != field.value).then_some(theirs);
    }
    let page = EditPage {
        frame: visit.frame(format!("Error: Edit {}", display_name(&person)), "people"),
        fields,
        problem,
        // The values are theirs to see: saving now is saving over them, knowingly.
        version: if is_stale { person.entity_tag() } else { visit.form.text("version")?.to_owned() },
        is_stale,
        back,
        action: if is_stale { "Save mine over theirs" } else { "Save" },
    };
    Answer::page_with(if is_stale { StatusCode::CONFLICT } else { StatusCode::UNPROCESSABLE_ENTITY }, &page)
}
