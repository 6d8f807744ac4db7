//! One person: profile, source, groups, what may be done and why, how it went.

use askama::Template;

use crate::model::{Service, UserId};
use crate::service::ServiceError;
use crate::service::leavers;
use crate::service::people::{self, Status};

use super::super::answer::Answer;
use super::super::frame::Frame;
use super::super::profile::{display_name, facts};
use super::super::refusal::Refusal;
use super::super::route::{Needs, Page};
use super::super::services::People;
use super::super::visit::Visit;
use super::super::when::When;
use super::standing;

pub(in crate::http::console) const PAGES: &[Page] = &[
    Page::get("/o/{organization}/people/{id}", Needs::Right("organization:read"), show),
    // A form: a first certificate makes the key it is signed with.
    Page::post("/o/{organization}/people/{id}/certificate", Needs::Right("organization:read-evidence"), certificate),
];

#[derive(Template)]
#[template(path = "console/people/person.html")]
#[expect(clippy::struct_excessive_bools, reason = "each shows or hides one thing on the page")]
struct PersonPage {
    frame: Frame,
    id: String,
    facts: Vec<(&'static str, String)>,
    state: &'static str,
    tone: &'static str,
    source: String,
    created: When,
    modified: When,
    seen: Option<When>,
    groups: Vec<(String, String)>,
    /// Those the person answers for: id, name, state and tone.
    services: Vec<(String, String, &'static str, &'static str)>,
    held: Vec<HeldLine>,
    gates: Vec<GateLine>,
    turns: Vec<(When, &'static str)>,
    is_active: bool,
    is_suspended: bool,
    is_local: bool,
    has_left: bool,
    may_change: bool,
    may_assign: bool,
    may_prove: bool,
}

/// Something assigned that is held.
pub(super) struct HeldLine {
    pub(super) assignment: String,
    pub(super) role: String,
    pub(super) scope: String,
    pub(super) permissions: String,
    /// How it comes to the person; empty: directly.
    pub(super) through: String,
    pub(super) until: Option<When>,
}

/// A gate that can be passed.
pub(super) struct GateLine {
    pub(super) permission: String,
    pub(super) scope: String,
    pub(super) passing: usize,
    pub(super) falls_short: bool,
    pub(super) minimum: u32,
}

/// What is held, for a page.
pub(super) fn held(access: &people::PersonAccess) -> Vec<HeldLine> {
    let line = |held: &people::Held| HeldLine {
        assignment: held.assignment.id.to_string(),
        role: held.assignment.role.to_string(),
        scope: held.assignment.scope.to_string(),
        permissions: held.permissions.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        through: held.groups.join(" › "),
        until: held.assignment.validity.until().map(When),
    };
    access.held.iter().map(line).collect()
}

/// The gates that can be passed, for a page.
pub(super) fn gates(access: &people::PersonAccess) -> Vec<GateLine> {
    let line = |passed: &people::Passed| GateLine {
        permission: passed.gate.permission.to_string(),
        scope: passed.gate.scope.to_string(),
        passing: passed.gate.passing,
        falls_short: passed.falls_short,
        minimum: passed.gate.bounds.minimum(),
    };
    access.gates.iter().map(line).collect()
}

fn show(visit: &Visit) -> Result<Answer, Refusal> {
    let member = visit.member()?;
    let id: UserId = visit.parsed(1)?;
    let (person, groups) = people::read(&visit.services, &member.caller, id)?;
    let access = people::access(&visit.services, &member.caller, id)?;
    let turns = people::turns(&visit.services, &member.caller, id)?;
    let (state, tone) = standing(person.standing());
    let word = |status: Status| match status {
        Status::Active => "Active",
        Status::Inactive => "Deactivated",
        Status::Suspended => "Suspended by an administrator",
        Status::Deleted => "Deleted",
    };
    Answer::page(&PersonPage {
        frame: visit.frame(display_name(&person), "people"),
        id: id.to_string(),
        facts: facts(&person),
        state,
        tone,
        source: person.manager.as_ref().map(|manager| manager.name.clone()).unwrap_or_default(),
        created: When(person.created_at),
        modified: When(person.modified_at),
        seen: people::last_seen(&visit.services, &member.caller, id)?.map(When),
        groups: groups.into_iter().map(|group| (group.id.to_string(), group.display_name)).collect(),
        services: services(visit, &person)?,
        held: held(&access),
        gates: gates(&access),
        turns: turns.into_iter().rev().map(|(at, status)| (When(at), word(status))).collect(),
        is_active: person.active(),
        is_suspended: person.suspended_at.is_some(),
        is_local: person.manager.is_none(),
        has_left: !person.active(),
        may_change: member.rights.manage_people(),
        may_assign: member.rights.manage_access(),
        may_prove: member.rights.read_evidence(),
    })
}

/// The services a person answers for.
fn services(
    visit: &Visit,
    person: &people::Person,
) -> Result<Vec<(String, String, &'static str, &'static str)>, Refusal> {
    let owned = visit.administration()?.services_of(visit.organization()?, person.id)?;
    let (known, now) = (People::of(visit, owned.iter())?, visit.services.clock.now());
    let line = |service: &Service| {
        let (state, tone) = known.standing(service, now);
        (service.id.to_string(), service.name.to_string(), state, tone)
    };
    Ok(owned.iter().filter(|service| service.stopped_at.is_none()).map(line).collect())
}

/// The proof that nothing is left of somebody's access, as a file.
fn certificate(visit: &Visit) -> Result<Answer, Refusal> {
    let id: UserId = visit.parsed(1)?;
    let host = url::Url::parse(&visit.services.public_url).ok().and_then(|url| url.host_str().map(str::to_owned));
    let text = leavers::certificate(&visit.services, visit.caller()?, id, &host.unwrap_or_default());
    let text = text.map_err(|error: ServiceError| Refusal::from(error))?;
    Ok(Answer::download(format!("leaver-{id}.json"), "application/json", text))
}
