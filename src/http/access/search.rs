//! Searches: who may, where may one, what may one (Authorization API 1.0, Search APIs).

use serde::Serialize;
use serde_json::{Value, json};

use crate::access::decide::{Question, Rules, Who};
use crate::access::graph::{Graph, IdentifierKind, Resource, Subject};
use crate::model::{EnforcementPoint, Moment, ResourceId};
use crate::service::access::decide::subject;
use crate::service::{ServiceError, Services};

use super::answer::Refusal;
use super::page::{Cursor, PageError};
use super::said::Sayings;
use super::wire::Body;

#[derive(Serialize)]
struct Found {
    page: PageAnswer,
    results: Vec<Value>,
}

#[derive(Serialize)]
struct PageAnswer {
    next_token: String,
    count: usize,
}

/// Who may.
///
/// # Errors
/// [`Refusal`].
pub fn subjects(services: &Services, point: &EnforcementPoint, body: &Body<'_>) -> Result<Vec<u8>, Refusal> {
    let (kind, act, resource) = body.subjects()?;
    let sayings = Sayings {
        action: act.properties,
        resource: resource.properties,
        context: body.context(),
        ..Sayings::default()
    };
    let (said, facts) = sayings.believed(point.believed())?;
    let resource = Resource { resource_type: resource.kind, id: resource.id };
    let asked = ["subject", kind.kind, act.name, resource.resource_type, resource.id, &facts];
    let cursor = Cursor::read(services, &point.caller, &asked, body.page())?;
    let who = Who { subject_type: kind.kind, permission: act.name, resource, circumstances: Some(&said) };
    let after = cursor.after().map(|text| subject_after(kind.kind, text)).transpose()?;
    let by_name = point.believed().is_everything();
    let found = search(services, point, |rules, now| {
        let found = rules.subjects_who_may(&who, now, after, cursor.limit().saturating_add(1));
        let named = found.into_iter().map(|subject| (subject, shown(rules.graph, subject, by_name)));
        named.collect::<Vec<(Subject, String)>>()
    })?;
    page(&cursor, &found, |(subject, _)| subject.id().to_string(), |(_, id)| json!({ "type": kind.kind, "id": id }))
}

/// Where one may.
///
/// # Errors
/// [`Refusal`].
pub fn resources(services: &Services, point: &EnforcementPoint, body: &Body<'_>) -> Result<Vec<u8>, Refusal> {
    let (who, act, kind) = body.resources()?;
    let sayings =
        Sayings { subject: who.properties, action: act.properties, context: body.context(), ..Sayings::default() };
    let (said, facts) = sayings.believed(point.believed())?;
    let asked = ["resource", who.kind, who.id, act.name, kind.kind, &facts];
    let cursor = Cursor::read(services, &point.caller, &asked, body.page())?;
    let named = services.named_subject(&point.caller, who.kind, who.id)?;
    let found = search(services, point, |rules, now| {
        let question = Question {
            subject: named.unwrap_or_else(|| subject(rules.graph, who.kind, who.id)),
            permission: act.name,
            resource: Resource { resource_type: kind.kind, id: "" },
            circumstances: Some(&said),
        };
        rules.resources_where_may(&question, now, cursor.after(), cursor.limit().saturating_add(1))
    })?;
    note_unknown(services, point, who.id, &found);
    page(&cursor, &found, Clone::clone, |id| json!({ "type": kind.kind, "id": id }))
}

/// What one may.
///
/// # Errors
/// [`Refusal`].
pub fn actions(services: &Services, point: &EnforcementPoint, body: &Body<'_>) -> Result<Vec<u8>, Refusal> {
    let (who, resource) = body.actions()?;
    let sayings = Sayings {
        subject: who.properties,
        resource: resource.properties,
        context: body.context(),
        ..Sayings::default()
    };
    let (said, facts) = sayings.believed(point.believed())?;
    let asked = ["action", who.kind, who.id, resource.kind, resource.id, &facts];
    let cursor = Cursor::read(services, &point.caller, &asked, body.page())?;
    let named = services.named_subject(&point.caller, who.kind, who.id)?;
    let found = search(services, point, |rules, now| {
        let question = Question {
            subject: named.unwrap_or_else(|| subject(rules.graph, who.kind, who.id)),
            permission: "",
            resource: Resource { resource_type: resource.kind, id: resource.id },
            circumstances: Some(&said),
        };
        let permissions = rules.permissions_at(&question, now, cursor.after(), cursor.limit().saturating_add(1));
        permissions.into_iter().map(|permission| permission.as_str().to_owned()).collect::<Vec<_>>()
    })?;
    note_unknown(services, point, who.id, &found);
    page(&cursor, &found, Clone::clone, |name| json!({ "name": name }))
}

/// What a subject is called in answers: its id, which stays its own; its name where names are what is certified.
fn shown(graph: &Graph, subject: Subject, by_name: bool) -> String {
    let name = graph.identifiers(subject).iter().find(|identifier| identifier.kind == IdentifierKind::Name);
    match name.filter(|_| by_name) {
        Some(name) => name.text.to_string(),
        None => subject.id().to_string(),
    }
}

fn search<T>(
    services: &Services,
    point: &EnforcementPoint,
    work: impl FnOnce(&Rules<'_>, Moment) -> T,
) -> Result<T, Refusal> {
    Ok(services.search(&point.caller, work)?)
}

/// Whom nothing is found for may be another organization's.
fn note_unknown(services: &Services, point: &EnforcementPoint, who: &str, found: &[String]) {
    if found.is_empty() {
        services.live.note_unknown(&point.caller, who.parse::<ResourceId>());
    }
}

fn subject_after(kind: &str, text: &str) -> Result<Subject, PageError> {
    match kind {
        "service" => text.parse().map(Subject::Service).map_err(|_not_ours| PageError::Token),
        _ => text.parse().map(Subject::User).map_err(|_not_ours| PageError::Token),
    }
}

/// One more was asked for than the page holds: it tells whether there is a next page.
fn page<T>(
    cursor: &Cursor<'_>,
    found: &[T],
    key: impl Fn(&T) -> String,
    entity: impl Fn(&T) -> Value,
) -> Result<Vec<u8>, Refusal> {
    let on_page = found.get(..cursor.limit().min(found.len())).unwrap_or_default();
    let next_token = match on_page.last() {
        _ if found.len() <= on_page.len() => String::new(),
        Some(last) => cursor.next(&key(last))?,
        // Of a page that holds nothing the next one begins where it began.
        None => cursor.next(cursor.after().unwrap_or_default())?,
    };
    let results: Vec<Value> = on_page.iter().map(entity).collect();
    let found = Found { page: PageAnswer { next_token, count: results.len() }, results };
    serde_json::to_vec(&found).map_err(|error| ServiceError::Internal(error.to_string()).into())
}
