//! When people were last seen, to the hour: what is written is a row a person and hour, however often somebody is seen.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Mutex, PoisonError};

use crate::db::sightings::{self, Sighting};
use crate::db::{Database, DatabaseError};
use crate::model::{OrganizationId, UserId};

use super::Live;

const HOUR: i64 = 3_600 * 1_000_000;

/// Who was seen in the current hour, as far as this server knows.
#[derive(Default)]
struct Seen {
    hour: i64,
    people: HashSet<(OrganizationId, UserId)>,
}

/// Who was seen lately, and is on record as that.
#[derive(Default)]
pub(super) struct Sightings(Mutex<Seen>);

impl Sightings {
    /// Notes people who were seen; whoever is on record for this hour costs nothing. Blocks.
    pub(super) fn note(&self, database: &Database, seen: Vec<Sighting>) -> Result<(), DatabaseError> {
        let new: Vec<Sighting> = self.not_noted(seen).into_iter().collect();
        if new.is_empty() {
            return Ok(());
        }
        let _turn = database.turn_to_write();
        let written = database.read(|tx| sightings::see(tx, &new));
        if written.is_err() {
            let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            for one in &new {
                noted.people.remove(&(one.organization, one.user));
            }
        }
        written
    }

    /// Those who were not seen in this hour before, each once, in the order of the ids.
    fn not_noted(&self, seen: Vec<Sighting>) -> BTreeSet<Sighting> {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut new = BTreeSet::new();
        for one in seen {
            let hour = one.at.as_micros().div_euclid(HOUR);
            if hour > noted.hour {
                noted.hour = hour;
                noted.people.clear();
            }
            if noted.people.insert((one.organization, one.user)) {
                new.insert(one);
            }
        }
        new
    }
}

impl Live {
    /// Notes that somebody was seen here. What cannot be noted is told to the log and forgotten: nothing depends on it.
    /// Blocks.
    pub fn saw(&self, organization: OrganizationId, user: UserId) {
        let seen = vec![Sighting { organization, user, at: self.0.clock.now() }];
        if let Err(error) = self.0.decisions.sightings.note(&self.0.database, seen) {
            tracing::warn!(error = %error, "cannot note who was seen");
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::model::Moment;

    #[test]
    fn who_is_seen_often_is_noted_once_an_hour() {
        let sightings = Sightings::default();
        let seen = |user: u128, at: i64| Sighting {
            organization: OrganizationId::new(Uuid::from_u128(1)),
            user: UserId::new(Uuid::from_u128(user)),
            at: Moment::from_micros(at),
        };
        assert_eq!(sightings.not_noted(vec![seen(7, 10), seen(7, 20), seen(8, 20)]).len(), 2);
        assert!(sightings.not_noted(vec![seen(7, 30), seen(8, HOUR - 1)]).is_empty());
        assert_eq!(sightings.not_noted(vec![seen(7, HOUR)]).len(), 1);
    }
}
