//! Signing in and out.

use askama::Template;

use crate::model::EmailAddress;
use crate::service::post::Letter;

use super::answer::{Answer, Flash};
use super::browser;
use super::frame::Frame;

use super::refusal::{Refusal, sentence};
use super::route::{Needs, Page};
use super::visit::Visit;

pub(super) const PAGES: &[Page] = &[
    Page::get("/sign-in", Needs::Nothing, show),
    Page::post("/sign-in", Needs::Nothing, ask),
    Page::get("/sign-in/sent", Needs::Nothing, sent),
    Page::post("/sign-out", Needs::SignIn, sign_out),
];

#[derive(Template)]
#[template(path = "console/sign_in.html")]
struct SignInPage {
    frame: Frame,
    email: String,
    problem: String,
    sends_mail: bool,
    /// The organization whose identity provider is offered; empty for none.
    organization: String,
    /// Whether there may be others, to be named.
    asks_organization: bool,
}

#[derive(Template)]
#[template(path = "console/sign_in_sent.html")]
struct SentPage {
    frame: Frame,
}

fn show(visit: &Visit) -> Result<Answer, Refusal> {
    if visit.signed_in.is_some() {
        return Ok(Answer::see_other("/"));
    }
    Answer::page(&page(visit, String::new(), String::new())?)
}

fn page(visit: &Visit, email: String, problem: String) -> Result<SignInPage, Refusal> {
    let title = if problem.is_empty() { "Sign in to Muster" } else { "Error: Sign in to Muster" };
    let remembered = visit.browser.organization.as_ref();
    let (organization, asks_organization) = visit.services.offered_provider(remembered)?;
    let (frame, sends_mail) = (visit.frame(title, ""), visit.post.sends());
    Ok(SignInPage { frame, email, problem, sends_mail, organization, asks_organization })
}

/// Sends a link, if there is somebody of the address; says the same if there is not.
fn ask(visit: &Visit) -> Result<Answer, Refusal> {
    let given = visit.form.text("email")?;
    let address: EmailAddress = match given.parse() {
        Ok(address) => address,
        Err(error) => {
            let problem = sentence(&format!("this is not an e-mail address: {error}"));
            return Answer::invalid(&page(visit, given.to_owned(), problem)?);
        }
    };
    if !visit.post.sends() {
        let problem = "This server sends no mail.".to_owned();
        return Answer::invalid(&page(visit, given.to_owned(), problem)?);
    }
    if let Some(mail) = visit.services.ask_link(&address, &visit.browser.mark, visit.request)? {
        visit.post.send(Letter::sign_in(mail));
    }
    Ok(Answer::see_other("/sign-in/sent"))
}

fn sent(visit: &Visit) -> Result<Answer, Refusal> {
    Answer::page(&SentPage { frame: visit.frame("Look into your mail", "") })
}

fn sign_out(visit: &Visit) -> Result<Answer, Refusal> {
    let signed_in = visit.signed_in()?;
    if let Some(belonging) = signed_in.belongings.first() {
        let caller = visit.caller_in(belonging.organization)?;
        visit.services.end_session(&caller, signed_in.account.id, signed_in.session.id)?;
    }
    Ok(Answer::see_other("/sign-in").with(browser::no_session()).saying(&Flash::done("You are signed out.")))
}
