//! The log, to look at: newest first, with names where there still are any.

use std::collections::{BTreeMap, BTreeSet};

use crate::db::access::principals::{self as named, NamedGroup};
use crate::db::access::{people, services as running};
use crate::db::console::accounts;
use crate::db::events::{self, StoredEvent};
use crate::db::users::Status;
use crate::db::{Tx, organizations};
use crate::ids;
use crate::model::{
    AccountId, Caller, CredentialId, EventId, GroupId, Moment, OrganizationId, RequestId, ResourceId, Revision, UserId,
};
use crate::service::{ServiceError, Services};

/// Lines looked through for one page; a page that ends here goes on where it stopped.
const LOOKED_THROUGH: usize = 5_000;
/// Rows read in one statement.
const BATCH: i64 = 500;
/// How events call somebody who is signed in to the console.
const ACCOUNT: &str = "account";

/// Which lines are wanted.
#[derive(Debug, Clone, Default)]
pub struct LogSearch {
    /// Only actions that begin so: `user.`, `assignment.created`; empty for all.
    pub action: String,
    /// Only lines about this user, group, service or other thing.
    pub about: Option<ResourceId>,
    /// Only what this connection did.
    pub connection: Option<ResourceId>,
    /// Not before this moment.
    pub from: Option<Moment>,
    /// Before this moment.
    pub until: Option<Moment>,
}

/// A line of the log.
#[derive(Debug, Clone)]
pub struct LogLine {
    /// Its identifier.
    pub id: EventId,
    /// When.
    pub at: Moment,
    /// Who: a connection's name, somebody's userName, or what kind of actor.
    pub actor: String,
    /// Who that is in the organization, where it is somebody in the directory.
    pub actor_user: Option<UserId>,
    /// By which token, where it was done by one.
    pub credential: Option<CredentialId>,
    /// What.
    pub action: String,
    /// To whom.
    pub about: ResourceId,
    /// What that is called now; `None`: it is gone, or has no name.
    pub about_name: Option<String>,
    /// The revision it bears, where it can alter a decision.
    pub revision: Option<Revision>,
    /// The request it happened in.
    pub request: RequestId,
    /// What can be told in clear, JSON.
    pub details: String,
    /// Whether personal values stand sealed beside it.
    pub is_sealed: bool,
}

/// A page of the log.
#[derive(Debug)]
pub struct LogPage {
    /// Newest first.
    pub lines: Vec<LogLine>,
    /// Where to go on, if there may be more.
    pub next: Option<EventId>,
}

impl LogSearch {
    fn wants(&self, event: &StoredEvent) -> bool {
        event.action.starts_with(&self.action)
            && self.about.is_none_or(|about| event.resource == about)
            && self.connection.is_none_or(|connection| event.connection == connection.as_bytes())
    }
}

/// The lines before `before`, newest first, at most `limit`. Blocks.
///
/// # Errors
/// [`ServiceError`].
pub fn search(
    services: &Services,
    caller: &Caller,
    before: Option<EventId>,
    limit: usize,
    search: &LogSearch,
) -> Result<LogPage, ServiceError> {
    let newest = search.until.unwrap_or_else(|| services.clock.now().plus_micros(60_000_000));
    let mut last = before.unwrap_or_else(|| ids::first_event_after(newest));
    let organization = caller.organization;
    services.live.read(|tx| {
        let (mut found, mut seen, mut next): (Vec<StoredEvent>, usize, _) = (Vec::new(), 0, None);
        // A page of everything is found at once; whoever looks for little goes on in larger steps.
        let mut batch = i64::try_from(limit).unwrap_or(BATCH).saturating_add(1).min(BATCH);
        'reading: loop {
            let rows = events::before(tx, organization, last, batch)?;
            let whole = i64::try_from(rows.len()).is_ok_and(|rows| rows == batch);
            batch = BATCH;
            seen = seen.saturating_add(rows.len());
            for event in rows {
                if search.from.is_some_and(|from| event.at < from) {
                    break 'reading;
                }
                if found.len() == limit {
                    next = Some(last);
                    break 'reading;
                }
                last = event.id;
                if search.until.is_none_or(|until| event.at < until) && search.wants(&event) {
                    found.push(event);
                }
            }
            if !whole {
                break;
            }
            if found.len() == limit || seen >= LOOKED_THROUGH {
                next = Some(last);
                break;
            }
        }
        let names = names(tx, organization, found.iter().map(|event| event.resource))?;
        let connections: BTreeMap<Vec<u8>, String> = organizations::connections(tx, organization)?
            .into_iter()
            .map(|connection| (connection.id.as_bytes().to_vec(), connection.name))
            .collect();
        let accounts = accounts(tx, organization, &found)?;
        let account = |event: &StoredEvent| event.credential.filter(|_| event.actor_kind == ACCOUNT);
        let line = |event: StoredEvent| LogLine {
            actor: match event.actor_kind.as_str() {
                "connection" => {
                    connections.get(&event.connection).cloned().unwrap_or_else(|| "a connection".to_owned())
                }
                "credential" => "an administrator, by token".to_owned(),
                ACCOUNT => {
                    let known = account(&event).and_then(|id| accounts.get(&id));
                    known.map_or_else(|| "an administrator".to_owned(), |(name, _)| name.clone())
                }
                "command-line" => "the command line".to_owned(),
                _ => "the server".to_owned(),
            },
            actor_user: account(&event).and_then(|id| accounts.get(&id)).and_then(|(_, user)| *user),
            credential: event.credential.filter(|_| event.actor_kind == "credential"),
            about_name: names.get(&event.resource).cloned(),
            id: event.id,
            at: event.at,
            action: event.action,
            about: event.resource,
            revision: event.revision,
            request: event.request,
            details: event.details,
            is_sealed: event.sealed.is_some(),
        };
        Ok(LogPage { lines: found.into_iter().map(line).collect(), next })
    })
}

/// What the accounts are called that did something, by their ids as events bear them, and who each is in the directory.
fn accounts(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    events: &[StoredEvent],
) -> Result<BTreeMap<CredentialId, (String, Option<UserId>)>, ServiceError> {
    let acted: BTreeSet<CredentialId> =
        events.iter().filter(|event| event.actor_kind == ACCOUNT).filter_map(|event| event.credential).collect();
    let mut names = BTreeMap::new();
    for id in acted {
        let Ok(account) = AccountId::from_bytes(id.as_bytes()) else { continue };
        let belongings = accounts::belongings(tx, account)?;
        // Of an account that belongs here no more nothing is told.
        let Some(here) = belongings.into_iter().find(|one| one.organization == organization) else { continue };
        let Some(user) = here.user else {
            names.insert(id, ("the recovery administrator".to_owned(), None));
            continue;
        };
        let found = people::by_ids(tx, organization, [user])?;
        if let Some(person) = found.into_iter().find(|person| person.status != Status::Deleted) {
            names.insert(id, (person.user_name_key, Some(user)));
        }
    }
    Ok(names)
}

fn names(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    of: impl Iterator<Item = ResourceId>,
) -> Result<BTreeMap<ResourceId, String>, ServiceError> {
    let ids: BTreeSet<ResourceId> = of.collect();
    let mut names = BTreeMap::new();
    let groups: Vec<GroupId> = ids.iter().map(|id| GroupId::from(*id)).collect();
    for NamedGroup { id, name, .. } in named::groups(tx, organization, &groups)? {
        names.insert(id.into(), name);
    }
    for person in people::by_ids(tx, organization, ids.iter().map(|id| UserId::from(*id)))? {
        if person.status != Status::Deleted {
            names.insert(person.id.into(), person.user_name_key);
        }
    }
    for row in running::list(tx, organization)? {
        let id = ResourceId::from(row.service.id);
        if ids.contains(&id) {
            names.insert(id, row.service.name.to_string());
        }
    }
    for connection in organizations::connections(tx, organization)? {
        let id = ResourceId::from(connection.id);
        if ids.contains(&id) {
            names.insert(id, connection.name);
        }
    }
    Ok(names)
}
