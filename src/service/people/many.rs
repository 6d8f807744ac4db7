//! Something done to many people: first read by name, then carried out one by one, each with a result. Whoever does it
//! again changes nothing more.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, json};

use crate::access::decide::Question;
use crate::access::gates::Gate;
use crate::access::graph::{Resource, Subject};
use crate::db::Tx;
use crate::db::users::listed::{self, Key};
use crate::model::{Caller, ConnectionId, GroupId, Precondition, UserId, fold};
use crate::service::access::administrators::{Taken, keep_one};
use crate::service::administration::AdministrationError;
use crate::service::{ServiceError, Services};

use super::table::Cell;
use super::{Person, Standing, groups, managers};

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// They become members of a local group.
    Join(GroupId),
    /// They are members of a local group no more.
    Leave(GroupId),
    /// They leave one local group for another.
    Move {
        /// The one they are in.
        from: GroupId,
        /// The one they go to.
        to: GroupId,
    },
    /// They may do nothing from now on: local people are deactivated, those of a connection are suspended.
    Deactivate,
    /// They are deleted.
    Remove,
}

/// What is to be thought of somebody who was named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// It can be done.
    Ready,
    /// It is so already.
    Already,
    /// The same person as in an earlier place.
    Duplicate(usize),
    /// Nobody of the organization is called so.
    Unknown,
    /// Several people are; how many.
    Ambiguous(usize),
    /// This connection sends the person, and removes it.
    Managed(String),
    /// Nobody would be left who administers the organization.
    LastAdministrator,
    /// Is in neither group of a move.
    Elsewhere,
}

/// Somebody who was named.
#[derive(Debug, Clone)]
pub struct Named {
    /// Which it is among all, from 1.
    pub number: usize,
    /// The line it stands on.
    pub line: usize,
    /// As it was given.
    pub given: String,
    /// Who it is.
    pub person: Option<Person>,
    /// What is to be thought of it.
    pub reading: Reading,
}

/// What became of somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Done,
    /// It was not, for this reason.
    Left(Reading),
    /// It was refused while it was done.
    Refused(String),
}

impl Act {
    const fn ends_access(self) -> bool {
        matches!(self, Self::Deactivate | Self::Remove)
    }

    fn groups(self) -> Vec<GroupId> {
        match self {
            Self::Join(group) | Self::Leave(group) => vec![group],
            Self::Move { from, to } => vec![from, to],
            Self::Deactivate | Self::Remove => Vec::new(),
        }
    }
}

/// Reads everybody who is named by id, user name or e-mail address. Nothing is changed. Blocks.
///
/// # Errors
/// [`ServiceError`]; 403 for a group that belongs to a connection, 404 for one that is not there.
pub fn read(services: &Services, caller: &Caller, cells: &[Cell], act: Act) -> Result<Vec<Named>, ServiceError> {
    for group in act.groups() {
        groups::check_local(services, caller, group)?;
    }
    let mut all = services.live.read::<_, ServiceError>(|tx| {
        let managers = managers(tx, caller.organization)?;
        let (mut seen, mut all) = (HashMap::new(), Vec::new());
        for (at, cell) in cells.iter().enumerate() {
            let number = at.saturating_add(1);
            let found = found(tx, caller, &cell.text)?;
            let id = found.first().copied().filter(|_| found.len() == 1);
            let stored = id.map(|id| crate::db::users::by_id(tx, caller.organization, id)).transpose()?.flatten();
            let person = stored.map(|stored| Person::new(stored, &managers)).transpose()?;
            let reading = match &person {
                None if found.len() > 1 => Reading::Ambiguous(found.len()),
                None => Reading::Unknown,
                Some(person) => match seen.insert(person.id, number) {
                    Some(first) => {
                        seen.insert(person.id, first);
                        Reading::Duplicate(first)
                    }
                    None => fit(tx, caller, person, act)?,
                },
            };
            all.push(Named { number, line: cell.line, given: cell.text.clone(), person, reading });
        }
        Ok(all)
    })?;
    spare_an_administrator(services, caller, act, &mut all)?;
    Ok(all)
}

/// Everybody a text may mean. Who has the id is meant by nothing else.
fn found(tx: &mut Tx<'_>, caller: &Caller, text: &str) -> Result<BTreeSet<UserId>, ServiceError> {
    if let Ok(id) = text.parse::<UserId>() {
        return Ok(crate::db::users::by_id(tx, caller.organization, id)?.map(|user| user.id).into_iter().collect());
    }
    let folded = fold(text);
    let mut found = BTreeSet::new();
    for key in [Key::UserName(&folded), Key::Email(&folded)] {
        let users = listed::by_key(tx, caller.organization, ConnectionId::NOBODY, key, 10)?;
        found.extend(users.into_iter().map(|user| user.id));
    }
    Ok(found)
}

/// Whether it can be done to somebody, others left out of account.
fn fit(tx: &mut Tx<'_>, caller: &Caller, person: &Person, act: Act) -> Result<Reading, ServiceError> {
    let is_in = |tx: &mut Tx<'_>, group: GroupId| -> Result<bool, ServiceError> {
        let groups = crate::db::directory::groups_of(tx, caller.organization, person.id)?;
        Ok(groups.iter().any(|one| one.id == group))
    };
    Ok(match act {
        Act::Join(group) if is_in(tx, group)? => Reading::Already,
        Act::Leave(group) if !is_in(tx, group)? => Reading::Already,
        Act::Move { from, to } if !is_in(tx, from)? => {
            if is_in(tx, to)? {
                Reading::Already
            } else {
                Reading::Elsewhere
            }
        }
        Act::Deactivate if person.standing() != Standing::Active => Reading::Already,
        Act::Remove => match &person.manager {
            Some(manager) => Reading::Managed(manager.name.clone()),
            None => Reading::Ready,
        },
        Act::Join(_) | Act::Leave(_) | Act::Move { .. } | Act::Deactivate => Reading::Ready,
    })
}

/// Of those who administer the organization the last one that is named stays.
fn spare_an_administrator(
    services: &Services,
    caller: &Caller,
    act: Act,
    all: &mut [Named],
) -> Result<(), ServiceError> {
    let add = |taken: &mut Taken, id: UserId| match act {
        Act::Deactivate | Act::Remove => drop(taken.users.insert(id)),
        Act::Leave(group) | Act::Move { from: group, .. } => drop(taken.memberships.insert((group, id.into()))),
        Act::Join(_) => {}
    };
    let now = services.clock.now();
    let leaves_one = |taken: &Taken| match services.live.read(|tx| keep_one(tx, caller.organization, now, taken)) {
        Ok(_) => Ok(true),
        Err(AdministrationError::InUse(_)) => Ok(false),
        Err(error) => Err(ServiceError::from(error)),
    };
    let ready = |one: &Named| one.reading == Reading::Ready;
    let id = |one: &Named| one.person.as_ref().map(|person| person.id);
    let mut together = Taken::default();
    all.iter().filter(|one| ready(one)).filter_map(id).for_each(|id| add(&mut together, id));
    if leaves_one(&together)? {
        return Ok(());
    }
    // Somebody must stay: one by one, each beside those before.
    let mut taken = Taken::default();
    for one in all.iter_mut().filter(|one| ready(one)) {
        let Some(id) = id(one) else { continue };
        let before = taken.clone();
        add(&mut taken, id);
        if !leaves_one(&taken)? {
            taken = before;
            one.reading = Reading::LastAdministrator;
        }
    }
    Ok(())
}

/// Does it to everybody to whom it can be done, one by one. Blocks.
///
/// # Errors
/// As [`read`]; what is refused of one person stands beside that person.
pub fn carry_out(
    services: &Services,
    caller: &Caller,
    cells: &[Cell],
    act: Act,
) -> Result<Vec<(Named, Outcome)>, ServiceError> {
    let all = read(services, caller, cells, act)?;
    let outcomes = all.into_iter().map(|one| {
        let outcome = match (&one.reading, &one.person) {
            (Reading::Ready, Some(person)) => match carry_out_one(services, caller, person, act) {
                Ok(()) => Outcome::Done,
                Err(ServiceError::Scim(error)) => Outcome::Refused(error.to_string()),
                Err(error) => {
                    tracing::error!(error = %error, "one of many people could not be changed");
                    Outcome::Refused("the server could not do it now; do it again for those who are left".to_owned())
                }
            },
            (reading, _) => Outcome::Left(reading.clone()),
        };
        (one, outcome)
    });
    Ok(outcomes.collect())
}

fn carry_out_one(services: &Services, caller: &Caller, person: &Person, act: Act) -> Result<(), ServiceError> {
    let any = Precondition::None;
    let member = person.id.into();
    match act {
        Act::Join(group) => groups::add(services, caller, group, member, &any),
        Act::Leave(group) => groups::remove(services, caller, group, member, &any),
        // Into the one first: whoever fails half way has both and can be moved again.
        Act::Move { from, to } => groups::add(services, caller, to, member, &any)
            .and_then(|()| groups::remove(services, caller, from, member, &any)),
        Act::Deactivate if person.manager.is_some() => {
            super::suspend(services, caller, person.id, None, &any).map(drop)
        }
        Act::Deactivate => {
            let inactive = Map::from_iter([("active".to_owned(), json!(false))]);
            super::change(services, caller, person.id, inactive, &any).map(drop)
        }
        Act::Remove => super::delete(services, caller, person.id, &any),
    }
}

/// The gates that fewer people could pass than must, once it is done to all of them; with how many could.
///
/// # Errors
/// [`ServiceError::Unavailable`] when it cannot be judged.
pub fn starved(
    services: &Services,
    caller: &Caller,
    all: &[Named],
    act: Act,
) -> Result<Vec<(Gate, usize)>, ServiceError> {
    if !act.ends_access() {
        return Ok(Vec::new());
    }
    let now = services.clock.now();
    let people: Vec<Subject> = all
        .iter()
        .filter(|one| one.reading == Reading::Ready)
        .filter_map(|one| one.person.as_ref().map(|person| Subject::User(person.id)))
        .collect();
    Ok(services.live.judge(caller.organization, |rules, _| {
        let mut starved = Vec::new();
        for gate in rules.gates(now) {
            let resource = Resource { resource_type: gate.scope.kind().as_str(), id: gate.scope.as_str() };
            let permission = gate.permission.as_str();
            let passes = |subject: &&Subject| {
                let question = Question { subject: Ok(**subject), permission, resource, circumstances: None };
                rules.decide(&question, now).is_allowed()
            };
            let leaving = people.iter().filter(passes).count();
            let left = gate.passing.saturating_sub(leaving);
            if leaving > 0 && u32::try_from(left).unwrap_or(u32::MAX) < gate.bounds.minimum() {
                starved.push((gate, left));
            }
        }
        starved
    })?)
}
