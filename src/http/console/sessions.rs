//! Where somebody is signed in, and the end of that.

use askama::Template;

use crate::model::SessionId;

use super::answer::{Answer, Flash};
use super::browser;
use super::frame::Frame;
use super::refusal::Refusal;
use super::route::{Needs, Page};
use super::visit::Visit;
use super::when::When;

pub(super) const PAGES: &[Page] =
    &[Page::get("/sessions", Needs::SignIn, list), Page::post("/sessions/{id}/end", Needs::SignIn, end)];

#[derive(Template)]
#[template(path = "console/sessions.html")]
struct SessionsPage {
    frame: Frame,
    sessions: Vec<Line>,
}

struct Line {
    id: SessionId,
    client: String,
    is_this: bool,
    signed_in: When,
    seen: When,
    ends: When,
}

fn list(visit: &Visit) -> Result<Answer, Refusal> {
    let signed_in = visit.signed_in()?;
    let sessions = visit.services.sessions(signed_in.account.id)?;
    let line = |session: crate::service::accounts::Session| Line {
        id: session.id,
        is_this: session.id == signed_in.session.id,
        client: if session.client.is_empty() {
            "A browser that does not name itself".to_owned()
        } else {
            session.client
        },
        signed_in: When(session.signed_in_at),
        seen: When(session.seen_at),
        ends: When(session.expires_at),
    };
    let frame = visit.frame("Where you are signed in", "").wide();
    Answer::page(&SessionsPage { frame, sessions: sessions.into_iter().map(line).collect() })
}

fn end(visit: &Visit) -> Result<Answer, Refusal> {
    let signed_in = visit.signed_in()?;
    let id: SessionId = visit.parsed(0)?;
    let organization = signed_in.belongings.first().map(|belonging| belonging.organization).ok_or(Refusal::NotFound)?;
    visit.services.end_session(&visit.caller_in(organization)?, signed_in.account.id, id)?;
    if id == signed_in.session.id {
        return Ok(Answer::see_other("/sign-in")
            .with(browser::no_session())
            .saying(&Flash::done("You are signed out.")));
    }
    Ok(Answer::see_other("/sessions").saying(&Flash::done("That browser is signed out.")))
}
