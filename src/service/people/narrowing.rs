//! Of whom a list is, as far as indexes tell: those of a group, with a role, of a name, seen lately. A few are looked up;
//! where there are very many, those who are looked at are held against what narrows the list.

use std::collections::BTreeSet;

use crate::db::access::assignments::listed::{self as assignments, Narrowing as Narrowed};
use crate::db::users::keys;
use crate::db::users::listed::{self, Key};
use crate::db::{DatabaseError, Tx, memberships, sightings, users};
use crate::model::{
    Caller, ConnectionId, GroupId, MemberKind, OrganizationId, Principal, ResourceId, RoleName, UserId, fold, limits,
};
use crate::service::{ServiceError, Services};

use super::Listing;

/// People that are looked up instead of looking at everybody.
const LOOKED_UP: usize = 5_000;
/// People found by one name at most.
const NAMED: i64 = 2_000;

/// Some people, and the direct members of some groups.
#[derive(Debug, Default)]
struct Those {
    people: BTreeSet<UserId>,
    groups: Vec<GroupId>,
}

/// Whom a list is narrowed to.
#[derive(Debug, Default)]
pub(super) struct Narrowing {
    /// Everybody the list may be of, where they are few enough.
    pub(super) people: Option<BTreeSet<UserId>>,
    /// Whoever is listed is also one of each of these.
    others: Vec<Those>,
}

impl Those {
    /// All of them, if they are few enough.
    fn listed(&self, tx: &mut Tx<'_>, organization: OrganizationId) -> Result<Option<BTreeSet<UserId>>, DatabaseError> {
        let most = i64::try_from(LOOKED_UP).unwrap_or(i64::MAX).saturating_add(1);
        let mut all = self.people.clone();
        let members = memberships::of_groups(tx, organization, &self.groups, most)?;
        let is_whole = members.len() <= LOOKED_UP;
        let of_users = members.into_iter().filter(|one| one.member.kind == MemberKind::User);
        all.extend(of_users.map(|one| UserId::from(one.member.id)));
        Ok((is_whole && all.len() <= LOOKED_UP).then_some(all))
    }

    /// Which of some people are of them.
    fn among(
        &self,
        tx: &mut Tx<'_>,
        organization: OrganizationId,
        people: &[UserId],
    ) -> Result<BTreeSet<UserId>, DatabaseError> {
        let mut found: BTreeSet<UserId> = people.iter().copied().filter(|one| self.people.contains(one)).collect();
        let ids: Vec<ResourceId> = people.iter().copied().map(ResourceId::from).collect();
        let members = memberships::among_groups(tx, organization, &self.groups, &ids)?;
        found.extend(members.into_iter().map(|one| UserId::from(one.member.id)));
        Ok(found)
    }
}

impl Narrowing {
    /// What a listing says.
    pub(super) fn of(services: &Services, caller: &Caller, listing: &Listing) -> Result<Self, ServiceError> {
        let organization = caller.organization;
        let mut narrowing = Self::default();
        let mut all = Vec::new();
        if let Some(group) = listing.group {
            all.push(Those { people: BTreeSet::new(), groups: vec![group] });
        }
        if let Some(role) = &listing.role {
            all.push(holders(services, caller, role)?);
        }
        services.live.read::<_, ServiceError>(|tx| {
            if let Some(text) = listing.text.as_deref().map(fold).filter(|text| !text.is_empty()) {
                all.push(Those { people: named(tx, organization, &text)?, groups: Vec::new() });
            }
            if let Some(since) = listing.seen.and_then(|seen| seen.since(services.clock.now())) {
                let most = i64::try_from(LOOKED_UP).unwrap_or(i64::MAX).saturating_add(1);
                let seen: BTreeSet<UserId> = sightings::since(tx, organization, since, most)?.into_keys().collect();
                // Where very many were, each is looked at.
                if seen.len() <= LOOKED_UP {
                    all.push(Those { people: seen, groups: Vec::new() });
                }
            }
            for those in all {
                match those.listed(tx, organization)? {
                    Some(listed) => {
                        narrowing.people = Some(match narrowing.people.take() {
                            None => listed,
                            Some(before) => before.intersection(&listed).copied().collect(),
                        });
                    }
                    None => narrowing.others.push(those),
                }
            }
            Ok(())
        })?;
        Ok(narrowing)
    }

    /// Which of some people the list is of, as far as this tells.
    pub(super) fn among(
        &self,
        tx: &mut Tx<'_>,
        organization: OrganizationId,
        people: &[UserId],
    ) -> Result<BTreeSet<UserId>, DatabaseError> {
        let of_them = |one: &UserId| self.people.as_ref().is_none_or(|all| all.contains(one));
        let mut left: BTreeSet<UserId> = people.iter().copied().filter(of_them).collect();
        for those in &self.others {
            let some: Vec<UserId> = left.into_iter().collect();
            left = those.among(tx, organization, &some)?;
        }
        Ok(left)
    }
}

/// Whom an index finds by the beginning of a name, or by an address or an id.
fn named(tx: &mut Tx<'_>, organization: OrganizationId, text: &str) -> Result<BTreeSet<UserId>, DatabaseError> {
    let mut found: BTreeSet<UserId> = keys::beginning_with(tx, organization, text, NAMED)?.into_iter().collect();
    if let Ok(id) = text.parse::<UserId>() {
        found.extend(users::by_id(tx, organization, id)?.map(|user| user.id));
    }
    let by_address = listed::by_key(tx, organization, ConnectionId::NOBODY, Key::Email(text), 100)?;
    found.extend(by_address.into_iter().map(|user| user.id));
    Ok(found)
}

/// Who holds a role somewhere: those it is assigned to, and the members of groups and of the groups in them.
fn holders(services: &Services, caller: &Caller, role: &RoleName) -> Result<Those, ServiceError> {
    let now = services.clock.now();
    let of_role = Narrowed { role: Some(role.clone()), ..Narrowed::default() };
    let all =
        services.live.read(|tx| assignments::page(tx, caller.organization, &of_role, ResourceId::FIRST, i64::MAX))?;
    let (mut people, mut groups) = (BTreeSet::new(), BTreeSet::new());
    for one in all.into_iter().map(|row| row.assignment) {
        if !one.validity.holds(now) {
            continue;
        }
        match one.principal {
            Principal::User(id) => drop(people.insert(id)),
            Principal::Group(id) => drop(groups.insert(id)),
            Principal::Service(_) => {}
        }
    }
    services.live.read::<_, ServiceError>(|tx| {
        let mut edge: Vec<ResourceId> = groups.iter().copied().map(ResourceId::from).collect();
        for _ in 0..limits::NESTING_DEPTH {
            let inner = memberships::nested_groups(tx, caller.organization, &edge)?;
            let inner = inner.into_iter().map(|one| one.member.id);
            edge = inner.filter(|id| groups.insert(GroupId::from(*id))).collect();
        }
        Ok(())
    })?;
    Ok(Those { people, groups: groups.into_iter().collect() })
}
