//! Deactivating, reactivating, removing: each after a page that says what it comes to.

use actix_web::http::StatusCode;
use askama::Template;
use serde_json::{Map, json};

use crate::model::{Precondition, Service, UserId};
use crate::service::people::{self, Person};

use super::super::answer::{Answer, Flash};
use super::super::frame::Frame;
use super::super::profile::display_name;
use super::super::prose::isolated;
use super::super::refusal::{Refusal, sentence};
use super::super::route::{Needs, Page};
use super::super::services::People;
use super::super::visit::Visit;
use super::person::{GateLine, HeldLine, gates, held};

const RIGHT: Needs = Needs::Right("organization:manage-people");

pub(in crate::http::console) const PAGES: &[Page] = &[
    Page::get("/o/{organization}/people/{id}/deactivate", RIGHT, |visit| ask(visit, Ending::Deactivate)),
    Page::post("/o/{organization}/people/{id}/deactivate", RIGHT, |visit| carry_out(visit, Ending::Deactivate)),
    Page::get("/o/{organization}/people/{id}/reactivate", RIGHT, |visit| ask(visit, Ending::Reactivate)),
    Page::post("/o/{organization}/people/{id}/reactivate", RIGHT, |visit| carry_out(visit, Ending::Reactivate)),
    Page::get("/o/{organization}/people/{id}/remove", RIGHT, |visit| ask(visit, Ending::Remove)),
    Page::post("/o/{organization}/people/{id}/remove", RIGHT, |visit| carry_out(visit, Ending::Remove)),
];

/// What is to be done to somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Deactivate,
    Reactivate,
    Remove,
}

impl Ending {
    const fn verb(self) -> &'static str {
        match self {
            Self::Deactivate => "Deactivate",
            Self::Reactivate => "Reactivate",
            Self::Remove => "Remove",
        }
    }
}

#[derive(Template)]
#[template(path = "console/people/ending.html")]
struct EndingPage {
    frame: Frame,
    name: String,
    verb: &'static str,
    /// Whether something is taken away.
    takes: bool,
    /// Why it cannot be done, where it cannot.
    refusal: String,
    /// What it comes to, in sentences.
    consequences: Vec<String>,
    held: Vec<HeldLine>,
    gates: Vec<GateLine>,
    /// What becomes of the services the person answers for, in sentences.
    services: Vec<String>,
    back: String,
}

fn ask(visit: &Visit, ending: Ending) -> Result<Answer, Refusal> {
    page(visit, ending, String::new())
}

fn page(visit: &Visit, ending: Ending, problem: String) -> Result<Answer, Refusal> {
    let caller = visit.caller()?;
    let id: UserId = visit.parsed(1)?;
    let (person, _) = people::read(&visit.services, caller, id)?;
    let access = people::access(&visit.services, caller, id)?;
    let name = display_name(&person);
    let takes = ending != Ending::Reactivate;
    let mut refusal = problem;
    if refusal.is_empty() {
        refusal = refused(visit, &person, ending, &name)?;
    }
    let status = if refusal.is_empty() { StatusCode::OK } else { StatusCode::CONFLICT };
    let page = EndingPage {
        frame: visit.frame(format!("{} {name}?", ending.verb()), "people"),
        verb: ending.verb(),
        takes,
        refusal,
        consequences: consequences(&person, ending, &name),
        held: held(&access),
        gates: gates(&access),
        services: services(visit, id, ending)?,
        back: visit.address(&format!("/people/{id}"))?,
        name,
    };
    Answer::page_with(status, &page)
}

/// Why it cannot be done; empty if it can.
fn refused(visit: &Visit, person: &Person, ending: Ending, name: &str) -> Result<String, Refusal> {
    let name = isolated(name);
    if ending == Ending::Remove
        && let Some(manager) = &person.manager
    {
        let source = isolated(&manager.name);
        return Ok(format!(
            "{name} comes from {source}. Remove the person there and {source} tells us; or deactivate here, which holds \
             whatever {source} sends."
        ));
    }
    if ending != Ending::Reactivate && people::is_last_administrator(&visit.services, visit.caller()?, person.id)? {
        return Ok(format!(
            "{name} is the only active administrator. Give somebody else the role admin at / first, then come back."
        ));
    }
    Ok(String::new())
}

fn consequences(person: &Person, ending: Ending, name: &str) -> Vec<String> {
    let name = isolated(name);
    let source = person.manager.as_ref().map(|manager| isolated(&manager.name));
    match (ending, source) {
        (Ending::Deactivate, Some(source)) => vec![
            format!("{name} may do nothing from the moment you confirm, on every server."),
            "Every browser in which the person is signed in is signed out.".to_owned(),
            format!("{source} goes on sending what it likes; the bar stays until an administrator lifts it."),
            "Profile, groups, roles and history stay, and allow nothing meanwhile.".to_owned(),
        ],
        (Ending::Deactivate, None) => vec![
            format!("{name} may do nothing from the moment you confirm, on every server."),
            "Every browser in which the person is signed in is signed out.".to_owned(),
            "Profile, groups, roles and history stay, and allow nothing. You can reactivate the person.".to_owned(),
        ],
        (Ending::Reactivate, Some(source)) => {
            vec![format!("The bar is lifted. {name} may act again if {source} says so, with what the groups give.")]
        }
        (Ending::Reactivate, None) => vec![
            format!("{name} may act again, with what groups and roles give now."),
            "Sessions, links and invitations that ended stay ended.".to_owned(),
        ],
        (Ending::Remove, _) => vec![
            format!("{name} is no longer listed and may do nothing, on every server."),
            "Memberships, roles given directly and sessions end.".to_owned(),
            "The record stays, and with it the proof that nothing is left.".to_owned(),
        ],
    }
}

/// What becomes of the services somebody answers for.
fn services(visit: &Visit, owner: UserId, ending: Ending) -> Result<Vec<String>, Refusal> {
    let mut owned = visit.administration()?.services_of(visit.organization()?, owner)?;
    owned.retain(|service| service.stopped_at.is_none());
    let known = People::of(visit, owned.iter())?;
    let fate = |service: &Service| {
        let name = isolated(service.name.as_str());
        let successor = service.successor.filter(|id| known.is_active(*id)).map(|id| isolated(&known.called(id)));
        match (ending, successor) {
            (Ending::Reactivate, _) => format!("The service {name} may act again."),
            (_, Some(successor)) => format!("The service {name} becomes {successor}’s and goes on."),
            (Ending::Deactivate, None) => {
                format!("The service {name} may do nothing until the person is back or it is handed over.")
            }
            (Ending::Remove, None) => {
                format!("The service {name} stops for good. To keep it, hand it over first or name who comes after.")
            }
        }
    };
    Ok(owned.iter().map(fate).collect())
}

fn carry_out(visit: &Visit, ending: Ending) -> Result<Answer, Refusal> {
    let caller = visit.caller()?;
    let id: UserId = visit.parsed(1)?;
    let (services, any) = (&visit.services, &Precondition::None);
    let (person, _) = people::read(services, caller, id)?;
    let name = isolated(&display_name(&person));
    let active = |active: bool| Map::from_iter([("active".to_owned(), json!(active))]);
    let done = match ending {
        Ending::Deactivate if person.manager.is_some() => {
            people::suspend(services, caller, id, None, any).map(|_| format!("{name} is suspended and may do nothing."))
        }
        Ending::Deactivate => people::change(services, caller, id, active(false), any)
            .map(|_| format!("{name} is deactivated and may do nothing.")),
        Ending::Reactivate => {
            let lifted = if person.suspended_at.is_some() {
                people::reinstate(services, caller, id, None, any).map(|_| ())
            } else {
                Ok(())
            };
            let again = lifted.and_then(|()| match person.manager {
                None if !person.active() => people::change(services, caller, id, active(true), any).map(|_| ()),
                _ => Ok(()),
            });
            again.map(|()| format!("{name} is not barred any more."))
        }
        Ending::Remove => people::delete(services, caller, id, any).map(|()| format!("{name} was removed.")),
    };
    match done {
        Ok(said) => {
            let to = if ending == Ending::Remove { "/people".to_owned() } else { format!("/people/{id}") };
            Ok(Answer::see_other(visit.address(&to)?).saying(&Flash::done(said)))
        }
        Err(error) => {
            let problem = sentence(&Refusal::from(error).about_the_form()?);
            page(visit, ending, problem)
        }
    }
}
