//! The organization itself: what it is called, who administers it, the tokens that belong to no connection.

use actix_web::http::StatusCode;
use askama::Template;

use crate::model::{ConnectionId, CredentialId, CredentialKind, Moment};
use crate::service::accounts::Account;
use crate::service::administration::{AdministrationError, newest_of};
use crate::service::people::{self, Listing};

use super::answer::{Answer, Flash};
use super::frame::Frame;
use super::people::list::Choice;
use super::profile::display_name;
use super::refusal::{Refusal, sentence};
use super::route::{Needs, Page};
use super::visit::Visit;
use super::when::When;

pub(super) const PAGES: &[Page] = &[
    Page::get("/o/{organization}/settings", Needs::Right("organization:read"), show),
    Page::post("/o/{organization}/settings/tokens", Needs::Fresh("organization:manage-connections"), issue),
    Page::post(
        "/o/{organization}/settings/tokens/{id}/revoke",
        Needs::Right("organization:manage-connections"),
        revoke,
    ),
];

/// Administrators that are named.
const NAMED: usize = 50;
/// How long a token is good when nothing else is said, days.
const DAYS: i64 = 90;
const DAY: i64 = 86_400 * 1_000_000;

#[derive(Template)]
#[template(path = "console/settings.html")]
struct SettingsPage {
    frame: Frame,
    slug: String,
    id: String,
    administrators: Vec<(String, String)>,
    recovery: Vec<String>,
    /// The identity provider people sign in by; empty for none.
    issuer: String,
    tokens: Vec<Token>,
    /// The id of the newest token of the organization, or `none`: a form that makes one more says what it was made from.
    newest: String,
    kinds: Vec<Choice>,
    may_change: bool,
    may_assign: bool,
    /// What is wrong with the form for a token.
    problem: String,
}

struct Token {
    id: String,
    kind: &'static str,
    created: When,
    expires: When,
    used: Option<When>,
    word: &'static str,
    tone: &'static str,
    stands: bool,
}

#[derive(Template)]
#[template(path = "console/token.html")]
struct TokenPage {
    frame: Frame,
    token: String,
    expires: When,
    back: String,
}

fn show(visit: &Visit) -> Result<Answer, Refusal> {
    Answer::page(&page(visit, String::new())?)
}

fn page(visit: &Visit, problem: String) -> Result<SettingsPage, Refusal> {
    let member = visit.member()?;
    let (organization, administration) = (member.organization.id, visit.administration()?);
    let admin = "admin".parse().map_err(|_not_a_role| Refusal::Fault)?;
    let listing = Listing { role: Some(admin), ..Listing::default() };
    let administrators = people::list(&visit.services, &member.caller, &listing, NAMED)?.people;
    let recovery = visit.services.recovery_administrators(organization)?;
    let now = visit.services.clock.now();
    let stored = administration.tokens(organization)?;
    let newest = newest_of(&stored).map_or_else(|| "none".to_owned(), |id| id.to_string());
    let mut tokens: Vec<Token> = stored
        .into_iter()
        .filter(|stored| stored.credential.connection.is_nobody())
        .map(|stored| {
            let credential = stored.credential;
            let (word, tone) = word(credential.revoked_at, credential.expires_at, stored.last_used_at, now);
            Token {
                id: credential.id.to_string(),
                kind: credential.kind.as_str(),
                created: When(stored.created_at),
                expires: When(credential.expires_at),
                used: stored.last_used_at.map(When),
                stands: credential.revoked_at.is_none() && credential.expires_at > now,
                word,
                tone,
            }
        })
        .collect();
    tokens.reverse();
    let provider = administration.identity_provider(organization)?;
    let title = if problem.is_empty() { "Settings" } else { "Error: Settings" };
    Ok(SettingsPage {
        frame: visit.frame(title, "settings"),
        slug: member.organization.slug.clone(),
        id: organization.to_string(),
        administrators: administrators.iter().map(|one| (one.id.to_string(), display_name(one))).collect(),
        recovery: recovery.into_iter().map(|account: Account| account.email.unwrap_or(account.name)).collect(),
        issuer: provider.map(|stored| stored.provider.issuer).unwrap_or_default(),
        tokens,
        newest,
        kinds: vec![
            Choice::new("pep", "Ask for decisions (pipelines, gates)", "pep"),
            Choice::new("auditor", "Read everything", "pep"),
            Choice::new("admin", "Administer over HTTP", "pep"),
        ],
        may_change: member.rights.manage_connections(),
        may_assign: member.rights.manage_access(),
        problem,
    })
}

fn word(revoked: Option<Moment>, expires: Moment, used: Option<Moment>, now: Moment) -> (&'static str, &'static str) {
    match (revoked, used) {
        (Some(_), _) => ("Revoked", "idle"),
        (None, _) if expires <= now => ("Expired", "idle"),
        (None, _) if expires <= now.plus_micros(DAY.saturating_mul(14)) => ("Expires soon", "warn"),
        (None, None) => ("Never used", "wait"),
        (None, Some(used)) if used.plus_micros(DAY.saturating_mul(60)) < now => ("Unused for 60 days", "warn"),
        (None, Some(_)) => ("In use", "ok"),
    }
}

fn issue(visit: &Visit) -> Result<Answer, Refusal> {
    let kind = match visit.form.text("kind")? {
        "pep" => CredentialKind::Pep,
        "auditor" => CredentialKind::Auditor,
        "admin" => CredentialKind::Admin,
        _ => return Err(Refusal::bad("Choose what the token is good for.")),
    };
    // Nobody gives by a token what they do not hold.
    if kind == CredentialKind::Admin && !visit.member()?.rights.manage_access() {
        return Err(Refusal::Forbidden);
    }
    let valid = DAY.saturating_mul(DAYS);
    let administration = visit.administration()?;
    let wanted = (kind, ConnectionId::NOBODY);
    let issued = administration.issue_next_credential(visit.organization()?, wanted, valid, newest_seen(visit)?);
    let (_, token) = match issued {
        Err(AdministrationError::Taken(why)) => {
            return Answer::page_with(StatusCode::CONFLICT, &page(visit, not_another(&why))?);
        }
        issued => issued?,
    };
    Answer::page(&TokenPage {
        frame: visit.frame("Your new token", "settings"),
        token: token.to_string(),
        expires: When(visit.services.clock.now().plus_micros(valid)),
        back: visit.address("/settings")?,
    })
}

/// What the form says was the newest token when it was shown.
///
/// # Errors
/// 400 if it does not say.
pub(super) fn newest_seen(visit: &Visit) -> Result<Option<CredentialId>, Refusal> {
    match visit.form.text("newest")? {
        "none" => Ok(None),
        id => id.parse().map(Some).map_err(|_not_an_id| Refusal::bad("The form does not say what it was made from.")),
    }
}

/// Why no token was made, and what to do.
pub(super) fn not_another(why: &str) -> String {
    let why = sentence(why);
    format!(
        "{why} None was made now. If it was you, sending twice, the one that was shown is good; if you have not kept \
             it, revoke it. To make another, send the form again."
    )
}

fn revoke(visit: &Visit) -> Result<Answer, Refusal> {
    let id: CredentialId = visit.parsed(1)?;
    visit.administration()?.revoke_token(visit.organization()?, id)?;
    Ok(Answer::see_other(visit.address("/settings")?)
        .saying(&Flash::done("The token was revoked. It admits nobody any more, on any server.")))
}
