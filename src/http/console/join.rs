//! Joining by the link of an invitation. Looking at it changes nothing; its form joins.

use actix_web::http::StatusCode;
use askama::Template;

use crate::service::invitations::JoinRefusal;

use super::answer::{Answer, Flash};
use super::browser;
use super::frame::Frame;
use super::refusal::{Refusal, sentence};
use super::refused;
use super::route::{Needs, Page};
use super::visit::Visit;

pub(super) const PAGES: &[Page] = &[
    Page::get("/join/{slug}/{secret}", Needs::Nothing, show),
    Page::post("/join/{slug}/{secret}", Needs::Nothing, join),
];

/// Characters of a name somebody enters.
const NAME_CHARACTERS: usize = 100;

#[derive(Template)]
#[template(path = "console/join.html")]
struct JoinPage {
    frame: Frame,
    email: String,
    organization: String,
    given_name: String,
    family_name: String,
    problem: String,
    action: String,
}

fn show(visit: &Visit) -> Result<Answer, Refusal> {
    page(visit, String::new())
}

fn page(visit: &Visit, problem: String) -> Result<Answer, Refusal> {
    let open = match visit.services.look_at_invitation(visit.id(0)?, visit.id(1)?)? {
        Ok(open) => open,
        Err(refusal) => return refused(visit, refusal),
    };
    let title = format!("Join {}", open.organization);
    let status = if problem.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = JoinPage {
        frame: visit.frame(title, "").alone(),
        email: open.email,
        organization: open.organization,
        given_name: visit.form.text("given-name")?.to_owned(),
        family_name: visit.form.text("family-name")?.to_owned(),
        problem,
        action: visit.path.clone(),
    };
    Answer::page_with(status, &page)
}

fn join(visit: &Visit) -> Result<Answer, Refusal> {
    let short = |text: &str| text.chars().count() <= NAME_CHARACTERS && !text.contains(char::is_control);
    let names = (visit.form.text("given-name")?, visit.form.text("family-name")?);
    if !short(names.0) || !short(names.1) {
        return page(visit, "A name is at most 100 characters, on one line.".to_owned());
    }
    let (slug, secret) = (visit.id(0)?, visit.id(1)?);
    let browser = (visit.signed_in.as_ref(), visit.browser.client.as_str());
    match visit.services.join(slug, secret, names, browser, visit.request) {
        Ok(Ok(joined)) => {
            let flash = if joined.missing.is_empty() {
                Flash::done("Welcome. You have joined and are signed in.")
            } else {
                Flash::mind(format!("You have joined and are signed in, but {}. Ask an administrator.", joined.missing))
            };
            Ok(Answer::see_other(format!("/o/{slug}"))
                .with(browser::session_cookie(&joined.sign_in.cookie))
                .saying(&flash))
        }
        Ok(Err(refusal)) => refused(visit, refusal),
        Err(error) => page(visit, sentence(&Refusal::from(error).about_the_form()?)),
    }
}

fn refused(visit: &Visit, refusal: JoinRefusal) -> Result<Answer, Refusal> {
    let words = match refusal {
        JoinRefusal::Unknown => (
            StatusCode::NOT_FOUND,
            "This invitation is not valid",
            "The link may have been cut off, or a newer one was sent since.",
            "Look for the newest mail, or ask whoever invited you to send it again.",
        ),
        JoinRefusal::Used => (
            StatusCode::GONE,
            "This invitation was used",
            "Somebody has joined by it already.",
            "If that was you, sign in. If not, tell an administrator.",
        ),
        JoinRefusal::Withdrawn => (
            StatusCode::GONE,
            "This invitation was withdrawn",
            "Whoever invited you took it back.",
            "Ask them if you think that is a mistake.",
        ),
        JoinRefusal::Expired => (
            StatusCode::GONE,
            "This invitation has expired",
            "An invitation is good for 72 hours.",
            "Ask whoever invited you to send it again.",
        ),
        JoinRefusal::InviterGone => (
            StatusCode::GONE,
            "This invitation does not count any more",
            "Whoever made it may not invite people any more.",
            "Ask an administrator of the organization for a new one.",
        ),
        JoinRefusal::Left => (
            StatusCode::GONE,
            "This invitation does not count any more",
            "Whoever has this address was taken out of the organization after it was sent.",
            "Ask an administrator of the organization if you think that is a mistake.",
        ),
    };
    refused::page(visit, words)
}
