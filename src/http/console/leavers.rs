//! Leavers: how long it took until they could do nothing, what was found of them since, and whom a brake holds.

use askama::Template;

use crate::model::{Moment, ResourceId};
use crate::service::leavers::Departed;
use crate::service::leavers::watch;

use super::answer::{Answer, Flash};
use super::cut_off::{Chart, length};
use super::frame::Frame;
use super::refusal::Refusal;
use super::route::{Needs, Page};
use super::visit::Visit;
use super::when::When;

const RIGHT: Needs = Needs::Right("organization:read-evidence");
const DECIDES: Needs = Needs::Fresh("organization:manage-people");

pub(super) const PAGES: &[Page] = &[
    Page::get("/o/{organization}/leavers", RIGHT, show),
    Page::post("/o/{organization}/leavers/look", Needs::Right("organization:manage-people"), look),
    Page::post("/o/{organization}/findings/{id}/acknowledge", Needs::Right("organization:manage-people"), acknowledge),
    Page::get("/o/{organization}/quarantines/{id}", RIGHT, quarantine),
    Page::post("/o/{organization}/quarantines/{id}/release", DECIDES, release),
    Page::post("/o/{organization}/quarantines/{id}/restore", DECIDES, restore),
];

/// Leavers on a page.
const ROWS: usize = 50;
/// Leavers the chart is drawn of, the newest.
const DRAWN: usize = 500;
/// Findings that are shown.
const FINDINGS: i64 = 100;
/// Quarantines that are shown.
const QUARANTINES: i64 = 20;

#[derive(Template)]
#[template(path = "console/leavers.html")]
struct LeaversPage {
    frame: Frame,
    lines: Vec<Line>,
    chart: Chart,
    findings: Vec<FindingLine>,
    quarantines: Vec<QuarantineLine>,
    first: String,
    next: String,
    may_decide: bool,
}

struct Line {
    id: String,
    name: String,
    is_listed: bool,
    how: &'static str,
    by: String,
    at: When,
    cut_off: String,
}

struct FindingLine {
    id: String,
    leaver: String,
    what: &'static str,
    found: When,
    is_known: bool,
}

struct QuarantineLine {
    id: String,
    connection: String,
    opened: When,
    people: i64,
    population: i64,
    groups: i64,
    word: &'static str,
    tone: &'static str,
    is_open: bool,
}

#[derive(Template)]
#[template(path = "console/quarantine.html")]
struct QuarantinePage {
    frame: Frame,
    one: QuarantineLine,
    may_decide: bool,
}

fn line(one: Departed) -> Line {
    Line {
        id: one.user.to_string(),
        name: one.name,
        is_listed: one.is_listed,
        how: one.how.as_str(),
        by: one.connection,
        at: When(one.at),
        cut_off: one.cut_off.map(length).unwrap_or_default(),
    }
}

fn what(kind: watch::FindingKind) -> &'static str {
    match kind.as_str() {
        "reactivated" => "is active again",
        "re-added" => "is there again as another user",
        "same-address" => "somebody else has the same e-mail address",
        "identifier-recycled" => "somebody else bears an identifier of theirs",
        "access-left" => "still has access here",
        "left-downstream" => "is still known to a downstream system",
        _ => "needs a look",
    }
}

fn quarantine_lines(visit: &Visit) -> Result<Vec<QuarantineLine>, Refusal> {
    let (administration, organization) = (visit.administration()?, visit.organization()?);
    let connections = administration.connections(organization)?;
    let all = administration.quarantines(organization, ResourceId::LAST, QUARANTINES)?;
    let named =
        |id| connections.iter().find(|connection| connection.id == id).map(|connection| connection.name.clone());
    let line = |one: crate::service::leavers::brake::Quarantine| {
        let (word, tone) = match one.closed.map(|(_, outcome)| outcome.as_str()) {
            None => ("Held", "pause"),
            Some("released") => ("Released: they stay gone", "ok"),
            Some(_) => ("Restored: they are back", "info"),
        };
        QuarantineLine {
            id: one.id.to_string(),
            connection: named(one.connection).unwrap_or_else(|| "a connection".to_owned()),
            opened: When(one.opened_at),
            people: one.people,
            population: one.population,
            groups: one.groups,
            is_open: one.closed.is_none(),
            word,
            tone,
        }
    };
    Ok(all.into_iter().map(line).collect())
}

fn show(visit: &Visit) -> Result<Answer, Refusal> {
    let caller = visit.caller()?;
    let before = match visit.query.text("before")? {
        "" => None,
        id => Some(id.parse().map_err(|_none| Refusal::NotFound)?),
    };
    let page = visit.services.register(caller, before, ROWS)?;
    let (departed, next) = (page.departed, page.next);
    // The chart is of the newest, whichever page is looked at.
    let newest = if next.is_none() && before.is_none() {
        departed.clone()
    } else {
        visit.services.register(caller, None, DRAWN)?.departed
    };
    let findings = watch::standing(&visit.services, caller, ResourceId::earliest_at(Moment::from_micros(0)), FINDINGS)?;
    let query = |before: &str| format!("?{}", visit.query.query_with(&[("before", before)]));
    let title = match departed.len() {
        0 => "Nobody has left yet",
        _ => "Leavers",
    };
    Answer::page(&LeaversPage {
        frame: visit.frame(title, "leavers"),
        chart: Chart::of(newest.iter().map(|one| one.cut_off)),
        lines: departed.into_iter().map(line).collect(),
        findings: findings
            .into_iter()
            .map(|one| FindingLine {
                id: one.id.to_string(),
                leaver: one.leaver.to_string(),
                what: what(one.kind),
                found: When(one.found_at),
                is_known: one.acknowledged_at.is_some(),
            })
            .collect(),
        quarantines: quarantine_lines(visit)?,
        first: if before.is_some() { query("") } else { String::new() },
        next: next.map(|next| query(&next.to_string())).unwrap_or_default(),
        may_decide: visit.member()?.rights.manage_people(),
    })
}

fn look(visit: &Visit) -> Result<Answer, Refusal> {
    if visit.form.text("leavers")? != "all" {
        return Err(Refusal::bad("Say that all leavers are to be looked at."));
    }
    let watched = watch::look(&visit.services, visit.caller()?)?;
    let text = match watched.standing.len() {
        0 => format!("{} leavers were looked at: nothing is left of any of them.", watched.leavers),
        1 => format!("{} leavers were looked at: one thing needs a look.", watched.leavers),
        many => format!("{} leavers were looked at: {many} things need a look.", watched.leavers),
    };
    let flash = if watched.standing.is_empty() { Flash::done(text) } else { Flash::mind(text) };
    Ok(Answer::see_other(visit.address("/leavers")?).saying(&flash))
}

fn acknowledge(visit: &Visit) -> Result<Answer, Refusal> {
    watch::acknowledge(&visit.services, visit.caller()?, visit.parsed(1)?)?;
    Ok(Answer::see_other(visit.address("/leavers")?).saying(&Flash::done("It is known, and told no more.")))
}

fn quarantine(visit: &Visit) -> Result<Answer, Refusal> {
    let id = visit.id(1)?;
    let one = quarantine_lines(visit)?.into_iter().find(|one| one.id == id).ok_or(Refusal::NotFound)?;
    let title = format!("{} people left over {} at once", one.people, one.connection);
    let may_decide = visit.member()?.rights.manage_people() && one.is_open;
    Answer::page(&QuarantinePage { frame: visit.frame(title, "leavers"), one, may_decide })
}

fn release(visit: &Visit) -> Result<Answer, Refusal> {
    let id: ResourceId = visit.parsed(1)?;
    visit.administration()?.release_quarantine(visit.organization()?, id)?;
    Ok(Answer::see_other(visit.address(&format!("/quarantines/{id}"))?)
        .saying(&Flash::done("Released. Whoever left stays gone.")))
}

fn restore(visit: &Visit) -> Result<Answer, Refusal> {
    let id: ResourceId = visit.parsed(1)?;
    let restored = visit.administration()?.restore_quarantine(visit.organization()?, id)?;
    let text = format!(
        "Restored: {} have again what was cut off, {} were back or had nothing, {} are not back.",
        restored.restored,
        restored.unchanged,
        restored.failed.len().saturating_add(restored.failed_groups.len())
    );
    let flash = if restored.failed.is_empty() && restored.failed_groups.is_empty() {
        Flash::done(text)
    } else {
        Flash::mind(text)
    };
    Ok(Answer::see_other(visit.address(&format!("/quarantines/{id}"))?).saying(&flash))
}
