//! Where a person is signed in, and by what; for administrators.

use askama::Template;

use crate::model::{SessionId, UserId};
use crate::service::accounts::Session;
use crate::service::people;

use super::super::answer::{Answer, Flash};
use super::super::frame::Frame;
use super::super::profile::display_name;
use super::super::refusal::Refusal;
use super::super::route::{Needs, Page};
use super::super::sessions::Line;
use super::super::visit::Visit;

const RIGHT: Needs = Needs::Right("organization:manage-people");

pub(in crate::http::console) const PAGES: &[Page] = &[
    Page::get("/o/{organization}/people/{id}/sessions", RIGHT, list),
    Page::post("/o/{organization}/people/{id}/sessions/end", RIGHT, end_all),
    Page::post("/o/{organization}/people/{id}/sessions/{session}/end", RIGHT, end),
    Page::post("/o/{organization}/people/{id}/sessions/forget", Needs::Fresh("organization:manage-people"), forget),
];

#[derive(Template)]
#[template(path = "console/people/sessions.html")]
struct SessionsPage {
    frame: Frame,
    id: UserId,
    name: String,
    sessions: Vec<Line>,
    /// The ways this person signs in.
    ways: Vec<String>,
    has_identity: bool,
}

fn list(visit: &Visit) -> Result<Answer, Refusal> {
    let id: UserId = visit.parsed(1)?;
    let caller = visit.caller()?;
    let (person, _) = people::read(&visit.services, caller, id)?;
    let (accounts, sessions) = visit.services.sessions_of_user(caller, id)?;
    let own = visit.signed_in()?.session.id;
    let name = display_name(&person);
    let mut ways: Vec<String> = accounts
        .iter()
        .map(|account| match (&account.subject, account.address()) {
            (Some((issuer, subject)), _) => format!("{subject} at {issuer}"),
            (None, Some(email)) if account.email.is_some() => format!("links sent to {email}"),
            (None, Some(email)) => format!("links sent to {email}, of which none was opened yet"),
            (None, None) => "links that whoever runs the server makes".to_owned(),
        })
        .collect();
    ways.sort_unstable();
    Answer::page(&SessionsPage {
        frame: visit.frame(format!("Sessions of {name}"), "people"),
        id,
        name,
        sessions: sessions.into_iter().map(|session: Session| Line::of(session, own)).collect(),
        has_identity: accounts.iter().any(|account| account.subject.is_some()),
        ways,
    })
}

fn back(visit: &Visit, said: &Flash) -> Result<Answer, Refusal> {
    let id: UserId = visit.parsed(1)?;
    Ok(Answer::see_other(visit.address(&format!("/people/{id}/sessions"))?).saying(said))
}

fn end(visit: &Visit) -> Result<Answer, Refusal> {
    let session: SessionId = visit.parsed(2)?;
    let ended = visit.services.end_sessions_of_user(visit.caller()?, visit.parsed(1)?, Some(session))?;
    if ended == 0 {
        return back(visit, &Flash::mind("That session is over already."));
    }
    back(visit, &Flash::done("That browser is signed out."))
}

fn end_all(visit: &Visit) -> Result<Answer, Refusal> {
    let ended = visit.services.end_sessions_of_user(visit.caller()?, visit.parsed(1)?, None)?;
    match ended {
        0 => back(visit, &Flash::mind("This person is signed in nowhere.")),
        1 => back(visit, &Flash::done("One browser is signed out.")),
        many => back(visit, &Flash::done(format!("{many} browsers are signed out."))),
    }
}

fn forget(visit: &Visit) -> Result<Answer, Refusal> {
    let forgotten = visit.services.forget_identities(visit.caller()?, visit.parsed(1)?)?;
    if forgotten == 0 {
        return back(visit, &Flash::mind("There was no identity to forget."));
    }
    back(
        visit,
        &Flash::done("The identity is forgotten and signed out. Whoever signs in next as this person is joined anew."),
    )
}
