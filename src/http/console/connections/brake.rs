//! The brake of a connection: when it fires, and how often it would have.

use actix_web::http::StatusCode;
use askama::Template;

use crate::model::{Brake, ConnectionId};
use crate::service::ServiceError;
use crate::service::administration::Expected;

use super::super::answer::{Answer, Flash};
use super::super::frame::Frame;
use super::super::refusal::{Refusal, sentence};
use super::super::route::{Needs, Page};
use super::super::visit::Visit;
use super::super::when::When;

const CHANGES: Needs = Needs::Right("organization:manage-connections");

pub(in crate::http::console) const PAGES: &[Page] = &[
    Page::get("/o/{organization}/connections/{id}/brake", Needs::Right("organization:read"), show),
    Page::post("/o/{organization}/connections/{id}/brake", CHANGES, set),
    Page::post("/o/{organization}/connections/{id}/brake/off", CHANGES, off),
];

/// What a form holds before anything is set: share, least, minutes.
const USUAL: (&str, &str, &str) = ("20", "50", "10");

#[derive(Template)]
#[template(path = "console/brake.html")]
struct BrakePage {
    frame: Frame,
    id: String,
    name: String,
    /// What is set now, as the form knows it; empty for nothing.
    before: String,
    share: String,
    least: String,
    minutes: String,
    firings: Vec<(When, i64, i64, i64)>,
    is_stale: bool,
    /// What it is by now, in words, where somebody else changed it.
    theirs: String,
    problem: String,
    may_change: bool,
}

fn words(brake: Brake) -> String {
    format!(
        "more than {} % and at least {} people and groups, within {} minutes",
        brake.share(),
        brake.least(),
        brake.minutes()
    )
}

/// A brake as a form knows it.
fn written(brake: Option<Brake>) -> String {
    brake.map(|brake| format!("{} {} {}", brake.share(), brake.least(), brake.minutes())).unwrap_or_default()
}

/// What [`written`] wrote.
fn before(visit: &Visit) -> Result<Option<Brake>, Refusal> {
    let stale = || Refusal::bad("The form does not say what it changes. Load the page again.");
    let text = visit.form.text("before")?;
    if text.is_empty() {
        return Ok(None);
    }
    let numbers: Result<Vec<i64>, _> = text.split(' ').map(str::parse).collect();
    match numbers.map_err(|_none| stale())?.as_slice() {
        [share, least, minutes] => Brake::new(*share, *least, *minutes).map(Some).map_err(|_none| stale()),
        _ => Err(stale()),
    }
}

fn page(visit: &Visit, problem: String) -> Result<BrakePage, Refusal> {
    let (administration, organization) = (visit.administration()?, visit.organization()?);
    let id: ConnectionId = visit.parsed(1)?;
    let connections = administration.connections(organization)?;
    let connection = connections.into_iter().find(|one| one.id == id).ok_or(Refusal::NotFound)?;
    let set = administration.brake(organization, id)?;
    let usual = Brake::new(20, 50, 10).ok();
    let rehearsed = set.or(usual).map(|brake| administration.rehearse_brake(organization, id, brake)).transpose()?;
    let firings = rehearsed.into_iter().flatten().map(|one| (When(one.at), one.people, one.population, one.groups));
    let typed = |name: &str, of: fn(Brake) -> i64, usual: &str| match (visit.form.text(name), set) {
        (Ok(text), _) if visit.form.has(name) => text.to_owned(),
        (_, Some(brake)) => of(brake).to_string(),
        (_, None) => usual.to_owned(),
    };
    let error = if problem.is_empty() { "" } else { "Error: " };
    Ok(BrakePage {
        frame: visit.frame(format!("{error}Brake of {}", connection.name), "connections"),
        id: id.to_string(),
        name: connection.name,
        before: written(set),
        share: typed("share", Brake::share, USUAL.0),
        least: typed("least", Brake::least, USUAL.1),
        minutes: typed("minutes", Brake::minutes, USUAL.2),
        firings: firings.collect(),
        is_stale: false,
        theirs: set.map_or_else(|| "off".to_owned(), words),
        problem,
        may_change: visit.member()?.rights.manage_connections(),
    })
}

fn show(visit: &Visit) -> Result<Answer, Refusal> {
    Answer::page(&page(visit, String::new())?)
}

fn set(visit: &Visit) -> Result<Answer, Refusal> {
    let number = |name: &str| visit.form.text(name).map(|text| text.parse::<i64>().unwrap_or_default());
    match Brake::new(number("share")?, number("least")?, number("minutes")?) {
        Ok(brake) => replace(visit, Some(brake)),
        Err(error) => Answer::invalid(&page(visit, sentence(&error.to_string()))?),
    }
}

fn off(visit: &Visit) -> Result<Answer, Refusal> {
    replace(visit, None)
}

fn replace(visit: &Visit, brake: Option<Brake>) -> Result<Answer, Refusal> {
    let id: ConnectionId = visit.parsed(1)?;
    let expected = Expected::Exactly(before(visit)?);
    let error = match visit.administration()?.replace_brake(visit.organization()?, id, &expected, brake) {
        Ok(()) => {
            let said = match brake {
                Some(brake) => format!("The brake fires when {} leave.", words(brake)),
                None => "The brake is off. What it holds stays held.".to_owned(),
            };
            return Ok(Answer::see_other(visit.address(&format!("/connections/{id}"))?).saying(&Flash::done(said)));
        }
        Err(error) => Refusal::from(ServiceError::from(error)),
    };
    if !error.is_stale() {
        return Err(error);
    }
    let problem = "Somebody else changed the brake since you opened the form. Look at both, then save yours or leave \
                   theirs. Nothing of yours was saved yet.";
    let page = BrakePage { is_stale: true, ..page(visit, problem.to_owned())? };
    Answer::page_with(StatusCode::CONFLICT, &page)
}
