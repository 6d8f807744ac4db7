//! The mass-change brake: when many people leave over one connection at once, they are denied as always, and held until
//! somebody has looked at it.

use std::collections::BTreeMap;

use serde_json::json;

use crate::clock::Clock;
use crate::db::brakes::{self, BrakeRow};
use crate::db::leavers::{self, How};
use crate::db::organizations::{self, connection};
use crate::db::{AdministrationRow, ResourceKind, Tx, WriteSet};
use crate::ids;
use crate::live::{Cause, Decision, Live};
use crate::model::{
    Actor, Brake, ConnectionId, Departure, EventId, Firing, Moment, OrganizationId, ResourceId, UserId,
};
use crate::service::administration::{Administration, AdministrationError, Expected};

use super::restore::{self, Departed};

pub use crate::db::brakes::{Outcome, Quarantine};

type Result<T> = std::result::Result<T, AdministrationError>;

/// How far back a rehearsal looks: 90 days.
const REHEARSED_MICROS: i64 = 90 * 86_400 * 1_000_000;
/// Rows of the register read at a time.
const BATCH: i64 = 1_000;

/// What became of whom a quarantine held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restoration {
    /// Whose access is as it was.
    pub restored: usize,
    /// Who was back already, or had no access before either.
    pub unchanged: usize,
    /// Who is not back, and why.
    pub failed: Vec<(UserId, String)>,
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
        let (departures, present) = self.live.read(|tx| {
            known(tx, organization, connection)?;
            let mut departures = Vec::new();
            each(tx, (organization, connection), earliest(since), |row| {
                departures.push(Departure { at: row.at, user: row.user, deleted: row.how == How::Deleted });
            })?;
            let totals = organizations::totals(tx, organization, ConnectionId::NOBODY, ResourceKind::User)?;
            Ok::<_, AdministrationError>((departures, totals.present))
        })?;
        Ok(brake.rehearse(&departures, present))
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
    /// services too. Nobody is brought back whom somebody else has suspended or deleted since. Doing so twice goes on
    /// where the first time ended.
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
        let mut restoration = Restoration { restored: 0, unchanged: 0, failed: Vec::new() };
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
    let details =
        json!({ "connection": connection.to_string(), "people": opened.people, "population": opened.population });
    tracing::error!(
        organization = %organization, connection.id = %connection, people = opened.people, population = opened.population,
        "many people have left over one connection at once; they are denied, and held until an administrator decides"
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
    if gone.people < brake.least() {
        return Ok(None);
    }
    let present = organizations::totals(tx, organization, ConnectionId::NOBODY, ResourceKind::User)?.present;
    let population = present.saturating_add(gone.deleted);
    let quarantine = Quarantine {
        id: ids::resource(now),
        connection,
        from,
        opened_at: now,
        people: gone.people,
        population,
        closed: None,
    };
    Ok(brake.fires(gone.people, population).then_some(quarantine))
}

/// Whether somebody's data must be kept because a quarantine holds it: whoever purges asks first.
///
/// # Errors
/// [`AdministrationError::Database`].
pub fn holds(tx: &mut Tx<'_>, organization: OrganizationId, user: UserId) -> Result<bool> {
    for row in leavers::of_user(tx, organization, user)? {
        let last = brakes::last(tx, organization, row.connection)?;
        if last.is_some_and(|last| last.closed.is_none() && row.event >= last.from) {
            return Ok(true);
        }
    }
    Ok(false)
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
