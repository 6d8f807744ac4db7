//! Reconciliation: the accounts of downstream systems held against the people here, with history; an account that somebody
//! who is gone still has is a finding of the still-gone watch and stands in the leaver certificate as not confirmed.

mod accounts;
pub(in crate::service) mod systems;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::db::findings::{FindingKind, FindingRow};
use crate::db::reconciliations::{self, Reconciliation, ReconciliationRow};
use crate::db::{AdministrationRow, Tx, WriteSet, directory, findings, leavers, users};
use crate::ids;
use crate::live::{Cause, Decision};
use crate::model::{
    DownstreamAccount, GroupId, KnownPeople, MemberKind, OrganizationId, Report, ResourceId, UserId, limits,
};
use crate::service::administration::{Administration, AdministrationError};
use crate::service::leavers::watch;
use crate::service::provisioning::users::UserKeys;

pub use crate::db::reconciliations::DownstreamSystem;
pub use accounts::read_csv;
pub use systems::{NewSystem, Source};

type Result<T> = std::result::Result<T, AdministrationError>;

/// Rows read at a time.
const BATCH: i64 = 500;
/// Findings written in one transaction.
const TOGETHER: usize = 100;

/// A comparison and what it came to.
#[derive(Debug, Clone)]
pub struct Compared {
    /// Its identifier.
    pub id: ResourceId,
    /// When.
    pub at: crate::model::Moment,
    /// What it came to.
    pub report: Report,
}

impl Administration {
    /// Holds the accounts of a system against the people here, and keeps what it comes to. Blocks.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`], [`AdministrationError::Unfitting`] for too many accounts.
    pub fn reconcile(
        &self,
        organization: OrganizationId,
        system: ResourceId,
        accounts: &[DownstreamAccount],
    ) -> Result<Compared> {
        if accounts.len() > limits::DOWNSTREAM_ACCOUNTS {
            let message = format!("the list holds more than {} accounts", limits::DOWNSTREAM_ACCOUNTS);
            return Err(AdministrationError::Unfitting(message));
        }
        let named = self.system(organization, system)?;
        let known = self.known_people(organization, system, accounts)?;
        let report = known.compare(accounts);
        let cause = self.cause(organization);
        let now = self.clock.now();
        let text = serde_json::to_string(&report).unwrap_or_default();
        let compared = Reconciliation { id: ids::resource(now), at: now, report: text };
        let details = json!({ "name": named.name, "accounts": report.accounts, "orphans": report.orphans.len(),
            "leavers": report.leavers.len(), "missing": report.missing.len(), "groups": report.groups.len() });
        self.live.write(&cause, |_tx| {
            let mut set = WriteSet::new(organization);
            set.administration
                .push(AdministrationRow::Reconciliation(ReconciliationRow::Compared(system, compared.clone())));
            set.events.push(cause.event(now, "system.reconciled", system, &details));
            Ok::<_, AdministrationError>(Decision::Write(Box::new(set), ()))
        })?;
        self.note_leavers(&cause, system, &report)?;
        Ok(Compared { id: compared.id, at: now, report })
    }

    /// Fetches the accounts of a system from GitHub and compares. Blocks.
    ///
    /// # Errors
    /// As [`Administration::reconcile`]; [`AdministrationError::InUse`] with what GitHub says when they cannot be had.
    pub fn reconcile_fetched(&self, organization: OrganizationId, system: ResourceId) -> Result<Compared> {
        let named = self.system(organization, system)?;
        let Some(github) = named.github else {
            let message = "the accounts of this system are not fetched; send a list".to_owned();
            return Err(AdministrationError::Unfitting(message));
        };
        let token = self.live.read(|tx| self.live.open_secret(tx, organization, system, &github.secret))?;
        let token = token.unwrap_or_default();
        let fetched = self.live.fetch_accounts(&github.api, &github.organization, &token);
        self.reconcile(organization, system, &fetched.map_err(AdministrationError::InUse)?)
    }

    /// The comparisons of a system before `before`, newest first, at most `limit`.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`].
    pub fn reconciliations(
        &self,
        organization: OrganizationId,
        system: ResourceId,
        before: ResourceId,
        limit: i64,
    ) -> Result<Vec<Compared>> {
        self.system(organization, system)?;
        let rows = self.live.read(|tx| reconciliations::before(tx, organization, system, before, limit))?;
        Ok(rows.into_iter().map(|row| Compared { id: row.id, at: row.at, report: read(&row.report) }).collect())
    }

    fn known_people(
        &self,
        organization: OrganizationId,
        system: ResourceId,
        accounts: &[DownstreamAccount],
    ) -> Result<KnownPeople> {
        let mut known = KnownPeople::default();
        self.live.read(|tx| {
            for (account, user) in reconciliations::owners(tx, organization, system)? {
                known.owner(account, user);
            }
            Ok::<_, AdministrationError>(())
        })?;
        // A batch at a time: nobody waits for a connection for as long as all of them take.
        let mut after = UserId::from(ResourceId::FIRST);
        loop {
            let batch = self.live.read(|tx| users::page_after(tx, organization, after, BATCH))?;
            let Some(last) = batch.last() else { break };
            after = last.id;
            for user in batch {
                add(&mut known, user.id, user.suspended_at.is_none(), &user.document);
            }
        }
        let mut after = UserId::from(ResourceId::FIRST);
        loop {
            let gone = self.live.read(|tx| {
                let batch = leavers::people_after(tx, organization, after, BATCH)?;
                let found: std::result::Result<Vec<_>, _> =
                    batch.iter().map(|id| users::even_deleted(tx, organization, *id)).collect();
                Ok::<_, AdministrationError>((batch.last().copied(), found?))
            })?;
            let (Some(last), found) = gone else { break };
            after = last;
            // Those who are not deleted were read before.
            let deleted = found.into_iter().flatten().filter(|(_, deleted_at)| deleted_at.is_some());
            deleted.for_each(|(user, _)| add(&mut known, user.id, false, &user.document));
        }
        let named: BTreeSet<&str> = accounts.iter().flat_map(|one| one.groups.iter().map(String::as_str)).collect();
        if !named.is_empty() {
            self.add_groups(organization, &named, &mut known)?;
        }
        Ok(known)
    }

    fn add_groups(&self, organization: OrganizationId, named: &BTreeSet<&str>, known: &mut KnownPeople) -> Result<()> {
        let keys: BTreeSet<String> = named.iter().map(|name| crate::model::fold(name)).collect();
        let mut after = GroupId::from(ResourceId::FIRST);
        loop {
            let batch = self.live.read(|tx| directory::groups_after(tx, organization, after, BATCH))?;
            let Some(last) = batch.last() else { return Ok(()) };
            after = last.id;
            for group in batch.into_iter().filter(|group| keys.contains(&crate::model::fold(&group.display_name))) {
                let mut member = ResourceId::FIRST;
                loop {
                    let members =
                        self.live.read(|tx| directory::members_after(tx, organization, group.id, member, BATCH))?;
                    known.group(
                        &group.display_name,
                        members.iter().filter(|one| one.kind == MemberKind::User).map(|one| UserId::from(one.id)),
                    );
                    let Some(last) = members.last() else { break };
                    member = last.id;
                }
            }
        }
    }

    /// What stands of accounts that people who are gone have in this system, from now on.
    fn note_leavers(&self, cause: &Cause, system: ResourceId, report: &Report) -> Result<()> {
        let organization = cause.organization;
        let now = self.clock.now();
        let mut before: BTreeMap<UserId, watch::Finding> = BTreeMap::new();
        let mut after = ResourceId::FIRST;
        loop {
            let page = self.live.read(|tx| findings::standing(tx, organization, after, BATCH))?;
            let Some(last) = page.last() else { break };
            after = last.id;
            let ours = page.into_iter().filter(|one| one.kind == FindingKind::LeftDownstream && one.other == system);
            before.extend(ours.map(|finding| (finding.leaver, finding)));
        }
        let there: BTreeSet<UserId> = report.leavers.iter().filter_map(|owned| owned.user.parse().ok()).collect();
        let mut rows = Vec::new();
        for leaver in &there {
            if before.remove(leaver).is_none() {
                let finding = watch::left_downstream(*leaver, system, now);
                rows.push((watch::told(cause, now, "leaver.found", &finding), FindingRow::Found(finding)));
            }
        }
        for finding in before.into_values() {
            rows.push((watch::told(cause, now, "finding.ended", &finding), FindingRow::Ended(finding.id, now)));
        }
        for chunk in rows.chunks(TOGETHER) {
            let set = watch::write(
                organization,
                chunk.iter().map(|(_, row)| row.clone()).collect(),
                chunk.iter().map(|(event, _)| event.clone()).collect(),
            );
            self.live.write(cause, |_tx| Ok::<_, AdministrationError>(Decision::Write(Box::new(set.clone()), ())))?;
        }
        Ok(())
    }

    fn system(&self, organization: OrganizationId, id: ResourceId) -> Result<DownstreamSystem> {
        self.live.read(|tx| systems::found(tx, organization, id))
    }
}

fn add(known: &mut KnownPeople, user: UserId, undeleted: bool, document: &str) {
    let document: Map<String, Value> = serde_json::from_str(document).unwrap_or_default();
    let keys = UserKeys::of(&document);
    let user_name = document.get("userName").and_then(Value::as_str).unwrap_or_default();
    known.person(user, undeleted && keys.active, user_name, keys.external_id.as_deref(), &keys.emails);
}

fn read(report: &str) -> Report {
    serde_json::from_str(report).unwrap_or_default()
}

/// The last comparison of every system: its name and identifier, and what it came to.
pub(in crate::service) fn latest(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
) -> std::result::Result<Vec<(DownstreamSystem, Compared)>, crate::db::DatabaseError> {
    let mut all = Vec::new();
    for system in reconciliations::systems(tx, organization)? {
        if let Some(row) = reconciliations::before(tx, organization, system.id, ResourceId::LAST, 1)?.pop() {
            all.push((system, Compared { id: row.id, at: row.at, report: read(&row.report) }));
        }
    }
    Ok(all)
}
