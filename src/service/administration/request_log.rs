//! The request log and the health of connections, to look at.

use std::collections::{BTreeMap, HashMap};

use crate::db::request_log;
use crate::model::{Activity, Connection, ConnectionId, Health, OrganizationId, ResourceId};

use super::connections::by_id;
use super::{Administration, AdministrationError};

pub use crate::db::request_log::{RequestRow, Shown};

impl Administration {
    /// The requests of a connection before `before`, newest first, at most `limit`.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`].
    pub fn request_log(
        &self,
        organization: OrganizationId,
        connection: ConnectionId,
        shown: Shown,
        before: ResourceId,
        limit: i64,
    ) -> Result<Vec<RequestRow>, AdministrationError> {
        self.live.settle_request_log();
        self.live.read(|tx| {
            by_id(tx, organization, connection)?;
            Ok(request_log::before(tx, organization, connection, shown, before, limit)?)
        })
    }

    /// How many reads of a connection succeeded in each minute (counted from 1970) before `before`, newest first, at
    /// most `limit`.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`].
    pub fn reads(
        &self,
        organization: OrganizationId,
        connection: ConnectionId,
        before: i64,
        limit: i64,
    ) -> Result<Vec<(i64, i64)>, AdministrationError> {
        self.live.settle_request_log();
        self.live.read(|tx| {
            by_id(tx, organization, connection)?;
            Ok(request_log::reads(tx, organization, connection, before, limit)?)
        })
    }

    /// What was seen of the connections of an organization; those never heard of are left out.
    ///
    /// # Errors
    /// [`AdministrationError::Database`].
    pub fn activities(
        &self,
        organization: OrganizationId,
    ) -> Result<HashMap<ConnectionId, Activity>, AdministrationError> {
        self.live.settle_request_log();
        Ok(self.live.read(|tx| request_log::activities(tx, organization))?)
    }

    /// How a connection fares.
    pub fn health(&self, connection: &Connection, activity: Option<&Activity>) -> Health {
        Health::of(connection.profile, connection.paused, activity, self.clock.now())
    }

    /// How many connections of the deployment fare how, by [`Health::as_str`].
    ///
    /// # Errors
    /// [`AdministrationError::Database`].
    pub fn healths(&self) -> Result<BTreeMap<&'static str, i64>, AdministrationError> {
        let mut counts: BTreeMap<&'static str, i64> = Health::WORDS.into_iter().map(|word| (word, 0)).collect();
        for (profile, paused, activity) in self.live.read(request_log::everywhere)? {
            let word = Health::of(profile, paused, activity.as_ref(), self.clock.now()).as_str();
            let count = counts.entry(word).or_default();
            *count = count.saturating_add(1);
        }
        Ok(counts)
    }
}
