//! The leaver certificate: what is known about somebody who is gone, signed, for anyone to verify without the server.

use serde_json::Value;

use crate::access::decide::{Question, Rules};
use crate::access::graph::{Lifetimes, Resource, Subject};
use crate::db::access::{assignments, services as service_rows};
use crate::db::console::ended;
use crate::db::events::StoredEvent;
use crate::db::history::StatusInterval;
use crate::db::leavers::Leaver;
use crate::db::organizations::Organization;
use crate::db::signals::{self, StoredSignal};
use crate::db::users::Status;
use crate::db::{Tx, events, history, leavers, organizations, receivers, servers};
use crate::evidence::bundle::{self, Statement};
use crate::evidence::certificate::{Arrival, Certificate, Denial, Downstream, Killed, Search, Told};
use crate::evidence::page;
use crate::live::DENIED_WITHIN;
use crate::model::{Caller, Moment, OrganizationId, ResourceId, Revision, ServiceId, UserId};
use crate::scim::ScimError;
use crate::service::reconciliation;
use crate::service::{ServiceError, Services};
use crate::signals::EventType;

/// Signals about one person that are looked through, the latest: five for each of the receivers an organization may have,
/// several times over.
const MOST_SIGNALS: i64 = 1_000;

/// What the database says of a leaver.
struct Gone {
    organization: Organization,
    arrival: Arrival,
    at: Moment,
    killed: Vec<Killed>,
    told: Vec<Told>,
    downstream: Vec<Downstream>,
    services: Vec<ServiceId>,
    /// From the register; nothing where the process that wrote it is of a version before.
    row: Option<Leaver>,
}

/// The certificate of somebody who is gone as a page to be read and printed, with the name the person bore last. Blocks.
///
/// # Errors
/// As [`certificate`]; 409 where a search contradicts it.
pub fn certificate_page(
    services: &Services,
    caller: &Caller,
    user: UserId,
    host: &str,
) -> Result<String, ServiceError> {
    let text = certificate(services, caller, user, host)?;
    let verified = bundle::verify(&text, None).map_err(|refusal| ScimError::Conflict(refusal.to_string()))?;
    let name = services.live.read(|tx| super::name(tx, caller.organization, user))?;
    page::page(&text, &verified, name.as_deref()).map_err(|error| ServiceError::Internal(error.to_string()))
}

/// The certificate of somebody who is gone, signed with the organization's key; `host` names the deployment. Blocks.
///
/// # Errors
/// [`ServiceError`]; 404 for somebody the organization never had, 409 for somebody who has not left.
pub fn certificate(services: &Services, caller: &Caller, user: UserId, host: &str) -> Result<String, ServiceError> {
    let organization = caller.organization;
    services.live.record_denials()?;
    let gone = services.live.read(|tx| gone(tx, organization, user))?;
    let key = services.administration(caller).evidence_key(&gone.organization, host)?;
    let now = services.clock.now();
    let search = services.live.judge(organization, |rules, revision| {
        let (asked, allowed) = search(rules, user, &gone.services, now);
        Search { revision: number(revision), asked, allowed }
    })?;
    let (denials, denied) = denials(services, organization, &gone)?;
    let certificate = Certificate {
        organization: organization.to_string(),
        slug: gone.organization.slug,
        user: user.to_string(),
        issued_at: services.clock.now().to_string(),
        denials,
        answers_valid_until: Some(denied.plus_micros(Lifetimes::default().other).to_string()),
        arrival: gone.arrival,
        killed: gone.killed,
        told: gone.told,
        downstream: gone.downstream,
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
    let event = events::of_revision(tx, organization, user.into(), revision)?
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
    let handed_over = service_rows::handed_over(tx, organization, user, revision)?;
    for service in service_rows::owned_until(tx, organization, user, revision)? {
        let kind = if handed_over.contains(&service) { "service-handed-over" } else { "service" };
        killed.push(kill(kind, service.into(), event.at));
    }
    let owned = service_rows::of_owner(tx, organization, user)?.into_iter().map(|row| row.service.id).collect();
    for (kind, id) in ended::of_user(tx, organization, user, event.at)? {
        killed.push(kill(kind.as_str(), id, event.at));
    }
    let told = told(tx, organization, user, event.at)?;
    let downstream = downstream(tx, organization, user, event.at)?;
    let row = leavers::at_revision(tx, organization, user, revision)?;
    let (at, arrival) = (event.at, arrival(tx, organization, event, revision)?);
    Ok(Gone { organization: found, arrival, at, killed, told, downstream, services: owned, row })
}

/// Who was told since then that the person is gone, and what they have answered.
fn told(tx: &mut Tx<'_>, organization: OrganizationId, user: UserId, since: Moment) -> Result<Vec<Told>, ServiceError> {
    let receivers = receivers::list(tx, organization)?;
    let name = |id: ResourceId| {
        let found = receivers.iter().map(|stored| &stored.receiver).find(|receiver| receiver.id == id);
        found.map_or_else(|| id.to_string(), |receiver| receiver.name.clone())
    };
    let mut signals = signals::of_subject(tx, organization, user.into(), MOST_SIGNALS)?;
    signals.retain(|signal| {
        signal.created_at >= since && EventType::from_uri(&signal.event).is_some_and(EventType::says_gone)
    });
    signals.sort_unstable_by_key(|signal| signal.id);
    let told = |signal: StoredSignal| Told {
        receiver: name(signal.receiver),
        acknowledged: signal.acknowledged_at().map(|at| at.to_string()),
        signal: signal.id.to_string(),
        event_type: signal.event,
        first_attempt: signal.first_attempt_at.map(|at| at.to_string()),
    };
    Ok(signals.into_iter().map(told).collect())
}

/// What was seen of accounts in downstream systems that were compared since then.
fn downstream(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    user: UserId,
    since: Moment,
) -> Result<Vec<Downstream>, ServiceError> {
    let mut seen = Vec::new();
    for (system, compared) in reconciliation::latest(tx, organization)? {
        if compared.at >= since {
            let has_account = compared.report.leavers.iter().any(|owned| owned.user.parse() == Ok(user));
            seen.push(Downstream { system: system.name, at: compared.at.to_string(), has_account });
        }
    }
    Ok(seen)
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
        ("account", _, Some(account)) => format!("account {account}"),
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

/// Every server that had something of the organization in memory, with the moment from which on it denies, and the moment
/// from which on all do.
fn denials(
    services: &Services,
    organization: OrganizationId,
    gone: &Gone,
) -> Result<(Vec<Denial>, Moment), ServiceError> {
    let denial = |server: ResourceId, at: Moment, how: &str| Denial {
        server: server.to_string(),
        at: at.to_string(),
        how: how.to_owned(),
    };
    if let Some(Leaver { settled: Some(settled), servers, .. }) = &gone.row {
        let mut denials = vec![denial(settled.server, settled.denied_at, "applied")];
        let others = servers.iter().filter(|server| **server != settled.server);
        denials.extend(others.map(|server| denial(*server, settled.settled_at, "acknowledged")));
        return Ok((denials, settled.settled_at));
    }
    let latest = gone.at.plus_micros(i64::try_from(DENIED_WITHIN.as_micros()).unwrap_or(i64::MAX));
    let following = services.live.read::<_, ServiceError>(|tx| Ok(servers::following(tx, organization)?))?;
    Ok((following.into_iter().map(|(server, _)| denial(server, latest, "lease")).collect(), latest))
}

/// How many questions were asked of somebody, and what was allowed: every permission at every scope, on behalf of the person
/// and of every service it answers for. Under whatever circumstances: what only the caller of a decision knows is left out,
/// as it could only forbid.
pub(super) fn search(rules: &Rules<'_>, user: UserId, owned: &[ServiceId], now: Moment) -> (u64, Vec<String>) {
    let subjects = || std::iter::once(Subject::User(user)).chain(owned.iter().copied().map(Subject::Service));
    let (mut asked, mut allowed) = (0_u64, Vec::new());
    for scope in rules.graph.scopes() {
        let resource = Resource { resource_type: scope.path.kind().as_str(), id: scope.path.as_str() };
        for (permission, _) in rules.graph.catalogue().permissions() {
            for subject in subjects() {
                asked = asked.saturating_add(1);
                if is_allowed(rules, subject, permission.as_str(), resource, now) {
                    allowed.push(allowance(subject, permission.as_str(), resource.id));
                }
            }
        }
    }
    allowed.sort_unstable();
    (asked, allowed)
}

fn is_allowed(rules: &Rules<'_>, subject: Subject, permission: &str, resource: Resource<'_>, now: Moment) -> bool {
    let question = Question { subject: Ok(subject), permission, resource, circumstances: None };
    rules.decide(&question, now).is_allowed()
}

fn allowance(subject: Subject, permission: &str, scope: &str) -> String {
    match subject {
        Subject::User(_) => format!("{permission} at {scope}"),
        Subject::Service(service) => format!("{permission} at {scope} to the service {service}"),
    }
}

fn number(revision: Revision) -> u64 {
    u64::try_from(revision.as_i64()).unwrap_or_default()
}
