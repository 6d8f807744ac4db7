//! Where somebody is signed in, and the end of that.

use askama::Template;

use crate::model::SessionId;
use crate::service::Services;
use crate::service::accounts::Session;

use super::agent;
use super::answer::{Answer, Flash};
use super::browser;
use super::frame::Frame;
use super::refusal::Refusal;
use super::route::{Needs, Page};
use super::visit::{SESSIONS, Visit};
use super::when::When;

pub(super) const PAGES: &[Page] = &[
    Page::get("/sessions", Needs::SignIn, list),
    Page::post("/sessions", Needs::SignIn, end_others),
    Page::post("/sessions/{id}/end", Needs::SignIn, end),
];

#[derive(Template)]
#[template(path = "console/sessions.html")]
struct SessionsPage {
    frame: Frame,
    /// The organization somebody of several comes from, for forms to lead back to; with its question mark.
    from: String,
    sessions: Vec<Line>,
    has_others: bool,
}

/// A session, as its table shows it.
pub(super) struct Line {
    pub(super) id: SessionId,
    /// In words.
    pub(super) client: String,
    /// As the browser calls itself.
    pub(super) agent: String,
    pub(super) is_this: bool,
    /// By what it was opened.
    pub(super) by: &'static str,
    pub(super) signed_in: When,
    pub(super) seen: When,
    pub(super) ends: When,
}

impl Line {
    /// `own` is the session that asks.
    pub(super) fn of(session: Session, own: SessionId) -> Self {
        Self {
            id: session.id,
            is_this: session.id == own,
            by: if session.is_provided() { "identity provider" } else { "link" },
            signed_in: When(Services::began(&session)),
            seen: When(session.seen_at),
            ends: When(session.expires_at),
            client: agent::in_words(&session.client),
            agent: session.client,
        }
    }
}

fn list(visit: &Visit) -> Result<Answer, Refusal> {
    let signed_in = visit.signed_in()?;
    let sessions = visit.services.sessions(signed_in.account.id)?;
    let own = signed_in.session.id;
    let has_others = sessions.iter().any(|session| session.id != own);
    let sessions = sessions.into_iter().map(|session| Line::of(session, own)).collect();
    let frame = visit.frame("Where you are signed in", "").wide();
    let from = frame.sessions.strip_prefix(SESSIONS).unwrap_or_default().to_owned();
    Answer::page(&SessionsPage { frame, from, sessions, has_others })
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
    Ok(Answer::see_other(visit.own_sessions()).saying(&Flash::done("That browser is signed out.")))
}

fn end_others(visit: &Visit) -> Result<Answer, Refusal> {
    let signed_in = visit.signed_in()?;
    let organization = signed_in.belongings.first().map(|belonging| belonging.organization).ok_or(Refusal::NotFound)?;
    let caller = visit.caller_in(organization)?;
    visit.services.end_other_sessions(&caller, signed_in.account.id, signed_in.session.id)?;
    Ok(Answer::see_other(visit.own_sessions()).saying(&Flash::done("Every other browser is signed out.")))
}
