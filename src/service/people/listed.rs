//! The people of an organization as a list: in an order, from a place on, narrowed down. What an index finds is found at
//! once however many people there are; else a page looks at so many at most and tells where to go on.

use std::collections::{BTreeMap, BTreeSet};

use crate::db::directory;
use crate::db::ordered::Start;
use crate::db::users::{self, UserOrder, listed};
use crate::model::{Caller, ConnectionId, GroupId, MemberKind, Principal, ResourceId, RoleName, SortKey, UserId, fold};
use crate::service::{ServiceError, Services};

use super::{Manager, Person, Standing, managers};

/// Rows read in one statement.
const BATCH: usize = 200;
/// People a page looks at, at most.
const LOOKED_AT: usize = 2_000;
/// Ids that are looked up instead of looking at everybody.
const LOOKED_UP: usize = 5_000;
/// Members read in one statement.
const MEMBERS: i64 = 1_000;

/// By what people are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Their names, as far as they have one.
    #[default]
    Name,
    /// Their user names.
    UserName,
    /// When they were created.
    Created,
}

impl Order {
    /// The name in addresses.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::UserName => "user-name",
            Self::Created => "created",
        }
    }

    /// Reads the name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Name, Self::UserName, Self::Created].into_iter().find(|order| order.as_str() == name)
    }

    const fn index(self) -> UserOrder {
        match self {
            Self::Name => UserOrder::DisplayName,
            Self::UserName => UserOrder::UserName,
            Self::Created => UserOrder::Created,
        }
    }
}

/// Whom to list, and how.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    /// The beginning of a userName or a name, or a whole e-mail address, in any letter case.
    pub text: Option<String>,
    /// Only those of this standing.
    pub standing: Option<Standing>,
    /// Only those this connection manages; of nobody: local ones.
    pub source: Option<ConnectionId>,
    /// Only those some connection manages.
    pub managed: bool,
    /// Only direct members of this group.
    pub group: Option<GroupId>,
    /// Only those who hold this role somewhere.
    pub role: Option<RoleName>,
    /// The order.
    pub order: Order,
    /// Whether it is turned round.
    pub descending: bool,
    /// Only what comes after this.
    pub after: Option<(SortKey, ResourceId)>,
}

/// A page of the list.
#[derive(Debug)]
pub struct Listed {
    /// The people.
    pub people: Vec<Person>,
    /// Where to go on, if there may be more.
    pub next: Option<(SortKey, ResourceId)>,
    /// Whether fewer are shown than fit because enough were looked at.
    pub is_cut_short: bool,
}

impl Listing {
    fn fits(&self, person: &Person, source: ConnectionId) -> bool {
        self.standing.is_none_or(|standing| person.standing() == standing)
            && self.source.is_none_or(|wanted| source == wanted)
            && (!self.managed || !source.is_nobody())
    }
}

/// A page of at most `limit` people.
///
/// # Errors
/// [`ServiceError`].
pub fn list(services: &Services, caller: &Caller, listing: &Listing, limit: usize) -> Result<Listed, ServiceError> {
    let text = listing.text.as_deref().map(fold).filter(|text| !text.is_empty());
    let mut ids: Option<BTreeSet<UserId>> = None;
    let mut narrow = |found: BTreeSet<UserId>| {
        ids = Some(match ids.take() {
            None => found,
            Some(before) => before.intersection(&found).copied().collect(),
        });
    };
    if let Some(group) = listing.group {
        narrow(members(services, caller, [group].into(), false)?);
    }
    if let Some(role) = &listing.role {
        narrow(holders(services, caller, role)?);
    }
    if let Some(text) = &text {
        narrow(found_by(services, caller, text)?);
    }
    match ids {
        Some(ids) if ids.len() <= LOOKED_UP => looked_up(services, caller, listing, &ids, limit),
        ids => looked_through(services, caller, listing, ids.as_ref(), limit),
    }
}

/// Everybody of a set, sorted here.
fn looked_up(
    services: &Services,
    caller: &Caller,
    listing: &Listing,
    ids: &BTreeSet<UserId>,
    limit: usize,
) -> Result<Listed, ServiceError> {
    let ids: Vec<ResourceId> = ids.iter().copied().map(ResourceId::from).collect();
    let mut people = services.live.read::<_, ServiceError>(|tx| {
        let managers = managers(tx, caller.organization)?;
        let mut people: BTreeMap<(SortKey, ResourceId), Person> = BTreeMap::new();
        for some in ids.chunks(BATCH) {
            for row in users::by_ids(tx, caller.organization, some)? {
                let source = row.connection;
                let person = Person::new(row, &managers)?;
                if listing.fits(&person, source) {
                    people.insert((key(listing.order, &person), person.id.into()), person);
                }
            }
        }
        Ok(people)
    })?;
    if let Some(after) = &listing.after {
        people.retain(|place, _| if listing.descending { place < after } else { place > after });
    }
    let whole = people.len();
    let mut people: Vec<_> = people.into_iter().collect();
    if listing.descending {
        people.reverse();
    }
    people.truncate(limit);
    let next = people.last().map(|(place, _)| place.clone()).filter(|_| whole > limit);
    Ok(Listed { people: people.into_iter().map(|(_, person)| person).collect(), next, is_cut_short: false })
}

/// Everybody in the order of an index, some of them left out.
fn looked_through(
    services: &Services,
    caller: &Caller,
    listing: &Listing,
    ids: Option<&BTreeSet<UserId>>,
    limit: usize,
) -> Result<Listed, ServiceError> {
    services.live.read(|tx| {
        let managers = managers(tx, caller.organization)?;
        let (mut people, mut last, mut seen) = (Vec::new(), listing.after.clone(), 0_usize);
        loop {
            let start =
                Start { descending: listing.descending, after: last.as_ref().map(|(key, id)| (key, *id)), skip: 0 };
            let batch = i64::try_from(BATCH).unwrap_or(i64::MAX);
            let rows = users::in_order(tx, caller.organization, listing.order.index(), &start, batch)?;
            let whole = rows.len() == BATCH;
            seen = seen.saturating_add(rows.len());
            for (key, row) in rows {
                if people.len() == limit {
                    return Ok(Listed { people, next: last, is_cut_short: false });
                }
                last = Some((key, row.id.into()));
                if ids.is_some_and(|ids| !ids.contains(&row.id)) {
                    continue;
                }
                let source = row.connection;
                let person = Person::new(row, &managers)?;
                if listing.fits(&person, source) {
                    people.push(person);
                }
            }
            if !whole {
                return Ok(Listed { people, next: None, is_cut_short: false });
            }
            if people.len() == limit || seen >= LOOKED_AT {
                let is_cut_short = people.len() < limit;
                return Ok(Listed { people, next: last, is_cut_short });
            }
        }
    })
}

/// The key of a person in an order, as the index has it.
fn key(order: Order, person: &Person) -> SortKey {
    match order {
        Order::Name => SortKey::text(person.text("displayName"), false),
        Order::UserName => SortKey::written(fold(person.text("userName"))),
        Order::Created => SortKey::written(padded(person.created_at.as_micros())),
    }
}

/// A moment so that texts sort as numbers do; the index reads it back.
fn padded(micros: i64) -> String {
    format!("{micros:016}")
}

/// Whom an index finds by the beginning of a name, or by an address.
fn found_by(services: &Services, caller: &Caller, text: &str) -> Result<BTreeSet<UserId>, ServiceError> {
    let most = i64::try_from(LOOKED_UP).unwrap_or(i64::MAX);
    services.live.read(|tx| {
        let mut found = BTreeSet::new();
        if let Ok(id) = text.parse::<UserId>() {
            found.extend(users::by_id(tx, caller.organization, id)?.map(|user| user.id));
        }
        let by_address = listed::by_key(tx, caller.organization, ConnectionId::NOBODY, listed::Key::Email(text), 100)?;
        found.extend(by_address.into_iter().map(|user| user.id));
        // A key sorts behind everything that sorts before its text.
        let start = SortKey::written(text.to_owned());
        for order in [UserOrder::UserName, UserOrder::DisplayName, UserOrder::FamilyName] {
            let mut after = (start.clone(), ResourceId::FIRST);
            loop {
                let from = Start { descending: false, after: Some((&after.0, after.1)), skip: 0 };
                let batch = i64::try_from(BATCH).unwrap_or(i64::MAX).min(most);
                let rows = users::in_order(tx, caller.organization, order, &from, batch)?;
                let whole = rows.len() == BATCH;
                let mut goes_on = whole;
                for (key, row) in rows {
                    if !key.as_str().starts_with(text) {
                        goes_on = false;
                        break;
                    }
                    found.insert(row.id);
                    after = (key, row.id.into());
                }
                if !goes_on || found.len() >= LOOKED_AT {
                    break;
                }
            }
        }
        Ok(found)
    })
}

/// The direct members of groups and, where asked for, of the groups in them.
fn members(
    services: &Services,
    caller: &Caller,
    groups: BTreeSet<GroupId>,
    nested: bool,
) -> Result<BTreeSet<UserId>, ServiceError> {
    services.live.read(|tx| {
        let (mut found, mut seen, mut edge) = (BTreeSet::new(), BTreeSet::new(), groups);
        while let Some(group) = edge.pop_first() {
            seen.insert(group);
            let mut last = ResourceId::FIRST;
            loop {
                let rows = directory::members_after(tx, caller.organization, group, last, MEMBERS)?;
                let Some(row) = rows.last() else { break };
                last = row.id;
                for row in rows {
                    match row.kind {
                        MemberKind::User => drop(found.insert(UserId::from(row.id))),
                        MemberKind::Group if nested && !seen.contains(&GroupId::from(row.id)) => {
                            edge.insert(row.id.into());
                        }
                        MemberKind::Group => {}
                    }
                }
            }
        }
        Ok(found)
    })
}

fn holders(services: &Services, caller: &Caller, role: &RoleName) -> Result<BTreeSet<UserId>, ServiceError> {
    let now = services.clock.now();
    let all = services.administration(caller).assignments(caller.organization)?;
    let (mut users, mut groups) = (BTreeSet::new(), BTreeSet::new());
    for one in all.into_iter().map(|shown| shown.assignment) {
        if one.role != *role || !one.validity.holds(now) {
            continue;
        }
        match one.principal {
            Principal::User(id) => drop(users.insert(id)),
            Principal::Group(id) => drop(groups.insert(id)),
            Principal::Service(_) => {}
        }
    }
    users.extend(members(services, caller, groups, true)?);
    Ok(users)
}

/// The connections of the organization, by name, for a choice.
///
/// # Errors
/// [`ServiceError`].
pub fn sources(services: &Services, caller: &Caller) -> Result<Vec<Manager>, ServiceError> {
    let mut all: Vec<Manager> =
        services.live.read::<_, ServiceError>(|tx| Ok(managers(tx, caller.organization)?.into_values().collect()))?;
    all.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    Ok(all)
}
