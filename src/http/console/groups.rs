//! Groups: those of a connection are read, local ones are kept here.

pub(super) mod idle;

use actix_web::http::StatusCode;
use askama::Template;

use crate::model::{ConnectionId, GroupId, MemberKind, Moment, Precondition, Principal, ResourceId};
use crate::service::ServiceError;
use crate::service::people;
use crate::service::people::groups::{self, Group, GroupMember, GroupSearch};

use super::answer::{Answer, Flash};
use super::frame::Frame;
use super::mappings;
use super::refusal::{Refusal, sentence};
use super::route::{Needs, Page};
use super::visit::Visit;
use super::when::When;

pub(super) const PAGES: &[Page] = &[
    Page::get("/o/{organization}/groups", Needs::Right("organization:read"), list),
    Page::get("/o/{organization}/groups/new", Needs::Right("organization:manage-people"), fresh),
    Page::post("/o/{organization}/groups", Needs::Right("organization:manage-people"), create),
    Page::get("/o/{organization}/groups/{id}", Needs::Right("organization:read"), show),
    Page::post("/o/{organization}/groups/{id}/rename", Needs::Right("organization:manage-people"), rename),
    Page::get("/o/{organization}/groups/{id}/delete", Needs::Right("organization:manage-people"), deleting),
    Page::post("/o/{organization}/groups/{id}/delete", Needs::Right("organization:manage-people"), delete),
    Page::post("/o/{organization}/groups/{id}/add", Needs::Right("organization:manage-people"), add),
    Page::post("/o/{organization}/groups/{id}/remove", Needs::Right("organization:manage-people"), remove),
];

/// Rows of a page.
const ROWS: usize = 50;
/// Names that are taken in one form.
const NAMES: usize = 500;

#[derive(Template)]
#[template(path = "console/groups.html")]
struct GroupsPage {
    frame: Frame,
    groups: Vec<Line>,
    query: String,
    source: String,
    sources: Vec<(String, String)>,
    first: String,
    next: String,
    may_change: bool,
}

struct Line {
    id: String,
    name: String,
    source: Option<String>,
    roles: Vec<String>,
    modified: When,
}

#[derive(Template)]
#[template(path = "console/group_new.html")]
struct NewPage {
    frame: Frame,
    typed: String,
    problem: String,
}

#[derive(Template)]
#[template(path = "console/group.html")]
struct GroupPage {
    frame: Frame,
    id: String,
    source: Option<String>,
    version: String,
    members: Vec<GroupMember>,
    first: String,
    next: String,
    assignments: Vec<mappings::Line>,
    /// The groups it is in, whose assignments its members have too.
    above: Vec<(String, String)>,
    created: When,
    modified: When,
    may_change: bool,
    names: String,
    /// Another name, as it was typed.
    typed: String,
    problem: String,
    /// Who was not added, and why.
    results: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "console/group_delete.html")]
struct DeletePage {
    frame: Frame,
    id: String,
    version: String,
    assignments: Vec<mappings::Line>,
}

fn start(visit: &Visit) -> Result<ResourceId, Refusal> {
    let after = visit.query.text("after")?;
    if after.is_empty() {
        return Ok(ResourceId::earliest_at(Moment::from_micros(0)));
    }
    after.parse().map_err(|_none| Refusal::NotFound)
}

/// The addresses of the first page and of the next one.
fn pages(visit: &Visit, next: Option<ResourceId>) -> Result<(String, String), Refusal> {
    let has = !visit.query.text("after")?.is_empty();
    let first = if has { format!("?{}", visit.query.query_with(&[("after", "")])) } else { String::new() };
    let next = next.map(|next| format!("?{}", visit.query.query_with(&[("after", &next.to_string())])));
    Ok((first, next.unwrap_or_default()))
}

fn list(visit: &Visit) -> Result<Answer, Refusal> {
    let (administration, organization) = (visit.administration()?, visit.organization()?);
    let (query, source) = (visit.query.text("q")?.to_owned(), visit.query.text("source")?.to_owned());
    let connection = match source.as_str() {
        "" => None,
        "local" => Some(ConnectionId::NOBODY),
        id => Some(id.parse().map_err(|_none| Refusal::NotFound)?),
    };
    let search = GroupSearch { text: Some(query.clone()), connection };
    let found = groups::search(&visit.services, visit.caller()?, start(visit)?, ROWS, &search)?;
    let listed: Vec<GroupId> = found.items.iter().map(|group| group.group.id).collect();
    let assigned = administration.assigned_to_groups(organization, &listed)?;
    let now = visit.services.clock.now();
    let roles = |id: GroupId| -> Vec<String> {
        let own = assigned.get(&id).into_iter().flatten().filter(|one| one.validity.holds(now));
        own.map(|one| format!("{} at {}", one.role, one.scope)).collect()
    };
    let line = |group: Group| Line {
        id: group.group.id.to_string(),
        roles: roles(group.group.id),
        modified: When(group.group.modified_at),
        name: group.group.display_name,
        source: group.manager.map(|manager| manager.name),
    };
    let (first, next) = pages(visit, found.next)?;
    let sources = administration.connections(organization)?;
    let sources = sources.into_iter().map(|one| (one.id.to_string(), one.name)).collect();
    Answer::page(&GroupsPage {
        frame: visit.frame("Groups", "groups"),
        groups: found.items.into_iter().map(line).collect(),
        query,
        source,
        sources,
        first,
        next,
        may_change: visit.member()?.rights.manage_people(),
    })
}

fn fresh(visit: &Visit) -> Result<Answer, Refusal> {
    Answer::page(&NewPage { frame: visit.frame("New group", "groups"), typed: String::new(), problem: String::new() })
}

fn create(visit: &Visit) -> Result<Answer, Refusal> {
    let name = visit.form.text("name")?;
    match groups::create(&visit.services, visit.caller()?, name) {
        Ok(group) => Ok(Answer::see_other(visit.address(&format!("/groups/{}", group.group.id))?)
            .saying(&Flash::done(format!("The group {name} is there. Add its members below.")))),
        Err(error) => {
            let problem = sentence(&Refusal::from(error).about_the_form()?);
            let frame = visit.frame("New group", "groups");
            Answer::invalid(&NewPage { frame, typed: name.to_owned(), problem })
        }
    }
}

fn show(visit: &Visit) -> Result<Answer, Refusal> {
    Answer::page(&page(visit, String::new(), String::new(), Vec::new())?)
}

fn assignments(visit: &Visit, id: GroupId) -> Result<Vec<mappings::Line>, Refusal> {
    let own = visit.administration()?.assignments_of(visit.organization()?, Principal::Group(id))?;
    own.iter().map(|shown| mappings::line(visit, shown)).collect()
}

fn page(visit: &Visit, names: String, problem: String, results: Vec<(String, String)>) -> Result<GroupPage, Refusal> {
    let id: GroupId = visit.parsed(1)?;
    let caller = visit.caller()?;
    let group = groups::read(&visit.services, caller, id)?;
    let rows = i64::try_from(ROWS).unwrap_or(i64::MAX);
    let mut members = groups::members(&visit.services, caller, id, start(visit)?, rows.saturating_add(1))?;
    let more = members.len() > ROWS;
    members.truncate(ROWS);
    let next = members.last().filter(|_| more).map(|last| last.id);
    let (first, next) = pages(visit, next)?;
    Ok(GroupPage {
        id: id.to_string(),
        version: group.entity_tag(),
        created: When(group.group.created_at),
        modified: When(group.group.modified_at),
        may_change: group.manager.is_none() && visit.member()?.rights.manage_people(),
        source: group.manager.map(|manager| manager.name),
        typed: group.group.display_name.clone(),
        frame: visit.frame(group.group.display_name, "groups"),
        members,
        first,
        next,
        assignments: assignments(visit, id)?,
        above: groups::above(&visit.services, caller, id)?
            .into_iter()
            .map(|group| (group.id.to_string(), group.display_name))
            .collect(),
        names,
        problem,
        results,
    })
}

/// The version a form was made from.
fn version(visit: &Visit) -> Result<Precondition, Refusal> {
    let version = visit.form.text("version")?;
    Ok(if version.is_empty() { Precondition::None } else { Precondition::parse(version) })
}

fn rename(visit: &Visit) -> Result<Answer, Refusal> {
    let (id, name) = (visit.parsed::<GroupId>(1)?, visit.form.text("name")?);
    match groups::rename(&visit.services, visit.caller()?, id, name, &version(visit)?) {
        Ok(_) => Ok(Answer::see_other(visit.address(&format!("/groups/{id}"))?)
            .saying(&Flash::done(format!("The group is called {name}; its assignments stay.")))),
        Err(error) => {
            let refusal = Refusal::from(error);
            let is_stale = refusal.is_stale();
            let told = refusal.about_the_form()?;
            let mut page = page(visit, String::new(), sentence(&told), Vec::new())?;
            name.clone_into(&mut page.typed);
            if !is_stale {
                return Answer::invalid(&page);
            }
            page.problem = format!(
                "Somebody else changed this group or its members since you opened the page. It is called “{}” by now, \
                 and you want “{name}”: rename again to have yours.",
                page.frame.title
            );
            Answer::page_with(StatusCode::CONFLICT, &page)
        }
    }
}

fn deleting(visit: &Visit) -> Result<Answer, Refusal> {
    let id: GroupId = visit.parsed(1)?;
    let group = groups::read(&visit.services, visit.caller()?, id)?;
    Answer::page(&DeletePage {
        id: id.to_string(),
        version: group.entity_tag(),
        assignments: assignments(visit, id)?,
        frame: visit.frame(format!("Delete the group {}?", group.group.display_name), "groups"),
    })
}

fn delete(visit: &Visit) -> Result<Answer, Refusal> {
    groups::delete(&visit.services, visit.caller()?, visit.parsed(1)?, &version(visit)?)?;
    Ok(Answer::see_other(visit.address("/groups")?).saying(&Flash::done("The group is deleted. Its members stay.")))
}

/// Somebody by user name or id, or a group by its id.
fn member(visit: &Visit, named: &str) -> Result<ResourceId, ServiceError> {
    let member = visit.member.as_ref().ok_or(ServiceError::Unauthorized)?;
    if let Ok(group) = named.parse::<GroupId>()
        && groups::read(&visit.services, &member.caller, group).is_ok()
    {
        return Ok(group.into());
    }
    people::find(&visit.services, &member.caller, named).map(Into::into)
}

/// Adds everybody who is named, each with a result; doing it again does no harm.
fn add(visit: &Visit) -> Result<Answer, Refusal> {
    let id: GroupId = visit.parsed(1)?;
    let text = visit.form.text("names")?;
    let split = |c: char| c == ',' || c == ';' || c.is_whitespace();
    let named: Vec<&str> = text.split(split).filter(|name| !name.is_empty()).collect();
    if named.is_empty() || named.len() > NAMES {
        let problem = format!("Name 1 to {NAMES} people, by user name or id.");
        return Answer::invalid(&page(visit, text.to_owned(), problem, Vec::new())?);
    }
    let caller = visit.caller()?;
    let (mut results, mut failed, mut added) = (Vec::new(), Vec::new(), 0_usize);
    for name in named {
        let done = member(visit, name)
            .and_then(|member| groups::add(&visit.services, caller, id, member, &Precondition::None));
        match done {
            Ok(()) => added = added.saturating_add(1),
            Err(error) => match Refusal::from(error) {
                Refusal::Refused(_, why) => {
                    failed.push(name);
                    results.push((name.to_owned(), sentence(&why)));
                }
                other => return Err(other),
            },
        }
    }
    if failed.is_empty() {
        let said = if added == 1 { "1 member was added.".to_owned() } else { format!("{added} members were added.") };
        return Ok(Answer::see_other(visit.address(&format!("/groups/{id}"))?).saying(&Flash::done(said)));
    }
    let problem = format!("{added} were added, {} were not. Those that were not are left in the field.", failed.len());
    Answer::invalid(&page(visit, failed.join("\n"), problem, results)?)
}

fn remove(visit: &Visit) -> Result<Answer, Refusal> {
    let id: GroupId = visit.parsed(1)?;
    let mut removed = 0_usize;
    for member in visit.form.all("member") {
        let member = member.parse().map_err(|_none| Refusal::NotFound)?;
        groups::remove(&visit.services, visit.caller()?, id, member, &Precondition::None)?;
        removed = removed.saturating_add(1);
    }
    let said = match removed {
        0 => Flash::mind("Nobody was ticked, so nobody was removed."),
        1 => Flash::done("1 member was removed."),
        several => Flash::done(format!("{several} members were removed.")),
    };
    Ok(Answer::see_other(visit.address(&format!("/groups/{id}"))?).saying(&said))
}

impl GroupPage {
    fn is_group(member: &GroupMember) -> bool {
        member.kind == MemberKind::Group
    }
}
