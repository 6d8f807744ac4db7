//! One or many write sets as statements, in an order that keeps the organization's lock short.
//!
//! First whatever bears no revision; then the revisions are taken, which holds the organizations' locks until the
//! commit; then the intervals and events that bear them. Every statement must touch exactly the rows it names.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::LazyLock;

use crate::model::{ConnectionId, GroupId, Moment, OrganizationId, ResourceId, Revision};

use super::super::groups::GroupChange;
use super::super::pipeline::Pipeline;
use super::super::sql::Bind;
use super::super::{
    AdministrationRow, ResourceKind, Tx, WriteSet, access, console, credentials, deleted_groups, demonstrations,
    events, extension_schemas, groups, keyring, leavers, memberships, organizations, proofs, receivers, role_offers,
    signals, streams, users,
};
use super::{WriteError, Written};

/// Counters of this server stand in one of so many shards.
const SHARDS: u64 = 16;
/// The shard of this process, drawn by lot, so that servers hardly wait for each other's commits.
static SHARD: LazyLock<i64> =
    LazyLock::new(|| i64::try_from(RandomState::new().build_hasher().finish() % SHARDS).unwrap_or_default());

type Rows<'a> = Vec<Vec<Bind<'a>>>;
/// How often each group is touched, and when last. A statement updates a row once, however often it is named.
type Touches = BTreeMap<(OrganizationId, GroupId), (i64, Moment)>;
/// What comes to each list and what goes from it.
type Sums = BTreeMap<(OrganizationId, ConnectionId, ResourceKind), (i64, i64)>;

/// Writes all sets; the caller has begun a transaction and ends it.
pub(super) fn all(tx: &mut Tx<'_>, sets: &[&WriteSet]) -> Result<Vec<Written>, WriteError> {
    let (touches, sums) = (touches(sets), sums(sets));
    let mut pipeline = Pipeline::new(tx);
    administration(&mut pipeline, sets)?;
    without_revision(&mut pipeline, sets, &touches)?;
    pipeline.exactly(&organizations::COUNT, counted(&sums))?;
    let revisions = take_revisions(&mut pipeline, sets)?;
    with_revision(&mut pipeline, sets, &revisions)?;
    pipeline.answered()?;
    Ok(revisions.into_iter().map(|revision| Written { revision }).collect())
}

fn gather<'a, T: 'a>(
    sets: &[&'a WriteSet],
    rows: impl Fn(&'a WriteSet) -> &'a [T],
    binds: impl Fn(&'a T, &'a OrganizationId) -> Vec<Bind<'a>>,
) -> Rows<'a> {
    sets.iter().flat_map(|set| rows(set).iter().map(|row| binds(row, &set.organization)).collect::<Vec<_>>()).collect()
}

fn without_revision<'a>(
    pipeline: &mut Pipeline<'_, '_, 'a>,
    sets: &[&'a WriteSet],
    touches: &'a Touches,
) -> Result<(), WriteError> {
    // What admits people is touched before them, here as where somebody joins.
    for set in sets {
        console::end_credentials_of_leavers(pipeline, &set.organization, &set.statuses, &set.addresses_of_leavers)?;
    }
    pipeline.exactly(&users::INSERT, gather(sets, |s| &s.users_created, users::UserRow::binds))?;
    pipeline.exactly(&users::INSERT_FIRST_STATUS, gather(sets, |s| &s.users_created, users::UserRow::first_status))?;
    pipeline.exactly(&users::UPDATE, gather(sets, |s| &s.users_changed, users::UserChange::binds))?;
    pipeline.exactly(&users::SUSPEND, gather(sets, |s| &s.suspensions, users::SuspensionChange::binds))?;
    for set in sets {
        for change in &set.suspensions {
            change.pardon(&set.organization).map_or(Ok(()), |pardon| pipeline.run(pardon))?;
        }
    }
    pipeline.exactly(&users::DELETE, gather(sets, |s| &s.users_deleted, users::UserDeletion::binds))?;
    pipeline.exactly(&users::RESTORE, gather(sets, |s| &s.users_restored, users::UserRestoration::binds))?;
    pipeline.exactly(&users::DELETE_EMAIL, gather(sets, |s| &s.emails_removed, users::EmailRow::binds))?;
    pipeline.exactly(&users::INSERT_EMAIL, gather(sets, |s| &s.emails_added, users::EmailRow::binds))?;
    pipeline.exactly(&groups::INSERT, gather(sets, |s| &s.groups_created, groups::GroupRow::binds))?;
    change_groups(pipeline, sets, touches)
}

fn touches(sets: &[&WriteSet]) -> Touches {
    let mut touched = Touches::new();
    for set in sets {
        for change in &set.groups_changed {
            if let GroupChange::Touch { id, modified_at } = change {
                let entry = touched.entry((set.organization, *id)).or_insert((0, *modified_at));
                *entry = (entry.0.saturating_add(1), entry.1.max(*modified_at));
            }
        }
    }
    touched
}

fn change_groups<'a>(
    pipeline: &mut Pipeline<'_, '_, 'a>,
    sets: &[&'a WriteSet],
    touches: &'a Touches,
) -> Result<(), WriteError> {
    let mut replaced: Rows<'a> = Vec::new();
    let mut deleted: Rows<'a> = Vec::new();
    let mut restored: Rows<'a> = Vec::new();
    for set in sets {
        let organization = &set.organization;
        for change in &set.groups_changed {
            match change {
                GroupChange::Replace { id, expected, names, modified_at, document } => {
                    replaced.push(groups::replace_binds(organization, id, *expected, names, *modified_at, document));
                }
                GroupChange::Touch { .. } => {}
                GroupChange::Delete { id, expected, at } => {
                    deleted.push(groups::versioned_binds(organization, id, *expected, *at));
                }
                GroupChange::Restore { id, expected, at } => {
                    restored.push(groups::versioned_binds(organization, id, *expected, *at));
                }
            }
        }
    }
    pipeline.exactly(&groups::REPLACE, replaced)?;
    pipeline.exactly(&groups::DELETE, deleted)?;
    pipeline.exactly(&groups::RESTORE, restored)?;
    let touches = touches
        .iter()
        .map(|((organization, id), (times, at))| {
            vec![
                Bind::Bytes(organization.as_bytes()),
                Bind::Bytes(id.as_bytes()),
                Bind::Int(*times),
                Bind::Int(at.as_micros()),
            ]
        })
        .collect();
    pipeline.exactly(&groups::TOUCH, touches)
}

fn sums(sets: &[&WriteSet]) -> Sums {
    let mut sums = Sums::new();
    for set in sets {
        for count in &set.counts {
            let sum = sums.entry((set.organization, count.connection, count.kind)).or_default();
            *sum = (sum.0.saturating_add(count.present), sum.1.saturating_add(count.deleted));
        }
    }
    sums
}

fn counted(sums: &Sums) -> Rows<'_> {
    sums.iter()
        .map(|((organization, connection, kind), (present, deleted))| {
            vec![
                Bind::Bytes(organization.as_bytes()),
                Bind::Bytes(connection.as_bytes()),
                Bind::Int(kind.as_i64()),
                Bind::Int(*SHARD),
                Bind::Int(*present),
                Bind::Int(*deleted),
            ]
        })
        .collect()
}

fn take_revisions(
    pipeline: &mut Pipeline<'_, '_, '_>,
    sets: &[&WriteSet],
) -> Result<Vec<Option<Revision>>, WriteError> {
    let mut wanted: BTreeMap<OrganizationId, i64> = BTreeMap::new();
    for set in sets.iter().filter(|set| set.takes_revision) {
        let times = wanted.entry(set.organization).or_default();
        *times = times.saturating_add(1);
    }
    if wanted.is_empty() {
        return Ok(sets.iter().map(|_| None).collect());
    }
    let wanted: Vec<_> = wanted.into_iter().collect();
    let taken = organizations::take_revisions(pipeline.answered()?, &wanted)?;
    if taken.len() != wanted.len() {
        return Err(WriteError::Stale);
    }
    let times: BTreeMap<_, _> = wanted.into_iter().collect();
    let mut next: BTreeMap<OrganizationId, i64> = taken
        .into_iter()
        .map(|(id, last)| (id, last.as_i64().saturating_sub(times.get(&id).copied().unwrap_or(1)).saturating_add(1)))
        .collect();
    sets.iter()
        .map(|set| {
            if !set.takes_revision {
                return Ok(None);
            }
            let number = next.get_mut(&set.organization).ok_or(WriteError::Stale)?;
            let revision = Revision::new(*number);
            *number = number.saturating_add(1);
            match set.only_at {
                Some(at) if at.as_i64().saturating_add(1) != revision.as_i64() => Err(WriteError::Stale),
                _ => Ok(Some(revision)),
            }
        })
        .collect()
}

fn with_revision<'a>(
    pipeline: &mut Pipeline<'_, '_, 'a>,
    sets: &[&'a WriteSet],
    revisions: &[Option<Revision>],
) -> Result<(), WriteError> {
    let mut closed: Rows<'a> = Vec::new();
    let mut opened: Rows<'a> = Vec::new();
    let mut left: Rows<'a> = Vec::new();
    let mut joined: Rows<'a> = Vec::new();
    let mut identified: Rows<'a> = Vec::new();
    let mut former: Rows<'a> = Vec::new();
    let mut gone: Rows<'a> = Vec::new();
    let mut groups_gone: Rows<'a> = Vec::new();
    let mut recorded: Rows<'a> = Vec::new();
    for (set, revision) in sets.iter().zip(revisions) {
        let organization = &set.organization;
        recorded.extend(set.events.iter().map(|event| event.binds(organization, *revision)));
        let Some(revision) = *revision else { continue };
        closed.extend(set.statuses.iter().map(|change| change.close(organization, revision)));
        groups_gone.extend(set.groups_deleted.iter().map(|row| row.binds(organization, revision)));
        gone.extend(set.leavers.iter().map(|leaver| leaver.binds(organization, revision)));
        opened.extend(set.statuses.iter().map(|change| change.open(organization, revision)));
        left.extend(set.left.iter().map(|change| change.leave(organization, revision)));
        joined.extend(set.joined.iter().map(|change| change.join(organization, revision)));
        former.extend(set.former_facts.iter().map(|facts| facts.binds(organization, revision)));
        identified.extend(set.identified.iter().map(|user| users::identified_binds(organization, revision, user)));
    }
    pipeline.exactly(&users::IDENTIFY, identified)?;
    pipeline.exactly(&access::facts::FORMER, former)?;
    change_access(pipeline, sets, revisions)?;
    pipeline.exactly(&users::CLOSE_STATUS, closed)?;
    pipeline.exactly(&users::OPEN_STATUS, opened)?;
    pipeline.exactly(&leavers::INSERT, gone)?;
    pipeline.exactly(&deleted_groups::INSERT, groups_gone)?;
    // A deletion ends memberships first: whoever leaves at a later revision, in the same commit, was in no group any more.
    for (set, revision) in sets.iter().zip(revisions) {
        let Some(revision) = *revision else { continue };
        for gone in &set.users_deleted {
            memberships::leave_everywhere(pipeline.answered()?, set.organization, gone.id.into(), revision, gone.at)?;
        }
        for change in &set.groups_changed {
            if let GroupChange::Delete { id, at, .. } = change {
                pipeline.run(memberships::empty(&set.organization, id, revision))?;
                memberships::leave_everywhere(
                    pipeline.answered()?,
                    set.organization,
                    ResourceId::from(*id),
                    revision,
                    *at,
                )?;
            }
        }
    }
    pipeline.exactly(&memberships::LEAVE, left)?;
    pipeline.exactly(&memberships::JOIN, joined)?;
    pipeline.exactly(&signals::INSERT, gather(sets, |s| &s.signals, signals::SignalRow::binds))?;
    pipeline.exactly(&events::INSERT, recorded)
}

fn change_access<'a>(
    pipeline: &mut Pipeline<'_, '_, 'a>,
    sets: &[&'a WriteSet],
    revisions: &[Option<Revision>],
) -> Result<(), WriteError> {
    for (set, revision) in sets.iter().zip(revisions) {
        if let (Some(seen), Some(revision)) = (set.access_state, revision)
            && access::change_state(pipeline.answered()?, set.organization, *revision, seen)? != 1
        {
            return Err(WriteError::Stale);
        }
    }
    let rows = sets
        .iter()
        .zip(revisions)
        .filter_map(|(set, revision)| Some((set, (*revision)?)))
        .flat_map(|(set, revision)| set.access.iter().map(move |row| (&set.organization, revision, row)));
    for (statement, rows) in access::by_statement(rows) {
        pipeline.exactly(statement, rows)?;
    }
    Ok(())
}

fn administration(pipeline: &mut Pipeline<'_, '_, '_>, sets: &[&WriteSet]) -> Result<(), WriteError> {
    for set in sets.iter().filter(|set| !set.administration.is_empty()) {
        administrate(pipeline.answered()?, set)?;
    }
    Ok(())
}

fn administrate(tx: &mut Tx<'_>, set: &WriteSet) -> Result<(), WriteError> {
    for row in &set.administration {
        let touched = match row {
            AdministrationRow::Organization { id, slug, name, created_at, certification } => {
                organizations::insert(tx, *id, slug, name, (*created_at, *certification))?
            }
            AdministrationRow::RenameOrganization { before, name } => {
                organizations::rename(tx, set.organization, before, name)?
            }
            AdministrationRow::SuspendOrganization { at } => organizations::suspend(tx, set.organization, *at)?,
            AdministrationRow::Key(key) => keyring::insert(tx, key)?,
            AdministrationRow::Connection { connection, created_at } => {
                organizations::insert_connection(tx, connection, *created_at)?
            }
            AdministrationRow::PauseConnection { id, paused } => {
                let connection = (set.organization, *id);
                organizations::switch_connection(tx, &organizations::PAUSE_CONNECTION, connection, *paused)?
            }
            AdministrationRow::AssignRoles { id, on } => {
                let connection = (set.organization, *id);
                organizations::switch_connection(tx, &organizations::ASSIGN_ROLES, connection, *on)?
            }
            AdministrationRow::Asynchronous { id, on } => {
                let connection = (set.organization, *id);
                organizations::switch_connection(tx, &organizations::SET_ASYNCHRONOUS, connection, *on)?
            }
            AdministrationRow::OfferRole(offer) => role_offers::insert(tx, set.organization, offer)?,
            AdministrationRow::WithdrawRole { id } => role_offers::delete(tx, set.organization, *id)?,
            AdministrationRow::RenameConnection { id, name } => {
                organizations::rename_connection(tx, set.organization, *id, name)?
            }
            AdministrationRow::Brake(row) => row.write(tx, set.organization)?,
            AdministrationRow::Finding(row) => row.write(tx, set.organization)?,
            AdministrationRow::Reconciliation(row) => row.write(tx, set.organization)?,
            AdministrationRow::Mirror(row) => row.write(tx, set.organization)?,
            AdministrationRow::Notification(row) => row.write(tx, set.organization)?,
            AdministrationRow::Credential { credential, created_at } => {
                credentials::insert(tx, credential, *created_at)?
            }
            AdministrationRow::ExtensionSchema { row, created_at } => {
                extension_schemas::insert(tx, set.organization, row, *created_at)?
            }
            AdministrationRow::RemoveExtensionSchema { urn_key } => {
                extension_schemas::delete(tx, set.organization, urn_key)?
            }
            AdministrationRow::Console(row) => row.write(tx, set.organization)?,
            AdministrationRow::Demonstration(mark) => demonstrations::insert(tx, set.organization, mark)?,
            AdministrationRow::Receiver(receiver) => receivers::insert(tx, receiver)?,
            AdministrationRow::ReplaceReceiver(receiver) => receivers::replace(tx, receiver)?,
            AdministrationRow::RemoveReceiver { id, version, at } => {
                receivers::remove(tx, set.organization, *id, *version, *at)?
            }
            AdministrationRow::DropSignals { receiver, but, at } => {
                signals::drop_waiting(tx, set.organization, (*receiver, *but), *at)?
            }
            AdministrationRow::ChosenSubject(chosen) => streams::choose(tx, set.organization, chosen)?,
            AdministrationRow::Proof(proof) => proofs::insert(tx, proof)?,
            AdministrationRow::RevokeCredential { id, at } => {
                proofs::remove(tx, set.organization, *id)?;
                credentials::revoke(tx, set.organization, *id, *at)?
            }
        };
        if touched != 1 {
            return Err(WriteError::Stale);
        }
    }
    Ok(())
}
