//! Connections: how provisioning fares, what was sent and refused, and how to connect an identity provider.

pub(super) mod brake;
pub(super) mod guide;
pub(super) mod practice;

use actix_web::http::StatusCode;
use askama::Template;

use crate::model::{
    Connection, ConnectionId, ConnectionName, CredentialId, CredentialKind, Precondition, Profile, RequestId,
    ResourceId,
};
use crate::service::administration::{AdministrationError, ConnectionChange, RequestRow, Shown, newest_of};
use crate::service::people::Listing;

use super::answer::{Answer, Flash};
use super::chart::Chart;
use super::frame::Frame;
use super::home::{ConnectionLine, connection_line};
use super::refusal::{Refusal, sentence};
use super::route::{Needs, Page};
use super::settings::{newest_seen, not_another};
use super::visit::Visit;
use super::when::When;

use guide::Guide;

pub(super) const PAGES: &[Page] = &[
    Page::get("/o/{organization}/connections", Needs::Right("organization:read"), list),
    Page::get("/o/{organization}/connections/new", Needs::Right("organization:manage-connections"), fresh),
    Page::post("/o/{organization}/connections", Needs::Fresh("organization:manage-connections"), create),
    Page::get("/o/{organization}/connections/{id}", Needs::Right("organization:read"), show),
    Page::post("/o/{organization}/connections/{id}/pause", Needs::Right("organization:manage-connections"), pause),
    Page::post("/o/{organization}/connections/{id}/resume", Needs::Right("organization:manage-connections"), resume),
    Page::post("/o/{organization}/connections/{id}/token", Needs::Fresh("organization:manage-connections"), token),
    Page::post(
        "/o/{organization}/connections/{id}/revoke/{token}",
        Needs::Fresh("organization:manage-connections"),
        revoke,
    ),
    Page::get("/o/{organization}/connections/{id}/requests", Needs::Right("organization:read-evidence"), requests),
    Page::get(
        "/o/{organization}/connections/{id}/requests/{request}",
        Needs::Right("organization:read-evidence"),
        request,
    ),
];

const DAY_MICROS: i64 = 24 * 3_600 * 1_000_000;
/// How long a token is good that is made here.
const TOKEN_VALID: i64 = 90 * DAY_MICROS;
/// Requests of a page.
const ROWS: i64 = 50;
/// Requests that the chart of a day looks at.
const CHARTED: i64 = 2_000;

#[derive(Template)]
#[template(path = "console/connections.html")]
struct ConnectionsPage {
    frame: Frame,
    lines: Vec<(String, &'static str, ConnectionLine)>,
    may_change: bool,
}

#[derive(Template)]
#[template(path = "console/connection_new.html")]
struct NewPage {
    frame: Frame,
    typed: String,
    profile: String,
    guides: &'static [Guide],
    problem: String,
}

#[derive(Template)]
#[template(path = "console/connection.html")]
struct ConnectionPage {
    frame: Frame,
    id: String,
    provider: &'static str,
    line: ConnectionLine,
    paused: bool,
    advice: &'static str,
    first: Option<When>,
    chart: Chart,
    refused: Vec<RequestLine>,
    tokens: Vec<TokenLine>,
    people: String,
    groups: String,
    may_change: bool,
    may_read: bool,
    base_url: String,
    guides: Vec<&'static Guide>,
    /// What a form for another token says it was made from.
    newest: String,
    /// What is wrong with that form.
    problem: String,
}

struct TokenLine {
    id: String,
    created: When,
    used: Option<When>,
    expires: When,
    state: &'static str,
    tone: &'static str,
}

#[derive(Template)]
#[template(path = "console/connection_token.html")]
struct TokenPage {
    frame: Frame,
    id: String,
    name: String,
    base_url: String,
    token: String,
    expires: When,
    guides: Vec<&'static Guide>,
}

#[derive(Template)]
#[template(path = "console/requests.html")]
struct RequestsPage {
    frame: Frame,
    id: String,
    name: String,
    show: String,
    lines: Vec<RequestLine>,
    first: String,
    next: String,
}

struct RequestLine {
    id: String,
    at: When,
    what: String,
    status: i64,
    tone: &'static str,
    why: String,
}

#[derive(Template)]
#[template(path = "console/request.html")]
struct RequestPage {
    frame: Frame,
    connection: String,
    name: String,
    line: RequestLine,
    milliseconds: String,
    method: String,
    route: String,
    query: String,
    request: String,
    answer: String,
    effect: String,
    resource: String,
}

fn provider(profile: Profile) -> &'static str {
    match profile {
        Profile::Okta => "Okta",
        Profile::Entra => "Microsoft Entra ID",
        Profile::Default => "any identity provider",
        Profile::Rfc => "RFC 7644 to the letter",
        Profile::Interop => "the interoperability profile",
        Profile::Github => "GitHub, whose groups are mirrored",
    }
}

fn list(visit: &Visit) -> Result<Answer, Refusal> {
    let (administration, organization) = (visit.administration()?, visit.organization()?);
    let activities = administration.activities(organization)?;
    let connections = administration.connections(organization)?;
    let lines: Vec<_> = connections
        .iter()
        .map(|one| {
            let activity = activities.get(&one.id);
            let line = connection_line(one, activity, administration.health(one, activity));
            (one.id.to_string(), provider(one.profile), line)
        })
        .collect();
    let failing = lines.iter().filter(|(.., line)| line.tone == "bad").count();
    let title = match (lines.len(), failing) {
        (0, _) => "Connections".to_owned(),
        (_, 0) if lines.iter().all(|(.., line)| line.last.is_none()) => "Nothing has arrived yet".to_owned(),
        (_, 0) => "Provisioning works".to_owned(),
        (_, 1) => "One connection is failing".to_owned(),
        (_, several) => format!("{several} connections are failing"),
    };
    let may_change = visit.member()?.rights.manage_connections();
    Answer::page(&ConnectionsPage { frame: visit.frame(title, "connections"), lines, may_change })
}

fn fresh(visit: &Visit) -> Result<Answer, Refusal> {
    let profile = visit.query.text("profile")?.to_owned();
    Answer::page(&new_page(visit, String::new(), profile, String::new()))
}

fn new_page(visit: &Visit, name: String, profile: String, problem: String) -> NewPage {
    NewPage {
        frame: visit.frame("Connect an identity provider", "connections"),
        typed: name,
        profile,
        guides: &guide::GUIDES,
        problem,
    }
}

fn create(visit: &Visit) -> Result<Answer, Refusal> {
    let (name, profile) = (visit.form.text("name")?.to_owned(), visit.form.text("profile")?.to_owned());
    let made = match (name.parse::<ConnectionName>(), guide::named(&profile)) {
        (Ok(named), Some(guide)) => {
            visit.administration()?.create_connection(visit.organization()?, &named, guide.profile)
        }
        (Err(error), _) => return Answer::invalid(&new_page(visit, name, profile, sentence(&error.to_string()))),
        (_, None) => return Answer::invalid(&new_page(visit, name, profile, "Choose what is connected.".to_owned())),
    };
    match made {
        Ok(connection) => issue(visit, &connection, guide::named(&profile).map(|guide| vec![guide])),
        Err(error) => {
            let problem = sentence(&Refusal::from(error).about_the_form()?);
            Answer::invalid(&new_page(visit, name, profile, problem))
        }
    }
}

fn named(visit: &Visit) -> Result<Connection, Refusal> {
    let id: ConnectionId = visit.parsed(1)?;
    Ok(visit.administration()?.connection(visit.organization()?, id)?)
}

fn show(visit: &Visit) -> Result<Answer, Refusal> {
    Answer::page(&page(visit, String::new())?)
}

fn page(visit: &Visit, problem: String) -> Result<ConnectionPage, Refusal> {
    let (administration, organization) = (visit.administration()?, visit.organization()?);
    let connection = named(visit)?;
    let activities = administration.activities(organization)?;
    let activity = activities.get(&connection.id);
    let health = administration.health(&connection, activity);
    let now = visit.services.clock.now();
    let rows = administration.request_log(organization, connection.id, Shown::All, ResourceId::LAST, CHARTED)?;
    let reads = administration.reads(organization, connection.id, i64::MAX, 1_440)?;
    let rights = &visit.member()?.rights;
    let refused: Vec<RequestLine> = rows.iter().filter(|row| refused(row)).take(5).map(request_line).collect();
    let stored = administration.tokens(organization)?;
    let newest = newest_of(&stored).map_or_else(|| "none".to_owned(), |id| id.to_string());
    let tokens = stored.into_iter().filter(|one| one.credential.connection == connection.id);
    let tokens = tokens
        .map(|one| {
            let (state, tone) = match one.credential.revoked_at {
                Some(_) => ("revoked", "idle"),
                None if one.credential.expires_at <= now => ("expired", "bad"),
                None if one.credential.expires_at <= now.plus_micros(14 * DAY_MICROS) => ("expires soon", "warn"),
                None => ("good", "ok"),
            };
            TokenLine {
                id: one.credential.id.to_string(),
                created: When(one.created_at),
                used: one.last_used_at.map(When),
                expires: When(one.credential.expires_at),
                state,
                tone,
            }
        })
        .collect();
    let everything = crate::service::people::groups::GroupSearch { text: None, connection: Some(connection.id) };
    let first = ResourceId::earliest_at(crate::model::Moment::from_micros(0));
    let groups = crate::service::people::groups::search(&visit.services, visit.caller()?, first, 1_000, &everything)?;
    let listing = Listing { source: Some(connection.id), ..Listing::default() };
    let people = crate::service::people::list(&visit.services, visit.caller()?, &listing, 1_000)?;
    let advice = match health.as_str() {
        "waiting" => {
            "Nothing has reached the base URL yet. Most often the URL lacks /scim/v2, the token was copied in part, or provisioning is still off at the provider."
        }
        "failing" => {
            "Requests arrive and are refused. The newest ones below say why, in the words the provider was answered."
        }
        "paused" => "Writes are refused until you resume it. Reads are answered.",
        "quiet" if connection.profile == Profile::Entra => {
            "Entra ID looks around every 40 minutes, changes or none. It has not: look at Provisioning in the Entra admin centre."
        }
        "quiet" => "This provider sends when something changes; silence is usual.",
        _ => "Requests arrive and are carried out.",
    };
    Ok(ConnectionPage {
        frame: visit.frame(connection.name.clone(), "connections"),
        id: connection.id.to_string(),
        provider: provider(connection.profile),
        line: connection_line(&connection, activity, health),
        paused: connection.paused,
        advice,
        first: activity.map(|seen| When(seen.first_at)),
        chart: Chart::of_a_day(&rows, &reads, now),
        refused,
        tokens,
        newest,
        problem,
        people: at_least(people.people.len(), people.next.is_some()),
        groups: at_least(groups.items.len(), groups.next.is_some()),
        may_change: rights.manage_connections(),
        may_read: rights.read_evidence(),
        base_url: visit.services.scim_base(),
        guides: guide::fitting(connection.profile).collect(),
    })
}

/// A number, and that there are more.
fn at_least(count: usize, more: bool) -> String {
    if more { format!("{count} or more") } else { count.to_string() }
}

fn paused(visit: &Visit, paused: bool) -> Result<Answer, Refusal> {
    let connection = named(visit)?;
    let change = ConnectionChange { paused: Some(paused), ..ConnectionChange::default() };
    let organization = visit.organization()?;
    visit.administration()?.change_connection(organization, connection.id, &change, &Precondition::None)?;
    let said = if paused {
        "The connection is paused: what it writes is refused until you resume it."
    } else {
        "The connection goes on."
    };
    Ok(Answer::see_other(visit.address(&format!("/connections/{}", connection.id))?).saying(&Flash::done(said)))
}

fn pause(visit: &Visit) -> Result<Answer, Refusal> {
    paused(visit, true)
}

fn resume(visit: &Visit) -> Result<Answer, Refusal> {
    paused(visit, false)
}

fn token(visit: &Visit) -> Result<Answer, Refusal> {
    let (administration, organization) = (visit.administration()?, visit.organization()?);
    let connection = named(visit)?;
    let wanted = (CredentialKind::Scim, connection.id);
    match administration.issue_next_credential(organization, wanted, TOKEN_VALID, newest_seen(visit)?) {
        Err(AdministrationError::Taken(why)) => {
            Answer::page_with(StatusCode::CONFLICT, &page(visit, not_another(&why))?)
        }
        issued => issued_page(visit, &connection, None, &issued?.1),
    }
}

/// The first token of a connection that was made just now.
fn issue(visit: &Visit, connection: &Connection, guides: Option<Vec<&'static Guide>>) -> Result<Answer, Refusal> {
    let (administration, organization) = (visit.administration()?, visit.organization()?);
    let kind = CredentialKind::Scim;
    let (_, token) = administration.issue_credential(organization, kind, Some(connection.id), TOKEN_VALID)?;
    issued_page(visit, connection, guides, &token)
}

/// A new token is shown on the page that answers, and nowhere else.
fn issued_page(
    visit: &Visit,
    connection: &Connection,
    guides: Option<Vec<&'static Guide>>,
    token: &str,
) -> Result<Answer, Refusal> {
    Answer::page(&TokenPage {
        frame: visit.frame(format!("Connect {}", connection.name), "connections"),
        id: connection.id.to_string(),
        name: connection.name.clone(),
        base_url: visit.services.scim_base(),
        token: token.to_owned(),
        expires: When(visit.services.clock.now().plus_micros(TOKEN_VALID)),
        guides: guides.unwrap_or_else(|| guide::fitting(connection.profile).collect()),
    })
}

fn revoke(visit: &Visit) -> Result<Answer, Refusal> {
    let connection = named(visit)?;
    let token: CredentialId = visit.parsed(2)?;
    let stored = visit.administration()?.credential(visit.organization()?, token)?;
    if stored.credential.connection != connection.id {
        return Err(Refusal::NotFound);
    }
    visit.administration()?.revoke_token(visit.organization()?, token)?;
    Ok(Answer::see_other(visit.address(&format!("/connections/{}", connection.id))?)
        .saying(&Flash::done("The token is revoked. No server admits it any more.")))
}

const fn refused(row: &RequestRow) -> bool {
    row.status >= 400
}

/// What a request did, in words; its query and bodies stand beside it.
fn what(row: &RequestRow) -> String {
    let thing = if row.route.starts_with("/Groups") {
        "a group"
    } else if row.route.starts_with("/Users") {
        "a person"
    } else {
        row.route.as_str()
    };
    match row.method.as_str() {
        "POST" if row.route == "/Bulk" => "Many operations at once".to_owned(),
        "POST" => format!("Create {thing}"),
        "PUT" => format!("Replace {thing}"),
        "PATCH" => format!("Change {thing}"),
        "DELETE" => format!("Delete {thing}"),
        _ => format!("Look for {thing}"),
    }
}

fn request_line(row: &RequestRow) -> RequestLine {
    let answer: serde_json::Value =
        row.answer.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let why = answer.get("detail").and_then(serde_json::Value::as_str).unwrap_or_default();
    RequestLine {
        id: row.id.to_string(),
        at: When(row.at),
        what: what(row),
        status: row.status,
        tone: if refused(row) { "bad" } else { "ok" },
        why: if refused(row) { sentence(why) } else { String::new() },
    }
}

fn requests(visit: &Visit) -> Result<Answer, Refusal> {
    let connection = named(visit)?;
    let show = visit.query.text("show")?.to_owned();
    let shown = match show.as_str() {
        "refused" => Shown::Refused,
        "writes" => Shown::Writes,
        _ => Shown::All,
    };
    let before = match visit.query.text("before")? {
        "" => ResourceId::LAST,
        id => id.parse().map_err(|_none| Refusal::NotFound)?,
    };
    let organization = visit.organization()?;
    let mut rows =
        visit.administration()?.request_log(organization, connection.id, shown, before, ROWS.saturating_add(1))?;
    let most = usize::try_from(ROWS).unwrap_or(usize::MAX);
    let more = rows.len() > most;
    rows.truncate(most);
    let next = rows.last().filter(|_| more);
    let next = next.map(|last| format!("?{}", visit.query.query_with(&[("before", &last.id.to_string())])));
    let first = if before == ResourceId::LAST {
        String::new()
    } else {
        format!("?{}", visit.query.query_with(&[("before", "")]))
    };
    Answer::page(&RequestsPage {
        frame: visit.frame(format!("Requests of {}", connection.name), "connections"),
        id: connection.id.to_string(),
        name: connection.name,
        show,
        lines: rows.iter().map(request_line).collect(),
        first,
        next: next.unwrap_or_default(),
    })
}

fn request(visit: &Visit) -> Result<Answer, Refusal> {
    let connection = named(visit)?;
    let id: RequestId = visit.parsed(2)?;
    // Ids are in the order of time: the row stands directly before the next id there could be.
    let mut bytes = u128::from_be_bytes(*id.as_bytes());
    bytes = bytes.saturating_add(1);
    let before = ResourceId::from_bytes(&bytes.to_be_bytes()).map_err(|_none| Refusal::NotFound)?;
    let organization = visit.organization()?;
    let rows = visit.administration()?.request_log(organization, connection.id, Shown::All, before, 1)?;
    let row = rows.into_iter().find(|row| row.id == id).ok_or(Refusal::NotFound)?;
    let pretty = |text: Option<&str>| {
        let value = text.and_then(|text| serde_json::from_str::<serde_json::Value>(text).ok());
        value.and_then(|value| serde_json::to_string_pretty(&value).ok()).unwrap_or_default()
    };
    let line = request_line(&row);
    let micros = u32::try_from(row.duration).unwrap_or(u32::MAX);
    Answer::page(&RequestPage {
        frame: visit.frame(format!("{}: {}", line.what, line.status), "connections"),
        connection: connection.id.to_string(),
        name: connection.name,
        milliseconds: format!("{:.1} ms", f64::from(micros) / 1_000.0),
        request: pretty(row.request.as_deref()),
        answer: pretty(row.answer.as_deref()),
        effect: row.effect.clone().unwrap_or_default(),
        resource: row.resource.map(|id| id.to_string()).unwrap_or_default(),
        query: row.query.clone().unwrap_or_default(),
        method: row.method.clone(),
        route: row.route.clone(),
        line,
    })
}
