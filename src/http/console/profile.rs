//! The own profile: all there is for somebody without rights.

use askama::Template;

use crate::service::people::{self, Person};

use super::answer::Answer;
use super::frame::Frame;
use super::refusal::Refusal;
use super::route::{Needs, Page};
use super::visit::Visit;

pub(super) const PAGES: &[Page] = &[Page::get("/o/{organization}/profile", Needs::Member, show)];

#[derive(Template)]
#[template(path = "console/profile.html")]
struct ProfilePage {
    frame: Frame,
    facts: Vec<(&'static str, String)>,
    manager: String,
    groups: Vec<String>,
}

fn show(visit: &Visit) -> Result<Answer, Refusal> {
    let member = visit.member()?;
    let Some(user) = member.user else { return Err(Refusal::NotFound) };
    let (person, groups) = people::read(&visit.services, &member.caller, user)?;
    let name = display_name(&person);
    Answer::page(&ProfilePage {
        frame: visit.frame(name, "profile"),
        facts: facts(&person),
        manager: person.manager.as_ref().map(|manager| manager.name.clone()).unwrap_or_default(),
        groups: groups.into_iter().map(|group| group.display_name).collect(),
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
