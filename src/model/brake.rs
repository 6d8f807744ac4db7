//! The mass-change brake: how many people may leave over a connection, within which time, before somebody looks at it.

use std::collections::{HashMap, VecDeque};

use super::{Moment, ResourceId};

/// Nobody is alarmed by fewer people and groups than this.
pub const LEAST_OBJECTS: i64 = 50;
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
    #[error("the share must be from 1 to 100 percent")]
    Share,
    /// Too few people.
    #[error("a brake fires at {LEAST_OBJECTS} people and groups at least; say how many, from {LEAST_OBJECTS} on")]
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
    /// How many groups had been deleted by then.
    pub groups: i64,
}

/// Something that went, as the brake sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Departure {
    /// When.
    pub at: Moment,
    /// What; the same person or group counts once.
    pub id: ResourceId,
    /// Whether it is a group, else a person.
    pub is_group: bool,
    /// Whether it was deleted and so is not among the others any more.
    pub deleted: bool,
}

/// So many of so many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Part {
    /// How many went.
    pub gone: i64,
    /// Of how many there were.
    pub of: i64,
}

impl Brake {
    /// Fires when at least `least` people and groups go within `minutes`, and among them more than `share` percent of the
    /// organization's people or of the connection's groups.
    ///
    /// # Errors
    /// [`BrakeError`].
    pub const fn new(share: i64, least: i64, minutes: i64) -> Result<Self, BrakeError> {
        if share < 1 || share > 100 {
            return Err(BrakeError::Share);
        }
        if least < LEAST_OBJECTS {
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

    /// People and groups together.
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

    /// Whether so many of the people and of the groups are too many.
    pub const fn fires(self, people: Part, groups: Part) -> bool {
        let enough = people.gone.saturating_add(groups.gone) >= self.least;
        enough && (self.is_exceeded_by(people) || self.is_exceeded_by(groups))
    }

    const fn is_exceeded_by(self, part: Part) -> bool {
        part.gone.saturating_mul(100) > part.of.saturating_mul(self.share)
    }

    /// When it would have fired, had it been set all the time. `departures` in the order of time; `people` and `groups`: how
    /// many there are at the end. What was deleted by then was there before; what arrived meanwhile is counted as there all
    /// the time, which makes it fire a little later rather than earlier. Having fired it counts anew.
    pub fn rehearse(self, departures: &[Departure], people: i64, groups: i64) -> Vec<Firing> {
        let mut sides =
            Sides { people: Side::new(departures, false, people), groups: Side::new(departures, true, groups) };
        let mut recent: VecDeque<&Departure> = VecDeque::new();
        let mut firings = Vec::new();
        for departure in departures {
            recent.push_back(departure);
            sides.of(departure).goes(departure);
            while let Some(first) = recent.front().filter(|first| first.at < self.since(departure.at)) {
                sides.of(first).is_past(first);
                recent.pop_front();
            }
            let (people, groups) = (sides.people.part(), sides.groups.part());
            if self.fires(people, groups) {
                let at = departure.at;
                firings.push(Firing { at, people: people.gone, population: people.of, groups: groups.gone });
                recent.clear();
                sides.people.begin_anew();
                sides.groups.begin_anew();
            }
        }
        firings
    }
}

/// People and groups, counted apart.
struct Sides {
    people: Side,
    groups: Side,
}

impl Sides {
    const fn of(&mut self, departure: &Departure) -> &mut Side {
        if departure.is_group { &mut self.groups } else { &mut self.people }
    }
}

/// Those of one kind who went lately.
struct Side {
    of: i64,
    times: HashMap<ResourceId, u32>,
    deleted: i64,
}

impl Side {
    fn new(departures: &[Departure], is_group: bool, present: i64) -> Self {
        let deleted = departures.iter().filter(|one| one.deleted && one.is_group == is_group).count();
        let of = present.saturating_add(i64::try_from(deleted).unwrap_or(i64::MAX));
        Self { of, times: HashMap::new(), deleted: 0 }
    }

    fn goes(&mut self, departure: &Departure) {
        let times = self.times.entry(departure.id).or_default();
        *times = times.saturating_add(1);
        self.deleted = self.deleted.saturating_add(i64::from(departure.deleted));
    }

    fn is_past(&mut self, departure: &Departure) {
        if let Some(times) = self.times.get_mut(&departure.id) {
            *times = times.saturating_sub(1);
            if *times == 0 {
                self.times.remove(&departure.id);
            }
        }
        self.of = self.of.saturating_sub(i64::from(departure.deleted));
        self.deleted = self.deleted.saturating_sub(i64::from(departure.deleted));
    }

    fn part(&self) -> Part {
        Part { gone: i64::try_from(self.times.len()).unwrap_or(i64::MAX), of: self.of }
    }

    fn begin_anew(&mut self) {
        self.of = self.of.saturating_sub(self.deleted);
        self.times.clear();
        self.deleted = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Part = Part { gone: 0, of: 0 };

    fn part(gone: i64, of: i64) -> Part {
        Part { gone, of }
    }

    fn departure(minute: i64, number: i64, deleted: bool) -> Departure {
        let at = Moment::from_micros(minute * MINUTE_MICROS);
        let id = ResourceId::earliest_at(Moment::from_micros((number + 1) * 1_000));
        Departure { at, id, is_group: false, deleted }
    }

    fn group(minute: i64, number: i64) -> Departure {
        Departure { is_group: true, ..departure(minute, number, true) }
    }

    #[test]
    fn a_brake_needs_many_people_and_a_large_share_of_them() {
        let brake = Brake::new(20, 50, 10).unwrap();
        assert!(brake.fires(part(50, 249), NONE) && brake.fires(part(1_000, 1_000), NONE));
        assert!(!brake.fires(part(50, 250), NONE), "no more than the share");
        assert!(!brake.fires(part(49, 49), NONE), "too few to be alarmed");
        assert!(
            brake.fires(NONE, part(50, 60)) && brake.fires(part(20, 1_000), part(30, 30)),
            "groups count as people do"
        );
        assert!(!brake.fires(part(49, 1_000), part(49, 1_000)), "a small part of either");
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
        assert_eq!(brake.rehearse(&trickle, 400, 0), []);
        let mut bursts: Vec<Departure> = (0..60).map(|i| departure(0, i, false)).collect();
        bursts.extend((0..60).map(|i| departure(100, 100 + i, false)));
        let fired = brake.rehearse(&bursts, 400, 0);
        assert_eq!(fired.iter().map(|firing| firing.people).collect::<Vec<_>>(), [50, 50]);
        assert_eq!(fired[1].at, Moment::from_micros(100 * MINUTE_MICROS));
    }

    #[test]
    fn whoever_is_deactivated_and_then_deleted_counts_once() {
        let brake = Brake::new(10, 50, 10).unwrap();
        let twice: Vec<Departure> = (0..30).flat_map(|i| [departure(0, i, false), departure(0, i, true)]).collect();
        assert_eq!(brake.rehearse(&twice, 70, 0), []);
    }

    #[test]
    fn whoever_was_deleted_counts_among_those_who_were_there() {
        let brake = Brake::new(50, 50, 10).unwrap();
        let all: Vec<Departure> = (0..50).map(|i| departure(0, i, true)).collect();
        assert_eq!(brake.rehearse(&all, 50, 0), [], "half of a hundred is no more than half");
        assert_eq!(
            brake.rehearse(&all, 49, 0),
            [Firing { at: Moment::from_micros(0), people: 50, population: 99, groups: 0 }]
        );
    }

    #[test]
    fn groups_that_are_deleted_at_once_are_a_burst_too() {
        let brake = Brake::new(50, 50, 10).unwrap();
        let groups: Vec<Departure> = (0..50).map(|i| group(0, i)).collect();
        let fired = brake.rehearse(&groups, 10_000, 10);
        assert_eq!(fired, [Firing { at: Moment::from_micros(0), people: 0, population: 10_000, groups: 50 }]);
        assert_eq!(brake.rehearse(&groups, 10_000, 50), [], "half of a hundred is no more than half");
    }
}
