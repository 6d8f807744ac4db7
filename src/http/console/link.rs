//! A link that signs in. Looking at it changes nothing; its form uses it up.

use actix_web::http::StatusCode;
use askama::Template;

use crate::service::accounts::{LinkRefusal, OpenLink};

use super::answer::{Answer, Flash};
use super::browser;
use super::frame::Frame;
use super::refusal::Refusal;
use super::refused;
use super::route::{Needs, Page};
use super::visit::Visit;

pub(super) const PAGES: &[Page] =
    &[Page::get("/link/{secret}", Needs::Nothing, show), Page::post("/link/{secret}", Needs::Nothing, sign_in)];

#[derive(Template)]
#[template(path = "console/link.html")]
struct LinkPage {
    frame: Frame,
    name: String,
    organization: String,
    /// The address of the form: the link itself.
    action: String,
}

fn show(visit: &Visit) -> Result<Answer, Refusal> {
    match visit.services.look_at_link(visit.id(0)?, Some(&visit.browser.mark))? {
        Ok(OpenLink { account, organization, .. }) => Answer::page(&LinkPage {
            frame: visit.frame(format!("Sign in to {organization}"), "").alone(),
            name: account.email.unwrap_or(account.name),
            organization,
            action: visit.path.clone(),
        }),
        Err(refusal) => refused(visit, refusal),
    }
}

fn sign_in(visit: &Visit) -> Result<Answer, Refusal> {
    let (mark, client) = (Some(visit.browser.mark.as_str()), visit.browser.client.as_str());
    match visit.services.use_link(visit.id(0)?, mark, client, visit.request)? {
        Ok(sign_in) => Ok(Answer::see_other(format!("/o/{}", sign_in.slug))
            .with(browser::session_cookie(&sign_in.cookie))
            .saying(&Flash::done("You are signed in."))),
        Err(refusal) => refused(visit, refusal),
    }
}

fn refused(visit: &Visit, refusal: LinkRefusal) -> Result<Answer, Refusal> {
    let words = match refusal {
        LinkRefusal::Unknown => (
            StatusCode::NOT_FOUND,
            "This link is not valid",
            "It may have been cut off on its way, or belong to another server.",
            "Copy the whole link, or ask for a new one.",
        ),
        LinkRefusal::Used => (
            StatusCode::GONE,
            "This link was used",
            "A link signs in once.",
            "If that was not you, tell an administrator. Else ask for a new one.",
        ),
        LinkRefusal::Expired => (
            StatusCode::GONE,
            "This link has expired",
            "A link that signs in is good for 10 minutes.",
            "Ask for a new one; it takes a moment.",
        ),
        LinkRefusal::OtherBrowser => (
            StatusCode::FORBIDDEN,
            "Open this link in the browser that asked for it",
            "It works only there, so that nobody who sees the mail can use it.",
            "Go back to that browser, or ask for a link from this one.",
        ),
        LinkRefusal::Closed => (
            StatusCode::FORBIDDEN,
            "Sign in with your identity provider",
            "This organization's people sign in by their identity provider alone.",
            "Go to sign-in and name the organization.",
        ),
        LinkRefusal::NotActive => (
            StatusCode::FORBIDDEN,
            "Your access has ended",
            "You are not an active user of the organization this link leads to.",
            "Ask an administrator of the organization.",
        ),
    };
    refused::page(visit, words)
}
