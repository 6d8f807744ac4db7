//! Mirrors: the teams of GitHub, and who may administer, maintain and write its repositories, kept as groups of a
//! connection, so that roles are mapped to them like to any other group.
//!
//! Nothing is believed of webhooks but that it is time to look. A refresh takes all that GitHub says or nothing of it.

mod refresh;

use serde_json::json;
use zeroize::Zeroizing;

use crate::db::mirrors::{self, MirrorRow, MirrorState};
use crate::db::organizations;
use crate::db::reconciliations::DownstreamSystem;
use crate::db::{AdministrationRow, Tx, WriteSet};
use crate::db::{assertions, groups};
use crate::ids;
use crate::live::Decision;
use crate::model::{
    Connection, ConnectionName, CredentialId, GroupId, Moment, OrganizationId, Precondition, Profile, ResourceId,
    SubjectTemplate, limits,
};
use crate::scim::ScimError;
use crate::service::administration::connections;
use crate::service::administration::{Administration, AdministrationError};
use crate::service::provisioning;
use crate::service::reconciliation::systems;
use crate::service::{ServiceError, Services};

pub use crate::db::mirrors::Mirror;
pub use refresh::{Refreshed, look, refresh};

/// Minutes between two refreshes: a quarter of an hour unless something else is said, five at least, a day at most.
pub const USUAL_MINUTES: i64 = 15;
const LEAST_MINUTES: i64 = 5;
const MOST_MINUTES: i64 = 24 * 60;
/// A webhook makes a mirror due, but not sooner after it was last tried than this: ten seconds.
const NUDGED_AFTER_MICROS: i64 = 10_000_000;
/// For how many seconds a webhook is known again.
const KNOWN_SECONDS: i64 = 24 * 3_600;
/// Rows read at a time.
const BATCH: i64 = 500;

/// A mirror as it is to be.
#[derive(Debug, Clone)]
pub struct NewMirror {
    /// What its connection is called, when there is none yet; like the system if nothing is said.
    pub connection: Option<ConnectionName>,
    /// The userName of an account's owner; without it accounts are somebody's only where an administrator has said so.
    pub subject: Option<SubjectTemplate>,
    /// The repositories that count; empty for all.
    pub repositories: Vec<String>,
    /// Minutes between two refreshes.
    pub minutes: i64,
    /// What GitHub signs its webhooks with; without it none are taken.
    pub webhook_secret: Option<Zeroizing<String>>,
}

impl NewMirror {
    fn check(&self) -> Result<(), AdministrationError> {
        let unfit = |message: String| Err(AdministrationError::Unfitting(message));
        if !(LEAST_MINUTES..=MOST_MINUTES).contains(&self.minutes) {
            return unfit(format!("a mirror is refreshed every {LEAST_MINUTES} to {MOST_MINUTES} minutes"));
        }
        if self.repositories.len() > limits::MIRRORED_REPOSITORIES {
            return unfit(format!("name at most {} repositories", limits::MIRRORED_REPOSITORIES));
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let is_name = |name: &&String| !name.is_empty() && name.len() <= 100 && name.chars().all(plain);
        if let Some(bad) = self.repositories.iter().find(|name| !is_name(name)) {
            return unfit(format!("`{bad}` is no name of a repository; leave out the organization"));
        }
        match &self.webhook_secret {
            // Whoever signs with next to nothing signs for everybody.
            Some(secret) if secret.len() < 16 || secret.len() > limits::REASON_CHARACTERS => {
                unfit(format!("the secret of webhooks must hold 16 to {} bytes", limits::REASON_CHARACTERS))
            }
            _ => Ok(()),
        }
    }
}

impl Administration {
    /// Mirrors the groups of a system that is GitHub's, or says how from now on; it is refreshed soon.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`]; [`AdministrationError::Unfitting`] for a system that is not fetched;
    /// [`AdministrationError::Taken`] when another connection has the name.
    pub fn set_mirror(
        &self,
        organization: OrganizationId,
        system: ResourceId,
        wanted: &NewMirror,
    ) -> Result<Mirror, AdministrationError> {
        wanted.check()?;
        let cause = self.cause(organization);
        self.live.write(&cause, |tx| {
            // Together with the revision this keeps two changes from taking spellings of one name at once.
            let seen = organizations::revision(tx, organization)?;
            let named = systems::found(tx, organization, system)?;
            if named.github.is_none() {
                let message = "only systems that are fetched from GitHub are mirrored".to_owned();
                return Err(AdministrationError::Unfitting(message));
            }
            let now = self.clock.now();
            let mut set = WriteSet::new(organization);
            let before = mirrors::of_system(tx, organization, system)?;
            let connection = if let Some(before) = &before {
                before.connection
            } else {
                set.takes_revision = true;
                set.only_at = seen;
                let name = wanted.connection.clone().map_or_else(|| named.name.parse(), Ok);
                let name: ConnectionName =
                    name.map_err(|error: crate::model::NameError| AdministrationError::Unfitting(error.to_string()))?;
                match connections::find(tx, organization, &name)? {
                    None => {
                        let connection = new_connection(organization, &name, now);
                        connections::add(&mut set, &cause, now, &connection);
                        connection.id
                    }
                    // That of a mirror there was before.
                    Some(other) if is_left(tx, &other)? => {
                        let row = AdministrationRow::PauseConnection { id: other.id, paused: false };
                        set.administration.push(row);
                        let details = json!({ "name": other.name });
                        set.events.push(cause.event(now, "connection.resumed", other.id.into(), &details));
                        other.id
                    }
                    Some(other) => return Err(connections::taken(&other)),
                }
            };
            let seal =
                |tx: &mut Tx<'_>, secret: &Zeroizing<String>| self.live.seal_secret(tx, organization, system, secret);
            let webhook_secret = wanted.webhook_secret.as_ref().map(|secret| seal(tx, secret)).transpose()?;
            let mirror = Mirror {
                system,
                connection,
                subject: wanted.subject.as_ref().map(ToString::to_string),
                repositories: wanted.repositories.clone(),
                minutes: wanted.minutes,
                webhook_secret,
                due_at: now,
                state: before.map_or_else(MirrorState::default, |before| before.state),
            };
            let details = json!({ "system": named.name, "connection": connection.to_string(), "subject": mirror.subject,
                "repositories": mirror.repositories, "minutes": mirror.minutes,
                "webhook": mirror.webhook_secret.is_some() });
            let row = MirrorRow::Set(Box::new(mirror.clone()));
            set.administration.push(AdministrationRow::Mirror(row));
            set.events.push(cause.event(now, "mirror.set", system, &details));
            Ok(Decision::Write(Box::new(set), mirror))
        })
    }

    /// The mirror of a system.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`].
    pub fn mirror(&self, organization: OrganizationId, system: ResourceId) -> Result<Mirror, AdministrationError> {
        self.live.read(|tx| Ok(found(tx, organization, system)?.1))
    }

    /// The mirrors of an organization.
    ///
    /// # Errors
    /// [`AdministrationError::Database`].
    pub fn mirrors(&self, organization: OrganizationId) -> Result<Vec<Mirror>, AdministrationError> {
        Ok(self.live.read(|tx| mirrors::list(tx, organization))?)
    }
}

fn new_connection(organization: OrganizationId, name: &ConnectionName, now: Moment) -> Connection {
    Connection {
        organization,
        id: ids::connection(now),
        name: name.to_string(),
        profile: Profile::Github,
        paused: false,
        assigns_roles: false,
        asynchronous: false,
    }
}

/// Whether a connection was that of a mirror, and is of none now.
fn is_left(tx: &mut Tx<'_>, connection: &Connection) -> Result<bool, AdministrationError> {
    let all = mirrors::list(tx, connection.organization)?;
    Ok(connection.profile == Profile::Github && all.iter().all(|mirror| mirror.connection != connection.id))
}

/// A system and its mirror, which must be there.
fn found(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    system: ResourceId,
) -> Result<(DownstreamSystem, Mirror), AdministrationError> {
    let named = systems::found(tx, organization, system)?;
    let missing = || AdministrationError::NotFound("the groups of this system are not mirrored".to_owned());
    Ok((named, mirrors::of_system(tx, organization, system)?.ok_or_else(missing)?))
}

/// Ends a mirror: its groups are deleted, for nobody would keep them true. Its connection stays, paused. Blocks.
///
/// # Errors
/// [`ServiceError`]; 404.
pub fn remove(
    services: &Services,
    administration: &Administration,
    organization: OrganizationId,
    system: ResourceId,
) -> Result<(), ServiceError> {
    let services = services.within(organization)?;
    let mirror = administration.mirror(organization, system)?;
    // First, so that no refresh begins that would make them anew.
    let now = services.clock.now();
    let until = now.plus_micros(refresh::CLAIMED_MICROS);
    if !services.live.note(|tx| mirrors::claim(tx, (organization, system), now, until, until))? {
        return Err(being_refreshed());
    }
    let caller = refresh::caller(&services, organization, &mirror, false);
    loop {
        let first = GroupId::from(ResourceId::FIRST);
        let page = services
            .live
            .read::<_, ServiceError>(|tx| Ok(groups::page_after(tx, organization, mirror.connection, first, BATCH)?))?;
        if page.is_empty() {
            break;
        }
        for group in page {
            provisioning::groups::delete(&services, &caller, &group.id.to_string(), &Precondition::None)?;
        }
    }
    let cause = administration.cause(organization);
    services.live.write(&cause, |tx| {
        let (named, mirror) = found(tx, organization, system)?;
        let now = services.clock.now();
        let mut set = WriteSet::new(organization);
        set.takes_revision = true;
        set.administration.push(AdministrationRow::Mirror(MirrorRow::Remove(system)));
        set.administration.push(AdministrationRow::PauseConnection { id: mirror.connection, paused: true });
        set.events.push(cause.event(now, "mirror.removed", system, &json!({ "system": named.name })));
        set.events.push(cause.event(now, "connection.paused", mirror.connection.into(), &json!({})));
        Ok::<_, ServiceError>(Decision::Write(Box::new(set), ()))
    })
}

fn being_refreshed() -> ServiceError {
    ScimError::Conflict("the mirror is being refreshed; try again in a while".to_owned()).into()
}

/// What webhooks about a mirror are signed with, and whose it is; `None` where none are taken. Blocks.
///
/// # Errors
/// [`ServiceError`].
pub fn webhook_secret(
    services: &Services,
    slug: &str,
    system: ResourceId,
) -> Result<Option<(OrganizationId, Zeroizing<String>)>, ServiceError> {
    services.live.read(|tx| {
        let Some(organization) = organizations::by_slug(tx, slug)? else { return Ok(None) };
        let Some(mirror) = mirrors::of_system(tx, organization.id, system)? else { return Ok(None) };
        let Some(sealed) = mirror.webhook_secret else { return Ok(None) };
        let secret = services.live.open_secret(tx, organization.id, system, &sealed)?;
        Ok(secret.map(|secret| (organization.id, Zeroizing::new(secret))))
    })
}

/// GitHub says that something has changed: the mirror is refreshed soon. The same message again changes nothing, and many
/// of them do not make it be refreshed more often than every ten seconds. Blocks.
///
/// # Errors
/// [`ServiceError`].
pub fn nudge(
    services: &Services,
    organization: OrganizationId,
    system: ResourceId,
    digest: &str,
) -> Result<(), ServiceError> {
    let mirror = services.live.read::<_, ServiceError>(|tx| Ok(mirrors::of_system(tx, organization, system)?))?;
    let Some(mirror) = mirror else { return Ok(()) };
    let now = services.clock.now();
    // While it fails it is tried again by the clock: GitHub may have asked not to be asked.
    if mirror.state.problem.is_some() && now < mirror.due_at {
        return Ok(());
    }
    let ends = now.as_micros().div_euclid(1_000_000).saturating_add(KNOWN_SECONDS);
    let named = (digest.as_bytes(), ends);
    if !services.live.note(|tx| assertions::use_once(tx, organization, CredentialId::from(system), named))? {
        return Ok(());
    }
    let soonest = mirror.state.tried_at.map(|at| at.plus_micros(NUDGED_AFTER_MICROS));
    let at: Moment = soonest.map_or(now, |soonest| soonest.max(now));
    Ok(services.live.note(|tx| mirrors::nudge(tx, (organization, system), at))?)
}
