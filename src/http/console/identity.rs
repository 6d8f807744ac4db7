//! Signing in by an organization's identity provider. A browser is sent there by a link, never by a form: the policy lets
//! forms lead to the console alone.

use actix_web::http::StatusCode;
use askama::Template;

use crate::service::accounts::{IdentityRefusal, Purpose, Returned};

use super::answer::{Answer, Flash};
use super::browser;
use super::frame::Frame;
use super::refusal::Refusal;
use super::refused;
use super::route::{Needs, Page};
use super::visit::Visit;

pub(super) const PAGES: &[Page] = &[
    Page::get("/sign-in/to", Needs::Nothing, find),
    Page::get("/sign-in/to/{organization}", Needs::Nothing, begin),
    Page::get("/sign-in/to/{organization}/callback", Needs::Nothing, finish),
];

#[derive(Template)]
#[template(path = "console/identity_found.html")]
struct FoundPage {
    frame: Frame,
    slug: String,
    issuer: String,
}

/// The organization somebody names, with a link to its identity provider.
fn find(visit: &Visit) -> Result<Answer, Refusal> {
    found(visit, &visit.query.text("organization")?.to_lowercase())
}

fn found(visit: &Visit, slug: &str) -> Result<Answer, Refusal> {
    match visit.services.provider_of(slug)? {
        Some((organization, stored)) => Answer::page(&FoundPage {
            frame: visit.frame(format!("Sign in to {}", organization.slug), "").alone(),
            slug: organization.slug,
            issuer: stored.provider.issuer,
        }),
        None => refused(visit, IdentityRefusal::NoProvider),
    }
}

fn begin(visit: &Visit) -> Result<Answer, Refusal> {
    let slug = visit.id(0)?;
    // Whoever is signed in is not made somebody else by a page of another site, whose identity provider lets them in unasked.
    if visit.browser.is_led && visit.signed_in.is_some() {
        return found(visit, slug);
    }
    let shown = if visit.query.has("connect") { Some(visit.query.text("connect")?) } else { None };
    let connect = shown.map(|shown| (shown, visit.signed_in.as_ref()));
    match visit.services.begin_sign_in(slug, Purpose { anew: visit.query.has("again"), connect })? {
        Ok(begun) => Ok(Answer::see_other(begun.url).with(browser::attempt_cookie(&begun.cookie))),
        Err(refusal) => refused(visit, refusal),
    }
}

fn finish(visit: &Visit) -> Result<Answer, Refusal> {
    let slug = visit.id(0)?;
    let returned = Returned {
        state: visit.query.text("state")?,
        code: visit.query.text("code")?,
        issuer: visit.query.text("iss")?,
        error: visit.query.text("error")?,
        cookie: visit.browser.attempt.as_deref(),
    };
    let client = visit.browser.client.as_str();
    match visit.services.finish_sign_in(slug, &returned, visit.signed_in.as_ref(), client, visit.request)? {
        Ok(sign_in) => Ok(Answer::see_other(format!("/o/{}", sign_in.slug))
            .with(browser::session_cookie(&sign_in.cookie))
            .with(browser::organization_cookie(&sign_in.slug))
            .with(browser::no_attempt())
            .saying(&Flash::done("You are signed in."))),
        Err(refusal) => Ok(refused(visit, refusal)?.with(browser::no_attempt())),
    }
}

fn refused(visit: &Visit, refusal: IdentityRefusal) -> Result<Answer, Refusal> {
    let words = match refusal {
        IdentityRefusal::NoProvider => (
            StatusCode::NOT_FOUND,
            "Nobody signs in this way here",
            "There is no organization of this name, or its people sign in by a link.",
            "Look at the name again: it stands in the console's addresses after /o/.",
        ),
        IdentityRefusal::Unreachable => (
            StatusCode::BAD_GATEWAY,
            "Your identity provider does not answer",
            "It cannot be reached, or what it says is not what an identity provider says.",
            "Try again in a minute. If it lasts, an administrator looks at the settings under Sign-in.",
        ),
        IdentityRefusal::NotAsked => (
            StatusCode::FORBIDDEN,
            "Begin this on your profile",
            "An identity is joined only to whoever asks for it there, in this browser and in the last 10 minutes.",
            "Open your profile, choose to join your identity, and go on from there. Nothing was joined.",
        ),
        IdentityRefusal::Stale => (
            StatusCode::FORBIDDEN,
            "This sign-in is over",
            "It was begun in another browser, more than 10 minutes ago, before, or under other settings.",
            "Begin again from the sign-in page.",
        ),
        IdentityRefusal::Refused => (
            StatusCode::FORBIDDEN,
            "Your identity provider did not let you in",
            "It was asked and said no, or you went back.",
            "Begin again, or ask whoever runs the identity provider whether you may use Muster.",
        ),
        IdentityRefusal::NotBelieved => (
            StatusCode::FORBIDDEN,
            "This answer cannot be trusted",
            "What came back is not what your identity provider was asked for. Nobody was signed in.",
            "Begin again from the sign-in page. If it happens again, tell an administrator.",
        ),
        IdentityRefusal::NotAnew => (
            StatusCode::FORBIDDEN,
            "Prove again who you are",
            "What you wanted to do needs a new proof, and your identity provider gave an old one or did not say when.",
            "Sign out there, then begin again.",
        ),
        IdentityRefusal::NotAllowed => (
            StatusCode::FORBIDDEN,
            "You may not sign in with this account",
            "This organization asks for something your account does not have, such as a certain domain or tenant.",
            "Choose another account at the identity provider, or ask an administrator.",
        ),
        IdentityRefusal::NobodyFound => (
            StatusCode::FORBIDDEN,
            "You are not known here yet",
            "Your identity provider says who you are, but no one user of this organization is that person.",
            "Ask an administrator whether you have been provisioned, or invited.",
        ),
        IdentityRefusal::OtherIdentity => (
            StatusCode::FORBIDDEN,
            "This user has another identity",
            "Somebody has signed in as this user before, whom your identity provider called something else.",
            "An administrator can make Muster forget that identity: on the person's page, under Sessions.",
        ),
        IdentityRefusal::NotActive => (
            StatusCode::FORBIDDEN,
            "Your access has ended",
            "You are not an active user of this organization.",
            "Ask an administrator of the organization.",
        ),
    };
    refused::page(visit, words)
}
