//! Refreshing a mirror: fetch, find out whose the accounts are, and change what differs.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::db::access::principals::{self, LookUp};
use crate::db::mirrors::{self, MirrorState};
use crate::db::reconciliations::{self, ReconciliationRow};
use crate::db::{AdministrationRow, WriteSet, groups, memberships, organizations, users};
use crate::ids;
use crate::live::{Cause, Decision, GithubGroups, NotFetched};
use crate::model::{
    Actor, Caller, CredentialId, GroupId, Loss, MirroredGroup, Moment, OrganizationId, Precondition, Profile,
    ResourceId, SubjectTemplate, UserId, fold,
};
use crate::scim::ScimError;
use crate::scim::projection::Projection;
use crate::service::provisioning::groups as provisioned;
use crate::service::{ServiceError, Services};

use super::{BATCH, Mirror, found};

/// How long a refresh may take before somebody else takes it up: ten minutes.
pub(super) const CLAIMED_MICROS: i64 = 10 * MINUTE_MICROS;
const MINUTE_MICROS: i64 = 60 * SECOND_MICROS;
const SECOND_MICROS: i64 = 1_000_000;
/// What GitHub asks for is waited for, up to a day, in seconds: its allowances are for an hour.
const MOST_WAIT: i64 = 24 * 3_600;
/// Mirrors looked for at a time.
const DUE: i64 = 100;
/// Accounts tied in one transaction.
const TOGETHER: usize = 100;
/// How often a far side that fails is asked again, in minutes, at most doubled each time.
const RETRY_MINUTES: i64 = 1;

type Result<T> = std::result::Result<T, ServiceError>;

/// What a refresh came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Refreshed {
    /// Groups there are now.
    pub groups: usize,
    /// Memberships that began.
    pub joined: usize,
    /// Memberships that ended.
    pub left: usize,
    /// Accounts in these groups that nobody is known to have.
    pub unknown: usize,
}

/// Groups by their key: name and members.
type Groups = BTreeMap<String, (String, BTreeSet<ResourceId>)>;

/// Refreshes every mirror of the deployment that is due, one after another, while `go_on`. What goes wrong with one stands
/// in its state. Blocks.
///
/// # Errors
/// [`ServiceError`] when the due ones cannot be read.
pub fn look(services: &Services, go_on: impl Fn() -> bool) -> Result<()> {
    let now = services.clock.now();
    let due = services.live.read::<_, ServiceError>(|tx| Ok(mirrors::due(tx, now, DUE)?))?;
    for (organization, system) in due {
        if !go_on() {
            break;
        }
        if let Err(error) = refresh(services, organization, system, false) {
            tracing::warn!(organization = %organization, system.id = %system, error = %error, "a mirror is not refreshed");
        }
    }
    Ok(())
}

/// Refreshes a mirror now. Where most memberships would end nothing is changed, unless that was `accepted`. Blocks.
///
/// # Errors
/// [`ServiceError`]; 404; 409 with why it cannot be, when nothing was changed or, having failed on the way, not all.
pub fn refresh(
    services: &Services,
    organization: OrganizationId,
    system: ResourceId,
    accepted: bool,
) -> Result<Refreshed> {
    let services = services.within(organization)?;
    let (_, mirror) = services.live.read::<_, ServiceError>(|tx| Ok(found(tx, organization, system)?))?;
    let now = services.clock.now();
    let until = now.plus_micros(CLAIMED_MICROS);
    let regular = now.plus_micros(mirror.minutes.saturating_mul(MINUTE_MICROS));
    let place = (organization, system);
    if !services.live.note(|tx| mirrors::claim(tx, place, now, until, regular))? {
        return Err(super::being_refreshed());
    }
    // Again: somebody may have refreshed it in between.
    let (_, mirror) = services.live.read::<_, ServiceError>(|tx| Ok(found(tx, organization, system)?))?;
    let mut turn = Turn { services: &services, organization, mirror: &mirror, until, wait: 0 };
    let outcome = turn.run(accepted);
    let (ended, now) = (turn.until, services.clock.now());
    let earliest = now.plus_micros(turn.wait.saturating_mul(SECOND_MICROS));
    let (state, next) = state_after(&mirror, &outcome, now);
    services.live.note(|tx| mirrors::finish(tx, place, ended, &state, (earliest, next.max(earliest))))?;
    tell(&services, organization, &mirror, &state)?;
    outcome
}

/// Who writes the groups of a mirror: its connection, by what GitHub is asked with.
pub(super) fn caller(services: &Services, organization: OrganizationId, mirror: &Mirror, paused: bool) -> Caller {
    Caller {
        organization,
        connection: mirror.connection,
        profile: Profile::Github,
        paused,
        assigns_roles: false,
        asynchronous: false,
        actor: Actor::Connection(mirror.connection, CredentialId::from(mirror.system)),
        request: ids::request(services.clock.now()),
        digest: None,
        answering: None,
    }
}

fn state_after(mirror: &Mirror, outcome: &Result<Refreshed>, now: Moment) -> (MirrorState, Moment) {
    match outcome {
        Ok(refreshed) => {
            let unknown = i64::try_from(refreshed.unknown).unwrap_or(i64::MAX);
            let state = MirrorState { refreshed_at: Some(now), unknown, ..MirrorState::default() };
            // When it is due was said when it was taken, and sooner by whoever asked for it since.
            (state, Moment::from_micros(i64::MAX))
        }
        Err(error) => {
            let before = &mirror.state;
            let failures = before.failures.saturating_add(1);
            let doubled = RETRY_MINUTES.saturating_mul(1_i64 << failures.saturating_sub(1).clamp(0, 10));
            let state = MirrorState {
                failing_since: Some(before.failing_since.unwrap_or(now)),
                failures,
                problem: Some(error.to_string()),
                ..before.clone()
            };
            (state, now.plus_micros(doubled.min(mirror.minutes).saturating_mul(MINUTE_MICROS)))
        }
    }
}

/// Puts on record that a mirror fails, once, and that it does not any more.
fn tell(services: &Services, organization: OrganizationId, mirror: &Mirror, state: &MirrorState) -> Result<()> {
    let (action, details) = match (&mirror.state.problem, &state.problem) {
        (None, Some(problem)) => ("mirror.failed", json!({ "problem": problem })),
        (Some(_), None) => ("mirror.recovered", json!({})),
        _ => return Ok(()),
    };
    let cause = Cause::from(&caller(services, organization, mirror, false));
    services.live.write(&cause, |_tx| {
        let mut set = WriteSet::new(organization);
        set.events.push(cause.event(services.clock.now(), action, mirror.system, &details));
        Ok::<_, ServiceError>(Decision::Write(Box::new(set), ()))
    })
}

/// One refresh.
struct Turn<'a> {
    services: &'a Services,
    organization: OrganizationId,
    mirror: &'a Mirror,
    until: Moment,
    /// How many seconds GitHub asks not to be asked again for.
    wait: i64,
}

impl Turn<'_> {
    fn run(&mut self, accepted: bool) -> Result<Refreshed> {
        let conflict = |problem: String| ServiceError::from(ScimError::Conflict(problem));
        let paused = self.is_paused()?;
        if paused {
            return Err(conflict("the connection of the mirror is paused; resume it first".to_owned()));
        }
        let fetched = self.fetch()?.map_err(|error| {
            self.wait = error.wait.unwrap_or_default().clamp(0, MOST_WAIT);
            conflict(error.problem)
        })?;
        let (owners, unknown) = self.owners(&fetched)?;
        let wanted: Groups = fetched.into_iter().map(|group| wanted(group, &owners)).collect();
        let here = self.here()?;
        let loss = loss(&here, &wanted);
        if loss.is_drastic() && !accepted {
            return Err(conflict(format!(
                "{} of {} memberships would end, so nothing was changed; if that is right, accept it",
                loss.ending, loss.memberships
            )));
        }
        // Whoever took this up because it took too long has fetched later and knows better.
        let longer = self.services.clock.now().plus_micros(CLAIMED_MICROS);
        let place = (self.organization, self.mirror.system);
        if !self.services.live.note(|tx| mirrors::keep(tx, place, self.until, longer))? {
            return Err(conflict("the refresh took too long and was taken up anew".to_owned()));
        }
        self.until = longer;
        let mut refreshed = self.write(&here, &wanted)?;
        refreshed.unknown = unknown;
        self.services.live.count_read(self.organization, self.mirror.connection, self.services.clock.now());
        Ok(refreshed)
    }

    fn is_paused(&self) -> Result<bool> {
        let connection = self.services.live.read::<_, ServiceError>(|tx| {
            Ok(organizations::connection(tx, self.organization, self.mirror.connection)?)
        })?;
        Ok(connection.is_none_or(|connection| connection.paused))
    }

    fn fetch(&self) -> Result<std::result::Result<Vec<MirroredGroup>, NotFetched>> {
        let (organization, live) = (self.organization, &self.services.live);
        let (github, token) = live.read::<_, ServiceError>(|tx| {
            let (named, _) = found(tx, organization, self.mirror.system)?;
            let Some(github) = named.github else { return Ok((None, None)) };
            let token = live.open_secret(tx, organization, named.id, &github.secret)?;
            Ok((Some(github), token))
        })?;
        let (Some(github), Some(token)) = (github, token) else {
            return Ok(Err("the system is not fetched from GitHub".to_owned().into()));
        };
        Ok(live.fetch_groups(&GithubGroups {
            api: &github.api,
            organization: &github.organization,
            token: &token,
            repositories: &self.mirror.repositories,
        }))
    }

    /// Whose the accounts are, and how many nobody is known to have. An account is somebody's because an administrator has
    /// said so, or bears the name of the mirror's subject; then it is tied to its identifier, so that whoever is called so
    /// later is not taken for the same. Of a person one account counts, and nobody is found by an address.
    fn owners(&self, fetched: &[MirroredGroup]) -> Result<(BTreeMap<String, ResourceId>, usize)> {
        let (organization, system) = (self.organization, self.mirror.system);
        let accounts: BTreeMap<&String, &String> = fetched.iter().flat_map(|group| &group.accounts).collect();
        let template: Option<SubjectTemplate> = self.mirror.subject.as_ref().and_then(|text| text.parse().ok());
        let (tied, known, fresh) = self.services.live.read::<_, ServiceError>(|tx| {
            let tied: BTreeMap<String, UserId> =
                reconciliations::owners(tx, organization, system)?.into_iter().collect();
            let mut taken: BTreeSet<UserId> = tied.values().copied().collect();
            let mut fresh: Vec<(String, UserId)> = Vec::new();
            if let Some(template) = &template {
                for (id, login) in accounts.iter().filter(|(id, _)| !tied.contains_key(**id)) {
                    let key = fold(&template.user_name(login));
                    if let [user] = principals::users(tx, organization, LookUp::UserName, &key)?.as_slice()
                        && taken.insert(*user)
                    {
                        fresh.push(((*id).clone(), *user));
                    }
                }
            }
            let ids: Vec<ResourceId> = taken.into_iter().map(ResourceId::from).collect();
            Ok((tied, users::known(tx, organization, &ids)?, fresh))
        })?;
        self.tie(&fresh)?;
        let present: BTreeSet<ResourceId> =
            known.into_iter().filter(|(_, present)| *present).map(|(id, _)| id).collect();
        let mut owners: BTreeMap<String, UserId> = tied;
        owners.extend(fresh);
        let unknown = accounts.keys().filter(|id| !owners.contains_key(**id)).count();
        let there = owners.into_iter().map(|(account, user)| (account, ResourceId::from(user)));
        Ok((there.filter(|(_, user)| present.contains(user)).collect(), unknown))
    }

    fn tie(&self, fresh: &[(String, UserId)]) -> Result<()> {
        let cause = Cause::from(&caller(self.services, self.organization, self.mirror, false));
        let system = self.mirror.system;
        for chunk in fresh.chunks(TOGETHER) {
            self.services.live.write(&cause, |_tx| {
                let mut set = WriteSet::new(self.organization);
                for (account, user) in chunk {
                    let row = ReconciliationRow::Owner { system, account: account.clone(), user: *user };
                    set.administration.push(AdministrationRow::Reconciliation(row));
                    let details = json!({ "system": system.to_string() });
                    set.events.push(cause.event(self.services.clock.now(), "account.tied", (*user).into(), &details));
                }
                Ok::<_, ServiceError>(Decision::Write(Box::new(set), ()))
            })?;
        }
        Ok(())
    }

    /// The groups as they are here, by key, with their ids.
    fn here(&self) -> Result<BTreeMap<String, Here>> {
        let (organization, connection) = (self.organization, self.mirror.connection);
        let mut here = BTreeMap::new();
        let mut after = GroupId::from(ResourceId::FIRST);
        loop {
            let page = self.services.live.read::<_, ServiceError>(|tx| {
                let page = groups::page_after(tx, organization, connection, after, BATCH)?;
                let ids: Vec<GroupId> = page.iter().map(|group| group.id).collect();
                Ok((page, memberships::of_groups(tx, organization, &ids, i64::MAX)?))
            })?;
            let (page, rows) = page;
            let Some(last) = page.last() else { return Ok(here) };
            after = last.id;
            let mut members: BTreeMap<GroupId, BTreeSet<ResourceId>> = BTreeMap::new();
            for row in rows {
                members.entry(row.group).or_default().insert(row.member.id);
            }
            for group in page {
                let document: Value = serde_json::from_str(&group.document).unwrap_or_default();
                let text = |name: &str| document.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
                let members = members.remove(&group.id).unwrap_or_default();
                here.insert(text("externalId"), Here { id: group.id, name: text("displayName"), members });
            }
        }
    }

    /// Takes away before it gives.
    fn write(&self, here: &BTreeMap<String, Here>, wanted: &Groups) -> Result<Refreshed> {
        let services = self.services;
        let caller = caller(services, self.organization, self.mirror, false);
        let mut refreshed = Refreshed { groups: wanted.len(), ..Refreshed::default() };
        let projection = Projection::parse(Some("id"), None, &services.types.group)?;
        for (_, gone) in here.iter().filter(|(key, _)| !wanted.contains_key(*key)) {
            refreshed.left = refreshed.left.saturating_add(gone.members.len());
            provisioned::delete(services, &caller, &gone.id.to_string(), &Precondition::None)?;
        }
        for (key, (name, members)) in wanted {
            let before = here.get(key);
            let none = BTreeSet::new();
            let were = before.map_or(&none, |before| &before.members);
            refreshed.joined = refreshed.joined.saturating_add(members.difference(were).count());
            refreshed.left = refreshed.left.saturating_add(were.difference(members).count());
            match before {
                Some(before) if before.name == *name && before.members == *members => {}
                Some(before) => {
                    let (id, body) = (before.id.to_string(), body(key, name, members));
                    provisioned::replace(services, &caller, &id, body, &Precondition::None, &projection)?;
                }
                None => {
                    provisioned::create(services, &caller, body(key, name, members), &projection)?;
                }
            }
        }
        Ok(refreshed)
    }
}

/// A group as it is here.
struct Here {
    id: GroupId,
    name: String,
    members: BTreeSet<ResourceId>,
}

fn wanted(group: MirroredGroup, owners: &BTreeMap<String, ResourceId>) -> (String, (String, BTreeSet<ResourceId>)) {
    let members = group.accounts.keys().filter_map(|account| owners.get(account).copied()).collect();
    (group.key, (group.name, members))
}

fn loss(here: &BTreeMap<String, Here>, wanted: &Groups) -> Loss {
    let none = BTreeSet::new();
    here.iter().fold(Loss::default(), |loss, (key, group)| {
        let stay = wanted.get(key).map_or(&none, |(_, members)| members);
        Loss {
            memberships: loss.memberships.saturating_add(group.members.len()),
            ending: loss.ending.saturating_add(group.members.difference(stay).count()),
        }
    })
}

fn body(key: &str, name: &str, members: &BTreeSet<ResourceId>) -> Value {
    let members: Vec<Value> = members.iter().map(|member| json!({ "value": member.to_string() })).collect();
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "externalId": key,
        "displayName": name,
        "members": members,
    })
}
