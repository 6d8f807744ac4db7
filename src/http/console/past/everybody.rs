//! Who could pass a gate, and how many every gate.

use std::collections::BTreeSet;

use crate::live::AGate;
use crate::model::UserId;

use super::super::fields::Fields;
use super::super::refusal::Refusal;
use super::super::visit::Visit;
use super::{Compared, Dates, Found, PastPage, gates, unjudged};

/// People that are shown of one gate.
const SHOWN: usize = 150;
/// People that are counted for the table of every gate.
const COUNTED: usize = 2_000;

/// A gate, and how many could pass it; nothing where very many could pass those before it.
pub(super) struct GateOfEverybody {
    pub(super) href: String,
    pub(super) permission: String,
    pub(super) scope: String,
    pub(super) counts: Option<Counts>,
}

/// How many could pass a gate, and what differs.
pub(super) struct Counts {
    pub(super) then: usize,
    pub(super) now: usize,
    pub(super) gained: usize,
    pub(super) lost: usize,
}

/// Somebody who could pass a gate at one of the moments, or both.
pub(super) struct PeopleOfGate {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) is_listed: bool,
    pub(super) then: bool,
    pub(super) now: bool,
}

/// Who could pass some gates at the first moment, and at the second.
type Passing = (Vec<BTreeSet<UserId>>, Vec<BTreeSet<UserId>>);

fn passing(visit: &Visit, gates: &[AGate], dates: Dates) -> Result<Passing, Refusal> {
    let (administration, organization) = (visit.administration()?, visit.organization()?);
    let at = |moment| administration.passed_at(organization, gates, moment).map_err(unjudged);
    let then = at(dates.on.0)?.passing;
    let now = if dates.is_now {
        administration.passing_now(organization, gates).map_err(unjudged)?
    } else {
        at(dates.and.0)?.passing
    };
    Ok((then, now))
}

/// Every gate that is watched, with how many could pass, until so many people were looked at.
pub(super) fn of_every_gate(visit: &Visit, page: &PastPage, dates: Dates) -> Result<(String, Compared), Refusal> {
    let (asked, is_cut) = gates(visit)?;
    let address = visit.address("/past")?;
    let (mut lines, mut looked_at) = (Vec::new(), 0_usize);
    for gate in &asked {
        let counts = if looked_at < COUNTED {
            let (then, now) = passing(visit, std::slice::from_ref(gate), dates)?;
            let (then, now) = (then.into_iter().next().unwrap_or_default(), now.into_iter().next().unwrap_or_default());
            looked_at = looked_at.saturating_add(then.len()).saturating_add(now.len());
            let (gained, lost) = (now.difference(&then).count(), then.difference(&now).count());
            Some(Counts { then: then.len(), now: now.len(), gained, lost })
        } else {
            None
        };
        let (permission, scope) = gate;
        let query = [
            ("on", page.on.as_str()),
            ("and", page.and.as_str()),
            ("permission", permission.as_str()),
            ("scope", scope.as_str()),
        ];
        lines.push(GateOfEverybody {
            href: format!("{address}?{}", Fields::default().query_with(&query)),
            permission: permission.to_string(),
            scope: scope.to_string(),
            counts,
        });
    }
    let differs =
        |line: &GateOfEverybody| line.counts.as_ref().is_some_and(|counts| counts.gained > 0 || counts.lost > 0);
    lines.sort_by_key(|line| !differs(line));
    let differences = lines.iter().filter(|line| differs(line)).count();
    let title = format!("Who could pass every gate on {}", dates.on.day());
    Ok((title, Compared { dates, differences, is_cut, found: Found::Gates(lines) }))
}

/// Everybody who could pass one gate, those of whom something differs first.
pub(super) fn of_gate(visit: &Visit, gate: &AGate, dates: Dates) -> Result<(String, Compared), Refusal> {
    let (then, now) = passing(visit, std::slice::from_ref(gate), dates)?;
    let (then, now) = (then.into_iter().next().unwrap_or_default(), now.into_iter().next().unwrap_or_default());
    let (permission, scope) = gate;
    let title = match then.len() {
        0 => format!("Nobody could {permission} at {scope} on {}", dates.on.day()),
        1 => format!("1 person could {permission} at {scope} on {}", dates.on.day()),
        many => format!("{many} people could {permission} at {scope} on {}", dates.on.day()),
    };
    let differing: Vec<UserId> = then.symmetric_difference(&now).copied().collect();
    let differences = differing.len();
    let both = then.intersection(&now).copied();
    let shown: Vec<UserId> = differing.into_iter().chain(both).take(SHOWN).collect();
    let is_cut = then.union(&now).count() > SHOWN;
    let names = visit.administration()?.named_users(visit.organization()?, &shown.iter().copied().collect())?;
    let line = |user: UserId| {
        let named = names.get(&user);
        PeopleOfGate {
            id: user.to_string(),
            name: named.map(|named| named.name.clone()).unwrap_or_default(),
            is_listed: named.is_some_and(|named| named.is_listed),
            then: then.contains(&user),
            now: now.contains(&user),
        }
    };
    let lines = shown.into_iter().map(line).collect();
    Ok((title, Compared { dates, differences, is_cut, found: Found::People(lines) }))
}
