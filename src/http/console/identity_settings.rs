//! By which identity provider people sign in. Of two who change it at once, the second sees what the first has saved.

use actix_web::http::StatusCode;
use askama::Template;
use zeroize::Zeroizing;

use crate::model::{IdentityProvider, JoinedBy, Moment};
use crate::service::ServiceError;
use crate::service::administration::{Expected, ProviderSecret};

use super::answer::{Answer, Flash};
use super::frame::Frame;
use super::people::list::Choice;
use super::refusal::{Refusal, sentence};
use super::route::{Needs, Page};
use super::visit::Visit;
use super::when::When;

pub(super) const PAGES: &[Page] = &[
    Page::get("/o/{organization}/settings/sign-in", Needs::Right("organization:manage-connections"), show),
    Page::post("/o/{organization}/settings/sign-in", Needs::Fresh("organization:manage-connections"), set),
    Page::post("/o/{organization}/settings/sign-in/remove", Needs::Fresh("organization:manage-connections"), remove),
];

#[derive(Template)]
#[template(path = "console/identity_settings.html")]
struct SettingsPage {
    frame: Frame,
    redirect_uri: String,
    /// Since when it is as it is, where there is one.
    since: Option<When>,
    has_secret: bool,
    issuer: String,
    client_id: String,
    joined_by: Vec<Choice>,
    claim: String,
    required: String,
    is_only: bool,
    /// When what the form shows was saved, in microseconds; empty: nothing was.
    version: String,
    /// What is saved by now where somebody else has changed it: what differs from the form.
    theirs: Vec<(&'static str, String)>,
    is_stale: bool,
    problem: String,
}

fn page(visit: &Visit, wanted: Option<&IdentityProvider>, problem: String) -> Result<SettingsPage, Refusal> {
    let member = visit.member()?;
    let stored = visit.administration()?.identity_provider(member.organization.id)?;
    let shown = wanted.or_else(|| stored.as_ref().map(|stored| &stored.provider));
    let text = |read: fn(&IdentityProvider) -> &String| shown.map(read).cloned().unwrap_or_default();
    let joined_by = shown.map_or(JoinedBy::ExternalId, |provider| provider.joined_by).as_str();
    let title = if problem.is_empty() { "Sign-in" } else { "Error: Sign-in" };
    let required = shown.map(|provider| {
        let lines = provider.required.iter().map(|(name, value)| format!("{name}={value}"));
        lines.collect::<Vec<_>>().join("\n")
    });
    Ok(SettingsPage {
        frame: visit.frame(title, "settings"),
        redirect_uri: visit.services.redirect_uri(&member.organization.slug),
        since: stored.as_ref().map(|stored| When(stored.changed_at)),
        has_secret: stored.as_ref().is_some_and(|stored| stored.secret.is_some()),
        issuer: text(|provider| &provider.issuer),
        client_id: text(|provider| &provider.client_id),
        joined_by: vec![
            Choice::new("external-id", "the externalId the connection sends", joined_by),
            Choice::new("user-name", "the user name", joined_by),
            Choice::new("email", "an e-mail address that is verified", joined_by),
        ],
        claim: text(|provider| &provider.claim),
        required: required.unwrap_or_default(),
        is_only: shown.is_some_and(|provider| provider.is_only),
        version: stored.as_ref().map(|stored| stored.changed_at.as_micros().to_string()).unwrap_or_default(),
        theirs: Vec::new(),
        is_stale: false,
        problem,
    })
}

fn show(visit: &Visit) -> Result<Answer, Refusal> {
    Answer::page(&page(visit, None, String::new())?)
}

/// The settings the form was made from.
fn expected(visit: &Visit) -> Result<Expected<Moment>, Refusal> {
    let stale = || Refusal::bad("The form does not say which settings it changes. Load the page again.");
    if !visit.form.has("version") {
        return Err(stale());
    }
    let version = match visit.form.text("version")? {
        "" => None,
        text => Some(Moment::from_micros(text.parse().map_err(|_not_a_number| stale())?)),
    };
    Ok(Expected::Exactly(version))
}

/// Somebody else was quicker: both versions, and saving now is saving over theirs, knowingly.
fn quicker(visit: &Visit, wanted: &IdentityProvider) -> Result<Answer, Refusal> {
    let problem = "Somebody else changed these settings since you opened the form. Look at both versions, then save \
                   yours or leave theirs. Nothing of yours was saved yet.";
    let mut page = page(visit, Some(wanted), problem.to_owned())?;
    page.is_stale = true;
    let stored = visit.administration()?.identity_provider(visit.organization()?)?;
    let Some(stored) = stored.map(|stored| stored.provider) else {
        page.theirs.push(("Identity provider", "none any more".to_owned()));
        return Answer::page_with(StatusCode::CONFLICT, &page);
    };
    let only = |is_only: bool| if is_only { "no links by mail" } else { "links by mail too" }.to_owned();
    let sides = [
        ("Issuer", stored.issuer.clone(), wanted.issuer.clone()),
        ("Client id", stored.client_id.clone(), wanted.client_id.clone()),
        ("Found by", stored.joined_by.as_str().to_owned(), wanted.joined_by.as_str().to_owned()),
        ("Claim", stored.claim.clone(), wanted.claim.clone()),
        ("Claims everybody must have", stored.required_text(), wanted.required_text()),
        ("Other ways in", only(stored.is_only), only(wanted.is_only)),
    ];
    page.theirs
        .extend(sides.into_iter().filter(|(_, theirs, mine)| theirs != mine).map(|(name, theirs, _)| (name, theirs)));
    Answer::page_with(StatusCode::CONFLICT, &page)
}

fn set(visit: &Visit) -> Result<Answer, Refusal> {
    let form = &visit.form;
    let joined_by =
        JoinedBy::from_name(form.text("joined-by")?).ok_or_else(|| Refusal::bad("Choose what people are found by."))?;
    let claim = form.text("claim")?;
    let mut wanted = IdentityProvider {
        issuer: form.text("issuer")?.to_owned(),
        client_id: form.text("client-id")?.to_owned(),
        joined_by,
        claim: if claim.is_empty() { joined_by.usual_claim().to_owned() } else { claim.to_owned() },
        required: std::collections::BTreeMap::new(),
        is_only: form.has("only"),
    };
    let required = IdentityProvider::required_of(form.text("required")?.lines());
    let refused =
        |wanted: &IdentityProvider, problem: &str| Answer::invalid(&page(visit, Some(wanted), sentence(problem))?);
    match required {
        Ok(required) => wanted.required = required,
        Err(error) => return refused(&wanted, &error.to_string()),
    }
    if let Err(error) = wanted.check() {
        return refused(&wanted, &error.to_string());
    }
    // Nobody closes a door behind which they have not been.
    let (member, session) = (visit.member()?, &visit.signed_in()?.session);
    if wanted.is_only && !session.is_provided() && member.user.is_some() {
        return refused(&wanted, "sign in by the identity provider yourself before you close every other way");
    }
    let secret = match (form.text("client-secret")?, form.has("no-secret")) {
        ("", false) => ProviderSecret::Kept,
        ("", true) => ProviderSecret::None,
        (secret, false) => ProviderSecret::New(Zeroizing::new(secret.to_owned())),
        (_, true) => return refused(&wanted, "give a secret, or say that there is none"),
    };
    let (administration, expected) = (visit.administration()?, expected(visit)?);
    let done = administration
        .try_identity_provider(&wanted.issuer)
        .and_then(|()| administration.set_identity_provider(member.organization.id, &wanted, &secret, &expected));
    if let Err(error) = done {
        let refusal = Refusal::from(ServiceError::from(error));
        if refusal.is_stale() {
            return quicker(visit, &wanted);
        }
        return refused(&wanted, &refusal.about_the_form()?);
    }
    Ok(Answer::see_other(visit.address("/settings/sign-in")?)
        .saying(&Flash::done("People can sign in by this identity provider now. Try it in another browser.")))
}

fn remove(visit: &Visit) -> Result<Answer, Refusal> {
    let is_own = visit.signed_in()?.session.is_provided();
    visit.administration()?.remove_identity_provider(visit.organization()?)?;
    let to = if is_own { "/sign-in".to_owned() } else { visit.address("/settings/sign-in")? };
    Ok(Answer::see_other(to)
        .saying(&Flash::done("Nobody signs in by an identity provider any more. Whoever had is signed out.")))
}
