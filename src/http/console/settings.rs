//! The organization itself: what it is called, who administers it, the tokens that belong to no connection.

use askama::Template;

use crate::model::{CredentialId, CredentialKind, Moment};
use crate::service::accounts::Account;
use crate::service::people::{self, Listing};

use super::answer::{Answer, Flash};
use super::frame::Frame;
use super::people::list::Choice;
use super::profile::display_name;
use super::refusal::Refusal;
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
    kinds: Vec<Choice>,
    may_change: bool,
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
    let member = visit.member()?;
    let (organization, administration) = (member.organization.id, visit.administration()?);
    let admin = "admin".parse().map_err(|_not_a_role| Refusal::Fault)?;
    let listing = Listing { role: Some(admin), ..Listing::default() };
    let administrators = people::list(&visit.services, &member.caller, &listing, NAMED)?.people;
    let recovery = visit.services.recovery_administrators(organization)?;
    let now = visit.services.clock.now();
    let mut tokens: Vec<Token> = administration
        .tokens(organization)?
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
    Answer::page(&SettingsPage {
        frame: visit.frame("Settings", "settings"),
        slug: member.organization.slug.clone(),
        id: organization.to_string(),
        administrators: administrators.iter().map(|one| (one.id.to_string(), display_name(one))).collect(),
        recovery: recovery.into_iter().map(|account: Account| account.email.unwrap_or(account.name)).collect(),
        issuer: provider.map(|stored| stored.provider.issuer).unwrap_or_default(),
        tokens,
        kinds: vec![
            Choice::new("pep", "Ask for decisions (pipelines, gates)", "pep"),
            Choice::new("auditor", "Read everything", "pep"),
            Choice::new("admin", "Administer over HTTP", "pep"),
        ],
        may_change: member.rights.manage_connections(),
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
    let wanted = crate::service::administration::NewToken {
        organization: visit.organization()?,
        kind,
        connection: None,
        valid_micros: valid,
    };
    let token = visit.administration()?.issue_token(&wanted)?;
    Answer::page(&TokenPage {
        frame: visit.frame("Your new token", "settings"),
        token: token.to_string(),
        expires: When(visit.services.clock.now().plus_micros(valid)),
        back: visit.address("/settings")?,
    })
}

fn revoke(visit: &Visit) -> Result<Answer, Refusal> {
    let id: CredentialId = visit.parsed(1)?;
    visit.administration()?.revoke_token(visit.organization()?, id)?;
    Ok(Answer::see_other(visit.address("/settings")?)
        .saying(&Flash::done("The token was revoked. It admits nobody any more, on any server.")))
}
