//! One request for a page, with everything its handler works with.

use actix_web::web;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::model::{Actor, Caller, OrganizationId, RequestId};
use crate::service::Services;
use crate::service::accounts::{Member, SignedIn};
use crate::service::administration::Administration;
use crate::service::post::Post;
use crate::service::practice::Practice;

use super::answer::Answer;
use super::browser::{self, Browser};
use super::fields::Fields;
use super::frame::Frame;

use super::refusal::Refusal;
use super::route::{Method, Needs, Page};

/// The name of the form field with the token.
const TOKEN: &str = "token";
/// Where somebody's own sessions are listed.
pub const SESSIONS: &str = "/sessions";
/// Which organization somebody of several comes from, in the query of a page that is of none.
const COMES_FROM: &str = "in";

/// A visit.
pub struct Visit {
    /// What every use case works with; after admission as the organization has them.
    pub services: web::Data<Services>,
    /// The request, as logs and events name it.
    pub request: RequestId,
    /// The path.
    pub path: String,
    /// The values of the names in braces, in their order, the organization's slug first where there is one.
    pub ids: Vec<String>,
    /// The query.
    pub query: Fields,
    /// The form that is sent; empty where a page is looked at.
    pub form: Fields,
    /// The browser.
    pub browser: Browser,
    /// Where letters go.
    pub post: web::Data<Post>,
    /// Who has conversations of identity providers.
    pub practice: web::Data<Practice>,
    /// Who is signed in.
    pub signed_in: Option<SignedIn>,
    /// Who that is in the organization of the address.
    pub member: Option<Member>,
}

impl Visit {
    /// Finds out who visits, and whether they may. Blocks.
    ///
    /// # Errors
    /// To sign in, 403, 404.
    pub fn admit(&mut self, page: &Page) -> Result<(), Refusal> {
        if let Some(secret) = &self.browser.session {
            self.signed_in = self.services.signed_in(secret)?;
        }
        if let (Some(signed_in), true) = (&self.signed_in, page.path.starts_with("/o/{organization}")) {
            self.member = self.services.member(signed_in, self.id(0)?, self.request)?;
            if self.member.is_none() {
                self.is_noted_as_stranger(signed_in)?;
            }
        }
        if page.needs != Needs::Nothing && self.signed_in.is_none() {
            return Err(Refusal::SignIn);
        }
        // A form is judged before anything else of it: whoever forges one learns nothing.
        if page.method == Method::Post && !browser::is_token(self.form.text(TOKEN)?, &self.form_token()) {
            return Err(Refusal::StaleForm);
        }
        match page.needs {
            Needs::Nothing | Needs::SignIn => {}
            Needs::Member => drop(self.member()?),
            Needs::Right(right) | Needs::Fresh(right) => {
                if !self.member()?.rights.include(right) {
                    return Err(Refusal::Forbidden);
                }
            }
        }
        if matches!(page.needs, Needs::Fresh(_)) {
            self.require_fresh()?;
        }
        if let Some(member) = &self.member {
            self.services = web::Data::new(self.services.within(member.organization.id)?);
        }
        // Of no organization; the navigation is that of the one somebody comes from.
        if page.method == Method::Get && page.path == SESSIONS {
            self.recognize();
        }
        Ok(())
    }

    /// What is grave needs a sign-in of a short while ago.
    ///
    /// # Errors
    /// To sign in again.
    pub fn require_fresh(&self) -> Result<(), Refusal> {
        if self.signed_in.as_ref().is_some_and(|signed_in| self.services.is_fresh(&signed_in.session)) {
            return Ok(());
        }
        Err(Refusal::SignInAgain(self.again()))
    }

    /// Puts on record that an account asked for an organization it does not belong to.
    fn is_noted_as_stranger(&self, signed_in: &SignedIn) -> Result<(), Refusal> {
        let slug = self.id(0)?;
        if signed_in.belongings.iter().all(|belonging| belonging.slug != slug) {
            let organizations = signed_in.belongings.iter().map(|belonging| belonging.organization);
            let actor = Actor::Account(signed_in.account.id);
            self.services.live.note_entered(organizations, (actor, self.request), slug);
        }
        Ok(())
    }

    /// Where whoever is signed in by an identity provider proves anew who they are.
    fn again(&self) -> Option<String> {
        let signed_in = self.signed_in.as_ref().filter(|signed_in| signed_in.session.is_provided())?;
        let slug = &signed_in.belongings.first()?.slug;
        Some(format!("/sign-in/to/{slug}?again=yes"))
    }

    /// Carries the page out.
    ///
    /// # Errors
    /// What the page refuses.
    pub fn handled(&self, page: &Page) -> Result<Answer, Refusal> {
        let answer = (page.handle)(self);
        if let (Err(refusal), Some(member)) = (&answer, &self.member)
            && refusal.is_not_found()
        {
            self.services.live.note_unknown(&member.caller, self.ids.iter().filter_map(|id| id.parse().ok()));
        }
        Ok(self.renewing(answer?))
    }

    /// Gives the browser the session's next secret, where there is one: the one before is good for a minute only.
    fn renewing(&self, answer: Answer) -> Answer {
        match self.signed_in.as_ref().and_then(|signed_in| signed_in.renewed.as_ref()) {
            Some(secret) => answer.with(browser::session_cookie(secret)),
            None => answer,
        }
    }

    /// Says that something is refused, with the navigation of whoever is signed in around it. Blocks.
    pub fn refused(&mut self, refusal: Refusal) -> Answer {
        // Where the server is in trouble it is not asked for more than is known.
        if matches!(refusal, Refusal::SignIn | Refusal::Unavailable | Refusal::Fault) {
            let answer = refusal.answer(Frame::outside(&self.browser, ""), "");
            return if matches!(refusal, Refusal::SignIn) { answer } else { self.renewing(answer) };
        }
        self.recognize();
        let frame = self.frame("", "");
        let start = frame.base().to_owned();
        self.renewing(refusal.answer(frame, &start))
    }

    /// Finds out who visits although no page was found or admitted, as far as that can be said: in the organization the
    /// address names, or the only one they belong to.
    fn recognize(&mut self) {
        if let (None, Some(secret)) = (&self.signed_in, &self.browser.session) {
            self.signed_in = self.services.signed_in(secret).unwrap_or_default();
        }
        let (None, Some(signed_in)) = (&self.member, &self.signed_in) else { return };
        let named = self.path.strip_prefix("/o/").and_then(|rest| rest.split('/').next());
        let named = named.or_else(|| self.query.text(COMES_FROM).ok());
        let belongings = &signed_in.belongings;
        let here = belongings.iter().find(|belonging| Some(belonging.slug.as_str()) == named);
        let only = || belongings.first().filter(|_| belongings.len() == 1);
        let Some(belonging) = here.or_else(only) else { return };
        self.member = self.services.member(signed_in, &belonging.slug, self.request).unwrap_or_default();
    }

    /// The value at a place of the address.
    ///
    /// # Errors
    /// 404.
    pub fn id(&self, place: usize) -> Result<&str, Refusal> {
        self.ids.get(place).map(String::as_str).ok_or(Refusal::NotFound)
    }

    /// The id at a place of the address.
    ///
    /// # Errors
    /// 404: whatever is no id names nothing.
    pub fn parsed<T: std::str::FromStr>(&self, place: usize) -> Result<T, Refusal> {
        self.id(place)?.parse().map_err(|_not_an_id| Refusal::NotFound)
    }

    /// Who is signed in.
    ///
    /// # Errors
    /// To sign in.
    pub fn signed_in(&self) -> Result<&SignedIn, Refusal> {
        self.signed_in.as_ref().ok_or(Refusal::SignIn)
    }

    /// Who that is in the organization. To others it is not there.
    ///
    /// # Errors
    /// 404.
    pub fn member(&self) -> Result<&Member, Refusal> {
        self.member.as_ref().ok_or(Refusal::NotFound)
    }

    /// Who acts, for the use cases.
    ///
    /// # Errors
    /// 404.
    pub fn caller(&self) -> Result<&Caller, Refusal> {
        Ok(&self.member()?.caller)
    }

    /// Who acts in an organization that the address does not name.
    ///
    /// # Errors
    /// To sign in.
    pub fn caller_in(&self, organization: OrganizationId) -> Result<Caller, Refusal> {
        let actor = Actor::Account(self.signed_in()?.account.id);
        Ok(Caller::local(organization, actor, self.request))
    }

    /// The organization.
    ///
    /// # Errors
    /// 404.
    pub fn organization(&self) -> Result<OrganizationId, Refusal> {
        Ok(self.member()?.organization.id)
    }

    /// Administration in this visit.
    ///
    /// # Errors
    /// 404.
    pub fn administration(&self) -> Result<Administration, Refusal> {
        Ok(self.services.administration(self.caller()?))
    }

    /// An address in the organization: `/o/acme` and what is given, which begins with `/` or is empty.
    ///
    /// # Errors
    /// 404.
    pub fn address(&self, rest: &str) -> Result<String, Refusal> {
        Ok(format!("/o/{}{rest}", self.member()?.organization.slug))
    }

    /// The address as it was asked for; of doors without what was said at them, which may be secret.
    pub fn address_as_asked(&self) -> String {
        let query = self.query.query_with(&[]);
        let is_kept = (self.path.starts_with("/o/") || self.path == SESSIONS) && !query.is_empty();
        if is_kept { format!("{}?{query}", self.path) } else { self.path.clone() }
    }

    /// Where somebody's own sessions are listed, with the organization they come from where there are several.
    pub fn own_sessions(&self) -> String {
        let from = match (&self.signed_in, &self.member) {
            (Some(signed_in), Some(member)) if signed_in.belongings.len() > 1 => member.organization.slug.as_str(),
            (_, None) => self.query.text(COMES_FROM).unwrap_or_default(),
            _ => "",
        };
        let query = Fields::default().query_with(&[(COMES_FROM, from)]);
        if from.is_empty() { SESSIONS.to_owned() } else { format!("{SESSIONS}?{query}") }
    }

    /// What forms of this visit are marked with.
    pub fn form_token(&self) -> String {
        match &self.signed_in {
            Some(signed_in) => URL_SAFE_NO_PAD.encode(&signed_in.session.form_key),
            None => self.browser.form_token(),
        }
    }

    /// What every page has around it. `section` is a key of [`super::sections`], or empty.
    pub fn frame(&self, title: impl Into<String>, section: &str) -> Frame {
        Frame::of(self, title.into(), section)
    }
}
