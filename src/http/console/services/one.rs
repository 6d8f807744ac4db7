//! One service: who answers for it, until when, what it may do and why.

use std::collections::BTreeMap;

use askama::Template;

use crate::access::graph::Subject;
use crate::model::{AssignmentId, Principal, Service, ServiceId};
use crate::service::access::ShownAssignment;
use crate::service::people;

use super::super::answer::Answer;
use super::super::fields::Fields;
use super::super::frame::Frame;
use super::super::mappings::{self, Line};
use super::super::refusal::Refusal;
use super::super::route::Page;
use super::super::visit::Visit;
use super::super::when::When;
use super::{People, READS, Somebody};

pub(in crate::http::console) const PAGES: &[Page] = &[Page::get("/o/{organization}/services/{id}", READS, show)];

#[derive(Template)]
#[template(path = "console/services/one.html")]
#[expect(clippy::struct_excessive_bools, reason = "each shows or hides one thing on the page")]
struct ServicePage {
    frame: Frame,
    id: String,
    name: String,
    state: &'static str,
    tone: &'static str,
    owner: Somebody,
    successor: Option<Somebody>,
    made: When,
    ends: When,
    stopped: Option<When>,
    /// Each with what it allows now.
    assignments: Vec<(Line, String)>,
    /// Whether it may do anything at all now.
    may_act: bool,
    /// Whether somebody else could answer for it: it is not stopped.
    is_open: bool,
    may_change: bool,
    may_read_evidence: bool,
    /// Where a role is assigned to it.
    assign: String,
}

/// The service of the address.
///
/// # Errors
/// 404.
pub(super) fn found(visit: &Visit) -> Result<(Service, When), Refusal> {
    let id: ServiceId = visit.parsed(1)?;
    let (service, made) = visit.administration()?.service(visit.organization()?, id)?.ok_or(Refusal::NotFound)?;
    Ok((service, When(made)))
}

fn show(visit: &Visit) -> Result<Answer, Refusal> {
    let (service, made) = found(visit)?;
    let now = visit.services.clock.now();
    let known = People::of(visit, std::iter::once(&service))?;
    let (state, tone) = known.standing(&service, now);
    let may_act = service.stopped_at.is_none() && service.expires_at > now && known.is_active(service.owner);
    let held = people::held(&visit.services, visit.caller()?, Subject::Service(service.id))?;
    let allowed: BTreeMap<AssignmentId, String> = held
        .into_iter()
        .map(|one| {
            let permissions: Vec<String> = one.permissions.iter().map(ToString::to_string).collect();
            (one.assignment.id, permissions.join(", "))
        })
        .collect();
    let assigned = visit.administration()?.assignments_of(visit.organization()?, Principal::Service(service.id))?;
    let line = |shown: &ShownAssignment| {
        let mut line = mappings::line(visit, shown)?;
        if line.state == "holds" && !may_act {
            (line.state, line.tone) = ("void", "warn");
        }
        Ok((line, allowed.get(&shown.assignment.id).cloned().unwrap_or_default()))
    };
    let query = Fields::default().query_with(&[("kind", "service"), ("name", service.name.as_str())]);
    Answer::page(&ServicePage {
        assignments: assigned.iter().map(line).collect::<Result<_, Refusal>>()?,
        frame: visit.frame(service.name.to_string(), "services"),
        id: service.id.to_string(),
        name: service.name.to_string(),
        state,
        tone,
        owner: known.named(service.owner),
        successor: service.successor.map(|id| known.named(id)),
        made,
        ends: When(service.expires_at),
        stopped: service.stopped_at.map(When),
        may_act,
        is_open: service.stopped_at.is_none(),
        may_change: visit.member()?.rights.manage_access(),
        may_read_evidence: visit.member()?.rights.read_evidence(),
        assign: visit.address(&format!("/mappings/new?{query}"))?,
    })
}
