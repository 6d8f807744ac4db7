//! What is so now, by kind.

use std::collections::{BTreeMap, BTreeSet};

use crate::db::{Tx, brakes, credentials, findings, organizations, receivers, signals};
use crate::model::{Condition, Health, Moment, NoticeKind, OrganizationId, ResourceId};
use crate::service::{ServiceError, Services};
use crate::signals::EventType;

/// A receiver has so long to confirm that somebody is gone: 15 minutes.
const PATIENCE_MICROS: i64 = 15 * 60 * 1_000_000;
/// A credential that expires within this is told of: 14 days.
const EXPIRING_MICROS: i64 = 14 * 86_400 * 1_000_000;
/// One that expired longer ago is forgotten: 30 days.
const EXPIRED_MICROS: i64 = 30 * 86_400 * 1_000_000;
/// Causes of one kind that are told apart; beyond that, whoever is told looks anyway.
const MOST: usize = 200;
/// Rows looked at for each of them.
const ROWS: i64 = 1_000;

/// What is so of the kinds that are wanted; a kind that cannot be looked at now is left out.
pub(super) fn find(
    services: &Services,
    organization: OrganizationId,
    wanted: &BTreeSet<NoticeKind>,
    now: Moment,
) -> BTreeMap<NoticeKind, Vec<Condition>> {
    let mut found = BTreeMap::new();
    for kind in wanted {
        let looked = match kind {
            NoticeKind::LeaverNotConfirmed => services.live.read(|tx| not_confirmed(tx, organization, now)),
            NoticeKind::LeaverFound => services.live.read(|tx| left(tx, organization)),
            NoticeKind::ConnectionFailing => failing(services, organization),
            NoticeKind::BrakeFired => services.live.read(|tx| fired(tx, organization)),
            NoticeKind::TokenExpiring => services.live.read(|tx| expiring(tx, organization, now)),
            NoticeKind::GateBelowMinimum => gates(services, organization, now),
        };
        match looked {
            Ok(mut all) => {
                all.truncate(MOST);
                let conditions = all.into_iter().map(|(cause, said)| Condition { kind: *kind, cause, said });
                found.insert(*kind, conditions.collect());
            }
            Err(error) => {
                tracing::warn!(organization = %organization, kind = %kind, error = %error, "a notice cannot be looked for");
            }
        }
    }
    found
}

/// A cause and what is said of it.
type Found = Result<Vec<(String, String)>, ServiceError>;

fn not_confirmed(tx: &mut Tx<'_>, organization: OrganizationId, now: Moment) -> Found {
    let since = now.plus_micros(PATIENCE_MICROS.saturating_neg());
    let mut found = Vec::new();
    for stored in receivers::list(tx, organization)? {
        let receiver = stored.receiver;
        let waiting = signals::waiting(tx, organization, receiver.id, ROWS)?;
        let mut overdue = waiting.iter().filter(|signal| {
            signal.created_at <= since && EventType::from_uri(&signal.event).is_some_and(EventType::says_gone)
        });
        if let Some(first) = overdue.next() {
            let said = format!(
                "The receiver `{}` has not confirmed that people are gone; it was first to be told at {}",
                receiver.name, first.created_at
            );
            found.push((receiver.id.to_string(), said));
        }
    }
    Ok(found)
}

fn left(tx: &mut Tx<'_>, organization: OrganizationId) -> Found {
    let standing = findings::standing(tx, organization, ResourceId::FIRST, ROWS)?;
    let open = standing.into_iter().filter(|finding| finding.acknowledged_at.is_none());
    let said = |finding: &findings::Finding| {
        format!("The still-gone watch has found `{}` of the leaver {}", finding.kind.as_str(), finding.leaver)
    };
    Ok(open.map(|finding| (finding.id.to_string(), said(&finding))).collect())
}

fn failing(services: &Services, organization: OrganizationId) -> Found {
    let administration = services.administration_by_server();
    let activities = administration.activities(organization)?;
    let mut found = Vec::new();
    for connection in administration.connections(organization)? {
        if let Health::Failing { since, .. } = administration.health(&connection, activities.get(&connection.id)) {
            let said = format!("Requests of the connection `{}` have been refused since {since}", connection.name);
            found.push((connection.id.to_string(), said));
        }
    }
    let systems = administration.systems(organization)?;
    for mirror in administration.mirrors(organization)? {
        if let (Some(since), Some(problem)) = (mirror.state.failing_since, mirror.state.problem) {
            let name =
                systems.iter().find(|system| system.id == mirror.system).map_or("?", |system| system.name.as_str());
            let said = format!("The groups of `{name}` have not been refreshed since {since}: {problem}");
            found.push((mirror.system.to_string(), said));
        }
    }
    Ok(found)
}

fn fired(tx: &mut Tx<'_>, organization: OrganizationId) -> Found {
    let connections = organizations::connections(tx, organization)?;
    let quarantines = brakes::quarantines(tx, organization, ResourceId::LAST, ROWS)?;
    let open = quarantines.into_iter().filter(|quarantine| quarantine.closed.is_none());
    let told = open.map(|quarantine| {
        let name = connections.iter().find(|one| one.id == quarantine.connection).map_or("?", |one| one.name.as_str());
        let said = format!(
            "{} of {} people have left over the connection `{name}` at once, and {} of its groups were deleted; all is held \
             until somebody releases or restores the quarantine {}",
            quarantine.people, quarantine.population, quarantine.groups, quarantine.id
        );
        (quarantine.id.to_string(), said)
    });
    Ok(told.collect())
}

fn expiring(tx: &mut Tx<'_>, organization: OrganizationId, now: Moment) -> Found {
    let (from, until) = (now.plus_micros(EXPIRED_MICROS.saturating_neg()), now.plus_micros(EXPIRING_MICROS));
    let all = credentials::list(tx, organization)?.into_iter().map(|stored| stored.credential);
    let soon = all.filter(|one| one.revoked_at.is_none() && one.expires_at > from && one.expires_at <= until);
    let told = soon.map(|one| {
        let said = format!("The credential {} of kind `{}` expires at {}", one.id, one.kind.as_str(), one.expires_at);
        (one.id.to_string(), said)
    });
    Ok(told.collect())
}

fn gates(services: &Services, organization: OrganizationId, now: Moment) -> Found {
    let watched = services.live.judge(organization, |rules, _revision| rules.watched_gates())?;
    let mut found = Vec::new();
    // A gate at a time: no change of access waits for more than one.
    for bounds in watched {
        let gate = services.live.judge(organization, |rules, _revision| rules.gate(bounds, now))?;
        let minimum = gate.bounds.minimum();
        if u32::try_from(gate.passing).unwrap_or(u32::MAX) < minimum {
            let (permission, scope) = (&gate.permission, &gate.scope);
            let said = format!(
                "`{permission}` at `{scope}` can be passed by fewer people than the {minimum} who must be able to"
            );
            found.push((format!("{permission} {scope}"), said));
        }
    }
    Ok(found)
}
