//! Members of a group who get nothing from it.

use askama::Template;

use crate::model::{GroupId, ResourceId};
use crate::service::people::groups as directory;
use crate::service::people::idle::{self, Why};

use super::super::answer::Answer;
use super::super::frame::Frame;
use super::super::refusal::Refusal;
use super::super::route::{Needs, Page};
use super::super::visit::Visit;

pub(in crate::http::console) const PAGES: &[Page] =
    &[Page::get("/o/{organization}/groups/{id}/idle", Needs::Right("organization:read"), show)];

/// Members of a page.
const ROWS: usize = 100;

#[derive(Template)]
#[template(path = "console/group_idle.html")]
struct IdlePage {
    frame: Frame,
    id: String,
    name: String,
    gives_nothing: bool,
    /// Id, user name, and why.
    members: Vec<(String, String, &'static str)>,
    looked_at: usize,
    first: String,
    next: String,
}

fn show(visit: &Visit) -> Result<Answer, Refusal> {
    let id: GroupId = visit.parsed(1)?;
    let caller = visit.caller()?;
    let group = directory::read(&visit.services, caller, id)?;
    let after = match visit.query.text("after")? {
        "" => ResourceId::FIRST,
        id => id.parse().map_err(|_none| Refusal::NotFound)?,
    };
    let found = idle::idle(&visit.services, caller, id, after, ROWS)?;
    let why = |why: Why| match why {
        Why::Inactive => "may not act: deactivated or suspended",
        Why::Barred => "guardrails bar everything it gives",
    };
    let address = visit.address(&format!("/groups/{id}/idle"))?;
    let name = group.group.display_name;
    Answer::page(&IdlePage {
        frame: visit.frame(format!("Members who get nothing from {name}"), "groups"),
        id: id.to_string(),
        name,
        gives_nothing: found.gives_nothing,
        members: found.members.into_iter().map(|one| (one.id.to_string(), one.name, why(one.why))).collect(),
        looked_at: found.looked_at,
        first: if after == ResourceId::FIRST { String::new() } else { address.clone() },
        next: found.next.map(|next| format!("{address}?after={next}")).unwrap_or_default(),
    })
}
