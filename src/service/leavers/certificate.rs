//! The leaver certificate: what is known about somebody who is gone, signed, for anyone to verify without the server.

use serde_json::Value;

use crate::access::decide::{Question, Rules};
use crate::access::graph::{Lifetimes, Resource, Subject};
use crate::db::access::{assignments, services as service_rows};
use crate::db::events::StoredEvent;
use crate::db::history::StatusInterval;
use crate::db::organizations::Organization;
use crate::db::users::Status;
use crate::db::{Tx, events, history, organizations, servers};
use crate::evidence::bundle::{self, Statement};
use crate::evidence::certificate::{Arrival, Certificate, Denial, Killed, Search};
use crate::live::DENIED_WITHIN;
use crate::model::{Caller, Moment, OrganizationId, ResourceId, Revision, ServiceId, UserId};
use crate::scim::ScimError;
use crate::service::{ServiceError, Services};

/// What the database says of a leaver.
struct Gone {
    organization: Organization,
    arrival: Arrival,
    revision: Revision,
    at: Moment,
    killed: Vec<Killed>,
    services: Vec<ServiceId>,
}

/// The certificate of somebody who is gone, signed with the organization's key; `host` names the deployment. Blocks.
///
/// # Errors
/// [`ServiceError`]; 404 for somebody the organization never had, 409 for somebody who has not left.
pub fn certificate(services: &Services, caller: &Caller, user: UserId, host: &str) -> Result<String, ServiceError> {
    let organization = caller.organization;
    let gone = services.live.read(|tx| gone(tx, organization, user))?;
    let key = services.administration(caller).evidence_key(&gone.organization, host)?;
    let search = search(services, organization, user, &gone.services)?;
    let now = services.clock.now();
    let latest = gone.at.plus_micros(i64::try_from(DENIED_WITHIN.as_micros()).unwrap_or(i64::MAX));
    let certificate = Certificate {
        organization: organization.to_string(),
        slug: gone.organization.slug,
        user: user.to_string(),
        issued_at: now.to_string(),
        denials: denials(services, organization, gone.revision, (now, latest))?,
        answers_valid_until: Some(latest.plus_micros(Lifetimes::default().other).to_string()),
        arrival: gone.arrival,
        killed: gone.killed,
        told: Vec::new(),
        search,
    };
    bundle::sign(Statement::LeaverCertificate(certificate), &key)
        .map_err(|error| ServiceError::Internal(error.to_string()))
}

fn gone(tx: &mut Tx<'_>, organization: OrganizationId, user: UserId) -> Result<Gone, ServiceError> {
    let statuses = history::statuses(tx, organization, user)?;
    if statuses.is_empty() {
        return Err(ScimError::NotFound(format!("there is no user `{user}`, and there was none")).into());
    }
    let left = cut(&statuses).ok_or_else(|| {
        ScimError::Conflict(format!("the user `{user}` has not left: only who was active and is not any more has"))
    })?;
    let revision = left.interval.from;
    let event = events::of_revision(tx, organization, user.into(), revision, left.since)?
        .ok_or_else(|| ServiceError::Internal(format!("the log lacks how `{user}` left at revision {revision}")))?;
    let found = organizations::by_id(tx, organization)?;
    let found = found.ok_or_else(|| ServiceError::Internal("the organization is gone".to_owned()))?;
    let mut killed = Vec::new();
    let kill = |kind: &str, id: ResourceId, at: Moment| Killed {
        kind: kind.to_owned(),
        id: id.to_string(),
        at: at.to_string(),
    };
    for row in assignments::of_principal(tx, organization, user.into(), revision)? {
        killed.push(kill("assignment", row.assignment.id.into(), event.at));
    }
    let mut owned = Vec::new();
    for row in service_rows::of_owner(tx, organization, user)? {
        owned.push(row.service.id);
        if row.service.stopped_at.is_none_or(|stopped| stopped >= event.at) {
            killed.push(kill("service", row.service.id.into(), event.at));
        }
    }
    let (at, arrival) = (event.at, arrival(tx, organization, event, revision)?);
    Ok(Gone { organization: found, arrival, revision, at, killed, services: owned })
}

/// The interval with which access was cut off: the first after the person was active for the last time.
fn cut(statuses: &[StatusInterval]) -> Option<StatusInterval> {
    let active = statuses.iter().rposition(|one| one.status == Status::Active)?;
    statuses.get(active.saturating_add(1)).copied()
}

fn arrival(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    event: StoredEvent,
    revision: Revision,
) -> Result<Arrival, ServiceError> {
    let connections = organizations::connections(tx, organization)?;
    let connection = connections.into_iter().find(|one| one.id.as_bytes().as_slice() == event.connection.as_slice());
    let actor = match (event.actor_kind.as_str(), connection, event.credential) {
        ("connection", Some(connection), _) => format!("connection {}", connection.name),
        ("credential", _, Some(credential)) => format!("credential {credential}"),
        ("command-line", ..) => "command line".to_owned(),
        (kind, ..) => kind.to_owned(),
    };
    let details: Value = serde_json::from_str(&event.details).unwrap_or_default();
    Ok(Arrival {
        at: event.at.to_string(),
        action: event.action,
        event: event.id.to_string(),
        request: event.request.to_string(),
        digest: details.get("request_digest").and_then(Value::as_str).unwrap_or_default().to_owned(),
        actor,
        revision: number(revision),
    })
}

/// Every server that has something of the organization in memory, with the moment from which on it denies at the latest.
fn denials(
    services: &Services,
    organization: OrganizationId,
    revision: Revision,
    (now, latest): (Moment, Moment),
) -> Result<Vec<Denial>, ServiceError> {
    let following = services.live.read::<_, ServiceError>(|tx| Ok(servers::following(tx, organization)?))?;
    let denial = |(server, applied): (ResourceId, Revision)| {
        // This one has just judged by what it has applied.
        let (at, how) = if applied >= revision || server == services.live.instance() {
            (now.min(latest), "applied")
        } else {
            (latest, "lease")
        };
        Denial { server: server.to_string(), at: at.to_string(), how: how.to_owned() }
    };
    Ok(following.into_iter().map(denial).collect())
}

/// Asks for every permission at every scope, on behalf of the person and of every service it answers for. Under whatever
/// circumstances: what only the caller of a decision knows is left out, as it could only forbid.
fn search(
    services: &Services,
    organization: OrganizationId,
    user: UserId,
    owned: &[ServiceId],
) -> Result<Search, ServiceError> {
    let now = services.clock.now();
    let subjects = || std::iter::once(Subject::User(user)).chain(owned.iter().copied().map(Subject::Service));
    Ok(services.live.judge(organization, |rules, revision| {
        let mut search = Search { revision: number(revision), asked: 0, allowed: Vec::new() };
        for scope in rules.graph.scopes() {
            let resource = Resource { resource_type: scope.path.kind().as_str(), id: scope.path.as_str() };
            for (permission, _) in rules.graph.catalogue().permissions() {
                for subject in subjects() {
                    search.asked = search.asked.saturating_add(1);
                    if is_allowed(rules, subject, permission.as_str(), resource, now) {
                        search.allowed.push(told(subject, permission.as_str(), resource.id));
                    }
                }
            }
        }
        search.allowed.sort_unstable();
        search
    })?)
}

fn is_allowed(rules: &Rules<'_>, subject: Subject, permission: &str, resource: Resource<'_>, now: Moment) -> bool {
    let question = Question { subject: Ok(subject), permission, resource, circumstances: None };
    rules.decide(&question, now).is_allowed()
}

fn told(subject: Subject, permission: &str, scope: &str) -> String {
    match subject {
        Subject::User(_) => format!("{permission} at {scope}"),
        Subject::Service(service) => format!("{permission} at {scope} to the service {service}"),
    }
}

fn number(revision: Revision) -> u64 {
    u64::try_from(revision.as_i64()).unwrap_or_default()
}
