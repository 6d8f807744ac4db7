//! By which identity provider people sign in.

use askama::Template;
use zeroize::Zeroizing;

use crate::model::{IdentityProvider, JoinedBy};
use crate::service::ServiceError;
use crate::service::administration::ProviderSecret;

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
        problem,
    })
}

fn show(visit: &Visit) -> Result<Answer, Refusal> {
    Answer::page(&page(visit, None, String::new())?)
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
    if wanted.is_only && !session.reach.is_one() && member.user.is_some() {
        return refused(&wanted, "sign in by the identity provider yourself before you close every other way");
    }
    let secret = match (form.text("client-secret")?, form.has("no-secret")) {
        ("", false) => ProviderSecret::Kept,
        ("", true) => ProviderSecret::None,
        (secret, false) => ProviderSecret::New(Zeroizing::new(secret.to_owned())),
        (_, true) => return refused(&wanted, "give a secret, or say that there is none"),
    };
    let administration = visit.administration()?;
    let done = administration
        .try_identity_provider(&wanted.issuer)
        .and_then(|()| administration.set_identity_provider(member.organization.id, &wanted, &secret));
    if let Err(error) = done {
        let problem = Refusal::from(ServiceError::from(error)).about_the_form()?;
        return refused(&wanted, &problem);
    }
    Ok(Answer::see_other(visit.address("/settings/sign-in")?)
        .saying(&Flash::done("People can sign in by this identity provider now. Try it in another browser.")))
}

fn remove(visit: &Visit) -> Result<Answer, Refusal> {
    let is_own = visit.signed_in()?.session.reach.is_one();
    visit.administration()?.remove_identity_provider(visit.organization()?)?;
    let to = if is_own { "/sign-in".to_owned() } else { visit.address("/settings/sign-in")? };
    Ok(Answer::see_other(to)
        .saying(&Flash::done("Nobody signs in by an identity provider any more. Whoever had is signed out.")))
}
