//! The register of leavers, to look at: who left when, and how long it took until nobody allowed them anything.

use std::collections::BTreeMap;

use crate::db::access::people;
use crate::db::leavers::{self, How, Leaver};
use crate::db::organizations;
use crate::db::users::Status;
use crate::model::{Caller, EventId, Moment, ResourceId, UserId};
use crate::service::{ServiceError, Services};

/// Somebody who left.
#[derive(Debug, Clone)]
pub struct Departed {
    /// Who.
    pub user: UserId,
    /// What they were called by, folded; empty where even that is gone.
    pub name: String,
    /// Whether the person is still in the directory.
    pub is_listed: bool,
    /// The connection that said so; empty for an administrator.
    pub connection: String,
    /// How.
    pub how: How,
    /// When.
    pub at: Moment,
    /// After how many microseconds no server allowed anything; `None`: it was not put on record, and the lease bounds it.
    pub cut_off: Option<i64>,
}

/// A stretch of the register, newest first.
#[derive(Debug)]
pub struct Register {
    /// Who left.
    pub departed: Vec<Departed>,
    /// Where to go on, if there are more.
    pub next: Option<EventId>,
}

impl Services {
    /// Who left before an event, newest first, at most `limit`. Blocks.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn register(&self, caller: &Caller, before: Option<EventId>, limit: usize) -> Result<Register, ServiceError> {
        let organization = caller.organization;
        let before = before.unwrap_or_else(|| EventId::from(ResourceId::LAST));
        let rows = i64::try_from(limit).unwrap_or(i64::MAX);
        self.live.read(|tx| {
            let found = leavers::before(tx, organization, before, rows)?;
            let names: BTreeMap<UserId, (String, bool)> =
                people::by_ids(tx, organization, found.iter().map(|row| row.user))?
                    .into_iter()
                    .map(|person| (person.id, (person.user_name_key, person.status != Status::Deleted)))
                    .collect();
            let connections: BTreeMap<_, String> = organizations::connections(tx, organization)?
                .into_iter()
                .map(|connection| (connection.id, connection.name))
                .collect();
            let next = if found.len() == limit { found.last().map(|row| row.event) } else { None };
            let departed = |row: Leaver| Departed {
                name: names.get(&row.user).map(|(name, _)| name.clone()).unwrap_or_default(),
                is_listed: names.get(&row.user).is_some_and(|(_, is_listed)| *is_listed),
                connection: connections.get(&row.connection).cloned().unwrap_or_default(),
                cut_off: row
                    .settled
                    .as_ref()
                    .map(|settled| settled.settled_at.as_micros().saturating_sub(row.at.as_micros()).max(0)),
                user: row.user,
                how: row.how,
                at: row.at,
            };
            Ok(Register { departed: found.into_iter().map(departed).collect(), next })
        })
    }
}
