//! A year at the company: what happens on which day, in the order in which it happens.

use super::company::{CONTRACTOR_TEAMS, Company, ENTRA_TEAMS, OKTA_TEAMS, known};
use super::dice::Dice;
use crate::model::Moment;

pub(super) const MINUTE: i64 = 60 * 1_000_000;
pub(super) const HOUR: i64 = 60 * MINUTE;
pub(super) const DAY: i64 = 24 * HOUR;
/// How long the year is.
pub(super) const YEAR: i64 = 365 * DAY;

/// Which of the documents of access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Document {
    AtFirst,
    WithFathom,
    WithContractors,
}

/// Something that happens. People are named by their number, teams by their place in the table of their provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Act {
    /// Okta is connected and sends everybody.
    Okta,
    /// Administrators make groups of their own.
    LocalGroups,
    /// Access becomes as a document says.
    Apply(Document),
    /// Entra ID is connected and sends everybody.
    Entra,
    /// OneLogin is connected and sends everybody.
    OneLogin,
    /// Okta sends somebody new.
    Join(usize),
    /// Somebody goes to another of Okta's teams; whether the old group is left.
    Move(usize, usize, bool),
    /// Somebody leaves.
    Leave(usize),
    /// Entra ID forgets whom it deactivated a month ago.
    Forget(usize),
    /// Somebody may deploy for a while in another's place.
    Cover,
    /// Entra ID looks around and finds everything as it left it.
    Cycle,
    /// OneLogin writes a person who is Okta's by now.
    Refused(usize),
    /// A pipeline asks whether somebody may deploy a project; the first number says who of those it may be.
    Ask(usize, usize),
}

/// Who works there, and what happens when.
pub(super) struct Plan {
    pub company: Company,
    /// Okta's people at the beginning.
    pub first: Vec<usize>,
    /// Entra ID's people.
    pub fathom: Vec<usize>,
    /// OneLogin's people.
    pub contractors: Vec<usize>,
    pub acts: Vec<(Moment, Act)>,
}

/// Joiners, movers and leavers of Okta in the year.
const JOINERS: usize = 59;
const MOVERS: usize = 24;
const LEAVERS: usize = 20;
/// Deployments that pipelines ask about in the last days.
const ASKED: usize = 60;

/// Makes up a year that ends at `ends`.
pub(super) fn plan(dice: &mut Dice, ends: Moment) -> Plan {
    let mut company = Company::new(dice);
    let mut first: Vec<usize> = (0..known::COUNT).filter(|number| *number != known::MEI).collect();
    for team in &OKTA_TEAMS {
        let there = first.iter().filter(|one| company.get(**one).is_some_and(|person| person.group == team.group));
        for _ in there.count()..team.people {
            first.push(company.hire(dice, team));
        }
    }
    let mut hire_all = |teams: &[super::company::Team]| {
        let mut hired = Vec::new();
        for team in teams {
            hired.extend((0..team.people).map(|_| company.hire(dice, team)));
        }
        hired
    };
    let (fathom, contractors) = (hire_all(&ENTRA_TEAMS), hire_all(&CONTRACTOR_TEAMS));
    let joiners: Vec<usize> = (0..JOINERS)
        .map(|_| {
            let team = dice.below(OKTA_TEAMS.len());
            OKTA_TEAMS.get(team).map_or(0, |team| company.hire(dice, team))
        })
        .collect();
    let acts = acts(dice, ends, &first, &fathom, &joiners);
    Plan { company, first, fathom, contractors, acts }
}

fn acts(dice: &mut Dice, ends: Moment, first: &[usize], fathom: &[usize], joiners: &[usize]) -> Vec<(Moment, Act)> {
    let begins = ends.plus_micros(-YEAR);
    let day = |day: i64| begins.plus_micros(day.saturating_mul(DAY));
    let mut acts = vec![
        (day(0).plus_micros(HOUR), Act::Okta),
        (at_work(day(1), 2 * HOUR), Act::LocalGroups),
        (at_work(day(1), 3 * HOUR), Act::Apply(Document::AtFirst)),
        (at_work(day(150), HOUR), Act::Entra),
        (at_work(day(151), 4 * HOUR), Act::Apply(Document::WithFathom)),
        (at_work(day(210), HOUR), Act::OneLogin),
        (at_work(day(211), 4 * HOUR), Act::Apply(Document::WithContractors)),
        (at_work(day(240), 2 * HOUR), Act::Move(known::INES, 7, false)),
        (at_work(day(262), 3 * HOUR), Act::Join(known::MEI)),
        (at_work(day(290), HOUR), Act::Cover),
        (at_work(day(316), 6 * HOUR), Act::Leave(known::LARS)),
        (at_work(day(351), 7 * HOUR), Act::Leave(known::TOMASZ)),
    ];
    let at_some_time = |dice: &mut Dice, from: i64, until: i64| {
        let on = begins.plus_micros(dice.between(from.saturating_mul(DAY), until.saturating_mul(DAY)));
        at_work(on, dice.between(0, 8 * HOUR))
    };
    let (last, others) = joiners.split_last().map_or((0, joiners), |(last, others)| (*last, others));
    for joiner in others {
        acts.push((at_some_time(dice, 5, 360), Act::Join(*joiner)));
    }
    let mut ordinary: Vec<usize> = first.iter().copied().filter(|one| *one >= known::COUNT).collect();
    for _ in 0..MOVERS {
        let mover = ordinary.swap_remove(dice.below(ordinary.len()));
        let team = dice.below(OKTA_TEAMS.len());
        acts.push((at_some_time(dice, 20, 360), Act::Move(mover, team, true)));
    }
    for _ in 0..LEAVERS {
        let leaver = ordinary.swap_remove(dice.below(ordinary.len()));
        acts.push((at_some_time(dice, 20, 360), Act::Leave(leaver)));
    }
    if let [one, other, ..] = fathom {
        let left = at_some_time(dice, 180, 240);
        acts.push((left, Act::Leave(*one)));
        acts.push((left.plus_micros(30 * DAY), Act::Forget(*one)));
        acts.push((at_some_time(dice, 340, 355), Act::Leave(*other)));
    }
    // A cycle every 40 minutes, until three days ago.
    acts.extend((0..144).map(|cycle: i64| (ends.plus_micros(-3 * DAY - cycle * 40 * MINUTE), Act::Cycle)));
    acts.extend((0..9).map(|time| {
        let minutes = 166_i64.saturating_sub(20_i64.saturating_mul(i64::try_from(time).unwrap_or_default()));
        (ends.plus_micros(-minutes * MINUTE), Act::Refused(time))
    }));
    acts.push((ends.plus_micros(-12 * MINUTE), Act::Join(last)));
    for _ in 0..ASKED {
        // The last project, the warehouse, releases on its own.
        let project = dice.below(super::access::PROJECTS.len().saturating_sub(1));
        let at = at_some_time(dice, 348, 360);
        acts.push((at, Act::Ask(dice.below(1_000), project)));
    }
    acts.sort();
    acts
}

/// That day, or the Monday after it, so long after eight in the morning.
fn at_work(on: Moment, after_eight: i64) -> Moment {
    let days = on.as_micros().div_euclid(DAY);
    // 1970-01-01 was a Thursday; 0 is Monday.
    let later = match days.saturating_add(3).rem_euclid(7) {
        5 => 2,
        6 => 1,
        _ => 0,
    };
    let morning = days.saturating_add(later).saturating_mul(DAY).saturating_add(8 * HOUR);
    Moment::from_micros(morning.saturating_add(after_eight))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_happens_within_the_year_in_its_order_and_repeats_under_its_seed() {
        let ends = Moment::from_micros(1_790_000_000_000_000);
        let plan = |seed| plan(&mut Dice::new(seed), ends);
        let one = plan(1);
        assert_eq!(one.acts, plan(1).acts);
        assert_ne!(one.acts, plan(2).acts);
        assert!(one.acts.is_sorted());
        // On whatever day of the week it is told.
        for day in 0..7 {
            let ends = ends.plus_micros(day * DAY);
            let told = super::plan(&mut Dice::new(1), ends);
            assert!(told.acts.iter().all(|(at, _)| *at > ends.plus_micros(-YEAR) && *at < ends), "{day}");
        }
    }

    #[test]
    fn nobody_joins_or_leaves_on_a_weekend() {
        let saturday = Moment::from_micros(2 * DAY);
        assert_eq!(at_work(saturday, HOUR), Moment::from_micros(4 * DAY + 9 * HOUR));
        assert_eq!(at_work(Moment::from_micros(0), 0), Moment::from_micros(8 * HOUR));
    }
}
