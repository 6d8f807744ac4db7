//! The people of an organization as a list: in an order, from a place on, narrowed down. What an index finds is found at
//! once however many people there are; else a page looks at so many at most and tells where to go on.

use std::collections::{BTreeMap, BTreeSet};

use crate::db::ordered::Start;
use crate::db::users::{self, StoredUser, UserOrder, keys};
use crate::db::{Tx, sightings};
use crate::model::{Caller, ConnectionId, GroupId, Moment, OrganizationId, ResourceId, RoleName, SortKey, UserId};
use crate::service::{ServiceError, Services};

use super::narrowing::Narrowing;
use super::{LastSeen, Manager, Person, Standing, managers};

/// Rows read in one statement.
const BATCH: usize = 200;
/// People a page looks at, at most.
const LOOKED_AT: usize = 2_000;

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
    /// Only those who were last seen then.
    pub seen: Option<LastSeen>,
    /// The order.
    pub order: Order,
    /// Whether it is turned round.
    pub descending: bool,
    /// Only what comes after this.
    pub after: Option<(SortKey, ResourceId)>,
}

/// A page of the list.
#[derive(Debug, Default)]
pub struct Listed {
    /// The people.
    pub people: Vec<Person>,
    /// When they were last seen, those of them who were.
    pub seen: BTreeMap<UserId, Moment>,
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
    let narrowing = Narrowing::of(services, caller, listing)?;
    let look = Look { listing, narrowing: &narrowing, organization: caller.organization, now: services.clock.now() };
    services.live.read(|tx| {
        let mut listed = match &narrowing.people {
            Some(people) => look.up(tx, people, limit)?,
            None => look.through(tx, limit)?,
        };
        let shown: Vec<ResourceId> = listed.people.iter().map(|person| person.id.into()).collect();
        listed.seen = sightings::of_ids(tx, caller.organization, &shown)?;
        Ok(listed)
    })
}

/// One page in the making.
struct Look<'l> {
    listing: &'l Listing,
    narrowing: &'l Narrowing,
    organization: OrganizationId,
    now: Moment,
}

/// A place in the list.
type Place = (SortKey, ResourceId);

impl Look<'_> {
    /// Which of these people are on the list, in their order.
    fn fitting(&self, tx: &mut Tx<'_>, some: Vec<(Place, StoredUser)>) -> Result<Vec<(Place, Person)>, ServiceError> {
        let managers = managers(tx, self.organization)?;
        let people: Vec<UserId> = some.iter().map(|(_, row)| row.id).collect();
        let left = self.narrowing.among(tx, self.organization, &people)?;
        let seen = match self.listing.seen {
            Some(_) => {
                sightings::of_ids(tx, self.organization, &left.iter().map(|one| (*one).into()).collect::<Vec<_>>())?
            }
            None => BTreeMap::new(),
        };
        let mut found = Vec::new();
        for (place, row) in some {
            let (id, source) = (row.id, row.connection);
            let is_seen = self.listing.seen.is_none_or(|wanted| wanted.fits(seen.get(&id).copied(), self.now));
            if !left.contains(&id) || !is_seen {
                continue;
            }
            let person = Person::new(row, &managers)?;
            if self.listing.fits(&person, source) {
                found.push((place, person));
            }
        }
        Ok(found)
    }

    /// A page of a few, sorted here.
    fn up(&self, tx: &mut Tx<'_>, people: &BTreeSet<UserId>, limit: usize) -> Result<Listed, ServiceError> {
        let mut places: Vec<Place> = keys::keys(tx, self.organization, people.iter().copied())?
            .into_iter()
            .map(|keys| {
                let key = match self.listing.order {
                    Order::Name => keys.display_name,
                    Order::UserName => keys.user_name,
                    // Ids are in the order of creation.
                    Order::Created => SortKey::written(String::new()),
                };
                (key, keys.id.into())
            })
            .collect();
        if let Some((key, id)) = &self.listing.after {
            let key = if self.listing.order == Order::Created { SortKey::written(String::new()) } else { key.clone() };
            let after = (key, *id);
            places.retain(|place| if self.listing.descending { *place < after } else { *place > after });
        }
        places.sort_unstable();
        if self.listing.descending {
            places.reverse();
        }
        let mut found: Vec<(Place, Person)> = Vec::new();
        for some in places.chunks(BATCH) {
            let ids: Vec<ResourceId> = some.iter().map(|(_, id)| *id).collect();
            let rows = users::by_ids(tx, self.organization, &ids)?;
            let mut rows: BTreeMap<ResourceId, StoredUser> = rows.into_iter().map(|row| (row.id.into(), row)).collect();
            let in_order = some.iter().filter_map(|place| Some((place.clone(), rows.remove(&place.1)?)));
            found.extend(self.fitting(tx, in_order.collect())?);
            if found.len() > limit {
                break;
            }
        }
        let is_whole = found.len() <= limit;
        found.truncate(limit);
        let next = found.last().map(|(place, _)| place.clone()).filter(|_| !is_whole);
        Ok(Listed { people: found.into_iter().map(|(_, person)| person).collect(), next, ..Listed::default() })
    }

    /// A page of everybody in the order of an index, some of them left out.
    fn through(&self, tx: &mut Tx<'_>, limit: usize) -> Result<Listed, ServiceError> {
        let (mut people, mut last, mut seen) = (Vec::new(), self.listing.after.clone(), 0_usize);
        loop {
            let after = last.as_ref().map(|(key, id)| (key, *id));
            let start = Start { descending: self.listing.descending, after, skip: 0 };
            let batch = i64::try_from(BATCH).unwrap_or(i64::MAX);
            let rows = users::in_order(tx, self.organization, self.listing.order.index(), &start, batch)?;
            let is_last = rows.len() < BATCH;
            seen = seen.saturating_add(rows.len());
            let places = rows.into_iter().map(|(key, row)| ((key, ResourceId::from(row.id)), row));
            let places: Vec<(Place, StoredUser)> = places.collect();
            let end = places.last().map(|(place, _)| place.clone());
            for (place, person) in self.fitting(tx, places)? {
                if people.len() == limit {
                    return Ok(Listed { people, next: last, ..Listed::default() });
                }
                last = Some(place);
                people.push(person);
            }
            if is_last {
                return Ok(Listed { people, ..Listed::default() });
            }
            if people.len() < limit {
                last = end;
            }
            if people.len() == limit || seen >= LOOKED_AT {
                let is_cut_short = people.len() < limit;
                return Ok(Listed { people, next: last, is_cut_short, ..Listed::default() });
            }
        }
    }
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
