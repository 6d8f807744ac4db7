//! The mass-change brake: when many people leave over one connection at once, or many of its groups go, access is cut as
//! always, and all of it is held until somebody has looked at it.

use std::collections::BTreeMap;

use serde_json::json;

use crate::clock::Clock;
use crate::db::brakes::{self, BrakeRow};
use crate::db::deleted_groups::{self, DeletedGroup};
use crate::db::leavers::{self, How};
use crate::db::organizations::{self, connection};
use crate::db::{AdministrationRow, ResourceKind, Tx, WriteSet};
use crate::ids;
use crate::live::{Cause, Decision, Live};
use crate::model::{
    Actor, Brake, ConnectionId, Departure, EventId, Firing, GroupId, Moment, OrganizationId, Part, ResourceId, UserId,
};
use crate::service::administration::{Administration, AdministrationError, Expected};

use super::restore::{self, Departed};
use super::restore_groups;

pub use crate::db::brakes::{Outcome, Quarantine};

type Result<T> = std::result::Result<T, AdministrationError>;

/// How far back a rehearsal looks: 90 days.
const REHEARSED_MICROS: i64 = 90 * 86_400 * 1_000_000;
/// Rows of the register read at a time.
const BATCH: i64 = 1_000;

/// What became of whom a quarantine held.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Restoration {
    /// Whose access is as it was.
    pub restored: usize,
    /// Who was back already, or had no access before either.
    pub unchanged: usize,
    /// Who is not back, and why.
    pub failed: Vec<(UserId, String)>,
    /// How many groups are there again.
    pub groups: usize,
    /// Which are not, and why.
    pub failed_groups: Vec<(GroupId, String)>,
}

impl Administration {
    /// Sets the brake of a connection.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`].
    pub fn set_brake(&self, organization: OrganizationId, connection: ConnectionId, brake: Brake) -> Result<()> {
        let details = json!({ "share": brake.share(), "least": brake.least(), "minutes": brake.minutes() });
        self.change_brake(organization, connection, ("brake.set", &details), |tx| {
            let same = brakes::of_connection(tx, organization, connection)? == Some(brake);
            Ok((!same).then_some(BrakeRow::Set(connection, brake)))
        })
    }

    /// Sets the brake of a connection, or takes it off, if it is as the caller thinks.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`], [`AdministrationError::PreconditionFailed`].
    pub fn replace_brake(
        &self,
        organization: OrganizationId,
        connection: ConnectionId,
        expected: &Expected<Brake>,
        brake: Option<Brake>,
    ) -> Result<()> {
        let (action, details, row) = match brake {
            Some(brake) => (
                "brake.set",
                json!({ "share": brake.share(), "least": brake.least(), "minutes": brake.minutes() }),
                BrakeRow::Set(connection, brake),
            ),
            None => ("brake.removed", json!({}), BrakeRow::Off(connection)),
        };
        self.change_brake(organization, connection, (action, &details), |tx| {
            let found = brakes::of_connection(tx, organization, connection)?;
            if found == brake {
                return Ok(None);
            }
            expected.check(found.as_ref())?;
            Ok(Some(row))
        })
    }

    /// Takes the brake of a connection off. What it holds stays held.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`].
    pub fn remove_brake(&self, organization: OrganizationId, connection: ConnectionId) -> Result<()> {
        self.change_brake(organization, connection, ("brake.removed", &json!({})), |tx| {
            let is_set = brakes::of_connection(tx, organization, connection)?.is_some();
            Ok(is_set.then_some(BrakeRow::Off(connection)))
        })
    }

    fn change_brake(
        &self,
        organization: OrganizationId,
        connection: ConnectionId,
        (action, details): (&'static str, &serde_json::Value),
        row: impl Fn(&mut Tx<'_>) -> Result<Option<BrakeRow>>,
    ) -> Result<()> {
        let cause = self.cause(organization);
        self.live.write(&cause, |tx| {
            known(tx, organization, connection)?;
            let Some(row) = row(tx)? else { return Ok(Decision::Unchanged(())) };
            let event = cause.event(self.clock.now(), action, connection.into(), details);
            Ok(Decision::Write(Box::new(write(organization, row, event)), ()))
        })
    }

    /// The brake of a connection, where one is set.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`].
    pub fn brake(&self, organization: OrganizationId, connection: ConnectionId) -> Result<Option<Brake>> {
        self.live.read(|tx| {
            known(tx, organization, connection)?;
            Ok(brakes::of_connection(tx, organization, connection)?)
        })
    }

    /// When a brake would have fired in the last 90 days, had it been set.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`].
    pub fn rehearse_brake(
        &self,
        organization: OrganizationId,
        connection: ConnectionId,
        brake: Brake,
    ) -> Result<Vec<Firing>> {
        let since = self.clock.now().plus_micros(REHEARSED_MICROS.saturating_neg());
        let (departures, (people, groups)) = self.live.read(|tx| {
            known(tx, organization, connection)?;
            let mut departures = Vec::new();
            each(tx, (organization, connection), earliest(since), |row| {
                let deleted = row.how == How::Deleted;
                departures.push(Departure { at: row.at, id: row.user.into(), is_group: false, deleted });
            })?;
            each_group(tx, (organization, connection), earliest(since), |row| {
                departures.push(Departure { at: row.at, id: row.group.into(), is_group: true, deleted: true });
            })?;
            departures.sort_by_key(|departure| departure.at);
            Ok::<_, AdministrationError>((departures, present(tx, organization, connection)?))
        })?;
        Ok(brake.rehearse(&departures, people, groups))
    }

    /// The quarantines before `before`, newest first, at most `limit`.
    ///
    /// # Errors
    /// [`AdministrationError::Database`].
    pub fn quarantines(&self, organization: OrganizationId, before: ResourceId, limit: i64) -> Result<Vec<Quarantine>> {
        Ok(self.live.read(|tx| brakes::quarantines(tx, organization, before, limit))?)
    }

    /// One quarantine.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`].
    pub fn quarantine(&self, organization: OrganizationId, id: ResourceId) -> Result<Quarantine> {
        self.live.read(|tx| found(tx, organization, id))
    }

    /// It was meant: whoever left stays gone. Doing so twice changes nothing.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`], [`AdministrationError::InUse`] for one that was restored.
    pub fn release_quarantine(&self, organization: OrganizationId, id: ResourceId) -> Result<Quarantine> {
        self.close(organization, id, Outcome::Released)
    }

    /// It was a mistake: whoever left over the connection since then has again what was cut off, groups, assignments and
    /// services too, and groups that were deleted over it are there again with their members. Nobody is brought back whom
    /// somebody else has suspended or deleted since. Doing so twice goes on where the first time ended.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`], [`AdministrationError::InUse`] for one that was closed.
    pub fn restore_quarantine(&self, organization: OrganizationId, id: ResourceId) -> Result<Restoration> {
        let quarantine = self.live.read(|tx| found(tx, organization, id))?;
        if quarantine.closed.is_some() {
            return Err(decided(&quarantine));
        }
        let mut departed: BTreeMap<UserId, Departed> = BTreeMap::new();
        self.live.read(|tx| {
            each(tx, (organization, quarantine.connection), quarantine.from, |row| {
                let first = Departed { first: row.revision, last: row.revision };
                departed.entry(row.user).or_insert(first).last = row.revision;
            })
        })?;
        let mut deleted = Vec::new();
        self.live.read(|tx| {
            each_group(tx, (organization, quarantine.connection), quarantine.from, |row| deleted.push(*row))
        })?;
        let mut restoration = Restoration::default();
        let mut back = Vec::new();
        // Groups first, and who was in them last: so it does not matter which of them went first.
        for group in deleted {
            match restore_groups::undelete(self, organization, quarantine.connection, group, id) {
                Ok(Some(is_new)) => {
                    restoration.groups = restoration.groups.saturating_add(usize::from(is_new));
                    back.push(group);
                }
                Ok(None) => {}
                Err(AdministrationError::InUse(why) | AdministrationError::Taken(why)) => {
                    restoration.failed_groups.push((group.group, why));
                }
                Err(error) => return Err(error),
            }
        }
        for (user, departed) in departed {
            match restore::bring_back(self, organization, user, departed, id) {
                Ok(true) => restoration.restored = restoration.restored.saturating_add(1),
                Ok(false) => restoration.unchanged = restoration.unchanged.saturating_add(1),
                Err(AdministrationError::InUse(why) | AdministrationError::Taken(why)) => {
                    restoration.failed.push((user, why));
                }
                Err(error) => return Err(error),
            }
        }
        for group in back {
            restore_groups::refill(self, organization, quarantine.connection, group)?;
        }
        self.close(organization, id, Outcome::Restored)?;
        Ok(restoration)
    }

    fn close(&self, organization: OrganizationId, id: ResourceId, outcome: Outcome) -> Result<Quarantine> {
        let cause = self.cause(organization);
        self.live.write(&cause, |tx| {
            let mut quarantine = found(tx, organization, id)?;
            match quarantine.closed {
                Some((_, closed)) if closed == outcome => return Ok(Decision::Unchanged(quarantine)),
                Some(_) => return Err(decided(&quarantine)),
                None => {}
            }
            let now = self.clock.now();
            quarantine.closed = Some((now, outcome));
            let action = match outcome {
                Outcome::Released => "quarantine.released",
                Outcome::Restored => "quarantine.restored",
            };
            let event = cause.event(now, action, id, &json!({ "connection": quarantine.connection.to_string() }));
            let set = write(organization, BrakeRow::Closes(id, now, outcome), event);
            Ok(Decision::Write(Box::new(set), quarantine))
        })
    }
}

/// Looks whether any brake of the deployment is to fire, and opens a quarantine where one is.
///
/// # Errors
/// [`AdministrationError`].
pub fn look(live: &Live, clock: &Clock) -> Result<()> {
    let all = live.read(brakes::everywhere)?;
    all.into_iter()
        .try_for_each(|(organization, connection, brake)| look_at(live, clock, (organization, connection), brake))
}

fn look_at(live: &Live, clock: &Clock, place: (OrganizationId, ConnectionId), brake: Brake) -> Result<()> {
    let now = clock.now();
    let Some(opened) = live.read(|tx| to_open(tx, place, brake, now))? else { return Ok(()) };
    let (organization, connection) = place;
    let cause = Cause { organization, actor: Actor::Server, request: ids::request(now) };
    let details = json!({ "connection": connection.to_string(), "people": opened.people, "population": opened.population,
            "groups": opened.groups });
    tracing::error!(
        organization = %organization, connection.id = %connection, people = opened.people, population = opened.population,
        groups = opened.groups,
        "many people or groups have gone over one connection at once; access is cut, and an administrator is to decide"
    );
    live.write(&cause, |tx| {
        // Another server may have been faster.
        if brakes::last(tx, organization, connection)?.is_some_and(|last| last.closed.is_none()) {
            return Ok(Decision::Unchanged(()));
        }
        let event = cause.event(now, "brake.fired", opened.id, &details);
        Ok(Decision::Write(Box::new(write(organization, BrakeRow::Opens(opened), event)), ()))
    })
}

/// The quarantine to open now, if the brake fires.
fn to_open(
    tx: &mut Tx<'_>,
    (organization, connection): (OrganizationId, ConnectionId),
    brake: Brake,
    now: Moment,
) -> Result<Option<Quarantine>> {
    let last = brakes::last(tx, organization, connection)?;
    let mut since = brake.since(now);
    match last.map(|last| last.closed) {
        Some(None) => return Ok(None),
        // Whatever somebody has decided on does not count again.
        Some(Some((closed, _))) => since = since.max(closed),
        None => {}
    }
    let from = earliest(since);
    let gone = leavers::count(tx, organization, connection, from)?;
    let groups = deleted_groups::count(tx, organization, connection, from)?;
    if gone.people.saturating_add(groups) < brake.least() {
        return Ok(None);
    }
    let (people_there, groups_there) = present(tx, organization, connection)?;
    let population = people_there.saturating_add(gone.deleted);
    let people = Part { gone: gone.people, of: population };
    let fires = brake.fires(people, Part { gone: groups, of: groups_there.saturating_add(groups) });
    let quarantine = Quarantine {
        id: ids::resource(now),
        connection,
        from,
        opened_at: now,
        people: gone.people,
        population,
        groups,
        closed: None,
    };
    Ok(fires.then_some(quarantine))
}

fn earliest(at: Moment) -> EventId {
    EventId::from(ResourceId::earliest_at(at))
}

/// The rows of the register over a connection from an event on.
fn each(
    tx: &mut Tx<'_>,
    (organization, connection): (OrganizationId, ConnectionId),
    from: EventId,
    mut take: impl FnMut(&leavers::Leaver),
) -> Result<()> {
    let mut after = from;
    loop {
        let rows = leavers::of_connection(tx, organization, connection, after, BATCH)?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = last.event;
        rows.iter().for_each(&mut take);
    }
}

/// The groups deleted over a connection from an event on.
fn each_group(
    tx: &mut Tx<'_>,
    (organization, connection): (OrganizationId, ConnectionId),
    from: EventId,
    mut take: impl FnMut(&DeletedGroup),
) -> Result<()> {
    let mut after = from;
    loop {
        let rows = deleted_groups::of_connection(tx, organization, connection, after, BATCH)?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = last.event;
        rows.iter().for_each(&mut take);
    }
}

/// How many people the organization has, and how many groups the connection.
fn present(tx: &mut Tx<'_>, organization: OrganizationId, connection: ConnectionId) -> Result<(i64, i64)> {
    let people = organizations::totals(tx, organization, ConnectionId::NOBODY, ResourceKind::User)?.present;
    Ok((people, organizations::totals(tx, organization, connection, ResourceKind::Group)?.present))
}

fn known(tx: &mut Tx<'_>, organization: OrganizationId, id: ConnectionId) -> Result<()> {
    match connection(tx, organization, id)? {
        Some(_) => Ok(()),
        None => Err(AdministrationError::NotFound("the organization has no such connection".to_owned())),
    }
}

fn found(tx: &mut Tx<'_>, organization: OrganizationId, id: ResourceId) -> Result<Quarantine> {
    let missing = || AdministrationError::NotFound("the organization has no such quarantine".to_owned());
    brakes::quarantine(tx, organization, id)?.ok_or_else(missing)
}

fn decided(quarantine: &Quarantine) -> AdministrationError {
    let outcome = quarantine.closed.map_or("decided", |(_, outcome)| outcome.as_str());
    AdministrationError::InUse(format!("the quarantine was {outcome} already"))
}

fn write(organization: OrganizationId, row: BrakeRow, event: crate::db::events::EventRow) -> WriteSet {
    let mut set = WriteSet::new(organization);
    set.administration.push(AdministrationRow::Brake(row));
    set.events.push(event);
    set
}
