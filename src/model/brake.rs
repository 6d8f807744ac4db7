//! The mass-change brake: how many people may leave over a connection, within which time, before somebody looks at it.

use std::collections::{HashMap, VecDeque};

use super::{Moment, UserId};

/// Nobody is alarmed by fewer than this.
pub const LEAST_PEOPLE: i64 = 50;
/// Minutes of a week.
pub const MOST_MINUTES: i64 = 7 * 24 * 60;
const MINUTE_MICROS: i64 = 60 * 1_000_000;

/// When a brake fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Brake {
    share: i64,
    least: i64,
    minutes: i64,
}

/// Why there is no such brake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BrakeError {
    /// Not a share.
    #[error("the share must be from 1 to 100 percent of the organization's people")]
    Share,
    /// Too few people.
    #[error("a brake fires at {LEAST_PEOPLE} people at least; say how many, from {LEAST_PEOPLE} on")]
    Least,
    /// Not a time.
    #[error("the time must be from 1 to {MOST_MINUTES} minutes")]
    Minutes,
}

/// Once that a brake fires, or would have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Firing {
    /// When.
    pub at: Moment,
    /// How many people had left by then.
    pub people: i64,
    /// Of how many.
    pub population: i64,
}

/// Somebody who left, as the brake sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Departure {
    /// When.
    pub at: Moment,
    /// Who; the same person counts once.
    pub user: UserId,
    /// Whether the person was deleted and so is not among the people any more.
    pub deleted: bool,
}

impl Brake {
    /// Fires when more than `share` percent of the people, and at least `least` of them, leave within `minutes`.
    ///
    /// # Errors
    /// [`BrakeError`].
    pub const fn new(share: i64, least: i64, minutes: i64) -> Result<Self, BrakeError> {
        if share < 1 || share > 100 {
            return Err(BrakeError::Share);
        }
        if least < LEAST_PEOPLE {
            return Err(BrakeError::Least);
        }
        if minutes < 1 || minutes > MOST_MINUTES {
            return Err(BrakeError::Minutes);
        }
        Ok(Self { share, least, minutes })
    }

    /// Percent of the people.
    pub const fn share(self) -> i64 {
        self.share
    }

    /// People.
    pub const fn least(self) -> i64 {
        self.least
    }

    /// Minutes.
    pub const fn minutes(self) -> i64 {
        self.minutes
    }

    /// Since when people are counted who leave until `now`.
    pub const fn since(self, now: Moment) -> Moment {
        now.plus_micros(self.minutes.saturating_mul(MINUTE_MICROS).saturating_neg())
    }

    /// Whether so many of so many are too many.
    pub const fn fires(self, people: i64, population: i64) -> bool {
        people >= self.least && people.saturating_mul(100) > population.saturating_mul(self.share)
    }

    /// When it would have fired, had it been set all the time. `departures` in the order of time; `present`: how many people
    /// there are at the end. Who was deleted by then was there before; who arrived meanwhile is counted as there all the
    /// time, which makes it fire a little later rather than earlier. Having fired it counts anew.
    pub fn rehearse(self, departures: &[Departure], present: i64) -> Vec<Firing> {
        let deleted = departures.iter().filter(|departure| departure.deleted).count();
        let mut population = present.saturating_add(i64::try_from(deleted).unwrap_or(i64::MAX));
        let mut recent: VecDeque<&Departure> = VecDeque::new();
        let mut people: HashMap<UserId, u32> = HashMap::new();
        let mut firings = Vec::new();
        let mut deleted_recently: i64 = 0;
        for departure in departures {
            recent.push_back(departure);
            let times = people.entry(departure.user).or_default();
            *times = times.saturating_add(1);
            deleted_recently = deleted_recently.saturating_add(i64::from(departure.deleted));
            while let Some(first) = recent.front().filter(|first| first.at < self.since(departure.at)) {
                if let Some(times) = people.get_mut(&first.user) {
                    *times = times.saturating_sub(1);
                    if *times == 0 {
                        people.remove(&first.user);
                    }
                }
                population = population.saturating_sub(i64::from(first.deleted));
                deleted_recently = deleted_recently.saturating_sub(i64::from(first.deleted));
                recent.pop_front();
            }
            let count = i64::try_from(people.len()).unwrap_or(i64::MAX);
            if self.fires(count, population) {
                firings.push(Firing { at: departure.at, people: count, population });
                population = population.saturating_sub(deleted_recently);
                (recent, people, deleted_recently) = (VecDeque::new(), HashMap::new(), 0);
            }
        }
        firings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ResourceId;

    fn departure(minute: i64, number: i64, deleted: bool) -> Departure {
        let at = Moment::from_micros(minute * MINUTE_MICROS);
        let user = UserId::from(ResourceId::earliest_at(Moment::from_micros((number + 1) * 1_000)));
        Departure { at, user, deleted }
    }

    #[test]
    fn a_brake_needs_many_people_and_a_large_share_of_them() {
        let brake = Brake::new(20, 50, 10).unwrap();
        assert!(brake.fires(50, 249) && brake.fires(1_000, 1_000));
        assert!(!brake.fires(50, 250), "no more than the share");
        assert!(!brake.fires(49, 49), "too few to be alarmed");
        assert_eq!(Brake::new(0, 50, 10), Err(BrakeError::Share));
        assert_eq!(Brake::new(101, 50, 10), Err(BrakeError::Share));
        assert_eq!(Brake::new(20, 49, 10), Err(BrakeError::Least));
        assert_eq!(Brake::new(20, 50, 0), Err(BrakeError::Minutes));
        assert_eq!(Brake::new(20, 50, MOST_MINUTES + 1), Err(BrakeError::Minutes));
    }

    #[test]
    fn a_rehearsal_counts_each_burst_once_and_no_trickle() {
        let brake = Brake::new(10, 50, 10).unwrap();
        let trickle: Vec<Departure> = (0..200).map(|i| departure(i, i, false)).collect();
        assert_eq!(brake.rehearse(&trickle, 400), []);
        let mut bursts: Vec<Departure> = (0..60).map(|i| departure(0, i, false)).collect();
        bursts.extend((0..60).map(|i| departure(100, 100 + i, false)));
        let fired = brake.rehearse(&bursts, 400);
        assert_eq!(fired.iter().map(|firing| firing.people).collect::<Vec<_>>(), [50, 50]);
        assert_eq!(fired[1].at, Moment::from_micros(100 * MINUTE_MICROS));
    }

    #[test]
    fn whoever_is_deactivated_and_then_deleted_counts_once() {
        let brake = Brake::new(10, 50, 10).unwrap();
        let twice: Vec<Departure> = (0..30).flat_map(|i| [departure(0, i, false), departure(0, i, true)]).collect();
        assert_eq!(brake.rehearse(&twice, 70), []);
    }

    #[test]
    fn whoever_was_deleted_counts_among_those_who_were_there() {
        let brake = Brake::new(50, 50, 10).unwrap();
        let all: Vec<Departure> = (0..50).map(|i| departure(0, i, true)).collect();
        assert_eq!(brake.rehearse(&all, 50), [], "half of a hundred is no more than half");
        assert_eq!(brake.rehearse(&all, 49), [Firing { at: Moment::from_micros(0), people: 50, population: 99 }]);
    }
}
